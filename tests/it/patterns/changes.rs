//! What AWS's side does without asking: target groups that are swapped out of listeners and in again, load balancers
//! that vanish, interfaces with several groups. (Targets that come and go stand in `lifecycle`.)

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{FOR_ALL, IN, OPEN, OUT, STANDARD_RULES, bound, facing, standard};
use crate::world::{Controller, REVOCATION_DELAY, World, estate, group};

// Target groups that leave the listeners.

#[tokio::test]
async fn a_target_group_out_of_the_listeners_keeps_its_rules_while_it_has_targets() {
    let estate = estate().internet_facing("shop").forward(443, "blue");
    let estate = estate.target_group("blue", 8000).instance("BLUE-SG").target_group("green", 8000).instance("GREEN-SG");
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let blue = [OPEN, "ALB-SG out tcp 8000 -> BLUE-SG", "BLUE-SG in tcp 8000 <- ALB-SG"];
    let both = [&blue[..], &["ALB-SG out tcp 8000 -> GREEN-SG", "GREEN-SG in tcp 8000 <- ALB-SG"]].concat();
    world.expect_rules(&blue).await;

    // Out, and another in its place.
    world.forward_to("shop:443", &[("green", 1)]).await;
    world.rules_become(&both).await;
    let ids = world.rule_ids().await;
    sleep(REVOCATION_DELAY + Duration::from_secs(5)).await;
    assert_eq!(world.rule_ids().await, ids);
    world.wait_for("shop", "Ready=True InSync").await;
    world.status_has("shop", "target group blue: ports [8000] weight 0 in BLUE-SG").await;

    // Back in again.
    world.forward_to("shop:443", &[("blue", 1)]).await;
    world.status_has("shop", "target group blue: ports [8000] weight 1 in BLUE-SG").await;
    world.status_has("shop", "target group green: ports [8000] weight 0 in GREEN-SG").await;
    assert_eq!(world.rule_ids().await, ids);

    // Out without targets.
    let emptied = Instant::now();
    world.deregister_all("green").await;
    world.rules_become(&blue).await;
    assert!(emptied.elapsed() >= REVOCATION_DELAY, "after {:?}", emptied.elapsed());
    assert!(world.rule_ids().await.is_subset(&ids), "blue's rules were there all the time");
    world.wait_for("shop", "Ready=True InSync").await;
    world.status_lacks("shop", "GREEN-SG").await;
}

// Targets that move.

#[tokio::test]
async fn a_target_on_one_more_port_is_reached_at_once_and_no_longer_after_the_delay() {
    let estate = facing().target_group("app", 8000).instance_on("APP-SG", 8000);
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let ids = world.rule_ids().await;
    world.register_instance_on("app", "APP-SG", 8001).await;
    let more = ["ALB-SG out tcp 8001 -> APP-SG", "APP-SG in tcp 8001 <- ALB-SG"];
    world.rules_become(&[&STANDARD_RULES[..], &more].concat()).await;
    let left = Instant::now();
    world.deregister_port("app", 8001).await;
    world.rules_become(&STANDARD_RULES).await;
    assert!(left.elapsed() >= REVOCATION_DELAY, "after {:?}", left.elapsed());
    assert_eq!(world.rule_ids().await, ids);
}

// Load balancers that vanish.

/// So long that a test sees both sides of it.
const GONE_AFTER: Duration = Duration::from_secs(15);

/// The standard binding in sync, under a controller for which a thing is gone after this time.
async fn settled() -> (World, Controller) {
    let world = World::with(standard()).await;
    let gone_after = format!("{}s", GONE_AFTER.as_secs());
    let controller = world.controller(&["--gone-after", &gone_after, "--revocation-delay", "1s"]).await;
    world.apply("shop", FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    (world, controller)
}

#[tokio::test]
async fn rules_of_a_load_balancer_that_vanished_go_when_it_counts_as_gone() {
    let (world, _controller) = settled().await;
    let ids = world.rule_ids().await;
    let removed = Instant::now();
    world.remove_load_balancer("shop").await;
    world.wait_for("shop", "Resolved=False LoadBalancerNotFound").await;
    world.wait_for("shop", "Ready=False LoadBalancerNotFound").await;
    while removed.elapsed() < GONE_AFTER - Duration::from_secs(1) {
        assert_eq!(world.rule_ids().await, ids, "after {:?}", removed.elapsed());
        sleep(Duration::from_millis(500)).await;
    }
    world.rules_become(&[]).await;
    world.wait_for("shop", "Ready=False LoadBalancerNotFound").await;
}

#[tokio::test]
async fn a_load_balancer_that_is_back_in_time_loses_no_rule() {
    let (world, _controller) = settled().await;
    let ids = world.rule_ids().await;
    world.remove_load_balancer("shop").await;
    world.wait_for("shop", "Ready=False LoadBalancerNotFound").await;
    world.build(facing()).await;
    world.wait_for("shop", "Ready=True InSync").await;
    sleep(GONE_AFTER + Duration::from_secs(3)).await;
    assert_eq!(world.rule_ids().await, ids);
    world.wait_for("shop", "Ready=True InSync").await;
}

// Interfaces with several groups.

#[tokio::test]
async fn of_several_groups_on_an_interface_the_opted_in_one_is_meant() {
    let estate = facing().target_group("app", 8000).instance_in(&["APP-SG", "MONITORING-SG"]);
    let estate = estate.group(group("MONITORING-SG").without_consent());
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
}

#[tokio::test]
async fn of_several_opted_in_groups_on_an_interface_one_must_be_named() {
    let estate = facing().target_group("app", 8000).instance_in(&["APP-SG", "OTHER-SG"]);
    let (world, _controller) = bound(estate, FOR_ALL).await;
    let message = world.wait_for("shop", "Resolved=False SecurityGroupAmbiguous").await;
    assert!(message.contains("name the one that is meant in spec.targetGroups[].securityGroups"), "{message}");
    world.wait_for("shop", "Ready=False SecurityGroupAmbiguous").await;
    world.expect_rules(&[OPEN]).await;
    let named = "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        targetGroups: [{name: app, ref: {name: app}, securityGroups: [{name: APP-SG}]}]";
    world.apply("shop", named).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
}

#[tokio::test]
async fn of_several_groups_on_an_interface_one_must_have_opted_in() {
    let estate = facing().target_group("app", 8000).instance_in(&["APP-SG", "OTHER-SG"]);
    let estate = estate.group(group("APP-SG").without_consent()).group(group("OTHER-SG").without_consent());
    let (world, _controller) = bound(estate, FOR_ALL).await;
    let message = world.wait_for("shop", "Ready=False SecurityGroupNotOptedIn").await;
    assert!(message.contains("has several security groups"), "{message}");
    assert!(message.contains("aws ec2 create-tags"), "{message}");
    world.rules_become(&[OPEN]).await;
}

#[tokio::test]
async fn of_several_opted_in_groups_of_a_load_balancer_one_must_be_named() {
    let estate = standard().in_groups(&["ALB-SG", "EDGE-SG"]);
    let (world, _controller) = bound(estate, FOR_ALL).await;
    let message = world.wait_for("shop", "Resolved=False SecurityGroupAmbiguous").await;
    assert!(message.contains("name the one that is meant in spec.loadBalancer.securityGroup"), "{message}");
    world.expect_rules(&[]).await;
    let named = "{loadBalancer: {name: shop, securityGroup: {name: ALB-SG}}, clients: [{cidr: 0.0.0.0/0}]}";
    world.apply("shop", named).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[OPEN, OUT, IN]).await;
}
