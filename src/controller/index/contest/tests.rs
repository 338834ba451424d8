use super::*;
use crate::controller::index::{GroupOutcome, Patience};
use crate::model::{ActualRule, ElbArn, Object, TakenRule, TargetRef};
use crate::status::TighteningReport;
use crate::testing::{Scene, claim, foreign, governing, key, object, opted_in, ours, scope, spec, specs, tags, us};

const RULE: &str = "ingress tcp 8000 from sg-alb";
const OTHER: &str = "ingress tcp 9000 from sg-alb";
const FOREIGN: &str = "egress all to 0.0.0.0/0";
const MINUTE: Duration = Duration::from_secs(60);

struct Trial {
    index: Index,
    now: Moment,
}

fn scene(rules: Vec<ActualRule>) -> Scene {
    let mut remover = claim("shop", &[RULE, OTHER]);
    remover.foreign_rules = crate::api::ForeignRules::Remove;
    remover.governs = governing(crate::model::Extent::Everything, crate::model::Extent::Everything);
    Scene::new(vec![remover], rules)
}

impl Trial {
    fn new() -> Self {
        let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
        let now = Moment { at: Instant::now(), wall: Timestamp::UNIX_EPOCH };
        Self { index: Index::new(scope(), patience), now }
    }

    fn pass(&mut self, time: Duration) {
        self.now = Moment { at: self.now.at + time, wall: self.now.wall + time };
    }

    /// A step for this rule is carried out in a group with these rules. What is told when it has become contested.
    fn puts_right(&mut self, text: &str, there: Vec<ActualRule>) -> Option<String> {
        let scene = scene(there);
        let plan = scene.plan();
        let step = plan.steps.iter().find(|step| step.spec == spec(text)).expect("a step");
        let told = self.index.put_right([step].into_iter(), &scene.group, &us(), self.now);
        told.into_iter().next().map(|(objects, note)| {
            assert_eq!(objects, crate::testing::objects(&["shop"]));
            note
        })
    }

    fn repairs(&mut self) -> Option<String> {
        self.puts_right(RULE, vec![])
    }

    fn waiting(&mut self) -> BTreeSet<RuleSpec> {
        self.index.backing_off(&us(), &scene(vec![]).group, self.now.at)
    }

    /// A pass ends with these rules in the group.
    fn concludes(&mut self, there: Vec<ActualRule>) -> (usize, Option<Duration>) {
        let plan = scene(there).plan();
        self.index.contest_after(&plan, self.now.at)
    }

    /// Five times in five minutes.
    fn contested() -> Self {
        let mut trial = Self::new();
        for number in 1..=5 {
            assert_eq!(trial.repairs().is_some(), number == 5, "{number}");
            trial.pass(MINUTE);
        }
        trial
    }
}

fn in_place() -> Vec<ActualRule> {
    vec![ours(RULE, &["shop"]), ours(OTHER, &["shop"])]
}

#[tokio::test(start_paused = true)]
async fn five_undoings_within_ten_minutes_make_a_rule_contested() {
    let mut trial = Trial::new();
    for minute in [0u32, 2, 4, 6] {
        assert_eq!(trial.repairs(), None, "{minute}");
        trial.pass(2 * MINUTE);
    }
    assert_eq!(
        trial.repairs().expect("it is the fifth"),
        "rule sg-1 ingress tcp 8000 from sg-alb was taken away 5 times since 1970-01-01T00:00:00Z. If that happens again, it is \
         not made again before 1970-01-01T00:09:00Z. Who does it is not known: CloudTrail tells, see the events \
         RevokeSecurityGroupIngress of sg-1"
    );
    assert_eq!(trial.waiting(), specs(&[RULE]));
    assert_eq!(trial.concludes(vec![]), (1, Some(MINUTE)));
}

#[tokio::test(start_paused = true)]
async fn five_in_a_longer_time_do_not() {
    let mut trial = Trial::new();
    for _ in 0..20 {
        assert_eq!(trial.repairs(), None);
        trial.pass(3 * MINUTE);
    }
    assert_eq!((trial.waiting(), trial.concludes(in_place())), (specs(&[]), (0, None)));
}

#[tokio::test(start_paused = true)]
async fn each_repair_makes_the_wait_twice_as_long_up_to_ten_minutes() {
    let mut trial = Trial::contested();
    for wait in [2u32, 4, 8, 10, 10] {
        assert_eq!(trial.waiting(), specs(&[]), "the wait is over");
        assert_eq!(trial.repairs(), None, "it was told of already");
        assert_eq!(trial.concludes(vec![]), (1, Some(wait * MINUTE)));
        trial.pass(wait * MINUTE - Duration::from_secs(1));
        assert_eq!(trial.waiting(), specs(&[RULE]));
        trial.pass(Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_rule_has_stayed_for_ten_minutes() {
    let mut trial = Trial::contested();
    trial.pass(9 * MINUTE - Duration::from_secs(1));
    assert_eq!(trial.concludes(in_place()).0, 1);
    trial.pass(Duration::from_secs(1));
    assert_eq!(trial.concludes(vec![]).0, 1, "it is missing");
    assert_eq!(trial.concludes(in_place()).0, 0);
    assert_eq!(trial.repairs(), None, "it begins anew");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_needs_the_rule_any_more() {
    let mut trial = Trial::contested();
    let plan = Scene::new(vec![claim("shop", &[OTHER])], in_place()).plan();
    assert_eq!(trial.index.contest_after(&plan, trial.now.at), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_rule_that_comes_back_each_time_is_contested() {
    let mut trial = Trial::new();
    let there = || [in_place(), vec![foreign(FOREIGN)]].concat();
    for number in 1..=6 {
        let told = trial.puts_right(FOREIGN, there());
        assert_eq!(told.is_some(), number == 6, "the first time is no undoing");
        assert_eq!(trial.concludes(in_place()).0, usize::from(number == 6));
        if let Some(told) = told {
            assert_eq!(
                told,
                "rule sg-1 egress all to 0.0.0.0/0 was removed and came back 5 times since 1970-01-01T00:01:00Z. If that happens \
                 again, it is not removed again before 1970-01-01T00:06:00Z. It may be who describes the rule as \"made by hand\""
            );
        }
        trial.pass(Duration::from_secs(60));
    }
    trial.pass(9 * MINUTE);
    assert_eq!(trial.concludes(there()).0, 1, "it is there");
    assert_eq!(trial.concludes(in_place()).0, 0);
}

#[tokio::test(start_paused = true)]
async fn who_it_may_be_is_told_from_the_groups_tags() {
    let mut trial = Trial::new();
    let mut scene = scene(vec![]);
    scene.group.tags = opted_in("owned", "*");
    scene.group.tags.extend(tags(&[("aws:cloudformation:stack-name", "network")]));
    let plan = scene.plan();
    let mut told = Vec::new();
    for _ in 0..5 {
        told.extend(trial.index.put_right(plan.steps[..1].iter(), &scene.group, &us(), trial.now));
    }
    assert!(told[0].1.contains("It may be the CloudFormation stack network"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn whom_it_concerns_is_told_and_the_rule_still_counts_as_having_been_in_place() {
    let mut trial = Trial::contested();
    let contested = specs(&[RULE]);
    let plan = Scene { contested: contested.clone(), ..scene(vec![ours(OTHER, &["shop"])]) }.plan();
    let outcome = |plan| GroupOutcome {
        plan,
        problems: Vec::new(),
        ingress: Default::default(),
        egress: Default::default(),
        revisions: BTreeMap::new(),
        shows_all: true,
        at: trial.now.at,
    };
    let (before, after) = (outcome(scene(in_place()).plan()), outcome(plan));
    trial.index.passed(&key("sg-1"), before);
    trial.index.passed(&key("sg-1"), after);
    assert_eq!(trial.index.view(&key("sg-1"), &[], trial.now.at).settled, specs(&[RULE, OTHER]));
    assert_eq!(trial.index.contested_for(&key("sg-1"), &object("shop")).len(), 1);
    assert_eq!(trial.index.contested_for(&key("sg-1"), &object("another")).len(), 0);
}

/// As when the status of `shop` tells that its target fell without the rule.
fn rolling_back(text: &str) -> Object {
    let target_group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123";
    let target_group = ElbArn::parse(target_group).expect("an ARN");
    let taken =
        TakenRule { spec: spec(text), peer_account: None, description: "made by hand".into(), tags: Tags::new() };
    let report = TighteningReport {
        group: key("sg-1"),
        generation: 1,
        rules: vec![taken],
        watch_until: None,
        timed_out_before: BTreeSet::new(),
        fallen: BTreeSet::from([TargetRef { target_group, id: "i-1".into(), port: None }]),
        rolled_back: false,
    };
    let (scope, report) = (scope(), report.write());
    let binding: crate::api::ALBTargetBinding = serde_json::from_value(serde_json::json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding",
        "metadata": {"name": "shop", "namespace": "team-shop", "uid": "1", "generation": 1},
        "spec": {"loadBalancer": {"name": "shop"}},
        "status": {
            "observedGeneration": 1,
            "securityGroups": [{"id": "sg-1", "accountID": scope.account, "region": scope.region}],
            "tightening": report,
        },
    }))
    .expect("a binding");
    binding.into()
}

#[tokio::test(start_paused = true)]
async fn what_we_put_back_ourselves_and_take_away_again_is_not_contested() {
    let mut trial = Trial::new();
    let there = || [in_place(), vec![foreign(FOREIGN)]].concat();
    for _ in 1..=5 {
        assert_eq!(trial.puts_right(FOREIGN, there()), None);
        trial.pass(MINUTE);
    }
    trial.index.upsert(rolling_back(FOREIGN));
    trial.index.begins_to_lead(trial.now.at);
    assert_eq!(trial.waiting(), specs(&[]));
    assert_eq!(trial.puts_right(FOREIGN, there()), None, "a person has it done again");
}
