//! An access's life: what it governs, whom it shares a group with, Observe, drift, deletion.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{applied, groups};
use crate::world::{World, estate, group};

const SSH: &str = "DB-SG in tcp 22 <- 10.0.0.0/8";
const MYSQL: &str = "DB-SG in tcp 3306 <- 10.0.0.0/8";
const EGRESS: [&str; 2] = ["DB-SG out all -> 0.0.0.0/0", "DB-SG out all -> ::/0"];
const FOR_MYSQL: &str = "
    securityGroup: {id: $DB-SG}
    ingress: [{services: [MySQL], from: [{cidr: 10.0.0.0/8}]}]";

#[tokio::test]
async fn a_direction_that_is_absent_is_not_governed() {
    let found = estate().group(group("DB-SG").with_default_egress().rule(SSH));
    let (world, _controller) = applied(found, FOR_MYSQL).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.rules_become(&[SSH, MYSQL, EGRESS[0], EGRESS[1]]).await;
    world.status_has("sga/db", "rules 1/1, 0 missing, 0 surplus, 1 foreign").await;
    world.status_has("sga/db", "foreign: DB-SG ingress tcp 22 from 10.0.0.0/8").await;
    world.apply("sga/db", &format!("{FOR_MYSQL}\n    foreignRules: Remove")).await;
    world.rules_become(&[MYSQL, EGRESS[0], EGRESS[1]]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    // It is not governed, so it is not counted either.
    world.status_has("sga/db", "rules 1/1, 0 missing, 0 surplus, 0 foreign").await;
}

#[tokio::test]
async fn an_empty_list_means_that_nothing_is_allowed() {
    let found = estate().group(group("DB-SG").with_default_egress().rule(SSH).rule(MYSQL));
    let (world, _controller) = applied(found, "{securityGroup: {id: $DB-SG}, egress: [], ingress: []}").await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.status_has("sga/db", "rules 0/0, 0 missing, 0 surplus, 4 foreign").await;
    world.expect_rules(&[SSH, MYSQL, EGRESS[0], EGRESS[1]]).await;
    world.apply("sga/db", "{securityGroup: {id: $DB-SG}, egress: [], foreignRules: Remove}").await;
    world.rules_become(&[SSH, MYSQL]).await;
    world.apply("sga/db", "{securityGroup: {id: $DB-SG}, ingress: [], egress: [], foreignRules: Remove}").await;
    world.rules_become(&[]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
}

#[tokio::test]
async fn what_it_says_of_a_rule_stands_in_the_rules_description() {
    let spec = |text: &str| {
        format!("{FOR_MYSQL}\n    enforcement: Enforce").replace("}]}]", &format!("}}], description: '{text}'}}]"))
    };
    let (world, _controller) = applied(groups(&["DB-SG"]), &spec("the office (2nd floor)")).await;
    let described = |by: &str| vec![format!("{MYSQL} (ours, \"sgbind team: {by}\")")];
    world.rules_and_owners_become(described("sga/team/db - the office (2nd floor)")).await;
    let ids = world.rule_ids().await;
    world.apply("sga/also", &spec("reports")).await;
    world.rules_and_owners_become(described("sga/team/also, sga/team/db - reports; the office (2nd floor)")).await;
    world.apply("sga/db", FOR_MYSQL).await;
    world.rules_and_owners_become(described("sga/team/also, sga/team/db - reports")).await;
    world.delete("sga/also").await;
    world.rules_and_owners_become(described("sga/team/db")).await;
    assert_eq!(world.rule_ids().await, ids, "the rule was never away");
}

#[tokio::test]
async fn a_change_acts_at_once_and_drift_is_repaired() {
    let (world, _controller) = applied(groups(&["DB-SG"]), FOR_MYSQL).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.apply("sga/db", &FOR_MYSQL.replace("MySQL", "SSH")).await;
    world.rules_become(&[SSH]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.revoke(&[SSH]).await;
    world.rules_become(&[SSH]).await;
    world.status_has("sga/db", "repaired: DB-SG ingress tcp 22 from 10.0.0.0/8").await;
    let event = world.event("sga/db", "DriftRepaired").await;
    assert_eq!(event, "DriftRepaired: DB-SG ingress tcp 22 from 10.0.0.0/8");
}

#[tokio::test]
async fn observe_plans_and_writes_nothing() {
    let found = estate().group(group("DB-SG").rule(SSH));
    let observe = format!("{FOR_MYSQL}\n    enforcement: Observe\n    foreignRules: Remove");
    let (world, _controller) = applied(found, &observe).await;
    world.wait_for("sga/db", "Ready=True Planned").await;
    let planned = [
        "Ready=True Planned",
        "InSync=False Planned",
        "Reconciling=False Settled",
        "Resolved=True Resolved",
        "Stalled=False NotStalled",
        "writes DB-SG",
        "DB-SG in 1/60 out 0/60",
        "rules 0/1, 1 missing, 0 surplus, 1 foreign",
        "foreign: DB-SG ingress tcp 22 from 10.0.0.0/8",
        "plan: authorize DB-SG ingress tcp 3306 from 10.0.0.0/8",
        "plan: revoke DB-SG ingress tcp 22 from 10.0.0.0/8",
    ];
    world.expect_status("sga/db", &planned).await;
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[SSH]).await;
    world.apply("sga/db", &format!("{FOR_MYSQL}\n    foreignRules: Remove")).await;
    world.rules_become(&[MYSQL]).await;
}

#[tokio::test]
async fn without_consent_nothing_is_written() {
    let (world, _controller) = applied(estate().group(group("DB-SG").without_consent()), FOR_MYSQL).await;
    let message = world.wait_for("sga/db", "Ready=False SecurityGroupNotOptedIn").await;
    assert!(world.named(message).contains("aws ec2 create-tags --region eu-central-1 --resources DB-SG"));
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn ingress_of_a_group_of_the_load_balancer_controller_is_left_alone() {
    let found = estate().group(group("DB-SG").tag("elbv2.k8s.aws/cluster", "prod").rule(SSH));
    let spec = format!(
        "{FOR_MYSQL}\n    egress: [{{services: [HTTPS], to: [{{cidr: 10.0.0.0/8}}]}}]\n    foreignRules: Remove"
    );
    let (world, _controller) = applied(found, &spec).await;
    let message = world.wait_for("sga/db", "Ready=False ManagedByLoadBalancerController").await;
    assert!(message.contains("leave spec.ingress out"), "{message}");
    world.rules_become(&[SSH, "DB-SG out tcp 443 -> 10.0.0.0/8"]).await;
}

/// A binding needs some rules of the targets' group, an access others, and the access alone governs all of its ingress.
#[tokio::test]
async fn a_binding_and_an_access_share_a_group() {
    let wide = "APP-SG in tcp 8000-8010 <- 10.0.0.0/8";
    let found = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    let world = World::with(found.group(group("APP-SG").rule(wide))).await;
    let _controller = world.controller(&[]).await;
    let binding = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}";
    let pattern = ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
    let ssh = "APP-SG in tcp 22 <- 10.0.0.0/8";
    world.apply("shop", binding).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[&pattern[..], &[wide]].concat()).await;
    let access = |policy: &str| {
        format!(
            "{{securityGroup: {{id: $APP-SG}}, ingress: [{{services: [SSH], from: [{{cidr: 10.0.0.0/8}}]}}], foreignRules: {policy}}}"
        )
    };
    world.apply("sga/ssh", &access("Report")).await;
    world.wait_for("sga/ssh", "Ready=True InSync").await;
    world.expect_rules(&[&pattern[..], &[wide, ssh]].concat()).await;
    world.apply("sga/ssh", &access("Remove")).await;
    world.rules_become(&[&pattern[..], &[ssh]].concat()).await;
    world.wait_for("sga/ssh", "Ready=True InSync").await;
    // What the one needs is no surplus to the other.
    world.status_has("sga/ssh", "rules 1/1, 0 missing, 0 surplus, 0 foreign").await;
    world.delete("shop").await;
    world.rules_become(&[ssh]).await;
    world.delete("sga/ssh").await;
    world.rules_become(&[]).await;
}

/// The same name in both kinds is two objects.
#[tokio::test]
async fn namesakes_of_the_two_kinds_are_told_apart() {
    let found = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    let world = World::with(found).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}").await;
    let same = "{securityGroup: {id: $APP-SG}, ingress: [{ports: [{protocol: TCP, port: 8000}], \
        from: [{securityGroup: {id: $ALB-SG}}]}]}";
    world.apply("sga/shop", same).await;
    let rule = "APP-SG in tcp 8000 <- ALB-SG";
    let others = [
        "ALB-SG in tcp 443 <- 0.0.0.0/0 (ours, \"sgbind team: alb/team/shop\")".to_owned(),
        "ALB-SG out tcp 8000 -> APP-SG (ours, \"sgbind team: alb/team/shop\")".to_owned(),
    ];
    let with = |by: &str| [&others[..], &[format!("{rule} (ours, \"sgbind team: {by}\")")]].concat();
    world.rules_and_owners_become(with("alb/team/shop, sga/team/shop")).await;
    world.delete("sga/shop").await;
    world.rules_and_owners_become(with("alb/team/shop")).await;
    world.apply("sga/shop", same).await;
    world.rules_and_owners_become(with("alb/team/shop, sga/team/shop")).await;
    world.delete("shop").await;
    world.rules_and_owners_become(vec![format!("{rule} (ours, \"sgbind team: sga/team/shop\")")]).await;
}

#[tokio::test]
async fn deletion_revokes_retains_or_abandons() {
    let (world, _controller) = applied(groups(&["DB-SG"]), FOR_MYSQL).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.delete("sga/db").await;
    world.expect_rules(&[]).await;

    world.apply("sga/db", &format!("{FOR_MYSQL}\n    deletionPolicy: Retain")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    let ids = world.rule_ids().await;
    world.delete("sga/db").await;
    assert_eq!(world.rule_ids().await, ids);
    let owners = world.rules_and_owners().await;
    assert!(owners.iter().all(|rule| rule.contains("(foreign, ")), "{owners:#?}");
    world.revoke(&[MYSQL]).await;

    world.apply_annotated("sga/db", json!({"sgbind.dev/abandon": "true"}), FOR_MYSQL).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    let rules = world.rules_and_owners().await;
    world.delete("sga/db").await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.rules_and_owners().await, rules);
}

/// The status says where each group is, so that a group is cleaned though the spec names another Region by now.
#[tokio::test]
async fn what_moves_to_another_region_cleans_the_group_that_it_leaves() {
    let (world, _controller) = applied(groups(&["DB-SG"]), FOR_MYSQL).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.apply("sga/db", &format!("{FOR_MYSQL}\n    region: eu-west-1")).await;
    world.wait_for("sga/db", "Ready=False SecurityGroupNotFound").await;
    // What is meant now can't be found, so what was before stays.
    sleep(Duration::from_secs(3)).await;
    world.expect_rules(&[MYSQL]).await;
    world.delete("sga/db").await;
    world.expect_rules(&[]).await;
}
