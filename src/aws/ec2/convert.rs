//! Between the SDK's types and ours.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_sdk_ec2::types as sdk;

use crate::model::{AccountId, ActualRule, Cidr, Direction, Peer, RuleId, RuleSpec, SecurityGroupId, Tags, Traffic};

use super::Interface;
use super::writing::NewRule;

/// Text that says something: some answers hold empty elements for what is not there.
pub fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

pub fn tags(tags: &[sdk::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

pub fn cidr(text: &str) -> Option<Cidr> {
    text.parse().ok().map(Cidr::new)
}

/// Source: `SecurityGroupRule`. `None` if the rule can't be understood.
pub fn rule(id: RuleId, rule: &sdk::SecurityGroupRule) -> Option<ActualRule> {
    let direction = if rule.is_egress()? { Direction::Egress } else { Direction::Ingress };
    let traffic = Traffic::from_ec2(rule.ip_protocol()?, rule.from_port(), rule.to_port()).ok()?;
    let spec = RuleSpec { direction, traffic, peer: peer(rule)? };
    let description = rule.description().unwrap_or_default().to_owned();
    Some(ActualRule { id, spec, peer_account: peer_account(rule), description, tags: tags(rule.tags()) })
}

fn peer_account(rule: &sdk::SecurityGroupRule) -> Option<AccountId> {
    let account = present(rule.referenced_group_info()?.user_id())?;
    (Some(account) != rule.group_owner_id()).then(|| account.into())
}

/// A rule has exactly one peer.
fn peer(rule: &sdk::SecurityGroupRule) -> Option<Peer> {
    let group = rule.referenced_group_info().map(|group| present(group.group_id()));
    let peers = [
        present(rule.cidr_ipv4()).map(|text| cidr(text).map(Peer::Cidr)),
        present(rule.cidr_ipv6()).map(|text| cidr(text).map(Peer::Cidr)),
        present(rule.prefix_list_id()).map(|id| Some(Peer::PrefixList(id.into()))),
        group.map(|id| id.map(|id| Peer::SecurityGroup(SecurityGroupId::from(id)))),
    ];
    let mut given = peers.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(peer), None) => peer,
        _ => None,
    }
}

/// Source: `IpPermission`. Of protocol -1 EC2 takes no ports.
pub fn permission(rule: &NewRule) -> sdk::IpPermission {
    let traffic = rule.spec.traffic;
    let permission = sdk::IpPermission::builder()
        .ip_protocol(traffic.protocol())
        .set_from_port(traffic.ports().map(|(from, _)| from))
        .set_to_port(traffic.ports().map(|(_, to)| to));
    let description = Some(rule.description.clone()).filter(|text| !text.is_empty());
    match &rule.spec.peer {
        Peer::Cidr(cidr) if cidr.net().addr().is_ipv4() => {
            permission.ip_ranges(sdk::IpRange::builder().cidr_ip(cidr.to_string()).set_description(description).build())
        }
        Peer::Cidr(cidr) => permission
            .ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6(cidr.to_string()).set_description(description).build()),
        Peer::SecurityGroup(id) => permission.user_id_group_pairs(
            sdk::UserIdGroupPair::builder()
                .group_id(id.as_str())
                .set_user_id(rule.peer_account.as_ref().map(|account| account.as_str().to_owned()))
                .set_description(description)
                .build(),
        ),
        Peer::PrefixList(id) => permission.prefix_list_ids(
            sdk::PrefixListId::builder().prefix_list_id(id.as_str()).set_description(description).build(),
        ),
    }
    .build()
}

/// Source: `NetworkInterface`. The error names the field that can't be used.
pub fn interface(interface: &sdk::NetworkInterface) -> Result<Interface, &'static str> {
    let attachment = interface.attachment();
    Ok(Interface {
        id: present(interface.network_interface_id()).ok_or("network interface id")?.to_owned(),
        vpc: present(interface.vpc_id()).ok_or("VPC id of an interface")?.into(),
        groups: interface
            .groups()
            .iter()
            .map(|group| present(group.group_id()).map(SecurityGroupId::from).ok_or("group id of an interface"))
            .collect::<Result<_, _>>()?,
        addresses: addresses(interface).ok_or("address of an interface")?,
        prefixes: prefixes(interface).ok_or("delegated prefix of an interface")?,
        instance: attachment.and_then(|at| present(at.instance_id())).map(Into::into),
        device_index: attachment.and_then(sdk::NetworkInterfaceAttachment::device_index),
        description: interface.description().unwrap_or_default().to_owned(),
        requester_id: present(interface.requester_id()).map(str::to_owned),
        interface_type: interface.interface_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
    })
}

fn addresses(interface: &sdk::NetworkInterface) -> Option<BTreeSet<IpAddr>> {
    let v4 = interface.private_ip_addresses().iter().map(|address| address.private_ip_address());
    let v6 = interface.ipv6_addresses().iter().map(|address| address.ipv6_address());
    let primary = [interface.private_ip_address(), interface.ipv6_address()];
    v4.chain(v6).chain(primary).filter_map(present).map(|text| text.parse().ok()).collect()
}

fn prefixes(interface: &sdk::NetworkInterface) -> Option<BTreeSet<Cidr>> {
    let v4 = interface.ipv4_prefixes().iter().map(|prefix| prefix.ipv4_prefix());
    let v6 = interface.ipv6_prefixes().iter().map(|prefix| prefix.ipv6_prefix());
    v4.chain(v6).filter_map(present).map(cidr).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: sdk::builders::SecurityGroupRuleBuilder) -> Option<String> {
        super::rule("sgr-1".into(), &rule.build()).map(|rule| rule.spec.to_string())
    }

    #[test]
    fn rules_of_every_kind_are_read() {
        let tcp = || sdk::SecurityGroupRule::builder().is_egress(false).ip_protocol("tcp").from_port(80).to_port(80);
        let group = |id: &str| sdk::ReferencedSecurityGroup::builder().group_id(id).user_id("111122223333").build();
        assert_eq!(read(tcp().cidr_ipv4("10.0.0.7/8")).unwrap(), "ingress tcp 80 from 10.0.0.0/8");
        assert_eq!(read(tcp().cidr_ipv6("::/0")).unwrap(), "ingress tcp 80 from ::/0");
        assert_eq!(read(tcp().prefix_list_id("pl-1")).unwrap(), "ingress tcp 80 from pl-1");
        assert_eq!(read(tcp().referenced_group_info(group("sg-2"))).unwrap(), "ingress tcp 80 from sg-2");
        assert_eq!(
            read(tcp().is_egress(true).ip_protocol("-1").from_port(-1).to_port(-1).cidr_ipv4("0.0.0.0/0")).unwrap(),
            "egress all to 0.0.0.0/0"
        );
        assert_eq!(
            read(tcp().ip_protocol("icmp").from_port(3).to_port(4).cidr_ipv4("0.0.0.0/0")).unwrap(),
            "ingress icmp type 3 code 4 from 0.0.0.0/0"
        );
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_none() {
        let tcp = || sdk::SecurityGroupRule::builder().is_egress(false).ip_protocol("tcp").from_port(80).to_port(80);
        assert_eq!(read(tcp()), None, "no peer");
        assert_eq!(read(tcp().cidr_ipv4("10.0.0.0/8").prefix_list_id("pl-1")), None, "two peers");
        assert_eq!(read(tcp().cidr_ipv4("10.0.0.0")), None, "no network");
        assert_eq!(read(tcp().to_port(70).cidr_ipv4("10.0.0.0/8")), None, "reversed ports");
        let whole = || sdk::SecurityGroupRule::builder().ip_protocol("tcp").from_port(80).to_port(80);
        assert_eq!(read(whole().cidr_ipv4("10.0.0.0/8")), None, "no direction");
    }
}
