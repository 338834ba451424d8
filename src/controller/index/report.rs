//! What the index has to say of an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::Status;
use crate::defect::Defect;
use crate::model::{
    self, GroupKey, HoldReason, Object, ObjectProblem, ObjectRef, Problem, RuleSpec, SecurityGroupId, Stance,
};
use crate::status::{self, GroupReport};
use crate::validate;

use super::Index;
use super::entry::Entry;

impl Index {
    /// The object with its new status.
    pub fn status(&self, reference: &ObjectRef, now: jiff::Timestamp) -> Option<(Arc<Object>, Status)> {
        let entry = self.objects.get(reference)?;
        let groups = self.reports(reference, entry);
        let current = entry.resolution.as_ref().filter(|resolved| Some(resolved.generation) == entry.generation());
        let recorded = entry.recorded(&self.home);
        let status = status::of(&status::Input {
            object: &entry.object,
            reference,
            declaration: entry.declaration.as_ref().map_err(Vec::as_slice),
            resolution: current.map(|resolved| &resolved.resolution),
            desired: &entry.desired,
            recorded: &recorded,
            groups: &groups,
            tightening: self.tightened(reference, entry),
            drift: entry.drift.as_ref(),
            gap_token: entry.gap_token.as_deref(),
            now,
        });
        Some((Arc::clone(&entry.object), status))
    }

    fn reports<'a>(&'a self, reference: &ObjectRef, entry: &Entry) -> BTreeMap<SecurityGroupId, GroupReport<'a>> {
        let report = |key: &GroupKey| {
            let outcome = self.groups.get(key)?.outcome.as_ref()?;
            let mine = |problem: &&ObjectProblem| problem.object == *reference;
            let problems: Vec<Problem> =
                outcome.problems.iter().filter(mine).map(|problem| problem.problem.clone()).collect();
            let report = GroupReport {
                plan: &outcome.plan,
                problems,
                ingress: outcome.ingress,
                egress: outcome.egress,
                shows_all: outcome.shows_all,
                contested: self.contested_for(key, reference),
                current: outcome.revisions.get(reference) == Some(&entry.revision),
            };
            Some((key.id.clone(), report))
        };
        entry.groups.iter().filter_map(report).collect()
    }

    /// Notes whether everything that the object is about has been looked at since the start.
    pub(super) fn catch_up(&mut self, reference: &ObjectRef) {
        // What is being deleted is not looked up any more.
        let leaves = |entry: &Entry| matches!(validate::stance(&entry.object), Stance::Leaving(_));
        let known = |entry: &&Entry| entry.resolution.is_some() || leaves(entry);
        let Some(entry) = self.objects.get(reference).filter(known) else { return };
        let reports = self.reports(reference, entry);
        let looked_at = entry.groups.iter().all(|key| reports.get(&key.id).is_some_and(|report| report.current));
        if let Some(entry) = self.objects.get_mut(reference).filter(|_| looked_at) {
            entry.caught_up = true;
        }
    }

    /// Whether the status that the object carries is of its present spec and says more than is known since the
    /// start. To write what is known would tell of a change where there is none.
    pub fn is_catching_up(&self, reference: &ObjectRef) -> bool {
        let Some(entry) = self.objects.get(reference).filter(|entry| !entry.caught_up) else { return false };
        let told = entry.object.status().map(|status| status.observed_generation);
        let problems = entry.resolution.iter().any(|resolved| !resolved.resolution.problems.is_empty())
            || self.reports(reference, entry).values().any(|report| !report.problems.is_empty());
        told == entry.object.metadata().generation && !problems
    }

    /// What an object that is being deleted waits for; `None` if it may go.
    pub fn farewell(&self, reference: &ObjectRef) -> Option<Farewell> {
        let entry = self.objects.get(reference)?;
        match validate::stance(&entry.object) {
            Stance::Leaving(model::Farewell::Abandon) => Some(Farewell::Go { left: BTreeSet::new() }),
            Stance::Leaving(_) => Some(self.after_revocation(reference, entry)),
            Stance::Enforce | Stance::Observe => None,
        }
    }

    fn after_revocation(&self, reference: &ObjectRef, entry: &Entry) -> Farewell {
        let mut left = BTreeSet::new();
        if Defect::DropFinalizerEarly.is_on() {
            return Farewell::Go { left };
        }
        let reports = self.reports(reference, entry);
        for key in &entry.groups {
            let seen = reports.get(&key.id).filter(|report| report.current && report.shows_all);
            let Some(report) = seen else { return Farewell::Wait };
            let surplus =
                report.plan.standing.get(reference).map(|standing| standing.surplus.clone()).unwrap_or_default();
            let refused = |spec: &RuleSpec| {
                report
                    .plan
                    .held
                    .iter()
                    .any(|held| held.step.spec == *spec && matches!(held.reason, HoldReason::NotPermitted))
            };
            if !surplus.iter().all(refused) && !Defect::LetGoWhileHeld.is_on() {
                return Farewell::Wait;
            }
            left.extend(surplus.into_iter().map(|spec| format!("{} {spec}", key.id)));
        }
        Farewell::Go { left }
    }
}

/// Whether an object that is being deleted may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    Wait,
    /// It may; these rules of its stay, because consent was withdrawn.
    Go {
        left: BTreeSet<String>,
    },
}
