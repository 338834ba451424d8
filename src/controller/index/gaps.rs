//! Gaps that a person permits: each token acts once.
//!
//! A token is taken when a pass finds that a gap is unavoidable. It is written to the status before anything is taken
//! away by it, and ends when no rule of the object waits for room any more. After a crash a token that stands in the status permits nothing:
//! it may have acted.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{Action, HoldReason, ObjectRef, Stance};

use super::Index;
use super::entry::Entry;

impl Index {
    /// After a pass: takes the tokens of objects that wait for a gap, and lets go of those that have acted.
    pub(super) fn take_gap_tokens(&mut self, objects: &BTreeSet<ObjectRef>) {
        // Most objects have none: what waits for what need not be looked at for them.
        let has_token = |object: &&ObjectRef| self.objects.get(*object).is_some_and(Entry::has_gap_token);
        let with_token: Vec<&ObjectRef> = objects.iter().filter(has_token).collect();
        for object in with_token {
            let gap = self.any_waits(object, &[HoldReason::GapUnavoidable]);
            // Meanwhile knowledge may have become stale, so that nothing can be said of a gap.
            let waits = self.any_waits(object, &[HoldReason::Applying, HoldReason::RevocationDelay]);
            if let Some(entry) = self.objects.get_mut(object) {
                let begins_or_lasts = gap || (waits && entry.gap_token.is_some());
                entry.gap_token = if begins_or_lasts { entry.token_for_gap() } else { None };
            }
        }
    }

    /// Whether a rule is not made for one of these reasons.
    fn any_waits(&self, object: &ObjectRef, reasons: &[HoldReason]) -> bool {
        let groups = self.objects.get(object).into_iter().flat_map(|entry| &entry.groups);
        let plans = groups.filter_map(|key| Some(&self.groups.get(key)?.outcome.as_ref()?.plan));
        plans.flat_map(|plan| &plan.held).any(|held| {
            reasons.contains(&held.reason)
                && matches!(held.step.action, Action::Authorize { .. })
                && held.step.objects.contains(object)
        })
    }
}

impl Entry {
    /// Whether a token is on the object, or was taken from it.
    fn has_gap_token(&self) -> bool {
        self.gap_token.is_some() || self.declaration.as_ref().is_ok_and(|it| it.allow_gap.given.is_some())
    }

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::controller::index::{GroupOutcome, Patience};
    use crate::model::{Held, Object, Plan, Step};
    use crate::testing::{key, scope, spec};

    fn binding(token: Option<&str>, acknowledged: Option<&str>) -> Object {
        let binding: crate::api::ALBTargetBinding = serde_json::from_value(serde_json::json!({
            "apiVersion": "sgbind.dev/v1alpha1",
            "kind": "ALBTargetBinding",
            "metadata": {
                "name": "shop", "namespace": "team-shop", "uid": "one", "generation": 1,
                "annotations": token.map(|token| BTreeMap::from([("sgbind.dev/allow-gap", token)])),
            },
            "spec": { "loadBalancer": { "name": "shop" } },
            "status": {
                "observedGeneration": 1,
                "securityGroups": [{ "id": "sg-1" }, { "id": "sg-2" }],
                "acknowledged": acknowledged.map(|token| BTreeMap::from([("allowGap", token)])),
            },
        }))
        .expect("a binding");
        binding.into()
    }

    const GAP: Option<HoldReason> = Some(HoldReason::GapUnavoidable);

    struct Scene(Index);

    impl Scene {
        fn new() -> Self {
            Self(Index::new(scope(), Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO }))
        }

        /// Whether the groups are to be looked at anew.
        fn stands(&mut self, token: Option<&str>, acknowledged: Option<&str>) -> bool {
            !self.0.upsert(binding(token, acknowledged)).groups.is_empty()
        }

        /// A pass over a group ends; a rule waits for this.
        fn passes(&mut self, group: &str, reason: Option<HoldReason>) {
            let object = binding(None, None).reference();
            let step = Step {
                action: Action::Authorize { peer_account: None },
                group: key(group),
                spec: spec("ingress tcp 443 from 10.0.0.0/8"),
                objects: BTreeSet::from([object.clone()]),
                reason: String::new(),
                description: String::new(),
                interrupts_untracked: false,
            };
            let held = reason.map(|reason| Held { step, reason });
            let plan = Plan {
                group: key(group),
                steps: Vec::new(),
                held: held.into_iter().collect(),
                problems: Vec::new(),
                standing: BTreeMap::new(),
            };
            let outcome = GroupOutcome {
                plan,
                problems: Vec::new(),
                ingress: Default::default(),
                egress: Default::default(),
                revisions: BTreeMap::from([(object, 1)]),
                shows_all: true,
                at: Instant::now(),
            };
            self.0.passed(&key(group), outcome);
        }

        fn permitted(&self) -> bool {
            self.0.view(&key("sg-1"), &[], Instant::now()).claims[0].gap_permitted
        }

        /// What the next status says was taken.
        fn told(&self) -> Option<String> {
            let (_, status) = self.0.status(&binding(None, None).reference(), jiff::Timestamp::UNIX_EPOCH)?;
            status.acknowledged?.allow_gap
        }
    }

    #[test]
    fn a_token_acts_once_it_was_told_that_it_was_taken_until_no_gap_is_pending() {
        let mut scene = Scene::new();
        scene.stands(Some("a"), None);
        scene.passes("sg-1", Some(HoldReason::Applying));
        assert_eq!((scene.permitted(), scene.told()), (false, None), "there is no gap");
        scene.passes("sg-1", GAP);
        assert_eq!((scene.permitted(), scene.told()), (false, Some("a".into())), "nobody was told");
        assert!(scene.stands(Some("a"), Some("a")), "the group waits for it");
        assert!(scene.permitted());
        scene.passes("sg-1", Some(HoldReason::Applying));
        assert!(scene.permitted(), "it has not acted: knowledge is stale");
        scene.passes("sg-2", GAP);
        scene.passes("sg-1", None);
        assert!(scene.permitted(), "another gap is pending");
        scene.passes("sg-2", None);
        assert!(!scene.permitted());
        scene.passes("sg-1", GAP);
        assert_eq!((scene.permitted(), scene.told()), (false, Some("a".into())), "it has acted");
        assert!(scene.stands(Some("b"), Some("a")), "the group waits for it");
        scene.passes("sg-1", GAP);
        assert_eq!((scene.permitted(), scene.told()), (false, Some("b".into())));
        scene.stands(Some("b"), Some("b"));
        assert!(scene.permitted());
    }

    #[test]
    fn a_token_that_is_taken_off_permits_nothing_and_none_is_found_after_a_restart() {
        let mut scene = Scene::new();
        scene.stands(Some("a"), None);
        scene.passes("sg-1", GAP);
        scene.stands(None, Some("a"));
        assert!(!scene.permitted(), "it was taken off");
        let mut restarted = Scene::new();
        restarted.stands(Some("a"), Some("a"));
        restarted.passes("sg-1", GAP);
        assert!(!restarted.permitted(), "it may have acted");
    }

    #[test]
    fn a_gap_without_a_token_is_not_permitted() {
        let mut scene = Scene::new();
        scene.stands(None, None);
        scene.passes("sg-1", GAP);
        assert_eq!((scene.permitted(), scene.told()), (false, None));
    }
}
