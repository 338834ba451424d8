//! Whether all fits into the group: what is refused where it does not, and in which order rules come and go where new
//! and old do not fit side by side.
//!
//! Rules that are in place and needed are never given up. Additions are refused, those of the newest object first. What
//! is not refused fits once the surplus is gone: it is made as far as there is room now. Where there is none, surplus
//! goes first that admits nothing of what is missing. Where that does not suffice, a gap is unavoidable.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, Claim, Count, Direction, Family, Held, HoldReason, ObjectRef, Problem, Reason, RuleSpec, Step,
};

use super::Planner;
use super::surplus::Unfinished;

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// A missing rule that may be made.
struct Addition<'a> {
    spec: RuleSpec,
    weight: Count,
    /// The objects that need it and may write, the oldest first.
    for_whom: Vec<&'a Claim>,
}

impl Addition<'_> {
    /// In which order additions get room: where the traffic is interrupted first, then for the oldest object.
    fn rank(&self) -> (bool, Option<(Option<jiff::Timestamp>, &ObjectRef)>, &RuleSpec) {
        (!self.gap_permitted(), self.for_whom.first().map(|claim| age(claim)), &self.spec)
    }

    fn gap_permitted(&self) -> bool {
        Defect::GapUnasked.is_on() || self.for_whom.iter().any(|claim| claim.gap_permitted)
    }
}

/// The oldest is the least.
fn age(claim: &Claim) -> (Option<jiff::Timestamp>, &ObjectRef) {
    (claim.created, &claim.object)
}

fn authorizes(step: &Step, direction: Direction) -> bool {
    step.spec.direction == direction && matches!(step.action, Action::Authorize { .. })
}

/// Foreign rules make no room: they go only when all that is declared is there.
fn revokes(step: &Step, direction: Direction) -> bool {
    step.spec.direction == direction && matches!(step.action, Action::Revoke { foreign: false, .. })
}

// What does not fit at all.

impl<'a> Planner<'a> {
    /// Missing rules for which there will be no room, even when all is gone that is to go.
    pub(super) fn without_room(&mut self) -> BTreeSet<RuleSpec> {
        if Defect::QuotaNotCounted.is_on() {
            return BTreeSet::new();
        }
        DIRECTIONS.into_iter().flat_map(|direction| self.refusals(direction)).collect()
    }

    /// Admits the objects, the oldest first, and of each all or nothing. Refuses what only others need.
    fn refusals(&self, direction: Direction) -> BTreeSet<RuleSpec> {
        let additions = self.additions(direction, true);
        let by_spec: BTreeMap<&RuleSpec, Count> = additions.iter().map(|each| (&each.spec, each.weight)).collect();
        let mut claims: Vec<&Claim> = additions.iter().flat_map(|each| each.for_whom.iter().copied()).collect();
        claims.sort_by_key(|claim| age(claim));
        claims.dedup_by_key(|claim| &claim.object);
        if Defect::OldestRefusedFirst.is_on() {
            claims.reverse();
        }
        let mut count = self.count_in_the_end(direction);
        let mut admitted = BTreeSet::new();
        for claim in claims {
            let wanted: BTreeMap<&RuleSpec, Count> = by_spec
                .iter()
                .filter(|(spec, _)| claim.rules.contains_key(*spec) && !admitted.contains(*spec))
                .map(|(spec, weight)| (*spec, *weight))
                .collect();
            let added = wanted.values().fold(Count::default(), |sum, weight| sum + *weight);
            if self.input.quota.excess(count + added, added) == 0 {
                count += added;
                admitted.extend(wanted.into_keys());
            }
        }
        by_spec.into_keys().filter(|spec| !admitted.contains(*spec)).cloned().collect()
    }

    /// Rules that this plan makes; `all`: also those that will be made once their objects' statuses say so.
    fn additions(&self, direction: Direction, all: bool) -> Vec<Addition<'a>> {
        let later = |held: &&Held| all && matches!(held.reason, HoldReason::Applying | HoldReason::Contested);
        let held = self.held.iter().filter(later).map(|held| &held.step);
        let steps = self.steps.iter().chain(held).filter(|step| authorizes(step, direction));
        let addition = |step: &Step| {
            let needs = self.needs.get(&step.spec).into_iter().flatten();
            let mut for_whom: Vec<&Claim> =
                needs.map(|(claim, _)| *claim).filter(|claim| self.is_writer(&claim.object)).collect();
            for_whom.sort_by_key(|claim| age(claim));
            Addition { spec: step.spec.clone(), weight: self.input.quota.weight(&step.spec), for_whom }
        };
        steps.map(addition).collect()
    }

    /// Whether one more rule fits beside what is there and comes back.
    pub(super) fn has_room_for(&self, spec: &RuleSpec) -> bool {
        let weight = self.input.quota.weight(spec);
        self.input.quota.excess(self.count_now(spec.direction) + weight, weight) == 0
    }

    fn count_now(&self, direction: Direction) -> Count {
        // What is put back comes before what is new.
        let restored = self.steps.iter().filter(|step| matches!(step.action, Action::Restore { .. }));
        let there = self.input.group.rules.iter().map(|rule| &rule.spec).chain(restored.map(|step| &step.spec));
        self.input.quota.count(direction, there) + self.input.group.unreadable.count(direction)
    }

    /// Without the rules that go now, or that will go by themselves.
    fn count_in_the_end(&self, direction: Direction) -> Count {
        let later = self.held.iter().filter(|held| self.goes_later(held)).map(|held| &held.step);
        let going = self.steps.iter().chain(later).filter(|step| revokes(step, direction)).map(|step| &step.spec);
        self.count_now(direction).without(self.input.quota.count(direction, going))
    }

    fn goes_later(&self, held: &Held) -> bool {
        matches!(held.reason, HoldReason::Applying | HoldReason::RevocationDelay)
            && self.in_turn.get(&held.step.spec) != Some(&Unfinished::Refused)
    }

    /// Tells the objects whose rules were refused, with the numbers.
    fn tell_of_refusals(&mut self, direction: Direction) {
        let refused =
            |held: &&Held| held.reason == HoldReason::RuleQuotaExceeded && held.step.spec.direction == direction;
        let mut needed: BTreeMap<&ObjectRef, Count> = BTreeMap::new();
        for held in self.held.iter().filter(refused) {
            for object in held.step.objects.iter().filter(|object| self.is_writer(object)) {
                *needed.entry(object).or_default() += self.input.quota.weight(&held.step.spec);
            }
        }
        let admitted = self.additions(direction, true);
        let used = admitted.iter().fold(self.count_in_the_end(direction), |sum, each| sum + each.weight);
        let told = |(object, needed): (&ObjectRef, Count)| (object.clone(), self.no_room(direction, used, needed));
        let problems: Vec<_> = needed.into_iter().map(told).collect();
        problems.into_iter().for_each(|(object, problem)| self.problem(&object, problem));
    }

    fn no_room(&self, direction: Direction, used: Count, needed: Count) -> Problem {
        let limit = self.input.quota.limit;
        let v6_is_fuller = (used + needed).v6 > (used + needed).v4 && needed.v6 > 0;
        let (family, used, needed) = if v6_is_fuller || needed.v4 == 0 {
            (Family::V6, used.v6, needed.v6)
        } else {
            (Family::V4, used.v4, needed.v4)
        };
        let message = format!(
            "security group {} has no room for the {direction} rules of this object: {used} of {limit} {family} rules are \
             taken, so {} more fit, and it needs {needed} more. Let it, or others, need fewer rules (a prefix list counts \
             by its size), or have the quota \"Inbound or outbound rules per security group\" (L-0EA8095F) raised",
            self.input.group.key.id,
            limit.saturating_sub(used),
        );
        Problem::new(Reason::RuleQuotaExceeded, message)
    }
}

// What does not fit beside what is there now.

impl<'a> Planner<'a> {
    /// Makes what there is room for now, and lets go first what must.
    pub(super) fn make_room(&mut self) {
        if Defect::QuotaNotCounted.is_on() {
            return;
        }
        if Defect::RulesInPlaceGivenUp.is_on() {
            self.give_up_rules_in_place();
        }
        for direction in DIRECTIONS {
            self.tell_of_refusals(direction);
            let waiting = self.waiting(direction);
            if !waiting.is_empty() {
                let made = self
                    .steps
                    .iter()
                    .any(|step| authorizes(step, direction) && !waiting.iter().any(|each| each.spec == step.spec));
                let (reason, taken) = if made || self.frees_without_gap(direction, &waiting) {
                    (HoldReason::Applying, BTreeSet::new())
                } else {
                    self.gap(direction, &waiting)
                };
                self.hold_waiting(direction, &waiting, reason, &taken);
                self.gaps.push(taken);
            }
        }
    }

    /// Additions for which there is no room beside what is there now.
    fn waiting(&self, direction: Direction) -> Vec<Addition<'a>> {
        let mut additions = self.additions(direction, false);
        additions.sort_by(|one, other| one.rank().cmp(&other.rank()));
        let mut count = self.count_now(direction);
        additions.retain(|each| {
            let fits = self.input.quota.excess(count + each.weight, each.weight) == 0;
            if fits {
                count += each.weight;
            }
            !fits
        });
        additions
    }

    /// Whether surplus goes that admits nothing of what is missing, so that there will be room.
    fn frees_without_gap(&mut self, direction: Direction, waiting: &[Addition<'_>]) -> bool {
        let harmless = |step: &Step| revokes(step, direction) && covered(&step.spec, waiting) == 0;
        if self.steps.iter().any(harmless) {
            return true;
        }
        // Two full groups may wait for each other.
        let elsewhere: Vec<RuleSpec> =
            self.awaiting_room(direction).filter(|step| harmless(step)).map(|step| step.spec.clone()).collect();
        let least = waiting.iter().find_map(|addition| self.least_for(direction, addition, &elsewhere));
        least.iter().for_each(|least| self.release_from_hold(least));
        least.is_some()
    }

    /// Surplus that waits for other groups that are full too.
    fn awaiting_room(&self, direction: Direction) -> impl Iterator<Item = &Step> {
        let of_turn = |held: &&Held| self.in_turn.get(&held.step.spec) == Some(&Unfinished::AwaitRoom);
        self.held.iter().filter(of_turn).map(|held| &held.step).filter(move |step| revokes(step, direction))
    }

    /// Some traffic can't be admitted for a moment: takes the least away that makes room, if a person permits it for all
    /// that is missing of that traffic. Tells what the additions wait for, and which rules go for them.
    fn gap(&mut self, direction: Direction, waiting: &[Addition<'_>]) -> (HoldReason, BTreeSet<RuleSpec>) {
        let steps = self.steps.iter().filter(|step| revokes(step, direction));
        let surplus: Vec<RuleSpec> = steps.chain(self.awaiting_room(direction)).map(|step| step.spec.clone()).collect();
        let permitted =
            |spec: &&RuleSpec| waiting.iter().filter(|each| covers(spec, each)).all(Addition::gap_permitted);
        for addition in waiting.iter().filter(|each| each.gap_permitted()) {
            let mut surplus: Vec<RuleSpec> = surplus.iter().filter(permitted).cloned().collect();
            // First what admits the traffic of no other addition, then what makes most room.
            surplus.sort_by_key(|spec| {
                let others = covered(spec, waiting).saturating_sub(usize::from(spec.may_cover(&addition.spec)));
                (others, Reverse(self.input.quota.weight(spec).fuller()), spec.clone())
            });
            if let Some(least) = self.least_for(direction, addition, &surplus) {
                self.release_from_hold(&least);
                return (HoldReason::GapUnavoidable, least);
            }
        }
        if waiting.iter().any(|addition| self.least_for(direction, addition, &surplus).is_some()) {
            return (HoldReason::GapUnavoidable, BTreeSet::new());
        }
        // What makes room can't be taken away yet.
        let delayed = |held: &Held| revokes(&held.step, direction) && held.reason == HoldReason::RevocationDelay;
        let reason = if self.held.iter().any(delayed) { HoldReason::RevocationDelay } else { HoldReason::Applying };
        (reason, BTreeSet::new())
    }

    /// The least of these rules, in their order, without which the addition fits; `None` if it does not without all.
    fn least_for(
        &self,
        direction: Direction,
        addition: &Addition<'_>,
        rules: &[RuleSpec],
    ) -> Option<BTreeSet<RuleSpec>> {
        let needed = self.count_now(direction) + addition.weight;
        let fits = |without: &[RuleSpec]| {
            let count = needed.without(self.input.quota.count(direction, without));
            self.input.quota.excess(count, addition.weight) == 0
        };
        if !fits(rules) {
            return None;
        }
        let enough = (0..=rules.len()).find(|most| fits(&rules[..*most]))?;
        let mut least = rules[..enough].to_vec();
        for spec in rules[..enough].iter() {
            let without: Vec<RuleSpec> = least.iter().filter(|each| *each != spec).cloned().collect();
            if fits(&without) {
                least = without;
            }
        }
        Some(least.into_iter().collect())
    }

    fn release_from_hold(&mut self, specs: &BTreeSet<RuleSpec>) {
        let goes = |held: &Held| matches!(held.step.action, Action::Revoke { .. }) && specs.contains(&held.step.spec);
        let (released, held) = std::mem::take(&mut self.held).into_iter().partition(goes);
        self.held = held;
        self.steps.extend(Vec::<Held>::into_iter(released).map(|held| held.step));
    }

    /// Holds the additions, and what admits their traffic now but for what is taken on purpose. Foreign rules wait too.
    fn hold_waiting(
        &mut self,
        direction: Direction,
        waiting: &[Addition<'_>],
        reason: HoldReason,
        taken: &BTreeSet<RuleSpec>,
    ) {
        self.hold(reason, |step| {
            let waits = authorizes(step, direction) && waiting.iter().any(|each| each.spec == step.spec);
            let admits = revokes(step, direction) && covered(&step.spec, waiting) > 0;
            let foreign = matches!(step.action, Action::Revoke { foreign: true, .. });
            waits || foreign || (admits && !taken.contains(&step.spec))
        });
    }

    /// Takes away as many rules that are needed as there are that have no room.
    fn give_up_rules_in_place(&mut self) {
        let refused = self.held.iter().filter(|held| held.reason == HoldReason::RuleQuotaExceeded).count();
        let needed = self.input.group.rules.iter().filter(|rule| self.needs.contains_key(&rule.spec)).take(refused);
        let step = |rule: &ActualRule| {
            let action = Action::Revoke { id: rule.id.clone(), foreign: false };
            self.step(action, &rule.spec, BTreeSet::new(), "no room".into())
        };
        let steps: Vec<Step> = needed.map(step).collect();
        self.steps.extend(steps);
    }

    fn hold(&mut self, reason: HoldReason, which: impl Fn(&Step) -> bool) {
        let (held, steps) = std::mem::take(&mut self.steps).into_iter().partition(which);
        self.steps = steps;
        self.held.extend(Vec::<Step>::into_iter(held).map(|step| Held { step, reason: reason.clone() }));
    }
}

/// How many of the additions' traffic the rule may admit now.
fn covered(spec: &RuleSpec, waiting: &[Addition<'_>]) -> usize {
    waiting.iter().filter(|each| covers(spec, each)).count()
}

fn covers(spec: &RuleSpec, addition: &Addition<'_>) -> bool {
    let may_cover = Defect::SurplusWaitsInFullGroup.is_on() || spec.may_cover(&addition.spec);
    may_cover && !Defect::SurplusGoesWhateverItAdmits.is_on()
}
