//! The brake on mass revocation: no more rules go than may go now.

use std::collections::BTreeSet;

use crate::model::{Allowance, Held, HoldReason, Step};

use super::Planner;

impl Planner<'_> {
    /// Holds the revokes that are beyond what may go. Which those are depends on nothing but the order of the steps, but
    /// for what makes room together: a part of it would open a gap that nothing closes. It goes first, or not at all.
    pub(super) fn brake(&mut self) {
        let Allowance { mut left, limit, counted } = self.input.allowance.clone();
        let counts = |step: &Step| step.action.revokes() && step.action.rule().is_none_or(|id| !counted.contains(id));
        let (mut whole, mut none) = (BTreeSet::new(), BTreeSet::new());
        for gap in &self.gaps {
            let of_gap = self.steps.iter().filter(|step| counts(step) && gap.contains(&step.spec)).count();
            match u32::try_from(of_gap).ok().and_then(|rules| left.checked_sub(rules)) {
                Some(rest) => {
                    left = rest;
                    whole.extend(gap);
                }
                None => none.extend(gap),
            }
        }
        let goes = |step: &Step| {
            if !counts(step) || whole.contains(&step.spec) {
                return true;
            }
            let goes = left > 0 && !none.contains(&step.spec);
            left -= u32::from(goes);
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
