//! Rows of the targets' side: ports, kinds of targets, several target groups.

use super::{BALANCER, FOR_ALL, IN, OPEN, OUT, Row, STANDARD_RULES, TARGETS, TARGETS_COUNTS, bound, facing};
use crate::world::estate;

#[tokio::test]
async fn alb_health_port() {
    let situation = "The health check has a port of its own, here 9000, while the app is on 8000. Both ports are \
        opened on both sides, and none between them.";
    let estate = facing().target_group("app", 8000).health_port(9000).instance("APP-SG");
    let mut row = Row::new("alb-health-port", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    let health = ["ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"];
    row.rules(&[&STANDARD_RULES[..], &health].concat()).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] health 9000 weight 1 in APP-SG",
        "ALB-SG in 1/60 out 2/60",
        "APP-SG in 2/60 out 0/60",
        "rules 5/5, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn alb_control_port() {
    let situation = "The target group has a target control port (target optimizer), here 3000. The load balancer \
        reaches it as it reaches a health check's port.";
    let estate = facing().target_group("app", 8000).control_port(3000).instance("APP-SG");
    let mut row = Row::new("alb-control-port", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    let control = ["ALB-SG out tcp 3000 -> APP-SG", "APP-SG in tcp 3000 <- ALB-SG"];
    row.rules(&[&STANDARD_RULES[..], &control].concat()).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] control 3000 weight 1 in APP-SG",
        "ALB-SG in 1/60 out 2/60",
        "APP-SG in 2/60 out 0/60",
        "rules 5/5, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

const TWO_PORTS: [&str; 5] = [OPEN, OUT, "ALB-SG out tcp 8001 -> APP-SG", IN, "APP-SG in tcp 8001 <- ALB-SG"];
const TWO_PORTS_COUNTS: [&str; 4] =
    [BALANCER, "ALB-SG in 1/60 out 2/60", "APP-SG in 2/60 out 0/60", "rules 5/5, 0 missing, 0 surplus, 0 foreign"];

#[tokio::test]
async fn alb_multi_port() {
    let situation = "The targets have several ports. Here path rules send /admin to a target group on 8001, and the rest to \
        one on 8000; one target group whose targets are registered on both ports comes to the same. Each port has a rule of \
        its own.";
    let estate = estate().internet_facing("shop").forward(443, "api").path("/admin/*", "admin");
    let estate = estate.target_group("api", 8000).instance("APP-SG").target_group("admin", 8001).instance("APP-SG");
    let mut row = Row::new("alb-multi-port", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&TWO_PORTS).await;
    let groups =
        ["target group api: ports [8000] weight 1 in APP-SG", "target group admin: ports [8001] weight 1 in APP-SG"];
    row.world.expect_settled("shop", "InSync", &[&TWO_PORTS_COUNTS[..], &groups].concat()).await;
    row.show();
}

#[tokio::test]
async fn alb_multi_port_of_one_target_group() {
    let estate = facing().target_group("app", 8000).instance_on("APP-SG", 8000).instance_on("APP-SG", 8001);
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&TWO_PORTS).await;
    let group = "target group app: ports [8000, 8001] weight 1 in APP-SG";
    world.expect_settled("shop", "InSync", &[&TWO_PORTS_COUNTS[..], &[group]].concat()).await;
}

#[tokio::test]
async fn alb_port_override() {
    let situation = "Targets are registered with ports of their own, here 8000 in a target group of port 80. The registered \
        ports count. The group's own is used only where no target is registered.";
    let estate = facing().target_group("app", 80).instance_on("APP-SG", 8000);
    let mut row = Row::new("alb-port-override", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&STANDARD_RULES).await;
    let rest = [BALANCER, TARGETS, "ALB-SG in 1/60 out 1/60", TARGETS_COUNTS];
    let rest = [&rest[..], &["rules 3/3, 0 missing, 0 surplus, 0 foreign"]].concat();
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn the_port_of_a_target_group_counts_where_no_target_is_registered() {
    let estate = facing().target_group("app", 8000).group(crate::world::group("APP-SG"));
    let spec = "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        targetGroups: [{name: app, ref: {name: app}, securityGroups: [{name: APP-SG}]}]";
    let (world, _controller) = bound(estate, spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
}

#[tokio::test]
async fn alb_ip_targets() {
    let situation = "Targets are registered by address, and interfaces of the VPC have these addresses. The groups of those \
        interfaces count, whether an address is an interface's primary one, a secondary one, or lies in a prefix that is \
        delegated to it (as those of pods do).";
    let estate = facing()
        .target_group("app", 8000)
        .interface("10.0.0.50", "PRIMARY-SG")
        .secondary("10.0.0.60", "SECONDARY-SG")
        .delegated("10.0.1.16/28", "10.0.1.20", "PREFIX-SG");
    let mut row = Row::new("alb-ip-targets", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[
        OPEN,
        "ALB-SG out tcp 8000 -> PRIMARY-SG",
        "ALB-SG out tcp 8000 -> SECONDARY-SG",
        "ALB-SG out tcp 8000 -> PREFIX-SG",
        "PRIMARY-SG in tcp 8000 <- ALB-SG",
        "SECONDARY-SG in tcp 8000 <- ALB-SG",
        "PREFIX-SG in tcp 8000 <- ALB-SG",
    ])
    .await;
    row.show();
}

#[tokio::test]
async fn alb_ip_outside() {
    let situation = "Targets are registered by address, and the addresses lie outside the VPC: in a peered network, or on \
        premises. No security group stands for them, so the load balancer's egress names the addresses. Their own side is \
        out of reach; that it must admit the load balancer is said in the condition.";
    let estate = facing().target_group("app", 8000).address("172.16.4.9");
    let mut row = Row::new("alb-ip-outside", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.told("shop", "Ready=True TargetsOutsideVpc").await;
    row.rules(&[OPEN, "ALB-SG out tcp 8000 -> 172.16.4.9/32"]).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] weight 1 in 172.16.4.9/32",
        "ALB-SG in 1/60 out 1/60",
        "rules 2/2, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "TargetsOutsideVpc", &rest).await;

    row.say("Networks that are declared stand in place of the registered addresses:");
    row.bind(
        "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        targetGroups:
        - name: app
          ref: {name: app}
          addresses: [172.16.4.0/24]",
    )
    .await;
    row.told("shop", "Ready=True TargetsOutsideVpc").await;
    row.rules(&[OPEN, "ALB-SG out tcp 8000 -> 172.16.4.0/24"]).await;
    row.show();
}

#[tokio::test]
async fn lambda_target() {
    let situation = "The target is a Lambda function. The load balancer invokes it without a connection that a security \
        group would see, so it needs no rule. The listener is opened.";
    let estate = facing().target_group("app", 0).function("shop");
    let mut row = Row::new("lambda-target", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[OPEN]).await;
    let rest = [
        BALANCER,
        "target group app: ports [] weight 1 in",
        "ALB-SG in 1/60 out 0/60",
        "rules 1/1, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}
