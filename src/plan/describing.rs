//! What rules of ours say of themselves: who needs them.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, Claim, Knowledge, Named, ObjectRef, Retained, Stance, describe, is_described, named,
};

use super::Planner;

impl Planner<'_> {
    /// Has a rule's description name everyone who needs it, and who needed it until lately.
    pub(super) fn describe(&mut self, rule: &ActualRule, objects: BTreeSet<ObjectRef>, texts: &BTreeSet<String>) {
        let retaining = self.input.claims.iter().filter(|claim| match &claim.retained {
            Retained::These(specs) => specs.contains(&rule.spec),
            Retained::All => false,
        });
        let mut named_then: BTreeSet<ObjectRef> =
            objects.iter().cloned().chain(retaining.map(|claim| claim.object.clone())).collect();
        let named_now = named(&self.input.us.cluster, &rule.description);
        // A description that none of us wrote is that of a rule which has just been adopted.
        let unseen =
            is_described(&self.input.us.cluster, &rule.description) && self.someone_out_of_sight(&named_now).is_some();
        if unseen || self.someone_unknown(&named_now, &named_then) {
            // Who may need it too must not lose what speaks for that. No name goes, then, and none is guessed.
            if matches!(named_now, Named::AtLeast(_)) || named_then.is_subset(named_now.objects()) {
                return;
            }
            named_then.extend(named_now.objects().iter().cloned());
        }
        let description = describe(&self.input.us.cluster, &named_then, texts);
        let differs = rule.description != description || Defect::WriteAtRest.is_on();
        let leaves = |claim: &Claim| matches!(claim.stance, Stance::Leaving(_)) && Defect::ForgetOtherNeeds.is_on();
        let left_as_it_is = Defect::LeaveDescriptions.is_on() || self.input.claims.iter().any(leaves);
        if differs && !left_as_it_is {
            let mut step =
                self.step(Action::Describe { id: rule.id.clone() }, &rule.spec, objects, "description".into());
            step.description = description;
            self.steps.push(step);
        }
    }

    /// Whether a description names, or may name, an object beside these of which it is not known whether it needs the rule.
    fn someone_unknown(&self, named: &Named, besides: &BTreeSet<ObjectRef>) -> bool {
        let concerned = |object: &ObjectRef| named.may_name(object) && !besides.contains(object);
        let unresolved = self.input.known.iter().any(|(object, known)| {
            concerned(object) && known.knowledge == Knowledge::Incomplete && !matches!(known.stance, Stance::Leaving(_))
        });
        let unsettled = |claim: &Claim| claim.retained == Retained::All && concerned(&claim.object);
        unresolved || self.input.claims.iter().any(unsettled)
    }
}
