//! What objects are told of a pass beside what was done: what newly waits, what AWS refused, what someone keeps undoing.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{GroupKey, GroupState, HoldReason, ObjectProblem, ObjectRef, Plan, Problem, Step};

use super::Context;
use super::events::News;
use super::index::{BrakeNews, Moment, Told};

impl Context {
    /// Tells whom it concerns which steps newly wait for a person or for time.
    pub(super) fn tell_of_held(&self, plan: &Plan) {
        // Who does not lead any more does nothing, and that is no news.
        if !self.leadership.is_held() {
            return;
        }
        let told = self.index().told(plan);
        let (news, told) = newly_held(plan, told);
        for ((object, _), (reason, steps)) in news {
            let note = format!("{reason}: {}", in_words(&steps));
            self.tell(object, News { warning: true, reason: "Held", action: "Hold", note: &note });
        }
        self.index().has_told(&plan.group, told);
    }

    /// Tells whom it concerns what AWS refused, unless the last pass over the group came to the same reason.
    pub(super) fn tell_of_refusals(&self, key: &GroupKey, refusals: &[(Vec<Step>, Problem)]) {
        let before = self.index().problems_of(key);
        let mut news = BTreeMap::<(&ObjectRef, &Problem), Vec<&Step>>::new();
        for (steps, problem) in refusals {
            for step in steps {
                step.objects.iter().for_each(|object| news.entry((object, problem)).or_default().push(step));
            }
        }
        for ((object, problem), steps) in news {
            // AWS may say the same in other words each time.
            let same = |before: &ObjectProblem| before.object == *object && before.problem.reason == problem.reason;
            if !before.iter().any(same) || Defect::TellAgain.is_on() {
                let note = format!("{}: {}", problem.message, in_words(&steps));
                self.tell(object, News { warning: true, reason: "Refused", action: "Refuse", note: &note });
            }
        }
    }

    /// Takes in that rules were made again, or foreign ones removed, and tells whom it concerns if someone keeps undoing
    /// that.
    pub(super) fn put_right<'a>(&self, steps: impl Iterator<Item = &'a Step>, state: &GroupState) {
        let now = Moment { at: Instant::now(), wall: self.clock.now_wall() };
        let contested = self.index().put_right(steps, state, &self.us, now);
        for (objects, note) in contested {
            tracing::warn!(group = %state.key, "{note}");
            for object in objects.iter().filter(|_| !Defect::KeepContestSecret.is_on()) {
                self.tell(object, News { warning: true, reason: "Contested", action: "BackOff", note: &note });
            }
        }
    }

    /// Takes in what a pass leaves to the brake on mass revocation, and says once when it begins to hold and when it ends.
    pub(super) fn tell_of_brake(&self, plan: &Plan) {
        let news = self.index().brake_after(plan);
        match news {
            Some(BrakeNews::Holds { limit }) => tracing::warn!(
                limit,
                group = %plan.group,
                "more rules are to be revoked than within ten minutes may be: what is beyond waits for a person. If it is to \
                 go, raise --revocation-brake; if not, declare again what needs the rules"
            ),
            Some(BrakeNews::Released) => tracing::info!("the brake on mass revocation holds nothing any more"),
            None => {}
        }
    }
}

fn in_words(steps: &[&Step]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

type Waiting<'a> = BTreeMap<(&'a ObjectRef, &'static str), (&'a HoldReason, Vec<&'a Step>)>;

/// What is news for which object, and what everyone has been told then. What was told of a step is remembered as long
/// as it is to be done, as it may be under way again for a moment.
fn newly_held(plan: &Plan, told: BTreeSet<Told>) -> (Waiting<'_>, BTreeSet<Told>) {
    let pending = plan.steps.iter().chain(plan.held.iter().map(|held| &held.step));
    let pending: BTreeSet<String> = pending.map(ToString::to_string).collect();
    let mut told: BTreeSet<Told> = told.into_iter().filter(|told| pending.contains(&told.step)).collect();
    let mut news = Waiting::new();
    for held in plan.held.iter().filter(|held| held.reason.is_news()) {
        for object in &held.step.objects {
            let word = held.reason.word();
            let this = Told { object: object.clone(), step: held.step.to_string(), reason: word.into() };
            if told.insert(this) || Defect::TellAgain.is_on() {
                let reason_and_steps = news.entry((object, word)).or_insert_with(|| (&held.reason, Vec::new()));
                reason_and_steps.1.push(&held.step);
            }
        }
    }
    (news, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Knowledge;
    use crate::testing::{Scene, allowance, claim, ours};

    /// Reasons and numbers of steps that are news after these plans.
    fn news(scenes: &[&Scene]) -> Vec<Vec<(&'static str, usize)>> {
        let mut told = BTreeSet::new();
        let mut all = Vec::new();
        for scene in scenes {
            let plan = scene.plan();
            let (news, now) = newly_held(&plan, std::mem::take(&mut told));
            all.push(news.into_iter().map(|((_, word), (_, steps))| (word, steps.len())).collect());
            told = now;
        }
        all
    }

    #[test]
    fn that_a_step_waits_is_told_once_for_each_reason() {
        let rules = || vec![ours("ingress tcp 1 from sg-alb", &["shop"]), ours("ingress tcp 2 from sg-alb", &["shop"])];
        let free = Scene::new(vec![claim("shop", &[])], rules());
        let braked = Scene { allowance: allowance(0, 0), ..free.clone() };
        let one_goes = Scene { allowance: allowance(1, 1), ..free.clone() };
        let unresolved = free.clone().knowing("shop", Knowledge::Incomplete);
        let under_way = free.clone().knowing("shop", Knowledge::Stale);
        let done = Scene::new(vec![claim("shop", &[])], vec![]);
        assert_eq!(news(&[&braked, &braked]), [vec![("MassRevocation", 2)], vec![]]);
        assert_eq!(news(&[&one_goes, &braked]), [vec![("MassRevocation", 1)], vec![("MassRevocation", 1)]]);
        assert_eq!(news(&[&braked, &unresolved]), [vec![("MassRevocation", 2)], vec![("Unresolved", 2)]]);
        assert_eq!(
            news(&[&under_way, &braked, &under_way, &braked]),
            [vec![], vec![("MassRevocation", 2)], vec![], vec![]]
        );
        assert_eq!(
            news(&[&braked, &done, &braked]),
            [vec![("MassRevocation", 2)], vec![], vec![("MassRevocation", 2)]]
        );
    }
}
