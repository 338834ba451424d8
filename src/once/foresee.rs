//! Pure: what would be done, from the first step to the last, on a model of the groups.
//!
//! A plan is made for what is there; what it holds because something else comes first is a step of the next one. So each
//! phase is carried out on the model, and planned anew, until nothing is left.

use std::collections::BTreeSet;

use crate::check::Violation;
use crate::model::{
    Action, ActualRule, GroupKey, GroupState, Held, HoldReason, ObjectProblem, Plan, RuleId, RuleSpec, Step, Tags,
    Tightening, Us,
};

use super::round::{Brake, Moment, Planning, Refused, States, next_steps};
use super::{Survey, Terms};

/// No estate takes more rounds: each makes, takes, or makes room rule by rule.
const MOST_ROUNDS: usize = 400;

/// What the controller would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// In the order in which they would be carried out.
    pub steps: Vec<Step>,
    /// What would still wait when all of them are done.
    pub held: Vec<Held>,
    pub problems: Vec<ObjectProblem>,
    /// Rules that are needed and there already.
    pub in_sync: BTreeSet<(GroupKey, RuleSpec)>,
    /// Rules in what the objects govern that no sgbind made, and nobody needs.
    pub foreign: BTreeSet<(GroupKey, RuleSpec)>,
    /// Rules that are to be there.
    pub needed: BTreeSet<(GroupKey, RuleSpec)>,
}

/// Foresees everything that would be done.
///
/// # Errors
/// A plan that must never be carried out: a bug.
pub fn foresee(survey: &Survey, terms: &Terms) -> Result<Forecast, Violation> {
    let mut states: States = survey.groups.iter().map(|(key, group)| (key.clone(), group.state.clone())).collect();
    let all_go = |state: &GroupState| all_go(survey, state);
    let (planning, refused) = (Planning::new(survey, terms), Refused::new());
    let mut forecast = Forecast::default();
    let mut brake = Brake::new(survey, terms);
    for round in 0..MOST_ROUNDS {
        let standings = planning.standings(Moment { states: &states, refused: &refused, brake }, &all_go)?;
        let (mut plans, mut rested) = (Vec::new(), true);
        for key in survey.groups.keys() {
            let moment = Moment { states: &states, refused: &refused, brake };
            let checked = planning.plan(key, &standings, moment, &all_go)?;
            let steps = next_steps(&checked);
            brake.count(&steps);
            if let Some(state) = states.get_mut(key) {
                steps.iter().for_each(|step| carry_out(state, &survey.us, step));
            }
            rested &= steps.is_empty();
            forecast.steps.extend(steps);
            plans.push(checked.plan().clone());
        }
        if round == 0 {
            forecast.count(&plans);
        }
        if rested || round + 1 == MOST_ROUNDS {
            forecast.rest(survey, &plans);
            break;
        }
    }
    Ok(forecast)
}

/// Whatever may go at all will go in its turn.
fn all_go(survey: &Survey, state: &GroupState) -> Tightening {
    if survey.is_rolled_back(&state.key) {
        return Tightening::RolledBack;
    }
    Tightening::WrittenDown(state.rules.iter().map(|rule| rule.spec.clone()).collect())
}

impl Forecast {
    /// The steps that will not be done, however often it is tried, before a person has seen to it.
    pub fn waiting_for_a_person(&self) -> impl Iterator<Item = &Held> {
        let by_a_person =
            |reason: &HoldReason| matches!(reason, HoldReason::GapUnavoidable | HoldReason::MassRevocation { .. });
        self.held.iter().filter(move |held| by_a_person(&held.reason))
    }

    /// What is otherwise by now than in a forecast that somebody was shown: steps beside those, some of those that would
    /// wait, and new problems. That someone else has done a step is no news.
    pub fn news_since(&self, shown: &Self) -> Vec<String> {
        let was_shown = |step: &Step| {
            let all =
                |step: &Step| (step.action.clone(), step.group.clone(), step.spec.clone(), step.description.clone());
            shown.steps.iter().any(|other| all(other) == all(step))
        };
        let steps =
            self.steps.iter().filter(|step| !was_shown(step)).map(|step| format!("this would be done too: {step}"));
        let held = self.held.iter().filter(|held| was_shown(&held.step));
        let held = held.map(|held| format!("this would wait: {}: {}", held.step, held.reason));
        let problems = self.problems.iter().filter(|problem| !shown.problems.contains(problem));
        let problems =
            problems.map(|it| format!("{}: {}: {}", it.object, it.problem.reason.word(), it.problem.message));
        steps.chain(held).chain(problems).collect()
    }

    /// Takes in how things stand before anything is done.
    fn count(&mut self, plans: &[Plan]) {
        for plan in plans {
            let at = |spec: &RuleSpec| (plan.group.clone(), spec.clone());
            for standing in plan.standing.values() {
                self.needed.extend(standing.desired.iter().map(at));
                self.in_sync.extend(standing.desired.intersection(&standing.in_place).map(at));
                self.foreign.extend(standing.foreign.iter().map(at));
            }
        }
    }

    /// Takes in what is left when all is done.
    fn rest(&mut self, survey: &Survey, plans: &[Plan]) {
        self.held = plans.iter().flat_map(|plan| plan.held.iter().cloned()).collect();
        let of_plans = plans.iter().flat_map(|plan| plan.problems.iter().cloned());
        self.problems =
            survey.problems_of_objects().into_iter().chain(of_plans).collect::<BTreeSet<_>>().into_iter().collect();
    }
}

/// What EC2 does when a step is carried out.
pub(super) fn carry_out(group: &mut GroupState, us: &Us, step: &Step) {
    let ours = us.cluster.tag_key();
    let made = |tags: Tags| ActualRule {
        // No rule of EC2 has such an id.
        id: RuleId::new(format!("new {}", step.spec)),
        spec: step.spec.clone(),
        peer_account: None,
        description: step.description.clone(),
        tags,
    };
    let id = step.action.rule();
    let found = group.rules.iter_mut().find(|rule| Some(&rule.id) == id);
    match (&step.action, found) {
        (Action::Authorize { .. }, _) => group.rules.push(made(Tags::from([(ours, us.identity.clone())]))),
        (Action::Restore { tags, .. }, _) => group.rules.push(made(tags.clone())),
        (Action::Adopt { .. }, Some(rule)) => drop(rule.tags.insert(ours, us.identity.clone())),
        (Action::Describe { .. }, Some(rule)) => rule.description.clone_from(&step.description),
        (Action::Release { .. }, Some(rule)) => drop(rule.tags.remove(&ours)),
        (Action::Revoke { .. }, _) => group.rules.retain(|rule| Some(&rule.id) != id),
        (_, None) => {}
    }
}
