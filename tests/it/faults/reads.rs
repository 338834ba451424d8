//! Knowledge that is partial, late or wrong for a moment.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Stage, sorted};
use crate::proxy::{Call, Effect, Fault, xml};

const CLIENT: &str = "172.16.0.0/12";

/// A binding whose target groups are derived.
fn derived(clients: &[&str]) -> Value {
    let clients: Vec<Value> = clients.iter().map(|cidr| json!({"cidr": cidr})).collect();
    json!({"loadBalancer": {"name": "shop"}, "listeners": [{"port": 80, "clients": clients}]})
}

fn with_clients(clients: &[&str]) -> Vec<String> {
    let mut rules = Stage::expected(&[8000]);
    rules.retain(|rule| !rule.starts_with("alb ingress"));
    rules.extend(clients.iter().map(|cidr| format!("alb ingress tcp 80 {cidr} ours")));
    sorted(rules)
}

async fn in_sync(stage: &Stage) {
    stage.create("shop", &derived(&["10.0.0.0/8"])).await;
    stage.until_in_sync("shop").await;
    stage.assert_rules(with_clients(&["10.0.0.0/8"]), "at first").await;
}

/// A client goes and another comes while a read fails: the new one gets in, the old one stays until it succeeds.
async fn makes_and_does_not_take(faults: Vec<Fault>) {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync(&stage).await;
    let mark = stage.proxy.mark();
    let faults: Vec<_> = faults.into_iter().map(|fault| stage.proxy.inject(fault)).collect();
    stage.patch("shop", &json!({"listeners": derived(&[CLIENT])["listeners"]})).await;
    stage.until_rules(with_clients(&["10.0.0.0/8", CLIENT]), "the new client gets in").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    stage.assert_rules(with_clients(&["10.0.0.0/8", CLIENT]), "while the read fails").await;
    assert!(stage.proxy.since(mark).revokes().is_empty(), "{}", stage.proxy.since(mark).writes());
    let ready = stage.condition("shop", "Ready").await;
    assert_eq!(ready["status"], "False", "{ready}");
    assert!(faults.into_iter().map(|fault| stage.proxy.lift(fault)).sum::<usize>() > 0, "the fault was met");
    stage.until_in_sync("shop").await;
    stage.assert_rules(with_clients(&[CLIENT]), "when it succeeds").await;
}

fn fails(action: &'static str) -> Fault {
    Fault::on(action, Effect::refuse(500, "InternalError", "An internal error has occurred"))
}

#[tokio::test(flavor = "multi_thread")]
async fn target_health_unknown() {
    makes_and_does_not_take(vec![fails("DescribeTargetHealth")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_unknown() {
    makes_and_does_not_take(vec![fails("DescribeListeners")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_page_of_listener_rules_unknown() {
    let second = |call: &Call| call.action == "DescribeRules" && call.parameter("Marker").is_some();
    let first = |call: &Call| call.action == "DescribeRules" && call.parameter("Marker").is_none();
    let marked = Effect::rewrite(|_, answer| {
        answer.replace("</DescribeRulesResult>", "<NextMarker>more</NextMarker></DescribeRulesResult>")
    });
    makes_and_does_not_take(vec![
        Fault::when(second, Effect::refuse(500, "InternalFailure", "An internal error has occurred")),
        Fault::when(first, marked),
    ])
    .await;
}

/// Of a group's rules only the first page is known: nothing at all is written there, for it may be there already.
#[tokio::test(flavor = "multi_thread")]
async fn second_page_of_rules_unknown() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    in_sync(&stage).await;
    let mark = stage.proxy.mark();
    let second = |call: &Call| call.action == "DescribeSecurityGroupRules" && call.parameter("NextToken").is_some();
    let halved = Effect::rewrite(|_, answer| {
        let mut seen = 0;
        let half = xml::retain(answer, "securityGroupRuleSet", "item", |_| {
            seen += 1;
            seen <= 2
        });
        let (head, tail) = half.rsplit_once("</securityGroupRuleSet>").expect("an answer");
        format!("{head}</securityGroupRuleSet><nextToken>more</nextToken>{tail}")
    });
    let failing = stage.proxy.inject(Fault::when(second, Effect::refuse(500, "InternalError", "Try again")));
    let first = stage.proxy.inject(Fault::on("DescribeSecurityGroupRules", halved));
    stage.patch("shop", &json!({"listeners": derived(&[CLIENT])["listeners"]})).await;
    stage.until("shop", "Ready", "False", Some("AwsUnavailable")).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.proxy.since(mark).assert_no_writes();
    assert!(stage.proxy.lift(failing) > 0 && stage.proxy.lift(first) > 0, "the faults were met");
    stage.until_in_sync("shop").await;
    stage.assert_rules(with_clients(&[CLIENT]), "when it is known").await;
    stage.proxy.since(mark).assert_made_before_taken();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_seen_late() {
    let stage = Stage::new().await;
    let _controller = stage.start();
    stage.create("shop", &stage.spec(&[8000])).await;
    stage.until_in_sync("shop").await;
    for (from, to, lag, most) in [(8000, 8001, 4, 2), (8001, 8000, 20, 10)] {
        let before = stage.aws.rules_answer().await;
        let mark = stage.proxy.mark();
        let stale = stage.proxy.inject(Fault::on("DescribeSecurityGroupRules", Effect::rules_as_in(before)));
        stage.set_ports(&[to]).await;
        stage.until_asked(mark, "AuthorizeSecurityGroupIngress", 1).await;
        stage.until_asked(mark, "AuthorizeSecurityGroupEgress", 1).await;
        tokio::time::sleep(Duration::from_secs(lag)).await;
        let calls = stage.proxy.since(mark);
        assert!(calls.revokes().is_empty(), "nothing is taken before the new rules are seen:\n{}", calls.writes());
        assert!(calls.authorizes().len() <= most, "{from} to {to}: made again and again:\n{}", calls.writes());
        let in_sync = stage.condition("shop", "InSync").await;
        assert_ne!(in_sync["status"], "True", "not without having read the rules back: {in_sync}");
        assert!(stage.proxy.lift(stale) > 0, "the fault was met");
        stage.until_in_sync("shop").await;
        stage.assert_rules(Stage::expected(&[to]), "when reads are up to date").await;
        stage.proxy.since(mark).assert_made_before_taken();
    }
}

/// What AWS lacks in one answer only is not gone: even with hardly any delay nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn things_that_flicker() {
    let stage = Stage::new().await;
    let _controller = stage.start_with(&["--revocation-delay=1s", "--gone-after=1s"]);
    in_sync(&stage).await;
    let no_targets = Effect::rewrite(|_, answer| xml::retain(answer, "TargetHealthDescriptions", "member", |_| false));
    let flickers = [
        ("DescribeTargetHealth", no_targets),
        ("DescribeTargetGroups", Effect::refuse(400, "TargetGroupNotFound", "One or more target groups not found")),
        ("DescribeLoadBalancers", Effect::refuse(400, "LoadBalancerNotFound", "Load balancers not found")),
        (
            "DescribeRules",
            Effect::rewrite(|_, answer| {
                xml::retain(answer, "Rules", "member", |rule| xml::field(rule, "IsDefault") == Some("true"))
            }),
        ),
    ];
    let mark = stage.proxy.mark();
    for (action, effect) in flickers {
        let flicker = stage.proxy.inject(Fault::on(action, effect).times(1));
        let since = stage.proxy.mark();
        stage.until_asked(since, action, 3).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(stage.proxy.lift(flicker), 1, "{action} was asked");
        stage.proxy.since(mark).assert_no_writes();
    }
    stage.until_in_sync("shop").await;
    stage.assert_rules(with_clients(&["10.0.0.0/8"]), "after all").await;
}

/// One of two targets, with a group of its own, is missing from a single answer.
#[tokio::test(flavor = "multi_thread")]
async fn target_that_flickers() {
    let stage = Stage::new().await;
    let [shop, _] = &stage.target_groups;
    let [_, second] = stage.instances.clone();
    let fields = [("TargetGroupArn", shop.as_str()), ("Targets.member.1.Id", &second)];
    stage.aws.elb("RegisterTargets", &fields).await;
    let _controller = stage.start_with(&["--revocation-delay=1s", "--gone-after=1s"]);
    stage.create("shop", &derived(&["10.0.0.0/8"])).await;
    stage.until_in_sync("shop").await;
    let mut expected = with_clients(&["10.0.0.0/8"]);
    expected.extend(["alb egress tcp 8000 web ours".into(), "web ingress tcp 8000 alb ours".into()]);
    stage.assert_rules(expected.clone(), "both targets").await;
    let mark = stage.proxy.mark();
    let without = Effect::rewrite(move |_, answer| {
        xml::retain(answer, "TargetHealthDescriptions", "member", |target| !target.contains(&second))
    });
    let shop = shop.clone();
    let of_shop =
        move |call: &Call| call.action == "DescribeTargetHealth" && call.parameter("TargetGroupArn") == Some(&shop);
    let flicker = stage.proxy.inject(Fault::when(of_shop, without).times(1));
    stage.until_asked(mark, "DescribeTargetHealth", 6).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.proxy.lift(flicker), 1, "the fault was met");
    stage.proxy.since(mark).assert_no_writes();
    stage.assert_rules(expected, "afterwards").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_at_zero_change_nothing() {
    let stage = Stage::new().await;
    let _controller = stage.start_with(&["--revocation-delay=1s", "--gone-after=1s"]);
    in_sync(&stage).await;
    let mark = stage.proxy.mark();
    for (target_group, instance) in stage.target_groups.iter().zip(&stage.instances) {
        let fields = [("TargetGroupArn", target_group.as_str()), ("Targets.member.1.Id", instance)];
        stage.aws.elb("DeregisterTargets", &fields).await;
    }
    stage.until_asked(mark, "DescribeTargetHealth", 6).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.proxy.since(mark).assert_no_writes();
    stage.assert_rules(with_clients(&["10.0.0.0/8"]), "with no target").await;
}
