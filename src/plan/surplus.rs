//! Rules of ours that nobody needs any more.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{
    Action, Claim, Farewell, Held, HoldReason, Knowledge, Known, Named, ObjectRef, Ownership, Retained, RuleSpec,
    Stance, named,
};

use super::Planner;

impl Planner<'_> {
    pub(super) fn ours(&mut self) {
        for rule in &self.input.group.rules {
            let Ownership::Ours { others } = self.input.us.ownership(&rule.tags) else {
                continue;
            };
            let named = named(&self.input.us.cluster, &rule.description);
            if self.needs.contains_key(&rule.spec) {
                continue;
            }
            // What is only kept for a while is no surplus yet.
            let retained = self.retaining(&rule.spec, &named);
            for claim in self.input.claims.iter().filter(|claim| !retained && named.may_name(&claim.object)) {
                self.standing.entry(claim.object.clone()).or_default().surplus.insert(rule.spec.clone());
            }
            let retains = self
                .input
                .known
                .iter()
                .any(|(object, known)| named.may_name(object) && known.stance == Stance::Leaving(Farewell::Retain));
            let id = rule.id.clone();
            let action = if retains || (!others.is_empty() && !Defect::RevokeSharedRule.is_on()) {
                Action::Release { id }
            } else {
                Action::Revoke { id, foreign: false }
            };
            let step = self.step(action, &rule.spec, self.whom_it_concerns(&named), "no longer needed".into());
            match self.hold_surplus(&rule.spec, &named) {
                None => self.steps.push(step),
                Some(reason) => self.held.push(Held { step, reason }),
            }
        }
    }

    fn hold_surplus(&self, spec: &RuleSpec, named: &Named) -> Option<HoldReason> {
        if let Some(watched) = self.input.only_namespace {
            let elsewhere = named.objects().iter().any(|object| object.namespace != watched);
            if elsewhere || matches!(named, Named::AtLeast(_)) {
                return Some(HoldReason::OutsideWatch);
            }
        }
        let concerned: Vec<(&ObjectRef, &Known)> =
            self.input.known.iter().filter(|(object, _)| named.may_name(object)).collect();
        if matches!(named, Named::Exactly(_)) && concerned.is_empty() {
            return Some(HoldReason::Orphan);
        }
        if let Some(reason) = hold_for_knowledge(concerned.iter().copied()) {
            return Some(reason);
        }
        if self.declined.contains(spec) {
            return Some(HoldReason::NotPermitted);
        }
        if self.retaining(spec, named) {
            return Some(HoldReason::RevocationDelay);
        }
        let accountable = |claim: &&Claim| named.may_name(&claim.object) && self.is_writer(&claim.object);
        let writers: Vec<&Claim> = self.input.claims.iter().filter(accountable).collect();
        if writers.is_empty() {
            let observes = concerned.iter().any(|(_, known)| known.stance == Stance::Observe);
            return Some(if observes { HoldReason::Observe } else { HoldReason::NotPermitted });
        }
        self.hold_for_unfinished(self.input.claims.iter().filter(|claim| named.may_name(&claim.object)))
    }

    /// The objects that a description names, and those that it may name.
    fn whom_it_concerns(&self, named: &Named) -> BTreeSet<ObjectRef> {
        let claiming = self.input.claims.iter().map(|claim| &claim.object).filter(|object| named.may_name(object));
        named.objects().iter().chain(claiming).cloned().collect()
    }

    /// Whether someone needed the rule until lately, or may have.
    fn retaining(&self, spec: &RuleSpec, named: &Named) -> bool {
        self.input.claims.iter().any(|claim| match &claim.retained {
            Retained::These(specs) => specs.contains(spec),
            Retained::All => named.may_name(&claim.object),
        })
    }

    /// Where rules that one of the objects needs are neither there nor about to be made by this plan, what was there
    /// before must stay.
    pub(super) fn hold_for_unfinished<'c>(
        &self,
        mut claims: impl Iterator<Item = &'c Claim> + Clone,
    ) -> Option<HoldReason> {
        if claims.clone().any(|claim| self.is_unfinished(claim)) {
            return Some(HoldReason::Applying);
        }
        let contested = |spec: &RuleSpec| self.is_missing(spec) && self.input.contested.contains(spec);
        claims
            .any(|claim| self.is_writer(&claim.object) && claim.rules.keys().any(contested))
            .then_some(HoldReason::Contested)
    }

    fn is_unfinished(&self, claim: &Claim) -> bool {
        let unmade = |spec: &RuleSpec| self.is_missing(spec) && (self.input.refused.contains(spec) || !claim.recorded);
        claim.pending_elsewhere || (self.is_writer(&claim.object) && claim.rules.keys().any(unmade))
    }

    fn is_missing(&self, spec: &RuleSpec) -> bool {
        self.needs.contains_key(spec) && !self.there.contains_key(spec)
    }
}

/// A revoke waits for those whose needs are not known, or no longer known for certain.
pub(super) fn hold_for_knowledge<'a>(
    concerned: impl Iterator<Item = (&'a ObjectRef, &'a Known)> + Clone,
) -> Option<HoldReason> {
    let incomplete: BTreeSet<ObjectRef> = concerned
        .clone()
        .filter(|(_, known)| known.knowledge == Knowledge::Incomplete)
        .map(|(object, _)| object.clone())
        .collect();
    if !incomplete.is_empty() {
        return Some(HoldReason::Unresolved(incomplete));
    }
    concerned.clone().any(|(_, known)| known.knowledge == Knowledge::Stale).then_some(HoldReason::Applying)
}
