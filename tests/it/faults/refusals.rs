//! AWS refuses, throttles, can't be reached, or does what it is asked and does not say so.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;

use super::stage::Stage;
use crate::proxy::{Call, Effect, Fault};

/// What lets nobody think that something is wrong.
const HARMLESS: [&str; 4] = ["Applying", "Held", "LoadBalancerPending", "Progressing"];

fn alarming(reasons: BTreeSet<String>) -> Vec<String> {
    reasons.into_iter().filter(|reason| !HARMLESS.contains(&reason.as_str())).collect()
}

async fn in_sync_with(stage: &Stage, ports: &[u16]) {
    stage.create("shop", &stage.spec(ports)).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(ports), "at first").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_no_failures() {
    let stage = Stage::new().await;
    for action in [
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
    ] {
        stage.proxy.inject(Fault::on(action, Effect::LoseAnswer).times(1));
    }
    let controller = stage.start();
    stage.create("shop", &stage.spec(&[8000, 8002])).await;
    let reasons = stage.reasons_until_in_sync("shop").await;
    assert_eq!(alarming(reasons), [""; 0], "nothing is wrong:\n{}", stage.proxy.calls().writes());
    stage.assert_rules(Stage::expected(&[8000, 8002]), "after lost answers of Authorize").await;
    stage.set_ports(&[8001, 8003]).await;
    let reasons = stage.reasons_until_in_sync("shop").await;
    assert_eq!(alarming(reasons), [""; 0], "nothing is wrong:\n{}", stage.proxy.calls().writes());
    stage.assert_rules(Stage::expected(&[8001, 8003]), "after lost answers of Revoke").await;
    assert!(!controller.log().contains("refused"), "not in the log either:\n{}", controller.log());
    let codes = |call: &&Call| call.told.as_ref().is_some_and(|told| told.body.contains("InvalidPermission.Duplicate"));
    assert!(stage.proxy.calls().authorizes().0.iter().any(|call| codes(&call)), "the SDK tried again");
}

/// Longer than an attempt may take: the SDK tries again what was done, or not done, in silence.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_take_too_long() {
    const LONG: Duration = Duration::from_secs(12);
    let stage = Stage::new().await;
    for (action, effect) in [
        ("AuthorizeSecurityGroupIngress", Effect::DelayAnswer(LONG)),
        ("AuthorizeSecurityGroupEgress", Effect::Hang(LONG)),
        ("DescribeListeners", Effect::Delay(Duration::from_secs(1))),
        ("DescribeTargetHealth", Effect::HangUp),
    ] {
        stage.proxy.inject(Fault::on(action, effect).times(1));
    }
    let _controller = stage.start();
    stage.create("shop", &stage.spec(&[8000])).await;
    let reasons = stage.reasons_until_in_sync("shop").await;
    assert_eq!(alarming(reasons), [""; 0], "{}", stage.proxy.calls().writes());
    stage.assert_rules(Stage::expected(&[8000]), "in the end").await;
    assert!(stage.proxy.calls().revokes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_peer_keeps_no_other_out() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    let mut spec = stage.spec(&[8000]);
    spec["listeners"] = json!([{"port": 80, "clients": [
        {"cidr": "10.0.0.0/8"}, {"cidr": "172.16.0.0/12"}, {"securityGroup": {"id": "sg-00000000000000bad"}},
        {"cidr": "192.168.0.0/16"},
    ]}]);
    stage.create("shop", &spec).await;
    let ready = stage.until("shop", "Ready", "False", None).await;
    let mut expected = Stage::expected(&[8000]);
    expected.extend(["172.16.0.0/12", "192.168.0.0/16"].map(|cidr| format!("alb ingress tcp 80 {cidr} ours")));
    stage.until_rules(expected, "the others get in").await;
    let message = stage.until("shop", "Ready", "False", Some("SecurityGroupNotFound")).await["message"].to_string();
    assert!(message.contains("sg-00000000000000bad"), "{ready} then {message}");
    assert!(stage.proxy.calls().revokes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_authorize_takes_nothing_and_mends_itself() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let denial = stage.proxy.inject(Fault::when(Call::is_authorize, Effect::deny()));
    let mark = stage.proxy.mark();
    stage.set_ports(&[8001]).await;
    stage.until("shop", "Ready", "False", Some("AccessDenied")).await;
    stage.until("shop", "Stalled", "True", Some("AccessDenied")).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(stage.proxy.since(mark).revokes().is_empty(), "{}", stage.proxy.since(mark).writes());
    stage.assert_rules(Stage::expected(&[8000]), "while denied").await;
    stage.proxy.lift(denial);
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "when permitted again").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_in_one_group_takes_nothing_in_the_other() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let app = stage.app.clone();
    let on_app = move |call: &Call| call.is_authorize() && call.group() == Some(&app);
    let denial = stage.proxy.inject(Fault::when(on_app, Effect::deny()));
    let mark = stage.proxy.mark();
    stage.set_ports(&[8001]).await;
    stage.until("shop", "Ready", "False", Some("AccessDenied")).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(stage.proxy.since(mark).revokes().is_empty(), "{}", stage.proxy.since(mark).writes());
    stage.proxy.lift(denial);
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "when permitted again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_at_start() {
    let stage = Stage::new().await;
    stage.create("shop", &stage.spec(&[8000])).await;
    stage.proxy.sever();
    let _controller = stage.start();
    let ready = stage.until("shop", "Ready", "False", Some("AwsUnavailable")).await;
    let message = ready["message"].as_str().expect("a message");
    assert!(message.starts_with("sts:GetCallerIdentity failed: AWS could not be reached"), "{message}");
    assert!(stage.proxy.calls().is_empty());
    stage.proxy.restore();
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8000]), "when AWS is there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_in_the_middle() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let mark = stage.proxy.mark();
    stage.proxy.sever();
    stage.set_ports(&[8001]).await;
    stage.until("shop", "Ready", "False", Some("AwsUnavailable")).await;
    stage.assert_rules(Stage::expected(&[8000]), "while AWS can't be reached").await;
    stage.proxy.restore();
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "when it can again").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_between_making_and_taking() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let mark = stage.proxy.mark();
    stage.proxy.inject(Fault::when(Call::is_authorize, Effect::SeverAfter(Arc::new(|_| {}))).after(1).times(1));
    stage.set_ports(&[8001]).await;
    stage.until("shop", "Ready", "False", Some("AwsUnavailable")).await;
    stage.assert_rules(Stage::expected(&[8000, 8001]), "what was needed and what is").await;
    stage.proxy.restore();
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "when AWS can be reached again").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_only_delays() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let mark = stage.proxy.mark();
    let storm = stage.proxy.inject(Fault::when(|_| true, Effect::throttle()));
    stage.set_ports(&[8001]).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let calls = stage.proxy.since(mark);
    assert!(stage.proxy.lift(storm) > 0);
    assert!(calls.len() < 150, "{} calls in 15 s while throttled:\n{calls}", calls.len());
    let reason = stage.condition("shop", "Ready").await["reason"].clone();
    assert_eq!(reason, "Throttled", "{:#}", stage.status("shop").await);
    stage.until_in_sync("shop").await;
    stage.assert_rules(Stage::expected(&[8001]), "after the storm").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn full_group_gives_nothing_up() {
    let stage = Stage::new().await;
    for port in 0..59 {
        stage.aws.authorize(&stage.app, "Ingress", "tcp", 20000 + port, "10.0.0.0/8").await;
    }
    let foreign = |count: u16| (0..count).map(|n| format!("app ingress tcp {} 10.0.0.0/8", 20000 + n));
    let with_foreign = |ports: &[u16], count| Stage::expected(ports).into_iter().chain(foreign(count)).collect();
    let _controller = stage.start();
    stage.create("shop", &stage.spec(&[8000])).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(with_foreign(&[8000], 59), "60 of 60").await;
    let mark = stage.proxy.mark();
    // One more, and another in place of the client, which stays where it is as long as not all is there.
    let mut spec = stage.spec(&[8000, 8001]);
    spec["listeners"][0]["clients"] = json!([{"cidr": "172.16.0.0/12"}]);
    stage.patch("shop", &spec).await;
    stage.until("shop", "Ready", "False", Some("RuleQuotaExceeded")).await;
    stage.until("shop", "Stalled", "True", Some("RuleQuotaExceeded")).await;
    let mut expected: Vec<String> = with_foreign(&[8000], 59);
    expected.extend(["alb egress tcp 8001 app ours".into(), "alb ingress tcp 80 172.16.0.0/12 ours".into()]);
    stage.until_rules(expected.clone(), "what has room is there").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    stage.assert_rules(expected, "nothing is given up").await;
    let last = stage.aws.rules_of(&stage.app).await;
    let last = last.iter().find(|rule| rule.text.contains("20058")).expect("the last foreign rule");
    stage.aws.revoke(&stage.app, "Ingress", &last.id).await;
    stage.until_in_sync("shop").await;
    let mut expected: Vec<String> = with_foreign(&[8000, 8001], 58);
    expected.retain(|rule| !rule.ends_with("10.0.0.0/8 ours"));
    expected.push("alb ingress tcp 80 172.16.0.0/12 ours".into());
    stage.assert_rules(expected, "with room").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_unhurt() {
    let stage = Stage::new().await;
    for name in ["twin-1", "twin-2"] {
        let twin = stage.group(name).await;
        stage.aws.tag(&twin, "role", "twin").await;
    }
    let _controller = stage.start();
    in_sync_with(&stage, &[8000]).await;
    let mut ambiguous = stage.spec(&[8000]);
    ambiguous["listeners"] = json!([{"port": 8443, "clients": [{"securityGroup": {"tags": {"role": "twin"}}}]}]);
    ambiguous["targetGroups"] = json!([{"name": "shop", "ref": {"name": "shop"}, "ports": [7000]}]);
    stage.create("ambiguous", &ambiguous).await;
    stage.create("absent", &json!({"loadBalancer": {"name": "nowhere"}})).await;
    stage.until("ambiguous", "Ready", "False", Some("SecurityGroupAmbiguous")).await;
    stage.until("absent", "Ready", "False", Some("LoadBalancerNotFound")).await;
    stage.set_ports(&[8001]).await;
    stage.until_in_sync("shop").await;
    let mut expected = Stage::expected(&[8001]);
    expected.extend(["alb egress tcp 7000 app ours".into(), "app ingress tcp 7000 alb ours".into()]);
    stage.assert_rules(expected, "beside two that can't be resolved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_deleted_just_before_its_revoke() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync_with(&stage, &[8000, 8002]).await;
    let (aws, app) = (Arc::clone(&stage.aws), stage.app.clone());
    let by_hand = Effect::Before(Arc::new(move |_| {
        let (aws, app) = (Arc::clone(&aws), app.clone());
        Box::pin(async move {
            let rules = aws.rules_of(&app).await;
            let rule = rules.iter().find(|rule| rule.text.contains("tcp 8002")).expect("it is there");
            aws.revoke(&app, "Ingress", &rule.id).await;
        })
    }));
    stage.proxy.inject(Fault::on("RevokeSecurityGroupIngress", by_hand).times(1));
    stage.set_ports(&[8001]).await;
    let reasons = stage.reasons_until_in_sync("shop").await;
    assert_eq!(alarming(reasons), [""; 0], "{}", stage.proxy.calls().writes());
    stage.assert_rules(Stage::expected(&[8001]), "one of two was gone").await;
    let told = |call: &&Call| call.told.as_ref().is_some_and(|told| told.body.contains("NotFound"));
    assert!(stage.proxy.calls().revokes().0.iter().any(|call| told(&call)), "AWS did not know the rule any more");
}
