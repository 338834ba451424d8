//! Rules that no sgbind made.

use std::collections::BTreeSet;

use crate::api::ForeignRules;
use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, Claim, Consent, Direction, Extent, Governance, Held, HoldReason, Kind, ObjectRef, Ownership,
    Peer, RuleSpec, Stance, TakenRule, Tightening, Usage,
};

use super::surplus::{Unfinished, hold_for_knowledge};
use super::{Permission, Planner};

impl<'a> Planner<'a> {
    /// Whether a needed foreign rule may become ours: it is governed, and all who govern anything in its
    /// direction agree that foreign rules go, or, where all who need the rule only observe, would if they
    /// enforced.
    pub(super) fn may_adopt_foreign(&self, spec: &RuleSpec, observed: bool) -> bool {
        let of_direction = |claim: &&Claim| *governed_extent(claim, spec.direction) != Extent::Nothing;
        let votes = |claim: &&Claim| self.may_govern(claim, spec.direction);
        let governed = !self.governing(spec, Governance::Inside).is_empty();
        let mut voters = self.input.claims.iter().filter(votes).filter(of_direction);
        let agrees = |claim: &Claim| {
            self.wants_removal(claim)
                || (observed && claim.stance == Stance::Observe && claim.foreign_rules == ForeignRules::Remove)
        };
        // Whoever our rules name may govern here too, and keep foreign rules.
        let named = self.input.group.named(self.input.us);
        let all_in_sight = named.iter().all(|named| self.someone_out_of_sight(named).is_none());
        governed && all_in_sight && (voters.all(agrees) || Defect::AdoptUnderReport.is_on()) && self.is_owned()
    }

    fn is_owned(&self) -> bool {
        matches!(self.consent, Consent::Given { shared: false, .. }) || Defect::RemoveFromSharedGroups.is_on()
    }

    fn wants_removal(&self, claim: &Claim) -> bool {
        let may = self.is_writer(&claim.object) || Defect::CountVotesOfObservers.is_on();
        (claim.foreign_rules == ForeignRules::Remove && may) || Defect::RemoveUnderReport.is_on()
    }

    fn all_agree(&self, governing: &[&Claim]) -> bool {
        let mut votes = governing.iter().map(|claim| self.wants_removal(claim));
        if Defect::CountOneVote.is_on() { votes.any(|agrees| agrees) } else { votes.all(|agrees| agrees) }
    }

    fn governing(&self, spec: &RuleSpec, least: Governance) -> Vec<&'a Claim> {
        let itself = spec.peer == Peer::SecurityGroup(self.input.group.key.id.clone());
        let governs = |claim: &&Claim| {
            let extent = governed_extent(claim, spec.direction);
            self.may_govern(claim, spec.direction) && extent.governance(spec.traffic, itself) >= least
        };
        self.input.claims.iter().filter(governs).collect()
    }

    /// Whether an object has a say in what becomes of foreign rules.
    fn may_govern(&self, claim: &Claim, direction: Direction) -> bool {
        !matches!(claim.stance, Stance::Leaving(_))
            && self.permission(&claim.object) != Permission::Refused
            && !(direction == Direction::Ingress && self.is_controllers_ingress(claim))
    }

    /// Whether an object would govern the ingress of a group that the AWS Load Balancer Controller keeps.
    pub(super) fn is_controllers_ingress(&self, claim: &Claim) -> bool {
        let governs = claim.governs.unless_used_elsewhere || claim.object.kind == Kind::SecurityGroupAccess;
        governs && self.input.group.is_load_balancer_controllers()
    }

    pub(super) fn foreign(&mut self) {
        for rule in &self.input.group.rules {
            let foreign = self.input.us.ownership(&rule.tags) == Ownership::Foreign;
            if !foreign || self.needs.contains_key(&rule.spec) {
                continue;
            }
            for claim in self.governing(&rule.spec, Governance::Wider) {
                self.standing.entry(claim.object.clone()).or_default().foreign.insert(rule.spec.clone());
            }
            self.remove_foreign(rule);
        }
        self.put_back();
    }

    /// Makes foreign rules again that were taken away, unless this plan makes them for who needs them by now: then they
    /// become ours.
    fn put_back(&mut self) {
        let Tightening::Return { rules, objects } = self.input.tightening else { return };
        let made = |rule: &TakenRule| self.steps.iter().any(|step| step.spec == rule.spec && step.action.makes());
        let absent = |rule: &&TakenRule| !self.there.contains_key(&rule.spec) && !made(rule);
        let lacking: Vec<&TakenRule> =
            rules.iter().filter(absent).filter(|rule| !self.input.refused.contains(&rule.spec)).collect();
        let held = self.hold_putting_back(objects);
        let able = || objects.iter().filter(|object| self.is_live_writer(object)).cloned().collect();
        let on_account_of: BTreeSet<ObjectRef> = if held.is_some() { objects.clone() } else { able() };
        for rule in lacking {
            let action = Action::Restore { peer_account: rule.peer_account.clone(), tags: rule.tags_to_restore() };
            let reason = "a target became unhealthy without it".to_owned();
            let mut step = self.step(action, &rule.spec, on_account_of.clone(), reason);
            step.description.clone_from(&rule.description);
            let no_room = || (!self.has_room_for(&rule.spec)).then_some(HoldReason::RuleQuotaExceeded);
            match held.clone().or_else(no_room) {
                None => self.steps.push(step),
                Some(reason) => self.held.push(Held { step, reason }),
            }
        }
    }

    /// For what it waits that rules come back on account of these objects: some must write here, now.
    fn hold_putting_back(&self, objects: &BTreeSet<ObjectRef>) -> Option<HoldReason> {
        if objects.iter().any(|object| self.is_live_writer(object)) {
            return None;
        }
        let observes = |claim: &Claim| claim.stance == Stance::Observe && objects.contains(&claim.object);
        let observed = self.input.claims.iter().any(observes);
        Some(if observed { HoldReason::Observe } else { HoldReason::NotPermitted })
    }

    fn is_live_writer(&self, object: &ObjectRef) -> bool {
        let lives = |claim: &Claim| claim.object == *object && !matches!(claim.stance, Stance::Leaving(_));
        self.is_writer(object) && self.input.claims.iter().any(lives)
    }

    fn remove_foreign(&mut self, rule: &ActualRule) {
        let governing = self.governing(&rule.spec, Governance::Inside);
        let wishes: Vec<&Claim> = governing
            .iter()
            .copied()
            .filter(|claim| claim.foreign_rules == ForeignRules::Remove || Defect::RemoveUnderReport.is_on())
            .collect();
        if wishes.is_empty() {
            return;
        }
        let objects = wishes.iter().map(|claim| claim.object.clone()).collect();
        let action = Action::Revoke { id: rule.id.clone(), foreign: true };
        let step = self.step(action, &rule.spec, objects, "a foreign rule".into());
        match self.hold_foreign(&rule.spec, &governing) {
            None => self.steps.push(step),
            Some(reason) => {
                if reason == HoldReason::ForeignRulesKept {
                    for claim in wishes {
                        self.standing.entry(claim.object.clone()).or_default().outvoted = true;
                    }
                }
                self.held.push(Held { step, reason });
            }
        }
    }

    fn hold_foreign(&self, spec: &RuleSpec, governing: &[&Claim]) -> Option<HoldReason> {
        let only_observes = governing.iter().all(|claim| claim.stance == Stance::Observe);
        if only_observes {
            return Some(HoldReason::Observe);
        }
        if self.is_left_to(spec) || !self.is_owned() || !self.all_agree(governing) {
            return Some(HoldReason::ForeignRulesKept);
        }
        // What an object needs or governs here is not known while it is not known what it names.
        let has_a_say = |claim: &&Claim| {
            !matches!(claim.stance, Stance::Leaving(_)) && self.permission(&claim.object) != Permission::Refused
        };
        let claims = self.input.claims.iter().filter(has_a_say);
        let known = claims.filter_map(|claim| self.input.known.get_key_value(&claim.object));
        if let Some(reason) = hold_for_knowledge(known) {
            return Some(reason);
        }
        // Whoever our rules name may govern here too, and keep them.
        let named = self.input.group.named(self.input.us);
        if let Some(reason) = named.iter().find_map(|named| self.someone_out_of_sight(named)) {
            return Some(reason);
        }
        if self.input.unheard {
            return Some(HoldReason::Applying);
        }
        if self.input.claims.iter().any(|claim| claim.retained.contains(spec)) {
            return Some(HoldReason::RevocationDelay);
        }
        let guarded = governing.iter().any(|claim| claim.governs.unless_used_elsewhere);
        if guarded && !Defect::IgnoreOtherUses.is_on() {
            match self.input.usage {
                Usage::BoundLoadBalancersOnly => {}
                Usage::Elsewhere(interfaces) => {
                    return Some(HoldReason::GroupUsedElsewhere(interfaces.clone()));
                }
                Usage::Unknown => return Some(HoldReason::UsageUnknown),
            }
        }
        // Whatever foreign rules admit may be needed until all that is declared is there.
        let unfinished = self.input.claims.iter().map(|claim| self.unfinished(claim)).max().unwrap_or_default();
        if unfinished != Unfinished::No {
            return Some(unfinished.reason());
        }
        // It comes back whenever it is removed.
        if self.input.contested.contains(spec) {
            return Some(HoldReason::Contested);
        }
        match self.input.tightening {
            Tightening::WrittenDown(rules) if rules.contains(spec) => None,
            Tightening::WrittenDown(_) | Tightening::NotYet => Some(HoldReason::Tightening),
            Tightening::Return { .. } | Tightening::RolledBack => Some(HoldReason::TighteningRolledBack),
        }
    }

    /// Whether an object that declares no clients relies on this rule: whoever made it knows them.
    fn is_left_to(&self, spec: &RuleSpec) -> bool {
        let relies = |left: &RuleSpec| spec.direction == left.direction && spec.traffic.covers(left.traffic);
        self.left_to_foreign.iter().any(relies)
    }
}

fn governed_extent(claim: &Claim, direction: Direction) -> &Extent {
    match direction {
        Direction::Ingress => &claim.governs.ingress,
        Direction::Egress => &claim.governs.egress,
    }
}
