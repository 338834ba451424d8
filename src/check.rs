//! Pure: a second look at a plan, by rules of its own. A plan that fails is a bug; it is not carried out.

mod quota;

use crate::api::names::CLUSTER_TAG_PREFIX;
use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, Claim, Consent, Farewell, Named, Namespaces, ObjectRef, Orphans, Ownership, Plan, RuleSpec,
    Stance, Step, TakenRule, Tightening, named,
};
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
        if making.is_empty() || (Defect::TakeFirst.is_on() && making.len() < self.0.steps.len()) {
            Phase::Take(self.0.steps.iter().filter(|step| step.action.removes()).collect())
        } else {
            Phase::Make(making)
        }
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
const NO_ROOM: &str = "it does not fit into the group";
const NOT_AGREED: &str = "no object removes foreign rules";

fn enforces(stance: Stance) -> bool {
    !matches!(stance, Stance::Observe | Stance::Leaving(Farewell::Abandon))
}

/// Looks at every step of a plan.
///
/// # Errors
/// The first step that must never be carried out.
pub fn plan(input: &Input<'_>, plan: Plan) -> Result<Checked, Violation> {
    let consent = input.group.consent(input.us);
    let enforcing = |claim: &&Claim| enforces(claim.stance) && consent.allows(&claim.object.namespace);
    let writers: Vec<&Claim> = input.claims.iter().filter(enforcing).collect();
    let look = Look { input, consent, writers };
    for step in &plan.steps {
        if let Some(why) = look.fault(&plan, step) {
            return Err(Violation { step: step.to_string(), why });
        }
    }
    Ok(Checked(plan))
}

/// What a plan is looked at by.
struct Look<'a> {
    input: &'a Input<'a>,
    consent: Consent,
    /// The claims for which something may be written.
    writers: Vec<&'a Claim>,
}

impl Look<'_> {
    /// Why a step must never be carried out.
    fn fault(&self, plan: &Plan, step: &Step) -> Option<&'static str> {
        let rule = step.action.rule();
        let rule =
            rule.and_then(|id| self.input.group.rules.iter().find(|rule| rule.id == *id && rule.spec == step.spec));
        let ownership = rule.map(|rule| self.input.us.ownership(&rule.tags));
        let ours = matches!(ownership, Some(Ownership::Ours { .. }));
        let shared = matches!(&ownership, Some(Ownership::Ours { others }) if !others.is_empty())
            && !Defect::RevokeSharedRule.is_on();
        let foreign_rules_stay =
            matches!(self.consent, Consent::Given { shared: true, .. }) && !Defect::RemoveFromSharedGroups.is_on();
        let careless = Defect::RemoveUnderReport.is_on() || Defect::AdoptUnderReport.is_on();
        let removes = |claim: &&Claim| claim.foreign_rules == crate::api::ForeignRules::Remove;
        let agreed = || careless || self.writers.iter().any(removes);
        let is_orphan = rule.is_some_and(|rule| self.is_orphan(rule));
        match &step.action {
            _ if self.writers.is_empty() && !is_orphan => Some("nobody who may write this group asks for it"),
            _ if step.group != self.input.group.key => Some("it belongs to another group"),
            Action::Authorize { .. } if !self.is_declared(&step.spec) => Some("no object declares this rule"),
            Action::Authorize { .. } if quota::is_exceeded(self.input, plan, step.spec.direction) => Some(NO_ROOM),
            Action::Authorize { .. } => None,
            Action::Restore { tags, .. } if tags.keys().any(|key| key.starts_with(CLUSTER_TAG_PREFIX)) => {
                Some("it would become some cluster's own")
            }
            Action::Restore { .. } if !was_taken(self.input.tightening, step) => Some("no such rule was taken away"),
            Action::Restore { .. } if !self.is_for_a_writer(step) => Some("nobody for whom it comes back may write"),
            Action::Restore { .. } if quota::is_exceeded(self.input, plan, step.spec.direction) => Some(NO_ROOM),
            Action::Restore { .. } => None,
            Action::Describe { .. } | Action::Release { .. } if !ours => Some("the rule is not ours"),
            Action::Describe { .. } => None,
            Action::Adopt { .. } => match ownership {
                None | Some(Ownership::Ours { .. } | Ownership::OtherIdentity { .. }) => {
                    Some("there is nothing to adopt")
                }
                Some(Ownership::OtherClusters(_) | Ownership::TakenOver) => None,
                Some(Ownership::Foreign) if foreign_rules_stay => Some(SHARED),
                Some(Ownership::Foreign) => (!agreed()).then_some(NOT_AGREED),
            },
            Action::Revoke { .. } if self.is_needed(&step.spec) && !declined(plan, &step.spec) => {
                Some("the rule is needed")
            }
            Action::Revoke { foreign: false, .. } if !ours || shared => Some("the rule is not ours alone"),
            Action::Revoke { foreign: true, .. } if ownership != Some(Ownership::Foreign) => {
                Some("the rule is not foreign")
            }
            Action::Revoke { foreign: true, .. } if foreign_rules_stay => Some(SHARED),
            Action::Revoke { foreign: true, .. } if !agreed() => Some(NOT_AGREED),
            Action::Revoke { foreign: true, .. } if !is_written_down(self.input.tightening, &step.spec) => {
                Some("it was not written down how to put it back")
            }
            Action::Revoke { .. } if quota::leaves_gap(self.input, plan, &self.writers, step) => {
                Some("it may admit what is needed and not there yet")
            }
            Action::Revoke { foreign: true, .. } => None,
            Action::Release { .. } | Action::Revoke { foreign: false, .. } => {
                let accounted_for = is_orphan || rule.is_some_and(|rule| self.is_accounted_for(rule));
                (!accounted_for).then_some("nobody for whom the rule may have been made lets it go")
            }
        }
    }

    fn live(&self) -> impl Iterator<Item = &Claim> {
        self.input.claims.iter().filter(|claim| !matches!(claim.stance, Stance::Leaving(_)))
    }

    fn is_needed(&self, spec: &RuleSpec) -> bool {
        self.live().any(|claim| claim.rules.contains_key(spec))
            && !Defect::ForgetOtherNeeds.is_on()
            && !Defect::RulesInPlaceGivenUp.is_on()
    }

    /// Whether someone needs a rule for whom it may be made.
    fn is_declared(&self, spec: &RuleSpec) -> bool {
        let live = |claim: &&&Claim| !matches!(claim.stance, Stance::Leaving(_));
        self.writers.iter().filter(live).any(|claim| claim.rules.contains_key(spec))
    }

    /// Whether someone on whose account the step is done may write, and stays.
    fn is_for_a_writer(&self, step: &Step) -> bool {
        let live = |claim: &&&Claim| !matches!(claim.stance, Stance::Leaving(_));
        self.writers.iter().filter(live).any(|claim| step.objects.contains(&claim.object))
    }

    /// Whether someone for whom something may be written is named by a rule of ours, or may be.
    fn is_accounted_for(&self, rule: &ActualRule) -> bool {
        let named = named(&self.input.us.cluster, &rule.description);
        self.writers.iter().any(|claim| named.may_name(&claim.object))
    }

    /// Whether a rule may go although no object asks for it: a person said so for all of them, none of those that it names
    /// is there or nobody has to do with the group, and the group lets whoever the rule names write.
    fn is_orphan(&self, rule: &ActualRule) -> bool {
        let named = named(&self.input.us.cluster, &rule.description);
        let is_known = |object: &ObjectRef| self.input.known.contains_key(object);
        let is_unnamed = matches!(&named, Named::Exactly(objects) if !objects.iter().any(is_known));
        let enforced = self.input.claims.is_empty() || self.input.claims.iter().any(|claim| enforces(claim.stance));
        let consents = match (&named, &self.consent) {
            (_, Consent::Refused) => false,
            (Named::Exactly(objects), consent) => objects.iter().all(|object| consent.allows(&object.namespace)),
            (Named::AtLeast(_), Consent::Given { namespaces, .. }) => *namespaces == Namespaces::All,
        };
        let of_us = matches!(self.input.us.ownership(&rule.tags), Ownership::Ours { .. } | Ownership::TakenOver);
        let consents = consents || Defect::RevokeOrphansWithoutConsent.is_on();
        let left = is_unnamed || self.input.claims.is_empty();
        self.input.orphans == Orphans::Revoke && left && enforced && consents && of_us
    }
}

fn is_written_down(tightening: &Tightening, spec: &RuleSpec) -> bool {
    matches!(tightening, Tightening::WrittenDown(rules) if rules.contains(spec))
}

fn was_taken(tightening: &Tightening, step: &Step) -> bool {
    let same = |rule: &TakenRule| {
        let action = Action::Restore { peer_account: rule.peer_account.clone(), tags: rule.tags_to_restore() };
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
