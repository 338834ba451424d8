//! A leader that was stopped, and goes on with what it had in hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::stage::{Stage, signal_process};
use crate::proxy::{Call, Effect, Fault};

#[tokio::test(flavor = "multi_thread")]
async fn paused_leader_writes_nothing_stale() {
    let stage = Stage::new().await;
    let namespace = format!("--namespace={}", stage.namespace);
    let arguments = ["--leader-election=true", namespace.as_str()];
    let old = stage.start_as("old", &arguments);
    stage.create("shop", &stage.spec(&[8000])).await;
    stage.until_in_sync("shop").await;
    let _new = stage.start_as("new", &arguments);
    // It is stopped when it has made the first of the new rules, with the rest of its plan in hand.
    let (stopped, pid) = (Arc::new(AtomicBool::new(false)), old.pid());
    let stop = {
        let stopped = Arc::clone(&stopped);
        Effect::After(Arc::new(move |_| {
            signal_process(pid, "STOP");
            stopped.store(true, Ordering::SeqCst);
        }))
    };
    stage.proxy.inject(Fault::when(|call| call.caller == "old" && call.is_authorize(), stop).times(1));
    stage.set_ports(&[8001]).await;
    while !stopped.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.set_ports(&[8002]).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8002]), "by the new leader").await;
    let mark = stage.proxy.mark();
    old.signal("CONT");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let stale = stage.proxy.since(mark).writes().only(|call: &Call| call.caller == "old");
    assert!(stale.is_empty(), "the old leader wrote:\n{stale}");
    stage.proxy.since(mark).assert_no_writes();
    stage.assert_rules(Stage::expected(&[8002]), "after the old one woke").await;
}
