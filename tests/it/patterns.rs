//! The rule patterns, each under its id: all rules of all security groups, and the status that goes with them.

use crate::world::{Controller, Estate, World, estate, group};

/// A world with this in AWS, a controller, and the binding `shop`.
async fn bound(estate: Estate, spec: &str) -> (World, Controller) {
    let world = World::with(estate).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", spec).await;
    (world, controller)
}

/// An internet-facing load balancer that listens on 443, and an app on 8000.
fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

const FOR_ALL: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const STANDARD_RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
const BALANCER: &str = "load balancer shop: application internet-facing ipv4 ALB-SG";
const TARGETS: &str = "target group app: ports [8000] weight 1 in APP-SG";

#[tokio::test]
async fn alb_standard() {
    let (world, _controller) = bound(standard(), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
    let counts = ["ALB-SG in 1/60 out 1/60", "APP-SG in 1/60 out 0/60", "rules 3/3, 0 missing, 0 surplus, 0 foreign"];
    world.expect_settled("shop", "InSync", &[&[BALANCER, TARGETS], &counts[..]].concat()).await;
}

#[tokio::test]
async fn alb_redirect() {
    let estate = estate().internet_facing("shop").forward(443, "app").redirect(80);
    let (world, _controller) = bound(estate.target_group("app", 8000).instance("APP-SG"), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[&STANDARD_RULES[..], &["ALB-SG in tcp 80 <- 0.0.0.0/0"]].concat()).await;
    let counts = ["ALB-SG in 2/60 out 1/60", "APP-SG in 1/60 out 0/60", "rules 4/4, 0 missing, 0 surplus, 0 foreign"];
    world.expect_settled("shop", "InSync", &[&[BALANCER, TARGETS], &counts[..]].concat()).await;
}

#[tokio::test]
async fn alb_egress() {
    let world_open = "ALB-SG in tcp 443 <- 0.0.0.0/0";
    let found = standard().group(group("ALB-SG").with_default_egress().rule(world_open));
    let spec = "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]\nforeignRules: Remove\n";
    let (world, _controller) = bound(found, &format!("{spec}enforcement: Observe")).await;
    world.wait_for("shop", "Ready=True Planned").await;
    world.expect_rules(&[world_open, "ALB-SG out all -> 0.0.0.0/0", "ALB-SG out all -> ::/0"]).await;
    world
        .expect_status(
            "shop",
            &[
                "Ready=True Planned",
                "InSync=False Planned",
                "Reconciling=False Settled",
                "Resolved=True Resolved",
                "Stalled=False NotStalled",
                BALANCER,
                TARGETS,
                "ALB-SG in 1/60 out 1/60",
                "APP-SG in 0/60 out 0/60",
                "rules 1/3, 2 missing, 0 surplus, 2 foreign",
                "foreign: ALB-SG egress all to 0.0.0.0/0",
                "foreign: ALB-SG egress all to ::/0",
                "plan: adopt ALB-SG ingress tcp 443 from 0.0.0.0/0",
                "plan: authorize ALB-SG egress tcp 8000 to APP-SG",
                "plan: authorize APP-SG ingress tcp 8000 from ALB-SG",
                "plan: revoke ALB-SG egress all to 0.0.0.0/0 (interrupts untracked connections)",
                "plan: revoke ALB-SG egress all to ::/0",
            ],
        )
        .await;
    world.apply("shop", spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.rules_become(&STANDARD_RULES).await;
}

#[tokio::test]
async fn alb_auth() {
    let estate = estate().internet_facing("shop").authenticate_and_forward(443, "app");
    let (world, _controller) = bound(estate.target_group("app", 8000).instance("APP-SG"), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[&STANDARD_RULES[..], &["ALB-SG out tcp 443 -> 0.0.0.0/0"]].concat()).await;
    let counts = ["ALB-SG in 1/60 out 2/60", "APP-SG in 1/60 out 0/60", "rules 4/4, 0 missing, 0 surplus, 0 foreign"];
    world.expect_settled("shop", "InSync", &[&[BALANCER, TARGETS], &counts[..]].concat()).await;

    let declared =
        "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]\nidentityProviders: [{cidr: 198.51.100.0/24}]";
    world.apply("shop", declared).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[&STANDARD_RULES[..], &["ALB-SG out tcp 443 -> 198.51.100.0/24"]].concat()).await;
    world.expect_settled("shop", "InSync", &[&[BALANCER, TARGETS], &counts[..]].concat()).await;
}

#[tokio::test]
async fn alb_health_port() {
    let estate = estate().internet_facing("shop").forward(443, "app");
    let estate = estate.target_group("app", 8000).health_port(9000).instance("APP-SG");
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let health = ["ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"];
    world.expect_rules(&[&STANDARD_RULES[..], &health].concat()).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] health 9000 weight 1 in APP-SG",
        "ALB-SG in 1/60 out 2/60",
        "APP-SG in 2/60 out 0/60",
        "rules 5/5, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "InSync", &rest).await;
}

#[tokio::test]
async fn alb_control_port() {
    let estate = estate().internet_facing("shop").forward(443, "app");
    let estate = estate.target_group("app", 8000).control_port(3000).instance("APP-SG");
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let control = ["ALB-SG out tcp 3000 -> APP-SG", "APP-SG in tcp 3000 <- ALB-SG"];
    world.expect_rules(&[&STANDARD_RULES[..], &control].concat()).await;
}

const TWO_PORTS: [&str; 5] = [
    "ALB-SG in tcp 443 <- 0.0.0.0/0",
    "ALB-SG out tcp 8000 -> APP-SG",
    "ALB-SG out tcp 8001 -> APP-SG",
    "APP-SG in tcp 8000 <- ALB-SG",
    "APP-SG in tcp 8001 <- ALB-SG",
];
const TWO_PORTS_COUNTS: [&str; 4] =
    [BALANCER, "ALB-SG in 1/60 out 2/60", "APP-SG in 2/60 out 0/60", "rules 5/5, 0 missing, 0 surplus, 0 foreign"];

#[tokio::test]
async fn alb_multi_port() {
    let estate = estate().internet_facing("shop").forward(443, "api").path("/admin/*", "admin");
    let estate = estate.target_group("api", 8000).instance("APP-SG").target_group("admin", 8001).instance("APP-SG");
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&TWO_PORTS).await;
    let groups =
        ["target group api: ports [8000] weight 1 in APP-SG", "target group admin: ports [8001] weight 1 in APP-SG"];
    world.expect_settled("shop", "InSync", &[&TWO_PORTS_COUNTS[..], &groups].concat()).await;
}

#[tokio::test]
async fn alb_multi_port_of_one_target_group() {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000);
    let estate = estate.instance_on("APP-SG", 8000).instance_on("APP-SG", 8001);
    let (world, _controller) = bound(estate, FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&TWO_PORTS).await;
    let group = "target group app: ports [8000, 8001] weight 1 in APP-SG";
    world.expect_settled("shop", "InSync", &[&TWO_PORTS_COUNTS[..], &[group]].concat()).await;
}

#[tokio::test]
async fn alb_blue_green() {
    let estate = estate().internet_facing("shop").weighted(443, &[("shop-blue", 100), ("shop-green", 0)]);
    let estate = estate.target_group("shop-blue", 8000).instance("BLUE-SG");
    let spec = "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        targetGroups: [{name: blue, ref: {name: shop-blue}}, {name: green, ref: {name: shop-green}}]
        blueGreen: {blue: blue, green: green}";
    let (world, _controller) = bound(estate.target_group("shop-green", 8000).instance("GREEN-SG"), spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.wait_for("shop", "BlueGreenReady=True InSync").await;
    let rules = [
        "ALB-SG in tcp 443 <- 0.0.0.0/0",
        "ALB-SG out tcp 8000 -> BLUE-SG",
        "ALB-SG out tcp 8000 -> GREEN-SG",
        "BLUE-SG in tcp 8000 <- ALB-SG",
        "GREEN-SG in tcp 8000 <- ALB-SG",
    ];
    world.expect_rules(&rules).await;
    let ids = world.rule_ids().await;
    let rest = |blue: i32, green: i32, active: &str| {
        [
            "BlueGreenReady=True InSync".to_owned(),
            BALANCER.to_owned(),
            format!("target group blue: ports [8000] weight {blue} in BLUE-SG"),
            format!("target group green: ports [8000] weight {green} in GREEN-SG"),
            format!("active {active} of {{\"blue\": {blue}, \"green\": {green}}}"),
            "ALB-SG in 1/60 out 2/60".to_owned(),
            "BLUE-SG in 1/60 out 0/60".to_owned(),
            "GREEN-SG in 1/60 out 0/60".to_owned(),
            "rules 5/5, 0 missing, 0 surplus, 0 foreign".to_owned(),
        ]
    };
    for (blue, green, active) in [(100, 0, "blue"), (50, 50, "none"), (0, 100, "green")] {
        world.forward_to("shop:443", &[("shop-blue", blue), ("shop-green", green)]).await;
        world.status_has("shop", &format!("active {active} of ")).await;
        let rest = rest(blue, green, active);
        world.expect_settled("shop", "InSync", &rest.each_ref().map(String::as_str)).await;
        assert_eq!(world.rule_ids().await, ids, "the rules stay, whatever the weights");
    }
}

#[tokio::test]
async fn alb_internal() {
    let estate = estate().group(group("GATEWAY-SG").without_consent()).internal("shop").forward(443, "app");
    let spec = "
        loadBalancer: {name: shop}
        listeners: [{port: 443, clients: [{cidr: 10.0.0.0/8}, {securityGroup: {id: $GATEWAY-SG}}]}]";
    let world = World::with(estate.target_group("app", 8000).instance("APP-SG")).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let to_targets = ["ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
    let declared = ["ALB-SG in tcp 443 <- 10.0.0.0/8", "ALB-SG in tcp 443 <- GATEWAY-SG"];
    world.expect_rules(&[to_targets, declared].concat()).await;
    let rest = [
        "load balancer shop: application internal ipv4 ALB-SG",
        TARGETS,
        "ALB-SG in 2/60 out 1/60",
        "APP-SG in 1/60 out 0/60",
        "rules 4/4, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "InSync", &rest).await;

    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{securityGroup: {name: GATEWAY-SG}}]}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.rules_become(&[&to_targets[..], &["ALB-SG in tcp 443 <- GATEWAY-SG"]].concat()).await;

    world.apply("shop", "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    world.rules_become(&[&to_targets[..], &["ALB-SG in tcp 443 <- 10.0.0.0/16"]].concat()).await;
}

#[tokio::test]
async fn alb_dual_stack() {
    let estate = estate().internet_facing("shop").dual_stack().forward(443, "app");
    let estate = estate.target_group("app", 8000).instance("APP-SG");
    let (world, _controller) = bound(estate, "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    world.expect_rules(&[&STANDARD_RULES[..], &["ALB-SG in tcp 443 <- ::/0"]].concat()).await;
    let rest = [
        "load balancer shop: application internet-facing dualstack ALB-SG",
        TARGETS,
        "ALB-SG in 1/60 out 1/60",
        "APP-SG in 1/60 out 0/60",
        "rules 4/4, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "ClientsNotDeclared", &rest).await;
}

#[tokio::test]
async fn alb_port_override() {
    let estate = estate().internet_facing("shop").forward(443, "app");
    let (world, _controller) = bound(estate.target_group("app", 80).instance_on("APP-SG", 8000), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
    let counts = ["ALB-SG in 1/60 out 1/60", "APP-SG in 1/60 out 0/60", "rules 3/3, 0 missing, 0 surplus, 0 foreign"];
    world.expect_settled("shop", "InSync", &[&[BALANCER, TARGETS], &counts[..]].concat()).await;
}

#[tokio::test]
async fn alb_prefix_list() {
    let world = World::with(standard()).await;
    world.prefix_list("PL-CDN").await;
    let _controller = world.controller(&[]).await;
    for prefix_list in ["{id: $PL-CDN}", "{name: PL-CDN}"] {
        world.apply("shop", &format!("loadBalancer: {{name: shop}}\nclients: [{{prefixList: {prefix_list}}}]")).await;
        world.wait_for("shop", "Ready=True InSync").await;
        world.expect_rules(&[&STANDARD_RULES[1..], &["ALB-SG in tcp 443 <- PL-CDN"]].concat()).await;
        // It counts for its most entries.
        let counts = ["ALB-SG in 5/60 out 1/60", "APP-SG in 1/60 out 0/60"];
        let rest = [BALANCER, TARGETS, "rules 3/3, 0 missing, 0 surplus, 0 foreign"];
        world.expect_settled("shop", "InSync", &[&rest[..], &counts].concat()).await;
    }
}

#[tokio::test]
async fn alb_path_mtu() {
    let spec = "
        loadBalancer: {name: shop}
        clients: [{cidr: 10.0.0.0/8}, {cidr: '2001:db8::/32'}]
        pathMTUDiscovery: true";
    let (world, _controller) = bound(standard(), spec).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let clients = [
        "ALB-SG in tcp 443 <- 10.0.0.0/8",
        "ALB-SG in tcp 443 <- 2001:db8::/32",
        "ALB-SG in icmp 3/4 <- 10.0.0.0/8",
        "ALB-SG in icmpv6 2/0 <- 2001:db8::/32",
    ];
    world.expect_rules(&[&STANDARD_RULES[1..], &clients].concat()).await;
}

#[tokio::test]
async fn alb_ip_targets() {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000);
    let (world, _controller) = bound(estate.interface("10.0.0.50", "APP-SG"), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
}

#[tokio::test]
async fn alb_ip_outside() {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000);
    let (world, _controller) = bound(estate.address("172.16.4.9"), FOR_ALL).await;
    world.wait_for("shop", "Ready=True TargetsOutsideVpc").await;
    world.expect_rules(&["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> 172.16.4.9/32"]).await;
    let rest = [
        BALANCER,
        "target group app: ports [8000] weight 1 in 172.16.4.9/32",
        "ALB-SG in 1/60 out 1/60",
        "rules 2/2, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "TargetsOutsideVpc", &rest).await;
}

#[tokio::test]
async fn nlb_with_sg() {
    let estate = estate().network("shop").forward(443, "app").target_group("app", 8000).tcp().instance("APP-SG");
    let (world, _controller) = bound(estate, "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Resolved=False ClientsRequired").await;
    world.wait_for("shop", "Ready=False ClientsRequired").await;
    world.apply("shop", FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&STANDARD_RULES).await;
}

#[tokio::test]
async fn nlb_without_sg() {
    let estate = estate().network("shop").in_groups(&[]).forward(443, "app");
    let (world, _controller) = bound(estate.target_group("app", 8000).tcp().instance("APP-SG"), FOR_ALL).await;
    let message = world.wait_for("shop", "Ready=False NetworkLoadBalancerWithoutSecurityGroup").await;
    assert!(message.contains("load balancer shop has no security group"), "{message}");
    assert!(message.contains("admit the clients' CIDRs on the targets' security groups"), "{message}");
    world.wait_for("shop", "Stalled=True NetworkLoadBalancerWithoutSecurityGroup").await;
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn elb_reference() {
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
    let world = World::with(estate).await;
    let _controller = world.controller(&[]).await;
    for name in ["web", "orders"] {
        world.apply(name, &format!("loadBalancer: {{name: {name}}}")).await;
        world.wait_for(name, "Ready=True ClientsNotDeclared").await;
    }
    world
        .expect_rules(&[
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
}

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
        "APP-SG in 1/60 out 0/60",
        "rules 3/3, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "ClientsNotDeclared", &rest).await;
}

#[tokio::test]
async fn a_door_that_others_opened_is_not_widened_by_silence() {
    let world = World::with(standard().group(group("ALB-SG").rule("ALB-SG in tcp 443 <- 203.0.113.0/24"))).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", "{loadBalancer: {name: shop}}").await;
    world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    world.expect_rules(&[&STANDARD_RULES[1..], &["ALB-SG in tcp 443 <- 203.0.113.0/24"]].concat()).await;
}
