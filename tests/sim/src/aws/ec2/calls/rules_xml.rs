//! Rules in XML.

use std::collections::BTreeMap;

use super::super::model::{Peer, Rule, RuleTraffic, SecurityGroup};
use super::forms;
use crate::aws::Scope;
use crate::aws::answer::Xml;

/// Source: `SecurityGroupRule`.
pub fn rule(scope: &Scope, group: &str, rule: &Rule) -> Xml {
    let Scope { account, region } = scope;
    let traffic = &rule.traffic;
    let xml = Xml::new()
        .text("securityGroupRuleId", &rule.id)
        .text("groupId", group)
        .text("groupOwnerId", account)
        .text("isEgress", traffic.egress);
    let xml = ports(xml, traffic);
    let xml = match &traffic.peer {
        Peer::Group { id, account } => {
            xml.nested("referencedGroupInfo", Xml::new().text("groupId", id).text("userId", account))
        }
        other => network(xml, other),
    };
    let arn = format!("arn:aws:ec2:{region}:{account}:security-group-rule/{}", rule.id);
    forms::tag_set(xml.maybe("description", rule.description.as_ref()), &rule.tags).text("securityGroupRuleArn", arn)
}

/// Source: `RevokedSecurityGroupRule`.
pub fn revoked(group: &str, rule: &Rule) -> Xml {
    let traffic = &rule.traffic;
    let xml = Xml::new().text("securityGroupRuleId", &rule.id).text("groupId", group);
    let xml = ports(xml.text("isEgress", traffic.egress), traffic);
    let xml = match &traffic.peer {
        Peer::Group { id, .. } => xml.text("referencedGroupId", id),
        other => network(xml, other),
    };
    xml.maybe("description", rule.description.as_ref())
}

fn ports(xml: Xml, traffic: &RuleTraffic) -> Xml {
    xml.text("ipProtocol", &traffic.protocol).text("fromPort", traffic.from).text("toPort", traffic.to)
}

fn network(xml: Xml, peer: &Peer) -> Xml {
    match peer {
        Peer::Cidr(cidr) if cidr.addr().is_ipv4() => xml.text("cidrIpv4", cidr),
        Peer::Cidr(cidr) => xml.text("cidrIpv6", cidr),
        Peer::PrefixList(id) => xml.text("prefixListId", id),
        Peer::Group { .. } => xml,
    }
}

/// The rules of a group in a direction, as [`permissions`] has them.
pub fn permissions_of(group: &SecurityGroup, egress: bool) -> Vec<Xml> {
    let rules = group.rules.values().filter(|rule| rule.traffic.egress == egress);
    permissions(rules.map(|rule| (&rule.traffic, rule.description.as_deref())))
}

/// Joined by protocol and ports. Protocols without ports have none here.
///
/// Source: `IpPermission`.
pub fn permissions<'a>(rules: impl Iterator<Item = (&'a RuleTraffic, Option<&'a str>)>) -> Vec<Xml> {
    type Described<'a> = (&'a Peer, Option<&'a str>);
    let mut joined: BTreeMap<(&str, i32, i32), Vec<Described<'a>>> = BTreeMap::new();
    for (traffic, description) in rules {
        let key = (traffic.protocol.as_str(), traffic.from, traffic.to);
        joined.entry(key).or_default().push((&traffic.peer, description));
    }
    let permission = |((protocol, from, to), mut peers): ((&str, i32, i32), Vec<Described<'_>>)| {
        peers.sort();
        let has_ports = ["tcp", "udp", "icmp", "icmpv6"].contains(&protocol);
        let xml = Xml::new().text("ipProtocol", protocol);
        let xml = xml.maybe("fromPort", has_ports.then_some(from)).maybe("toPort", has_ports.then_some(to));
        let of = |list: &str| peers.iter().filter_map(|peer| listed(list, peer)).collect::<Vec<Xml>>();
        ["groups", "ipRanges", "ipv6Ranges", "prefixListIds"]
            .into_iter()
            .fold(xml, |xml, list| xml.list(list, "item", of(list)))
    };
    joined.into_iter().map(permission).collect()
}

/// A peer as it stands in the list for its kind; `None` in others.
fn listed(list: &str, (peer, description): &(&Peer, Option<&str>)) -> Option<Xml> {
    let xml = match (list, peer) {
        ("groups", Peer::Group { id, account }) => Xml::new().text("userId", account).text("groupId", id),
        ("ipRanges", Peer::Cidr(cidr)) if cidr.addr().is_ipv4() => Xml::new().text("cidrIp", cidr),
        ("ipv6Ranges", Peer::Cidr(cidr)) if cidr.addr().is_ipv6() => Xml::new().text("cidrIpv6", cidr),
        ("prefixListIds", Peer::PrefixList(id)) => Xml::new().text("prefixListId", id),
        _ => return None,
    };
    Some(xml.maybe("description", *description))
}
