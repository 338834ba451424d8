//! Each reason for which a step waits stands in the status: those that no promise shows.

use std::time::Duration;

use sgbind_sim::aws::HOME_ACCOUNT;

use super::stand::Stand;
use super::virtually::{ACCESS, CLIENTS, IN, IN_SYNC, OUT, RULES, SPEC, standard, stay};
use crate::simulation::in_virtual_time;
use crate::world::group;

#[test]
fn applying_where_what_is_needed_cannot_be_made() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard()).await;
        let (world, _controller) = (&stage.world, stage.start("first"));
        world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
        world.wait_for("shop", IN_SYNC).await;
        stage.simulation.aws.world().deny(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
        world.apply("shop", SPEC).await;
        world.status_has("shop", "held: revoke ALB-SG ingress tcp 443 from 10.0.0.0/8: Applying").await;
        stay(&stage, &["ALB-SG in tcp 443 <- 10.0.0.0/8", OUT, IN]).await;
        stage.simulation.aws.world().allow(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
        world.rules_become(&RULES).await;
    });
}

#[test]
fn not_permitted_where_consent_was_withdrawn() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard()).await;
        let (world, _controller) = (&stage.world, stage.start("first"));
        world.apply("shop", SPEC).await;
        world.wait_for("shop", IN_SYNC).await;
        world.withdraw_consent("ALB-SG").await;
        world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
        world.status_has("shop", "held: revoke ALB-SG ingress tcp 443 from 0.0.0.0/0: NotPermitted").await;
        world.status_has("shop", "held: authorize ALB-SG ingress tcp 443 from 10.0.0.0/8: NotPermitted").await;
        stay(&stage, &RULES).await;
    });
}

#[test]
fn outside_watch_where_a_rule_may_be_of_another_namespace() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard()).await;
        let (world, other) = (&stage.world, stage.world.neighbour().await);
        world.tag_group("APP-SG", &[("sgbind.dev/namespaces", "*")]).await;
        let all = stage.start("first");
        world.apply("shop", SPEC).await;
        other.apply("sga/app", ACCESS).await;
        world.wait_for("shop", IN_SYNC).await;
        other.wait_for("sga/app", IN_SYNC).await;
        all.stop().await;
        let namespace = world.namespace().to_owned();
        let _one = stage.start_with("second", |settings| settings.watch_namespace = Some(namespace));
        world
            .apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], manage: [ListenerIngress]}")
            .await;
        world.status_has("shop", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: OutsideWatch").await;
        stay(&stage, &[CLIENTS, IN]).await;
    });
}

#[test]
fn usage_unknown_where_interfaces_cannot_be_read() {
    const SSH: &str = "ALB-SG in tcp 22 <- 10.0.0.0/8";
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard().group(group("ALB-SG").rule(SSH))).await;
        let (world, _controller) = (&stage.world, stage.start("first"));
        stage.simulation.aws.world().deny(HOME_ACCOUNT, "DescribeNetworkInterfaces");
        // What needs no look at the targets' own interfaces.
        let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove, targetGroups: [{name: app, \
                    ports: [8000], securityGroups: [{id: $APP-SG}]}]}";
        world.apply("shop", spec).await;
        world.status_has("shop", "held: revoke ALB-SG ingress tcp 22 from 10.0.0.0/8: UsageUnknown").await;
        stay(&stage, &[CLIENTS, OUT, IN, SSH]).await;
        stage.simulation.aws.world().allow(HOME_ACCOUNT, "DescribeNetworkInterfaces");
        world.rules_become(&RULES).await;
    });
}

#[test]
fn read_only_where_nothing_may_be_written() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard()).await;
        let _controller = stage.start_with("first", |settings| settings.read_only = true);
        stage.world.apply("shop", SPEC).await;
        for step in [
            "authorize ALB-SG ingress tcp 443 from 0.0.0.0/0",
            "authorize ALB-SG egress tcp 8000 to APP-SG",
            "authorize APP-SG ingress tcp 8000 from ALB-SG",
        ] {
            stage.world.status_has("shop", &format!("held: {step}: ReadOnly")).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        stage.world.expect_rules(&[]).await;
    });
}

/// What would be done for whoever only observes is its plan, and waits for nothing.
#[test]
fn an_observer_has_a_plan_and_nothing_held() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(standard()).await;
        let _controller = stage.start("first");
        let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], enforcement: Observe}";
        stage.world.apply("shop", spec).await;
        stage.world.wait_for("shop", "Ready=True Planned").await;
        stage.world.status_has("shop", "plan: authorize APP-SG ingress tcp 8000 from ALB-SG").await;
        stage.world.status_lacks("shop", "held").await;
        stage.world.expect_rules(&[]).await;
    });
}
