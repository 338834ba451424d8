//! What EC2 holds in one account and Region, in the form in which it holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use super::table::{Indexed, Table};

use super::prefix_lists;

pub type Tags = BTreeMap<String, String>;

pub struct Ec2 {
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub groups: Table<SecurityGroup>,
    pub interfaces: Table<Interface>,
    pub instances: BTreeMap<String, Instance>,
    pub prefix_lists: BTreeMap<String, PrefixList>,
    pub network_acls: BTreeMap<String, NetworkAcl>,
    pub route_tables: BTreeMap<String, RouteTable>,
    pub internet_gateways: BTreeMap<String, InternetGateway>,
    /// Ids of the associations of subnets with network ACLs, by subnet.
    pub acl_associations: BTreeMap<String, String>,
    /// Ids of the associations of subnets with route tables, by subnet.
    pub table_associations: BTreeMap<String, String>,
    /// By subnet: the address behind the one that was given out last.
    pub(super) next_addresses: BTreeMap<String, u32>,
}

/// A Region in which nobody made anything has AWS's own prefix lists.
impl Default for Ec2 {
    fn default() -> Self {
        Self {
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            groups: Table::default(),
            interfaces: Table::default(),
            instances: BTreeMap::new(),
            prefix_lists: prefix_lists::of_aws(),
            network_acls: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            internet_gateways: BTreeMap::new(),
            acl_associations: BTreeMap::new(),
            table_associations: BTreeMap::new(),
            next_addresses: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Vpc {
    pub id: String,
    pub is_default: bool,
    /// The first is the primary one.
    pub cidrs: Vec<Ipv4Net>,
    pub ipv6_cidrs: Vec<Ipv6Net>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct Subnet {
    pub id: String,
    pub vpc: String,
    pub availability_zone: String,
    pub cidr: Ipv4Net,
    pub ipv6_cidr: Option<Ipv6Net>,
    pub tags: Tags,
}

/// With its rules: EC2 changes both together.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub tags: Tags,
    /// By id.
    pub rules: BTreeMap<String, Rule>,
}

/// Found by its id, its VPC, its name in it (see [`SecurityGroup::name_key`]), and its rules' ids and peers.
impl Indexed for SecurityGroup {
    fn index(&self, name: &mut dyn FnMut(&str)) {
        name(&self.id);
        name(&self.vpc);
        name(&Self::name_key(&self.vpc, &self.name));
        for rule in self.rules.values() {
            name(&rule.id);
            match &rule.traffic.peer {
                Peer::Group { id, .. } | Peer::PrefixList(id) => name(id),
                Peer::Cidr(_) => {}
            }
        }
    }
}

impl SecurityGroup {
    /// What a group of this name in this VPC is found by: there is one at most.
    pub fn name_key(vpc: &str, name: &str) -> String {
        format!("{vpc}/{name}")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub traffic: RuleTraffic,
    pub description: Option<String>,
    pub tags: Tags,
}

/// What makes a rule the one that it is: neither description nor tags do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleTraffic {
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or another protocol's number.
    pub protocol: String,
    /// Ports, or ICMP's type; -1 where there are none.
    pub from: i32,
    /// Ports, or ICMP's code; -1 where there are none.
    pub to: i32,
    pub peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Host bits cleared.
    Cidr(IpNet),
    Group {
        id: String,
        account: String,
    },
    PrefixList(String),
}

#[derive(Clone, Debug)]
pub struct Interface {
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    pub groups: BTreeSet<String>,
    /// The primary one first.
    pub addresses: Vec<IpAddr>,
    /// Delegated to it.
    pub prefixes: BTreeSet<IpNet>,
    pub attachment: Option<Attachment>,
    pub description: String,
    /// Such as `amazon-elb`.
    pub requester: Option<String>,
    /// Such as `interface`, `network_load_balancer`, `branch`.
    pub kind: String,
    pub public_address: Option<IpAddr>,
    pub tags: Tags,
}

/// Found by its id, VPC, subnet, groups, instance, addresses, prefixes, and the blocks around its addresses that could be
/// prefixes.
impl Indexed for Interface {
    fn index(&self, name: &mut dyn FnMut(&str)) {
        name(&self.id);
        name(&self.vpc);
        name(&self.subnet);
        self.groups.iter().for_each(|group| name(group));
        if let Some(instance) = self.attachment.as_ref().and_then(|at| at.instance.as_ref()) {
            name(instance);
        }
        for address in &self.addresses {
            name(&address.to_string());
            name(&delegable(*address).to_string());
        }
        self.prefixes.iter().for_each(|prefix| name(&prefix.to_string()));
    }
}

/// The block around an address that can be delegated to an interface: a /28 or /80.
///
/// Source: "Prefix delegation for Amazon EC2 network interfaces" in the EC2 user guide.
pub(super) fn delegable(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 28 } else { 80 };
    IpNet::new_assert(address, length).trunc()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub instance: Option<String>,
    pub device_index: i32,
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    /// `running`, `stopped`, `terminated`, …
    pub state: String,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct PrefixList {
    pub id: String,
    pub name: String,
    /// `AWS` for AWS's own.
    pub owner: String,
    pub is_ipv6: bool,
    pub max_entries: u32,
    /// What it counts for in a rule quota; AWS publishes it for lists of its own.
    pub weight: u32,
    pub entries: Vec<IpNet>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct NetworkAcl {
    pub id: String,
    pub vpc: String,
    pub is_default: bool,
    /// A subnet is associated with exactly one.
    pub subnets: BTreeSet<String>,
    /// In the order in which they count.
    pub entries: BTreeMap<(bool, u16), AclEntry>,
}

/// Under `(egress, number)`; the last one, 32767, denies everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// `-1`, or a protocol's number.
    pub protocol: String,
    pub cidr: IpNet,
    pub allow: bool,
    /// Of TCP and UDP.
    pub ports: Option<(u16, u16)>,
    /// Type and code of ICMP.
    pub icmp: Option<(i32, i32)>,
}

#[derive(Clone, Debug)]
pub struct RouteTable {
    pub id: String,
    pub vpc: String,
    /// Counts for the subnets that are associated with none.
    pub is_main: bool,
    pub subnets: BTreeSet<String>,
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub destination: IpNet,
    /// `local`, `igw-…`, `nat-…`, `pcx-…`, `tgw-…`, …
    pub target: String,
    pub is_blackhole: bool,
}

#[derive(Clone, Debug)]
pub struct InternetGateway {
    pub id: String,
    pub vpc: Option<String>,
    pub tags: Tags,
}
