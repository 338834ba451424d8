//! A binding's life: consent, Observe, foreign rules, drift, changes, deletion.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::world::{Controller, Estate, REVOCATION_DELAY, World, estate, group};

/// An internet-facing load balancer that listens on 443, and an app on 8000.
fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

const STANDARD: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const OPEN: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
/// So long that what happens within a test did not wait for it.
const NO_DELAY_ENDS: [&str; 2] = ["--revocation-delay", "1h"];

/// A world with this in AWS, a controller, and the binding `shop`, which is ready.
async fn settled(estate: Estate, arguments: &[&str]) -> (World, Controller) {
    let world = World::with(estate).await;
    let controller = world.controller(arguments).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    (world, controller)
}

// Consent.

#[tokio::test]
async fn a_group_that_has_not_opted_in_is_not_written_until_it_does() {
    let world = World::with(standard().group(group("APP-SG").without_consent())).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    let message = world.wait_for("shop", "Ready=False SecurityGroupNotOptedIn").await;
    assert_eq!(
        world.named(message),
        "security group APP-SG has not opted in to be written by cluster team. If it may be: aws ec2 create-tags --region \
         eu-central-1 --resources APP-SG --tags Key=sgbind.dev/cluster/team,Value=owned \
         Key=sgbind.dev/namespaces,Value=team"
    );
    world.wait_for("shop", "Stalled=True SecurityGroupNotOptedIn").await;
    // The other group is served.
    world.rules_become(&[OPEN, OUT]).await;
    let consent = format!("sgbind.dev/cluster/{}", world.cluster());
    world.tag_group("APP-SG", &[(&consent, "owned"), ("sgbind.dev/namespaces", world.namespace())]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
}

#[tokio::test]
async fn a_namespace_that_a_group_does_not_list_writes_nothing_there() {
    let world = World::with(standard().group(group("ALB-SG").namespaces("shops payments"))).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    let message = world.wait_for("shop", "Ready=False NamespaceNotAllowed").await;
    assert_eq!(
        world.named(message),
        "security group ALB-SG may not be written for namespace team. If it may be: aws ec2 create-tags --region eu-central-1 \
         --resources ALB-SG --tags 'Key=sgbind.dev/namespaces,Value=shops payments team'"
    );
    world.rules_become(&[IN]).await;
    world.tag_group("ALB-SG", &[("sgbind.dev/namespaces", "*")]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
}

#[tokio::test]
async fn ingress_of_a_group_of_the_load_balancer_controller_is_left_alone() {
    let world = World::with(standard().group(group("ALB-SG").tag("elbv2.k8s.aws/cluster", "prod"))).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    let message = world.wait_for("shop", "Ready=False ManagedByLoadBalancerController").await;
    assert!(message.contains("leave ListenerIngress out of spec.manage"), "{message}");
    world.apply("shop", "{loadBalancer: {name: shop}, manage: [TargetEgress, TargetIngress]}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OUT, IN]).await;
}

#[tokio::test]
async fn a_shared_group_keeps_foreign_rules() {
    let foreign = "ALB-SG in tcp 22 <- 0.0.0.0/0";
    let world = World::with(standard().group(group("ALB-SG").shared().rule(foreign))).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}").await;
    world.wait_for("shop", "Ready=True ForeignRulesKept").await;
    world.status_has("shop", "foreign: ALB-SG ingress tcp 22 from 0.0.0.0/0").await;
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[OPEN, OUT, IN, foreign]).await;
}

// What is done, and what is only planned.

#[tokio::test]
async fn observe_plans_and_writes_nothing_until_enforced() {
    let world = World::with(standard()).await;
    let _controller = world.controller(&[]).await;
    let observe = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], enforcement: Observe}";
    world.apply("shop", observe).await;
    world.wait_for("shop", "Ready=True Planned").await;
    let planned = [
        "Ready=True Planned",
        "InSync=False Planned",
        "Reconciling=False Settled",
        "Resolved=True Resolved",
        "Stalled=False NotStalled",
        "load balancer shop: application internet-facing ipv4 ALB-SG",
        "target group app: ports [8000] weight 1 in APP-SG",
        "ALB-SG in 0/60 out 0/60",
        "APP-SG in 0/60 out 0/60",
        "rules 0/3, 3 missing, 0 surplus, 0 foreign",
        "plan: authorize ALB-SG egress tcp 8000 to APP-SG",
        "plan: authorize ALB-SG ingress tcp 443 from 0.0.0.0/0",
        "plan: authorize APP-SG ingress tcp 8000 from ALB-SG",
    ];
    world.expect_status("shop", &planned).await;
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[]).await;
    assert!(world.get("shop").await.metadata().finalizers.is_none(), "nothing to clean up");
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
    // Observe freezes.
    world.apply("shop", observe).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.revoke(&[IN]).await;
    world.wait_for("shop", "Ready=True Planned").await;
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[OPEN, OUT]).await;
}

#[tokio::test]
async fn read_only_plans_and_writes_nothing() {
    let world = World::with(standard()).await;
    let _controller = world.controller(&["--read-only"]).await;
    world.apply("shop", STANDARD).await;
    world.status_has("shop", "plan: authorize APP-SG ingress tcp 8000 from ALB-SG").await;
    world.wait_for("shop", "Ready=False Held").await;
    world.status_has("shop", "held: authorize ALB-SG ingress tcp 443 from 0.0.0.0/0: ReadOnly").await;
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn foreign_rules_are_reported_or_removed() {
    let (open_backend, ssh, admin) =
        ("APP-SG in tcp 8000 <- 0.0.0.0/0", "APP-SG in tcp 22 <- 10.0.0.0/8", "ALB-SG in tcp 22 <- 10.0.0.0/8");
    let wide = "APP-SG in tcp 8000-8010 <- 10.0.0.0/8";
    let to_itself = "APP-SG in tcp 8000 <- APP-SG";
    let found =
        standard().checked_every(5).group(group("APP-SG").rule(open_backend).rule(ssh).rule(wide).rule(to_itself));
    let arguments = [&NO_DELAY_ENDS[..], &["--tightening-watch", "1s"]].concat();
    let (mut world, _controller) = settled(found.group(group("ALB-SG").rule(admin)), &arguments).await;
    // The groups are tightened one after the other, each with a watch of forty seconds.
    world.be_patient_for(Duration::from_secs(120), Duration::from_millis(100));
    world.expect_rules(&[OPEN, OUT, IN, open_backend, ssh, wide, to_itself, admin]).await;
    let rest = [
        "load balancer shop: application internet-facing ipv4 ALB-SG",
        "target group app: ports [8000] weight 1 in APP-SG",
        "ALB-SG in 2/60 out 1/60",
        "APP-SG in 5/60 out 0/60",
        "rules 3/3, 0 missing, 0 surplus, 3 foreign",
        "foreign: APP-SG ingress tcp 8000 from 0.0.0.0/0",
        "foreign: APP-SG ingress tcp 8000-8010 from 10.0.0.0/8",
        "foreign: ALB-SG ingress tcp 22 from 10.0.0.0/8",
    ];
    world.expect_settled("shop", "InSync", &rest).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}").await;
    world.rules_become(&[OPEN, OUT, IN, ssh, wide, to_itself]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.status_has("shop", "rules 3/3, 0 missing, 0 surplus, 1 foreign").await;
}

// Change.

#[tokio::test]
async fn drift_is_repaired_and_told() {
    let (world, _controller) = settled(standard(), &[]).await;
    let made = world.rule_ids().await;
    world.revoke(&[IN]).await;
    world.rules_become(&[OPEN, OUT, IN]).await;
    assert_eq!(world.rule_ids().await.difference(&made).count(), 1);
    world.status_has("shop", "repaired: APP-SG ingress tcp 8000 from ALB-SG").await;
    world.wait_for("shop", "Ready=True InSync").await;
    let event = world.event("shop", "DriftRepaired").await;
    assert_eq!(event, "DriftRepaired: APP-SG ingress tcp 8000 from ALB-SG");
}

#[tokio::test]
async fn a_change_of_the_spec_acts_at_once() {
    let (world, _controller) = settled(standard(), &NO_DELAY_ENDS).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
    world.rules_become(&["ALB-SG in tcp 443 <- 10.0.0.0/8", OUT, IN]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let ports = "
        loadBalancer: {name: shop}
        clients: [{cidr: 10.0.0.0/8}]
        listeners: [{port: 8443}]
        targetGroups: [{name: app, ref: {name: app}, ports: [9000]}]";
    world.apply("shop", ports).await;
    let moved = ["ALB-SG in tcp 8443 <- 10.0.0.0/8", "ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"];
    world.rules_become(&moved).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.status_has("shop", "rules 3/3, 0 missing, 0 surplus, 0 foreign").await;
}

#[tokio::test]
async fn what_only_aws_no_longer_asks_for_stays_for_the_delay() {
    let (world, _controller) = settled(standard().group(group("NEW-SG")), &[]).await;
    let moved = Instant::now();
    world.deregister_all("app").await;
    world.register_instance("app", "NEW-SG").await;
    let new = [OPEN, "ALB-SG out tcp 8000 -> NEW-SG", "NEW-SG in tcp 8000 <- ALB-SG"];
    world.rules_become(&[&new[..], &[OUT, IN]].concat()).await;
    world.status_has("shop", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: RevocationDelay").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.rules_become(&new).await;
    assert!(moved.elapsed() >= REVOCATION_DELAY, "after {:?}", moved.elapsed());
    world.wait_for("shop", "Ready=True InSync").await;
    world.status_lacks("shop", "APP-SG").await;
}

#[tokio::test]
async fn targets_at_zero_change_nothing() {
    let (world, _controller) = settled(standard(), &[]).await;
    let made = world.rule_ids().await;
    world.deregister_all("app").await;
    sleep(REVOCATION_DELAY * 2).await;
    assert_eq!(world.rule_ids().await, made);
    world.wait_for("shop", "Ready=True InSync").await;
}

#[tokio::test]
async fn two_bindings_share_a_rule() {
    let (world, _controller) = settled(standard(), &[]).await;
    world.apply("also", STANDARD).await;
    world.wait_for("also", "Ready=True InSync").await;
    let described = |by: &str| [OPEN, OUT, IN].map(|rule| format!("{rule} (ours, \"sgbind team: {by}\")")).to_vec();
    world.rules_and_owners_become(described("alb/team/also, alb/team/shop")).await;
    world.delete("shop").await;
    world.rules_and_owners_become(described("alb/team/also")).await;
    world.delete("also").await;
    world.expect_rules(&[]).await;
}

// Finding.

#[tokio::test]
async fn an_ambiguous_load_balancer_is_told_and_mended() {
    let twins = standard().tag("team", "shop").internet_facing("twin").forward(443, "app").tag("team", "shop");
    let world = World::with(twins.tag("stage", "two")).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", "{loadBalancer: {tags: {team: shop}}, clients: [{cidr: 0.0.0.0/0}]}").await;
    let message = world.wait_for("shop", "Resolved=False LoadBalancerAmbiguous").await;
    assert!(message.contains("2 load balancers with tags team=shop: shop, twin."), "{message}");
    world.wait_for("shop", "Ready=False LoadBalancerAmbiguous").await;
    world.expect_rules(&[]).await;
    world.apply("shop", "{loadBalancer: {tags: {team: shop, stage: two}}, clients: [{cidr: 0.0.0.0/0}]}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
}

#[tokio::test]
async fn a_load_balancer_that_appears_later_is_found() {
    let world = World::new().await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    let message = world.wait_for("shop", "Resolved=False LoadBalancerNotFound").await;
    assert!(message.starts_with("no load balancer named \"shop\" in 123456789012/eu-central-1"), "{message}");
    world.build(standard()).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
}

// The end.

#[tokio::test]
async fn deletion_revokes() {
    let foreign = "APP-SG in tcp 22 <- 10.0.0.0/8";
    let (world, _controller) = settled(standard().group(group("APP-SG").rule(foreign)), &NO_DELAY_ENDS).await;
    world.delete("shop").await;
    world.expect_rules(&[foreign]).await;
}

#[tokio::test]
async fn deletion_with_retain_leaves_the_rules_without_an_owner() {
    let (world, _controller) = settled(standard(), &[]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], deletionPolicy: Retain}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    let made = world.rule_ids().await;
    world.delete("shop").await;
    assert_eq!(world.rule_ids().await, made);
    let owners = world.rules_and_owners().await;
    assert!(owners.iter().all(|rule| rule.contains("(foreign, ")), "{owners:#?}");
}

#[tokio::test]
async fn an_abandoned_binding_goes_and_its_rules_stay() {
    let (world, _controller) = settled(standard(), &[]).await;
    let rules = world.rules_and_owners().await;
    world.apply_annotated("shop", json!({"sgbind.dev/abandon": "true"}), STANDARD).await;
    world.delete("shop").await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.rules_and_owners().await, rules);
}

#[tokio::test]
async fn deletion_without_consent_leaves_the_rules_and_says_which() {
    let (world, _controller) = settled(standard(), &[]).await;
    world.withdraw_consent("APP-SG").await;
    world.delete("shop").await;
    world.expect_rules(&[IN]).await;
    let event = world.event("shop", "RulesLeft").await;
    assert_eq!(event, "RulesLeft: consent was withdrawn, so these rules stay: APP-SG ingress tcp 8000 from ALB-SG");
}

#[tokio::test]
async fn deletion_needs_no_load_balancer() {
    let (world, _controller) = settled(standard(), &NO_DELAY_ENDS).await;
    world.remove_load_balancer("shop").await;
    world.wait_for("shop", "Ready=False LoadBalancerNotFound").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
    world.delete("shop").await;
    world.expect_rules(&[]).await;
}
