//! Rules of ours that nobody needs any more.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{
    Action, Claim, Elsewhere, Farewell, Held, HoldReason, Knowledge, Known, Named, ObjectRef, Orphans, Ownership,
    Retained, RuleSpec, Stance, Step, named,
};

use super::Planner;

/// How far the rules are that an object needs, here or elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unfinished {
    /// All are there, or made by this plan.
    #[default]
    No,
    /// They wait for room in other groups.
    AwaitRoom,
    /// They will be made, or may be.
    Coming,
    /// Someone keeps undoing them, and they are not made again yet.
    Contested,
    /// They were refused, and the way that the old ones admit is the only one.
    Refused,
}

impl Unfinished {
    /// What waits for it is told so.
    pub(super) fn reason(self) -> HoldReason {
        match self {
            Self::Contested => HoldReason::Contested,
            Self::No | Self::AwaitRoom | Self::Coming | Self::Refused => HoldReason::Applying,
        }
    }
}

impl Planner<'_> {
    pub(super) fn ours(&mut self) {
        for rule in &self.input.group.rules {
            let Ownership::Ours { others } = self.input.us.ownership(&rule.tags) else {
                continue;
            };
            let named = named(&self.input.us.cluster, &rule.description);
            let forgotten = Defect::ForgetOtherNeeds.is_on() && self.is_left_by_someone(&named);
            if self.needs.contains_key(&rule.spec) && !forgotten {
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
            let mut objects = self.whom_it_concerns(&named);
            if self.is_orphan(&named) {
                objects.extend(self.concerned_here().map(|claim| claim.object.clone()));
            }
            let step = self.step(action, &rule.spec, objects, "no longer needed".into());
            match self.hold_surplus(&rule.spec, &named) {
                None => self.take_in_turn(step, |claim| named.may_name(&claim.object)),
                Some(reason) => self.held.push(Held { step, reason }),
            }
        }
    }

    /// Takes a rule away that nothing else holds, once all that these claims need is there.
    fn take_in_turn(&mut self, step: Step, concerns: impl Fn(&Claim) -> bool) {
        let concerned = self.input.claims.iter().filter(|claim| concerns(claim));
        match concerned.map(|claim| self.unfinished(claim)).max().unwrap_or_default() {
            Unfinished::No => self.steps.push(step),
            unfinished => {
                self.in_turn.insert(step.spec.clone(), unfinished);
                self.held.push(Held { step, reason: unfinished.reason() });
            }
        }
    }

    fn is_left_by_someone(&self, named: &Named) -> bool {
        let leaving = |known: &Known| matches!(known.stance, Stance::Leaving(_));
        named.objects().iter().filter_map(|object| self.input.known.get(object)).any(leaving)
    }

    fn hold_surplus(&self, spec: &RuleSpec, named: &Named) -> Option<HoldReason> {
        if let Some(reason) = self.someone_out_of_sight(named) {
            return Some(reason);
        }
        let names = |object: &ObjectRef| named.may_name(object) || Defect::HoldEverything.is_on();
        let concerned: Vec<(&ObjectRef, &Known)> =
            self.input.known.iter().filter(|(object, _)| names(object)).collect();
        let orphan = self.is_orphan(named);
        let only_told = orphan && self.input.orphans == Orphans::Report;
        // To be told of, it needs no fresh look.
        let unknown =
            hold_for_knowledge(concerned.iter().copied()).filter(|why| !only_told || *why != HoldReason::Applying);
        if unknown.is_some() && !Defect::RevokeOnPartialKnowledge.is_on() {
            return unknown;
        }
        if only_told {
            return Some(HoldReason::Orphan);
        }
        if self.declined.contains(spec) {
            return Some(HoldReason::NotPermitted);
        }
        if self.retaining(spec, named) {
            return Some(HoldReason::RevocationDelay);
        }
        if orphan && let Some(reason) = self.hold_orphan(named) {
            return Some(reason);
        }
        let accountable = |claim: &&Claim| named.may_name(&claim.object) && self.is_writer(&claim.object);
        let writers: Vec<&Claim> = self.input.claims.iter().filter(accountable).collect();
        if writers.is_empty() && !orphan {
            let observes = concerned.iter().any(|(_, known)| known.stance == Stance::Observe);
            return Some(if observes { HoldReason::Observe } else { HoldReason::NotPermitted });
        }
        None
    }

    /// The objects that a description names, and those that it may name.
    pub(super) fn whom_it_concerns(&self, named: &Named) -> BTreeSet<ObjectRef> {
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

    /// Whether rules that the object needs are neither there nor about to be made by this plan, so that what it had
    /// before must stay.
    pub(super) fn unfinished(&self, claim: &Claim) -> Unfinished {
        let missing = |spec: &&RuleSpec| self.needs.contains_key(spec) && !self.there.contains_key(spec);
        let refused = |spec: &RuleSpec| self.input.refused.contains(spec) || self.crowded_out.contains(spec);
        let elsewhere = match claim.elsewhere {
            Elsewhere::Made => Unfinished::No,
            Elsewhere::AwaitRoom => Unfinished::AwaitRoom,
            Elsewhere::Pending => Unfinished::Coming,
        };
        let contested = |spec: &RuleSpec| self.input.contested.contains(spec);
        let mut missing = claim.rules.keys().filter(missing);
        let here = if !self.is_writer(&claim.object) {
            Unfinished::No
        } else if missing.clone().any(refused) {
            Unfinished::Refused
        } else if missing.clone().any(contested) {
            Unfinished::Contested
        } else if !claim.recorded && missing.next().is_some() {
            Unfinished::Coming
        } else {
            Unfinished::No
        };
        here.max(elsewhere)
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
