//! The brake on mass revocation: no more rules go than may go now.

use crate::model::{Allowance, Held, HoldReason, Step};

use super::Planner;

impl Planner<'_> {
    /// Holds the revokes that are beyond what may go. Which those are depends on nothing but the order of the steps.
    pub(super) fn brake(&mut self) {
        let Allowance { mut left, limit, counted } = self.input.allowance.clone();
        let goes = |step: &Step| {
            let counts = step.action.revokes() && step.action.rule().is_none_or(|id| !counted.contains(id));
            let goes = left > 0 || !counts;
            left = left.saturating_sub(u32::from(counts));
            goes
        };
        let (steps, beyond): (Vec<Step>, Vec<Step>) = std::mem::take(&mut self.steps).into_iter().partition(goes);
        self.steps = steps;
        let reason = HoldReason::MassRevocation { limit };
        if left == 0 {
            // They would not go when what they wait for is done.
            let waiting = self.held.iter_mut().filter(|held| held.step.action.revokes());
            let passes = |held: &&mut Held| matches!(held.reason, HoldReason::Applying | HoldReason::Tightening);
            waiting.filter(passes).for_each(|held| held.reason = reason.clone());
        }
        self.held.extend(beyond.into_iter().map(|step| Held { step, reason: reason.clone() }));
    }
}
