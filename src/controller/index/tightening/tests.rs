use serde_json::{Value, json};

use super::*;
use crate::api::ALBTargetBinding;
use crate::controller::index::Patience;
use crate::model::{Object, TargetRef};
use crate::status::TighteningReport;
use crate::testing::{NAMESPACE, key, scope, spec};

const RULE: &str = "ingress tcp 22 from 10.0.0.0/8";

fn target(id: &str) -> TargetRef {
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123";
    TargetRef { target_group: ElbArn::parse(arn).expect("an ARN"), id: id.into(), port: Some(8000) }
}

fn taken() -> TakenRule {
    TakenRule { spec: spec(RULE), peer_account: None, description: "by hand".into(), tags: Default::default() }
}

fn report() -> TighteningReport {
    TighteningReport {
        group: key("sg-1"),
        generation: 1,
        rules: vec![taken()],
        watch_until: None,
        timed_out_before: BTreeSet::new(),
        fallen: BTreeSet::new(),
        rolled_back: false,
    }
}

fn binding(generation: i64, annotations: Value, report: Option<&TighteningReport>) -> Object {
    let scope = scope();
    let binding: ALBTargetBinding = serde_json::from_value(json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding",
        "metadata": {"name": "shop", "namespace": NAMESPACE, "uid": "1", "generation": generation, "annotations": annotations},
        "spec": {"loadBalancer": {"name": "shop"}},
        "status": {
            "observedGeneration": generation,
            "securityGroups": [{"id": "sg-1", "accountID": scope.account, "region": scope.region}],
            "tightening": report.map(TighteningReport::write),
        },
    }))
    .expect("a binding");
    binding.into()
}

fn index(object: Object) -> Index {
    let mut index = Index::new(scope(), Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO });
    index.upsert(object);
    index.begins_to_lead(Instant::now());
    index
}

fn shop() -> BTreeSet<ObjectRef> {
    [crate::testing::object("shop")].into()
}

fn begin(index: &mut Index, health: &HealthRead, now: Instant) -> bool {
    index.begin_to_tighten(&key("sg-1"), vec![taken()], &shop(), Watched::default(), health, now)
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_before_the_status_tells_of_it() {
    let mut index = index(binding(1, json!({}), None));
    assert!(begin(&mut index, &HealthRead::new(), Instant::now()));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    let touched = index.upsert(binding(1, json!({}), Some(&report())));
    assert_eq!(touched.groups, [key("sg-1")].into(), "the group goes on");
    assert_eq!(index.tightening(&key("sg-1")), Tightening::WrittenDown([spec(RULE)].into()));
}

#[tokio::test(start_paused = true)]
async fn targets_that_fall_before_anything_went_let_nothing_go() {
    let (mut index, now) = (index(binding(1, json!({}), None)), Instant::now());
    assert!(begin(&mut index, &[(target("i-1"), Health::Healthy)].into(), now));
    let fallen = [(target("i-1"), Health::TimesOut)].into();
    assert_eq!(index.health_was_read(&key("sg-1"), &fallen, now), Verdict::Abandoned);
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    assert!(!begin(&mut index, &HealthRead::new(), now), "not at once");
    assert!(begin(&mut index, &HealthRead::new(), now + PAUSE));
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_goes_on_where_the_status_says() {
    // Announced: perhaps it was taken already, so whoever times out now has fallen.
    let mut resumed = index(binding(1, json!({}), Some(&report())));
    assert_eq!(resumed.tightening(&key("sg-1")), Tightening::WrittenDown([spec(RULE)].into()));
    let verdict = resumed.health_was_read(&key("sg-1"), &[(target("i-1"), Health::TimesOut)].into(), Instant::now());
    assert_eq!(verdict, Verdict::Fallen([target("i-1")].into()));
    assert_eq!(resumed.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
    // Fallen: the return goes on.
    let fallen = TighteningReport { fallen: [target("i-1")].into(), ..report() };
    let mut returning = index(binding(1, json!({}), Some(&fallen)));
    assert_eq!(returning.tightening(&key("sg-1")), Tightening::Return { rules: vec![taken()], objects: shop() });
    // Put back: what a person takes away then does not come back.
    let mut over = index(binding(1, json!({}), Some(&TighteningReport { rolled_back: true, ..fallen })));
    assert_eq!(over.tightening(&key("sg-1")), Tightening::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn what_was_put_back_waits_for_a_person_and_for_the_targets() {
    let told = TighteningReport { fallen: [target("i-1")].into(), rolled_back: true, ..report() };
    let mut index = index(binding(1, json!({}), Some(&told)));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::RolledBack);
    let touched = index.upsert(binding(1, json!({"sgbind.dev/retry-tightening": "1"}), Some(&told)));
    assert_eq!(touched.groups, [key("sg-1")].into(), "the group goes on");
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    let now = Instant::now();
    assert!(!begin(&mut index, &[(target("i-1"), Health::TimesOut)].into(), now), "it has not recovered");
    assert!(begin(&mut index, &[(target("i-1"), Health::Healthy)].into(), now));
}

#[tokio::test(start_paused = true)]
async fn a_removal_ends_with_the_objects_that_asked_for_it() {
    let mut index = index(binding(1, json!({}), Some(&report())));
    assert_eq!(index.objects_that_tighten(&key("sg-1")), shop());
    index.remove(&crate::testing::object("shop"));
    assert_eq!(index.tightening(&key("sg-1")), Tightening::NotYet);
    assert!(index.objects_that_tighten(&key("sg-1")).is_empty());
}
