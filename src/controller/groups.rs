//! One pass over one security group: read, plan, check, make what is missing, read back, take away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::apply::{self, Outcomes};
use crate::aws::{AwsError, Cloud};
use crate::check::{self, Checked, Phase};
use crate::model::{
    Action, ActualRule, Direction, GroupKey, GroupState, Held, HoldReason, Knowledge, ObjectProblem, ObjectRef, Peer,
    Plan, PrefixListId, Problem, Reason, RuleSpec, Step, Usage,
};
use crate::observe;
use crate::plan;
use crate::status;
use crate::telemetry::metrics::{self, RuleCounts};

use super::Context;
use super::index::{GroupOutcome, GroupView, removes_foreign};
use super::queue::{Outcome, Priority};

/// For how long a pass waits for what it made to be seen: EC2's reads may lag by seconds.
const VISIBLE_AFTER: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// A pass that has not come to rest after so many rounds starts anew later.
const MOST_ROUNDS: usize = 16;
/// When something waits that nothing announces.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What a pass has found and done so far.
#[derive(Default)]
struct Pass {
    /// Rules that AWS refused to make, or that have not become visible.
    refused: BTreeSet<RuleSpec>,
    /// Steps that were carried out: none is carried out twice in a pass.
    done: BTreeSet<Step>,
    problems: BTreeSet<ObjectProblem>,
    drift: BTreeSet<String>,
    waits: usize,
    /// Whether the objects and the lease were asked about since the last change.
    permitted: bool,
    /// Whether AWS failed in a way that may pass.
    failed: bool,
}

/// Why a pass ends early.
enum Stop {
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
        let mut pass = Pass::default();
        for _ in 0..MOST_ROUNDS {
            let Some(state) = self.read(&cloud, key).await? else { return Ok(self.vanished(key)) };
            let view = self.index().view(key, Instant::now());
            if view.claims.is_empty() {
                self.forget(key);
                return Ok(Outcome::Done);
            }
            let usage = usage(&cloud, &state, &view).await;
            let plan = plan::group(&plan::Input {
                us: &self.us,
                group: &state,
                claims: &view.claims,
                known: &view.known,
                usage: &usage,
                refused: &pass.refused,
                only_namespace: self.settings.watch_namespace.as_deref(),
            });
            let checked = match check::plan(&self.us, &state, &view.claims, plan) {
                Ok(checked) => checked,
                Err(violation) => {
                    tracing::error!(group = %key, %violation, "a plan was refused");
                    return Ok(Outcome::Failed);
                }
            };
            if self.settings.read_only || !self.leadership.is_held() {
                return Ok(self.conclude(&cloud, &state, &view, withheld(checked.plan().clone()), pass).await);
            }
            match self.next(&cloud, &checked, &view, &mut pass).await {
                Ok(true) => {}
                Ok(false) => return Ok(self.conclude(&cloud, &state, &view, checked.plan().clone(), pass).await),
                Err(Stop::NotLeading) => return Ok(Outcome::Failed),
                Err(Stop::Outdated) => return Ok(Outcome::Again(Priority::Waiting, Duration::from_secs(1))),
            }
        }
        Ok(Outcome::Failed)
    }

    async fn read(&self, cloud: &Cloud, key: &GroupKey) -> Result<Option<GroupState>, AwsError> {
        let (group, rules) = futures::try_join!(cloud.group(&key.id), cloud.rules(&key.id))?;
        Ok(group.map(|group| GroupState { key: key.clone(), tags: group.tags, rules: rules.rules }))
    }

    /// Carries the plan's next phase out. `false`: there is none, the pass has come to rest.
    async fn next(&self, cloud: &Cloud, checked: &Checked, view: &GroupView, pass: &mut Pass) -> Result<bool, Stop> {
        match checked.next_phase() {
            Phase::Make(steps) => {
                let new: Vec<&Step> = steps.iter().copied().filter(|step| !pass.done.contains(step)).collect();
                if new.is_empty() {
                    return Ok(wait_to_see(&steps, pass).await);
                }
                self.carry_out(cloud, &new, view, pass).await?;
            }
            Phase::Take(steps) => {
                let new: Vec<&Step> = steps.iter().copied().filter(|step| !pass.done.contains(step)).collect();
                if new.is_empty() {
                    return Ok(!steps.is_empty() && wait_to_see(&steps, pass).await);
                }
                if !pass.permitted {
                    // After this the group is read and planned anew, so that the rules' tags are fresh too.
                    self.objects_are_as_known(view).await?;
                    pass.permitted = true;
                    return Ok(true);
                }
                self.carry_out(cloud, &new, view, pass).await?;
            }
        }
        pass.permitted = false;
        Ok(true)
    }

    async fn carry_out(&self, cloud: &Cloud, steps: &[&Step], view: &GroupView, pass: &mut Pass) -> Result<(), Stop> {
        let may_write = || self.leadership.is_held();
        let Outcomes { done, failed } = apply::steps(cloud, &self.us, steps, &may_write).await;
        // What was begun is not begun again in this pass, whatever came of it: the next read tells.
        pass.done.extend(steps.iter().map(|step| (*step).clone()));
        let drift: Vec<&Step> = done.iter().filter(|step| is_repair(step, view)).collect();
        pass.drift.extend(drift.iter().map(|step| format!("{} {}", step.group.id, step.spec)));
        self.tell_of_steps(&done, &drift);
        for (steps, error) in failed {
            tracing::warn!(
                group = %steps[0].group, step = %steps[0], steps = steps.len(), error = %error,
                request_id = error.request_id(), "AWS refused a change"
            );
            let problem = Problem::new(observe::reason(error.class()), error.to_string());
            for step in steps {
                let objects = step.objects.iter().cloned();
                pass.problems.extend(objects.map(|object| ObjectProblem { object, problem: problem.clone() }));
                pass.refused.insert(step.spec);
            }
            pass.failed = true;
        }
        if self.leadership.is_held() { Ok(()) } else { Err(Stop::NotLeading) }
    }

    /// Ends a pass: remembers how the group stands, and tells whom it concerns.
    async fn conclude(&self, cloud: &Cloud, state: &GroupState, view: &GroupView, plan: Plan, pass: Pass) -> Outcome {
        let key = &state.key;
        let weights = weights(cloud, state).await;
        let usage = |direction| {
            status::usage(
                state.rules.iter().map(|rule| rule.spec.clone()),
                direction,
                self.settings.rule_quota,
                &weights,
            )
        };
        let problems: Vec<ObjectProblem> = plan.problems.iter().cloned().chain(pass.problems).collect();
        let outcome = GroupOutcome {
            ingress: usage(Direction::Ingress),
            egress: usage(Direction::Egress),
            problems,
            revisions: view.revisions.clone(),
            at: Instant::now(),
            plan,
        };
        self.measure(&outcome, key);
        let stale = stale_objects(&outcome.plan, view);
        let waits = outcome.plan.held.iter().any(|held| held.reason == HoldReason::Applying);
        let unfinished = !outcome.plan.steps.is_empty();
        if !pass.drift.is_empty() {
            self.tell_of_drift(view, &pass.drift);
            self.metrics.drift_repaired(&label(key));
        }
        let waiting = self.index().passed(key, outcome);
        for group in waiting {
            self.groups.push(group, Priority::Waiting, Duration::ZERO);
        }
        for object in stale {
            self.lookups.push(object, Priority::Waiting, Duration::ZERO);
        }
        for object in view.revisions.keys() {
            self.reports.push(object.clone(), Priority::Waiting, Duration::ZERO);
        }
        match (pass.failed, waits || unfinished) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Again(Priority::Waiting, LOOK_AGAIN),
            (false, false) => Outcome::Done,
        }
    }

    /// The group is not there (any more): its rules are not either.
    fn vanished(&self, key: &GroupKey) -> Outcome {
        let view = self.index().view(key, Instant::now());
        let message = format!("security group {} is not in {}: was it deleted?", key.id, key.scope);
        let problem = Problem::new(Reason::SecurityGroupNotFound, message);
        let needing = view.claims.iter().filter(|claim| !claim.rules.is_empty());
        let problems: Vec<ObjectProblem> =
            needing.map(|claim| ObjectProblem { object: claim.object.clone(), problem: problem.clone() }).collect();
        let standing = view.claims.iter().map(|claim| {
            let desired = claim.rules.keys().cloned().collect();
            (claim.object.clone(), crate::model::Standing { desired, ..Default::default() })
        });
        let plan = Plan {
            group: key.clone(),
            steps: Vec::new(),
            held: Vec::new(),
            problems: Vec::new(),
            standing: standing.collect(),
        };
        self.ended_without_plan(key, &view, plan, problems);
        Outcome::Done
    }

    /// The group could not be read: what was known of it stays, and everyone is told.
    fn unreadable(&self, key: &GroupKey, error: &AwsError) {
        let view = self.index().view(key, Instant::now());
        let problem = Problem::new(observe::reason(error.class()), error.to_string());
        let problems: Vec<ObjectProblem> = view
            .revisions
            .keys()
            .map(|object| ObjectProblem { object: object.clone(), problem: problem.clone() })
            .collect();
        let plan = self.index().plan_of(key).unwrap_or_else(|| Plan {
            group: key.clone(),
            steps: Vec::new(),
            held: Vec::new(),
            problems: Vec::new(),
            standing: BTreeMap::new(),
        });
        // Nothing was seen, so nobody's needs count as looked at.
        let view = GroupView { revisions: BTreeMap::new(), ..view };
        let objects: Vec<ObjectRef> = problems.iter().map(|problem| problem.object.clone()).collect();
        self.ended_without_plan(key, &view, plan, problems);
        for object in objects {
            self.reports.push(object, Priority::Waiting, Duration::ZERO);
        }
    }

    fn ended_without_plan(&self, key: &GroupKey, view: &GroupView, plan: Plan, problems: Vec<ObjectProblem>) {
        let outcome = GroupOutcome {
            plan,
            problems,
            ingress: Default::default(),
            egress: Default::default(),
            revisions: view.revisions.clone(),
            at: Instant::now(),
        };
        self.index().passed(key, outcome);
        for object in view.revisions.keys() {
            self.reports.push(object.clone(), Priority::Waiting, Duration::ZERO);
        }
    }

    fn forget(&self, key: &GroupKey) {
        self.index().forget_group(key);
        self.metrics.forget_group(&label(key));
    }

    fn measure(&self, outcome: &GroupOutcome, key: &GroupKey) {
        let label = label(key);
        let standing = || outcome.plan.standing.values();
        let count = |rules: BTreeSet<RuleSpec>| u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let of = |part: fn(&crate::model::Standing) -> &BTreeSet<RuleSpec>| {
            count(standing().flat_map(|standing| part(standing).iter().cloned()).collect())
        };
        self.metrics.set_rules(
            &label,
            RuleCounts {
                desired: of(|standing| &standing.desired),
                missing: count(standing().flat_map(|standing| standing.missing()).collect()),
                surplus: of(|standing| &standing.surplus),
                foreign: of(|standing| &standing.foreign),
            },
        );
        let mut held = BTreeMap::<String, u32>::new();
        for each in &outcome.plan.held {
            *held.entry(each.reason.word().to_owned()).or_default() += 1;
        }
        self.metrics.set_held(&label, held);
        let headroom = |usage: crate::api::RuleUsage| i64::from(usage.limit) - i64::from(usage.used);
        self.metrics.set_quota_headroom(&label, metrics::Direction::Ingress, headroom(outcome.ingress));
        self.metrics.set_quota_headroom(&label, metrics::Direction::Egress, headroom(outcome.egress));
    }

    fn tell_of_drift(&self, view: &GroupView, repaired: &BTreeSet<String>) {
        let drift = crate::api::DriftStatus {
            time: self.clock.now_wall().to_string(),
            repaired: repaired.iter().cloned().collect(),
        };
        for object in view.revisions.keys() {
            self.index().set_drift(object, drift.clone());
        }
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

/// Whether a step puts back what was seen in place before.
fn is_repair(step: &Step, view: &GroupView) -> bool {
    matches!(step.action, Action::Authorize { .. }) && view.settled.contains(&step.spec)
}

/// Nothing may be written: every step waits.
fn withheld(mut plan: Plan) -> Plan {
    let steps = std::mem::take(&mut plan.steps);
    // What would wait for a finalizer or a status waits for them in vain.
    for held in plan.held.iter_mut().filter(|held| held.reason == HoldReason::Applying) {
        held.reason = HoldReason::ReadOnly;
    }
    plan.held.extend(steps.into_iter().map(|step| Held { step, reason: HoldReason::ReadOnly }));
    plan.held.sort();
    plan
}

/// Objects that must be looked up again before what waits can be taken away.
fn stale_objects(plan: &Plan, view: &GroupView) -> BTreeSet<ObjectRef> {
    let applying = plan.held.iter().filter(|held| held.reason == HoldReason::Applying);
    let objects: BTreeSet<&ObjectRef> = applying.flat_map(|held| &held.step.objects).collect();
    let stale = |object: &ObjectRef| view.known.get(object).is_some_and(|known| known.knowledge == Knowledge::Stale);
    objects.into_iter().filter(|object| stale(object)).cloned().collect()
}

/// Who uses the group, where that decides about foreign rules.
async fn usage(cloud: &Cloud, state: &GroupState, view: &GroupView) -> Usage {
    let tagged = |rule: &ActualRule| rule.tags.keys().any(|key| key.starts_with(crate::api::names::CLUSTER_TAG_PREFIX));
    if !view.claims.iter().any(removes_foreign) || state.rules.iter().all(tagged) {
        return Usage::Unknown;
    }
    match observe::usage(cloud, &state.key.id, &view.load_balancers).await {
        Ok(usage) => usage,
        Err(error) => {
            tracing::warn!(group = %state.key, error = %error, "who uses a security group could not be read");
            Usage::Unknown
        }
    }
}

/// The weights of the prefix lists that the rules name; none if they can't be read, as they are only told.
async fn weights(cloud: &Cloud, state: &GroupState) -> BTreeMap<PrefixListId, u32> {
    let lists: BTreeSet<PrefixListId> = state
        .rules
        .iter()
        .filter_map(|rule| match &rule.spec.peer {
            Peer::PrefixList(id) => Some(id.clone()),
            Peer::Cidr(_) | Peer::SecurityGroup(_) => None,
        })
        .collect();
    if lists.is_empty() {
        return BTreeMap::new();
    }
    cloud.prefix_list_weights(&lists).await.unwrap_or_default()
}

fn label(key: &GroupKey) -> metrics::Group {
    metrics::Group {
        account: key.scope.account.to_string(),
        region: key.scope.region.to_string(),
        security_group: key.id.to_string(),
    }
}

impl Context {
    /// Reads all objects from the API server, not from the cache: a revoke that rests on what has changed since
    /// is not carried out.
    async fn objects_are_as_known(&self, view: &GroupView) -> Result<(), Stop> {
        let fresh = match self.objects_api().list_metadata(&kube::api::ListParams::default()).await {
            Ok(list) => list,
            Err(error) => {
                tracing::warn!(%error, "objects could not be read before a revoke");
                return Err(Stop::Outdated);
            }
        };
        let fresh: super::index::Fingerprint = fresh
            .items
            .iter()
            .map(|object| {
                let reference = ObjectRef {
                    kind: crate::model::Kind::AlbTargetBinding,
                    namespace: object.metadata.namespace.clone().unwrap_or_default(),
                    name: object.metadata.name.clone().unwrap_or_default(),
                };
                (reference, super::index::fingerprint(&object.metadata))
            })
            .collect();
        let known = self.index().fingerprint();
        let same_claims = self.index().needs_the_same(&view.revisions);
        let leads = self.leadership.is_held();
        if fresh == known && same_claims && leads {
            Ok(())
        } else {
            Err(if leads { Stop::Outdated } else { Stop::NotLeading })
        }
    }
}
