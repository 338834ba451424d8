//! Whether a packet gets from one place to another, and the answer back.
//!
//! ```text
//! source: group egress ─► ACL out ─► route ─► ACL in ─► group ingress: target
//! source:                 ACL in  ◄─ route ◄─ ACL out ◄─                target
//! ```
//!
//! Groups are stateful, so that the answer passes them unasked; network ACLs are not. Inside one subnet neither ACLs
//! nor routes count. Nothing here depends on time or on what is installed on a host.
//!
//! Sources: "Security groups for your VPC", "Network ACLs", "Ephemeral ports" and "Configure route tables" in the VPC
//! User Guide.

mod acls;
mod groups;
mod routes;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::ec2::model::{Ec2, Interface, Vpc};

/// Protocols that have ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    pub protocol: Protocol,
    /// The destination port.
    pub port: u16,
}

/// Where a packet starts or ends.
#[derive(Clone, Debug)]
pub struct End {
    pub address: IpAddr,
    /// The interface that has the address; `None` where there is none that the walk could know about, such as on
    /// premises or in a client on the internet.
    pub interface: Option<Arc<Interface>>,
}

/// How far it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Arrives,
    Dropped { at: Hop },
}

/// The question or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    Request,
    Answer,
}

/// What let a packet fall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// No egress rule of any of these groups, those of the source's interface.
    GroupEgress { groups: BTreeSet<String> },
    /// A network ACL on the way out of a subnet. `None`: the subnet has no ACL, which EC2 doesn't allow.
    AclOut { leg: Leg, subnet: String, acl: Option<String> },
    /// The same on the way in.
    AclIn { leg: Leg, subnet: String, acl: Option<String> },
    /// A blackhole, or no route at all (`destination` is `None`), in a subnet's route table; `table` is `None` where
    /// the VPC has no main one.
    Route { leg: Leg, subnet: String, table: Option<String>, destination: Option<IpNet> },
    /// An address inside the VPC that no interface has.
    NoInterface { address: IpAddr },
    /// No ingress rule of any of these groups, those of the target's interface.
    GroupIngress { groups: BTreeSet<String> },
}

impl End {
    /// An interface at the first of its addresses that is of the same family as `like`; `None` if it has none.
    pub fn of_interface(interface: &Arc<Interface>, like: IpAddr) -> Option<Self> {
        let address = interface.addresses.iter().find(|address| address.is_ipv4() == like.is_ipv4())?;
        Some(Self { address: *address, interface: Some(Arc::clone(interface)) })
    }

    /// An address in a VPC, with the interface that has it or that a prefix with it was delegated to.
    pub fn in_vpc(ec2: &Ec2, vpc: &str, address: IpAddr) -> Self {
        let interface = ec2.interfaces.iter().find(|each| each.vpc == vpc && has_address(each, address));
        Self { address, interface: interface.cloned() }
    }

    /// An address that belongs to no interface of this account.
    pub fn outside(address: IpAddr) -> Self {
        Self { address, interface: None }
    }

    fn subnet(&self) -> Option<&str> {
        self.interface.as_ref().map(|interface| interface.subnet.as_str())
    }
}

/// Whether an address is one of an interface's, or in a prefix that is delegated to it.
pub fn has_address(interface: &Interface, address: IpAddr) -> bool {
    interface.addresses.contains(&address) || interface.prefixes.iter().any(|prefix| prefix.contains(&address))
}

/// Whether an address is in one of a VPC's blocks.
pub fn is_inside(vpc: &Vpc, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => vpc.cidrs.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => vpc.ipv6_cidrs.iter().any(|block| block.contains(&address)),
    }
}

/// Follows a packet from one end to the other, and the answer back.
///
/// An end without interface is outside: only the other end's side is checked. Any route that is no blackhole counts
/// as arriving, as it isn't known what is behind a gateway.
pub fn walk(ec2: &Ec2, from: &End, to: &End, traffic: Traffic) -> Verdict {
    match follow(ec2, from, to, traffic) {
        Ok(()) => Verdict::Arrives,
        Err(at) => Verdict::Dropped { at },
    }
}

fn follow(ec2: &Ec2, from: &End, to: &End, traffic: Traffic) -> Result<(), Hop> {
    groups::check_egress(ec2, from, to, traffic)?;
    let within_one_subnet = from.subnet().is_some() && from.subnet() == to.subnet();
    if !within_one_subnet {
        let ports = (traffic.port, traffic.port);
        cross(ec2, Leg::Request, from, to, acls::Ports { protocol: traffic.protocol, ports })?;
    }
    check_presence(ec2, from, to)?;
    groups::check_ingress(ec2, from, to, traffic)?;
    if !within_one_subnet {
        let ports = acls::EPHEMERAL;
        cross(ec2, Leg::Answer, to, from, acls::Ports { protocol: traffic.protocol, ports })?;
    }
    Ok(())
}

/// Out of one subnet, along a route, into another.
fn cross(ec2: &Ec2, leg: Leg, from: &End, to: &End, ports: acls::Ports) -> Result<(), Hop> {
    if let Some(interface) = &from.interface {
        let subnet = interface.subnet.clone();
        acls::check(ec2, interface, acls::Direction::Out, to.address, ports).map_err(|acl| Hop::AclOut {
            leg,
            subnet,
            acl,
        })?;
        routes::check(ec2, leg, interface, to.address)?;
    }
    if let Some(interface) = &to.interface {
        let subnet = interface.subnet.clone();
        acls::check(ec2, interface, acls::Direction::In, from.address, ports).map_err(|acl| Hop::AclIn {
            leg,
            subnet,
            acl,
        })?;
    }
    Ok(())
}

fn check_presence(ec2: &Ec2, from: &End, to: &End) -> Result<(), Hop> {
    let vpc = from.interface.as_ref().and_then(|interface| ec2.vpcs.get(&interface.vpc));
    let is_missing = to.interface.is_none() && vpc.is_some_and(|vpc| is_inside(vpc, to.address));
    if is_missing { Err(Hop::NoInterface { address: to.address }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
