//! Pure: a second look at a plan, by rules of its own. A plan that fails is a bug; it is not carried out.

mod quota;

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{Action, Claim, Consent, Farewell, Ownership, Plan, RuleSpec, Stance, Step, TakenRule, Tightening};
use crate::plan::Input;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refusing to {step}: {why}. This is a bug in sgbind; please report it")]
pub struct Violation {
    step: String,
    why: &'static str,
}

/// A plan that may be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked(Plan);

impl Checked {
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// The steps that are carried out next: what lets traffic in, and the upkeep of tags and descriptions,
    /// before what takes anything away. After each of them the group is read and planned anew.
    pub fn next_phase(&self) -> Phase<'_> {
        let making: Vec<&Step> = self.0.steps.iter().filter(|step| !step.action.removes()).collect();
        if making.is_empty() { Phase::Take(self.0.steps.iter().collect()) } else { Phase::Make(making) }
    }
}

/// Steps that may be carried out together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase<'a> {
    /// Authorize, restore, adopt, describe.
    Make(Vec<&'a Step>),
    /// Release, revoke.
    Take(Vec<&'a Step>),
}

const SHARED: &str = "the group is shared: foreign rules stay";
const NOT_AGREED: &str = "no object removes foreign rules";

fn enforces(stance: Stance) -> bool {
    !matches!(stance, Stance::Observe | Stance::Leaving(Farewell::Abandon))
}

/// Looks at every step of a plan.
///
/// # Errors
/// The first step that must never be carried out.
pub fn plan(input: &Input<'_>, plan: Plan) -> Result<Checked, Violation> {
    let Input { us, group, claims, tightening, .. } = *input;
    let consent = group.consent(us);
    let enforcing = |claim: &&Claim| enforces(claim.stance) && consent.allows(&claim.object.namespace);
    let writers: Vec<&Claim> = claims.iter().filter(enforcing).collect();
    let live = |claim: &&Claim| !matches!(claim.stance, Stance::Leaving(_));
    let needed: BTreeSet<&RuleSpec> = claims.iter().filter(live).flat_map(|claim| claim.rules.keys()).collect();
    let wanted: BTreeSet<&RuleSpec> =
        writers.iter().copied().filter(live).flat_map(|claim| claim.rules.keys()).collect();
    let foreign_rules_stay = matches!(consent, Consent::Given { shared: true, .. });
    for step in &plan.steps {
        let ownership = step
            .action
            .rule()
            .and_then(|id| group.rules.iter().find(|rule| rule.id == *id && rule.spec == step.spec))
            .map(|rule| us.ownership(&rule.tags));
        let ours = matches!(ownership, Some(Ownership::Ours { .. }));
        let shared = matches!(&ownership, Some(Ownership::Ours { others }) if !others.is_empty())
            && !Defect::RevokeSharedRule.is_on();
        let agreed = || writers.iter().any(|claim| claim.foreign_rules == crate::api::ForeignRules::Remove);
        let why = match &step.action {
            _ if writers.is_empty() => Some("nobody who may write this group asks for it"),
            _ if step.group != group.key => Some("it belongs to another group"),
            Action::Authorize { .. } if !wanted.contains(&step.spec) => Some("no object declares this rule"),
            Action::Authorize { .. } if quota::is_exceeded(input, &plan, step.spec.direction) => {
                Some("it does not fit into the group")
            }
            Action::Authorize { .. } => None,
            Action::Restore { .. } if !was_taken(tightening, step) => Some("no such rule was taken away"),
            Action::Restore { .. } => None,
            Action::Describe { .. } | Action::Release { .. } if !ours => Some("the rule is not ours"),
            Action::Describe { .. } | Action::Release { .. } => None,
            Action::Adopt { .. } => match ownership {
                None | Some(Ownership::Ours { .. } | Ownership::OtherIdentity { .. }) => {
                    Some("there is nothing to adopt")
                }
                Some(Ownership::OtherClusters(_)) => None,
                Some(Ownership::Foreign) if foreign_rules_stay => Some(SHARED),
                Some(Ownership::Foreign) => (!agreed()).then_some(NOT_AGREED),
            },
            Action::Revoke { .. }
                if needed.contains(&step.spec)
                    && !declined(&plan, &step.spec)
                    && !Defect::RulesInPlaceGivenUp.is_on() =>
            {
                Some("the rule is needed")
            }
            Action::Revoke { foreign: false, .. } if !ours || shared => Some("the rule is not ours alone"),
            Action::Revoke { foreign: true, .. } if ownership != Some(Ownership::Foreign) => {
                Some("the rule is not foreign")
            }
            Action::Revoke { foreign: true, .. } if foreign_rules_stay => Some(SHARED),
            Action::Revoke { foreign: true, .. } if !agreed() => Some(NOT_AGREED),
            Action::Revoke { foreign: true, .. } if !is_written_down(tightening, &step.spec) => {
                Some("it was not written down how to put it back")
            }
            Action::Revoke { .. } if quota::leaves_gap(input, &plan, &writers, step) => {
                Some("it may admit what is needed and not there yet")
            }
            Action::Revoke { .. } => None,
        };
        if let Some(why) = why {
            return Err(Violation { step: step.to_string(), why });
        }
    }
    Ok(Checked(plan))
}

fn is_written_down(tightening: &Tightening, spec: &RuleSpec) -> bool {
    matches!(tightening, Tightening::WrittenDown(rules) if rules.contains(spec))
}

fn was_taken(tightening: &Tightening, step: &Step) -> bool {
    let same = |rule: &TakenRule| {
        let action = Action::Restore { peer_account: rule.peer_account.clone(), tags: rule.tags.clone() };
        (&rule.spec, &rule.description, action) == (&step.spec, &step.description, step.action.clone())
    };
    matches!(tightening, Tightening::Return { rules, .. } if rules.iter().any(same))
}

/// Whether the plan has dropped the need itself, so that the rule is in nobody's desired rules: it would only be
/// derived, and a foreign rule admits such traffic already.
fn declined(plan: &Plan, spec: &RuleSpec) -> bool {
    plan.standing.values().all(|standing| !standing.desired.contains(spec))
}

#[cfg(test)]
mod tests;
