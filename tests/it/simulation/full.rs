//! Swaps in a full group, with every fault at every call: what is needed is let in all the time, but for a gap that a
//! person has permitted, and nothing is lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use sgbind_sim::aws::Scope;
use sgbind_sim::{CallSite, Fault, Process};
use tokio::time::sleep;

use super::rules;
use super::run::{At, in_virtual_time};
use super::stage::{Stage, supervise};
use super::sweep::worth_a_fault;
use crate::world::{aws, estate, group};

/// Within this time all that a fault has done is undone.
const RECOVERY: Duration = Duration::from_secs(600);

/// A swap of one network for a narrower one.
#[derive(Debug)]
struct Swap {
    /// Rules that fit.
    limit: u32,
    ports: &'static [u16],
    /// Whether a gap is permitted.
    token: bool,
}

impl Swap {
    fn spec(&self, network: &str) -> String {
        let port = |port: &u16| format!("{{protocol: TCP, port: {port}}}");
        let ports: Vec<String> = self.ports.iter().map(port).collect();
        let ports = ports.join(", ");
        format!("{{securityGroup: {{id: $DB-SG}}, ingress: [{{ports: [{ports}], from: [{{cidr: {network}}}]}}]}}")
    }

    fn rules(&self, network: &str) -> BTreeSet<String> {
        self.ports.iter().map(|port| rule(*port, network)).collect()
    }

    /// Ports that are closed to whom they are to be open.
    fn closed(&self, rules: &BTreeSet<String>) -> Vec<u16> {
        let open = |port: u16| rules.contains(&rule(port, WIDE)) || rules.contains(&rule(port, NARROW));
        self.ports.iter().copied().filter(|port| !open(*port)).collect()
    }
}

const WIDE: &str = "10.0.0.0/8";
const NARROW: &str = "10.1.0.0/16";

fn rule(port: u16, network: &str) -> String {
    format!("DB-SG in tcp {port} <- {network}")
}

/// Calls, each with the rules that were there then.
type Moments = Arc<Mutex<Vec<(CallSite, BTreeSet<String>)>>>;

/// Plays it with faults, counted from when somebody acts. Tells the calls, and whether the swap was made.
async fn play(swap: &Swap, faults: &[At]) -> Result<(Vec<CallSite>, bool), String> {
    let stage = Stage::with(1, estate().group(group("DB-SG"))).await;
    let home = Scope { account: aws::ACCOUNT.into(), region: aws::REGION.into() };
    stage.simulation.aws.world().set_rules_per_group(&home, swap.limit);
    let controller = stage.start("first");
    stage.world.apply("sga/db", &swap.spec(WIDE)).await;
    let is_ready = |stage: &Stage| stage.condition("sga/db", "Ready").as_deref() == Some("Ready=True InSync");
    stage.until(RECOVERY, is_ready).await.ok_or("it does not begin")?;
    sleep(Duration::from_secs(5)).await;
    let annotations = if swap.token { json!({"sgbind.dev/allow-gap": "once"}) } else { json!({}) };
    stage.world.apply_annotated("sga/db", annotations, &swap.spec(NARROW)).await;
    let begun = controller.process.sites().len();
    faults.iter().for_each(|(number, fault)| controller.process.inject(begun + number, *fault));
    let first = controller.process.clone();
    let moments: Moments = Arc::default();
    let watch = |process: &Process| {
        let (seen, aws, names) = (Arc::clone(&moments), stage.simulation.aws.clone(), stage.world.names());
        process.observe(move |site| {
            let named = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));
            seen.lock().expect("no panic while it is held").push((site.clone(), rules::all(&aws, &named)));
        });
    };
    watch(&first);
    let waits = |stage: &Stage| {
        let taken = stage.object("sga/db").is_some_and(|it| it["status"]["acknowledged"]["allowGap"] == "once");
        taken && stage.condition("sga/db", "Ready").as_deref() == Some("Ready=False Held")
    };
    let ending = async {
        let is_made = |stage: &Stage| is_ready(stage) && stage.rules() == swap.rules(NARROW);
        // It may wait for a moment before the gap is made, too.
        let came = stage.until(RECOVERY, is_made).await;
        let calls = first.sites().split_off(begun);
        sleep(Duration::from_secs(130)).await;
        match came {
            Some(_) if is_made(&stage) => Ok((calls, true)),
            None if waits(&stage) && stage.rules() == swap.rules(WIDE) => Ok((calls, false)),
            _ => Err(format!("{:#?}\n{:#?}", stage.rules(), stage.object("sga/db"))),
        }
    };
    let ended = tokio::select! {
        biased;
        ended = ending => ended?,
        () = supervise(&stage, controller, &watch) => unreachable!("it runs for ever"),
    };
    let moments = moments.lock().expect("no panic while it is held");
    let most = if swap.token { 1 } else { 0 };
    match moments.iter().find(|(_, rules)| swap.closed(rules).len() > most) {
        Some((site, rules)) => Err(format!("after {site:?}: closed are {:?}: {rules:#?}", swap.closed(rules))),
        None => Ok(ended),
    }
}

#[rstest]
#[case::rule_by_rule(Swap { limit: 3, ports: &[1, 2], token: false })]
#[case::with_a_gap(Swap { limit: 1, ports: &[1], token: true })]
fn every_fault_at_every_call(#[case] swap: Swap) {
    let in_time = |faults: &[At]| in_virtual_time(play(&swap, faults));
    let (calls, made) = in_time(&[]).unwrap_or_else(|what| panic!("without a fault: {what}"));
    assert!(made);
    let (mut failures, mut unmade) = (Vec::new(), Vec::new());
    for site in worth_a_fault(&calls) {
        for fault in Fault::at(&calls[site]) {
            match in_time(&[(site, fault)]) {
                Ok((_, true)) => {}
                // The token may have acted.
                Ok((_, false)) if fault.is_crash() => unmade.push((site, fault)),
                Ok((_, false)) => {
                    failures.push(format!("{fault:?} at {site} ({}): it waits for another token", calls[site].what));
                }
                Err(what) => failures.push(format!("{fault:?} at {site} ({}): {what}", calls[site].what)),
            }
        }
    }
    assert!(failures.is_empty(), "{} failed: {}", failures.len(), failures.join("\n"));
    assert!(unmade.is_empty() || swap.token, "{unmade:?}");
}
