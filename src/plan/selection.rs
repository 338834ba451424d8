//! Of which objects the plan can know, and what follows for rules that may name others.

use crate::model::{HoldReason, Named, ObjectRef};

use super::Planner;

/// Which objects the plan can know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// All that exist.
    Everything,
    /// Those of one namespace.
    Namespace(&'a str),
    /// Those that a person has chosen.
    Given,
}

impl Planner<'_> {
    /// Why nothing is known of an object, if it is none of those that can be known of.
    fn out_of_sight(&self, object: &ObjectRef) -> Option<HoldReason> {
        if self.input.known.contains_key(object) {
            return None;
        }
        match self.input.selection {
            Selection::Everything => None,
            Selection::Namespace(watched) => (object.namespace != watched).then_some(HoldReason::OutsideWatch),
            Selection::Given => Some(HoldReason::OutsideSelection),
        }
    }

    /// Why it is not known whether someone needs a rule of this description, if it may name whom nothing is known of.
    pub(super) fn someone_out_of_sight(&self, named: &Named) -> Option<HoldReason> {
        let anyone = match self.input.selection {
            Selection::Everything => None,
            Selection::Namespace(_) => Some(HoldReason::OutsideWatch),
            Selection::Given => Some(HoldReason::OutsideSelection),
        };
        let anyone = anyone.filter(|_| matches!(named, Named::AtLeast(_)));
        named.objects().iter().find_map(|object| self.out_of_sight(object)).or(anyone)
    }
}
