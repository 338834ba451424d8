//! Network ACLs: entries in the order of their numbers, and the first that matches decides.

use std::net::IpAddr;

use crate::aws::ec2::model::{AclEntry, Ec2, Interface, NetworkAcl};

use super::Protocol;

/// Ports that clients send from, and so answers go to. Source: "Ephemeral ports" in the VPC User Guide; load
/// balancers use 1024-65535.
pub const EPHEMERAL: (u16, u16) = (1024, 65535);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// Destination ports, all of which must pass: it isn't known which of the ephemeral ones a connection uses.
#[derive(Clone, Copy)]
pub struct Ports {
    pub protocol: Protocol,
    pub ports: (u16, u16),
}

/// Asks the ACL of an interface's subnet. `Err` has the id of the ACL that denies, or `None` if there is none.
pub fn check(
    ec2: &Ec2,
    interface: &Interface,
    direction: Direction,
    peer: IpAddr,
    ports: Ports,
) -> Result<(), Option<String>> {
    let acl = acl_of(ec2, interface).ok_or(None)?;
    if allows(acl, direction, peer, ports) { Ok(()) } else { Err(Some(acl.id.clone())) }
}

fn acl_of<'a>(ec2: &'a Ec2, interface: &Interface) -> Option<&'a NetworkAcl> {
    let own = ec2.network_acls.values().find(|acl| acl.subnets.contains(&interface.subnet));
    own.or_else(|| ec2.network_acls.values().find(|acl| acl.is_default && acl.vpc == interface.vpc))
}

fn allows(acl: &NetworkAcl, direction: Direction, peer: IpAddr, ports: Ports) -> bool {
    let egress = direction == Direction::Out;
    // Ports about which no entry has decided yet.
    let mut undecided = vec![ports.ports];
    for (_, entry) in acl.entries.range((egress, 0)..=(egress, u16::MAX)) {
        let Some(decided) = decides_about(entry, peer, ports.protocol) else { continue };
        let is_concerned = undecided.iter().any(|(from, to)| decided.0 <= *to && *from <= decided.1);
        if is_concerned && !entry.allow {
            return false;
        }
        undecided = undecided.into_iter().flat_map(|range| without(range, decided)).collect();
        if undecided.is_empty() {
            return true;
        }
    }
    false
}

/// The ports that an entry decides about, if it is about this peer and protocol at all.
fn decides_about(entry: &AclEntry, peer: IpAddr, protocol: Protocol) -> Option<(u16, u16)> {
    let number = match protocol {
        Protocol::Tcp => "6",
        Protocol::Udp => "17",
    };
    if !entry.cidr.contains(&peer) {
        None
    } else if entry.protocol == "-1" {
        Some((0, u16::MAX))
    } else if entry.protocol == number {
        Some(entry.ports.unwrap_or((0, u16::MAX)))
    } else {
        None
    }
}

fn without((from, to): (u16, u16), taken: (u16, u16)) -> impl Iterator<Item = (u16, u16)> {
    let below = taken.0.checked_sub(1).map(|end| (from, to.min(end)));
    let above = taken.1.checked_add(1).map(|start| (from.max(start), to));
    [below, above].into_iter().flatten().filter(|(from, to)| from <= to)
}
