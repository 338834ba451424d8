//! Rows of the load balancer's own side: its listeners, and what it reaches beside its targets.

use aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum;

use super::{BALANCER, FOR_ALL, IN, OPEN, OUT, Row, STANDARD_RULES, TARGETS, TARGETS_COUNTS, bound, standard};
use crate::world::{estate, group};

#[tokio::test]
async fn alb_standard() {
    let situation = "An ALB that faces the internet, and one target group. It listens on 443; the app and its health check \
        are on 8000.";
    let mut row = Row::new("alb-standard", situation, standard()).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&STANDARD_RULES).await;
    let rest = [BALANCER, TARGETS, "ALB-SG in 1/60 out 1/60", TARGETS_COUNTS];
    let rest = [&rest[..], &["rules 3/3, 0 missing, 0 surplus, 0 foreign"]].concat();
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn alb_redirect() {
    let situation = "A listener on 80 redirects to 443, where another one listens. It is opened like any other.";
    let mut row = Row::new("alb-redirect", situation, standard().redirect(80)).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[&STANDARD_RULES[..], &["ALB-SG in tcp 80 <- 0.0.0.0/0"]].concat()).await;
    let rest = [BALANCER, TARGETS, "ALB-SG in 2/60 out 1/60", TARGETS_COUNTS];
    let rest = [&rest[..], &["rules 4/4, 0 missing, 0 surplus, 0 foreign"]].concat();
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn alb_egress() {
    let situation = "The load balancer's group still has the egress to anywhere that AWS gives every new group. \
        With `foreignRules: Remove` it goes, once the exact egress was seen to be there. At first:";
    let found = standard().group(group("ALB-SG").with_default_egress().rule(OPEN));
    let mut row = Row::new("alb-egress", situation, found).await;
    let at_first = [OPEN, "ALB-SG out all -> 0.0.0.0/0", "ALB-SG out all -> ::/0"];
    row.rules(&at_first).await;
    let spec = "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        foreignRules: Remove";
    row.world.apply("shop", &format!("{spec}\n        enforcement: Observe")).await;
    row.world.wait_for("shop", "Ready=True Planned").await;
    row.world.expect_rules(&at_first).await;
    row.world
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
    row.bind(spec).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.world.rules_become(&STANDARD_RULES).await;
    row.rules(&STANDARD_RULES).await;
    row.show();
}

#[tokio::test]
async fn alb_auth() {
    let situation = "An action authenticates: authenticate-oidc, authenticate-cognito or jwt-validation, of a \
        listener or of a rule. The load balancer itself must then reach the identity provider on 443, or logins fail \
        with 500 or 504. Where none is declared, that is anywhere:";
    let estate = estate().internet_facing("shop").authenticate_and_forward(443, "app");
    let mut row = Row::new("alb-auth", situation, estate.target_group("app", 8000).instance("APP-SG")).await;
    row.bind(FOR_ALL).await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[&STANDARD_RULES[..], &["ALB-SG out tcp 443 -> 0.0.0.0/0"]].concat()).await;
    let rest = [BALANCER, TARGETS, "ALB-SG in 1/60 out 2/60", TARGETS_COUNTS];
    let rest = [&rest[..], &["rules 4/4, 0 missing, 0 surplus, 0 foreign"]].concat();
    row.world.expect_settled("shop", "InSync", &rest).await;

    row.say("With the provider's networks declared:");
    row.bind(
        "
        loadBalancer: {name: shop}
        clients: [{cidr: 0.0.0.0/0}]
        identityProviders: [{cidr: 198.51.100.0/24}]",
    )
    .await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[&STANDARD_RULES[..], &["ALB-SG out tcp 443 -> 198.51.100.0/24"]].concat()).await;
    row.world.expect_settled("shop", "InSync", &rest).await;
    row.show();
}

#[tokio::test]
async fn alb_auth_of_a_rule_by_cognito() {
    expect_egress_to_providers_for(ActionTypeEnum::AuthenticateCognito).await;
}

#[tokio::test]
async fn alb_auth_of_a_rule_by_tokens() {
    expect_egress_to_providers_for(ActionTypeEnum::JwtValidation).await;
}

async fn expect_egress_to_providers_for(action: ActionTypeEnum) {
    let (world, _controller) = bound(standard().path_authenticated("/admin/*", action, "app"), FOR_ALL).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&[&STANDARD_RULES[..], &["ALB-SG out tcp 443 -> 0.0.0.0/0"]].concat()).await;
}

#[tokio::test]
async fn alb_internal() {
    let situation = "An internal ALB. Its clients are the company's networks and whatever carries the gateway's security \
        group:";
    let estate = estate().group(group("GATEWAY-SG").without_consent()).internal("shop").forward(443, "app");
    let mut row = Row::new("alb-internal", situation, estate.target_group("app", 8000).instance("APP-SG")).await;
    row.bind(
        "
        loadBalancer: {name: shop}
        listeners:
        - port: 443
          clients: [{cidr: 10.0.0.0/8}, {securityGroup: {id: $GATEWAY-SG}}]",
    )
    .await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&["ALB-SG in tcp 443 <- 10.0.0.0/8", "ALB-SG in tcp 443 <- GATEWAY-SG", OUT, IN]).await;
    let rest = [
        "load balancer shop: application internal ipv4 ALB-SG",
        TARGETS,
        "ALB-SG in 2/60 out 1/60",
        TARGETS_COUNTS,
        "rules 4/4, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "InSync", &rest).await;

    row.say(
        "Where no clients are declared, they are the VPC's networks (IPv6 only if the load balancer is dual-stack):",
    );
    row.bind("loadBalancer: {name: shop}").await;
    row.told("shop", "Ready=True ClientsNotDeclared").await;
    let of_vpc = ["ALB-SG in tcp 443 <- 10.0.0.0/16", OUT, IN];
    row.world.rules_become(&of_vpc).await;
    row.rules(&of_vpc).await;
    row.show();
}

#[tokio::test]
async fn alb_dual_stack() {
    let situation = "The load balancer is dual-stack. Its listeners are opened for IPv6, too. What it sends to targets \
        needs no IPv6 rule, because a security group stands for all addresses of its members.";
    let mut row = Row::new("alb-dual-stack", situation, standard().dual_stack()).await;
    row.bind("loadBalancer: {name: shop}").await;
    row.world.wait_for("shop", "Ready=True ClientsNotDeclared").await;
    row.rules(&[&STANDARD_RULES[..], &["ALB-SG in tcp 443 <- ::/0"]].concat()).await;
    let rest = [
        "load balancer shop: application internet-facing dualstack ALB-SG",
        TARGETS,
        "ALB-SG in 1/60 out 1/60",
        TARGETS_COUNTS,
        "rules 4/4, 0 missing, 0 surplus, 0 foreign",
    ];
    row.world.expect_settled("shop", "ClientsNotDeclared", &rest).await;
    row.show();
}

#[tokio::test]
async fn alb_prefix_list() {
    let situation = "The clients are a managed prefix list. It may be one of AWS's, such as CloudFront's \
        `com.amazonaws.global.cloudfront.origin-facing`, or your own. By name:";
    let mut row = Row::new("alb-prefix-list", situation, standard()).await;
    row.world.prefix_list("PL-CDN").await;
    let rules = ["ALB-SG in tcp 443 <- PL-CDN", OUT, IN];
    for (list, words) in [("{name: PL-CDN}", None), ("{id: $PL-CDN}", Some("By id:"))] {
        words.into_iter().for_each(|words| row.say(words));
        row.bind(&format!("loadBalancer: {{name: shop}}\nclients: [{{prefixList: {list}}}]")).await;
        row.world.wait_for("shop", "Ready=True InSync").await;
        row.rules(&rules).await;
        let counts = [BALANCER, TARGETS, "ALB-SG in 5/60 out 1/60", TARGETS_COUNTS];
        let rest = [&counts[..], &["rules 3/3, 0 missing, 0 surplus, 0 foreign"]].concat();
        row.world.expect_settled("shop", "InSync", &rest).await;
    }
    row.say(
        "In the quota of 60 rules your own list counts for the most entries that it may have (PL-CDN for 5), one of AWS's for \
         its published weight. A list that is not there is told. What was open stays so, until it is known what to open \
         instead:",
    );
    row.bind("loadBalancer: {name: shop}\nclients: [{prefixList: {name: PL-OFFICES}}]").await;
    let message = row.told("shop", "Resolved=False PrefixListNotFound").await;
    assert_eq!(
        message,
        "a prefix list named \"PL-OFFICES\" is not in 123456789012/eu-central-1: check its spelling, and that it is shared with \
         this account"
    );
    row.world.wait_for("shop", "Ready=False PrefixListNotFound").await;
    row.rules(&rules).await;
    row.show();
}

#[tokio::test]
async fn alb_path_mtu() {
    let situation = "Path MTU discovery is to work between clients and load balancer. They may then send ICMP \
        \"fragmentation needed\" (type 3, code 4), over IPv6 \"packet too big\" (type 2, code 0); a security group may do so \
        over either, a prefix list over its own address family.";
    let found = standard().group(group("GATEWAY-SG").without_consent());
    let mut row = Row::new("alb-path-mtu", situation, found).await;
    row.world.prefix_list_of("PL-OFFICE6", "IPv6").await;
    row.bind(
        "
        loadBalancer: {name: shop}
        clients:
        - cidr: 10.0.0.0/8
        - cidr: 2001:db8::/32
        - securityGroup: {name: GATEWAY-SG}
        - prefixList: {name: PL-OFFICE6}
        pathMTUDiscovery: true",
    )
    .await;
    row.world.wait_for("shop", "Ready=True InSync").await;
    row.rules(&[
        "ALB-SG in icmp 3/4 <- 10.0.0.0/8",
        "ALB-SG in icmp 3/4 <- GATEWAY-SG",
        "ALB-SG in icmpv6 2/0 <- 2001:db8::/32",
        "ALB-SG in icmpv6 2/0 <- GATEWAY-SG",
        "ALB-SG in icmpv6 2/0 <- PL-OFFICE6",
        "ALB-SG in tcp 443 <- 10.0.0.0/8",
        "ALB-SG in tcp 443 <- 2001:db8::/32",
        "ALB-SG in tcp 443 <- GATEWAY-SG",
        "ALB-SG in tcp 443 <- PL-OFFICE6",
        OUT,
        IN,
    ])
    .await;
    row.show();
}
