//! Every fault at every call of an apply: a crash, a lost answer, a refusal, a call that hangs or comes late. Another apply
//! ends what was begun, and at no time is a rule absent that is still needed, or one there that nobody asked for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rstest::rstest;
use sgbind::once::Asked;
use sgbind_sim::{CallSite, Fault};

use super::operator::{Ended, Operator};
use crate::simulation::scenarios::{self, Act, Scenario};
use crate::simulation::{Stage, in_virtual_time, rules, these, worth_a_fault};

/// Longer than a call can be late.
const LATE: Duration = Duration::from_secs(60);
/// So many applies end whatever was begun.
const TRIES: usize = 3;

#[rstest]
#[case::creation(&scenarios::CREATION)]
#[case::change_of_ports(&scenarios::CHANGE_OF_PORTS)]
#[case::move_between_groups(&scenarios::MOVE_BETWEEN_GROUPS)]
#[case::deletion(&scenarios::DELETION)]
#[case::foreign_rules_taken_away(&scenarios::FOREIGN_RULES_TAKEN_AWAY)]
#[case::drift(&scenarios::DRIFT)]
#[case::load_balancer_of_an_ingress_replaced(&scenarios::LOAD_BALANCER_OF_AN_INGRESS_REPLACED)]
#[case::access_moves(&scenarios::ACCESS_MOVES)]
fn every_fault_at_every_call(#[case] scenario: &'static Scenario) {
    let began = Instant::now();
    let calm = play(scenario, None).unwrap_or_else(|what| panic!("without a fault: {what}"));
    let (mut runs, mut failures) = (0, Vec::new());
    for site in worth_a_fault(&calm) {
        // What ends at a read ends as if before the next write.
        let faults: &[Fault] = if calm[site].changes { &Fault::ALL } else { &[Fault::Refused, Fault::Hung] };
        for fault in faults.iter().copied() {
            runs += 1;
            if let Err(what) = play(scenario, Some((site, fault))) {
                failures.push(format!("{fault:?} at call {site} ({}): {what}", calm[site].what));
            }
        }
    }
    println!("{}: {runs} runs in {:.1} s", scenario.name, began.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "{} of {runs} runs failed:\n{}", failures.len(), failures.join("\n"));
}

/// Plays it once, with a fault at the call of this number. Tells the calls.
fn play(scenario: &'static Scenario, at: Option<(usize, Fault)>) -> Result<Vec<CallSite>, String> {
    in_virtual_time(async move {
        let stage = Stage::with(1, (scenario.estate)()).await;
        let given = operator(&stage, scenario, "before").await;
        let before = given.apply(&given.files(scenario.given)).await;
        expect(&stage, scenario.before, &before)?;
        if let Act::Aws(act) = scenario.act {
            act(&stage.world).await;
        }
        let first = operator(&stage, scenario, "first").await;
        let broken = watch(&stage, scenario, &first);
        let begun = first.process.sites().len();
        at.iter().for_each(|(number, fault)| first.process.inject(begun + number, *fault));
        let objects = first.files(&objects(scenario));
        let mut ended = apply(&first, &objects).await;
        let calls = first.process.sites().split_off(begun);
        for number in 0..TRIES {
            match &ended {
                Some(ended) if ended.is_well() => {
                    expect(&stage, scenario.after, ended)?;
                    break;
                }
                _ if number + 1 == TRIES => return Err(format!("it does not end: {ended:#?}")),
                _ => {}
            }
            tokio::time::sleep(LATE).await;
            let next = operator(&stage, scenario, "next").await;
            next.process.observe({
                let broken = broken.clone();
                let look = look(&stage, scenario);
                move |site| broken.lock().expect("no panic").extend(look(site))
            });
            ended = apply(&next, &objects).await;
        }
        let broken = broken.lock().expect("no panic").clone();
        if !broken.is_empty() {
            return Err(format!("what must never be so was: {broken:#?}"));
        }
        rests(&stage, scenario, &objects).await?;
        Ok(calls)
    })
}

async fn operator<'a>(stage: &'a Stage, scenario: &Scenario, name: &str) -> Operator<'a> {
    let operator = Operator::new(stage, name).await;
    if matches!(scenario.act, Act::Delete(_)) { operator.pruning() } else { operator }
}

/// The objects as the files have them after somebody has acted.
fn objects(scenario: &'static Scenario) -> Vec<(&'static str, &'static str)> {
    let mut objects: Vec<_> = scenario.given.to_vec();
    match scenario.act {
        Act::Apply(name, spec) => {
            objects.retain(|(other, _)| *other != name);
            objects.push((name, spec));
        }
        Act::Delete(name) => objects.retain(|(other, _)| *other != name),
        Act::Aws(_) | Act::Restart => {}
    }
    objects
}

/// `None`: the process ended in the midst of it.
async fn apply(operator: &Operator<'_>, objects: &[Asked]) -> Option<Ended> {
    tokio::select! {
        biased;
        () = operator.process.crashed() => None,
        ended = operator.apply(objects) => Some(ended),
    }
}

fn expect(stage: &Stage, expected: &[&str], ended: &Ended) -> Result<(), String> {
    if stage.rules() == these(expected) { Ok(()) } else { Err(format!("{:#?} after {ended:#?}", stage.rules())) }
}

/// Whoever looks again finds nothing to do, and writes nothing.
async fn rests(stage: &Stage, scenario: &Scenario, objects: &[Asked]) -> Result<(), String> {
    let last = operator(stage, scenario, "last").await;
    let ended = last.apply(objects).await;
    let writes = stage.writes(&last.process);
    if ended.is_well() && writes.is_empty() { Ok(()) } else { Err(format!("at rest: {writes:#?} {ended:#?}")) }
}

type Broken = Arc<Mutex<Vec<String>>>;

/// Notes after each write what must never be so.
fn watch(stage: &Stage, scenario: &Scenario, operator: &Operator<'_>) -> Broken {
    let broken = Broken::default();
    let (look, noted) = (look(stage, scenario), broken.clone());
    operator.process.observe(move |site| noted.lock().expect("no panic").extend(look(site)));
    broken
}

fn look(stage: &Stage, scenario: &Scenario) -> impl Fn(&CallSite) -> Vec<String> + Send + Sync + 'static {
    let (before, after) = (stage.rules(), these(scenario.after));
    let needed = scenario.before.iter().map(|rule| (*rule).to_owned()).collect::<BTreeSet<_>>();
    let kept: BTreeSet<String> = before.intersection(&after).cloned().collect();
    let (aws, names) = (stage.simulation.aws.clone(), stage.world.names());
    let namespace = stage.world.namespace().to_owned();
    move |site| {
        let named = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));
        let rules = rules::all(&aws, &|text| named(text).replace(&namespace, "team"));
        let absent = kept.difference(&rules).map(|rule| format!("{}: absent: {rule}", site.what));
        let possible = |rule: &&String| !before.contains(*rule) && !after.contains(*rule) && !needed.contains(*rule);
        let extra = rules.iter().filter(possible).map(|rule| format!("{}: nobody asks for {rule}", site.what));
        let unmade = after.difference(&rules).next();
        let taken = before.difference(&rules).filter(|rule| !after.contains(*rule));
        let early =
            taken.filter(|_| unmade.is_some()).map(|rule| format!("{}: {rule} went before {unmade:?} came", site.what));
        absent.chain(extra).chain(early).collect()
    }
}
