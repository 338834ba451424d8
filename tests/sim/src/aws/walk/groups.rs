//! Security groups: any rule of any group of an interface lets traffic pass.

use crate::aws::ec2::model::{Ec2, Interface, Peer, RuleTraffic};

use super::{End, Hop, Protocol, Traffic};

/// Out of the source's interface.
pub fn check_egress(ec2: &Ec2, from: &End, to: &End, traffic: Traffic) -> Result<(), Hop> {
    match &from.interface {
        Some(interface) if !passes(ec2, interface, to, traffic, Direction::Egress) => {
            Err(Hop::GroupEgress { groups: interface.groups.clone() })
        }
        _ => Ok(()),
    }
}

/// Into the target's interface.
pub fn check_ingress(ec2: &Ec2, from: &End, to: &End, traffic: Traffic) -> Result<(), Hop> {
    match &to.interface {
        Some(interface) if !passes(ec2, interface, from, traffic, Direction::Ingress) => {
            Err(Hop::GroupIngress { groups: interface.groups.clone() })
        }
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Egress,
    Ingress,
}

/// An interface without groups, which only a network load balancer's can be, is not filtered.
fn passes(ec2: &Ec2, interface: &Interface, peer: &End, traffic: Traffic, direction: Direction) -> bool {
    let allows = |rule: &RuleTraffic| {
        rule.egress == (direction == Direction::Egress) && covers(rule, traffic) && matches(ec2, &rule.peer, peer)
    };
    let mut groups = interface.groups.iter().filter_map(|id| ec2.groups.get(id));
    interface.groups.is_empty() || groups.any(|group| group.rules.values().any(|rule| allows(&rule.traffic)))
}

fn covers(rule: &RuleTraffic, traffic: Traffic) -> bool {
    let is_protocol = match traffic.protocol {
        Protocol::Tcp => matches!(rule.protocol.as_str(), "tcp" | "6"),
        Protocol::Udp => matches!(rule.protocol.as_str(), "udp" | "17"),
    };
    let port = i32::from(traffic.port);
    rule.protocol == "-1" || (is_protocol && (rule.from..=rule.to).contains(&port))
}

/// A reference to a group means the private addresses of the interfaces that carry it.
fn matches(ec2: &Ec2, allowed: &Peer, peer: &End) -> bool {
    match allowed {
        Peer::Cidr(block) => block.contains(&peer.address),
        Peer::Group { id, .. } => peer.interface.as_ref().is_some_and(|interface| interface.groups.contains(id)),
        Peer::PrefixList(id) => {
            ec2.prefix_lists.get(id).is_some_and(|list| list.entries.iter().any(|entry| entry.contains(&peer.address)))
        }
    }
}
