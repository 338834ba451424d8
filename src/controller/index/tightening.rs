//! Foreign rules that are being taken away, group by group: announced in the statuses, taken, watched, and put back where a
//! target falls.
//!
//! Pure bookkeeping; times are handed in. After a restart, or when another led meanwhile, the statuses tell how far it was.

mod told;

pub(super) use told::groups_to_go_on;
use told::{mark, told};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use tokio::time::Instant;

use crate::defect::Defect;
use crate::model::{
    ElbArn, Facts, GroupKey, Health, HealthRead, HealthWatch, ObjectRef, RuleSpec, Stance, TakenRule, TargetRef,
    Tightening, Watched,
};
use crate::status::MOST_TARGETS;
use crate::validate;

use super::entry::Entry;
use super::{Index, LAG};

/// After an attempt that took nothing the next one waits.
const PAUSE: Duration = Duration::from_secs(60);
/// For so long a read of health counts before anything is taken.
const HEALTH_COUNTS: Duration = Duration::from_secs(30);
/// As many target groups are watched at once, or those of one removal: reading them takes from the share of ELBv2's rate
/// by which everything else is looked up.
const MOST_WATCHED: usize = 20;
/// Target groups whose health is read in a second.
const READ_IN_A_SECOND: usize = 2;
/// How often health is read, at the most.
const OFTEN: Duration = Duration::from_secs(5);

/// The removal of foreign rules from one group.
pub(super) struct UnderWay {
    rules: Vec<TakenRule>,
    /// The objects that ask for it, in whose statuses it stands, as they were when it began.
    objects: BTreeMap<ObjectRef, Mark>,
    load_balancers: BTreeSet<ElbArn>,
    health: HealthWatch,
    /// When the last read of health began.
    health_at: Option<Instant>,
    watched: Option<Watched>,
    /// Rules that AWS will not make again.
    given_up: BTreeSet<RuleSpec>,
    /// Whether people were told what was taken.
    told: bool,
    state: State,
}

/// By what it is told that an object asks anew.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    generation: i64,
    token: Option<String>,
}

enum State {
    /// Nothing was taken. It is to stand in the statuses first.
    Announced,
    /// It stands in the statuses, and these were taken, or may have been, the last of them at this time.
    Taking { sent: BTreeSet<RuleSpec>, at: Instant },
    /// All that was taken was seen to be gone. `told` is the end in calendar time.
    Watching { until: Instant, told: Timestamp },
    /// These targets have fallen: the rules are made again.
    Returning { fallen: BTreeSet<TargetRef> },
    /// The rules are there again.
    RolledBack { fallen: BTreeSet<TargetRef> },
}

impl UnderWay {
    /// Goes on with the rules that were seen to be gone. The watch began when the last of them was taken.
    fn watch(&mut self, gone: Vec<TakenRule>, taken_at: Instant, rest: &Rest<'_>) {
        let lasts = self.watched.as_ref().map(|watched| watched.lasts).unwrap_or_default();
        let until = taken_at + lasts;
        let left = SignedDuration::try_from(until.saturating_duration_since(rest.now)).unwrap_or_default();
        let told = rest.calendar.checked_add(left).unwrap_or(rest.calendar);
        self.rules = gone;
        self.state = State::Watching { until, told: told.round(Unit::Second).unwrap_or(told) };
    }

    fn is_unwatched(&self) -> bool {
        self.watched.as_ref().is_some_and(|watched| watched.target_groups.is_empty())
    }

    /// The rules are to be made again. Tells those of which nobody was told yet that they were taken.
    fn put_back(&mut self, fallen: BTreeSet<TargetRef>) -> Vec<RuleSpec> {
        if let State::Taking { sent, .. } = &self.state {
            // What someone else took away is not ours to make again.
            self.rules.retain(|rule| sent.contains(&rule.spec));
        }
        self.state = State::Returning { fallen };
        self.untold()
    }

    /// The rules that were taken, once: they are told then.
    fn untold(&mut self) -> Vec<RuleSpec> {
        let told = std::mem::replace(&mut self.told, true);
        self.rules.iter().filter(|_| !told).map(|rule| rule.spec.clone()).collect()
    }

    fn watches(&self) -> usize {
        match self.state {
            State::Announced | State::Taking { .. } | State::Watching { .. } => {
                self.watched.as_ref().map_or(1, |watched| watched.target_groups.len())
            }
            State::Returning { .. } | State::RolledBack { .. } => 0,
        }
    }
}

/// How a pass over a group has come to rest.
#[derive(Clone, Debug)]
pub struct Rest<'a> {
    /// The rules that are there.
    pub there: BTreeSet<&'a RuleSpec>,
    /// Foreign rules that go by the plan, or wait for what is under way.
    pub to_go: BTreeSet<&'a RuleSpec>,
    /// Whether the health of all targets was read in this pass.
    pub health_is_known: bool,
    pub now: Instant,
    pub calendar: Timestamp,
}

/// What a read of health has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Well,
    /// The rules are to be put back. `untold`: those that were taken, or may have been, if nobody was told of it yet. Targets
    /// may fall before the rules were seen to be gone.
    Fallen {
        targets: BTreeSet<TargetRef>,
        untold: Vec<RuleSpec>,
    },
    /// Targets fell before anything was taken, so nothing will be.
    Abandoned,
}

/// What has become of a removal when a pass over its group has come to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// None is under way.
    None,
    /// It waits for something, or is watched.
    Waits,
    /// The rules were seen to be gone: from now on health is watched. `untold`: the rules, if nobody was told of it yet.
    Taken { untold: Vec<RuleSpec> },
    /// Nothing was taken, and nothing will be for now.
    Dropped,
    /// The time of watching is over, and all is well.
    Ended,
    /// The rules were seen to be gone, and there is nobody to watch. `untold` as above.
    EndedUnwatched { untold: Vec<RuleSpec> },
    /// Not all rules were seen to be there again.
    Returning,
    /// The rules were seen to be there again.
    RolledBack,
}

impl Index {
    /// What may become of a group's foreign rules, if the health of the targets is known.
    pub fn tightening(&mut self, key: &GroupKey) -> Tightening {
        self.release(key);
        let Some(under_way) = self.groups.get(key).and_then(|group| group.tightening.as_ref()) else {
            return Tightening::NotYet;
        };
        match &under_way.state {
            State::Announced | State::Taking { .. } => {
                if Defect::TakeUnrecorded.is_on() || self.is_announced(key, under_way) {
                    Tightening::WrittenDown(under_way.rules.iter().map(|rule| rule.spec.clone()).collect())
                } else {
                    Tightening::NotYet
                }
            }
            State::Watching { .. } => Tightening::NotYet,
            State::Returning { .. } => {
                let objects = under_way.objects.keys().cloned().collect();
                Tightening::Return { rules: under_way.rules.clone(), objects }
            }
            State::RolledBack { .. } => Tightening::RolledBack,
        }
    }

    /// Whether all statuses tell of it.
    fn is_announced(&self, key: &GroupKey, under_way: &UnderWay) -> bool {
        if matches!(under_way.state, State::Taking { .. }) {
            return true;
        }
        under_way.objects.iter().all(|(object, mark)| {
            let told = self.objects.get(object).and_then(told);
            told.is_some_and(|told| {
                told.group == *key && told.rules == under_way.rules && told.generation == mark.generation
            })
        })
    }

    /// Lets go of who is not there any more, and of a removal that was put back where somebody asks for it anew.
    fn release(&mut self, key: &GroupKey) {
        let Some(group) = self.groups.get_mut(key) else { return };
        let Some(under_way) = &mut group.tightening else { return };
        let objects = &self.objects;
        let claimants = self.claimants.get(key);
        let is_live = |object: &ObjectRef| {
            let stays = |entry: &Entry| !matches!(validate::stance(&entry.object), Stance::Leaving(_));
            objects.get(object).is_some_and(stays) && claimants.is_some_and(|claimants| claimants.contains(object))
        };
        under_way.objects.retain(|object, _| is_live(object));
        let asks_anew = |(object, mark): (&ObjectRef, &Mark)| {
            objects.get(object).is_some_and(|entry| {
                let now = self::mark(entry);
                let renewed = now.token.is_some() && now.token != mark.token;
                let changed = now.generation != mark.generation;
                (changed && !Defect::IgnoreChangedSpec.is_on()) || (renewed && !Defect::IgnoreRetryToken.is_on())
            })
        };
        let over = matches!(under_way.state, State::RolledBack { .. })
            && (under_way.objects.iter().any(asks_anew) || Defect::ForgetRollback.is_on());
        if over || under_way.objects.is_empty() {
            group.tightening = None;
        }
    }

    /// Whether the removal of foreign rules from a group may begin: one group at a time for a load balancer, and for an
    /// object, as its status tells of one.
    pub fn may_begin_to_tighten(&self, key: &GroupKey, objects: &BTreeSet<ObjectRef>, now: Instant) -> bool {
        if Defect::TightenAllAtOnce.is_on() {
            return true;
        }
        let load_balancers = self.load_balancers_of(key);
        let rests =
            self.groups.get(key).and_then(|group| group.tightening_rests_until).is_some_and(|until| now < until);
        !rests
            && self.under_way().filter(|(other, _)| *other != key).all(|(_, other)| {
                let apart = other.objects.keys().all(|object| !objects.contains(object));
                let settled = matches!(other.state, State::RolledBack { .. });
                apart && (settled || other.load_balancers.is_disjoint(&load_balancers))
            })
    }

    fn under_way(&self) -> impl Iterator<Item = (&GroupKey, &UnderWay)> {
        self.groups.iter().filter_map(|(key, group)| Some((key, group.tightening.as_ref()?)))
    }

    /// Announces the removal of these rules. Their objects are to be told. If it is to wait, it waits a while.
    pub fn begin_to_tighten(
        &mut self,
        key: &GroupKey,
        mut rules: Vec<TakenRule>,
        objects: &BTreeSet<ObjectRef>,
        watched: Watched,
        health: &HealthRead,
        now: Instant,
    ) {
        // Who fell the last time must have recovered: else nobody would notice if the same happened again.
        let recovered = |target: &TargetRef| health.get(target) != Some(&Health::TimesOut);
        let fallen = self.groups.get(key).map(|group| &group.fallen);
        let others = self.under_way().map(|(_, under_way)| under_way.watches()).sum::<usize>();
        let health = HealthWatch::begun(health);
        let may = self.may_begin_to_tighten(key, objects, now)
            && fallen.into_iter().flatten().all(recovered)
            && (others == 0 || others + watched.target_groups.len() <= MOST_WATCHED)
            && health.timed_out_before().len() <= MOST_TARGETS;
        if !may {
            return self.pause_tightening(key, now);
        }
        rules.sort();
        let known = |object: &ObjectRef| Some((object.clone(), mark(self.objects.get(object)?)));
        let under_way = UnderWay {
            rules,
            objects: objects.iter().filter_map(known).collect(),
            load_balancers: self.load_balancers_of(key),
            health,
            health_at: Some(now),
            watched: Some(watched),
            given_up: BTreeSet::new(),
            told: false,
            state: State::Announced,
        };
        self.groups.entry(key.clone()).or_default().tightening = Some(under_way);
    }

    /// Lets no removal from the group begin for a while.
    pub fn pause_tightening(&mut self, key: &GroupKey, now: Instant) {
        let group = self.groups.entry(key.clone()).or_default();
        (group.tightening, group.tightening_rests_until) = (None, Some(now + PAUSE));
    }

    /// The group is gone, and its rules with it.
    pub fn forget_tightening(&mut self, key: &GroupKey) {
        if let Some(group) = self.groups.get_mut(key) {
            group.tightening = None;
        }
    }

    /// The objects in whose statuses the removal stands, or is to stand.
    pub fn objects_that_tighten(&self, key: &GroupKey) -> BTreeSet<ObjectRef> {
        let under_way = self.groups.get(key).and_then(|group| group.tightening.as_ref());
        under_way.into_iter().flat_map(|under_way| under_way.objects.keys().cloned()).collect()
    }

    /// Whether health is to be read before the next pass over the group, and of which targets. `Some(None)`: that must
    /// be found out first.
    pub fn watches(&self, key: &GroupKey, now: Instant) -> Option<Option<Watched>> {
        let under_way = self.groups.get(key)?.tightening.as_ref()?;
        let recent = |at: Instant| now.saturating_duration_since(at) <= HEALTH_COUNTS;
        match under_way.state {
            // Else what is looked up would be old when health is known.
            State::Announced if under_way.health_at.is_some_and(recent) => None,
            State::Announced | State::Taking { .. } | State::Watching { .. } => Some(under_way.watched.clone()),
            State::Returning { .. } | State::RolledBack { .. } => None,
        }
    }

    /// How long to wait until health is read again.
    pub fn next_read_of_health(&self) -> Duration {
        let watched: usize = self.under_way().map(|(_, under_way)| under_way.watches()).sum();
        let seconds = u64::try_from(watched / READ_IN_A_SECOND).unwrap_or(u64::MAX);
        OFTEN.max(Duration::from_secs(seconds))
    }

    /// Foreign rules are about to be revoked.
    pub fn takes_foreign(&mut self, key: &GroupKey, specs: impl Iterator<Item = RuleSpec>, now: Instant) {
        let Some(under_way) = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut()) else { return };
        match &mut under_way.state {
            State::Announced => under_way.state = State::Taking { sent: specs.collect(), at: now },
            State::Taking { sent, at } => {
                sent.extend(specs);
                *at = now;
            }
            State::Watching { .. } | State::Returning { .. } | State::RolledBack { .. } => {}
        }
    }

    /// AWS has refused to revoke these: they are there.
    pub fn has_not_taken<'a>(&mut self, key: &GroupKey, specs: impl Iterator<Item = &'a RuleSpec>) {
        let under_way = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut());
        if let Some(UnderWay { state: State::Taking { sent, .. }, .. }) = under_way {
            specs.for_each(|spec| {
                sent.remove(spec);
            });
        }
    }

    /// AWS refuses for good to make a rule again: its peer is gone, or there is no room.
    pub fn cannot_restore(&mut self, key: &GroupKey, spec: RuleSpec) {
        if let Some(under_way) = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut()) {
            under_way.given_up.insert(spec);
        }
    }

    /// Takes in the health of the targets, all of which was read, beginning at this time.
    pub fn health_was_read(&mut self, key: &GroupKey, watched: Watched, read: &HealthRead, began: Instant) -> Verdict {
        let Some(group) = self.groups.get_mut(key) else { return Verdict::Well };
        let Some(under_way) = &mut group.tightening else { return Verdict::Well };
        (under_way.watched, under_way.health_at) = (Some(watched), Some(began));
        let fallen = under_way.health.read(read);
        if fallen.is_empty() || Defect::IgnoreHealth.is_on() {
            return Verdict::Well;
        }
        match &under_way.state {
            State::Taking { sent, .. } if !sent.is_empty() => self.falls(key, fallen),
            State::Watching { .. } => self.falls(key, fallen),
            State::Announced | State::Taking { .. } => {
                self.pause_tightening(key, began);
                Verdict::Abandoned
            }
            State::Returning { .. } | State::RolledBack { .. } => Verdict::Well,
        }
    }

    fn falls(&mut self, key: &GroupKey, targets: BTreeSet<TargetRef>) -> Verdict {
        let group = self.groups.entry(key.clone()).or_default();
        group.fallen.clone_from(&targets);
        let under_way = group.tightening.as_mut();
        let untold = under_way.map(|under_way| under_way.put_back(targets.clone())).unwrap_or_default();
        self.mark_anew(key);
        Verdict::Fallen { targets, untold }
    }

    /// What comes after the rollback counts as new.
    fn mark_anew(&mut self, key: &GroupKey) {
        let Some(under_way) = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut()) else { return };
        for (object, mark) in &mut under_way.objects {
            if let Some(entry) = self.objects.get(object) {
                *mark = self::mark(entry);
            }
        }
    }

    /// Takes in how things stand at the end of a pass.
    pub fn tightening_rests(&mut self, key: &GroupKey, rest: &Rest<'_>) -> Progress {
        let under_way = self.groups.get(key).and_then(|group| group.tightening.as_ref());
        let announced = under_way.is_some_and(|under_way| self.is_announced(key, under_way));
        let Some(under_way) = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut()) else {
            return Progress::None;
        };
        let to_go = under_way.rules.iter().any(|rule| rest.to_go.contains(&rule.spec));
        let health_at = under_way.health_at;
        match &under_way.state {
            State::Announced if !announced || to_go || !rest.health_is_known => Progress::Waits,
            // Something else holds the rules by now.
            State::Announced => {
                self.pause_tightening(key, rest.now);
                Progress::Dropped
            }
            // Nobody is watched for whose sake anything would be put back.
            State::Taking { sent, .. }
                if under_way.is_unwatched()
                    && !sent.is_empty()
                    && !sent.iter().any(|spec| rest.there.contains(spec)) =>
            {
                under_way.rules.retain(|rule| sent.contains(&rule.spec));
                let untold = under_way.untold();
                self.forget_tightening(key);
                Progress::EndedUnwatched { untold }
            }
            // Until then a read may show what is gone.
            State::Taking { at, .. } if rest.now.saturating_duration_since(*at) < LAG => Progress::Waits,
            State::Taking { sent, at } => {
                let gone = |rule: &&TakenRule| sent.contains(&rule.spec) && !rest.there.contains(&rule.spec);
                let (gone, at) = (under_way.rules.iter().filter(gone).cloned().collect::<Vec<_>>(), *at);
                if gone.is_empty() {
                    self.pause_tightening(key, rest.now);
                    return Progress::Dropped;
                }
                under_way.watch(gone, at, rest);
                Progress::Taken { untold: under_way.untold() }
            }
            State::Watching { until, .. } if health_at.is_some_and(|read| read >= *until) && rest.health_is_known => {
                self.forget_tightening(key);
                Progress::Ended
            }
            State::Returning { fallen } => {
                let back =
                    |rule: &TakenRule| rest.there.contains(&rule.spec) || under_way.given_up.contains(&rule.spec);
                if !under_way.rules.iter().all(back) {
                    return Progress::Returning;
                }
                under_way.state = State::RolledBack { fallen: fallen.clone() };
                Progress::RolledBack
            }
            State::Watching { .. } => Progress::Waits,
            State::RolledBack { .. } => Progress::None,
        }
    }

    fn facts_about(&self, key: &GroupKey) -> impl Iterator<Item = &Facts> {
        self.claimants.get(key).into_iter().flatten().filter_map(|object| self.objects.get(object)?.facts())
    }

    /// The load balancers of all who have to do with a group.
    pub fn load_balancers_of(&self, key: &GroupKey) -> BTreeSet<ElbArn> {
        self.facts_about(key).filter_map(|facts| Some(facts.load_balancer.as_ref()?.arn.clone())).collect()
    }

    /// The target groups of all who have to do with a group.
    pub fn target_groups_of(&self, key: &GroupKey) -> BTreeSet<ElbArn> {
        self.facts_about(key).flat_map(|facts| &facts.target_groups).filter_map(|group| group.arn.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
