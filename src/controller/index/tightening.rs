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
    ElbArn, GroupKey, Health, HealthRead, HealthWatch, ObjectRef, RuleSpec, Stance, TakenRule, TargetRef, Tightening,
};
use crate::validate;

use super::Index;

/// After an attempt that took nothing the next one waits.
const PAUSE: Duration = Duration::from_secs(60);

/// The removal of foreign rules from one group.
pub(super) struct UnderWay {
    rules: Vec<TakenRule>,
    /// The objects that ask for it, in whose statuses it stands, as they were when it began.
    objects: BTreeMap<ObjectRef, Mark>,
    load_balancers: BTreeSet<ElbArn>,
    health: HealthWatch,
    watched: Option<Watched>,
    state: State,
}

/// By what it is told that an object asks anew.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    generation: i64,
    token: Option<String>,
}

/// Whose health is watched, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub target_groups: BTreeSet<ElbArn>,
    pub lasts: Duration,
}

enum State {
    /// Nothing was taken. It is to stand in the statuses first.
    Announced,
    /// It stands in the statuses, and whoever led before may have taken some of it.
    Resumed,
    /// All was seen to be gone. `told` is the end in calendar time.
    Watching { until: Instant, told: Timestamp },
    /// These targets have fallen: the rules are made again.
    Returning { fallen: BTreeSet<TargetRef> },
    /// The rules are there again.
    RolledBack { fallen: BTreeSet<TargetRef> },
}

impl UnderWay {
    /// Goes on with the rules that were seen to be gone.
    fn watch(&mut self, gone: Vec<TakenRule>, rest: &Rest<'_>) {
        let lasts = self.watched.as_ref().map(|watched| watched.lasts).unwrap_or_default();
        let told = SignedDuration::try_from(lasts).ok().and_then(|lasts| rest.calendar.checked_add(lasts).ok());
        self.rules = gone;
        let told = told.unwrap_or(rest.calendar);
        self.state = State::Watching { until: rest.now + lasts, told: told.round(Unit::Second).unwrap_or(told) };
    }
}

/// How a pass over a group has come to rest.
#[derive(Clone, Debug)]
pub struct Rest<'a> {
    /// The rules that are there.
    pub there: BTreeSet<&'a RuleSpec>,
    /// Whether foreign rules are still to go by the plan.
    pub takes: bool,
    /// Whether the health of all targets was read in this pass.
    pub health_is_known: bool,
    pub now: Instant,
    pub calendar: Timestamp,
}

/// What a read of health has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Well,
    /// The rules are to be put back.
    Fallen(BTreeSet<TargetRef>),
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
    /// The rules were seen to be gone: from now on health is watched.
    Taken(Vec<TakenRule>),
    /// The time of watching is over, and all is well.
    Ended,
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
            State::Announced | State::Resumed => {
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
        if matches!(under_way.state, State::Resumed) {
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
        let is_live = |object: &ObjectRef| {
            objects.get(object).is_some_and(|entry| !matches!(validate::stance(&entry.object), Stance::Leaving(_)))
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
            && self.groups.iter().filter(|(other, _)| *other != key).all(|(_, group)| {
                let Some(other) = &group.tightening else { return true };
                let apart = other.objects.keys().all(|object| !objects.contains(object));
                let settled = matches!(other.state, State::RolledBack { .. });
                apart && (settled || other.load_balancers.is_disjoint(&load_balancers))
            })
    }

    /// Announces the removal of these rules. Their objects are to be told. `false`: it is to wait.
    pub fn begin_to_tighten(
        &mut self,
        key: &GroupKey,
        mut rules: Vec<TakenRule>,
        objects: &BTreeSet<ObjectRef>,
        watched: Watched,
        health: &HealthRead,
        now: Instant,
    ) -> bool {
        // Who fell the last time must have recovered: else nobody would notice if the same happened again.
        let recovered = |target: &TargetRef| health.get(target) != Some(&Health::TimesOut);
        let fallen = self.groups.get(key).map(|group| &group.fallen);
        if !self.may_begin_to_tighten(key, objects, now) || !fallen.into_iter().flatten().all(recovered) {
            return false;
        }
        rules.sort();
        let known = |object: &ObjectRef| Some((object.clone(), mark(self.objects.get(object)?)));
        let objects: BTreeMap<ObjectRef, Mark> = objects.iter().filter_map(known).collect();
        let load_balancers = self.load_balancers_of(key);
        let health = HealthWatch::begun(health);
        let under_way =
            UnderWay { rules, objects, load_balancers, health, watched: Some(watched), state: State::Announced };
        self.groups.entry(key.clone()).or_default().tightening = Some(under_way);
        true
    }

    /// The objects in whose statuses the removal stands, or is to stand.
    pub fn objects_that_tighten(&self, key: &GroupKey) -> BTreeSet<ObjectRef> {
        let under_way = self.groups.get(key).and_then(|group| group.tightening.as_ref());
        under_way.into_iter().flat_map(|under_way| under_way.objects.keys().cloned()).collect()
    }

    /// Whether health is to be read before the next pass over the group, and of which targets. `Some(None)`: that must
    /// be found out first.
    pub fn watches(&self, key: &GroupKey) -> Option<Option<Watched>> {
        let under_way = self.groups.get(key)?.tightening.as_ref()?;
        match under_way.state {
            State::Announced | State::Resumed | State::Watching { .. } => Some(under_way.watched.clone()),
            State::Returning { .. } | State::RolledBack { .. } => None,
        }
    }

    /// Takes in what was found out to be watched.
    pub fn set_watched(&mut self, key: &GroupKey, watched: Watched) {
        if let Some(under_way) = self.groups.get_mut(key).and_then(|group| group.tightening.as_mut()) {
            under_way.watched = Some(watched);
        }
    }

    /// Takes in the health of the targets, all of which was read.
    pub fn health_was_read(&mut self, key: &GroupKey, read: &HealthRead, now: Instant) -> Verdict {
        let Some(group) = self.groups.get_mut(key) else { return Verdict::Well };
        let Some(under_way) = &mut group.tightening else { return Verdict::Well };
        let fallen = under_way.health.read(read);
        if fallen.is_empty() || Defect::IgnoreHealth.is_on() {
            return Verdict::Well;
        }
        match under_way.state {
            State::Announced => {
                (group.tightening, group.tightening_rests_until) = (None, Some(now + PAUSE));
                Verdict::Abandoned
            }
            State::Resumed | State::Watching { .. } => {
                under_way.state = State::Returning { fallen: fallen.clone() };
                group.fallen.clone_from(&fallen);
                self.mark_anew(key);
                Verdict::Fallen(fallen)
            }
            State::Returning { .. } | State::RolledBack { .. } => Verdict::Well,
        }
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
        let Some(group) = self.groups.get_mut(key) else { return Progress::None };
        let Some(under_way) = &mut group.tightening else { return Progress::None };
        let (gone, there): (Vec<TakenRule>, Vec<TakenRule>) =
            under_way.rules.iter().cloned().partition(|rule| !rest.there.contains(&rule.spec));
        match &under_way.state {
            State::Announced | State::Resumed if rest.takes || !rest.health_is_known => Progress::Waits,
            State::Announced | State::Resumed if !gone.is_empty() => {
                under_way.watch(gone.clone(), rest);
                Progress::Taken(gone)
            }
            State::Announced | State::Resumed if !announced => Progress::Waits,
            // Something else holds the rules by now.
            State::Announced | State::Resumed => {
                (group.tightening, group.tightening_rests_until) = (None, Some(rest.now + PAUSE));
                Progress::Ended
            }
            State::Watching { until, .. } if rest.now >= *until && rest.health_is_known => {
                group.tightening = None;
                Progress::Ended
            }
            State::Returning { fallen } if there.len() == under_way.rules.len() => {
                under_way.state = State::RolledBack { fallen: fallen.clone() };
                Progress::RolledBack
            }
            State::Watching { .. } | State::Returning { .. } => Progress::Waits,
            State::RolledBack { .. } => Progress::None,
        }
    }

    /// The load balancers of all who have to do with a group.
    pub fn load_balancers_of(&self, key: &GroupKey) -> BTreeSet<ElbArn> {
        let facts =
            self.claimants.get(key).into_iter().flatten().filter_map(|object| self.objects.get(object)?.facts());
        facts.filter_map(|facts| Some(facts.load_balancer.as_ref()?.arn.clone())).collect()
    }

    /// The target groups of all who have to do with a group.
    pub fn target_groups_of(&self, key: &GroupKey) -> BTreeSet<ElbArn> {
        let facts =
            self.claimants.get(key).into_iter().flatten().filter_map(|object| self.objects.get(object)?.facts());
        facts.flat_map(|facts| &facts.target_groups).filter_map(|group| group.arn.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
