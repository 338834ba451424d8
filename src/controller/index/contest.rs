//! Rules that someone keeps undoing.
//!
//! An undoing is a repair that became necessary: a rule that had been seen in place was made again, or a foreign one that
//! had been removed came back and was removed again. Five of the same rule within ten minutes, and the rule is contested:
//! it is put right again only after a wait, a minute at first and twice as long each time, up to ten. That ends when the
//! rule has stayed as it should be for ten minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{Action, GroupKey, GroupState, HoldReason, ObjectRef, Plan, RuleSpec, Step, Tags, Tightening, Us};

use super::suspects::{Undoing, suspects};
use super::{GroupEntry, Index};

/// So many undoings within [`WINDOW`] make a rule contested.
const UNDOINGS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10 * 60);
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// A moment by the clock that measures and by the calendar.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub at: Instant,
    pub wall: Timestamp,
}

/// The rules of one group that were put right lately.
#[derive(Default)]
pub(super) struct Contest(BTreeMap<RuleSpec, Dispute>);

/// One rule that was put right lately.
struct Dispute {
    undoing: Undoing,
    /// On whose account it was put right.
    objects: BTreeSet<ObjectRef>,
    /// Those that count, the earliest first; all of them once the rule is contested.
    undoings: Vec<Moment>,
    last: Moment,
    /// Until the next repair, counted from the last; `None` while the rule is not contested.
    wait: Option<Duration>,
    /// What is known of who does it.
    who: Vec<String>,
}

impl Dispute {
    fn waits_until(&self) -> Option<Instant> {
        Some(self.last.at + self.wait?)
    }

    fn is_over(&self, right: bool, now: Instant) -> bool {
        let stayed = now.saturating_duration_since(self.last.at) >= WINDOW;
        stayed && (right || self.wait.is_none()) && !(self.wait.is_some() && Defect::ContestedForEver.is_on())
    }

    /// For people: which rule, how often, when it goes on, and who does it.
    fn message(&self, key: &GroupKey, spec: &RuleSpec) -> String {
        let times = self.undoings.len();
        let since = self.undoings.first().map(|first| to_the_second(first.wall)).unwrap_or_default();
        let next = to_the_second(self.last.wall + self.wait.unwrap_or_default());
        let (what, then) = match self.undoing {
            Undoing::Revoked => ("was taken away", "made again"),
            Undoing::Authorized => ("was removed and came back", "removed again"),
        };
        let who = match self.who.as_slice() {
            [] => format!(
                "Who does it is not known: CloudTrail tells, see the events {} of {}",
                self.undoing.event(spec.direction),
                key.id
            ),
            who => format!("It may be {}", who.join(", or ")),
        };
        format!(
            "rule {} {spec} {what} {times} times since {since}. If that happens again, it is not {then} before {next}. {who}",
            key.id
        )
    }
}

/// As people write times.
fn to_the_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Contest {
    /// A rule that had been in place was made again. Tells whether it has become contested by that.
    fn made_again(&mut self, step: &Step, now: Moment) -> bool {
        let dispute = self.dispute(step, Undoing::Revoked, now);
        dispute.was_undone(step, now)
    }

    /// A foreign rule was removed, for the first time or again. Tells whether it has become contested by that.
    fn removed(&mut self, step: &Step, now: Moment) -> bool {
        let again = self.0.contains_key(&step.spec) && !Defect::ForgetWhatWasRemoved.is_on();
        let dispute = self.dispute(step, Undoing::Authorized, now);
        again && dispute.was_undone(step, now)
    }

    /// We make a foreign rule again ourselves: that it is there is nobody's doing.
    fn put_back(&mut self, spec: &RuleSpec) {
        self.0.retain(|disputed, dispute| disputed != spec || dispute.undoing != Undoing::Authorized);
    }

    fn dispute(&mut self, step: &Step, undoing: Undoing, now: Moment) -> &mut Dispute {
        let begins = || Dispute {
            undoing,
            objects: step.objects.clone(),
            undoings: Vec::new(),
            last: now,
            wait: None,
            who: Vec::new(),
        };
        if self.0.get(&step.spec).is_some_and(|dispute| dispute.undoing != undoing) {
            // What was needed is to go now, or the other way round.
            self.0.remove(&step.spec);
        }
        self.0.entry(step.spec.clone()).or_insert_with(begins)
    }

    /// Rules that are not put right yet. Takes in what the group tells of who may be undoing them.
    fn waiting(&mut self, us: &Us, state: &GroupState, now: Instant) -> BTreeSet<RuleSpec> {
        for (spec, dispute) in &mut self.0 {
            let returned = state.rules.iter().find(|rule| rule.spec == *spec);
            let returned = returned.filter(|_| dispute.undoing == Undoing::Authorized);
            let nobody = Tags::new();
            let (tags, description) = returned.map_or((&nobody, ""), |rule| (&rule.tags, rule.description.as_str()));
            if dispute.undoing == Undoing::Revoked || returned.is_some() {
                dispute.who = suspects(us, &state.tags, tags, description);
            }
        }
        let waits = |dispute: &Dispute| dispute.waits_until().is_some_and(|until| until > now);
        self.0.iter().filter(|(_, dispute)| waits(dispute)).map(|(spec, _)| spec.clone()).collect()
    }

    /// Takes in how a pass ended: what nobody wants any more, and what has stayed, is contested no longer.
    fn concluded(&mut self, plan: &Plan, now: Instant) {
        let desired = |spec: &RuleSpec| plan.standing.values().any(|standing| standing.desired.contains(spec));
        let in_place = |spec: &RuleSpec| plan.standing.values().any(|standing| standing.in_place.contains(spec));
        let to_go = |spec: &RuleSpec| {
            plan.steps
                .iter()
                .chain(plan.held.iter().map(|held| &held.step))
                .any(|step| step.spec == *spec && step.action.revokes())
        };
        self.0.retain(|spec, dispute| match dispute.undoing {
            Undoing::Revoked => desired(spec) && !dispute.is_over(in_place(spec), now),
            Undoing::Authorized => !desired(spec) && !dispute.is_over(!to_go(spec), now),
        });
    }

    fn contested(&self) -> impl Iterator<Item = (&RuleSpec, &Dispute)> {
        self.0.iter().filter(|(_, dispute)| dispute.wait.is_some())
    }
}

impl Dispute {
    fn was_undone(&mut self, step: &Step, now: Moment) -> bool {
        self.objects = step.objects.clone();
        self.last = now;
        self.undoings.push(now);
        match &mut self.wait {
            Some(wait) => {
                *wait = (*wait * 2).min(LONGEST_WAIT);
                false
            }
            None => {
                self.undoings.retain(|undoing| now.at.saturating_duration_since(undoing.at) < WINDOW);
                let contested = self.undoings.len() >= UNDOINGS && !Defect::RepairForEver.is_on();
                self.wait = contested.then_some(FIRST_WAIT);
                contested
            }
        }
    }
}

impl GroupEntry {
    /// Notes which rules were seen in place. What waits because someone keeps undoing it was so too.
    pub(super) fn settle(&mut self, plan: &Plan) {
        let contested = plan.held.iter().filter(|held| held.reason == HoldReason::Contested);
        let contested: BTreeSet<&RuleSpec> = contested.map(|held| &held.step.spec).collect();
        self.settled.retain(|spec| contested.contains(spec));
        self.settled.extend(plan.standing.values().flat_map(|standing| standing.in_place.iter().cloned()));
    }
}

impl Index {
    /// Rules of the group that are not put right yet, because someone keeps undoing them.
    pub fn backing_off(&mut self, us: &Us, state: &GroupState, now: Instant) -> BTreeSet<RuleSpec> {
        let tightening = self.tightening(&state.key);
        if let (Tightening::Return { rules, .. }, Some(group)) = (tightening, self.groups.get_mut(&state.key)) {
            rules.iter().for_each(|rule| group.contest.put_back(&rule.spec));
        }
        self.groups.get_mut(&state.key).map(|group| group.contest.waiting(us, state, now)).unwrap_or_default()
    }

    /// Rules were made again that had been in place, or foreign ones were removed. Tells which have become contested by
    /// that, and what to say of each.
    pub fn put_right<'a>(
        &mut self,
        steps: impl Iterator<Item = &'a Step>,
        state: &GroupState,
        us: &Us,
        now: Moment,
    ) -> Vec<(BTreeSet<ObjectRef>, String)> {
        let contest = &mut self.groups.entry(state.key.clone()).or_default().contest;
        let mut news = Vec::new();
        for step in steps {
            let contested = match step.action {
                Action::Revoke { foreign: true, .. } => contest.removed(step, now),
                _ => contest.made_again(step, now),
            };
            if contested {
                contest.waiting(us, state, now.at);
                let said = contest.0.get(&step.spec).map(|dispute| dispute.message(&state.key, &step.spec));
                news.push((step.objects.clone(), said.unwrap_or_default()));
            }
        }
        news
    }

    /// Takes in how a pass over a group ended. Tells how many of its rules are contested, and when the next of them may
    /// be put right, from now.
    pub fn contest_after(&mut self, plan: &Plan, now: Instant) -> (usize, Option<Duration>) {
        let Some(group) = self.groups.get_mut(&plan.group) else { return (0, None) };
        group.contest.concluded(plan, now);
        let next = group.contest.contested().filter_map(|(_, dispute)| dispute.waits_until());
        let next = next.filter(|until| *until > now).min().map(|until| until.saturating_duration_since(now));
        (group.contest.contested().count(), next)
    }

    /// What to tell an object of the contested rules of a group, if it has to do with them.
    pub(super) fn contested_for(&self, key: &GroupKey, object: &ObjectRef) -> Vec<String> {
        let Some(group) = self.groups.get(key) else { return Vec::new() };
        let standing = group.outcome.as_ref().and_then(|outcome| outcome.plan.standing.get(object));
        let concerns = |spec: &RuleSpec, dispute: &Dispute| match dispute.undoing {
            Undoing::Revoked => standing.is_some_and(|standing| standing.desired.contains(spec)),
            Undoing::Authorized => dispute.objects.contains(object),
        };
        let contested = group.contest.contested().filter(|(spec, dispute)| concerns(spec, dispute));
        contested.map(|(spec, dispute)| dispute.message(key, spec)).collect()
    }
}

#[cfg(test)]
mod tests;
