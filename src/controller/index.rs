//! All that the controller remembers: the objects, what was found for them, and how each group stands.
//!
//! Pure bookkeeping under one lock that is never held across an await. Times are handed in.

mod brake;
mod claims;
mod contest;
mod entry;
mod gaps;
mod lag;
mod referrers;
mod report;
mod tightening;
mod suspects;
mod told;

pub use brake::BrakeNews;
pub use claims::removes_foreign;
pub use contest::Moment;
pub use lag::LAG;
pub use report::Farewell;
pub use tightening::{Progress, Rest, Verdict};
pub use told::Told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::{DriftStatus, RuleUsage};
use crate::model::{
    Claim, Declaration, Facts, GroupKey, HoldReason, Known, Object, ObjectProblem, ObjectRef, Plan, Resolution,
    RuleSpec, Scope, Stance, TargetRef, Thing,
};
use crate::validate;

use brake::Brake;
use contest::Contest;
use entry::{Entry, FRESH, Resolved};
use referrers::Referrers;

/// The times after which derived facts count.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between the two complete reads that a revoke needs which follows from AWS alone.
    pub revocation_delay: Duration,
    /// Until something that can't be found counts as gone.
    pub gone_after: Duration,
}

/// All that is remembered. Everything is kept in sorted order, so that the same input gives the same output.
pub struct Index {
    patience: Patience,
    home: Scope,
    objects: BTreeMap<ObjectRef, Entry>,
    groups: BTreeMap<GroupKey, GroupEntry>,
    /// Who has to do with a group.
    claimants: BTreeMap<GroupKey, BTreeSet<ObjectRef>>,
    referrers: Referrers,
    brake: Brake,
    /// Groups with rules of ours with which no object has to do.
    strays: BTreeSet<GroupKey>,
    /// Objects that were not looked up yet as they are declared now.
    unheard: BTreeSet<ObjectRef>,
    /// About how many calls it takes to look up every object once: the sum of the entries'.
    calls: usize,
}

#[derive(Default)]
struct GroupEntry {
    outcome: Option<GroupOutcome>,
    /// Rules that were seen in place: if one is missing later, someone took it away.
    settled: BTreeSet<RuleSpec>,
    contest: Contest,
    /// `None` before the first pass.
    told: Option<BTreeSet<Told>>,
    absent_since: Option<Instant>,
    made_at: Option<Instant>,
    tightening: Option<tightening::UnderWay>,
    tightening_rests_until: Option<Instant>,
    /// Targets for whose sake foreign rules were put back.
    fallen: BTreeSet<TargetRef>,
}

/// How a group stood after a pass over it.
#[derive(Clone, Debug)]
pub struct GroupOutcome {
    /// What is still to be done.
    pub plan: Plan,
    pub problems: Vec<ObjectProblem>,
    pub ingress: RuleUsage,
    pub egress: RuleUsage,
    /// What was known of each object.
    pub revisions: BTreeMap<ObjectRef, u64>,
    /// Whether what was not seen is not there.
    pub shows_all: bool,
    pub at: Instant,
}

/// What the objects need of one group at this moment.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub claims: Vec<Claim>,
    pub known: BTreeMap<ObjectRef, Known>,
    pub revisions: BTreeMap<ObjectRef, u64>,
    pub settled: BTreeSet<RuleSpec>,
    /// Some object, of any group, was not looked up yet.
    pub unheard: bool,
}

/// What a change of an object calls for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Whether it asks for anything else than before.
    pub changed: bool,
    pub groups: BTreeSet<GroupKey>,
    /// Whether the object is to be looked up anew.
    pub resolve: bool,
}

/// What a revoke must find unchanged: uid, generation and whether it is being deleted, of every object.
pub type Fingerprint = BTreeMap<ObjectRef, (String, i64, bool, bool)>;

impl Index {
    pub fn new(home: Scope, patience: Patience) -> Self {
        Self {
            patience,
            home,
            objects: BTreeMap::new(),
            groups: BTreeMap::new(),
            claimants: BTreeMap::new(),
            referrers: Referrers::default(),
            brake: Brake::default(),
            strays: BTreeSet::new(),
            unheard: BTreeSet::new(),
            calls: 0,
        }
    }

    // Objects come, change and go.

    /// Takes an object in as the API server has it.
    pub fn upsert(&mut self, object: Object) -> Touched {
        let reference = object.reference();
        let declaration = validate::object(&object, &self.home);
        let object = Arc::new(object);
        let known = self.objects.get(&reference);
        let before = known.map(|entry| entry.groups.clone()).unwrap_or_default();
        let referred = known.and_then(Entry::referent);
        let mut touched = match self.objects.get_mut(&reference) {
            Some(entry) if entry.object.metadata().uid == object.metadata().uid => entry.update(object, declaration),
            _ => {
                // A namesake that was deleted and made anew while nobody looked goes with all that it claimed.
                self.remove(&reference);
                self.objects.insert(reference.clone(), Entry::new(object, declaration));
                Touched { changed: true, resolve: true, groups: BTreeSet::new() }
            }
        };
        self.referrers.change(&reference, referred, self.objects.get(&reference).and_then(Entry::referent));
        if touched.changed {
            touched.groups.extend(self.recompute(&reference).union(&before).cloned());
        }
        touched
    }

    /// Forgets an object; the groups that it had to do with are told.
    pub fn remove(&mut self, reference: &ObjectRef) -> BTreeSet<GroupKey> {
        let Some(entry) = self.objects.remove(reference) else { return BTreeSet::new() };
        self.calls -= entry.calls;
        self.unheard.remove(reference);
        self.referrers.change(reference, entry.referent(), None);
        self.unclaim(reference, &entry.groups);
        entry.groups
    }

    fn unclaim(&mut self, reference: &ObjectRef, groups: &BTreeSet<GroupKey>) {
        for group in groups {
            if let Some(claimants) = self.claimants.get_mut(group) {
                claimants.remove(reference);
                if claimants.is_empty() {
                    self.claimants.remove(group);
                }
            }
        }
    }

    /// Works out anew what an object needs. Tells the groups that it has to do with now.
    fn recompute(&mut self, reference: &ObjectRef) -> BTreeSet<GroupKey> {
        let Some(entry) = self.objects.get_mut(reference) else { return BTreeSet::new() };
        let (before, calls) = (entry.groups.clone(), entry.calls);
        entry.recompute();
        if entry.is_unheard() {
            self.unheard.insert(reference.clone());
        } else {
            self.unheard.remove(reference);
        }
        let after = entry.groups.clone();
        self.calls = self.calls - calls + entry.calls;
        self.unclaim(reference, &before);
        for group in &after {
            self.claimants.entry(group.clone()).or_default().insert(reference.clone());
        }
        after
    }

    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.objects.keys()
    }

    pub fn object(&self, reference: &ObjectRef) -> Option<Arc<Object>> {
        self.objects.get(reference).map(|entry| Arc::clone(&entry.object))
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let print =
            |(reference, entry): (&ObjectRef, &Entry)| (reference.clone(), fingerprint(entry.object.metadata()));
        self.objects.iter().map(print).collect()
    }

    // What AWS says of them.

    /// What is needed to look an object up: its declaration, what was last known, and what is gone.
    pub fn to_resolve(&self, reference: &ObjectRef, now: Instant) -> Option<(Declaration, Facts, BTreeSet<Thing>)> {
        let entry = self.objects.get(reference)?;
        let declaration = entry.declaration.as_ref().ok()?;
        let live = !matches!(declaration.stance, Stance::Leaving(_));
        let gone = entry.history.gone(now, self.patience.gone_after).cloned().collect();
        live.then(|| (declaration.clone(), entry.facts().cloned().unwrap_or_default(), gone))
    }

    /// Takes in what was found for a declaration. The groups before and after are told.
    pub fn resolved(
        &mut self,
        declaration: &Declaration,
        resolution: Resolution,
        read_at: Instant,
    ) -> BTreeSet<GroupKey> {
        let Some(entry) = self.objects.get_mut(&declaration.object) else { return BTreeSet::new() };
        let asked = entry.declaration.as_ref().map(|now| (&now.uid, now.generation)).ok();
        if asked != Some((&declaration.uid, declaration.generation)) {
            // The object has changed meanwhile: the answer is to another question.
            return BTreeSet::new();
        }
        let before = entry.groups.clone();
        if resolution.complete {
            entry.history.read(resolution.facts.clone(), read_at, self.patience.revocation_delay);
        }
        entry.history.missing(resolution.absent.iter().cloned(), read_at);
        entry.resolution = Some(Resolved { generation: declaration.generation, resolution, read_at });
        let groups = self.recompute(&declaration.object).union(&before).cloned().collect();
        self.catch_up(&declaration.object);
        groups
    }

    /// When an object is to be looked up again, from now: early if something could be settled or found by it.
    pub fn next_resolve(&self, reference: &ObjectRef, now: Instant, rediscover: Duration) -> Duration {
        let Some(entry) = self.objects.get(reference) else { return rediscover };
        let waits = entry.resolution.as_ref().is_none_or(|resolved| !resolved.resolution.complete);
        let settles = entry.history.settles_at(self.patience.revocation_delay);
        let regular = if waits { rediscover.min(FRESH) } else { rediscover };
        // Once its time has come only a complete read settles it: that is tried no more often for it.
        settles.filter(|at| *at > now).map_or(regular, |at| regular.min(at.saturating_duration_since(now)))
    }

    /// About how many calls it takes to look up every object once.
    pub fn calls_to_resolve_all(&self) -> usize {
        self.calls
    }

    // What the groups are to hold.

    /// Every group that an object has to do with, or that holds rules of ours.
    pub fn groups(&self) -> BTreeSet<GroupKey> {
        self.claimants.keys().chain(&self.strays).cloned().collect()
    }

    /// Keeps a group in mind that holds rules of ours, whoever has to do with it.
    pub fn has_rules_of_ours(&mut self, key: &GroupKey) {
        self.strays.insert(key.clone());
    }

    /// Takes in how a pass over a group ended. Tells which other groups waited for it.
    pub fn passed(&mut self, key: &GroupKey, outcome: GroupOutcome) -> BTreeSet<GroupKey> {
        let objects: BTreeSet<ObjectRef> = outcome.revisions.keys().cloned().collect();
        let group = self.groups.entry(key.clone()).or_default();
        group.settle(&outcome.plan);
        group.outcome = Some(outcome);
        objects.iter().for_each(|object| self.catch_up(object));
        self.take_gap_tokens(&objects);
        let others = objects.iter().filter_map(|object| self.objects.get(object)).flat_map(|entry| &entry.groups);
        others.filter(|other| *other != key && self.waits(other)).cloned().collect()
    }

    fn waits(&self, key: &GroupKey) -> bool {
        let outcome = self.groups.get(key).and_then(|group| group.outcome.as_ref());
        let applying =
            |outcome: &GroupOutcome| outcome.plan.held.iter().any(|held| held.reason == HoldReason::Applying);
        outcome.is_some_and(applying)
    }

    /// The plan of the last pass.
    pub fn plan_of(&self, key: &GroupKey) -> Option<Plan> {
        Some(self.groups.get(key)?.outcome.as_ref()?.plan.clone())
    }

    /// Whether these objects still need what they needed.
    pub fn needs_the_same(&self, revisions: &BTreeMap<ObjectRef, u64>) -> bool {
        revisions
            .iter()
            .all(|(object, revision)| self.objects.get(object).is_some_and(|entry| entry.revision == *revision))
    }

    /// Drops what is remembered of a group that nobody has to do with any more.
    pub fn forget_group(&mut self, key: &GroupKey) {
        self.forget_brake(key);
        self.groups.remove(key);
        self.strays.remove(key);
    }

    /// The time of the group that was looked at longest ago; `None` before all have been.
    pub fn oldest_pass(&self) -> Option<Instant> {
        let times = self.claimants.keys().map(|key| Some(self.groups.get(key)?.outcome.as_ref()?.at));
        times.min().flatten()
    }

    pub fn set_drift(&mut self, reference: &ObjectRef, drift: DriftStatus) {
        if let Some(entry) = self.objects.get_mut(reference) {
            entry.drift = Some(drift);
        }
    }
}

/// What a fresh read of an object is compared by.
pub fn fingerprint(metadata: &kube::api::ObjectMeta) -> (String, i64, bool, bool) {
    let abandoned =
        metadata.annotations.iter().any(|annotations| annotations.contains_key(crate::api::names::ABANDON_ANNOTATION));
    (
        metadata.uid.clone().unwrap_or_default(),
        metadata.generation.unwrap_or_default(),
        metadata.deletion_timestamp.is_some(),
        abandoned,
    )
}

#[cfg(test)]
mod tests;
