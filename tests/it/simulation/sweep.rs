//! Every fault at every call of every scenario.

use std::collections::BTreeMap;
use std::time::Instant;

use rstest::rstest;
use sgbind_sim::{CallSite, Fault};

use super::run::play;
use super::scenarios::{self, Scenario};

const SEED: u64 = 1;

/// Plays the scenario without a fault, and then once for each of its calls and each fault.
#[rstest]
#[case::creation(&scenarios::CREATION)]
#[case::restart(&scenarios::RESTART)]
#[case::change_of_ports(&scenarios::CHANGE_OF_PORTS)]
#[case::fewer_clients(&scenarios::FEWER_CLIENTS)]
#[case::move_between_groups(&scenarios::MOVE_BETWEEN_GROUPS)]
#[case::deletion(&scenarios::DELETION)]
#[case::deletion_of_one_of_two(&scenarios::DELETION_OF_ONE_OF_TWO)]
#[case::observed_then_enforced(&scenarios::OBSERVED_THEN_ENFORCED)]
#[case::foreign_rules_taken_away(&scenarios::FOREIGN_RULES_TAKEN_AWAY)]
#[case::drift(&scenarios::DRIFT)]
#[case::targets_move(&scenarios::TARGETS_MOVE)]
#[case::load_balancer_of_an_ingress_replaced(&scenarios::LOAD_BALANCER_OF_AN_INGRESS_REPLACED)]
#[case::weights_shift(&scenarios::WEIGHTS_SHIFT)]
#[case::access_moves(&scenarios::ACCESS_MOVES)]
#[case::binding_leaves_an_access(&scenarios::BINDING_LEAVES_AN_ACCESS)]
fn every_fault_at_every_call(#[case] scenario: &'static Scenario) {
    let began = Instant::now();
    let calm = play(scenario, SEED, &[]).unwrap_or_else(|what| panic!("without a fault: {what}"));
    let (sites, mut runs, mut failures) = (worth_a_fault(&calm.calls), 0, Vec::new());
    let writes = sites.iter().filter(|site| calm.calls[**site].changes).count();
    for site in sites.iter().copied() {
        for fault in Fault::at(&calm.calls[site]) {
            runs += 1;
            if let Err(what) = play(scenario, SEED, &[(site, fault)]) {
                failures.push((site, fault, what));
            }
        }
    }
    println!(
        "{}: {writes} writes and {} reads, {runs} runs in {:.1} s; without a fault it took {} s of virtual time",
        scenario.name,
        sites.len() - writes,
        began.elapsed().as_secs_f64(),
        calm.took.as_secs()
    );
    let Some((site, fault, what)) = failures.first() else { return };
    let all: Vec<String> = failures
        .iter()
        .map(|(site, fault, what)| {
            format!(
                "{fault:?} at call {site} ({}): {}",
                calm.calls[*site].what,
                what.lines().next().unwrap_or_default()
            )
        })
        .collect();
    panic!("{} runs failed:\n{}\nthe first, {fault:?} at call {site}: {what}", failures.len(), all.join("\n"));
}

/// Every write, and of reads of one kind the first few: those of later rounds of the same scenario are alike. A renewal of
/// the lease counts as one of a kind, too.
pub fn worth_a_fault(calls: &[CallSite]) -> Vec<usize> {
    const OF_A_KIND: usize = 4;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut worth = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let is_renewal = call.what.starts_with("PUT ") && call.what.contains("/leases/");
        let before = seen.entry(call.what.split('?').next().unwrap_or_default()).or_default();
        *before += 1;
        if (call.changes && !is_renewal) || *before <= OF_A_KIND {
            worth.push(at);
        }
    }
    worth
}
