//! In which order things are written, and that nothing is where nothing differs.

use std::time::Duration;

use serde_json::json;

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn port_change_is_made_seen_and_only_then_taken() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    stage.create("shop", &stage.spec(&[8000])).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8000]), "after creation").await;
    let mark = stage.proxy.mark();
    stage.patch("shop", &json!({"targetGroups": stage.spec(&[8001])["targetGroups"]})).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "after the change").await;
    let calls = stage.proxy.since(mark);
    calls.assert_made_before_taken();
    let writes: Vec<String> = calls.writes().0.iter().map(|call| call.action.clone()).collect();
    let expected = [
        ["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"],
        ["RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"],
    ];
    assert_eq!(writes.len(), 4, "{}", calls.writes());
    for (calls, mut expected) in writes.chunks(2).zip(expected) {
        expected.sort();
        let mut calls = calls.to_vec();
        calls.sort();
        assert_eq!(calls, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written() {
    let stage = Stage::new().await;
    // As somebody typed them: the protocol by its number, host bits set.
    stage.aws.authorize(&stage.alb, "Ingress", "6", 80, "10.1.2.3/8").await;
    stage.aws.authorize(&stage.app, "Ingress", "6", 8000, &stage.alb).await;
    let _controller = stage.start_with(&["--resync=1s"]);
    stage.create("shop", &stage.spec(&[8000, 8001])).await;
    stage.until_in_sync("shop").await;
    let mut expected = Stage::expected(&[8000, 8001]);
    for foreign in ["alb ingress tcp 80 10.0.0.0/8", "app ingress tcp 8000 alb"] {
        let ours = expected.iter_mut().find(|rule| **rule == format!("{foreign} ours")).expect("it is desired");
        *ours = foreign.into();
    }
    stage.assert_rules(expected.clone(), "desired rules that are there already").await;
    let (mark, version) = (stage.proxy.mark(), stage.bindings.get("shop").await.unwrap().metadata.resource_version);
    let reads = || stage.proxy.since(mark).of("DescribeSecurityGroupRules").len();
    while reads() < 5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage.proxy.since(mark).assert_no_writes();
    stage.assert_rules(expected, "at rest").await;
    let now = stage.bindings.get("shop").await.unwrap().metadata.resource_version;
    assert_eq!(now, version, "the object was not written either");
}
