//! Rules as a person writes them: `ingress tcp 80 from 10.0.0.0/8 saying why`, `egress icmp 3/4 to PEER`,
//! `ingress -1 none from PEER`. The peer is a network, or what the transcript calls by a name.

use std::fmt::Write;

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, SecurityGroupRuleRequest, UserIdGroupPair,
};

use super::{super::Transcript, RUN_TAG};

/// A rule as it was written, with ids in place of names.
pub struct Written {
    pub egress: bool,
    protocol: String,
    ports: Option<(i32, i32)>,
    peer: String,
    description: Option<String>,
}

impl Written {
    pub fn read(text: &str, transcript: &Transcript) -> Self {
        let (rule, description) = match text.split_once(" saying ") {
            Some((rule, description)) => (rule, Some(description.to_owned())),
            None => (text, None),
        };
        let [direction, protocol, ports, _, peer] = rule.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not a rule: {text:?}")
        };
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("not ports: {ports:?}"));
        let ports = match ports.split_once(['/', ':']) {
            _ if ports == "none" => None,
            Some((from, to)) => Some((number(from), number(to))),
            None => Some((number(ports), number(ports))),
        };
        let peer = transcript.id(peer);
        Self { egress: direction == "egress", protocol: protocol.into(), ports, peer, description }
    }

    pub fn permission(&self) -> IpPermission {
        let permission = IpPermission::builder().ip_protocol(&self.protocol);
        let permission = permission.set_from_port(self.ports.map(|ports| ports.0));
        let permission = permission.set_to_port(self.ports.map(|ports| ports.1));
        let (peer, said) = (&self.peer, self.description.clone());
        match self.kind() {
            Kind::Group => {
                permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(peer).set_description(said).build())
            }
            Kind::PrefixList => {
                permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(peer).set_description(said).build())
            }
            Kind::Ipv6 => permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(peer).set_description(said).build()),
            Kind::Ipv4 => permission.ip_ranges(IpRange::builder().cidr_ip(peer).set_description(said).build()),
        }
        .build()
    }

    /// What an existing rule is to become.
    pub fn request(&self) -> SecurityGroupRuleRequest {
        let request = SecurityGroupRuleRequest::builder().ip_protocol(&self.protocol);
        let request = request.set_from_port(self.ports.map(|ports| ports.0));
        let request = request.set_to_port(self.ports.map(|ports| ports.1)).set_description(self.description.clone());
        match self.kind() {
            Kind::Group => request.referenced_group_id(&self.peer),
            Kind::PrefixList => request.prefix_list_id(&self.peer),
            Kind::Ipv6 => request.cidr_ipv6(&self.peer),
            Kind::Ipv4 => request.cidr_ipv4(&self.peer),
        }
        .build()
    }

    fn kind(&self) -> Kind {
        match &self.peer {
            peer if peer.starts_with("sg-") => Kind::Group,
            peer if peer.starts_with("pl-") => Kind::PrefixList,
            peer if peer.contains(':') => Kind::Ipv6,
            _ => Kind::Ipv4,
        }
    }
}

enum Kind {
    Ipv4,
    Ipv6,
    Group,
    PrefixList,
}

/// A rule as EC2 describes it, in the same form; tags follow as `{KEY=VALUE}`.
pub fn in_words(rule: &SecurityGroupRule) -> String {
    let direction = if rule.is_egress() == Some(true) { ("egress", "to") } else { ("ingress", "from") };
    let protocol = rule.ip_protocol().unwrap_or("no protocol");
    let group = rule.referenced_group_info().and_then(|info| info.group_id());
    let peer = rule.cidr_ipv4().or(rule.cidr_ipv6()).or(rule.prefix_list_id()).or(group).unwrap_or("nowhere");
    let ports = ports_in_words(protocol, rule.from_port(), rule.to_port());
    let mut text = format!("{} {protocol} {ports} {} {peer}", direction.0, direction.1);
    if let Some(description) = rule.description().filter(|said| !said.is_empty()) {
        let _ = write!(text, " saying {description}");
    }
    // The tag of the run is on everything that a run makes.
    let tags = rule.tags().iter().filter(|tag| tag.key() != Some(RUN_TAG));
    let mut tags: Vec<String> =
        tags.map(|tag| format!("{}={}", tag.key().unwrap_or_default(), tag.value().unwrap_or_default())).collect();
    tags.sort();
    if !tags.is_empty() {
        let _ = write!(text, " {{{}}}", tags.join(", "));
    }
    text
}

/// Permissions as a group describes them inline, one line for each peer.
pub fn permission_in_words(direction: &str, permission: &IpPermission) -> Vec<String> {
    let protocol = permission.ip_protocol().unwrap_or("no protocol");
    let ports = ports_in_words(protocol, permission.from_port(), permission.to_port());
    let networks = permission.ip_ranges().iter().map(|range| (range.cidr_ip(), range.description()));
    let networks6 = permission.ipv6_ranges().iter().map(|range| (range.cidr_ipv6(), range.description()));
    let groups = permission.user_id_group_pairs().iter().map(|pair| (pair.group_id(), pair.description()));
    let lists = permission.prefix_list_ids().iter().map(|list| (list.prefix_list_id(), list.description()));
    let word = if direction == "egress" { "to" } else { "from" };
    let line = |(peer, said): (Option<&str>, Option<&str>)| {
        let said = said.filter(|said| !said.is_empty()).map(|said| format!(" saying {said}")).unwrap_or_default();
        format!("{direction} {protocol} {ports} {word} {}{said}", peer.unwrap_or("nowhere"))
    };
    networks.chain(networks6).chain(groups).chain(lists).map(line).collect()
}

fn ports_in_words(protocol: &str, from: Option<i32>, to: Option<i32>) -> String {
    match (from, to) {
        (None, None) => "none".into(),
        (Some(from), Some(to)) if protocol.starts_with("icmp") => format!("{from}/{to}"),
        (Some(from), Some(to)) if from == to && from >= 0 => from.to_string(),
        (Some(from), Some(to)) => format!("{from}:{to}"),
        (from, to) => format!("{from:?}:{to:?}"),
    }
}
