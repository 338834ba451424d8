use super::*;
use crate::controller::index::Patience;
use crate::model::{ActualRule, Object};
use crate::testing::{Scene, allowance, claim, foreign, governing, key, ours, scope, specs};

const MINUTE: Duration = Duration::from_secs(60);

/// A brake and the time.
struct Trial {
    brake: Brake,
    now: Instant,
}

impl Trial {
    fn new(given: Option<u32>) -> Self {
        Self { brake: Brake::new(given), now: Instant::now() }
    }

    fn reading(mut self, group: &str, ours: u32) -> Self {
        self.brake.ours.insert(key(group), ours);
        self
    }

    fn left(&mut self, group: &str) -> u32 {
        self.brake.allowance(&key(group), self.now).left
    }

    fn limit(&mut self) -> u32 {
        self.brake.allowance(&key("sg-any"), self.now).limit
    }

    /// As much of it as may be.
    fn revoke(&mut self, group: &str, rules: u32) -> u32 {
        let rules = ids(group, self.now, rules);
        self.brake.reserve(&key(group), rules.iter(), self.now);
        let granted = self.left(group);
        self.brake.has_revoked(&key(group), rules.into_iter().take(granted as usize), self.now);
        granted
    }

    /// A pass ends with these rules still to be revoked, for which there is or was so much room.
    fn conclude(&mut self, rules: &[&str], left: u32) -> Option<BrakeNews> {
        let scene = Scene::new(vec![claim("shop", &[])], rules.iter().map(|text| ours(text, &["shop"])).collect());
        let limit = self.limit();
        self.brake.concluded(&key("sg-1"), &Scene { allowance: allowance(left, limit), ..scene }.plan())
    }
}

/// Rules of a group, others at each time.
fn ids(group: &str, now: Instant, rules: u32) -> Vec<RuleId> {
    (0..rules).map(|number| RuleId::new(format!("sgr-{group}-{now:?}-{number}"))).collect()
}

const RULES: [&str; 3] = ["ingress tcp 1 from sg-alb", "ingress tcp 2 from sg-alb", "ingress tcp 3 from sg-alb"];

#[tokio::test(start_paused = true)]
async fn the_limit_is_what_is_given_else_a_hundred_else_a_fifth_of_ours() {
    assert_eq!(Trial::new(None).limit(), 100);
    assert_eq!(Trial::new(None).reading("sg-1", 499).limit(), 100);
    assert_eq!(Trial::new(None).reading("sg-1", 500).reading("sg-2", 500).limit(), 200);
    assert_eq!(Trial::new(Some(7)).reading("sg-1", 1000).limit(), 7);
    assert_eq!(Trial::new(Some(0)).reading("sg-1", 1000).left("sg-1"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_limit_does_not_shrink_while_it_is_used_up() {
    let mut trial = Trial::new(None).reading("sg-1", 1000);
    assert_eq!(trial.revoke("sg-1", 150), 150);
    trial.brake.ours.insert(key("sg-1"), 850);
    assert_eq!((trial.limit(), trial.left("sg-1")), (200, 50));
}

#[tokio::test(start_paused = true)]
async fn what_was_revoked_counts_for_ten_minutes() {
    let mut trial = Trial::new(Some(10));
    assert_eq!(trial.revoke("sg-1", 6), 6);
    trial.now += 5 * MINUTE;
    assert_eq!(trial.revoke("sg-2", 6), 4);
    trial.now += 5 * MINUTE - Duration::from_secs(1);
    assert_eq!(trial.left("sg-1"), 0);
    trial.now += Duration::from_secs(1);
    assert_eq!(trial.left("sg-1"), 6);
    trial.now += 5 * MINUTE;
    assert_eq!(trial.left("sg-1"), 10);
}

#[tokio::test(start_paused = true)]
async fn passes_over_several_groups_together_stay_within_the_limit() {
    let mut trial = Trial::new(Some(10));
    for (group, granted) in [("sg-1", 6), ("sg-2", 4), ("sg-3", 0)] {
        trial.brake.reserve(&key(group), ids(group, trial.now, 6).iter(), trial.now);
        assert_eq!(trial.left(group), granted);
    }
    assert_eq!(trial.left("sg-4"), 0);
    // What one gives back another may have.
    trial.brake.release(&key("sg-1"));
    assert_eq!((trial.left("sg-4"), trial.left("sg-2")), (6, 4));
    trial.brake.has_revoked(&key("sg-2"), ids("sg-2", trial.now, 1).into_iter(), trial.now);
    assert_eq!(trial.left("sg-4"), 9);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_revoked_twice_because_a_read_lags_counts_once() {
    let mut trial = Trial::new(Some(10));
    let rules = ids("sg-1", trial.now, 6);
    trial.brake.has_revoked(&key("sg-1"), rules.clone().into_iter(), trial.now);
    assert_eq!(trial.brake.allowance(&key("sg-1"), trial.now).counted, rules.iter().cloned().collect());
    trial.brake.reserve(&key("sg-1"), rules.iter(), trial.now);
    assert_eq!(trial.left("sg-2"), 4, "nothing is set aside for them");
    trial.brake.has_revoked(&key("sg-1"), rules.clone().into_iter(), trial.now);
    assert_eq!(trial.left("sg-2"), 4);
    // No read lags for so long.
    trial.now += LAG;
    assert!(trial.brake.allowance(&key("sg-1"), trial.now).counted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_anything_is_held_time_stands_still() {
    let mut trial = Trial::new(Some(2));
    assert_eq!(trial.revoke("sg-2", 2), 2);
    assert_eq!(trial.conclude(&RULES, 0), Some(BrakeNews::Holds { limit: 2 }));
    trial.now += 60 * MINUTE;
    assert_eq!(trial.left("sg-1"), 0);
    assert_eq!(trial.conclude(&RULES, 0), None, "it is said once");
    assert_eq!(trial.conclude(&RULES[..1], 0), None);
    assert_eq!(trial.left("sg-1"), 0);
    // They are needed again, or gone.
    assert_eq!(trial.conclude(&[], 0), Some(BrakeNews::Released));
    assert_eq!(trial.left("sg-1"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rule_stays_held_while_it_waits_for_something_else_too() {
    let mut trial = Trial::new(Some(2));
    assert_eq!(trial.revoke("sg-2", 2), 2);
    trial.conclude(&RULES, 0);
    trial.now += 60 * MINUTE;
    assert_eq!(trial.conclude(&RULES, 9), None, "they are about to be revoked, for whatever reason");
    assert_eq!(trial.left("sg-1"), 0);
    trial.brake.forget(&key("sg-1"));
    assert_eq!(trial.left("sg-1"), 2, "nobody has to do with the group any more");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_a_person_has_seen_to_is_not_held_any_more() {
    let mut trial = Trial::new(Some(0));
    trial.conclude(&RULES, 0);
    let mut observing = claim("shop", &[]);
    observing.stance = crate::model::Stance::Observe;
    let rules: Vec<ActualRule> = RULES.iter().map(|text| ours(text, &["shop"])).collect();
    let plan = Scene::new(vec![observing], rules).plan();
    assert_eq!(trial.brake.concluded(&key("sg-1"), &plan), Some(BrakeNews::Released));
}

/// What an object's status tells when the brake held this, and the brake of who takes over with this flag.
fn taken_over(told_limit: u32, given: Option<u32>) -> (Index, Instant) {
    let reason = HoldReason::MassRevocation { limit: told_limit }.to_string();
    let binding: crate::api::ALBTargetBinding = serde_json::from_value(serde_json::json!({
        "apiVersion": "sgbind.dev/v1alpha1",
        "kind": "ALBTargetBinding",
        "metadata": { "name": "shop", "namespace": "team-shop", "uid": "1", "generation": 1 },
        "spec": { "loadBalancer": { "name": "shop" } },
        "status": {
            "observedGeneration": 1,
            "securityGroups": [{ "id": "sg-1" }],
            "held": [
                { "step": "revoke sg-1 ingress tcp 1 from sg-alb", "reason": reason },
                { "step": "revoke sg-1 ingress tcp 2 from sg-alb", "reason": "Applying" },
            ],
        },
    }))
    .expect("a binding");
    let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
    let mut index = Index::new(scope(), patience).braked_at(given);
    index.upsert(Object::from(binding));
    let now = Instant::now();
    index.begins_to_lead(now);
    (index, now)
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_lets_no_more_go_unless_the_flag_was_raised() {
    let an_hour = 60 * MINUTE;
    for (told, given, left) in [
        (100, None, 0),
        (100, Some(100), 0),
        (100, Some(300), 200),
        (4_000_000_000, Some(300), 0),
        (300, Some(100), 0),
        (300, None, 0),
        (0, Some(0), 0),
        (0, Some(50), 50),
    ] {
        let (mut index, now) = taken_over(told, given);
        let first = index.allowance(&key("sg-2"), 0, now).left;
        // The group was looked at, and they are still to go.
        let rules = RULES.iter().map(|text| ours(text, &["shop"])).collect();
        index.brake_after(&Scene::new(vec![claim("shop", &[])], rules).plan());
        let later = index.allowance(&key("sg-2"), 0, now + an_hour).left;
        assert_eq!((first, later), (left, left), "{told} were told, {given:?} is given");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_is_free_again_when_nothing_is_to_go_any_more() {
    let (mut index, now) = taken_over(100, None);
    let scene = Scene::new(vec![claim("shop", &RULES)], RULES.iter().map(|text| ours(text, &["shop"])).collect());
    assert_eq!(scene.plan().standing.values().next().expect("one").in_place, specs(&RULES));
    assert_eq!(index.brake_after(&scene.plan()), Some(BrakeNews::Released));
    assert_eq!(index.allowance(&key("sg-1"), 3, now + 11 * MINUTE).left, 100);
}

#[tokio::test(start_paused = true)]
async fn who_leads_again_has_forgotten_nothing() {
    let (mut index, now) = taken_over(100, Some(300));
    index.has_revoked(&key("sg-1"), ids("sg-1", now, 200).into_iter(), now);
    index.begins_to_lead(now + MINUTE);
    assert_eq!(index.allowance(&key("sg-1"), 0, now + MINUTE).left, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_can_not_be_read_holds_the_brake_for_ten_minutes() {
    let (mut index, now) = taken_over(100, None);
    assert_eq!(index.allowance(&key("sg-2"), 0, now + 10 * MINUTE - Duration::from_secs(1)).left, 0);
    assert_eq!(index.allowance(&key("sg-2"), 0, now + 10 * MINUTE).left, 100);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_can_have_had_is_not_believed() {
    let (mut index, now) = taken_over(4_000_000_000, None);
    let told = index.allowance(&key("sg-2"), 0, now);
    assert_eq!((told.left, told.limit), (0, 800));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_rule_that_was_put_back_is_not_held_any_more() {
    let mut trial = Trial::new(Some(0));
    let mut remover = claim("shop", &[]);
    remover.foreign_rules = crate::api::ForeignRules::Remove;
    remover.governs = governing(crate::model::Extent::Everything, crate::model::Extent::Everything);
    let scene = Scene { allowance: allowance(0, 0), ..Scene::new(vec![remover], vec![foreign(RULES[0])]) };
    assert_eq!(trial.brake.concluded(&key("sg-1"), &scene.plan()), Some(BrakeNews::Holds { limit: 0 }));
    let rolled_back = Scene { tightening: crate::model::Tightening::RolledBack, ..scene };
    assert_eq!(trial.brake.concluded(&key("sg-1"), &rolled_back.plan()), Some(BrakeNews::Released));
}
