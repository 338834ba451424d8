//! Whole documents of everyday estates, and laws.

mod groups;
mod laws;
mod words;
mod world;

use super::Unfit;
use crate::model::{Facts, LoadBalancerFacts};
use crate::testing::{alb, facts, internal_alb, nlb, target_group};
use world::World;

fn standard() -> Facts {
    facts(alb(&[80, 443]), &[target_group("app", 8000, "sg-0a000000")])
}

#[test]
fn public_with_targets_open_to_anyone() {
    let world = World::new(standard())
        .rules(
            "sg-0b000000",
            &["ingress tcp 80 from 0.0.0.0/0", "ingress tcp 443 from 0.0.0.0/0", "egress all to 0.0.0.0/0"],
        )
        .rules("sg-0a000000", &["ingress tcp 0-65535 from 0.0.0.0/0", "ingress tcp 22 from 10.0.0.0/8"]);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      clients:
      - cidr: 0.0.0.0/0
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) egress all to 0.0.0.0/0 (sgr-b2): wider than needed
    #   sg-0a000000 (name-of-0a000000) ingress tcp 0-65535 from 0.0.0.0/0 (sgr-a0): wider than needed; Remove leaves it, as it reaches beyond the target groups' ports
    "#);
}

#[test]
fn internal_whose_clients_are_the_vpc() {
    let world = World::new(facts(internal_alb(&[443]), &[target_group("app", 8000, "sg-0a000000")]))
        .rules("sg-0b000000", &["ingress tcp 443 from 10.1.0.0/16", "ingress tcp 443 from 2001:db8:1::/56"])
        .rules("sg-0a000000", &["ingress tcp 8000 from sg-0b000000"]);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internal, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      clients:
      - vpc: true # vpc-1: 10.1.0.0/16, 2001:db8:1::/56
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn one_block_of_several_is_not_the_vpc() {
    let world =
        World::new(facts(internal_alb(&[443]), &[])).rules("sg-0b000000", &["ingress tcp 443 from 10.1.0.0/16"]);
    assert_eq!(world.spec()["clients"], serde_json::json!([{"cidr": "10.1.0.0/16"}]));
}

#[test]
fn clients_by_name_where_that_finds_them() {
    let world = World::new(facts(alb(&[443, 8443]), &[]))
        .rules(
            "sg-0b000000",
            &[
                "ingress tcp 443 from pl-0c100000",
                "ingress tcp 443 from sg-0f000000",
                "ingress tcp 8443 from sg-0e000000",
                "ingress tcp 8443 from sg-0b000000",
                "ingress tcp 8443 from pl-0d100000",
                "ingress tcp 8443 from sg-0d000000",
                "ingress tcp 8443 from sg-0c000000",
            ],
        )
        .group_named("sg-0f000000", "gateway", true)
        .group_named("sg-0e000000", "gateway", false)
        .of_account("sg-0d000000", "210987654321")
        // Seen here because it is shared with us; with an account a binding takes ids only.
        .group_named("sg-0d000000", "partner", true)
        .list_named("pl-0c100000", "com.amazonaws.global.cloudfront.origin-facing", true)
        .list_named("pl-0d100000", "offices", false);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      listeners:
      - port: 443
        clients:
        - securityGroup: {name: gateway} # sg-0f000000
        - prefixList: {name: com.amazonaws.global.cloudfront.origin-facing} # pl-0c100000
      - port: 8443
        clients:
        - securityGroup: {name: alb} # sg-0b000000, the group itself
        - securityGroup: {id: sg-0c000000} # not to be seen: it is gone, or of another account
        - securityGroup: {id: sg-0d000000, accountID: "210987654321"} # partner
        - securityGroup: {id: sg-0e000000} # gateway
        - prefixList: {id: pl-0d100000} # offices
      # Target groups: no listener forwards to any today.
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn ports_at_which_nobody_is_admitted_are_left_out() {
    let world = World::new(facts(alb(&[80, 443, 8080]), &[]))
        .rules("sg-0b000000", &["ingress tcp 80 from 10.0.0.0/8", "ingress tcp 443 from 10.0.0.0/8"]);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      clients:
      - cidr: 10.0.0.0/8
      # Port 8080: the group admits nobody there today, so it is left out.
      listeners:
      - port: 80
      - port: 443
      # Target groups: no listener forwards to any today.
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn where_nobody_is_admitted_no_listener_is_declared() {
    let world = World::new(standard()).rules("sg-0b000000", &["ingress tcp 22 from 10.0.0.0/8"]);
    assert_eq!(world.spec()["manage"], serde_json::json!(["TargetEgress", "TargetIngress"]));
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      # Nobody is admitted today by the rules of sg-0b000000 (alb) at the listeners' ports (80, 443), so ListenerIngress is left out:
      # declare clients, and take manage out.
      manage: [TargetEgress, TargetIngress]
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn ingress_that_the_load_balancer_controller_keeps_is_left_out() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress tcp 443 from 0.0.0.0/0"])
        .tags("sg-0b000000", &[("elbv2.k8s.aws/cluster", "prod")]);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      # The AWS Load Balancer Controller keeps the ingress of sg-0b000000 (alb), so ListenerIngress is left out.
      manage: [TargetEgress, TargetIngress]
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn nlb_declares_its_clients_by_protocol() {
    let world = World::new(facts(nlb(&[(53, "UDP"), (443, "TLS"), (5060, "TCP_UDP")]), &[])).rules(
        "sg-0b000000",
        &[
            "ingress udp 53 from 10.0.0.0/8",
            "ingress tcp 53 from 192.0.2.0/24",
            "ingress tcp 443 from 10.0.0.0/8",
            "ingress tcp 5060 from 10.0.0.0/8",
            "ingress udp 5060 from 10.0.0.0/8",
            "ingress udp 5060 from 192.0.2.0/24",
        ],
    );
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (network, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      clients:
      - cidr: 10.0.0.0/8
      # Port 5060: 192.0.2.0/24 is admitted by udp 5060 only (sgr-b5). As a client it would be admitted by tcp and udp, so it is not declared.
      # Target groups: no listener forwards to any today.
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) ingress tcp 53 from 192.0.2.0/24 (sgr-b1): not needed
    #   sg-0b000000 (alb) ingress udp 5060 from 192.0.2.0/24 (sgr-b5): not needed
    "#);
}

#[test]
fn nlb_without_groups_is_told() {
    let without = LoadBalancerFacts { groups: Default::default(), ..nlb(&[(443, "TCP")]) };
    assert_eq!(World::new(facts(without, &[])).refused(), Unfit::WithoutGroup { load_balancer: "shop".into() });
}

#[test]
fn path_mtu_discovery_is_declared_where_all_clients_have_just_that() {
    let base = ["ingress tcp 443 from 10.0.0.0/8", "ingress tcp 443 from 2001:db8::/32"];
    let declared = |more: &[&'static str]| {
        let rules = [&base[..], more].concat();
        World::new(facts(alb(&[443]), &[])).rules("sg-0b000000", &rules).spec()["pathMTUDiscovery"].clone()
    };
    let (v4, v6) = ("ingress icmp type 3 code 4 from 10.0.0.0/8", "ingress icmpv6 type 2 code 0 from 2001:db8::/32");
    assert_eq!(declared(&[v4, v6]), serde_json::json!(true));
    assert_eq!(declared(&[v4]), serde_json::Value::Null, "not from all clients");
    assert_eq!(declared(&["ingress icmp all from 10.0.0.0/8", v6]), serde_json::Value::Null, "more than that");
    assert_eq!(declared(&[]), serde_json::Value::Null);
}

#[test]
fn too_many_clients_are_told() {
    let rules: Vec<String> = (0..61).map(|number| format!("ingress tcp 443 from 10.{number}.0.0/16")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(
        World::new(facts(alb(&[443]), &[])).rules("sg-0b000000", &rules).refused().to_string(),
        "spec.clients would have 61 items, and a binding holds 60 at the most: put the networks into a managed prefix list, \
         and admit that"
    );
}
