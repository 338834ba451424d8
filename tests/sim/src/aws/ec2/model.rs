//! What EC2 holds in one account and Region, in the form in which it holds it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub type Tags = BTreeMap<String, String>;

#[derive(Default)]
pub struct Ec2 {
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub groups: Table<SecurityGroup>,
    pub interfaces: Table<Interface>,
    pub instances: BTreeMap<String, Instance>,
    pub prefix_lists: BTreeMap<String, PrefixList>,
    pub network_acls: BTreeMap<String, NetworkAcl>,
    pub route_tables: BTreeMap<String, RouteTable>,
}

/// Things by id, with what they were before: reads may lag.
pub struct Table<T> {
    rows: BTreeMap<String, Versions<T>>,
}

/// Oldest first; `None` is an absence.
type Versions<T> = VecDeque<(Duration, Option<Arc<T>>)>;

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<T: Clone> Table<T> {
    /// For how long it is remembered what was.
    const MEMORY: Duration = Duration::from_secs(10 * 60);

    /// As it is.
    pub fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(id)?.back()?.1.as_ref()
    }

    /// As it was at an instant.
    pub fn get_at(&self, id: &str, at: Duration) -> Option<&Arc<T>> {
        version_at(self.rows.get(id)?, at)
    }

    /// All that is there, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.rows.values().filter_map(|versions| versions.back()?.1.as_ref())
    }

    /// All that was there at an instant, in the order of ids.
    pub fn iter_at(&self, at: Duration) -> impl Iterator<Item = &Arc<T>> {
        self.rows.values().filter_map(move |versions| version_at(versions, at))
    }

    pub fn insert(&mut self, id: String, value: T, now: Duration) {
        self.push(id, Some(Arc::new(value)), now);
    }

    pub fn remove(&mut self, id: &str, now: Duration) {
        if self.get(id).is_some() {
            self.push(id.to_owned(), None, now);
        }
    }

    /// Changes what is there. `false`: it is not there.
    pub fn change(&mut self, id: &str, now: Duration, change: impl FnOnce(&mut T)) -> bool {
        let Some(current) = self.get(id) else { return false };
        let mut changed = T::clone(current);
        change(&mut changed);
        self.push(id.to_owned(), Some(Arc::new(changed)), now);
        true
    }

    fn push(&mut self, id: String, value: Option<Arc<T>>, now: Duration) {
        let versions = self.rows.entry(id).or_default();
        versions.push_back((now, value));
        while versions.get(1).is_some_and(|(since, _)| *since + Self::MEMORY < now) {
            versions.pop_front();
        }
    }
}

fn version_at<T>(versions: &Versions<T>, at: Duration) -> Option<&Arc<T>> {
    versions.iter().rev().find(|(since, _)| *since <= at)?.1.as_ref()
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
