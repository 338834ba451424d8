//! All that the controller remembers: the objects, what was found for them, and how each group stands.
//!
//! Pure bookkeeping under one lock that is never held across an await. Times are handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::{ALBTargetBinding, DriftStatus, ForeignRules, RuleUsage};
use crate::desired::{self, Desired};
use crate::model::{
    BindingFacts, Claim, Declaration, ElbArn, GroupKey, Knowledge, Known, ObjectProblem, ObjectRef, Plan, Problem,
    Resolution, Retained, RuleSpec, Scope, SecurityGroupId, Stance, Thing,
};
use crate::status::{self, GroupReport};
use crate::validate::{self, Finding};

use super::history::History;

/// How old facts may be for a rule to be revoked by them.
const FRESH: Duration = Duration::from_secs(30);

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
}

struct Entry {
    object: Arc<ALBTargetBinding>,
    declaration: Result<Declaration, Vec<Finding>>,
    history: History,
    resolution: Option<Resolved>,
    desired: Desired,
    /// By group; only where the history is settled.
    retained: BTreeMap<SecurityGroupId, BTreeSet<RuleSpec>>,
    drift: Option<DriftStatus>,
    /// Whether all was looked at once since the start.
    caught_up: bool,
    /// Goes up whenever what the object needs may have changed.
    revision: u64,
}

struct Resolved {
    generation: i64,
    resolution: Resolution,
    read_at: Instant,
}

#[derive(Default)]
struct GroupEntry {
    outcome: Option<GroupOutcome>,
    /// Rules that were seen in place: if one is missing later, someone took it away.
    settled: BTreeSet<RuleSpec>,
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
    pub at: Instant,
}

/// What the objects need of one group at this moment.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub claims: Vec<Claim>,
    pub known: BTreeMap<ObjectRef, Known>,
    pub revisions: BTreeMap<ObjectRef, u64>,
    /// Load balancers that some object binds.
    pub load_balancers: BTreeSet<ElbArn>,
    pub settled: BTreeSet<RuleSpec>,
}

/// What a change of an object calls for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub groups: BTreeSet<GroupKey>,
    /// Whether the object is to be looked up anew.
    pub resolve: bool,
}

/// What a revoke must find unchanged: uid, generation and whether it is being deleted, of every object.
pub type Fingerprint = BTreeMap<ObjectRef, (String, i64, bool, bool)>;

impl Index {
    pub fn new(home: Scope, patience: Patience) -> Self {
        Self { patience, home, objects: BTreeMap::new(), groups: BTreeMap::new() }
    }

    // Objects come, change and go.

    /// Takes an object in as the API server has it.
    pub fn upsert(&mut self, object: ALBTargetBinding) -> Touched {
        let reference = validate::object_ref(&object);
        let declaration = validate::binding(&object, &self.home);
        let object = Arc::new(object);
        let before = self.objects.get(&reference).map(Entry::groups).unwrap_or_default();
        let same_object = |entry: &Entry| entry.object.metadata.uid == object.metadata.uid;
        if self.objects.get(&reference).is_some_and(|entry| !same_object(entry)) {
            self.objects.remove(&reference);
        }
        let entry = match self.objects.entry(reference) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let history = seed(&object, &declaration);
                let mut entry = Entry::new(object, declaration, history);
                entry.recompute();
                let entry = vacant.insert(entry);
                return Touched { groups: before.union(&entry.groups()).cloned().collect(), resolve: true };
            }
            std::collections::btree_map::Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let asks_otherwise = entry.declaration != declaration;
        let respecified = entry.object.metadata.generation != object.metadata.generation;
        if selection(&entry.declaration) != selection(&declaration) {
            // Other things are meant: that they differ from those of before follows from the spec.
            entry.history = History::default();
            entry.resolution = None;
        }
        entry.object = object;
        entry.declaration = declaration;
        if !asks_otherwise {
            return Touched::default();
        }
        entry.recompute();
        let groups = before.union(&entry.groups()).cloned().collect();
        Touched { groups, resolve: respecified }
    }

    /// Forgets an object; the groups that it had to do with are told.
    pub fn remove(&mut self, reference: &ObjectRef) -> BTreeSet<GroupKey> {
        self.objects.remove(reference).map(|entry| entry.groups()).unwrap_or_default()
    }

    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.objects.keys()
    }

    pub fn object(&self, reference: &ObjectRef) -> Option<Arc<ALBTargetBinding>> {
        self.objects.get(reference).map(|entry| Arc::clone(&entry.object))
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let print = |(reference, entry): (&ObjectRef, &Entry)| (reference.clone(), fingerprint(&entry.object.metadata));
        self.objects.iter().map(print).collect()
    }

    // What AWS says of them.

    /// What is needed to look an object up: its declaration, what was last known, and what is gone.
    pub fn to_resolve(
        &self,
        reference: &ObjectRef,
        now: Instant,
    ) -> Option<(Declaration, BindingFacts, BTreeSet<Thing>)> {
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
        let before = entry.groups();
        if resolution.complete {
            entry.history.read(resolution.facts.clone(), read_at, self.patience.revocation_delay);
        }
        entry.history.missing(resolution.absent.iter().cloned(), read_at);
        entry.resolution = Some(Resolved { generation: declaration.generation, resolution, read_at });
        entry.recompute();
        let groups = before.union(&entry.groups()).cloned().collect();
        self.catch_up(&declaration.object);
        groups
    }

    /// When an object is to be looked up again, from now: early if something could be settled or found by it.
    pub fn next_resolve(&self, reference: &ObjectRef, now: Instant, rediscover: Duration) -> Duration {
        let Some(entry) = self.objects.get(reference) else { return rediscover };
        let waits = entry.resolution.as_ref().is_none_or(|resolved| !resolved.resolution.complete);
        let settles = entry.history.settles_at(self.patience.revocation_delay);
        let regular = if waits { rediscover.min(FRESH) } else { rediscover };
        settles.map_or(regular, |at| regular.min(at.saturating_duration_since(now)))
    }

    /// About how many calls it takes to look up every object once.
    pub fn calls_to_resolve_all(&self) -> usize {
        let calls = |entry: &Entry| {
            let facts = entry.facts();
            let listeners =
                facts.and_then(|facts| facts.load_balancer.as_ref()).map_or(0, |found| found.listeners.len());
            3 + listeners + facts.map_or(0, |facts| facts.target_groups.len())
        };
        self.objects.values().map(calls).sum()
    }

    // What the groups are to hold.

    /// Every group that an object has to do with.
    pub fn groups(&self) -> BTreeSet<GroupKey> {
        self.objects.values().flat_map(Entry::groups).collect()
    }

    pub fn view(&self, key: &GroupKey, now: Instant) -> GroupView {
        let claiming = || self.objects.iter().filter(|(_, entry)| entry.groups().contains(key));
        GroupView {
            claims: claiming().filter_map(|(reference, entry)| self.claim(reference, entry, key)).collect(),
            known: self.objects.iter().map(|(reference, entry)| (reference.clone(), entry.known(now))).collect(),
            revisions: claiming().map(|(reference, entry)| (reference.clone(), entry.revision)).collect(),
            load_balancers: self
                .objects
                .values()
                .filter_map(|entry| Some(entry.facts()?.load_balancer.as_ref()?.arn.clone()))
                .collect(),
            settled: self.groups.get(key).map(|group| group.settled.clone()).unwrap_or_default(),
        }
    }

    fn claim(&self, reference: &ObjectRef, entry: &Entry, key: &GroupKey) -> Option<Claim> {
        let declaration = entry.declaration.as_ref().ok()?;
        let needs = entry.desired.groups.get(&key.id).cloned().unwrap_or_default();
        let retained = if entry.history.is_unsettled() && !matches!(declaration.stance, Stance::Leaving(_)) {
            Retained::All
        } else {
            Retained::These(entry.retained.get(&key.id).cloned().unwrap_or_default())
        };
        Some(Claim {
            object: reference.clone(),
            stance: declaration.stance,
            rules: needs.rules,
            retained,
            recorded: declaration.finalizer && declaration.recorded_groups.contains(&key.id),
            pending_elsewhere: self.pending_elsewhere(reference, entry, key),
            governs: needs.governs,
            foreign_rules: declaration.foreign_rules,
        })
    }

    /// Whether rules of the object in other groups are still to be made, and may be.
    fn pending_elsewhere(&self, reference: &ObjectRef, entry: &Entry, key: &GroupKey) -> bool {
        entry.keys(entry.desired.groups.keys()).filter(|other| other != key).any(|other| {
            let Some(outcome) = self.groups.get(&other).and_then(|group| group.outcome.as_ref()) else { return true };
            let seen = outcome.revisions.get(reference) == Some(&entry.revision);
            let refused = outcome.problems.iter().any(|problem| problem.object == *reference);
            let missing = outcome.plan.standing.get(reference).is_none_or(|standing| !standing.missing().is_empty());
            !seen || (missing && !refused)
        })
    }

    /// Takes in how a pass over a group ended. Tells which other groups waited for it.
    pub fn passed(&mut self, key: &GroupKey, outcome: GroupOutcome) -> BTreeSet<GroupKey> {
        let objects: BTreeSet<ObjectRef> = outcome.revisions.keys().cloned().collect();
        let group = self.groups.entry(key.clone()).or_default();
        group.settled = outcome.plan.standing.values().flat_map(|standing| standing.in_place.iter().cloned()).collect();
        group.outcome = Some(outcome);
        objects.iter().for_each(|object| self.catch_up(object));
        let others = objects.iter().filter_map(|object| self.objects.get(object)).flat_map(Entry::groups);
        others.filter(|other| other != key && self.waits(other)).collect()
    }

    fn waits(&self, key: &GroupKey) -> bool {
        let outcome = self.groups.get(key).and_then(|group| group.outcome.as_ref());
        let applying = |outcome: &GroupOutcome| {
            outcome.plan.held.iter().any(|held| held.reason == crate::model::HoldReason::Applying)
        };
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
        self.groups.remove(key);
    }

    /// The time of the group that was looked at longest ago; `None` before all have been.
    pub fn oldest_pass(&self) -> Option<Instant> {
        let times = self.groups().into_iter().map(|key| Some(self.groups.get(&key)?.outcome.as_ref()?.at));
        times.min().flatten()
    }

    pub fn set_drift(&mut self, reference: &ObjectRef, drift: DriftStatus) {
        if let Some(entry) = self.objects.get_mut(reference) {
            entry.drift = Some(drift);
        }
    }

    // What is told of an object.

    /// The object with its new status.
    pub fn status(
        &self,
        reference: &ObjectRef,
        now: jiff::Timestamp,
    ) -> Option<(Arc<ALBTargetBinding>, crate::api::Status)> {
        let entry = self.objects.get(reference)?;
        let groups = self.reports(reference, entry);
        let current = entry.resolution.as_ref().filter(|resolved| Some(resolved.generation) == entry.generation());
        let status = status::binding(&status::Input {
            object: &entry.object,
            reference,
            declaration: entry.declaration.as_ref().map_err(Vec::as_slice),
            resolution: current.map(|resolved| &resolved.resolution),
            desired: &entry.desired,
            groups: &groups,
            drift: entry.drift.as_ref(),
            now,
        });
        Some((Arc::clone(&entry.object), status))
    }

    fn catch_up(&mut self, reference: &ObjectRef) {
        let Some(entry) = self.objects.get(reference).filter(|entry| entry.resolution.is_some()) else { return };
        let reports = self.reports(reference, entry);
        let looked_at = entry.groups().iter().all(|key| reports.get(&key.id).is_some_and(|report| report.current));
        if let Some(entry) = self.objects.get_mut(reference).filter(|_| looked_at) {
            entry.caught_up = true;
        }
    }

    /// Whether the status that the object carries is of its present spec and says more than is known since the
    /// start. To write what is known would tell of a change where there is none.
    pub fn is_catching_up(&self, reference: &ObjectRef) -> bool {
        let Some(entry) = self.objects.get(reference).filter(|entry| !entry.caught_up) else { return false };
        let told = entry.object.status.as_ref().map(|status| status.observed_generation);
        let problems = entry.resolution.iter().any(|resolved| !resolved.resolution.problems.is_empty())
            || self.reports(reference, entry).values().any(|report| !report.problems.is_empty());
        told == entry.object.metadata.generation && !problems
    }

    fn reports<'a>(&'a self, reference: &ObjectRef, entry: &Entry) -> BTreeMap<SecurityGroupId, GroupReport<'a>> {
        let report = |key: GroupKey| {
            let outcome = self.groups.get(&key)?.outcome.as_ref()?;
            let mine = |problem: &&ObjectProblem| problem.object == *reference;
            let problems: Vec<Problem> =
                outcome.problems.iter().filter(mine).map(|problem| problem.problem.clone()).collect();
            let report = GroupReport {
                plan: &outcome.plan,
                problems,
                ingress: outcome.ingress,
                egress: outcome.egress,
                current: outcome.revisions.get(reference) == Some(&entry.revision),
            };
            Some((key.id, report))
        };
        entry.groups().into_iter().filter_map(report).collect()
    }

    /// What an object that is being deleted waits for; `None` if it may go.
    pub fn farewell(&self, reference: &ObjectRef) -> Option<Farewell> {
        let entry = self.objects.get(reference)?;
        match validate::stance(&entry.object) {
            Stance::Leaving(crate::model::Farewell::Abandon) => Some(Farewell::Go { left: BTreeSet::new() }),
            Stance::Leaving(_) => Some(self.after_revocation(reference, entry)),
            Stance::Enforce | Stance::Observe => None,
        }
    }

    fn after_revocation(&self, reference: &ObjectRef, entry: &Entry) -> Farewell {
        let mut left = BTreeSet::new();
        let reports = self.reports(reference, entry);
        for key in entry.groups() {
            let Some(report) = reports.get(&key.id).filter(|report| report.current) else { return Farewell::Wait };
            let surplus =
                report.plan.standing.get(reference).map(|standing| standing.surplus.clone()).unwrap_or_default();
            let refused = |spec: &RuleSpec| {
                report.plan.held.iter().any(|held| {
                    held.step.spec == *spec && matches!(held.reason, crate::model::HoldReason::NotPermitted)
                })
            };
            if !surplus.iter().all(refused) {
                return Farewell::Wait;
            }
            left.extend(surplus.into_iter().map(|spec| format!("{} {spec}", key.id)));
        }
        Farewell::Go { left }
    }
}

/// Whether an object that is being deleted may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    Wait,
    /// It may; these rules of its stay, because consent was withdrawn.
    Go {
        left: BTreeSet<String>,
    },
}

impl Entry {
    fn new(object: Arc<ALBTargetBinding>, declaration: Result<Declaration, Vec<Finding>>, history: History) -> Self {
        Self {
            object,
            declaration,
            history,
            resolution: None,
            desired: Desired::default(),
            retained: BTreeMap::new(),
            drift: None,
            caught_up: false,
            revision: 0,
        }
    }

    fn generation(&self) -> Option<i64> {
        self.declaration.as_ref().ok().map(|declaration| declaration.generation)
    }

    /// The facts that count now: the last answer, filled up with what was known before.
    fn facts(&self) -> Option<&BindingFacts> {
        self.resolution.as_ref().map(|resolved| &resolved.resolution.facts).or_else(|| self.history.latest())
    }

    fn recompute(&mut self) {
        let (desired, retained) = self.needs();
        let changed = desired != self.desired || retained != self.retained;
        (self.desired, self.retained) = (desired, retained);
        self.revision += u64::from(changed || self.revision == 0);
    }

    /// What the object needs by the facts that count now, and what it needed by those that held lately.
    fn needs(&self) -> (Desired, BTreeMap<SecurityGroupId, BTreeSet<RuleSpec>>) {
        let mut retained = BTreeMap::<_, BTreeSet<RuleSpec>>::new();
        let live = |declaration: &&Declaration| !matches!(declaration.stance, Stance::Leaving(_));
        let Some(declaration) = self.declaration.as_ref().ok().filter(live) else { return Default::default() };
        let needs = |facts| desired::binding(&declaration.binding, facts);
        let desired = self.facts().map(needs).unwrap_or_default();
        for earlier in self.history.earlier().map(needs) {
            for (group, needs) in earlier.groups {
                // What is needed now is not merely kept: other weights alone change nothing.
                let now = desired.groups.get(&group);
                let past = |spec: &RuleSpec| now.is_none_or(|now| !now.rules.contains_key(spec));
                let rules: BTreeSet<RuleSpec> = needs.rules.into_keys().filter(past).collect();
                if !rules.is_empty() {
                    retained.entry(group).or_default().extend(rules);
                }
            }
        }
        (desired, retained)
    }

    fn keys<'a>(&self, ids: impl Iterator<Item = &'a SecurityGroupId>) -> impl Iterator<Item = GroupKey> {
        let scope = self.declaration.as_ref().ok().map(|declaration| declaration.scope.clone());
        ids.filter_map(move |id| Some(GroupKey { scope: scope.clone()?, id: id.clone() }))
    }

    /// Every group that the object needs, needed lately or has written.
    fn groups(&self) -> BTreeSet<GroupKey> {
        let recorded = validate::recorded_groups(&self.object);
        self.keys(self.desired.groups.keys().chain(self.retained.keys()).chain(&recorded)).collect()
    }

    fn known(&self, now: Instant) -> Known {
        let stance = validate::stance(&self.object);
        let knowledge = match (&stance, &self.resolution) {
            (Stance::Leaving(_), _) if self.declaration.is_ok() => Knowledge::Fresh,
            (_, Some(resolved)) if resolved.resolution.complete && self.generation() == Some(resolved.generation) => {
                if now.saturating_duration_since(resolved.read_at) <= FRESH {
                    Knowledge::Fresh
                } else {
                    Knowledge::Stale
                }
            }
            _ => Knowledge::Incomplete,
        };
        Known { stance, knowledge }
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

/// The part of a declaration that says which things in AWS are meant.
fn selection(declaration: &Result<Declaration, Vec<Finding>>) -> Option<impl PartialEq + '_> {
    let declaration = declaration.as_ref().ok()?;
    let targets: Option<Vec<_>> = declaration
        .binding
        .target_groups
        .as_ref()
        .map(|groups| groups.iter().map(|group| (&group.name, &group.selector)).collect());
    Some((&declaration.scope, &declaration.binding.load_balancer, &declaration.binding.group, targets))
}

/// After a restart the status tells what was last known. It is all that can be in force unless the status
/// says that something was only kept for a while, or the spec names peers that the status does not tell.
fn seed(object: &ALBTargetBinding, declaration: &Result<Declaration, Vec<Finding>>) -> History {
    let Some(status) = object.status.as_ref().filter(|status| status.observed_generation >= 0) else {
        return History::default();
    };
    let facts = status::facts_of(status);
    let delayed = status.held.iter().any(|held| held.reason == crate::model::HoldReason::RevocationDelay.word());
    let named_peers = declaration.as_ref().is_ok_and(|declaration| {
        use crate::model::{GroupSelector, PeerSelector, PrefixListSelector};
        declaration.binding.peers().any(|peer| match peer {
            PeerSelector::Group(selector) => !matches!(selector, GroupSelector::Id { .. }),
            PeerSelector::PrefixList(selector) => !matches!(selector, PrefixListSelector::Id(_)),
            PeerSelector::Cidr(_) | PeerSelector::Vpc => false,
        })
    });
    let exact = !delayed && !named_peers && (facts.is_some() || status.security_groups.is_empty());
    History::seeded(facts, exact)
}

/// What an object's foreign rules are to become, for those who ask whether reading the usage is worth it.
pub fn removes_foreign(claim: &Claim) -> bool {
    claim.foreign_rules == ForeignRules::Remove && claim.governs.unless_used_elsewhere
}
