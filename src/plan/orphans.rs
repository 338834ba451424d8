//! Rules of ours for which no object accounts.

use crate::defect::Defect;
use crate::model::{Consent, Farewell, HoldReason, Named, Namespaces, Orphans, Stance};

use super::{Permission, Planner};

impl Planner<'_> {
    /// Whether no object accounts for a rule: it names only objects that are not there, or nobody has to do with the
    /// group.
    pub(super) fn is_orphan(&self, named: &Named) -> bool {
        let nobody_is_there = match named {
            Named::Exactly(objects) => !objects.iter().any(|object| self.input.known.contains_key(object)),
            Named::AtLeast(_) => false,
        };
        nobody_is_there || self.input.claims.is_empty()
    }

    /// For what a step waits that no object asks for.
    pub(super) fn hold_orphan(&self, named: &Named) -> Option<HoldReason> {
        if self.input.orphans == Orphans::Report {
            return Some(HoldReason::Orphan);
        }
        let known = named.objects().iter().filter_map(|object| self.input.known.get(object));
        let frozen = |stance| matches!(stance, Stance::Observe | Stance::Leaving(Farewell::Abandon));
        let only_observed = !self.permissions.is_empty()
            && self.permissions.values().all(|permission| *permission == Permission::Observe);
        if only_observed || known.into_iter().any(|known| frozen(known.stance)) {
            return Some(HoldReason::Observe);
        }
        if !self.consents_to_all(named) {
            return Some(HoldReason::NotPermitted);
        }
        // Who was not looked up yet may need it.
        self.input.unheard.then_some(HoldReason::Applying)
    }

    /// Whether the group may be written for every namespace that a description names. A cut one may name any.
    fn consents_to_all(&self, named: &Named) -> bool {
        match (&self.consent, named) {
            _ if Defect::RevokeOrphansWithoutConsent.is_on() => true,
            (Consent::Refused, _) => false,
            (Consent::Given { namespaces, .. }, Named::Exactly(objects)) => {
                objects.iter().all(|object| namespaces.allow(&object.namespace))
            }
            (Consent::Given { namespaces, .. }, Named::AtLeast(_)) => *namespaces == Namespaces::All,
        }
    }
}
