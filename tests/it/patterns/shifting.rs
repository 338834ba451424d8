//! Two target groups between which traffic is shifted.

use std::time::Duration;

use tokio::time::sleep;

use super::{BALANCER, OPEN, Row, bound};
use crate::world::{Estate, World, estate, group};

const BLUE_GREEN: &str = "
    loadBalancer: {name: shop}
    clients: [{cidr: 0.0.0.0/0}]
    targetGroups:
    - name: blue
      ref: {name: shop-blue}
    - name: green
      ref: {name: shop-green}
    blueGreen: {blue: blue, green: green}";
const BLUE: [&str; 2] = ["ALB-SG out tcp 8000 -> BLUE-SG", "BLUE-SG in tcp 8000 <- ALB-SG"];
const GREEN: [&str; 2] = ["ALB-SG out tcp 8000 -> GREEN-SG", "GREEN-SG in tcp 8000 <- ALB-SG"];

fn both() -> Vec<&'static str> {
    [&[OPEN], &BLUE[..], &GREEN].concat()
}

/// Target groups with a target each.
fn with_targets(estate: Estate) -> Estate {
    estate.target_group("shop-blue", 8000).instance("BLUE-SG").target_group("shop-green", 8000).instance("GREEN-SG")
}

/// The whole status while traffic is shifted so.
async fn expect_shifted(world: &World, blue: i32, green: i32, active: &str) {
    world.status_has("shop", &format!("active {active} of {{\"blue\": {blue}, \"green\": {green}}}")).await;
    let shifted = [
        format!("target group blue: ports [8000] weight {blue} in BLUE-SG"),
        format!("target group green: ports [8000] weight {green} in GREEN-SG"),
        format!("active {active} of {{\"blue\": {blue}, \"green\": {green}}}"),
    ];
    let rest = [
        "BlueGreenReady=True InSync",
        BALANCER,
        "ALB-SG in 1/60 out 2/60",
        "BLUE-SG in 1/60 out 0/60",
        "GREEN-SG in 1/60 out 0/60",
        "rules 5/5, 0 missing, 0 surplus, 0 foreign",
    ];
    let rest: Vec<&str> = rest.into_iter().chain(shifted.iter().map(String::as_str)).collect();
    world.expect_settled("shop", "InSync", &rest).await;
}

#[tokio::test]
async fn alb_blue_green() {
    let situation = "Traffic is shifted between two target groups by their weights. Both stay open all the time, whatever \
        the weights, 0 included, so that no shift ever waits for a rule.";
    let estate = with_targets(estate().internet_facing("shop").weighted(443, &[("shop-blue", 100), ("shop-green", 0)]));
    let mut row = Row::new("alb-blue-green", situation, estate).await;
    row.bind(BLUE_GREEN).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.world.wait_for("shop", "BlueGreenReady=True InSync").await;
    row.rules(&both()).await;
    let ids = row.world.rule_ids().await;
    for (blue, green, active) in [(100, 0, "blue"), (50, 50, "none"), (0, 100, "green")] {
        row.world.forward_to("shop:443", &[("shop-blue", blue), ("shop-green", green)]).await;
        expect_shifted(&row.world, blue, green, active).await;
        assert_eq!(row.world.rule_ids().await, ids, "the rules stay, whatever the weights");
    }
    row.show();
}

#[tokio::test]
async fn weights_of_rules_count_as_those_of_listeners_do() {
    let estate = estate()
        .internet_facing("shop")
        .weighted(443, &[("shop-blue", 60), ("shop-green", 40)])
        .path_weighted("/new/*", &[("shop-blue", 10), ("shop-green", 90)]);
    let (world, _controller) = bound(with_targets(estate), BLUE_GREEN).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&both()).await;
    let ids = world.rule_ids().await;
    expect_shifted(&world, 70, 130, "green").await;
    world.forward_path_to("shop:443/new/*", &[("shop-blue", 90), ("shop-green", 10)]).await;
    expect_shifted(&world, 150, 50, "blue").await;
    assert_eq!(world.rule_ids().await, ids);
}

#[tokio::test]
async fn weights_may_stand_in_rules_alone() {
    let estate =
        estate().internet_facing("shop").redirect(443).path_weighted("/*", &[("shop-blue", 0), ("shop-green", 5)]);
    let (world, _controller) = bound(with_targets(estate), BLUE_GREEN).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&both()).await;
    expect_shifted(&world, 0, 5, "green").await;
}

#[tokio::test]
async fn traffic_may_not_be_shifted_to_a_group_that_never_had_a_target() {
    let estate = estate().internet_facing("shop").weighted(443, &[("shop-blue", 100), ("shop-green", 0)]);
    let estate = estate.target_group("shop-blue", 8000).instance("BLUE-SG").target_group("shop-green", 8000);
    let (world, _controller) = bound(estate.group(group("GREEN-SG")), BLUE_GREEN).await;
    let message = world.wait_for("shop", "Resolved=False NoTargetsRegistered").await;
    assert!(message.starts_with("target group green has no registered target"), "{message}");
    world.rules_become(&[&[OPEN], &BLUE[..]].concat()).await;
    world.wait_for("shop", "BlueGreenReady=False Applying").await;
    world.register_instance("shop-green", "GREEN-SG").await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    world.expect_rules(&both()).await;
    world.wait_for("shop", "Ready=True InSync").await;
}

#[tokio::test]
async fn traffic_may_not_be_shifted_to_a_group_that_has_not_opted_in() {
    let estate = estate().internet_facing("shop").weighted(443, &[("shop-blue", 100), ("shop-green", 0)]);
    let estate = with_targets(estate).group(group("GREEN-SG").without_consent());
    let (world, _controller) = bound(estate, BLUE_GREEN).await;
    world.wait_for("shop", "Ready=False SecurityGroupNotOptedIn").await;
    world.rules_become(&[&[OPEN], &BLUE[..], &[GREEN[0]]].concat()).await;
    world.wait_for("shop", "BlueGreenReady=False Applying").await;
    let consent = format!("sgbind.dev/cluster/{}", world.cluster());
    world.tag_group("GREEN-SG", &[(&consent, "owned"), ("sgbind.dev/namespaces", world.namespace())]).await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    world.expect_rules(&both()).await;
    world.wait_for("shop", "Ready=True InSync").await;
}

#[tokio::test]
async fn traffic_may_not_be_shifted_to_a_group_of_which_one_target_is_not_understood() {
    let estate = estate().internet_facing("shop").weighted(443, &[("shop-blue", 100), ("shop-green", 0)]);
    // Which of the second target's groups is meant is not known, so nothing admits the load balancer there.
    let estate = with_targets(estate).instance_in(&["ONE-SG", "OTHER-SG"]);
    let (world, _controller) = bound(estate, BLUE_GREEN).await;
    world.wait_for("shop", "Ready=False SecurityGroupAmbiguous").await;
    world.rules_become(&both()).await;
    world.wait_for("shop", "Ready=False SecurityGroupAmbiguous").await;
    sleep(Duration::from_secs(2)).await;
    world.wait_for("shop", "BlueGreenReady=False Applying").await;
}

#[tokio::test]
async fn traffic_may_not_be_shifted_while_a_rule_is_missing() {
    let estate = with_targets(estate().internet_facing("shop").weighted(443, &[("shop-blue", 1), ("shop-green", 0)]));
    let (world, _controller) = bound(estate, BLUE_GREEN).await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    // Nothing puts it back.
    world.apply("shop", &format!("{BLUE_GREEN}\n    enforcement: Observe")).await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    world.revoke(&[GREEN[1]]).await;
    world.wait_for("shop", "BlueGreenReady=False Applying").await;
    world.apply("shop", BLUE_GREEN).await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    world.expect_rules(&both()).await;
}
