//! Rows of network load balancers, and the table of Elastic Load Balancing's own guide.

use super::{FOR_ALL, Row};
use crate::world::estate;

#[tokio::test]
async fn nlb_with_sg() {
    let situation = "A network load balancer that has security groups: the same pattern. The protocol of a listener \
        decides on its side, that of the target group on the targets' side, and TCP_UDP is both. Here there are \
        listeners for TCP on 443, UDP on 53 and TCP_UDP on 5060. They forward to APP-SG on 8000 with health checks on \
        9000, and to DNS-SG and CALLS-SG on the listeners' own ports. Health checks are always tcp. Clients must be \
        declared.";
    let estate = estate()
        .network("shop")
        .in_groups(&["NLB-SG"])
        .forward(443, "app")
        .forward_over("UDP", 53, "dns")
        .forward_over("TCP_UDP", 5060, "calls")
        .target_group("app", 8000)
        .over("TCP")
        .health_port(9000)
        .instance("APP-SG")
        .target_group("dns", 53)
        .over("UDP")
        .instance("DNS-SG")
        .target_group("calls", 5060)
        .over("TCP_UDP")
        .instance("CALLS-SG");
    let mut row = Row::new("nlb-with-sg", situation, estate).await;
    row.world.apply("shop", "loadBalancer: {name: shop}").await;
    row.world.wait_for("shop", "Resolved=False ClientsRequired").await;
    row.world.wait_for("shop", "Ready=False ClientsRequired").await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[
        "NLB-SG in tcp 443 <- 0.0.0.0/0",
        "NLB-SG in udp 53 <- 0.0.0.0/0",
        "NLB-SG in tcp 5060 <- 0.0.0.0/0",
        "NLB-SG in udp 5060 <- 0.0.0.0/0",
        "NLB-SG out tcp 8000 -> APP-SG",
        "NLB-SG out tcp 9000 -> APP-SG",
        "NLB-SG out tcp 53 -> DNS-SG",
        "NLB-SG out udp 53 -> DNS-SG",
        "NLB-SG out tcp 5060 -> CALLS-SG",
        "NLB-SG out udp 5060 -> CALLS-SG",
        "APP-SG in tcp 8000 <- NLB-SG",
        "APP-SG in tcp 9000 <- NLB-SG",
        "DNS-SG in tcp 53 <- NLB-SG",
        "DNS-SG in udp 53 <- NLB-SG",
        "CALLS-SG in tcp 5060 <- NLB-SG",
        "CALLS-SG in udp 5060 <- NLB-SG",
    ])
    .await;
    row.show();
}

#[tokio::test]
async fn nlb_without_sg() {
    let situation = "A network load balancer without a security group. The pattern is impossible: nothing stands for it as \
        the source of traffic. Nothing is written, and the condition says what to do.";
    let estate = estate().network("shop").in_groups(&[]).forward(443, "app");
    let estate = estate.target_group("app", 8000).over("TCP").instance("APP-SG");
    let mut row = Row::new("nlb-without-sg", situation, estate).await;
    row.bind(FOR_ALL).await;
    let message = row.told("shop", "Ready=False NetworkLoadBalancerWithoutSecurityGroup").await;
    assert_eq!(
        message,
        "load balancer shop has no security group, so rules can't refer to it: create it anew with one, or admit the \
         clients' CIDRs on the targets' security groups"
    );
    row.world.wait_for("shop", "Stalled=True NetworkLoadBalancerWithoutSecurityGroup").await;
    row.rules(&[]).await;
    row.show();
}

#[tokio::test]
async fn nlb_alb_target() {
    let situation = "A network load balancer whose target is an ALB. The ALB's security group is the target group's. What the \
        ALB itself forwards to is for a binding of its own.";
    let estate = estate()
        .network("shop")
        .in_groups(&["NLB-SG"])
        .forward(443, "inner")
        .target_group("inner", 443)
        .over("TCP")
        .load_balancer("inner")
        .internal("inner")
        .forward(443, "app")
        .target_group("app", 8000)
        .instance("APP-SG");
    let mut row = Row::new("nlb-alb-target", situation, estate).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&["NLB-SG in tcp 443 <- 0.0.0.0/0", "NLB-SG out tcp 443 -> ALB-SG", "ALB-SG in tcp 443 <- NLB-SG"]).await;
    let rest = [
        "load balancer shop: network internet-facing ipv4 NLB-SG",
        "target group inner: ports [443] weight 1 in ALB-SG",
        "NLB-SG in 1/60 out 1/60",
        "ALB-SG in 1/60 out 0/60",
        "rules 3/3, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn elb_reference() {
    let situation = "The general table of AWS's guide for load balancers, with nothing declared. One that faces the internet \
        is open to anyone on 80 and 443, an internal one to its VPC; each reaches its targets on their traffic and \
        health-check ports.";
    let estate = estate()
        .internet_facing("web")
        .in_groups(&["WEB-LB-SG"])
        .forward(80, "pages")
        .forward(443, "pages")
        .target_group("pages", 8000)
        .health_port(9000)
        .instance("WEB-SG")
        .internal("orders")
        .in_groups(&["ORDERS-LB-SG"])
        .forward(8443, "orders")
        .target_group("orders", 7000)
        .health_port(7001)
        .instance("ORDERS-SG");
    let mut row = Row::new("elb-reference", situation, estate).await;
    for name in ["web", "orders"] {
        row.apply("ALBTargetBinding", name, &format!("loadBalancer: {{name: {name}}}")).await;
        row.world.wait_for(name, "Ready=True ClientsNotDeclared").await;
    }
    row.rules(&[
        "WEB-LB-SG in tcp 80 <- 0.0.0.0/0",
        "WEB-LB-SG in tcp 443 <- 0.0.0.0/0",
        "WEB-LB-SG out tcp 8000 -> WEB-SG",
        "WEB-LB-SG out tcp 9000 -> WEB-SG",
        "WEB-SG in tcp 8000 <- WEB-LB-SG",
        "WEB-SG in tcp 9000 <- WEB-LB-SG",
        "ORDERS-LB-SG in tcp 8443 <- 10.0.0.0/16",
        "ORDERS-LB-SG out tcp 7000 -> ORDERS-SG",
        "ORDERS-LB-SG out tcp 7001 -> ORDERS-SG",
        "ORDERS-SG in tcp 7000 <- ORDERS-LB-SG",
        "ORDERS-SG in tcp 7001 <- ORDERS-LB-SG",
    ])
    .await;
    row.show();
}
