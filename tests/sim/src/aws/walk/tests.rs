use super::*;
use crate::aws::ec2::model::{
    AclEntry, NetworkAcl, Peer, PrefixList, Route, RouteTable, Rule, RuleTraffic, SecurityGroup, Subnet, Tags,
};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const WEB: Traffic = Traffic { protocol: Protocol::Tcp, port: 8000 };

fn rule(egress: bool, protocol: &str, ports: (i32, i32), peer: Peer) -> Rule {
    let (from, to) = ports;
    let traffic = RuleTraffic { egress, protocol: protocol.to_owned(), from, to, peer };
    Rule { id: format!("{traffic:?}"), traffic, description: None, tags: Tags::new() }
}

fn cidr(block: &str) -> Peer {
    Peer::Cidr(block.parse().unwrap())
}

fn group_peer(id: &str) -> Peer {
    Peer::Group { id: id.to_owned(), account: "123456789012".to_owned() }
}

fn set_rules(ec2: &mut Ec2, group: &str, rules: Vec<Rule>) {
    let group = SecurityGroup {
        id: group.to_owned(),
        name: group.to_owned(),
        description: String::new(),
        vpc: "vpc-1".to_owned(),
        tags: Tags::new(),
        rules: rules.into_iter().map(|rule| (rule.id.clone(), rule)).collect(),
    };
    ec2.groups.insert(group.id.clone(), group, NOW);
}

fn add_interface(ec2: &mut Ec2, id: &str, subnet: &str, group: &str, addresses: &[&str]) {
    let interface = Interface {
        id: id.to_owned(),
        vpc: "vpc-1".to_owned(),
        subnet: subnet.to_owned(),
        groups: [group.to_owned()].into(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        prefixes: BTreeSet::new(),
        attachment: None,
        description: String::new(),
        requester: None,
        kind: "interface".to_owned(),
        public_address: None,
        tags: Tags::new(),
    };
    ec2.interfaces.insert(id.to_owned(), interface, NOW);
}

fn entry(allow: bool, protocol: &str, block: &str, ports: Option<(u16, u16)>) -> AclEntry {
    AclEntry { protocol: protocol.to_owned(), cidr: block.parse().unwrap(), allow, ports, icmp: None }
}

/// An ACL that lets everything pass.
fn set_open_acl(ec2: &mut Ec2, id: &str, subnet: &str) {
    let entries = [false, true].into_iter().flat_map(|egress| {
        [
            ((egress, 100), entry(true, "-1", "0.0.0.0/0", None)),
            ((egress, 101), entry(true, "-1", "::/0", None)),
            ((egress, 32767), entry(false, "-1", "0.0.0.0/0", None)),
        ]
    });
    let acl = NetworkAcl {
        id: id.to_owned(),
        vpc: "vpc-1".to_owned(),
        is_default: false,
        subnets: [subnet.to_owned()].into(),
        entries: entries.collect(),
    };
    ec2.network_acls.insert(id.to_owned(), acl);
}

fn set_route(ec2: &mut Ec2, table: &str, destination: &str, target: &str, is_blackhole: bool) {
    let route = Route { destination: destination.parse().unwrap(), target: target.to_owned(), is_blackhole };
    ec2.route_tables.get_mut(table).unwrap().routes.push(route);
}

/// A load balancer in subnet-a, a target in subnet-b and one in subnet-a, and nothing that forbids 8000 between them.
fn network() -> Ec2 {
    let mut ec2 = Ec2::default();
    let vpc = Vpc {
        id: "vpc-1".to_owned(),
        is_default: false,
        cidrs: vec!["10.0.0.0/16".parse().unwrap()],
        ipv6_cidrs: vec!["2a05::/56".parse().unwrap()],
        tags: Tags::new(),
    };
    ec2.vpcs.insert(vpc.id.clone(), vpc);
    for (id, block, ipv6) in [("subnet-a", "10.0.1.0/24", "2a05::/64"), ("subnet-b", "10.0.2.0/24", "2a05:0:0:1::/64")]
    {
        let subnet = Subnet {
            id: id.to_owned(),
            vpc: "vpc-1".to_owned(),
            availability_zone: id.replace("subnet-", "eu-central-1"),
            cidr: block.parse().unwrap(),
            ipv6_cidr: Some(ipv6.parse().unwrap()),
            tags: Tags::new(),
        };
        ec2.subnets.insert(id.to_owned(), subnet);
        set_open_acl(&mut ec2, &id.replace("subnet", "acl"), id);
        let table = id.replace("subnet", "rtb");
        let empty = RouteTable {
            id: table.clone(),
            vpc: "vpc-1".to_owned(),
            is_main: id == "subnet-b",
            // subnet-b has the main one, without association.
            subnets: [id.to_owned()].into_iter().filter(|id| id == "subnet-a").collect(),
            routes: Vec::new(),
        };
        ec2.route_tables.insert(table.clone(), empty);
        set_route(&mut ec2, &table, "10.0.0.0/16", "local", false);
    }
    set_rules(&mut ec2, "sg-lb", vec![rule(true, "tcp", (8000, 8000), group_peer("sg-app"))]);
    set_rules(&mut ec2, "sg-app", vec![rule(false, "tcp", (8000, 8000), group_peer("sg-lb"))]);
    add_interface(&mut ec2, "eni-lb", "subnet-a", "sg-lb", &["10.0.1.10", "2a05::10"]);
    add_interface(&mut ec2, "eni-app", "subnet-b", "sg-app", &["10.0.2.10", "2a05:0:0:1::10"]);
    add_interface(&mut ec2, "eni-near", "subnet-a", "sg-app", &["10.0.1.20"]);
    ec2
}

fn to(ec2: &Ec2, target: &str, traffic: Traffic) -> Verdict {
    let address: IpAddr = target.parse().unwrap();
    let from = End::of_interface(ec2.interfaces.get("eni-lb").unwrap(), address).unwrap();
    walk(ec2, &from, &End::in_vpc(ec2, "vpc-1", address), traffic)
}

fn dropped(at: Hop) -> Verdict {
    Verdict::Dropped { at }
}

fn route_hop(leg: Leg, of: &str, destination: Option<&str>) -> Hop {
    let destination = destination.map(|text| text.parse().unwrap());
    Hop::Route { leg, subnet: format!("subnet-{of}"), table: Some(format!("rtb-{of}")), destination }
}

fn acl_out(leg: Leg, of: &str) -> Hop {
    Hop::AclOut { leg, subnet: format!("subnet-{of}"), acl: Some(format!("acl-{of}")) }
}

fn acl_in(leg: Leg, of: &str) -> Hop {
    Hop::AclIn { leg, subnet: format!("subnet-{of}"), acl: Some(format!("acl-{of}")) }
}

fn groups(id: &str) -> BTreeSet<String> {
    [id.to_owned()].into()
}

/// Puts an entry before the others of an ACL.
fn deny(ec2: &mut Ec2, acl: &str, egress: bool, block: &str, ports: (u16, u16)) {
    let entries = &mut ec2.network_acls.get_mut(acl).unwrap().entries;
    entries.insert((egress, 10), entry(false, "6", block, Some(ports)));
}

#[test]
fn each_hop_can_drop_a_packet_and_is_named() {
    type Case = (&'static str, fn(&mut Ec2), Hop);
    let cases: Vec<Case> = vec![
        ("no egress rule", |ec2| set_rules(ec2, "sg-lb", vec![]), Hop::GroupEgress { groups: groups("sg-lb") }),
        ("ACL out", |ec2| deny(ec2, "acl-a", true, "10.0.2.0/24", (8000, 8000)), acl_out(Leg::Request, "a")),
        (
            "a blackhole that is longer than local",
            |ec2| set_route(ec2, "rtb-a", "10.0.2.0/24", "eni-gone", true),
            route_hop(Leg::Request, "a", Some("10.0.2.0/24")),
        ),
        ("ACL in", |ec2| deny(ec2, "acl-b", false, "10.0.1.0/24", (8000, 8000)), acl_in(Leg::Request, "b")),
        ("no ingress rule", |ec2| set_rules(ec2, "sg-app", vec![]), Hop::GroupIngress { groups: groups("sg-app") }),
        ("answer's ACL out", |ec2| deny(ec2, "acl-b", true, "10.0.1.0/24", (1024, 1024)), acl_out(Leg::Answer, "b")),
        (
            "the answer's route, of the main table",
            |ec2| set_route(ec2, "rtb-b", "10.0.1.0/24", "eni-gone", true),
            route_hop(Leg::Answer, "b", Some("10.0.1.0/24")),
        ),
        ("answer's ACL in", |ec2| deny(ec2, "acl-a", false, "10.0.2.0/24", (65535, 65535)), acl_in(Leg::Answer, "a")),
    ];
    assert_eq!(to(&network(), "10.0.2.10", WEB), Verdict::Arrives);
    for (name, block, hop) in cases {
        let mut ec2 = network();
        block(&mut ec2);
        assert_eq!(to(&ec2, "10.0.2.10", WEB), dropped(hop), "{name}");
    }
}

#[test]
fn inside_one_subnet_neither_acls_nor_routes_count() {
    let mut ec2 = network();
    ec2.network_acls.clear();
    ec2.route_tables.clear();
    assert_eq!(to(&ec2, "10.0.1.20", WEB), Verdict::Arrives);
    let no_acl = Hop::AclOut { leg: Leg::Request, subnet: "subnet-a".to_owned(), acl: None };
    assert_eq!(to(&ec2, "10.0.2.10", WEB), dropped(no_acl));
    set_open_acl(&mut ec2, "acl-a", "subnet-a");
    let no_table = Hop::Route { leg: Leg::Request, subnet: "subnet-a".to_owned(), table: None, destination: None };
    assert_eq!(to(&ec2, "10.0.2.10", WEB), dropped(no_table));
}

#[test]
fn in_an_acl_the_first_entry_that_matches_decides() {
    let decides = |entries: Vec<(u16, AclEntry)>| {
        let mut ec2 = network();
        let acl = ec2.network_acls.get_mut("acl-b").unwrap();
        acl.entries.retain(|(egress, _), _| *egress);
        acl.entries.extend(entries.into_iter().map(|(number, entry)| ((false, number), entry)));
        to(&ec2, "10.0.2.10", WEB)
    };
    let allow = || entry(true, "6", "10.0.1.0/24", Some((8000, 8000)));
    let deny = || entry(false, "-1", "0.0.0.0/0", None);
    assert_eq!(decides(vec![(10, allow()), (20, deny())]), Verdict::Arrives);
    assert_eq!(decides(vec![(10, deny()), (20, allow())]), dropped(acl_in(Leg::Request, "b")));
    assert_eq!(decides(vec![(10, entry(false, "17", "0.0.0.0/0", None)), (20, allow())]), Verdict::Arrives);
    assert_eq!(decides(vec![(10, entry(false, "6", "10.9.0.0/16", None)), (20, allow())]), Verdict::Arrives);
    assert_eq!(decides(vec![]), dropped(acl_in(Leg::Request, "b")), "nothing matches");
}

#[test]
fn the_answer_needs_all_ephemeral_ports() {
    let answers = |ranges: &[(u16, u16)]| {
        let mut ec2 = network();
        let acl = ec2.network_acls.get_mut("acl-b").unwrap();
        acl.entries.retain(|(egress, _), _| !*egress);
        for (number, range) in (1..).zip(ranges) {
            acl.entries.insert((true, number), entry(true, "6", "10.0.1.0/24", Some(*range)));
        }
        to(&ec2, "10.0.2.10", WEB)
    };
    assert_eq!(answers(&[(1024, 65535)]), Verdict::Arrives);
    assert_eq!(answers(&[(32768, 65535), (0, 32767)]), Verdict::Arrives);
    assert_eq!(answers(&[(32768, 65535), (1024, 32766)]), dropped(acl_out(Leg::Answer, "b")));
    assert_eq!(answers(&[(8000, 8000)]), dropped(acl_out(Leg::Answer, "b")));
}

#[test]
fn peers_are_groups_blocks_and_prefix_lists() {
    let lets = |protocol: &str, ports, peer: Peer| {
        let mut ec2 = network();
        let list = PrefixList {
            id: "pl-1".to_owned(),
            name: "list".to_owned(),
            owner: "123456789012".to_owned(),
            is_ipv6: false,
            max_entries: 2,
            weight: 0,
            entries: vec!["10.9.0.0/16".parse().unwrap(), "10.0.1.0/28".parse().unwrap()],
            tags: Tags::new(),
        };
        ec2.prefix_lists.insert(list.id.clone(), list);
        set_rules(&mut ec2, "sg-app", vec![rule(false, protocol, ports, peer)]);
        to(&ec2, "10.0.2.10", WEB) == Verdict::Arrives
    };
    assert!(lets("tcp", (8000, 8000), group_peer("sg-lb")));
    assert!(!lets("tcp", (8000, 8000), group_peer("sg-app")), "the target's own group is not the source's");
    assert!(lets("tcp", (8000, 8000), cidr("10.0.1.0/24")));
    assert!(!lets("tcp", (8000, 8000), cidr("10.0.2.0/24")));
    assert!(lets("tcp", (8000, 8000), Peer::PrefixList("pl-1".to_owned())));
    assert!(!lets("tcp", (8000, 8000), Peer::PrefixList("pl-2".to_owned())));
    assert!(lets("tcp", (7999, 8001), group_peer("sg-lb")));
    assert!(!lets("tcp", (8001, 8001), group_peer("sg-lb")));
    assert!(!lets("udp", (8000, 8000), group_peer("sg-lb")));
    assert!(lets("-1", (-1, -1), group_peer("sg-lb")));
}

#[test]
fn ipv6_takes_rules_and_acls_of_its_own() {
    let mut ec2 = network();
    let target = "2a05:0:0:1::10";
    assert_eq!(to(&ec2, target, WEB), Verdict::Arrives, "group references hold for both families");
    set_rules(&mut ec2, "sg-app", vec![rule(false, "tcp", (8000, 8000), cidr("0.0.0.0/0"))]);
    assert_eq!(to(&ec2, target, WEB), dropped(Hop::GroupIngress { groups: groups("sg-app") }));
    set_rules(&mut ec2, "sg-app", vec![rule(false, "tcp", (8000, 8000), cidr("2a05::/64"))]);
    assert_eq!(to(&ec2, target, WEB), Verdict::Arrives);
    ec2.network_acls.get_mut("acl-b").unwrap().entries.remove(&(false, 101));
    assert_eq!(to(&ec2, target, WEB), dropped(acl_in(Leg::Request, "b")));
}

#[test]
fn outside_the_vpc_only_the_source_side_counts() {
    let mut ec2 = network();
    let (there, egress) = ("192.168.7.7", |peer| vec![rule(true, "tcp", (8000, 8000), peer)]);
    assert_eq!(
        to(&ec2, there, WEB),
        dropped(Hop::GroupEgress { groups: groups("sg-lb") }),
        "a group is not an address"
    );
    set_rules(&mut ec2, "sg-lb", egress(cidr("192.168.0.0/16")));
    assert_eq!(to(&ec2, there, WEB), dropped(route_hop(Leg::Request, "a", None)));
    set_route(&mut ec2, "rtb-a", "0.0.0.0/0", "igw-1", true);
    set_route(&mut ec2, "rtb-a", "192.168.0.0/16", "vgw-1", false);
    assert_eq!(to(&ec2, there, WEB), Verdict::Arrives, "the longest prefix wins");
    deny(&mut ec2, "acl-a", false, "192.168.0.0/16", (1024, 65535));
    assert_eq!(to(&ec2, there, WEB), dropped(acl_in(Leg::Answer, "a")));
}

#[test]
fn an_address_of_the_vpc_that_nobody_has_is_not_reached() {
    let mut ec2 = network();
    set_rules(&mut ec2, "sg-lb", vec![rule(true, "-1", (-1, -1), cidr("0.0.0.0/0"))]);
    let nobody = Hop::NoInterface { address: "10.0.2.99".parse().unwrap() };
    assert_eq!(to(&ec2, "10.0.2.99", WEB), dropped(nobody));
    ec2.interfaces.change("eni-app", NOW, |each| {
        each.prefixes.insert("10.0.2.96/28".parse().unwrap());
    });
    assert_eq!(to(&ec2, "10.0.2.99", WEB), Verdict::Arrives, "a delegated prefix has it");
}

#[test]
fn an_interface_without_groups_filters_nothing() {
    let mut ec2 = network();
    ec2.interfaces.change("eni-lb", NOW, |each| each.groups.clear());
    assert_eq!(to(&ec2, "10.0.2.10", WEB), dropped(Hop::GroupIngress { groups: groups("sg-app") }));
    set_rules(&mut ec2, "sg-app", vec![rule(false, "tcp", (8000, 8000), cidr("10.0.1.10/32"))]);
    assert_eq!(to(&ec2, "10.0.2.10", WEB), Verdict::Arrives);
}

#[test]
fn a_client_outside_reaches_an_interface_by_its_rules() {
    let mut ec2 = network();
    let client = End::outside("203.0.113.9".parse().unwrap());
    let balancer = End::in_vpc(&ec2, "vpc-1", "10.0.1.10".parse().unwrap());
    let https = Traffic { protocol: Protocol::Tcp, port: 443 };
    assert_eq!(walk(&ec2, &client, &balancer, https), dropped(Hop::GroupIngress { groups: groups("sg-lb") }));
    set_rules(&mut ec2, "sg-lb", vec![rule(false, "tcp", (443, 443), cidr("0.0.0.0/0"))]);
    assert_eq!(walk(&ec2, &client, &balancer, https), dropped(route_hop(Leg::Answer, "a", None)));
    set_route(&mut ec2, "rtb-a", "0.0.0.0/0", "igw-1", false);
    assert_eq!(walk(&ec2, &client, &balancer, https), Verdict::Arrives);
}
