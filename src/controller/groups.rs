//! One pass over one security group: read, plan, check, make what is missing, read back, take away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::apply::{self, Outcomes, VISIBLE_AFTER};
use crate::aws::{AwsError, Cloud, ErrorClass};
use crate::check::{self, Checked, Phase, Violation};
use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, DEFAULT_RULE_QUOTA, GroupKey, GroupState, Held, HoldReason, ListWeight, ObjectProblem,
    Ownership, Plan, PrefixListId, Problem, Quota, RuleId, RuleSpec, Step, Usage,
};
use crate::observe::{self, Found};
use crate::plan;

use super::Context;
use super::ending::LOOK_AGAIN;
use super::index::{GroupView, removes_foreign};
use super::queue::{Outcome, Priority};
use super::tightening::unless_unknown;

/// A pass that has not come to rest after so many rounds starts anew later.
const MOST_ROUNDS: usize = 16;

/// What a pass has found and done so far.
pub(super) struct Pass {
    /// When the last read began.
    pub(super) read_at: Instant,
    /// Rules that AWS refused to make, or that have not become visible.
    pub(super) refused: BTreeSet<RuleSpec>,
    /// Steps that were carried out: none is carried out twice in a pass.
    pub(super) done: BTreeSet<Step>,
    pub(super) problems: BTreeSet<ObjectProblem>,
    /// What is known of prefix lists; of those that could not be read, nothing.
    pub(super) lists: BTreeMap<PrefixListId, Option<ListWeight>>,
    /// What AWS refused to do, and not only for now.
    pub(super) refusals: Vec<(Vec<Step>, Problem)>,
    pub(super) drift: BTreeSet<String>,
    pub(super) waits: usize,
    /// Whether the objects and the lease were asked about since the last change.
    pub(super) permitted: bool,
    /// Whether AWS failed in a way that may pass.
    pub(super) failed: bool,
    /// Whether the health of the targets is known, where foreign rules are being taken away.
    pub(super) health_is_known: bool,
}

impl Pass {
    fn begun() -> Self {
        Self {
            read_at: Instant::now(),
            refused: BTreeSet::new(),
            done: BTreeSet::new(),
            problems: BTreeSet::new(),
            lists: BTreeMap::new(),
            refusals: Vec::new(),
            drift: BTreeSet::new(),
            waits: 0,
            permitted: false,
            failed: false,
            health_is_known: true,
        }
    }
}

/// A group as it was read, and what is to be done there.
struct Look {
    state: GroupState,
    view: GroupView,
    quota: Quota,
    checked: Checked,
}

/// Why a pass ends early.
pub(super) enum Stop {
    /// It is not for us to write.
    NotLeading,
    /// An object is not as the plan took it to be.
    Outdated,
}

impl Context {
    /// Works on one group.
    pub(super) async fn work_on_group(&self, key: GroupKey) -> Outcome {
        let started = Instant::now();
        let result = self.pass(&key).await;
        self.metrics.stage_took("group", started.elapsed());
        self.index().release_revokes(&key);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::warn!(group = %key, error = %error, request_id = error.request_id(), "a security group could not be read");
                self.unreadable(&key, &error);
                Outcome::Failed
            }
        };
        self.metrics.reconciled(if outcome == Outcome::Failed { "failed" } else { "done" });
        outcome
    }

    async fn pass(&self, key: &GroupKey) -> Result<Outcome, AwsError> {
        let cloud = self.clouds.scope(&key.scope)?;
        let (mut pass, mut goes_on) = (Pass::begun(), false);
        pass.health_is_known = self.watch_health(&cloud, key).await;
        for _ in 0..MOST_ROUNDS {
            pass.read_at = Instant::now();
            let state = match observe::security_group(&cloud, key).await? {
                Found::There(state) => state,
                absent => return Ok(self.not_there(key, &absent)),
            };
            self.index().is_there(key);
            let view = self.view(&state);
            if view.claims.is_empty() && !self.keeps_in_mind(&state) {
                self.forget(key);
                return Ok(Outcome::Done);
            }
            let Look { state, view, quota, checked } = match self.look(&cloud, state, view, &mut pass).await {
                Ok(look) => look,
                Err(violation) => {
                    tracing::error!(group = %key, %violation, "a plan was refused");
                    return Ok(Outcome::Failed);
                }
            };
            if (self.settings.read_only && !Defect::WriteReadOnly.is_on()) || !self.leadership.is_held() {
                return Ok(self.conclude(&state, &view, &quota, withheld(checked.plan().clone()), pass));
            }
            match self.next(&cloud, &checked, &state, &view, &mut pass).await {
                // Rule by rule it takes as many rounds.
                Ok(true) => goes_on = checked.plan().makes_room() && !pass.failed,
                Ok(false) => {
                    let again = self.tighten(&cloud, &state, checked.plan(), pass.health_is_known).await;
                    let outcome = self.conclude(&state, &view, &quota, checked.plan().clone(), pass);
                    return Ok(outcome.or_again_in(again));
                }
                Err(Stop::NotLeading) => return Ok(Outcome::Failed),
                Err(Stop::Outdated) => return Ok(Outcome::Again(Priority::Waiting, Duration::from_secs(1))),
            }
        }
        Ok(if goes_on { Outcome::Again(Priority::Waiting, Duration::from_secs(1)) } else { Outcome::Failed })
    }

    /// What follows from a group that a read does not show whole.
    fn not_there(&self, key: &GroupKey, found: &Found) -> Outcome {
        let now = Instant::now();
        match found {
            Found::Gone if self.index().view(key, &[], now).claims.is_empty() => {
                self.forget(key);
                Outcome::Done
            }
            Found::Gone if self.index().is_gone(key, now) => self.vanished(key),
            Found::Gone => Outcome::Again(Priority::Waiting, LOOK_AGAIN),
            Found::Unclear | Found::There(_) => {
                self.index().is_there(key);
                Outcome::Failed
            }
        }
    }

    /// Plans a group as it was read, and checks the plan.
    async fn look(
        &self,
        cloud: &Cloud,
        state: GroupState,
        view: GroupView,
        pass: &mut Pass,
    ) -> Result<Look, Violation> {
        let usage = self.usage(cloud, &state, &view).await;
        let quota = self.quota(cloud, &state, &view, pass).await;
        let now = Instant::now();
        let tightening = unless_unknown(self.index().tightening(&state.key), pass.health_is_known);
        let allowance = self.index().allowance(&state.key, self.ours(&state).count(), now);
        let contested = self.index().backing_off(&self.us, &state, now);
        let input = plan::Input {
            us: &self.us,
            group: &state,
            claims: &view.claims,
            known: &view.known,
            usage: &usage,
            quota: &quota,
            unheard: view.unheard,
            refused: &pass.refused,
            tightening: &tightening,
            allowance: &allowance,
            contested: &contested,
            selection: self.selection(),
            orphans: self.orphans(),
        };
        let checked = check::plan(&input, plan::group(&input))?;
        Ok(Look { state, view, quota, checked })
    }

    fn selection(&self) -> plan::Selection<'_> {
        self.settings.watch_namespace.as_deref().map_or(plan::Selection::Everything, plan::Selection::Namespace)
    }

    fn view(&self, state: &GroupState) -> GroupView {
        self.index().view(&state.key, &state.named(&self.us), Instant::now())
    }

    fn ours<'a>(&'a self, state: &'a GroupState) -> impl Iterator<Item = &'a ActualRule> {
        state.rules.iter().filter(|rule| matches!(self.us.ownership(&rule.tags), Ownership::Ours { .. }))
    }

    /// Who uses the group, where that decides about foreign rules.
    async fn usage(&self, cloud: &Cloud, state: &GroupState, view: &GroupView) -> Usage {
        let foreign = |rule: &ActualRule| self.us.ownership(&rule.tags) == Ownership::Foreign;
        if !view.claims.iter().any(removes_foreign) || !state.rules.iter().any(foreign) {
            return Usage::Unknown;
        }
        let load_balancers = self.index().load_balancers();
        match observe::usage(cloud, &state.key.id, &load_balancers).await {
            Ok(usage) => usage,
            Err(error) => {
                tracing::warn!(group = %state.key, error = %error, "who uses a security group could not be read");
                Usage::Unknown
            }
        }
    }

    /// How many rules fit, and what those count as that are there or needed.
    async fn quota(&self, cloud: &Cloud, state: &GroupState, view: &GroupView, pass: &mut Pass) -> Quota {
        let needed = view.claims.iter().flat_map(|claim| claim.rules.keys());
        let lists = observe::lists_of(state.rules.iter().map(|rule| &rule.spec).chain(needed));
        let unread = lists.into_iter().filter(|id| !pass.lists.contains_key(id)).collect();
        let weights = observe::list_weights(cloud, &unread).await;
        pass.lists.extend(weights.unwrap_or_else(|_| unread.into_iter().map(|id| (id, None)).collect()));
        let limit = match self.settings.rule_quota {
            Some(limit) => limit,
            None => cloud.rule_quota().await.unwrap_or(DEFAULT_RULE_QUOTA),
        };
        let lists = pass.lists.iter().filter_map(|(id, weight)| Some((id.clone(), (*weight)?)));
        Quota { limit, lists: lists.filter(|_| !Defect::ListsCountOnce.is_on()).collect() }
    }

    /// Carries the plan's next phase out. `false`: there is none, the pass has come to rest.
    async fn next(
        &self,
        cloud: &Cloud,
        checked: &Checked,
        state: &GroupState,
        view: &GroupView,
        pass: &mut Pass,
    ) -> Result<bool, Stop> {
        match checked.next_phase() {
            Phase::Make(steps) => {
                let new: Vec<&Step> = steps.iter().copied().filter(|step| !pass.done.contains(step)).collect();
                if new.is_empty() {
                    return Ok(wait_to_see(&steps, pass).await);
                }
                self.carry_out(cloud, &new, state, view, pass).await?;
            }
            Phase::Take(steps) => {
                let new: Vec<&Step> = steps.iter().copied().filter(|step| !pass.done.contains(step)).collect();
                if new.is_empty() {
                    return Ok(!steps.is_empty() && wait_to_see(&steps, pass).await);
                }
                if !pass.permitted {
                    // After this the group is read and planned anew, so that the rules' tags are fresh too.
                    self.objects_are_as_known(view).await?;
                    let revokes = new.iter().filter(|step| step.action.revokes());
                    let rules = revokes.filter_map(|step| step.action.rule());
                    self.index().reserve_revokes(&state.key, rules, Instant::now());
                    pass.permitted = true;
                    if !Defect::TrustOldTags.is_on() {
                        return Ok(true);
                    }
                }
                self.carry_out(cloud, &new, state, view, pass).await?;
            }
        }
        pass.permitted = false;
        Ok(true)
    }

    async fn carry_out(
        &self,
        cloud: &Cloud,
        steps: &[&Step],
        state: &GroupState,
        view: &GroupView,
        pass: &mut Pass,
    ) -> Result<(), Stop> {
        let may_write = || self.leadership.is_held();
        let foreign = |step: &&&Step| matches!(step.action, Action::Revoke { foreign: true, .. });
        if let Some(first) = steps.iter().find(foreign) {
            // Before the first of them is sent: whatever happens then, they may be gone.
            let specs = steps.iter().filter(foreign).map(|step| step.spec.clone());
            self.index().takes_foreign(&first.group, specs, Instant::now());
        }
        let Outcomes { done, failed } = apply::steps(cloud, &self.us, steps, &may_write).await;
        // An answer may have been lost.
        if let Some(step) = steps.iter().find(|step| !step.action.removes()) {
            self.index().has_made(&step.group, Instant::now());
        }
        self.index().has_revoked(&state.key, revoked(steps, &failed), Instant::now());
        self.index().has_not_taken(&state.key, refused(&failed).map(|step| &step.spec));
        // What was begun is not begun again in this pass, whatever came of it: the next read tells.
        pass.done.extend(steps.iter().map(|step| (*step).clone()));
        let drift: Vec<&Step> = done.iter().filter(|step| is_repair(step, view)).collect();
        pass.drift.extend(drift.iter().map(|step| format!("{} {}", step.group.id, step.spec)));
        self.tell_of_steps(&done, &drift);
        let removed = done.iter().filter(|step| matches!(step.action, Action::Revoke { foreign: true, .. }));
        self.put_right(drift.iter().copied().chain(removed), state);
        for (steps, error) in failed {
            tracing::warn!(
                group = %steps[0].group, step = %steps[0], steps = steps.len(), error = %error,
                request_id = error.request_id(), "AWS refused a change"
            );
            let problem = Problem::new(observe::reason(error.class()), error.to_string());
            if !matches!(error.class(), ErrorClass::Throttled | ErrorClass::Transient) {
                pass.refusals.push((steps.clone(), problem.clone()));
            }
            let for_good = matches!(error.class(), ErrorClass::NotFound | ErrorClass::Invalid | ErrorClass::Quota);
            for step in steps {
                if for_good && matches!(step.action, Action::Restore { .. }) {
                    self.index().cannot_restore(&step.group, step.spec.clone());
                }
                let objects = step.objects.iter().cloned();
                pass.problems.extend(objects.map(|object| ObjectProblem { object, problem: problem.clone() }));
                pass.refused.insert(step.spec);
            }
            pass.failed = true;
        }
        if self.leadership.is_held() { Ok(()) } else { Err(Stop::NotLeading) }
    }
}

/// Waits for carried-out steps to be seen. `false`: they are not, and the pass ends with them pending.
async fn wait_to_see(steps: &[&Step], pass: &mut Pass) -> bool {
    let Some(wait) = VISIBLE_AFTER.get(pass.waits) else {
        // What nothing depends on is left for the next pass; what was to be made counts as not there.
        let made = |step: &&&Step| matches!(step.action, Action::Authorize { .. });
        let invisible: BTreeSet<RuleSpec> = steps.iter().filter(made).map(|step| step.spec.clone()).collect();
        let progress = !invisible.is_subset(&pass.refused);
        pass.refused.extend(invisible);
        pass.failed = true;
        return progress;
    };
    pass.waits += 1;
    tokio::time::sleep(*wait).await;
    true
}

/// The rules that these steps have revoked, or may have: an answer may have been lost.
fn revoked<'a>(steps: &'a [&Step], failed: &'a [(Vec<Step>, AwsError)]) -> impl Iterator<Item = RuleId> + 'a {
    let refused: BTreeSet<&Step> = refused(failed).collect();
    let revokes = steps.iter().filter(move |step| step.action.revokes() && !refused.contains(**step));
    revokes.filter_map(|step| step.action.rule().cloned())
}

/// The steps of which it is certain that they have changed nothing.
fn refused(failed: &[(Vec<Step>, AwsError)]) -> impl Iterator<Item = &Step> {
    failed.iter().filter(|(_, error)| error.class() != ErrorClass::Transient).flat_map(|(steps, _)| steps)
}

/// Whether a step puts back what was seen in place before.
fn is_repair(step: &Step, view: &GroupView) -> bool {
    matches!(step.action, Action::Authorize { .. }) && view.settled.contains(&step.spec)
}

/// Nothing may be written: every step waits.
fn withheld(mut plan: Plan) -> Plan {
    let steps = std::mem::take(&mut plan.steps);
    // What would wait for a finalizer or a status waits for them in vain.
    let in_vain = |held: &&mut Held| matches!(held.reason, HoldReason::Applying | HoldReason::Tightening);
    for held in plan.held.iter_mut().filter(in_vain) {
        held.reason = HoldReason::ReadOnly;
    }
    plan.held.extend(steps.into_iter().map(|step| Held { step, reason: HoldReason::ReadOnly }));
    plan.held.sort();
    plan
}
