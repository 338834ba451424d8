//! What the objects need of one group, as the plan takes it.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::api::ForeignRules;
use crate::defect::Defect;
use crate::model::{Claim, Declaration, ElbArn, Elsewhere, GroupKey, Named, ObjectRef, Retained, Stance};

use super::entry::Entry;
use super::{GroupView, Index};

impl Index {
    /// `named` are the objects that the group's rules name.
    pub fn view(&self, key: &GroupKey, named: &[Named], now: Instant) -> GroupView {
        let claimants = self.claimants.get(key);
        let claiming = || claimants.into_iter().flatten().filter_map(|object| self.objects.get_key_value(object));
        let may_be_anyone = named.iter().any(|named| matches!(named, Named::AtLeast(_)));
        let concerned = named.iter().flat_map(Named::objects).filter_map(|object| self.objects.get_key_value(object));
        let everyone = self.objects.iter().filter(|_| may_be_anyone);
        GroupView {
            claims: claiming().filter_map(|(reference, entry)| self.claim(reference, entry, key)).collect(),
            known: claiming()
                .chain(concerned)
                .chain(everyone)
                .map(|(reference, entry)| (reference.clone(), entry.known(now)))
                .collect(),
            revisions: claiming().map(|(reference, entry)| (reference.clone(), entry.revision)).collect(),
            settled: self.groups.get(key).map(|group| group.settled.clone()).unwrap_or_default(),
            unheard: !self.unheard.is_empty(),
        }
    }

    /// Load balancers that some object binds.
    pub fn load_balancers(&self) -> BTreeSet<ElbArn> {
        let facts = self.objects.values().filter_map(Entry::facts);
        facts.filter_map(|facts| Some(facts.load_balancer.as_ref()?.arn.clone())).collect()
    }

    fn claim(&self, reference: &ObjectRef, entry: &Entry, key: &GroupKey) -> Option<Claim> {
        let declaration = entry.declaration.as_ref().ok()?;
        // Where the object is declared to be somewhere else by now, it needs nothing of a group of the same id here.
        let here = key.scope == declaration.scope;
        let needs = entry.desired.groups.get(&key.id).filter(|_| here).cloned().unwrap_or_default();
        let retained = if entry.history.is_unsettled() && !matches!(declaration.stance, Stance::Leaving(_)) {
            Retained::All
        } else {
            Retained::These(entry.retained.get(&key.id).cloned().unwrap_or_default())
        };
        Some(Claim {
            object: reference.clone(),
            created: entry.object.metadata().creation_timestamp.as_ref().map(|time| time.0),
            stance: declaration.stance,
            rules: needs.rules,
            retained,
            recorded: is_recorded(entry, key),
            elsewhere: self.elsewhere(reference, entry, key),
            gap_permitted: entry.permits_gap(),
            governs: needs.governs,
            foreign_rules: declaration.foreign_rules,
        })
    }

    /// How the rules stand that the object needs in other groups.
    fn elsewhere(&self, reference: &ObjectRef, entry: &Entry, key: &GroupKey) -> Elsewhere {
        if Defect::ForgetOtherGroups.is_on() {
            return Elsewhere::Made;
        }
        let others = entry.keys(entry.desired.groups.keys()).filter(|other| other != key);
        others.map(|other| self.stands(reference, entry, &other)).max().unwrap_or_default()
    }

    fn stands(&self, reference: &ObjectRef, entry: &Entry, key: &GroupKey) -> Elsewhere {
        let outcome = self.groups.get(key).and_then(|group| group.outcome.as_ref());
        let seen = outcome.filter(|outcome| outcome.revisions.get(reference) == Some(&entry.revision));
        match seen.map_or(Elsewhere::Pending, |outcome| outcome.plan.stands(reference)) {
            // It waits for its status too.
            Elsewhere::AwaitRoom if !is_recorded(entry, key) => Elsewhere::Pending,
            stands => stands,
        }
    }
}

/// Whether rules may be made for the object: it was looked up as it is declared now, and nothing that is written can be
/// forgotten.
fn is_recorded(entry: &Entry, key: &GroupKey) -> bool {
    let recorded = |it: &Declaration| it.finalizer && it.recorded_groups.contains(key);
    entry.is_looked_up() && entry.declaration.as_ref().is_ok_and(recorded)
}

/// What an object's foreign rules are to become, for those who ask whether reading the usage is worth it.
pub fn removes_foreign(claim: &Claim) -> bool {
    claim.foreign_rules == ForeignRules::Remove && claim.governs.unless_used_elsewhere
}
