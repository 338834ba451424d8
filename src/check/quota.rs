//! What a plan must never do to a group that is full.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{Action, Claim, Count, Direction, Held, HoldReason, Plan, RuleSpec, Stance, Step};
use crate::plan::Input;

/// Whether AWS would refuse what is made: then nobody has counted.
pub(super) fn is_exceeded(input: &Input<'_>, plan: &Plan, direction: Direction) -> bool {
    let there: Vec<&RuleSpec> = input.group.rules.iter().map(|rule| &rule.spec).collect();
    let made = plan.steps.iter().filter(|step| step.action.makes()).map(|step| &step.spec);
    let made: Count = input.quota.count(direction, made);
    let all = input.quota.count(direction, there) + input.group.unreadable.count(direction) + made;
    input.quota.excess(all, made) > 0 && !Defect::QuotaNotCounted.is_on()
}

/// Whether a step takes away what may admit traffic that a writer needs, whose own rule is neither there nor made before,
/// and nobody who needs it has permitted such a gap. What is missing for another reason than room is not waited for: it was
/// refused, or someone keeps undoing it.
pub(super) fn leaves_gap(input: &Input<'_>, plan: &Plan, writers: &[&Claim], step: &Step) -> bool {
    let there: BTreeSet<&RuleSpec> = input.group.rules.iter().map(|rule| &rule.spec).collect();
    let made = |spec: &RuleSpec| plan.steps.iter().any(|step| step.spec == *spec && step.action.makes());
    let excused = |spec: &RuleSpec| {
        input.refused.contains(spec)
            || input.contested.contains(spec)
            || plan.held.iter().any(|held| is_kept(held, spec))
    };
    let desired = |claim: &Claim, spec: &RuleSpec| {
        plan.standing.get(&claim.object).is_some_and(|standing| standing.desired.contains(spec))
    };
    let is_leaving = |claim: &Claim| matches!(claim.stance, Stance::Leaving(_));
    // By whoever needs that very rule.
    let permits = |claim: &&&Claim| claim.gap_permitted && !is_leaving(claim);
    let permitted = |spec: &RuleSpec| writers.iter().filter(permits).any(|claim| claim.rules.contains_key(spec));
    let missing = |claim: &Claim| {
        let mut specs = claim.rules.keys().filter(|spec| spec.direction == step.spec.direction);
        specs.any(|spec| {
            !permitted(spec)
                && desired(claim, spec)
                && !there.contains(spec)
                && !made(spec)
                && !excused(spec)
                && step.spec.may_cover(spec)
        })
    };
    let waits = |claim: &&&Claim| claim.recorded && !is_leaving(claim);
    let unchecked = [Defect::GapUnasked, Defect::SurplusGoesWhateverItAdmits, Defect::QuotaNotCounted];
    !unchecked.iter().any(|defect| defect.is_on()) && writers.iter().filter(waits).any(|claim| missing(claim))
}

/// Whether this missing rule waits for something else than room that comes by what this plan takes away.
fn is_kept(held: &Held, spec: &RuleSpec) -> bool {
    let for_room =
        matches!(held.reason, HoldReason::Applying | HoldReason::GapUnavoidable | HoldReason::RevocationDelay);
    held.step.spec == *spec && matches!(held.step.action, Action::Authorize { .. }) && !for_room
}
