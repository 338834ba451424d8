//! What objects have been told of steps that wait.

use std::collections::BTreeSet;

use crate::model::{GroupKey, ObjectProblem, ObjectRef, Plan};

use super::Index;

/// An object has been told that a step waits, and by which word for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub object: ObjectRef,
    pub step: String,
    pub reason: String,
}

impl Index {
    /// What the objects that the plan concerns have been told of steps of its group; before the first pass over it, what
    /// their statuses say.
    pub fn told(&self, plan: &Plan) -> BTreeSet<Told> {
        if let Some(told) = self.groups.get(&plan.group).and_then(|group| group.told.as_ref()) {
            return told.clone();
        }
        let objects: BTreeSet<&ObjectRef> = plan.held.iter().flat_map(|held| &held.step.objects).collect();
        let entries = objects.into_iter().filter_map(|object| Some((object, self.objects.get(object)?)));
        let held = entries.flat_map(|(object, entry)| {
            let held = entry.object.status().into_iter().flat_map(|status| &status.held);
            held.map(move |held| (object, held))
        });
        held.map(|(object, held)| {
            let word = held.reason.split(':').next().unwrap_or_default();
            Told { object: object.clone(), step: held.step.clone(), reason: word.into() }
        })
        .collect()
    }

    pub fn has_told(&mut self, key: &GroupKey, told: BTreeSet<Told>) {
        self.groups.entry(key.clone()).or_default().told = Some(told);
    }

    /// What the last pass over a group found to be wrong.
    pub fn problems_of(&self, key: &GroupKey) -> Vec<ObjectProblem> {
        let outcome = self.groups.get(key).and_then(|group| group.outcome.as_ref());
        outcome.map(|outcome| outcome.problems.clone()).unwrap_or_default()
    }
}
