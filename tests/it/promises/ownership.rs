//! Whose a rule is, and what may be done with it.

use std::collections::BTreeSet;
use std::time::Duration;

use sgbind::model::Orphans;
use sgbind_sim::aws::HOME_ACCOUNT;
use tokio::time::sleep;

use super::stand::Stand;
use super::virtually::{
    ACCESS, CLIENTS, IN, IN_SYNC, OUT, RULES, SPEC, identity, made, remove_by_force, standard, stay, tag_of,
};
use crate::simulation::{Controller, Stage};
use crate::world::{estate, group};

const FOREIGN: &str = "APP-SG in tcp 8000 <- 10.0.0.0/8";

/// Foreign rules in all that a binding governs, which says `Report`.
pub async fn foreign_rules_stay_under_report(stand: Stand) {
    let alb = group("ALB-SG").with_default_egress().rule("ALB-SG in tcp 22 <- 10.0.0.0/8");
    let stage = stand.simulated(standard().group(alb).group(group("APP-SG").rule(FOREIGN))).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    made(&stage, &RULES).await;
    stand.begins();
    let foreign = ["ALB-SG in tcp 22 <- 10.0.0.0/8", "ALB-SG out all -> 0.0.0.0/0", "ALB-SG out all -> ::/0", FOREIGN];
    stay(&stage, &[&RULES[..], &foreign[..]].concat()).await;
    stage.world.wait_for("shop", IN_SYNC).await;
    stage.world.delete("shop").await;
    stay(&stage, &foreign).await;
}

/// A rule that is needed is there already, made by hand.
pub async fn a_needed_foreign_rule_is_adopted_under_remove_only(stand: Stand) {
    let stage = stand.simulated(standard().group(group("ALB-SG")).group(group("APP-SG").rule(IN))).await;
    let (world, _controller) = (&stage.world, stage.start("first"));
    world.apply("shop", SPEC).await;
    made(&stage, &RULES).await;
    stand.begins();
    stay(&stage, &RULES).await;
    world.expect_tags(IN, &[]).await;
    world.delete("shop").await;
    world.expect_rules(&[IN]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}").await;
    world.wait_for("shop", IN_SYNC).await;
    world.expect_rules(&RULES).await;
    world.event("shop", "RulesAdopted").await;
    sleep(Duration::from_secs(120)).await;
    world.expect_tags(IN, &[(&tag_of(world), &identity(world).await)]).await;
    world.delete("shop").await;
    world.expect_rules(&[]).await;
}

const SSH: &str = "APP-SG in tcp 22 <- 10.0.0.0/8";
const SSH_ACCESS: &str = "{securityGroup: {id: $APP-SG}, ingress: [{services: [SSH], from: [{cidr: 10.0.0.0/8}]}]}";

/// Two rules of another cluster of our name, of which one is needed here.
async fn of_another_identity(stand: &Stand) -> Stage {
    let stage = stand.simulated(standard().group(group("ALB-SG")).group(group("APP-SG").rule(IN).rule(SSH))).await;
    for rule in [IN, SSH] {
        stage.world.tag_rule(rule, &tag_of(&stage.world), "uid-of-former").await;
    }
    stage
}

/// Both clusters are there.
pub async fn rules_of_another_identity_are_never_touched(stand: Stand) {
    let stage = of_another_identity(&stand).await;
    let world = &stage.world;
    let _controller = stage.start("first");
    world.apply("shop", SPEC).await;
    made(&stage, &[CLIENTS, OUT]).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT, IN, SSH]).await;
    let message = world.wait_for("shop", "Ready=False IdentityConflict").await;
    assert!(
        message.contains("2 rules of security group") && message.contains("--take-over uid-of-former"),
        "{message}"
    );
    for rule in [IN, SSH] {
        world.expect_tags(rule, &[(&tag_of(world), "uid-of-former")]).await;
    }
    world.delete("shop").await;
    stay(&stage, &[IN, SSH]).await;
}

/// The other cluster is gone, and an operator says so.
pub async fn rules_of_a_former_cluster_are_taken_over(stand: Stand) {
    let stage = of_another_identity(&stand).await;
    let world = &stage.world;
    let first = stage.start_with("first", |settings| {
        settings.take_over = BTreeSet::from(["uid-of-former".into()]);
    });
    world.apply("shop", SPEC).await;
    made(&stage, &[CLIENTS, OUT]).await;
    stand.begins();
    stay(&stage, &RULES).await;
    world.wait_for("shop", IN_SYNC).await;
    world.expect_tags(IN, &[(&tag_of(world), &identity(world).await)]).await;
    let described = RULES.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    world.rules_and_owners_become(described.to_vec()).await;
    // From then on it does not have to be said.
    first.stop().await;
    let _second = stage.start("second");
    world.delete("shop").await;
    world.expect_rules(&[]).await;
}

/// The binding's finalizer was removed by force, and an access has to do with one of its groups.
async fn orphaned(stand: &Stand) -> Stage {
    let stage = stand.simulated(standard()).await;
    let first = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    stage.world.apply("sga/app", SSH_ACCESS).await;
    stage.world.wait_for("shop", IN_SYNC).await;
    stage.world.wait_for("sga/app", IN_SYNC).await;
    first.stop().await;
    remove_by_force(&stage.world, "shop").await;
    stage
}

fn revoking(stage: &Stage) -> Controller {
    stage.start_with("second", |settings| settings.orphans = Orphans::Revoke)
}

/// By default they are told of.
pub async fn orphans_are_reported_and_stay(stand: Stand) {
    let stage = orphaned(&stand).await;
    stand.begins();
    let _second = stage.start("second");
    stay(&stage, &[CLIENTS, OUT, IN, SSH]).await;
    stage.world.status_has("sga/app", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: Orphan").await;
    stage.world.wait_for("sga/app", IN_SYNC).await;
    // Whoever leaves the group is told no more.
    stage.world.apply("sga/app", "{securityGroup: {id: $ALB-SG}, egress: []}").await;
    stage.world.status_lacks("sga/app", "APP-SG ingress").await;
    stage.world.status_lacks("sga/app", "APP-SG in").await;
    stage.world.expect_rules(&RULES).await;
}

/// They are to go, also in a group with which no object has to do.
pub async fn orphans_go_where_they_are_to(stand: Stand) {
    let stage = orphaned(&stand).await;
    stand.begins();
    let _second = revoking(&stage);
    stay(&stage, &[SSH]).await;
    stage.world.wait_for("sga/app", IN_SYNC).await;
    stage.world.status_lacks("sga/app", "held").await;
}

/// They are to go, and one of the groups does not let their namespace write any more.
pub async fn orphans_go_only_with_consent(stand: Stand) {
    let stage = orphaned(&stand).await;
    stand.begins();
    stage.world.tag_group("ALB-SG", &[("sgbind.dev/namespaces", "another")]).await;
    let _second = revoking(&stage);
    stay(&stage, &[CLIENTS, OUT, SSH]).await;
}

/// The targets' group carries no tag of ours.
pub async fn a_group_that_has_not_opted_in_is_not_written(stand: Stand) {
    let stage = stand.simulated(standard().group(group("APP-SG").without_consent())).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    made(&stage, &[CLIENTS, OUT]).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT]).await;
    let message = stage.world.wait_for("shop", "Ready=False SecurityGroupNotOptedIn").await;
    assert!(message.contains("aws ec2 create-tags"), "{message}");
    stage.world.status_has("shop", "held: authorize APP-SG ingress tcp 8000 from ALB-SG: NotPermitted").await;
}

/// The targets' group lets another namespace write.
pub async fn a_group_is_not_written_for_a_namespace_that_it_does_not_list(stand: Stand) {
    let stage = stand.simulated(standard().group(group("APP-SG").namespaces("another"))).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    made(&stage, &[CLIENTS, OUT]).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT]).await;
    stage.world.wait_for("shop", "Ready=False NamespaceNotAllowed").await;
}

/// AWS refuses to revoke for a while.
pub async fn an_object_goes_when_its_rules_are_seen_to_be_gone(stand: Stand) {
    let stage = stand.simulated(standard()).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    stage.world.wait_for("shop", IN_SYNC).await;
    stand.begins();
    stage.simulation.aws.world().deny(HOME_ACCOUNT, "RevokeSecurityGroupIngress");
    stage.world.begin_to_delete("shop").await;
    stay(&stage, &[CLIENTS, IN]).await;
    assert!(stage.object("shop").is_some(), "it is gone, and its rules are not");
    stage.simulation.aws.world().allow(HOME_ACCOUNT, "RevokeSecurityGroupIngress");
    stage.world.gone("shop").await;
    stage.world.expect_rules(&[]).await;
}

/// Neighbouring ports, and an access that needs one of them from elsewhere.
pub async fn nothing_is_opened_that_nobody_declares(stand: Stand) {
    let balancer = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000);
    let stage = stand.simulated(balancer.instance("APP-SG").instance_on("APP-SG", 8001)).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    stage.world.apply("sga/app", ACCESS).await;
    stage.world.status_has("shop", "Ready=").await;
    stand.begins();
    let next = ["ALB-SG out tcp 8001 -> APP-SG", "APP-SG in tcp 8001 <- ALB-SG"];
    stay(&stage, &[&RULES[..], &next[..]].concat()).await;
}

/// The same on the real API server and moto, with what the metrics say.
#[tokio::test]
async fn orphans_are_told_of_by_real_parts() {
    let world = Stand::default().moto(standard()).await;
    let first = world.controller(&[]).await;
    world.apply("shop", SPEC).await;
    world.apply("sga/app", SSH_ACCESS).await;
    world.wait_for("shop", IN_SYNC).await;
    world.wait_for("sga/app", IN_SYNC).await;
    first.terminate().await;
    remove_by_force(&world, "shop").await;
    let second = world.controller(&[]).await;
    world.status_has("sga/app", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: Orphan").await;
    world.wait_for("sga/app", IN_SYNC).await;
    let deadline = world.deadline();
    // Two of them are in a group with which no object has to do.
    while !second.get("/metrics").await.1.contains("sgbind_held_steps{reason=\"Orphan\"} 3") {
        assert!(deadline.is_ahead().await, "{}", second.get("/metrics").await.1);
    }
    world.expect_rules(&[CLIENTS, OUT, IN, SSH]).await;
}
