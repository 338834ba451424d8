//! I/O: carries out what was shown, and nothing else: round by round, each planned anew from what is there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio_util::sync::CancellationToken;

use crate::apply::{self, MayWrite, Outcomes, VISIBLE_AFTER};
use crate::aws::{AwsError, Clouds, ErrorClass};
use crate::check::Checked;
use crate::model::{Action, GroupKey, GroupState, RuleId, RuleSpec, Step, TakenRule, Tightening};
use crate::observe::{self, Found};

use super::report::{Halt, Progress, Report};
use super::round::{Brake, Moment, Planning, Refused, States, next_steps};
use super::{Forecast, Survey, Terms};

/// So many groups are worked on at once.
const AT_ONCE: usize = 16;
const MOST_ROUNDS: usize = 400;

/// Carries out what was shown. `survey` is younger than that. What is done is told in the order in which it happens.
///
/// Whoever fires `stop` ends it between two calls.
pub async fn carry_out(
    clouds: &Clouds,
    survey: &Survey,
    shown: &Forecast,
    terms: &Terms,
    stop: &CancellationToken,
    tell: &dyn Fn(Progress<'_>),
) -> Report {
    let shown: BTreeSet<Deed> = shown.steps.iter().map(deed).collect();
    // What can't be read by now is not written.
    let written = shown.iter().map(|deed| deed.1.clone()).filter(|key| survey.groups.contains_key(key)).collect();
    let states = survey.groups.iter().map(|(key, group)| (key.clone(), group.state.clone())).collect();
    let brake = Brake::new(survey, terms);
    let run = Run {
        clouds,
        survey,
        terms,
        planning: Planning::new(survey, terms),
        shown,
        written,
        stop,
        tell,
        progress: RefCell::new(Soon {
            states,
            refused: Refused::new(),
            begun: BTreeSet::new(),
            open: BTreeSet::new(),
            failed: BTreeMap::new(),
            brake,
            report: Report::default(),
        }),
    };
    let result = async {
        run.settle().await?;
        run.tighten().await
    };
    let halt = result.await.err();
    let mut report = run.progress.into_inner().report;
    report.halt = halt.or(stop.is_cancelled().then_some(Halt::Interrupted));
    report
}

/// What a step does, but for what else is told of it. That a rule of ours goes is not that a foreign one does.
type Deed = (&'static str, GroupKey, RuleSpec, String);

fn deed(step: &Step) -> Deed {
    let what = match step.action {
        Action::Revoke { foreign: true, .. } => "take",
        _ => step.action.word(),
    };
    (what, step.group.clone(), step.spec.clone(), step.description.clone())
}

/// How far a run is.
struct Soon {
    states: States,
    refused: Refused,
    /// No step is begun twice.
    begun: BTreeSet<Step>,
    /// Those of which it is not known yet whether they were done: the next read tells.
    open: BTreeSet<Step>,
    failed: BTreeMap<Step, ErrorClass>,
    brake: Brake,
    report: Report,
}

pub(super) struct Run<'a> {
    pub(super) clouds: &'a Clouds,
    pub(super) survey: &'a Survey,
    pub(super) terms: &'a Terms,
    planning: Planning<'a>,
    shown: BTreeSet<Deed>,
    /// The groups in which something was shown to be done.
    written: BTreeSet<GroupKey>,
    pub(super) stop: &'a CancellationToken,
    tell: &'a dyn Fn(Progress<'_>),
    progress: RefCell<Soon>,
}

impl Run<'_> {
    pub(super) fn tell(&self, progress: Progress<'_>) {
        (self.tell)(progress);
    }

    /// Does all but taking foreign rules away.
    async fn settle(&self) -> Result<(), Halt> {
        let mut waits = VISIBLE_AFTER.iter();
        for _ in 0..MOST_ROUNDS {
            self.read(&self.written).await?;
            let round = self.round(&|_| Tightening::NotYet)?;
            let new: Vec<Vec<Step>> =
                round.iter().map(|steps| self.not_begun(steps)).filter(|it| !it.is_empty()).collect();
            if !new.is_empty() {
                waits = VISIBLE_AFTER.iter();
                stream::iter(new).for_each_concurrent(AT_ONCE, async |steps| self.carry_out(steps).await).await;
            } else if round.iter().all(Vec::is_empty) || !self.wait(&mut waits, &round).await {
                return Ok(());
            }
            if self.stop.is_cancelled() {
                return Err(Halt::Interrupted);
            }
        }
        Ok(())
    }

    /// Waits for what was done to be seen. What does not become visible counts as refused; `false` if that changes nothing.
    pub(super) async fn wait(&self, waits: &mut std::slice::Iter<'_, Duration>, round: &[Vec<Step>]) -> bool {
        if let Some(wait) = waits.next() {
            self.tell(Progress::Waiting);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(*wait) => {}
            }
            return true;
        }
        let mut soon = self.progress.borrow_mut();
        let mut news = false;
        for step in round.iter().flatten().filter(|step| step.action.makes()) {
            news |= soon.refused.entry(step.group.clone()).or_default().insert(step.spec.clone());
        }
        news
    }

    /// Reads groups. One that is not there for a moment is looked for again: EC2's answers lag.
    pub(super) async fn read(&self, keys: &BTreeSet<GroupKey>) -> Result<(), Halt> {
        let mut missing = self.read_once(keys).await?;
        for wait in VISIBLE_AFTER {
            if missing.is_empty() || self.stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(wait).await;
            missing = self.read_once(&missing).await?;
        }
        self.close();
        missing.pop_first().map_or(Ok(()), |key| Err(Halt::Gone(key)))
    }

    /// Tells which groups EC2 does not show.
    async fn read_once(&self, keys: &BTreeSet<GroupKey>) -> Result<BTreeSet<GroupKey>, Halt> {
        let read = stream::iter(keys).map(async |key| {
            let answer = async { observe::security_group(&*self.clouds.scope(&key.scope)?, key).await };
            (key.clone(), answer.await)
        });
        let read: Vec<(GroupKey, Result<Found, AwsError>)> = read.buffer_unordered(AT_ONCE).collect().await;
        let mut missing = BTreeSet::new();
        for (key, answer) in read {
            match answer {
                Ok(Found::There(state)) => drop(self.progress.borrow_mut().states.insert(key, state)),
                Ok(Found::Gone | Found::Unclear) => drop(missing.insert(key)),
                Err(error) => return Err(Halt::Unreadable(key, Box::new(error))),
            }
        }
        Ok(missing)
    }

    /// Tells of what is seen to be done, though the answer to it was lost, or someone else was quicker.
    fn close(&self) {
        let mut soon = self.progress.borrow_mut();
        let Soon { states, open, report, .. } = &mut *soon;
        let tag = self.survey.us.cluster.tag_key();
        let seen: Vec<Step> = open.iter().filter(|step| is_seen(step, states, &tag)).cloned().collect();
        for step in seen {
            open.remove(&step);
            report.refused.retain(|(refused, _)| *refused != step);
            self.tell(Progress::Done(&step));
            report.done.push(step);
        }
    }

    /// Lets steps be tried again that failed for reasons that may pass.
    pub(super) fn try_again(&self, steps: &[Step]) {
        let mut soon = self.progress.borrow_mut();
        for step in steps {
            if matches!(soon.failed.get(step), Some(ErrorClass::Transient | ErrorClass::Throttled)) {
                soon.failed.remove(step);
                soon.begun.remove(step);
                soon.report.refused.retain(|(refused, _)| refused != step);
            }
        }
    }

    /// Whether AWS's refusals count no more for a group: what is put back is asked for anew.
    pub(super) fn forget_refusals(&self, key: &GroupKey) {
        self.progress.borrow_mut().refused.remove(key);
    }

    /// Foreign rules of more groups are to go.
    pub(super) fn goes_on(&self) {
        self.progress.borrow_mut().report.goes_on = true;
    }

    /// What is to be done next in each group, of what was shown.
    fn round(&self, tightening: &dyn Fn(&GroupState) -> Tightening) -> Result<Vec<Vec<Step>>, Halt> {
        let soon = self.progress.borrow();
        let mut brake = soon.brake;
        let moment = |brake| Moment { states: &soon.states, refused: &soon.refused, brake };
        let standings = self.planning.standings(moment(brake), tightening)?;
        let mut round = Vec::new();
        for key in &self.written {
            let checked = self.planning.plan(key, &standings, moment(brake), tightening)?;
            let goes = |step: &Step| self.is_shown(step) && !soon.failed.contains_key(step);
            let steps: Vec<Step> = next_steps(&checked).into_iter().filter(goes).collect();
            brake.count(steps.iter().filter(|step| !soon.begun.contains(*step)));
            round.push(steps);
        }
        Ok(round)
    }

    /// The plan of one group, as things stand.
    pub(super) fn plan(&self, key: &GroupKey, tightening: &dyn Fn(&GroupState) -> Tightening) -> Result<Checked, Halt> {
        let soon = self.progress.borrow();
        let moment = Moment { states: &soon.states, refused: &soon.refused, brake: soon.brake };
        let standings = self.planning.standings(moment, tightening)?;
        Ok(self.planning.plan(key, &standings, moment, tightening)?)
    }

    pub(super) fn state(&self, key: &GroupKey) -> Option<GroupState> {
        self.progress.borrow().states.get(key).cloned()
    }

    pub(super) fn is_shown(&self, step: &Step) -> bool {
        self.shown.contains(&deed(step))
    }

    pub(super) fn written(&self) -> &BTreeSet<GroupKey> {
        &self.written
    }

    /// What EC2 said that it has taken away is gone, whatever an old answer shows.
    pub(super) fn forget(&self, key: &GroupKey, revoked: &BTreeSet<RuleId>) {
        if let Some(state) = self.progress.borrow_mut().states.get_mut(key) {
            state.rules.retain(|rule| !revoked.contains(&rule.id));
        }
    }

    pub(super) fn rolled_back(&self, key: &GroupKey) {
        self.progress.borrow_mut().report.rolled_back.insert(key.clone());
    }

    pub(super) fn lost(&self, key: &GroupKey, rules: Vec<TakenRule>) {
        self.tell(Progress::Lost(key, &rules));
        self.progress.borrow_mut().report.lost.insert(key.clone(), rules);
    }

    /// How a step failed.
    pub(super) fn failure(&self, step: &Step) -> Option<ErrorClass> {
        self.progress.borrow().failed.get(step).copied()
    }

    pub(super) fn not_begun(&self, steps: &[Step]) -> Vec<Step> {
        let soon = self.progress.borrow();
        steps.iter().filter(|step| !soon.begun.contains(*step)).cloned().collect()
    }

    /// Carries out steps of one group, until someone wants it to stop.
    pub(super) async fn carry_out(&self, steps: Vec<Step>) {
        self.carry_out_while(steps, &|| !self.stop.is_cancelled()).await;
    }

    pub(super) async fn carry_out_while(&self, steps: Vec<Step>, may_write: &MayWrite<'_>) {
        let Some(cloud) = steps.first().and_then(|step| self.clouds.scope(&step.group.scope).ok()) else { return };
        {
            let mut soon = self.progress.borrow_mut();
            soon.begun.extend(steps.iter().cloned());
            soon.open.extend(steps.iter().cloned());
            // An answer may be lost, so it counts from now on.
            soon.brake.count(&steps);
        }
        let borrowed: Vec<&Step> = steps.iter().collect();
        let Outcomes { done, failed } = apply::steps(&cloud, &self.survey.us, &borrowed, may_write).await;
        let mut soon = self.progress.borrow_mut();
        for step in done {
            soon.open.remove(&step);
            self.tell(Progress::Done(&step));
            soon.report.done.push(step);
        }
        for (steps, error) in failed {
            self.tell(Progress::Refused(&steps, &error));
            for step in steps {
                // An answer may have been lost: the next read tells.
                if error.class() != ErrorClass::Transient {
                    soon.open.remove(&step);
                }
                soon.failed.insert(step.clone(), error.class());
                if step.action.makes() {
                    soon.refused.entry(step.group.clone()).or_default().insert(step.spec.clone());
                }
                soon.report.refused.push((step, error.to_string()));
            }
        }
    }
}

/// Whether what a step is to come to is so.
fn is_seen(step: &Step, states: &States, tag: &str) -> bool {
    let Some(state) = states.get(&step.group) else { return false };
    let rule = |id: &RuleId| state.rules.iter().find(|rule| rule.id == *id);
    match &step.action {
        Action::Authorize { .. } | Action::Restore { .. } => state.rules.iter().any(|rule| rule.spec == step.spec),
        Action::Revoke { id, .. } => rule(id).is_none(),
        Action::Release { id } => rule(id).is_none_or(|rule| !rule.tags.contains_key(tag)),
        Action::Describe { id } => rule(id).is_some_and(|rule| rule.description == step.description),
        Action::Adopt { id } => rule(id).is_some_and(|rule| rule.tags.contains_key(tag)),
    }
}

/// The targets' groups and load balancers of those who have to do with a group.
pub(super) fn load_balancers(
    survey: &Survey,
    key: &GroupKey,
) -> (BTreeSet<crate::model::ElbArn>, BTreeSet<crate::model::ElbArn>) {
    let claimants: BTreeMap<_, _> = survey.claimants();
    let concerned = claimants.get(key).into_iter().flatten().filter_map(|object| survey.objects.get(object));
    let facts: Vec<_> = concerned.map(|surveyed| &surveyed.resolution.facts).collect();
    let load_balancers = facts.iter().filter_map(|facts| Some(facts.load_balancer.as_ref()?.arn.clone())).collect();
    let target_groups = facts.iter().flat_map(|facts| &facts.target_groups).filter_map(|group| group.arn.clone());
    (load_balancers, target_groups.collect())
}
