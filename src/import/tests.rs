//! Whole documents of everyday estates, and laws.

mod laws;
mod world;

use super::{Unfit, object_name};
use crate::model::{Facts, LoadBalancerFacts, Usage};
use crate::testing::{alb, facts, internal_alb, nlb, target_group};
use world::{World, foot};

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

/// The page shows what is printed.
#[test]
fn the_example_of_the_docs() {
    let world = World::new(standard())
        .rules(
            "sg-0b000000",
            &[
                "ingress tcp 80 from 0.0.0.0/0",
                "ingress tcp 443 from 0.0.0.0/0",
                "ingress tcp 443 from sg-0f000000",
                "egress all to 0.0.0.0/0",
            ],
        )
        .rules("sg-0a000000", &["ingress tcp 0-65535 from 10.0.0.0/8"])
        .described("ingress tcp 443 from sg-0f000000", "smoke tests")
        .described("ingress tcp 0-65535 from 10.0.0.0/8", "temporary")
        .group_named("sg-0b000000", "shop-alb", true)
        .group_named("sg-0a000000", "shop-app", true)
        .group_named("sg-0f000000", "ci-runners", true)
        .tags("sg-0b000000", &[("sgbind.dev/cluster/prod", "owned"), ("sgbind.dev/namespaces", "team-shop")])
        .in_cluster();
    let page = include_str!("../../docs/cli/import.md");
    assert!(page.contains(&format!("```yaml\n{}```\n", world.yaml())), "docs/cli/import.md lacks\n{}", world.yaml());
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
            ],
        )
        .group_named("sg-0f000000", "gateway", true)
        .group_named("sg-0e000000", "gateway", false)
        .of_account("sg-0d000000", "210987654321")
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
        - securityGroup: {id: sg-0d000000, accountID: "210987654321"}
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
      # Port 8080: nobody is admitted today, so it is left out, and stays closed.
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
fn blue_green_with_a_health_check_port() {
    let target = |name, group| crate::model::TargetGroupFacts {
        health_check_port: Some(9000),
        ..target_group(name, 8000, group)
    };
    let world =
        World::new(facts(alb(&[443]), &[target("shop-blue", "sg-0a000000"), target("shop-green", "sg-0c000000")]))
            .rules(
                "sg-0b000000",
                &[
                    "ingress tcp 443 from 0.0.0.0/0",
                    "egress tcp 8000 to sg-0a000000",
                    "egress tcp 8000-9000 to sg-0c000000",
                ],
            )
            .rules("sg-0a000000", &["ingress tcp 8000-9000 from sg-0b000000", "ingress all from sg-0a000000"])
            .rules("sg-0c000000", &["ingress tcp 8000 from 10.1.0.0/16", "ingress tcp 9000 from sg-0b000000"]);
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
      #   shop-blue: HTTP 8000; health checks on 9000; in sg-0a000000 (name-of-0a000000)
      #   shop-green: HTTP 8000; health checks on 9000; in sg-0c000000 (name-of-0c000000)
      # For status.blueGreen write blueGreen: {blue: shop-blue, green: shop-green}
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) egress tcp 8000-9000 to sg-0c000000 (name-of-0c000000) (sgr-b2): wider than needed
    #   sg-0a000000 (name-of-0a000000) ingress tcp 8000-9000 from sg-0b000000 (alb) (sgr-a0): wider than needed; Remove leaves it, as it reaches beyond the target groups' ports
    #   sg-0c000000 (name-of-0c000000) ingress tcp 8000 from 10.1.0.0/16 (sgr-c0): wider than needed
    "#);
}

fn with_groups(ids: &[&str]) -> Facts {
    let groups = ids.iter().map(|id| (*id).into()).collect();
    facts(LoadBalancerFacts { groups, ..alb(&[443]) }, &[target_group("app", 8000, "sg-0a000000")])
}

#[test]
fn of_several_groups_that_one_is_written_that_serves_todays_traffic() {
    let world = World::new(with_groups(&["sg-0b000000", "sg-0e000000"]))
        .rules("sg-0b000000", &["ingress tcp 22 from 10.0.0.0/8"])
        .rules("sg-0e000000", &["ingress tcp 443 from 0.0.0.0/0"]);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer:
        name: shop
        # It carries several groups: sg-0b000000 (alb), sg-0e000000 (name-of-0e000000).
        # This one's rules serve today's traffic best. Name another if that one is to be written, or
        # name none, and let exactly one of them opt in.
        securityGroup: {name: name-of-0e000000} # sg-0e000000
      # Clients: those whom the rules of sg-0e000000 (name-of-0e000000) admit today.
      clients:
      - cidr: 0.0.0.0/0
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn of_several_groups_the_only_one_that_opted_in_is_written() {
    let world = World::new(with_groups(&["sg-0b000000", "sg-0e000000"]))
        .rules("sg-0b000000", &["ingress tcp 443 from 10.0.0.0/8"])
        .rules("sg-0e000000", &["ingress tcp 443 from 0.0.0.0/0"])
        .tags("sg-0b000000", &[("sgbind.dev/cluster/prod", "owned"), ("sgbind.dev/namespaces", "other")])
        .in_cluster();
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      # Of its groups sg-0b000000 (alb), sg-0e000000 (name-of-0e000000) only sg-0b000000 has opted in: that one is written.
      loadBalancer: {name: shop}
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      # sg-0e000000 (name-of-0e000000) is not written, and admits too: 443 from 0.0.0.0/0.
      clients:
      - cidr: 10.0.0.0/8
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    # Groups that may not be written yet by cluster prod for namespace team-shop. If they may be:
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0a000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0b000000 --tags 'Key=sgbind.dev/namespaces,Value=other team-shop'
    "#);
}

#[test]
fn targets_whose_interfaces_carry_several_groups_are_named() {
    let mut facts = standard();
    facts.target_groups.push(target_group("plain", 8001, "sg-0c000000"));
    let world = World::new(facts)
        .rules("sg-0b000000", &["ingress tcp 80 from 0.0.0.0/0", "ingress tcp 443 from 0.0.0.0/0"])
        .rules("sg-0a000000", &["ingress tcp 8000 from sg-0b000000"])
        .rules("sg-0d000000", &["ingress tcp 0-65535 from 10.0.0.0/8"])
        .interface("app", &["sg-0a000000", "sg-0d000000"])
        .interface("plain", &["sg-0c000000"]);
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
      # Target groups: all that listeners and their rules forward to today. Derived of them:
      #   app: HTTP 8000; in sg-0a000000 (name-of-0a000000)
      #   plain: HTTP 8001; in sg-0c000000 (name-of-0c000000)
      targetGroups:
      - name: app
        ref: {name: app}
        # Interfaces of the targets carry several groups: sg-0a000000 (name-of-0a000000), sg-0d000000 (name-of-0d000000).
        # Named are those whose rules serve today's traffic best.
        securityGroups:
        - name: name-of-0a000000 # sg-0a000000
      - name: plain
        ref: {name: plain}
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn identity_providers_are_those_that_egress_reaches_beside_targets() {
    let mut facts = standard();
    for listener in facts.load_balancer.iter_mut().flat_map(|found| found.listeners.values_mut()) {
        listener.authenticates = true;
    }
    let world = |egress: &[&'static str]| {
        let mut rules = vec!["ingress tcp 443 from 0.0.0.0/0", "ingress tcp 80 from 0.0.0.0/0"];
        rules.extend(egress);
        World::new(facts.clone()).rules("sg-0b000000", &rules)
    };
    let providers = |egress: &[&'static str]| world(egress).spec()["identityProviders"].clone();
    let reached =
        ["egress tcp 443 to 198.51.100.0/24", "egress tcp 0-65535 to sg-0a000000", "egress tcp 80 to 10.0.0.0/8"];
    assert_eq!(providers(&reached), serde_json::json!([{"cidr": "198.51.100.0/24"}]));
    assert_eq!(providers(&["egress all to 0.0.0.0/0"]), serde_json::Value::Null, "the default");
    assert_eq!(providers(&["egress tcp 8000 to sg-0a000000"]), serde_json::json!([]), "nobody");
    insta::assert_snapshot!(world(&reached).yaml(), @r#"
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
      # An action authenticates. Reached on 443 today, beside targets:
      identityProviders:
      - cidr: 198.51.100.0/24
      # Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.
      foreignRules: Report
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) egress tcp 0-65535 to sg-0a000000 (name-of-0a000000) (sgr-b3): wider than needed
    #   sg-0b000000 (alb) egress tcp 80 to 10.0.0.0/8 (sgr-b4): not needed
    "#);
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
fn names_from_aws_say_nothing_that_a_reader_could_mistake() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress tcp 80 from sg-0f000000", "ingress tcp 443 from 10.0.0.0/8"])
        .described("ingress tcp 443 from 10.0.0.0/8", "office\nclients: [{cidr: 0.0.0.0/0}]\u{2028}\u{202e}x")
        .group_named("sg-0f000000", "a: [b], {c} #d\n\"e\\\u{85}", true)
        .group_named("sg-0a000000", "app\r\n  - cidr: ::/0", false);
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
      - port: 80
        clients:
        - securityGroup: {name: "a: [b], {c} #d\u000a\"e\\\u0085"} # sg-0f000000
      - port: 443
        clients:
        - cidr: 10.0.0.0/8 # "office clients: [{cidr: 0.0.0.0/0}] ?x"
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (app    - cidr: ::/0)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn elsewhere_region_and_account_are_written() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress all from 10.0.0.0/8"])
        .from_home("us-east-1", "210987654321");
    let spec = world.spec();
    assert_eq!((&spec["region"], &spec["accountID"]), (&"ap-northeast-2".into(), &"123456789012".into()));
    assert!(world.yaml().contains("  accountID: \"123456789012\"\n"), "{}", world.yaml());
}

#[test]
fn what_could_not_be_read_stands_first() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress all from 10.0.0.0/8"])
        .unknown("ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation");
    let document = world.document();
    assert_eq!(document.unknown, ["ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation"]);
    insta::assert_snapshot!(document.yaml().lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    # NOT COMPLETE. Not known:
    #   ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation
    "#);
}

#[test]
fn what_keeps_rules_from_being_removed_is_told() {
    let rules = ["ingress tcp 22 from 10.0.0.0/8", "ingress tcp 443 from 10.0.0.0/8", "ingress tcp 80 from 10.0.0.0/8"];
    let world = || World::new(standard()).rules("sg-0b000000", &rules).in_cluster();
    let shared = [("sgbind.dev/cluster/prod", "shared"), ("sgbind.dev/namespaces", "*")];
    insta::assert_snapshot!(foot(&world().tags("sg-0b000000", &shared).yaml()), @r#"
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) ingress tcp 22 from 10.0.0.0/8 (sgr-b0): not needed; Remove leaves it, as sg-0b000000 is shared
    # Groups that may not be written yet by cluster prod for namespace team-shop. If they may be:
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0a000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    "#);
    let elsewhere = Usage::Elsewhere(["eni-1 (RDS\nx)".to_owned()].into());
    insta::assert_snapshot!(foot(&world().used(elsewhere).yaml()), @r#"
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) ingress tcp 22 from 10.0.0.0/8 (sgr-b0): not needed; Remove leaves it while sg-0b000000 is used elsewhere (eni-1 (RDS x))
    # Groups that may not be written yet by cluster prod for namespace team-shop. If they may be:
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0a000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0b000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    "#);
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

#[test]
fn an_object_is_named_as_kubernetes_has_it() {
    assert_eq!(object_name("Shop-Public"), "shop-public");
    assert_eq!(object_name("--x_y.z-"), "x-y-z");
    assert_eq!(object_name("---"), "load-balancer");
}
