//! Estates as they are met, and what is printed of them.

use aws_sdk_ec2::types::{IpPermission, UserIdGroupPair};

use super::{expect_clients, import, imported, in_names};
use crate::world::{World, estate, group};

#[tokio::test]
async fn open_to_the_world() {
    let estate = estate()
        .group(
            group("ALB-SG")
                .with_default_egress()
                .rule("ALB-SG in tcp 80 <- 0.0.0.0/0")
                .rule("ALB-SG in tcp 443 <- 0.0.0.0/0"),
        )
        .group(group("APP-SG").without_consent().rule("APP-SG in tcp 0-65535 <- 0.0.0.0/0"))
        .internet_facing("shop")
        .redirect(80)
        .forward(443, "app")
        .target_group("app", 8000)
        .instance("APP-SG");
    let (world, text) = imported(estate).await;
    insta::assert_snapshot!(text, @r#"
    # Imported from lb shop
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team}
    spec:
      loadBalancer: {name: shop} # its group ALB-SG (ALB-SG) is written
      # Clients: those whom the rules of ALB-SG (ALB-SG) admit today.
      clients:
      - cidr: 0.0.0.0/0
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in APP-SG (APP-SG)
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   ALB-SG (ALB-SG) egress all to 0.0.0.0/0 (sgr): wider than needed
    #   ALB-SG (ALB-SG) egress all to ::/0 (sgr): wider than needed
    #   APP-SG (APP-SG) ingress tcp 0-65535 from 0.0.0.0/0 (sgr): wider than needed; Remove leaves it, as it reaches beyond the target groups' ports
    # Groups that may not be written yet by cluster team for namespace team. If they may be:
    #   aws ec2 create-tags --region eu-central-1 --resources APP-SG --tags Key=sgbind.dev/cluster/team,Value=owned Key=sgbind.dev/namespaces,Value=team
    "#);
    opt_in(&world, "APP-SG").await;
    expect_clients(&world, &["ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"]).await;
}

/// The VPC's IPv6 block.
async fn ipv6_block(world: &World) -> String {
    let found = world.aws.ec2.describe_vpcs().vpc_ids(world.vpc()).send().await.expect("the VPC");
    let block = found.vpcs()[0].ipv6_cidr_block_association_set()[0].ipv6_cidr_block().expect("a block");
    block.parse::<ipnet::Ipv6Net>().expect("a network").to_string()
}

/// What the printed command does.
async fn opt_in(world: &World, group: &str) {
    let key = format!("sgbind.dev/cluster/{}", world.cluster());
    world.tag_group(group, &[(&key, "owned"), ("sgbind.dev/namespaces", world.namespace())]).await;
}

#[tokio::test]
async fn internal_for_the_vpc() {
    let world = World::new().await;
    let estate = estate().internal("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    world.build(estate).await;
    let v6 = format!("ALB-SG in tcp 443 <- {}", ipv6_block(&world).await);
    world.authorize(&["ALB-SG in tcp 443 <- 10.0.0.0/16", &v6, "APP-SG in tcp 8000 <- ALB-SG"]).await;
    let printed = import(&world, "shop", &[]).await;
    insta::assert_snapshot!(in_names(&world, &printed.out), @r#"
    # Imported from lb shop
    # (application, internal, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team}
    spec:
      loadBalancer: {name: shop} # its group ALB-SG (ALB-SG) is written
      # Clients: those whom the rules of ALB-SG (ALB-SG) admit today.
      clients:
      - vpc: true # vpc-1: 10.0.0.0/16, VPC-IPv6
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in APP-SG (APP-SG)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
    world.apply_document(&printed.out).await;
    expect_clients(&world, &["ALB-SG out tcp 8000 -> APP-SG"]).await;
}

#[tokio::test]
async fn behind_cloudfront_and_for_a_gateway() {
    let world = World::new().await;
    world.prefix_list("PL-EDGE").await;
    let estate = estate()
        .group(group("GATEWAY-SG"))
        .internet_facing("shop")
        .forward(443, "app")
        .forward(8443, "admin")
        .target_group("app", 8000)
        .instance("APP-SG")
        .target_group("admin", 8001)
        .instance("APP-SG");
    world.build(estate).await;
    world.authorize(&["ALB-SG in tcp 443 <- PL-EDGE", "ALB-SG in tcp 8443 <- GATEWAY-SG"]).await;
    world.describe_rule("ALB-SG in tcp 8443 <- GATEWAY-SG", "admins, by way of the gateway").await;
    let printed = import(&world, "shop", &[]).await;
    insta::assert_snapshot!(in_names(&world, &printed.out), @r#"
    # Imported from lb shop
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team}
    spec:
      loadBalancer: {name: shop} # its group ALB-SG (ALB-SG) is written
      # Clients: those whom the rules of ALB-SG (ALB-SG) admit today.
      listeners:
      - port: 443
        clients:
        - prefixList: {name: PL-EDGE} # PL-EDGE
      - port: 8443
        clients:
        - securityGroup: {name: GATEWAY-SG} # GATEWAY-SG; "admins, by way of the gateway"
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   admin: HTTP 8001; in APP-SG (APP-SG)
      #   app: HTTP 8000; in APP-SG (APP-SG)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
    world.apply_document(&printed.out).await;
    expect_clients(
        &world,
        &[
            "ALB-SG out tcp 8000 -> APP-SG",
            "ALB-SG out tcp 8001 -> APP-SG",
            "APP-SG in tcp 8000 <- ALB-SG",
            "APP-SG in tcp 8001 <- ALB-SG",
        ],
    )
    .await;
}

#[tokio::test]
async fn blue_and_green_with_a_health_check_port() {
    let estate = estate()
        .internet_facing("shop")
        .weighted(443, &[("shop-blue", 100), ("shop-green", 0)])
        .target_group("shop-blue", 8000)
        .health_port(9000)
        .instance("APP-SG")
        .target_group("shop-green", 8000)
        .health_port(9000);
    let world = World::with(estate).await;
    let rules = [
        "ALB-SG in tcp 443 <- 0.0.0.0/0",
        "ALB-SG out tcp 8000 -> APP-SG",
        "ALB-SG out tcp 9000 -> APP-SG",
        "APP-SG in tcp 8000-9000 <- ALB-SG",
    ];
    world.authorize(&rules).await;
    let printed = import(&world, "shop", &[]).await;
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    insta::assert_snapshot!(in_names(&world, &printed.out), @r#"
    # Imported from lb shop
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team}
    spec:
      loadBalancer: {name: shop} # its group ALB-SG (ALB-SG) is written
      # Clients: those whom the rules of ALB-SG (ALB-SG) admit today.
      clients:
      - cidr: 0.0.0.0/0
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   shop-blue: HTTP 8000; health checks on 9000; in APP-SG (APP-SG)
      #   shop-green: HTTP 8000; health checks on 9000
      # For status.blueGreen write blueGreen: {blue: shop-blue, green: shop-green}
      # Not known yet: target group shop-green has no registered target, so the security groups of its targets are not known: register one, or declare securityGroups and ports.
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   APP-SG (APP-SG) ingress tcp 8000-9000 from ALB-SG (ALB-SG) (sgr): wider than needed; Remove leaves it, as it reaches beyond the target groups' ports
    "#);
    world.apply_document(&printed.out).await;
}

#[tokio::test]
async fn several_groups_on_load_balancer_and_targets() {
    let estate = estate()
        .group(group("ALB-SG").without_consent().rule("ALB-SG in tcp 443 <- 0.0.0.0/0"))
        .group(group("OFFICE-SG").without_consent().rule("OFFICE-SG in tcp 22 <- 192.0.2.0/24"))
        .group(group("APP-SG").without_consent())
        .group(group("SSH-SG").without_consent().rule("SSH-SG in tcp 22 <- 10.0.0.0/16"))
        .internet_facing("shop")
        .in_groups(&["ALB-SG", "OFFICE-SG"])
        .forward(443, "app")
        .target_group("app", 8000)
        .instance_in(&["APP-SG", "SSH-SG"]);
    let world = World::with(estate).await;
    world.authorize(&["APP-SG in tcp 8000 <- ALB-SG"]).await;
    let printed = import(&world, "shop", &[]).await;
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    world.apply_document(&printed.out).await;
    let object: serde_json::Value = serde_saphyr::from_str(&printed.out).expect("YAML");
    let expected = serde_json::json!({
        "loadBalancer": {"name": "shop", "securityGroup": {"name": "ALB-SG"}},
        "clients": [{"cidr": "0.0.0.0/0"}],
        "targetGroups": [{"name": "app", "ref": {"name": "app"}, "securityGroups": [{"name": "APP-SG"}]}],
        "foreignRules": "Report",
    });
    assert_eq!(object["spec"], expected);
    opt_in(&world, "ALB-SG").await;
    opt_in(&world, "APP-SG").await;
    expect_clients(&world, &["ALB-SG out tcp 8000 -> APP-SG"]).await;
}

#[tokio::test]
async fn a_network_load_balancer_by_protocol() {
    let estate = estate()
        .group(
            group("NLB-SG")
                .rule("NLB-SG in udp 53 <- 10.0.0.0/8")
                .rule("NLB-SG in tcp 53 <- 10.0.0.0/8")
                .rule("NLB-SG in tcp 443 <- 192.0.2.0/24"),
        )
        .network("shop")
        .in_groups(&["NLB-SG"])
        .forward_over("UDP", 53, "dns")
        .forward(443, "app")
        .target_group("dns", 53)
        .over("UDP")
        .instance("APP-SG")
        .target_group("app", 8000)
        .over("TCP")
        .instance("APP-SG");
    let (world, text) = imported(estate).await;
    insta::assert_snapshot!(text, @r#"
    # Imported from lb shop
    # (network, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team}
    spec:
      loadBalancer: {name: shop} # its group NLB-SG (NLB-SG) is written
      # Clients: those whom the rules of NLB-SG (NLB-SG) admit today.
      listeners:
      - port: 53
        clients:
        - cidr: 10.0.0.0/8
      - port: 443
        clients:
        - cidr: 192.0.2.0/24
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: TCP 8000; in APP-SG (APP-SG)
      #   dns: UDP 53; in APP-SG (APP-SG)
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   NLB-SG (NLB-SG) ingress tcp 53 from 10.0.0.0/8 (sgr): not needed
    "#);
    expect_clients(
        &world,
        &[
            "APP-SG in tcp 53 <- NLB-SG",
            "APP-SG in tcp 8000 <- NLB-SG",
            "APP-SG in udp 53 <- NLB-SG",
            "NLB-SG out tcp 53 -> APP-SG",
            "NLB-SG out tcp 8000 -> APP-SG",
            "NLB-SG out udp 53 -> APP-SG",
        ],
    )
    .await;
}

#[tokio::test]
async fn names_that_yaml_would_read_otherwise() {
    let hostile = "yes: [no], {a} #b!*";
    let estate = estate()
        .group(group(hostile))
        .internet_facing("shop")
        .forward(443, "app")
        .target_group("app", 8000)
        .instance("APP-SG");
    let world = World::with(estate).await;
    let of_gateway = UserIdGroupPair::builder().group_id(world.id(hostile)).description("see #4: a, b").build();
    let permission = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let call = world.aws.ec2.authorize_security_group_ingress().group_id(world.id("ALB-SG"));
    let call = call.ip_permissions(permission.user_id_group_pairs(of_gateway).build());
    call.send().await.expect("the rule is made");
    let printed = import(&world, "shop", &[]).await;
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    world.apply_document(&printed.out).await;
    assert!(printed.out.contains("- securityGroup: {name: \"yes: [no], {a} #b!*\"} # "), "{}", printed.out);
    expect_clients(&world, &["ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"]).await;
}
