//! For whatever rules there are today.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::World;
use crate::desired;
use crate::model::{Peer, Traffic};
use crate::testing::{alb, facts, nlb, spec, target_group};

const PEERS: [&str; 9] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "2001:db8:1::/56",
    "::/0",
    "sg-0f000000",
    "sg-0e000000",
    "sg-0b000000",
    "pl-0c100000",
];
const TRAFFIC: [&str; 9] =
    ["tcp 443", "tcp 80", "udp 443", "tcp 0-65535", "udp 53", "tcp 53", "all", "icmp type 3 code 4", "tcp 81-442"];

/// What the rules admit at the ports, told without the code under test.
fn admitted(rules: &BTreeSet<(usize, usize)>, listeners: &[(u16, &str)]) -> BTreeSet<(Traffic, Peer)> {
    let specs: Vec<_> = rules.iter().map(|pair| rule(*pair)).map(|text| spec(&text)).collect();
    let mut admitted = BTreeSet::new();
    for (port, protocol) in listeners {
        let traffic = match *protocol {
            "UDP" => vec![Traffic::udp(*port)],
            "TCP_UDP" => vec![Traffic::tcp(*port), Traffic::udp(*port)],
            _ => vec![Traffic::tcp(*port)],
        };
        for peer in PEERS.map(crate::testing::peer) {
            let admits = |wanted: &Traffic| specs.iter().any(|rule| rule.peer == peer && rule.traffic.covers(*wanted));
            if traffic.iter().all(admits) {
                admitted.extend(traffic.iter().map(|traffic| (*traffic, peer.clone())));
            }
        }
    }
    admitted
}

fn rule((traffic, peer): (usize, usize)) -> String {
    format!("ingress {} from {}", TRAFFIC[traffic], PEERS[peer])
}

fn check(rules: &BTreeSet<(usize, usize)>, listeners: &[(u16, &str)], balancer: crate::model::LoadBalancerFacts) {
    let texts: Vec<String> = rules.iter().map(|pair| rule(*pair)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let world = World::new(facts(balancer, &[target_group("app", 8000, "sg-0a000000")]))
        .rules("sg-0b000000", &texts)
        .group_named("sg-0f000000", "gateway", true)
        .group_named("sg-0e000000", "yes", false)
        .list_named("pl-0c100000", "com.amazonaws.global.cloudfront.origin-facing", true);
    world.yaml();
    let (declaration, resolution) = world.resolved();
    let desired = desired::of(&declaration.wants, &resolution.facts);
    assert_eq!(desired.problems, [], "a plan tells of no problem");
    assert!(!desired.clients_not_declared, "nothing is derived for clients");
    let of_group = desired.groups.get(&"sg-0b000000".into());
    let needs = of_group.into_iter().flat_map(|needs| needs.rules.keys());
    let ingress = needs.filter(|rule| rule.direction == crate::model::Direction::Ingress);
    let declared: BTreeSet<_> = ingress.map(|rule| (rule.traffic, rule.peer.clone())).collect();
    assert_eq!(declared, admitted(rules, listeners));
}

fn rules() -> impl Strategy<Value = BTreeSet<(usize, usize)>> {
    prop::collection::btree_set((0..TRAFFIC.len(), 0..PEERS.len()), 0..8)
}

proptest! {
    #[test]
    fn whoever_is_admitted_today_is_declared_and_nobody_else(rules in rules()) {
        check(&rules, &[(80, "HTTP"), (443, "HTTPS")], alb(&[80, 443]));
    }

    #[test]
    fn the_same_of_a_network_load_balancer(rules in rules()) {
        let listeners = [(53, "TCP_UDP"), (80, "UDP"), (443, "TLS")];
        check(&rules, &listeners, nlb(&listeners));
    }

    #[test]
    fn any_name_reads_back_as_it_is(name in "(?s).{1,40}", description in "(?s).{0,40}") {
        prop_assume!(!name.starts_with("sg-"));
        World::new(facts(alb(&[443]), &[]))
            .rules("sg-0b000000", &["ingress tcp 443 from sg-0f000000"])
            .described("ingress tcp 443 from sg-0f000000", &description)
            .group_named("sg-0f000000", &name, true)
            .yaml();
    }
}
