//! Gaps that a person permits: each token acts once.
//!
//! A token is taken when a pass finds that a gap is unavoidable. It is written to the status before anything is taken
//! away by it, and ends when no gap is pending any more. After a crash a token that stands in the status permits nothing:
//! it may have acted.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{Action, HoldReason, ObjectRef, Stance};

use super::Index;
use super::entry::Entry;

impl Index {
    /// After a pass: takes the tokens of objects that wait for a gap, and lets go of those that have acted.
    pub(super) fn take_gap_tokens(&mut self, objects: &BTreeSet<ObjectRef>) {
        for object in objects {
            let pending = self.waits_for_gap(object);
            if let Some(entry) = self.objects.get_mut(object) {
                entry.gap_token = if pending { entry.token_for_gap() } else { None };
            }
        }
    }

    fn waits_for_gap(&self, object: &ObjectRef) -> bool {
        let groups = self.objects.get(object).into_iter().flat_map(|entry| &entry.groups);
        let plans = groups.filter_map(|key| Some(&self.groups.get(key)?.outcome.as_ref()?.plan));
        plans.flat_map(|plan| &plan.held).any(|held| {
            held.reason == HoldReason::GapUnavoidable
                && matches!(held.step.action, Action::Authorize { .. })
                && held.step.objects.contains(object)
        })
    }
}

impl Entry {
    /// The token that was taken, if it still stands on the object, or one that was not taken yet.
    fn token_for_gap(&self) -> Option<String> {
        let declaration = self.declaration.as_ref().ok().filter(|declaration| declaration.stance == Stance::Enforce)?;
        let token = &declaration.allow_gap;
        let taken = self.gap_token == token.given;
        let is_new = token.given != token.acknowledged || Defect::TokenActsAgain.is_on();
        token.given.clone().filter(|_| taken || is_new)
    }

    /// Whether the object's status says that its token was taken, and it has not acted yet.
    pub(super) fn permits_gap(&self) -> bool {
        let Ok(declaration) = &self.declaration else { return false };
        let token = &declaration.allow_gap;
        self.gap_token.is_some() && self.gap_token == token.given && self.gap_token == token.acknowledged
    }
}
