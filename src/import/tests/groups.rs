//! Which groups are written, and what follows from targets.

use super::standard;
use super::world::World;
use crate::model::{Facts, LoadBalancerFacts};
use crate::testing::{alb, facts, target_group};

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
