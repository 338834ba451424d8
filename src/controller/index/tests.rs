use super::*;

fn binding(uid: &str, group: &str) -> Object {
    let binding: crate::api::ALBTargetBinding = serde_json::from_value(serde_json::json!({
        "apiVersion": "sgbind.dev/v1alpha1",
        "kind": "ALBTargetBinding",
        "metadata": { "name": "shop", "namespace": "team-shop", "uid": uid, "generation": 1 },
        "spec": { "loadBalancer": { "name": "shop" } },
        "status": { "observedGeneration": 1, "securityGroups": [{ "id": group }] },
    }))
    .expect("a binding");
    binding.into()
}

#[test]
fn an_object_made_anew_has_nothing_to_do_with_the_groups_of_its_namesake() {
    let home = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
    let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
    let mut index = Index::new(home.clone(), patience);
    let key = |id: &str| GroupKey { scope: home.clone(), id: id.into() };
    index.upsert(binding("one", "sg-old"));
    let touched = index.upsert(binding("two", "sg-new"));
    assert_eq!(touched.groups, BTreeSet::from([key("sg-old"), key("sg-new")]));
    assert_eq!(index.groups(), BTreeSet::from([key("sg-new")]));
}

#[test]
fn the_calls_to_look_all_up_are_those_of_the_objects_that_are_there() {
    let home = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
    let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
    let mut index = Index::new(home, patience);
    index.upsert(binding("one", "sg-old"));
    assert_eq!(index.calls_to_resolve_all(), 3);
    index.upsert(binding("two", "sg-new"));
    assert_eq!(index.calls_to_resolve_all(), 3, "its namesake is gone");
    let reference = binding("two", "sg-new").reference();
    index.remove(&reference);
    index.remove(&reference);
    assert_eq!(index.calls_to_resolve_all(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_reads_fail_nothing_is_looked_up_without_a_pause() {
    let home = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
    let (delay, rediscover) = (Duration::from_secs(300), Duration::from_secs(600));
    let mut index = Index::new(home, Patience { revocation_delay: delay, gone_after: Duration::ZERO });
    let object = binding("one", "sg-old");
    let reference = object.reference();
    index.upsert(object);
    let start = Instant::now();
    let mut found = |group: &str, complete, at| {
        let (declaration, ..) = index.to_resolve(&reference, at).expect("it is live");
        let facts = Facts { group: Some(group.into()), ..Facts::default() };
        index.resolved(&declaration, Resolution { facts, problems: Vec::new(), complete, absent: BTreeSet::new() }, at);
        index.next_resolve(&reference, at, rediscover)
    };
    found("sg-one", true, start);
    assert_eq!(found("sg-two", true, start), delay, "then the second read settles it");
    assert_eq!(found("sg-two", false, start + delay), FRESH, "that one has failed");
    assert_eq!(found("sg-two", true, start + delay + FRESH), rediscover, "settled");
}
