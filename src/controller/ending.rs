//! How a pass over a group ends: what is remembered of it, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::{DriftStatus, RuleUsage};
use crate::aws::AwsError;
use crate::model::{
    Direction, GroupKey, GroupState, HoldReason, Knowledge, ObjectProblem, ObjectRef, Plan, Problem, Quota, Reason,
    RuleSpec, Standing,
};
use crate::observe;
use crate::status;
use crate::telemetry::metrics::{self, RuleCounts};

use super::Context;
use super::groups::Pass;
use super::index::{GroupOutcome, GroupView, LAG};
use super::queue::{Outcome, Priority};

/// When something waits that nothing announces.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Context {
    /// Ends a pass: remembers how the group stands, and tells whom it concerns.
    pub(super) fn conclude(
        &self,
        state: &GroupState,
        view: &GroupView,
        quota: &Quota,
        plan: Plan,
        pass: Pass,
    ) -> Outcome {
        let key = &state.key;
        self.tell_of_held(&plan);
        self.tell_of_refusals(key, &pass.refusals);
        self.tell_of_brake(&plan);
        let (contested, next_try) = self.index().contest_after(&plan, Instant::now());
        self.metrics.set_contested(&label(key), contested);
        let problems: Vec<ObjectProblem> = plan.problems.iter().cloned().chain(pass.problems).collect();
        let outcome = GroupOutcome {
            ingress: status::usage(state, quota, Direction::Ingress),
            egress: status::usage(state, quota, Direction::Egress),
            problems,
            revisions: view.revisions.clone(),
            shows_all: self.index().shows_all(key, pass.read_at),
            at: Instant::now(),
            plan,
        };
        // Who needs nothing here is let go of once a read shows that nothing is left.
        let waits_to_see = !outcome.shows_all && view.claims.iter().any(|claim| claim.rules.is_empty());
        self.measure(&outcome, key);
        self.tell_of_orphans(&outcome.plan);
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
            (false, false) if waits_to_see => Outcome::Again(Priority::Waiting, LAG),
            (false, false) => next_try.map_or(Outcome::Done, |wait| Outcome::Again(Priority::Waiting, wait)),
        }
    }

    /// The group is not there (any more): its rules are not either.
    pub(super) fn vanished(&self, key: &GroupKey) -> Outcome {
        self.index().forget_tightening(key);
        let view = self.index().view(key, &[], Instant::now());
        let message = format!("security group {} is not in {}: was it deleted?", key.id, key.scope);
        let problem = Problem::new(Reason::SecurityGroupNotFound, message);
        let needing = view.claims.iter().filter(|claim| !claim.rules.is_empty());
        let problems: Vec<ObjectProblem> =
            needing.map(|claim| ObjectProblem { object: claim.object.clone(), problem: problem.clone() }).collect();
        let standing = view.claims.iter().map(|claim| {
            let desired = claim.rules.keys().cloned().collect();
            (claim.object.clone(), Standing { desired, ..Default::default() })
        });
        let plan = Plan {
            group: key.clone(),
            steps: Vec::new(),
            held: Vec::new(),
            problems: Vec::new(),
            standing: standing.collect(),
        };
        self.tell_of_brake(&plan);
        self.ended_without_plan(key, &view, plan, problems, true);
        Outcome::Done
    }

    /// The group could not be read: what was known of it stays, and everyone is told.
    pub(super) fn unreadable(&self, key: &GroupKey, error: &AwsError) {
        let view = self.index().view(key, &[], Instant::now());
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
        self.ended_without_plan(key, &view, plan, problems, false);
        for object in objects {
            self.reports.push(object, Priority::Waiting, Duration::ZERO);
        }
    }

    fn ended_without_plan(
        &self,
        key: &GroupKey,
        view: &GroupView,
        plan: Plan,
        problems: Vec<ObjectProblem>,
        shows_all: bool,
    ) {
        let outcome = GroupOutcome {
            plan,
            problems,
            ingress: Default::default(),
            egress: Default::default(),
            revisions: view.revisions.clone(),
            shows_all,
            at: Instant::now(),
        };
        self.index().passed(key, outcome);
        for object in view.revisions.keys() {
            self.reports.push(object.clone(), Priority::Waiting, Duration::ZERO);
        }
    }

    pub(super) fn forget(&self, key: &GroupKey) {
        self.index().forget_group(key);
        self.metrics.forget_group(&label(key));
    }

    fn measure(&self, outcome: &GroupOutcome, key: &GroupKey) {
        let label = label(key);
        let standing = || outcome.plan.standing.values();
        let count = |rules: BTreeSet<RuleSpec>| u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let of = |part: fn(&Standing) -> &BTreeSet<RuleSpec>| {
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
        let headroom = |usage: RuleUsage| i64::from(usage.limit) - i64::from(usage.used);
        self.metrics.set_quota_headroom(&label, metrics::Direction::Ingress, headroom(outcome.ingress));
        self.metrics.set_quota_headroom(&label, metrics::Direction::Egress, headroom(outcome.egress));
    }

    fn tell_of_drift(&self, view: &GroupView, repaired: &BTreeSet<String>) {
        let drift =
            DriftStatus { time: self.clock.now_wall().to_string(), repaired: repaired.iter().cloned().collect() };
        for object in view.revisions.keys() {
            self.index().set_drift(object, drift.clone());
        }
    }
}

/// Objects that must be looked up again before what waits can be taken away.
fn stale_objects(plan: &Plan, view: &GroupView) -> BTreeSet<ObjectRef> {
    let applying = plan.held.iter().filter(|held| held.reason == HoldReason::Applying);
    let mut objects: BTreeSet<&ObjectRef> = applying.clone().flat_map(|held| &held.step.objects).collect();
    if view.claims.is_empty() && applying.count() > 0 {
        // A rule for which nobody accounts may be anyone's of whom it is not known.
        objects.extend(view.known.keys());
    }
    let stale = |object: &ObjectRef| view.known.get(object).is_some_and(|known| known.knowledge == Knowledge::Stale);
    objects.into_iter().filter(|object| stale(object)).cloned().collect()
}

fn label(key: &GroupKey) -> metrics::Group {
    metrics::Group {
        account: key.scope.account.to_string(),
        region: key.scope.region.to_string(),
        security_group: key.id.to_string(),
    }
}
