//! What the statuses tell of foreign rules that are being taken away, and what a new leader learns from them.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::api::names::RETRY_TIGHTENING_ANNOTATION;
use crate::controller::index::Index;
use crate::controller::index::entry::Entry;
use crate::defect::Defect;
use crate::model::{GroupKey, HealthWatch, Object, ObjectRef};
use crate::status::{Tightened, TighteningReport};

use super::{Mark, State, UnderWay};

impl Index {
    /// What an object's status tells.
    pub(in crate::controller::index) fn tightened(&self, reference: &ObjectRef, entry: &Entry) -> Tightened {
        let found = entry.groups.iter().find_map(|key| {
            let under_way = self.groups.get(key)?.tightening.as_ref()?;
            Some((key, under_way, under_way.objects.get(reference)?))
        });
        let Some((key, under_way, mark)) = found else { return Tightened::Nothing };
        if Defect::TakeUnrecorded.is_on() {
            return Tightened::Nothing;
        }
        let (watch_until, fallen) = match &under_way.state {
            State::Announced | State::Taking { .. } => (None, BTreeSet::new()),
            State::Watching { told, .. } => (Some(*told), BTreeSet::new()),
            State::Returning { fallen } | State::RolledBack { fallen } => (None, fallen.clone()),
        };
        let report = TighteningReport {
            group: key.clone(),
            generation: mark.generation,
            rules: under_way.rules.clone(),
            watch_until,
            timed_out_before: under_way.health.timed_out_before().clone(),
            fallen,
            rolled_back: matches!(under_way.state, State::RolledBack { .. }),
        };
        Tightened::UnderWay { report: Box::new(report), acknowledged: mark.token.clone() }
    }

    /// Begins anew with what the statuses tell: another may have led meanwhile.
    pub(in crate::controller::index) fn resume_tightening(&mut self, now: Instant) {
        for group in self.groups.values_mut() {
            (group.tightening, group.tightening_rests_until) = (None, None);
        }
        let told: Vec<(ObjectRef, TighteningReport)> =
            self.objects.iter().filter_map(|(object, entry)| Some((object.clone(), told(entry)?))).collect();
        for (object, report) in told {
            let token = self.objects.get(&object).and_then(acknowledged);
            let mark = Mark { generation: report.generation, token };
            let fallen = report.fallen.clone();
            let load_balancers = self.load_balancers_of(&report.group);
            let group = self.groups.entry(report.group).or_default();
            group.fallen.extend(fallen);
            let under_way = group.tightening.get_or_insert_with(|| UnderWay {
                rules: Vec::new(),
                objects: BTreeMap::new(),
                load_balancers,
                health: HealthWatch::resumed(report.timed_out_before),
                health_at: None,
                watched: None,
                given_up: BTreeSet::new(),
                // It is told before the status says so much.
                told: report.watch_until.is_some() || !report.fallen.is_empty(),
                // Whoever led before may have taken any of them.
                state: State::Taking { sent: BTreeSet::new(), at: now },
            });
            under_way.objects.insert(object, mark);
            if let State::Taking { sent, .. } = &mut under_way.state {
                sent.extend(report.rules.iter().map(|rule| rule.spec.clone()));
            }
            under_way.rules.extend(report.rules);
            under_way.rules.sort();
            under_way.rules.dedup();
            if report.rolled_back {
                under_way.state = State::RolledBack { fallen: report.fallen };
            } else if !report.fallen.is_empty() {
                under_way.state = State::Returning { fallen: report.fallen };
            }
        }
    }
}

/// The groups that a change of the object's annotations or status lets go on.
pub fn groups_to_go_on(entry: &Entry, object: &Object) -> BTreeSet<GroupKey> {
    let told = |object: &Object| TighteningReport::read(object.status()?.tightening.as_ref()?);
    let (before, now) = (told(&entry.object), told(object));
    let token = |object: &Object| object.annotation(RETRY_TIGHTENING_ANNOTATION).map(str::to_owned);
    if token(&entry.object) != token(object) {
        return entry.groups.clone();
    }
    if before == now { BTreeSet::new() } else { now.into_iter().map(|report| report.group).collect() }
}

/// What an object's status tells of a removal.
pub(super) fn told(entry: &Entry) -> Option<TighteningReport> {
    TighteningReport::read(entry.object.status()?.tightening.as_ref()?)
}

fn acknowledged(entry: &Entry) -> Option<String> {
    entry.object.status()?.acknowledged.as_ref()?.retry_tightening.clone()
}

pub(super) fn mark(entry: &Entry) -> Mark {
    Mark {
        generation: entry.object.metadata().generation.unwrap_or_default(),
        token: entry.object.annotation(RETRY_TIGHTENING_ANNOTATION).map(str::to_owned).or_else(|| acknowledged(entry)),
    }
}
