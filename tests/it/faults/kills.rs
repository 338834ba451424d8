//! kill -9 at every call that changes something, and what the next start makes of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::stage::{Controller, PATIENCE, Stage, signal_process};
use crate::proxy::{Effect, Fault};

/// When, seen from AWS.
#[derive(Clone, Copy, Debug)]
enum When {
    /// The call has not arrived.
    Before,
    /// It is done, and the answer has not arrived.
    After,
}

/// Starts a controller that will be killed at its k-th write, and `begins` what makes it write. `None`: it ended
/// before the k-th.
async fn killed_at(
    stage: &Stage,
    k: usize,
    when: When,
    begin: impl AsyncFnOnce(),
    rests: impl AsyncFn() -> bool,
) -> bool {
    let killed = Arc::new(AtomicBool::new(false));
    let controller = stage.start();
    let hook = {
        let (killed, pid) = (Arc::clone(&killed), controller.pid());
        Arc::new(move |_: &crate::proxy::Call| {
            signal_process(pid, "KILL");
            killed.store(true, Ordering::SeqCst);
        })
    };
    let effect = match when {
        When::Before => Effect::SeverBefore(hook),
        When::After => Effect::SeverAfter(hook),
    };
    let fault = stage.proxy.inject(Fault::on_writes(effect).after(k - 1).times(1));
    begin().await;
    let began = Instant::now();
    while !killed.load(Ordering::SeqCst) && !rests().await {
        assert!(began.elapsed() < PATIENCE, "neither killed nor at rest:\n{}", stage.proxy.calls().writes());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    controller.kill();
    stage.proxy.lift(fault);
    stage.proxy.restore();
    killed.load(Ordering::SeqCst)
}

/// Lets a new controller end it, and looks at what comes of it.
async fn recovers(stage: &Stage, ports: &[u16], when: &str) -> Controller {
    let controller = stage.start();
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(ports), when).await;
    let mark = stage.proxy.mark();
    let reads = || stage.proxy.since(mark).of("DescribeSecurityGroupRules").len();
    while reads() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.proxy.since(mark).assert_no_writes();
    controller
}

const AT_REST: &str = "neither a rule nor the binding is left";

/// Whether a run is in sync with a generation that is at least this.
async fn in_sync(stage: &Stage, generation: i64) -> bool {
    let Some(binding) = stage.bindings.get_opt("shop").await.expect("an answer") else { return false };
    if binding.metadata.generation < Some(generation) {
        return false;
    }
    stage.condition("shop", "InSync").await["status"] == "True"
        && stage.condition("shop", "Ready").await["status"] == "True"
}

/// Whoever comes next, or deletes the binding before, knows where rules may be.
async fn assert_recorded(stage: &Stage) {
    let told = stage.status("shop").await;
    assert!(told["finalizers"].as_array().is_some_and(|names| !names.is_empty()), "before the first write: {told:#}");
    let groups = told["status"]["securityGroups"].to_string();
    for write in stage.proxy.calls().writes().0.iter().filter_map(crate::proxy::Call::group) {
        assert!(groups.contains(write), "{write} was written and is not in {groups}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_killed_at_every_write() {
    let stage = Stage::new().await;
    let spec = stage.spec(&[8000, 8001]);
    let mut points = 0;
    for when in [When::Before, When::After] {
        for k in 1.. {
            let mark = stage.proxy.mark();
            let begin = async || stage.create("shop", &spec).await;
            let killed = killed_at(&stage, k, when, begin, async || in_sync(&stage, 1).await).await;
            points += usize::from(killed);
            assert_recorded(&stage).await;
            let controller = recovers(&stage, &[8000, 8001], &format!("killed {when:?} write {k}")).await;
            assert!(stage.proxy.since(mark).revokes().is_empty(), "nothing was to be taken");
            stage.delete("shop").await;
            stage.until_gone("shop").await;
            stage.assert_rules(vec![], AT_REST).await;
            drop(controller);
            if !killed {
                break;
            }
        }
    }
    eprintln!("kill points of a creation: {points}");
    assert!(points >= 8, "{points}: each direction of each group is a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn port_change_killed_at_every_write() {
    let stage = Stage::new().await;
    stage.create("shop", &stage.spec(&[8000])).await;
    drop(recovers(&stage, &[8000], "at first").await);
    let (mut from, mut to, mut points) = (8000, 8001, 0);
    for when in [When::Before, When::After] {
        for k in 1.. {
            let mark = stage.proxy.mark();
            let generation = stage.bindings.get("shop").await.unwrap().metadata.generation.unwrap() + 1;
            let begin = async || {
                let part = json!({"targetGroups": stage.spec(&[to])["targetGroups"]});
                stage.patch("shop", &part).await;
            };
            let killed = killed_at(&stage, k, when, begin, async || in_sync(&stage, generation).await).await;
            points += usize::from(killed);
            let name = format!("{from} to {to}, killed {when:?} write {k}");
            drop(recovers(&stage, &[to], &name).await);
            stage.proxy.since(mark).assert_made_before_taken();
            (from, to) = (to, from);
            if !killed {
                break;
            }
        }
    }
    eprintln!("kill points of a port change: {points}");
    assert!(points >= 8, "{points}: two calls make and two take");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_killed_at_every_write() {
    let stage = Stage::new().await;
    let mut points = 0;
    for when in [When::Before, When::After] {
        for k in 1.. {
            stage.create("shop", &stage.spec(&[8000])).await;
            drop(recovers(&stage, &[8000], "before the deletion").await);
            let begin = async || stage.delete("shop").await;
            let gone = async || stage.bindings.get_opt("shop").await.expect("an answer").is_none();
            let killed = killed_at(&stage, k, when, begin, gone).await;
            points += usize::from(killed);
            assert_eq!(gone().await, !killed, "the finalizer stays as long as rules may");
            let controller = stage.start();
            stage.until_gone("shop").await;
            stage.assert_rules(vec![], &format!("killed {when:?} write {k} of the deletion")).await;
            drop(controller);
            if !killed {
                break;
            }
        }
    }
    eprintln!("kill points of a deletion: {points}");
    assert!(points >= 8, "{points}: each direction of each group is a call");
}
