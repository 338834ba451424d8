//! Who may reach a load balancer: peers by all their names, and what is derived where none are declared.

use super::{BALANCER, FOR_ALL, IN, OPEN, OUT, STANDARD_RULES, TARGETS_COUNTS, bound, standard};
use crate::world::{World, estate, group};

const PARTNER: &str = "210987654321";

#[tokio::test]
async fn smallest_binding() {
    // Nobody said who may come to 8443, and it is not the web's.
    let estate = estate().internet_facing("shop").forward(443, "app").forward(8443, "app");
    let estate = estate.target_group("app", 8000).instance("APP-SG");
    let (world, _controller) = bound(estate, "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    world.expect_rules(&STANDARD_RULES).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] weight 2 in APP-SG",
        "ALB-SG in 1/60 out 1/60",
        TARGETS_COUNTS,
        "rules 3/3, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "ClientsNotDeclared", &rest).await;
}

#[tokio::test]
async fn a_door_that_others_opened_is_not_widened_by_silence() {
    let theirs = "ALB-SG in tcp 443 <- 203.0.113.0/24";
    let found = standard().group(group("ALB-SG").rule(theirs));
    let (world, _controller) = bound(found, "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    world.expect_rules(&[theirs, OUT, IN]).await;
}

#[tokio::test]
async fn a_client_group_is_found_by_name() {
    let found = standard().group(group("GATEWAY-SG").without_consent());
    let spec = "{loadBalancer: {name: shop}, clients: [{securityGroup: {name: GATEWAY-SG}}]}";
    let (world, _controller) = bound(found, spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- GATEWAY-SG", OUT, IN]).await;
}

#[tokio::test]
async fn a_client_group_is_found_by_tags() {
    let gateway = |name| group(name).without_consent().tag("role", "gateway");
    let found = standard().group(gateway("GATEWAY-SG").tag("stage", "prod")).group(gateway("TRIAL-SG"));
    // Too few tags fit two groups: which of them is meant is not guessed.
    let spec = "{loadBalancer: {name: shop}, clients: [{securityGroup: {tags: {role: gateway}}}]}";
    let (world, _controller) = bound(found, spec).await;
    let message = world.wait_for("shop", "Resolved=False SecurityGroupAmbiguous").await;
    assert!(message.ends_with("Name one by its id"), "{message}");
    world.wait_for("shop", "Ready=False SecurityGroupAmbiguous").await;
    world.rules_become(&[OUT, IN]).await;
    let tags = "{role: gateway, stage: prod}";
    world
        .apply("shop", &format!("{{loadBalancer: {{name: shop}}, clients: [{{securityGroup: {{tags: {tags}}}}}]}}"))
        .await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- GATEWAY-SG", OUT, IN]).await;
}

#[tokio::test]
async fn a_client_group_that_is_not_there_is_told() {
    let spec = "{loadBalancer: {name: shop}, clients: [{securityGroup: {name: GATEWAY-SG}}, {cidr: 10.0.0.0/8}]}";
    let (world, _controller) = bound(standard(), spec).await;
    let message = world.wait_for("shop", "Resolved=False SecurityGroupNotFound").await;
    assert_eq!(
        message.replace(world.vpc(), "VPC"),
        "a security group named \"GATEWAY-SG\" is not in VPC: check its spelling and spec.loadBalancer, which says the VPC, or \
         name it by its id"
    );
    // The others are let in.
    world.rules_become(&["ALB-SG in tcp 443 <- 10.0.0.0/8", OUT, IN]).await;
    world.build(estate().group(group("GATEWAY-SG").without_consent())).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- 10.0.0.0/8", "ALB-SG in tcp 443 <- GATEWAY-SG", OUT, IN]).await;
}

#[tokio::test]
async fn the_vpc_as_client_is_all_its_networks() {
    let (world, _controller) = bound(standard(), "{loadBalancer: {name: shop}, clients: [{vpc: true}]}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- 10.0.0.0/16", "ALB-SG in tcp 443 <- VPC-IPv6", OUT, IN]).await;
}

#[tokio::test]
async fn a_client_group_may_be_of_another_account() {
    let world = World::with(standard()).await;
    world.group_of_account("PARTNER-SG", PARTNER).await;
    let _controller = world.controller(&[]).await;
    let peer = format!("{{securityGroup: {{id: $PARTNER-SG, accountID: '{PARTNER}'}}}}");
    world.apply("shop", &format!("{{loadBalancer: {{name: shop}}, clients: [{peer}]}}")).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- 210987654321/PARTNER-SG", OUT, IN]).await;
    // It goes like any other.
    world.apply("shop", FOR_ALL).await;
    world.rules_become(&[OPEN, OUT, IN]).await;
}
