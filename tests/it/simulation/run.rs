//! One run of a scenario with faults, from an empty world to its end.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sgbind::controller::Settings;
use sgbind_sim::{CallSite, Fault};
use tokio::time::sleep;

use super::oracle::Oracle;
use super::rules;
use super::scenarios::{Act, Scenario};
use super::stage::{Controller, Stage, supervise};

/// Within this time of virtual time all that a fault has done is undone.
const RECOVERY: Duration = Duration::from_secs(2 * 3600);
/// For so long nothing more may happen at the end.
const QUIET: Duration = Duration::from_secs(65);

/// What a run has come to.
#[derive(Debug)]
pub struct Report {
    /// The calls from when somebody acted to when all was as it should be.
    pub calls: Vec<CallSite>,
    /// The virtual time that it took.
    pub took: Duration,
    pub hash: u64,
}

/// A fault at the call of this number, counted from when somebody acts.
pub type At = (usize, Fault);

/// Plays a scenario in a runtime of its own.
///
/// # Errors
/// What was not as it should be, with the end of the trace.
pub fn play(scenario: &'static Scenario, seed: u64, faults: &[At]) -> Result<Report, String> {
    in_virtual_time(async move {
        let stage = Stage::with(seed, (scenario.estate)()).await;
        let mut run = Run { stage: &stage, scenario, oracle: None };
        let report = run.play(faults).await;
        report.map_err(|what| format!("{what}\n{}", run.circumstances(faults)))
    })
}

/// Runs this on a current-thread runtime with a paused clock.
pub fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(work)
}

/// Starts a controller, and waits until the scenario's bindings are in sync and all is as it is when it begins.
///
/// # Errors
/// It did not become so.
pub async fn begin(stage: &Stage, scenario: &Scenario) -> Result<Controller, String> {
    let controller = stage.start_with("first", soon);
    for (name, spec) in scenario.given {
        stage.world.apply(name, spec).await;
    }
    let settled = || scenario.given.iter().all(|(name, _)| is_settled(stage, name));
    let before = rules::these(scenario.before);
    if stage.until(RECOVERY, |stage| settled() && stage.rules() == before).await.is_none() {
        return Err(format!("before anything happened it did not become {before:#?}, but {:#?}", stage.rules()));
    }
    sleep(Duration::from_secs(5)).await;
    Ok(controller)
}

/// Health is watched no longer than checks need: each call of a run is tried with each fault.
pub fn soon(settings: &mut Settings) {
    settings.tightening_watch = Duration::ZERO;
}

struct Run<'a> {
    stage: &'a Stage,
    scenario: &'static Scenario,
    oracle: Option<Oracle>,
}

impl Run<'_> {
    async fn play(&mut self, faults: &[At]) -> Result<Report, String> {
        let (stage, scenario) = (self.stage, self.scenario);
        let mut controller = begin(stage, scenario).await?;
        if matches!(scenario.act, Act::Restart) {
            controller.stop().await;
            controller = stage.start_as(stage.simulation.process("second"), soon);
        } else {
            scenario.act.carry_out(&stage.world).await;
        }
        let oracle = Oracle::new(stage, scenario);
        self.oracle = Some(oracle.clone());
        let begun = controller.process.sites().len();
        faults.iter().for_each(|(number, fault)| controller.process.inject(begun + number, *fault));
        self.recover(controller, begun, &oracle).await
    }

    /// Lets controllers run until all is as it should be, and a while longer.
    async fn recover(&self, controller: Controller, begun: usize, oracle: &Oracle) -> Result<Report, String> {
        let stage = self.stage;
        let first = controller.process.clone();
        oracle.watch(&first);
        let ending = async {
            sleep(self.scenario.lasts).await;
            // All that it looks at comes by such writes.
            let last = Cell::new((usize::MAX, false));
            let has_ended = |_: &Stage| {
                let writes = oracle.writes();
                if last.get().0 != writes {
                    last.set((writes, self.has_ended()));
                }
                last.get().1
            };
            let took = stage.until(RECOVERY, has_ended).await.ok_or("it did not become as it should be")?;
            let calls = first.sites().split_off(begun);
            sleep(QUIET).await;
            let before = oracle.writes();
            sleep(QUIET).await;
            if !self.has_ended() {
                return Err("it did not stay as it should be".to_owned());
            }
            let writes = oracle.writes_from(before);
            if !writes.is_empty() {
                return Err(format!("at rest it writes: {writes:#?}"));
            }
            Ok((took, calls))
        };
        let (took, calls) = tokio::select! {
            biased;
            ended = ending => ended?,
            () = supervise(stage, controller, |process| oracle.watch(process)) => unreachable!("it runs for ever"),
        };
        let violations = oracle.violations();
        if !violations.is_empty() {
            return Err(format!("what must never be so was: {violations:#?}"));
        }
        Ok(Report { calls, took: took + self.scenario.lasts, hash: stage.simulation.trace.hash() })
    }

    fn has_ended(&self) -> bool {
        let stage = self.stage;
        let told = |(name, condition): &(&str, &str)| {
            is_settled(stage, name) && stage.condition(name, "Ready").as_deref() == Some(*condition)
        };
        let names: BTreeSet<String> = self.scenario.told.iter().map(|(name, _)| (*name).to_owned()).collect();
        stage.rules() == rules::these(self.scenario.after)
            && stage.objects() == names
            && self.scenario.told.iter().all(told)
    }

    /// For whoever looks into a failure.
    fn circumstances(&self, faults: &[At]) -> String {
        let stage = self.stage;
        let objects: Vec<Value> = stage.objects().iter().filter_map(|name| stage.object(name)).collect();
        let statuses: Vec<String> = objects.iter().map(|each| stage.world.named(format!("{each:#}"))).collect();
        let last = stage.simulation.trace.last();
        let trace = last[last.len().saturating_sub(80)..].join("\n");
        let violations = self.oracle.as_ref().map(Oracle::violations);
        format!(
            "scenario: {}\nfaults: {faults:?}\nrules: {:#?}\nviolations: {violations:#?}\nobjects: {}\ntrace:\n{trace}",
            self.scenario.name,
            stage.rules(),
            statuses.join("\n")
        )
    }
}

/// Whether nothing more is to be done for an object as it is declared now, nor watched.
fn is_settled(stage: &Stage, name: &str) -> bool {
    let watches = stage.object(name).is_some_and(|object| !object["status"]["tightening"].is_null());
    let reconciled = |condition: String| condition.starts_with("Reconciling=False");
    !watches && stage.condition(name, "Reconciling").is_some_and(reconciled)
}
