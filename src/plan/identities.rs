//! Rules that carry our cluster's name with an identity that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Action, ActualRule, Claim, Held, HoldReason, Named, ObjectRef, Ownership, Problem, Reason, Stance, named,
};

use super::{Permission, Planner, asks};

impl Planner<'_> {
    /// Takes over the rules of former clusters of our name, and tells of the rules of others. Those that are taken over
    /// are tagged anew, needed or not: from then on they are ours, and what becomes of them follows as for all of ours.
    pub(super) fn identities(&mut self) {
        let mut conflicts = BTreeMap::<String, Vec<&ActualRule>>::new();
        for rule in &self.input.group.rules {
            match self.input.us.ownership(&rule.tags) {
                Ownership::TakenOver => self.take_over(rule),
                Ownership::OtherIdentity { identity } => conflicts.entry(identity).or_default().push(rule),
                Ownership::Ours { .. } | Ownership::OtherClusters(_) | Ownership::Foreign => {}
            }
        }
        let told: Vec<ObjectRef> = self.concerned_here().map(|claim| claim.object.clone()).collect();
        for (identity, mut rules) in conflicts {
            rules.sort_by_key(|rule| &rule.spec);
            for object in &told {
                self.problem(object, self.conflict(&identity, &rules));
            }
        }
    }

    fn take_over(&mut self, rule: &ActualRule) {
        let named = named(&self.input.us.cluster, &rule.description);
        let needing = self.needs.get(&rule.spec).into_iter().flatten().map(|(claim, _)| claim.object.clone());
        let objects: BTreeSet<ObjectRef> = self.whom_it_concerns(&named).into_iter().chain(needing).collect();
        let reason = "it is of a former cluster of our name, which is taken over".to_owned();
        let step = self.step(Action::Adopt { id: rule.id.clone() }, &rule.spec, objects, reason);
        match self.hold_taking_over(&named) {
            None => self.steps.push(step),
            Some(reason) => self.held.push(Held { step, reason }),
        }
    }

    fn hold_taking_over(&self, named: &Named) -> Option<HoldReason> {
        let writers = || self.input.claims.iter().filter(|claim| self.is_writer(&claim.object));
        // Whoever leaves has the group in its status, whether it was looked up or not.
        if writers().any(|claim| claim.recorded || matches!(claim.stance, Stance::Leaving(_))) {
            return None;
        }
        if writers().next().is_some() {
            return Some(HoldReason::Applying);
        }
        if self.input.claims.is_empty() {
            return self.hold_orphan(named);
        }
        let observed = self.input.claims.iter().any(|claim| claim.stance == Stance::Observe);
        Some(if observed { HoldReason::Observe } else { HoldReason::NotPermitted })
    }

    /// The objects that need or govern anything here, and may.
    pub(super) fn concerned_here(&self) -> impl Iterator<Item = &Claim> {
        self.input.claims.iter().filter(|claim| {
            !matches!(claim.stance, Stance::Leaving(_))
                && self.permission(&claim.object) != Permission::Refused
                && asks(claim)
        })
    }

    fn conflict(&self, identity: &str, rules: &[&ActualRule]) -> Problem {
        let (cluster, group) = (&self.input.us.cluster, &self.input.group.key.id);
        let which = match rules {
            [one] => format!("rule {} ({}) of security group {group} belongs", one.id, one.spec),
            _ => {
                let first = rules.first().map(|first| format!("{} ({})", first.id, first.spec)).unwrap_or_default();
                format!("{} rules of security group {group}, such as {first}, belong", rules.len())
            }
        };
        let message = format!(
            "{which} to another cluster that also calls itself {cluster} (identity {identity}): give one of them another \
             --cluster-name; if that cluster is gone because it was built anew, take its rules over with --take-over \
             {identity}; if it is the one that plan or apply is to work for, run them with --identity {identity}"
        );
        Problem::new(Reason::IdentityConflict, message)
    }
}
