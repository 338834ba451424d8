//! How each rule of a group stands.

use std::collections::BTreeMap;

use crate::api::Aspect;
use crate::desired;
use crate::model::{Action, Declaration, GroupState, Held, Ownership, RuleSpec, SecurityGroupId, Stance, Step};

use super::{Estate, State};

/// What is told of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    pub state: State,
    /// Why it waits, or is kept.
    pub note: Option<String>,
}

impl From<State> for Standing {
    fn from(state: State) -> Self {
        Self { state, note: None }
    }
}

/// Why a rule is needed, so far as a picture tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// `None`: by an access.
    pub aspect: Option<Aspect>,
    pub by_default: bool,
}

/// What the objects need, by group.
pub(super) type Needs = BTreeMap<SecurityGroupId, BTreeMap<RuleSpec, Needed>>;

pub(super) fn needs(estate: &Estate<'_>) -> Needs {
    let mut needs = Needs::new();
    // What goes with its object is no need any more.
    let stays = |declaration: &Declaration| !matches!(declaration.stance, Stance::Leaving(_));
    for (declaration, resolution) in estate.objects.values().filter(|(declaration, _)| stays(declaration)) {
        for (group, wanted) in desired::of(&declaration.wants, &resolution.facts).groups {
            let of_group = needs.entry(group).or_default();
            for (spec, need) in wanted.rules {
                let needed = Needed { aspect: need.aspect, by_default: need.by_default };
                of_group.entry(spec).or_insert(needed).by_default &= need.by_default;
            }
        }
    }
    needs
}

/// All rules of a group that are there, needed, or on their way.
pub(super) fn of_group(
    estate: &Estate<'_>,
    id: &SecurityGroupId,
    group: Option<&GroupState>,
    needed: Option<&BTreeMap<RuleSpec, Needed>>,
) -> BTreeMap<RuleSpec, Standing> {
    let is_needed = |spec: &RuleSpec| needed.is_some_and(|needed| needed.contains_key(spec));
    let mut rules: BTreeMap<RuleSpec, Standing> = BTreeMap::new();
    for (spec, need) in needed.into_iter().flatten() {
        // What is only derived may be left to foreign rules, which are drawn themselves.
        if group.is_none() || !need.by_default {
            rules.insert(spec.clone(), State::Unsettled.into());
        }
    }
    for rule in group.iter().flat_map(|group| &group.rules) {
        let state = match estate.us.ownership(&rule.tags) {
            _ if is_needed(&rule.spec) => State::InPlace,
            Ownership::Ours { .. } | Ownership::TakenOver => State::InPlace,
            Ownership::OtherIdentity { .. } | Ownership::OtherClusters(_) => State::OtherClusters,
            Ownership::Foreign => State::Foreign,
        };
        rules.insert(rule.spec.clone(), state.into());
    }
    let here = |step: &Step| step.group.id == *id;
    for held in estate.held.iter().filter(|held| here(&held.step)) {
        rules.extend(waiting(held).map(|standing| (held.step.spec.clone(), standing)));
    }
    for step in estate.steps.iter().filter(|step| here(step)) {
        rules.extend(foreseen(&step.action).map(|state| (step.spec.clone(), state.into())));
    }
    rules
}

/// `None` where the rule stands as it did: only its tags or its description change.
fn foreseen(action: &Action) -> Option<State> {
    match action {
        Action::Authorize { .. } | Action::Restore { .. } => Some(State::ToBeMade),
        Action::Revoke { .. } => Some(State::ToBeTakenAway),
        Action::Release { .. } => Some(State::OtherClusters),
        Action::Adopt { .. } | Action::Describe { .. } => None,
    }
}

fn waiting(held: &Held) -> Option<Standing> {
    let (state, what) = match &held.step.action {
        Action::Authorize { .. } | Action::Restore { .. } => (State::Held, "not made"),
        Action::Revoke { foreign: true, .. } => (State::Foreign, "kept"),
        Action::Revoke { foreign: false, .. } => (State::Held, "not taken away"),
        Action::Release { .. } | Action::Adopt { .. } | Action::Describe { .. } => return None,
    };
    Some(Standing { state, note: Some(format!("{what}: {}", held.reason.word())) })
}
