//! The brake on mass revocation: how many rules were revoked lately, and how many more may be.
//!
//! Within ten minutes no more than the limit go. What is beyond waits for a person, not for time: while anything is held,
//! the ten minutes do not pass. They go on when nothing is held any more, because fewer rules are to go or a new process
//! has a greater limit. A process that takes over learns from the objects' statuses that something was held.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{Allowance, GroupKey, HoldReason, Plan, RuleId, revocation_limit_of};

use super::{Index, LAG};

/// Within this time no more than the limit go.
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// So many rules a group can have: a thousand in each direction, for each family. Source: "Amazon VPC quotas".
const MOST_RULES: u32 = 4000;

/// What was revoked, is about to be and may not be.
#[derive(Default)]
pub struct Brake {
    /// The limit that the operator gives.
    given: Option<u32>,
    /// When how many rules were revoked.
    revoked: Vec<(Instant, u32)>,
    /// Of `revoked`, how many another process must have revoked before: as many as its limit.
    taken_over: u32,
    /// Of `revoked`, which: reads may still show them.
    gone: BTreeMap<RuleId, Instant>,
    /// Passes that are about to revoke.
    reserved: BTreeMap<GroupKey, u32>,
    /// Rules of ours, as last read.
    ours: BTreeMap<GroupKey, u32>,
    held: BTreeMap<GroupKey, Waiting>,
}

/// Rules that the brake holds.
enum Waiting {
    /// Some, as was told when this process began to lead. It counts until a first look at the group is over, or for as long
    /// as the time that does not pass meanwhile: a group may be one that can't be read.
    Some {
        since: Instant,
    },
    These(BTreeSet<RuleId>),
}

/// The brake has begun to hold rules, or holds none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrakeNews {
    Holds { limit: u32 },
    Released,
}

impl Brake {
    fn new(given: Option<u32>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Drops what is too old to count, unless time stands still.
    fn expire(&mut self, now: Instant) {
        self.gone.retain(|_, at| now.saturating_duration_since(*at) < LAG);
        self.held.retain(|_, held| match held {
            Waiting::Some { since } => now.saturating_duration_since(*since) < WINDOW,
            Waiting::These(_) => true,
        });
        let stands_still = !self.held.is_empty() || Defect::NeverReleaseBrake.is_on();
        if !stands_still || Defect::BrakeThawsByItself.is_on() {
            self.revoked.retain(|(at, _)| now.saturating_duration_since(*at) < WINDOW);
            if self.revoked.is_empty() {
                self.taken_over = 0;
            }
        }
    }

    fn used(&self) -> u32 {
        self.revoked.iter().fold(0, |sum: u32, (_, rules)| sum.saturating_add(*rules))
    }

    /// What was revoked lately counts as ours still, so that the limit does not shrink while it is used up; nor is it
    /// less than the one that is known to be used up.
    fn limit(&self) -> u32 {
        let ours = self.ours.values().fold(self.used(), |sum, rules| sum.saturating_add(*rules));
        let by_default = revocation_limit_of(ours).max(self.taken_over);
        self.given.filter(|_| !Defect::IgnoreRevocationBrake.is_on()).unwrap_or(by_default)
    }

    fn left(&self) -> u32 {
        let reserved = self.reserved.values().fold(0, |sum: u32, rules| sum.saturating_add(*rules));
        self.limit().saturating_sub(self.used()).saturating_sub(reserved)
    }

    /// What a pass over the group may plan with: what it has reserved, else what is left for all.
    fn allowance(&mut self, key: &GroupKey, now: Instant) -> Allowance {
        self.expire(now);
        let left = self.reserved.get(key).copied().unwrap_or_else(|| self.left());
        let left = if Defect::NoRevocationBrake.is_on() { u32::MAX } else { left };
        Allowance { left, limit: self.limit(), counted: self.gone.keys().cloned().collect() }
    }

    /// Sets aside for these rules, so far as they do not count yet, as much as there is.
    fn reserve<'a>(&mut self, key: &GroupKey, rules: impl Iterator<Item = &'a RuleId>, now: Instant) {
        self.reserved.remove(key);
        self.expire(now);
        let asked = number(rules.filter(|id| !self.gone.contains_key(*id)).count());
        if asked > 0 {
            self.reserved.insert(key.clone(), asked.min(self.left()));
        }
    }

    /// Gives back what was set aside.
    fn release(&mut self, key: &GroupKey) {
        self.reserved.remove(key);
    }

    fn has_revoked(&mut self, key: &GroupKey, rules: impl Iterator<Item = RuleId>, now: Instant) {
        self.release(key);
        let before = self.gone.len();
        for id in rules {
            self.gone.entry(id).or_insert(now);
        }
        if self.gone.len() > before {
            self.revoked.push((now, number(self.gone.len() - before)));
        }
    }

    /// Takes in what a pass has left to be done. A rule that was held stays so, whatever else it waits for by now, until
    /// it is not to be revoked any more.
    fn concluded(&mut self, key: &GroupKey, plan: &Plan) -> Option<BrakeNews> {
        let before = self.held.remove(key);
        let held_before = before.is_some() || !self.held.is_empty();
        let was = |id: &RuleId| match &before {
            None => false,
            Some(Waiting::Some { .. }) => true,
            Some(Waiting::These(ids)) => ids.contains(id),
        };
        let by_brake = plan.held.iter().filter(|held| matches!(held.reason, HoldReason::MassRevocation { .. }));
        let by_brake: BTreeSet<RuleId> = by_brake.filter_map(|held| held.step.action.rule().cloned()).collect();
        let otherwise = plan.held.iter().filter(|held| !rests(&held.reason)).map(|held| &held.step).chain(&plan.steps);
        let otherwise = otherwise.filter(|step| step.action.revokes()).filter_map(|step| step.action.rule());
        let still: BTreeSet<RuleId> = otherwise.filter(|id| was(id) || by_brake.contains(id)).cloned().collect();
        if !still.is_empty() {
            self.held.insert(key.clone(), Waiting::These(still));
        }
        match (held_before, self.held.is_empty()) {
            (false, false) => Some(BrakeNews::Holds { limit: self.limit() }),
            (true, true) => Some(BrakeNews::Released),
            (true, false) | (false, true) => None,
        }
    }

    fn forget(&mut self, key: &GroupKey) {
        self.held.remove(key);
        self.ours.remove(key);
        self.release(key);
    }

    /// Another process has led until now. Where its brake held rules, it had used up its limit.
    fn begins_to_lead(&mut self, limit: u32, groups: BTreeSet<GroupKey>, now: Instant) {
        if groups.is_empty() || Defect::ForgetBrakeAtStart.is_on() {
            return;
        }
        // Whoever can write a status can write any number there.
        let most = self.given.unwrap_or_else(|| revocation_limit_of(number(groups.len()).saturating_mul(MOST_RULES)));
        let limit = limit.min(most);
        let missing = limit.saturating_sub(self.used());
        self.revoked.push((now, missing));
        self.taken_over = limit;
        for group in groups {
            self.held.entry(group).or_insert(Waiting::Some { since: now });
        }
    }
}

/// Whether a revoke that waits for this will not go on by itself: a person has seen to it.
fn rests(reason: &HoldReason) -> bool {
    matches!(
        reason,
        HoldReason::Observe
            | HoldReason::NotPermitted
            | HoldReason::Orphan
            | HoldReason::OutsideWatch
            | HoldReason::ForeignRulesKept
            | HoldReason::GroupUsedElsewhere(_)
            | HoldReason::TighteningRolledBack
    )
}

fn number(rules: usize) -> u32 {
    u32::try_from(rules).unwrap_or(u32::MAX)
}

impl Index {
    /// With this limit of the brake on mass revocation; `None`: by how many rules are ours.
    pub fn braked_at(mut self, limit: Option<u32>) -> Self {
        self.brake = Brake::new(limit);
        self
    }

    /// A read of the group shows so many rules of ours. Tells how many of its rules may be revoked now.
    pub fn allowance(&mut self, key: &GroupKey, ours: usize, now: Instant) -> Allowance {
        self.brake.ours.insert(key.clone(), number(ours));
        self.brake.allowance(key, now)
    }

    /// Sets aside that these rules of the group are about to be revoked, or fewer if not so many may be.
    pub fn reserve_revokes<'a>(&mut self, key: &GroupKey, rules: impl Iterator<Item = &'a RuleId>, now: Instant) {
        self.brake.reserve(key, rules, now);
    }

    /// Gives back what is set aside for the group.
    pub fn release_revokes(&mut self, key: &GroupKey) {
        self.brake.release(key);
    }

    /// These rules of the group were revoked, or may have been.
    pub fn has_revoked(&mut self, key: &GroupKey, rules: impl Iterator<Item = RuleId>, now: Instant) {
        self.brake.has_revoked(key, rules, now);
    }

    /// Takes in what a pass over a group has left to be done.
    pub fn brake_after(&mut self, plan: &Plan) -> Option<BrakeNews> {
        self.brake.concluded(&plan.group, plan)
    }

    pub(super) fn forget_brake(&mut self, key: &GroupKey) {
        self.brake.forget(key);
    }

    /// What the statuses tell of a brake that held rules while another process led.
    pub(super) fn take_over_brake(&mut self, now: Instant) {
        let mut limit = 0;
        let mut groups = BTreeSet::new();
        for entry in self.objects.values() {
            let held = entry.object.status().into_iter().flat_map(|status| &status.held);
            let told = held.filter_map(|held| HoldReason::limit_of_mass_revocation(&held.reason)).max();
            if let Some(told) = told {
                limit = limit.max(told);
                groups.extend(entry.recorded(&self.home));
            }
        }
        self.brake.begins_to_lead(limit, groups, now);
    }
}

#[cfg(test)]
mod tests;
