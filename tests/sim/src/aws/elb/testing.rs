//! A VPC for tests, and calls to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;

use crate::aws::ec2::model::{
    AclEntry, Attachment, Instance, Interface, NetworkAcl, Peer, Route, RouteTable, Rule, RuleTraffic, SecurityGroup,
    Subnet, Tags, Vpc,
};
use crate::aws::{Call, Changed, Scope, World};

pub const VPC: &str = "vpc-1";

pub fn scope() -> Scope {
    Scope { account: "123456789012".to_owned(), region: "eu-central-1".to_owned() }
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A VPC with subnet-a, subnet-b (both IPv6 too) and subnet-c (not), each in a zone of its own, an open ACL, and the
/// groups sg-default, sg-lb (sends everything) and sg-app (takes nothing).
pub fn network() -> World {
    let mut world = World::new(7);
    let ec2 = &mut world.region_mut(&scope()).ec2;
    let cidrs = vec!["10.0.0.0/16".parse().unwrap()];
    let ipv6_cidrs = vec!["2a05::/56".parse().unwrap()];
    let vpc = Vpc { id: VPC.to_owned(), is_default: false, cidrs, ipv6_cidrs, tags: Tags::new() };
    ec2.vpcs.insert(VPC.to_owned(), vpc);
    for (number, letter) in ["a", "b", "c"].into_iter().enumerate() {
        let id = format!("subnet-{letter}");
        let subnet = Subnet {
            id: id.clone(),
            vpc: VPC.to_owned(),
            availability_zone: format!("eu-central-1{letter}"),
            cidr: format!("10.0.{}.0/18", number * 64).parse().unwrap(),
            ipv6_cidr: (letter != "c").then(|| format!("2a05:0:0:{number}::/64").parse().unwrap()),
            tags: Tags::new(),
        };
        ec2.subnets.insert(id, subnet);
    }
    let open = |block: &str| {
        let cidr: IpNet = block.parse().unwrap();
        AclEntry { protocol: "-1".to_owned(), cidr, allow: true, ports: None, icmp: None }
    };
    let entries = [false, true]
        .into_iter()
        .flat_map(|egress| [((egress, 100), open("0.0.0.0/0")), ((egress, 101), open("::/0"))]);
    let acl = NetworkAcl {
        id: "acl-1".to_owned(),
        vpc: VPC.to_owned(),
        is_default: true,
        subnets: BTreeSet::new(),
        entries: entries.collect(),
    };
    ec2.network_acls.insert(acl.id.clone(), acl);
    let local =
        |block: &str| Route { destination: block.parse().unwrap(), target: "local".to_owned(), is_blackhole: false };
    let table = RouteTable {
        id: "rtb-1".to_owned(),
        vpc: VPC.to_owned(),
        is_main: true,
        subnets: BTreeSet::new(),
        routes: vec![local("10.0.0.0/16"), local("2a05::/56")],
    };
    ec2.route_tables.insert(table.id.clone(), table);
    for id in ["sg-default", "sg-lb", "sg-app"] {
        set_rules(&mut world, id, if id == "sg-lb" { vec![rule(true, "-1", -1, "0.0.0.0/0")] } else { vec![] });
    }
    world
}

/// With a block or a group as its peer.
pub fn rule(egress: bool, protocol: &str, port: i32, peer: &str) -> RuleTraffic {
    let peer = match peer.parse() {
        Ok(block) => Peer::Cidr(block),
        Err(_) => Peer::Group { id: peer.to_owned(), account: scope().account },
    };
    RuleTraffic { egress, protocol: protocol.to_owned(), from: port, to: port, peer }
}

/// Gives a group these rules and no others, and lets health follow, as a call would.
pub fn set_rules(world: &mut World, id: &str, rules: Vec<RuleTraffic>) {
    let now = world.now();
    let rule = |(number, traffic)| {
        let id = format!("sgr-{number}");
        (id.clone(), Rule { id, traffic, description: None, tags: Tags::new() })
    };
    let group = SecurityGroup {
        id: id.to_owned(),
        name: id.strip_prefix("sg-").unwrap_or(id).to_owned(),
        description: String::new(),
        vpc: VPC.to_owned(),
        tags: Tags::new(),
        rules: rules.into_iter().enumerate().map(rule).collect(),
    };
    world.region_mut(&scope()).ec2.groups.insert(id.to_owned(), group, now);
    world.changed.insert(Changed::Group { scope: scope(), id: id.to_owned() });
    super::settle(world);
}

/// An interface, of an instance where one is named.
pub fn add_interface(world: &mut World, id: &str, subnet: &str, address: &str, group: &str, instance: Option<&str>) {
    let now = world.now();
    let attachment = |id: &str| Attachment { instance: Some(id.to_owned()), device_index: 0 };
    let interface = Interface {
        id: id.to_owned(),
        vpc: VPC.to_owned(),
        subnet: subnet.to_owned(),
        groups: [group.to_owned()].into(),
        addresses: vec![address.parse().unwrap()],
        prefixes: BTreeSet::new(),
        attachment: instance.map(attachment),
        description: String::new(),
        requester: None,
        kind: "interface".to_owned(),
        public_address: None,
        tags: Tags::new(),
    };
    world.region_mut(&scope()).ec2.interfaces.insert(id.to_owned(), interface, now);
    world.changed.insert(Changed::Interface { scope: scope(), id: id.to_owned() });
    super::settle(world);
}

/// A running instance with its primary interface.
pub fn add_instance(world: &mut World, id: &str, subnet: &str, address: &str, group: &str) {
    let instance = Instance {
        id: id.to_owned(),
        vpc: VPC.to_owned(),
        subnet: subnet.to_owned(),
        state: "running".to_owned(),
        tags: Tags::new(),
    };
    world.region_mut(&scope()).ec2.instances.insert(id.to_owned(), instance);
    add_interface(world, &id.replace("i-", "eni-"), subnet, address, group, Some(id));
}

/// What is answered to a form, at the present instant.
pub fn ask(world: &mut World, form: &str) -> String {
    let call = Call::read(format!("Version=2015-12-01&{form}").as_bytes(), scope());
    world.answer(&call, world.now()).body
}

/// The result of a call that succeeds.
pub fn result(world: &mut World, form: &str) -> String {
    let body = ask(world, form);
    let inner = body.split_once("Result>").and_then(|(_, rest)| rest.split_once("Result>")).map(|(inner, _)| inner);
    let inner = inner.and_then(|inner| inner.rsplit_once("</")).map(|(inner, _)| inner.to_owned());
    inner.unwrap_or_else(|| panic!("{form}: {body}"))
}

/// The code of the error that a call is refused with.
pub fn refusal(world: &mut World, form: &str) -> String {
    let body = ask(world, form);
    text_of(&body, "Code").unwrap_or_else(|| panic!("{form}: {body}"))
}

/// What stands in the first element of a name.
pub fn text_of(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
}

/// What stands in all elements of a name.
pub fn texts_of(xml: &str, name: &str) -> Vec<String> {
    let start = format!("<{name}>");
    xml.split(&start).skip(1).filter_map(|rest| rest.split("</").next()).map(str::to_owned).collect()
}

/// Everything that a simulated account says about itself, to see that a refused call has changed nothing.
pub fn all_told(world: &mut World) -> BTreeMap<&'static str, String> {
    let calls = ["DescribeLoadBalancers", "DescribeTargetGroups"];
    calls.into_iter().map(|action| (action, result(world, &format!("Action={action}")))).collect()
}
