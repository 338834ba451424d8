//! Takes foreign rules away without an outage: what goes is written to the statuses first, the health of targets is read
//! before and watched afterwards, and where a target falls the rules are put back.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{AwsError, Cloud};
use crate::model::{
    Action, GroupKey, GroupState, HealthRead, Held, HoldReason, ObjectRef, Plan, RuleSpec, Step, TakenRule, TargetRef,
    Tightening, Watched, taken,
};
use crate::observe;

use super::Context;
use super::events::News;
use super::index::{Progress, Rest, Verdict};
use super::queue::Priority;

/// As many bytes of a status as tell of rules that go: an object of the API server has about 1.5 MB. What is beyond goes
/// afterwards. Source: etcd's default request size.
const MOST_TOLD: usize = 300_000;
/// What is told with the rules that were taken.
const WATCHED: &str = "health is watched";

impl Context {
    /// Before a pass over a group whose foreign rules go: looks at the targets. Tells whether their health is known, or
    /// need not be.
    pub(super) async fn watch_health(&self, cloud: &Cloud, key: &GroupKey) -> bool {
        let began = Instant::now();
        let Some(watched) = self.index().watches(key, began) else { return true };
        let (watched, health) = match self.read_health(cloud, key, watched).await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(group = %key, %error, "the health of targets could not be read: foreign rules wait");
                return false;
            }
        };
        let verdict = self.index().health_was_read(key, watched, &health, began);
        match verdict {
            Verdict::Well => {}
            Verdict::Abandoned => {
                tracing::warn!(group = %key, "targets became unhealthy before foreign rules were taken away")
            }
            Verdict::Fallen { targets, untold } => {
                self.tell_of_taken(key, &self.objects_that_tighten(key), &untold, WATCHED);
                self.tell_of_return(key, &targets);
            }
        }
        true
    }

    /// After a pass: begins, goes on with or ends the removal of foreign rules. Tells when to look again.
    pub(super) async fn tighten(
        &self,
        cloud: &Cloud,
        state: &GroupState,
        plan: &Plan,
        health_is_known: bool,
    ) -> Option<Duration> {
        let before = self.objects_that_tighten(&state.key);
        let rest = Rest {
            there: state.rules.iter().map(|rule| &rule.spec).collect(),
            to_go: foreign_to_go(plan),
            health_is_known,
            now: Instant::now(),
            calendar: self.clock.now_wall(),
        };
        let progress = self.index().tightening_rests(&state.key, &rest);
        let next = match &progress {
            Progress::None => self.begin_to_tighten(cloud, state, plan).await,
            // After its end more foreign rules may wait for their turn.
            Progress::Waits | Progress::Taken { .. } | Progress::Ended | Progress::EndedUnwatched { .. } => {
                Some(self.index().next_read_of_health())
            }
            // What is put back goes on as all that is made.
            Progress::Dropped | Progress::Returning | Progress::RolledBack => None,
        };
        self.tell_of_progress(&state.key, &before, &progress);
        for object in before.into_iter().chain(self.objects_that_tighten(&state.key)) {
            self.reports.push(object, Priority::Waiting, Duration::ZERO);
        }
        next
    }

    fn tell_of_progress(&self, key: &GroupKey, objects: &BTreeSet<ObjectRef>, progress: &Progress) {
        match progress {
            Progress::Taken { untold } => self.tell_of_taken(key, objects, untold, WATCHED),
            Progress::Ended => self.tell_of_end(key, objects),
            Progress::EndedUnwatched { untold } => {
                self.tell_of_taken(key, objects, untold, "there are no targets to watch");
                self.tell_of_end(key, objects);
            }
            Progress::Dropped | Progress::Returning | Progress::RolledBack | Progress::Waits | Progress::None => {}
        }
    }

    fn tell_of_taken(&self, key: &GroupKey, objects: &BTreeSet<ObjectRef>, rules: &[RuleSpec], and: &str) {
        if rules.is_empty() {
            return;
        }
        let rules: Vec<String> = rules.iter().map(|rule| format!("{} {rule}", key.id)).collect();
        let note = format!("foreign rules were taken away, {and}: {}", rules.join("; "));
        self.tell_all(objects, News { warning: false, reason: "Tightening", action: "Tighten", note: &note });
    }

    fn tell_of_end(&self, key: &GroupKey, objects: &BTreeSet<ObjectRef>) {
        let note = format!("foreign rules of {} stay away: all targets are as healthy as before", key.id);
        self.tell_all(objects, News { warning: false, reason: "Tightened", action: "Tighten", note: &note });
    }

    fn objects_that_tighten(&self, key: &GroupKey) -> BTreeSet<ObjectRef> {
        self.index().objects_that_tighten(key)
    }

    async fn begin_to_tighten(&self, cloud: &Cloud, state: &GroupState, plan: &Plan) -> Option<Duration> {
        let key = &state.key;
        let waits = |held: &&Held| held.reason == HoldReason::Tightening;
        let held: Vec<&Held> = plan.held.iter().filter(waits).collect();
        if held.is_empty() {
            return None;
        }
        let objects: BTreeSet<ObjectRef> = held.iter().flat_map(|held| held.step.objects.iter().cloned()).collect();
        if !self.index().may_begin_to_tighten(key, &objects, Instant::now()) {
            return None;
        }
        let mut size = 0;
        let fits = |rule: &TakenRule| {
            size += size_of(rule);
            size <= MOST_TOLD
        };
        let taken: Vec<TakenRule> = held.iter().filter_map(|held| taken(state, &held.step)).take_while(fits).collect();
        let now = Instant::now();
        match self.read_health(cloud, key, None).await {
            Ok((watched, health)) => self.index().begin_to_tighten(key, taken, &objects, watched, &health, now),
            Err(error) => {
                tracing::warn!(group = %key, %error, "the health of targets could not be read: foreign rules stay");
                self.index().pause_tightening(key, now);
            }
        }
        // As soon as the statuses tell of it the group is looked at again.
        self.index().watches(key, now).is_some().then(|| self.index().next_read_of_health())
    }

    /// The health of all targets that are to be watched; `None`: who that is must be found out first.
    async fn read_health(
        &self,
        cloud: &Cloud,
        key: &GroupKey,
        watched: Option<Watched>,
    ) -> Result<(Watched, HealthRead), AwsError> {
        let watched = match watched {
            Some(watched) => watched,
            None => self.whom_to_watch(cloud, key).await?,
        };
        let health = observe::health_of(cloud, &watched.target_groups).await?;
        Ok((watched, health))
    }

    /// The target groups of all load balancers that have to do with a group, and how long it takes them to notice.
    async fn whom_to_watch(&self, cloud: &Cloud, key: &GroupKey) -> Result<Watched, AwsError> {
        let (load_balancers, declared) = {
            let index = self.index();
            (index.load_balancers_of(key), index.target_groups_of(key))
        };
        observe::whom_to_watch(cloud, &load_balancers, &declared, self.settings.tightening_watch).await
    }

    fn tell_of_return(&self, key: &GroupKey, targets: &BTreeSet<TargetRef>) {
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let note = format!(
            "targets became unhealthy after foreign rules of {} were taken away, so the rules are put back: {}",
            key.id,
            names.join("; ")
        );
        tracing::warn!(group = %key, targets = %names.join("; "), "targets became unhealthy: foreign rules are put back");
        let objects = self.objects_that_tighten(key);
        self.tell_all(&objects, News { warning: true, reason: "TighteningRolledBack", action: "Tighten", note: &note });
        for object in objects {
            self.reports.push(object, Priority::Waiting, Duration::ZERO);
        }
    }

    fn tell_all(&self, objects: &BTreeSet<ObjectRef>, news: News<'_>) {
        objects.iter().for_each(|object| self.tell(object, news));
    }
}

/// Without known health nothing goes.
pub(super) fn unless_unknown(tightening: Tightening, health_is_known: bool) -> Tightening {
    match tightening {
        Tightening::WrittenDown(_) if !health_is_known => Tightening::NotYet,
        other => other,
    }
}

/// Foreign rules that go by the plan, or wait for nothing but what is under way.
fn foreign_to_go(plan: &Plan) -> BTreeSet<&RuleSpec> {
    let foreign = |step: &&Step| matches!(step.action, Action::Revoke { foreign: true, .. });
    let under_way = |held: &&Held| held.reason == HoldReason::Applying;
    let waits = plan.held.iter().filter(under_way).map(|held| &held.step);
    plan.steps.iter().chain(waits).filter(foreign).map(|step| &step.spec).collect()
}

/// About how many bytes of a status it takes to tell of a rule.
fn size_of(rule: &TakenRule) -> usize {
    /// Without description and tags.
    const FIELDS: usize = 300;
    let tags: usize = rule.tags.iter().map(|(key, value)| key.len() + value.len() + 10).sum();
    FIELDS + rule.description.len() + tags
}
