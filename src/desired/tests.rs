//! Each pattern of the catalogue has a test that bears its id.

use std::collections::BTreeSet;

use super::*;
use crate::model::{ElbProtocol, GroupSelector, PeerGroup, PeerList, PrefixListSelector};
use crate::testing::*;

fn desired(spec: &str, facts: &Facts) -> Desired {
    of(&declaration(spec).wants, facts)
}

#[track_caller]
fn assert_rules(spec: &str, facts: &Facts, expected: &[&str]) {
    let mut expected = texts(expected);
    expected.sort();
    assert_eq!(rules(&desired(spec, facts)), expected);
}

/// What is governed, such as `sg-alb ingress everything`.
fn governed(spec: &str, facts: &Facts) -> Vec<String> {
    let of_group = |(id, needs): (&SecurityGroupId, &GroupNeeds)| {
        let elsewhere = if needs.governs.unless_used_elsewhere { " unless used elsewhere" } else { "" };
        let (ingress, egress) = (extent(&needs.governs.ingress), extent(&needs.governs.egress));
        format!("{id}: ingress {ingress}; egress {egress}{elsewhere}")
    };
    desired(spec, facts).groups.iter().map(of_group).collect()
}

const SMALLEST: &str = "loadBalancer: {name: shop}";

fn standard() -> Facts {
    facts(alb(&[443]), &[target_group("app", 8000, "sg-app")])
}

#[test]
fn alb_standard() {
    assert_rules(
        SMALLEST,
        &standard(),
        &[
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
            "sg-alb egress tcp 8000 to sg-app",
            "sg-app ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn alb_redirect() {
    assert_rules(
        SMALLEST,
        &facts(alb(&[80, 443]), &[target_group("app", 8000, "sg-app")]),
        &[
            "sg-alb ingress tcp 80 from 0.0.0.0/0",
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
            "sg-alb egress tcp 8000 to sg-app",
            "sg-app ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn elb_reference_internet_facing_with_a_health_check_port() {
    let target = TargetGroupFacts { health_check_port: Some(8081), ..target_group("app", 8080, "sg-app") };
    assert_rules(
        SMALLEST,
        &facts(alb(&[80, 443]), &[target]),
        &[
            "sg-alb ingress tcp 80 from 0.0.0.0/0",
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
            "sg-alb egress tcp 8080 to sg-app",
            "sg-alb egress tcp 8081 to sg-app",
            "sg-app ingress tcp 8080 from sg-alb",
            "sg-app ingress tcp 8081 from sg-alb",
        ],
    );
}

#[test]
fn elb_reference_internal() {
    assert_rules(
        SMALLEST,
        &facts(internal_alb(&[8080]), &[target_group("app", 80, "sg-app")]),
        &[
            "sg-alb ingress tcp 8080 from 10.1.0.0/16",
            "sg-alb egress tcp 80 to sg-app",
            "sg-app ingress tcp 80 from sg-alb",
        ],
    );
}

#[test]
fn other_ports_than_those_of_the_web_are_not_opened_to_the_internet_by_silence() {
    let desired = desired(SMALLEST, &facts(alb(&[443, 8443]), &[]));
    assert_eq!(rules(&desired), ["sg-alb ingress tcp 443 from 0.0.0.0/0"]);
    assert!(desired.clients_not_declared);
    assert_eq!(desired.problems, []);
}

#[test]
fn clients_for_listeners_that_name_none() {
    let desired = desired(
        "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], \
         listeners: [{port: 443}, {port: 8443, clients: [{cidr: 192.0.2.0/24}]}]}",
        &facts(alb(&[443, 8443]), &[]),
    );
    assert_eq!(
        rules(&desired),
        ["sg-alb ingress tcp 443 from 10.0.0.0/8", "sg-alb ingress tcp 8443 from 192.0.2.0/24"]
    );
    assert!(!desired.clients_not_declared);
}

#[test]
fn alb_health_port() {
    let target = TargetGroupFacts { health_check_port: Some(9000), ..target_group("app", 8000, "sg-app") };
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress, TargetIngress]}",
        &facts(alb(&[443]), &[target]),
        &[
            "sg-alb egress tcp 8000 to sg-app",
            "sg-alb egress tcp 9000 to sg-app",
            "sg-app ingress tcp 8000 from sg-alb",
            "sg-app ingress tcp 9000 from sg-alb",
        ],
    );
}

#[test]
fn alb_control_port() {
    let target = TargetGroupFacts { control_port: Some(3000), ..target_group("app", 8000, "sg-app") };
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress, TargetIngress]}",
        &facts(alb(&[443]), &[target]),
        &[
            "sg-alb egress tcp 3000 to sg-app",
            "sg-alb egress tcp 8000 to sg-app",
            "sg-app ingress tcp 3000 from sg-alb",
            "sg-app ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn alb_multi_port() {
    let rules = [
        "sg-alb ingress tcp 443 from 0.0.0.0/0",
        "sg-alb egress tcp 8000 to sg-app",
        "sg-alb egress tcp 8001 to sg-app",
        "sg-app ingress tcp 8000 from sg-alb",
        "sg-app ingress tcp 8001 from sg-alb",
    ];
    let two_groups = [target_group("api", 8000, "sg-app"), target_group("admin", 8001, "sg-app")];
    assert_rules(SMALLEST, &facts(alb(&[443]), &two_groups), &rules);

    let two_ports = TargetGroupFacts { ports: BTreeSet::from([8000, 8001]), ..target_group("app", 8000, "sg-app") };
    assert_rules(SMALLEST, &facts(alb(&[443]), &[two_ports]), &rules);
}

#[test]
fn alb_port_override() {
    // The registered ports stand in the facts; a declaration goes before them.
    let registered = TargetGroupFacts { ports: BTreeSet::from([31000, 31001]), ..target_group("app", 80, "sg-app") };
    let facts = facts(alb(&[443]), &[registered]);
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetIngress]}",
        &facts,
        &["sg-app ingress tcp 31000 from sg-alb", "sg-app ingress tcp 31001 from sg-alb"],
    );
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetIngress], \
          targetGroups: [{name: app, ref: {name: shop-app}, ports: [8000], healthCheckPort: 9000}]}",
        &facts,
        &["sg-app ingress tcp 8000 from sg-alb", "sg-app ingress tcp 9000 from sg-alb"],
    );
}

#[test]
fn alb_blue_green_whatever_the_weights() {
    for weights in [(0, 100), (100, 0), (0, 0), (50, 50)] {
        let blue = TargetGroupFacts { weight: Some(weights.0), ..target_group("blue", 8000, "sg-blue") };
        let green = TargetGroupFacts { weight: Some(weights.1), ..target_group("green", 8000, "sg-green") };
        assert_rules(
            SMALLEST,
            &facts(alb(&[443]), &[blue, green]),
            &[
                "sg-alb ingress tcp 443 from 0.0.0.0/0",
                "sg-alb egress tcp 8000 to sg-blue",
                "sg-alb egress tcp 8000 to sg-green",
                "sg-blue ingress tcp 8000 from sg-alb",
                "sg-green ingress tcp 8000 from sg-alb",
            ],
        );
    }
}

#[test]
fn two_target_groups_on_the_same_group_and_port_come_to_one_rule() {
    let targets = [target_group("blue", 8000, "sg-app"), target_group("green", 8000, "sg-app")];
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress, TargetIngress]}",
        &facts(alb(&[443]), &targets),
        &["sg-alb egress tcp 8000 to sg-app", "sg-app ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn alb_internal_where_nothing_is_declared() {
    let internal = facts(internal_alb(&[443]), &[]);
    let desired = desired(SMALLEST, &internal);
    assert_eq!(rules(&desired), ["sg-alb ingress tcp 443 from 10.1.0.0/16"]);
    assert!(desired.clients_not_declared);

    let dual_stack = LoadBalancerFacts { ip_address_type: "dualstack".into(), ..internal_alb(&[443]) };
    assert_rules(
        SMALLEST,
        &facts(dual_stack, &[]),
        &["sg-alb ingress tcp 443 from 10.1.0.0/16", "sg-alb ingress tcp 443 from 2001:db8:1::/56"],
    );
}

#[test]
fn alb_internal_where_clients_are_declared() {
    let internal = with_peer_group(facts(internal_alb(&[443]), &[]), "sg-0123456789abcdef0");
    assert_rules(
        "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}, {securityGroup: {id: sg-0123456789abcdef0}}]}",
        &internal,
        &["sg-alb ingress tcp 443 from 10.0.0.0/8", "sg-alb ingress tcp 443 from sg-0123456789abcdef0"],
    );
    assert_rules(
        "{loadBalancer: {name: shop}, clients: [{vpc: true}]}",
        &internal,
        &["sg-alb ingress tcp 443 from 10.1.0.0/16", "sg-alb ingress tcp 443 from 2001:db8:1::/56"],
    );
}

#[test]
fn a_client_of_another_account_is_named_with_it() {
    let selector = GroupSelector::Id { id: "sg-0fa0fa00".into(), account: Some("210987654321".into()) };
    let mut facts = facts(alb(&[443]), &[]);
    let group = PeerGroup { id: "sg-0fa0fa00".into(), account: Some("210987654321".into()) };
    facts.peers.groups.insert(selector, group);
    let desired = desired(
        "{loadBalancer: {name: shop}, clients: [{securityGroup: {id: sg-0fa0fa00, accountID: '210987654321'}}]}",
        &facts,
    );
    let need = &desired.groups[&"sg-alb".into()].rules[&spec("ingress tcp 443 from sg-0fa0fa00")];
    assert_eq!(need.peer_account, Some("210987654321".into()));
}

#[test]
fn a_client_that_was_not_found_opens_nothing() {
    assert_rules(
        "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}, {securityGroup: {name: gateway}}]}",
        &facts(alb(&[443]), &[]),
        &["sg-alb ingress tcp 443 from 10.0.0.0/8"],
    );
}

#[test]
fn alb_dual_stack() {
    let dual_stack = LoadBalancerFacts { ip_address_type: "dualstack".into(), ..alb(&[443]) };
    assert_rules(
        SMALLEST,
        &facts(dual_stack, &[target_group("app", 8000, "sg-app")]),
        &[
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
            "sg-alb ingress tcp 443 from ::/0",
            "sg-alb egress tcp 8000 to sg-app",
            "sg-app ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn alb_dual_stack_without_public_ipv4() {
    let v6_only = LoadBalancerFacts { ip_address_type: "dualstack-without-public-ipv4".into(), ..alb(&[443]) };
    assert_rules(SMALLEST, &facts(v6_only, &[]), &["sg-alb ingress tcp 443 from ::/0"]);
}

#[test]
fn alb_prefix_list() {
    let mut facts = standard();
    let selector = PrefixListSelector::Name("com.amazonaws.global.cloudfront.origin-facing".into());
    facts.peers.prefix_lists.insert(selector, PeerList { id: "pl-cloudfront".into(), family: None });
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [ListenerIngress], \
          clients: [{prefixList: {name: com.amazonaws.global.cloudfront.origin-facing}}]}",
        &facts,
        &["sg-alb ingress tcp 443 from pl-cloudfront"],
    );
}

#[test]
fn alb_ip_targets() {
    // Which interface owns an address is found out before; here only its groups count.
    let groups = BTreeSet::from(["sg-node".into(), "sg-pod".into()]);
    let target = TargetGroupFacts { groups, ..target_group("app", 8000, "sg-node") };
    assert_rules(
        SMALLEST,
        &facts(alb(&[443]), &[target]),
        &[
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
            "sg-alb egress tcp 8000 to sg-node",
            "sg-alb egress tcp 8000 to sg-pod",
            "sg-node ingress tcp 8000 from sg-alb",
            "sg-pod ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn alb_ip_outside() {
    let target = TargetGroupFacts {
        groups: BTreeSet::new(),
        addresses: BTreeSet::from([cidr("10.200.0.7/32"), cidr("10.200.0.8/32")]),
        ..target_group("app", 8000, "sg-app")
    };
    let facts = facts(alb(&[443]), &[target]);
    let found = desired(SMALLEST, &facts);
    assert_eq!(
        rules(&found),
        [
            "sg-alb egress tcp 8000 to 10.200.0.7/32",
            "sg-alb egress tcp 8000 to 10.200.0.8/32",
            "sg-alb ingress tcp 443 from 0.0.0.0/0",
        ]
    );
    assert_eq!(texts(&found.targets_outside), ["10.200.0.7/32", "10.200.0.8/32"]);

    let declared = "{loadBalancer: {name: shop}, manage: [TargetEgress], \
                     targetGroups: [{name: app, ref: {name: app}, addresses: [10.200.0.0/24]}]}";
    assert_rules(declared, &facts, &["sg-alb egress tcp 8000 to 10.200.0.0/24"]);
}

fn authenticating() -> Facts {
    let mut facts = standard();
    for listener in facts.load_balancer.iter_mut().flat_map(|each| each.listeners.values_mut()) {
        listener.authenticates = true;
    }
    facts
}

#[test]
fn alb_auth() {
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress]}",
        &authenticating(),
        &["sg-alb egress tcp 443 to 0.0.0.0/0", "sg-alb egress tcp 8000 to sg-app"],
    );
}

#[test]
fn alb_auth_with_declared_providers() {
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress], identityProviders: [{cidr: 198.51.100.0/24}]}",
        &authenticating(),
        &["sg-alb egress tcp 443 to 198.51.100.0/24", "sg-alb egress tcp 8000 to sg-app"],
    );
}

#[test]
fn alb_auth_needs_nothing_without_an_authenticating_action() {
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetEgress], identityProviders: [{cidr: 198.51.100.0/24}]}",
        &standard(),
        &["sg-alb egress tcp 8000 to sg-app"],
    );
}

#[test]
fn alb_auth_belongs_to_target_egress() {
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [ListenerIngress, TargetIngress]}",
        &authenticating(),
        &["sg-alb ingress tcp 443 from 0.0.0.0/0", "sg-app ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn alb_path_mtu() {
    let facts = with_peer_group(facts(alb(&[443]), &[]), "sg-0a7e0a7e");
    assert_rules(
        "{loadBalancer: {name: shop}, pathMTUDiscovery: true, \
          clients: [{cidr: 10.0.0.0/8}, {cidr: '2001:db8::/32'}, {securityGroup: {id: sg-0a7e0a7e}}]}",
        &facts,
        &[
            "sg-alb ingress tcp 443 from 10.0.0.0/8",
            "sg-alb ingress icmp type 3 code 4 from 10.0.0.0/8",
            "sg-alb ingress tcp 443 from 2001:db8::/32",
            "sg-alb ingress icmpv6 type 2 code 0 from 2001:db8::/32",
            "sg-alb ingress tcp 443 from sg-0a7e0a7e",
            "sg-alb ingress icmp type 3 code 4 from sg-0a7e0a7e",
            "sg-alb ingress icmpv6 type 2 code 0 from sg-0a7e0a7e",
        ],
    );
}

#[test]
fn alb_path_mtu_of_clients_who_are_derived_too() {
    assert_rules(
        "{loadBalancer: {name: shop}, pathMTUDiscovery: true}",
        &facts(alb(&[443]), &[]),
        &["sg-alb ingress tcp 443 from 0.0.0.0/0", "sg-alb ingress icmp type 3 code 4 from 0.0.0.0/0"],
    );
}

#[test]
fn a_rule_that_one_listener_declares_is_declared_though_another_derives_it() {
    let desired = desired(
        "{loadBalancer: {name: shop}, pathMTUDiscovery: true, \
          listeners: [{port: 80}, {port: 443, clients: [{cidr: 0.0.0.0/0}]}]}",
        &facts(alb(&[80, 443]), &[]),
    );
    let by_default = |text: &str| desired.groups[&"sg-alb".into()].rules[&spec(text)].by_default;
    assert!(by_default("ingress tcp 80 from 0.0.0.0/0"));
    assert!(!by_default("ingress tcp 443 from 0.0.0.0/0"));
    assert!(!by_default("ingress icmp type 3 code 4 from 0.0.0.0/0"));
}

fn with_protocol(protocol: &str, target: TargetGroupFacts) -> TargetGroupFacts {
    TargetGroupFacts { protocol: ElbProtocol(protocol.into()), ..target }
}

#[test]
fn nlb_with_sg() {
    assert_rules(
        "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}",
        &facts(nlb(&[(443, "TLS")]), &[with_protocol("TCP", target_group("app", 8000, "sg-app"))]),
        &[
            "sg-alb ingress tcp 443 from 10.0.0.0/8",
            "sg-alb egress tcp 8000 to sg-app",
            "sg-app ingress tcp 8000 from sg-alb",
        ],
    );
}

#[test]
fn nlb_with_sg_udp_has_health_checks_over_tcp() {
    assert_rules(
        "{loadBalancer: {name: dns}, clients: [{cidr: 10.0.0.0/8}]}",
        &facts(nlb(&[(53, "UDP")]), &[with_protocol("UDP", target_group("dns", 5353, "sg-app"))]),
        &[
            "sg-alb ingress udp 53 from 10.0.0.0/8",
            "sg-alb egress udp 5353 to sg-app",
            "sg-alb egress tcp 5353 to sg-app",
            "sg-app ingress udp 5353 from sg-alb",
            "sg-app ingress tcp 5353 from sg-alb",
        ],
    );
    let target = TargetGroupFacts { health_check_port: Some(8080), ..target_group("dns", 5353, "sg-app") };
    assert_rules(
        "{loadBalancer: {name: dns}, clients: [{cidr: 10.0.0.0/8}]}",
        &facts(nlb(&[(53, "UDP")]), &[with_protocol("UDP", target)]),
        &[
            "sg-alb ingress udp 53 from 10.0.0.0/8",
            "sg-alb egress udp 5353 to sg-app",
            "sg-alb egress tcp 8080 to sg-app",
            "sg-app ingress udp 5353 from sg-alb",
            "sg-app ingress tcp 8080 from sg-alb",
        ],
    );
}

#[test]
fn nlb_with_sg_tcp_udp_means_both() {
    let target = TargetGroupFacts { health_check_port: Some(8080), ..target_group("dns", 5353, "sg-app") };
    assert_rules(
        "{loadBalancer: {name: dns}, clients: [{cidr: 10.0.0.0/8}]}",
        &facts(nlb(&[(53, "TCP_UDP")]), &[with_protocol("TCP_UDP", target)]),
        &[
            "sg-alb ingress tcp 53 from 10.0.0.0/8",
            "sg-alb ingress udp 53 from 10.0.0.0/8",
            "sg-alb egress tcp 5353 to sg-app",
            "sg-alb egress udp 5353 to sg-app",
            "sg-alb egress tcp 8080 to sg-app",
            "sg-app ingress tcp 5353 from sg-alb",
            "sg-app ingress udp 5353 from sg-alb",
            "sg-app ingress tcp 8080 from sg-alb",
        ],
    );
}

#[test]
fn nlb_clients_must_be_declared() {
    let facts = facts(nlb(&[(443, "TCP")]), &[with_protocol("TCP", target_group("app", 8000, "sg-app"))]);
    let desired = desired(SMALLEST, &facts);
    assert_eq!(rules(&desired), ["sg-alb egress tcp 8000 to sg-app", "sg-app ingress tcp 8000 from sg-alb"]);
    let reasons: Vec<&str> = desired.problems.iter().map(|problem| problem.reason.word()).collect();
    assert_eq!(reasons, ["ClientsRequired"]);
    assert_eq!(
        desired.problems[0].message,
        "listener 443 of network load balancer shop has no declared clients: write spec.clients, or clients of that listener"
    );
}

#[test]
fn nlb_alb_target() {
    assert_rules(
        "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}",
        &facts(nlb(&[(443, "TCP")]), &[with_protocol("TCP", target_group("inner", 443, "sg-inner-alb"))]),
        &[
            "sg-alb ingress tcp 443 from 10.0.0.0/8",
            "sg-alb egress tcp 443 to sg-inner-alb",
            "sg-inner-alb ingress tcp 443 from sg-alb",
        ],
    );
}

#[test]
fn lambda_target() {
    let target = TargetGroupFacts {
        ports: BTreeSet::new(),
        groups: BTreeSet::new(),
        ..with_protocol("", target_group("function", 0, "sg-none"))
    };
    let desired = desired(SMALLEST, &facts(alb(&[443]), &[target]));
    assert_eq!(rules(&desired), ["sg-alb ingress tcp 443 from 0.0.0.0/0"]);
    assert_eq!(desired.problems, []);
}

#[test]
fn every_subset_of_manage() {
    let parts = [
        ("ListenerIngress", "sg-alb ingress tcp 443 from 0.0.0.0/0"),
        ("TargetEgress", "sg-alb egress tcp 8000 to sg-app"),
        ("TargetIngress", "sg-app ingress tcp 8000 from sg-alb"),
    ];
    for bits in 1..8u8 {
        let chosen: Vec<_> = (0..3).filter(|bit| bits & (1 << bit) != 0).map(|bit| parts[bit]).collect();
        let aspects: Vec<&str> = chosen.iter().map(|(aspect, _)| *aspect).collect();
        let expected: Vec<&str> = chosen.iter().map(|(_, rule)| *rule).collect();
        let spec = format!("{{loadBalancer: {{name: shop}}, manage: [{}]}}", aspects.join(", "));
        assert_rules(&spec, &standard(), &expected);
    }
}

fn group_only() -> Facts {
    let mut facts = facts(alb(&[]), &[]);
    facts.load_balancer = None;
    facts.group = Some("sg-00a1b00a".into());
    with_peer_group(facts, "sg-09ee0900")
}

#[test]
fn a_binding_of_a_group_alone() {
    assert_rules(
        "{loadBalancer: {securityGroup: {id: sg-00a1b00a}}, \
          listeners: [{port: 443, clients: [{cidr: 10.0.0.0/8}]}], \
          targetGroups: [{name: green, ports: [8000], healthCheckPort: 9000, securityGroups: [{id: sg-09ee0900}]}]}",
        &group_only(),
        &[
            "sg-00a1b00a ingress tcp 443 from 10.0.0.0/8",
            "sg-00a1b00a egress tcp 8000 to sg-09ee0900",
            "sg-00a1b00a egress tcp 9000 to sg-09ee0900",
            "sg-09ee0900 ingress tcp 8000 from sg-00a1b00a",
            "sg-09ee0900 ingress tcp 9000 from sg-00a1b00a",
        ],
    );
}

#[test]
fn only_declared_target_groups_are_meant_where_some_are() {
    let targets = [target_group("blue", 8000, "sg-blue"), target_group("other", 9000, "sg-other")];
    assert_rules(
        "{loadBalancer: {name: shop}, manage: [TargetIngress], targetGroups: [{name: blue, ref: {name: shop-blue}}]}",
        &facts(alb(&[443]), &targets),
        &["sg-blue ingress tcp 8000 from sg-alb"],
    );
}

#[test]
fn without_a_group_to_write_nothing_is_needed() {
    let facts = Facts { group: None, ..standard() };
    assert_rules(SMALLEST, &facts, &[]);
}

#[test]
fn governed_where_every_listeners_clients_are_declared() {
    assert_eq!(
        governed("{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}", &standard()),
        [
            "sg-alb: ingress everything; egress everything unless used elsewhere",
            "sg-app: ingress [tcp 8000], but self; egress nothing"
        ]
    );
}

#[test]
fn governed_are_only_the_ports_whose_clients_are_declared() {
    let facts = facts(alb(&[80, 443]), &[]);
    let of_443 = "{loadBalancer: {name: shop}, listeners: [{port: 80}, {port: 443, clients: [{cidr: 10.0.0.0/8}]}]}";
    assert_eq!(governed(of_443, &facts), ["sg-alb: ingress [tcp 443]; egress everything unless used elsewhere"]);
    assert_eq!(governed(SMALLEST, &facts), ["sg-alb: ingress []; egress everything unless used elsewhere"]);
    // A listener of the load balancer that the binding does not name has no declared clients either.
    let silent_on_80 = "{loadBalancer: {name: shop}, listeners: [{port: 443, clients: [{cidr: 10.0.0.0/8}]}]}";
    assert_eq!(governed(silent_on_80, &facts), ["sg-alb: ingress [tcp 443]; egress everything unless used elsewhere"]);
}

#[test]
fn governed_is_what_is_managed() {
    assert_eq!(
        governed("{loadBalancer: {name: shop}, manage: [TargetEgress]}", &standard()),
        ["sg-alb: ingress nothing; egress everything unless used elsewhere"]
    );
    assert_eq!(
        governed("{loadBalancer: {name: shop}, manage: [TargetIngress]}", &standard()),
        [
            "sg-alb: ingress nothing; egress nothing unless used elsewhere",
            "sg-app: ingress [tcp 8000], but self; egress nothing"
        ]
    );
}

#[test]
fn no_ingress_is_governed_where_no_listener_is_known() {
    // Listener ingress is tightened only where clients are declared.
    let spec = "{loadBalancer: {securityGroup: {id: sg-00a1b00a}}, \
                 targetGroups: [{name: green, ports: [8000], securityGroups: [{id: sg-09ee0900}]}]}";
    assert_eq!(
        governed(spec, &group_only()),
        [
            "sg-00a1b00a: ingress []; egress everything unless used elsewhere",
            "sg-09ee0900: ingress [tcp 8000], but self; egress nothing"
        ]
    );
}

#[test]
fn the_rules_of_one_target_group() {
    let targets = [target_group("blue", 8000, "sg-blue"), target_group("green", 8000, "sg-green")];
    let declaration = declaration(SMALLEST);
    let rules =
        of_target_group(declaration.wants.binding().expect("a binding"), &facts(alb(&[443]), &targets), "green");
    let lines: Vec<String> =
        rules.iter().flat_map(|(id, rules)| rules.iter().map(move |rule| format!("{id} {rule}"))).collect();
    assert_eq!(lines, ["sg-alb egress tcp 8000 to sg-green", "sg-green ingress tcp 8000 from sg-alb"]);
}
