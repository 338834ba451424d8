//! What a SecurityGroupAccess declares.

use ipnet::IpNet;

use crate::api::{self, AccessPort, Protocol, SecurityGroupAccessSpec, Service, rules};
use crate::model::{Access, AccessRule, GroupSelector, NamedTraffic, PeerSelector, PortRange, Traffic};

use super::{Reader, text, texts};

/// What an entry of `ingress` or `egress` says, whatever the field of its peers is called.
struct Entry<'a> {
    services: &'a Option<Vec<Service>>,
    ports: &'a Option<Vec<AccessPort>>,
    peers: &'a [api::AccessPeer],
    peers_field: &'static str,
    description: &'a Option<String>,
}

impl<'a> From<&'a api::IngressAccess> for Entry<'a> {
    fn from(entry: &'a api::IngressAccess) -> Self {
        let api::IngressAccess { services, ports, from, description } = entry;
        Self { services, ports, peers: from, peers_field: "from", description }
    }
}

impl<'a> From<&'a api::EgressAccess> for Entry<'a> {
    fn from(entry: &'a api::EgressAccess) -> Self {
        let api::EgressAccess { services, ports, to, description } = entry;
        Self { services, ports, peers: to, peers_field: "to", description }
    }
}

impl Reader {
    pub(super) fn access(&mut self, spec: &SecurityGroupAccessSpec) -> Access {
        self.account_and_region(spec.account_id.as_deref(), spec.region.as_deref());
        let is_vpc = spec.vpc_id.as_deref().is_none_or(|id| texts::is_id("vpc-", id));
        self.demand(is_vpc, "spec.vpcID", rules::vpc_id);
        let group = self.written_group("spec.securityGroup", &spec.security_group, spec.account_id.as_deref());
        self.demand(spec.ingress.is_some() || spec.egress.is_some(), "spec", rules::some_direction);
        let ingress = spec.ingress.as_ref().map(|entries| self.entries("spec.ingress", entries));
        let egress = spec.egress.as_ref().map(|entries| self.entries("spec.egress", entries));
        let vpc = spec.vpc_id.as_deref().map(Into::into);
        let access = Access { group, vpc, ingress, egress };
        let by_name = |group: &GroupSelector| !matches!(group, GroupSelector::Id { .. });
        let peer_by_name = |peer: &PeerSelector| matches!(peer, PeerSelector::Group(group) if by_name(group));
        let needs_vpc = access.group.as_ref().is_some_and(by_name) || access.peers().any(peer_by_name);
        self.demand(access.vpc.is_some() || !needs_vpc, "spec.vpcID", rules::vpc_beside_names);
        access
    }

    fn entries<'a, T>(&mut self, field: &str, entries: &'a [T]) -> Vec<AccessRule>
    where
        Entry<'a>: From<&'a T>,
    {
        entries
            .iter()
            .enumerate()
            .map(|(index, entry)| self.entry(&format!("{field}[{index}]"), &Entry::from(entry)))
            .collect()
    }

    fn entry(&mut self, field: &str, entry: &Entry<'_>) -> AccessRule {
        let services = entry.services.iter().flatten().map(|service| service_traffic(*service));
        let mut traffic: Vec<NamedTraffic> = services.collect();
        for (index, port) in entry.ports.iter().flatten().enumerate() {
            traffic.extend(self.access_port(&format!("{field}.ports[{index}]"), port));
        }
        self.demand(entry.services.is_some() || entry.ports.is_some(), field, rules::some_traffic);
        self.not_empty(entry.services, &format!("{field}.services"), rules::some_services);
        self.not_empty(entry.ports, &format!("{field}.ports"), rules::some_access_ports);
        let peers_field = format!("{field}.{}", entry.peers_field);
        self.demand(!entry.peers.is_empty(), &peers_field, rules::some_peers);
        self.each_once(
            &peers_field,
            entry.peers.iter().map(|peer| {
                let other = text(&peer.cidr, &peer.security_group, &peer.prefix_list, peer.vpc);
                other.or(peer.itself.map(|_| "self".into()))
            }),
        );
        let mut peers = Vec::new();
        for (index, peer) in entry.peers.iter().enumerate() {
            let field = format!("{peers_field}[{index}]");
            let Some(peer) = self.access_peer(&field, peer) else { continue };
            self.family_agrees(&field, entry, &peer);
            peers.push(peer);
        }
        if let Some(text) = entry.description {
            self.description(&format!("{field}.description"), text);
        }
        AccessRule { traffic, peers, text: entry.description.clone() }
    }

    fn access_peer(&mut self, field: &str, peer: &api::AccessPeer) -> Option<PeerSelector> {
        let mut candidates = self.peer_candidates(field, &peer.cidr, &peer.security_group, &peer.prefix_list, peer.vpc);
        if peer.itself == Some(false) {
            self.find(&format!("{field}.self"), "false says nothing: write self: true, or leave it out");
        }
        candidates.push(("self", peer.itself.map(|_| Some(PeerSelector::Itself))));
        self.one_of(field, candidates)
    }

    /// The protocols ICMP and ICMPv6 are of one family each.
    fn family_agrees(&mut self, field: &str, entry: &Entry<'_>, peer: &PeerSelector) {
        let PeerSelector::Cidr(cidr) = peer else { return };
        let (wrong, right, family) = match cidr.net() {
            IpNet::V4(_) => (Protocol::IcmpV6, "ICMP", "IPv4"),
            IpNet::V6(_) => (Protocol::Icmp, "ICMPv6", "IPv6"),
        };
        if entry.ports.iter().flatten().any(|port| port.protocol == wrong) {
            self.find(
                &format!("{field}.cidr"),
                format!(
                    "{cidr} is {family}, for which the protocol is {right}: write an entry of its own with {right} for it, or \
                     the service Ping, PathMTUDiscovery or AllICMP, which follow the family"
                ),
            );
        }
    }

    fn access_port(&mut self, field: &str, port: &AccessPort) -> Option<NamedTraffic> {
        let is_transport = matches!(port.protocol, Protocol::Tcp | Protocol::Udp);
        let is_icmp = matches!(port.protocol, Protocol::Icmp | Protocol::IcmpV6);
        if !is_transport && (port.port.is_some() || port.end_port.is_some()) {
            self.find(field, "this protocol has no ports: leave port and endPort out");
        }
        if !is_icmp && (port.icmp_type.is_some() || port.icmp_code.is_some()) {
            self.find(field, "this protocol has no ICMP type or code: leave icmpType and icmpCode out");
        }
        self.demand(port.icmp_code.is_none() || port.icmp_type.is_some(), field, rules::code_beside_type);
        let both = |name: String, traffic: Traffic| NamedTraffic { name, v4: vec![traffic], v6: vec![traffic] };
        let named = match port.protocol {
            Protocol::Tcp => {
                let ports = self.range(field, port)?;
                both(format!("TCP {ports}"), Traffic::Tcp(ports))
            }
            Protocol::Udp => {
                let ports = self.range(field, port)?;
                both(format!("UDP {ports}"), Traffic::Udp(ports))
            }
            Protocol::Icmp => {
                let traffic = Traffic::Icmp(port.icmp_type, port.icmp_code);
                NamedTraffic { name: traffic.to_string(), v4: vec![traffic], v6: Vec::new() }
            }
            Protocol::IcmpV6 => {
                let traffic = Traffic::IcmpV6(port.icmp_type, port.icmp_code);
                NamedTraffic { name: traffic.to_string(), v4: Vec::new(), v6: vec![traffic] }
            }
            Protocol::All => both("every protocol".into(), Traffic::All),
        };
        Some(named)
    }

    fn range(&mut self, field: &str, port: &AccessPort) -> Option<PortRange> {
        let Some(from) = port.port else {
            self.find(
                field,
                "TCP and UDP need a port: write port, with endPort for a range, or the service AllTCP or AllUDP",
            );
            return None;
        };
        let range = PortRange::new(from, port.end_port.unwrap_or(from));
        if range.is_none() {
            self.find(
                field,
                format!("the range is reversed: write port: {}, endPort: {from}", port.end_port.unwrap_or(from)),
            );
        }
        range
    }

    /// Source: `IpRange` in the EC2 API reference, without `&`, which comes back escaped.
    fn description(&mut self, field: &str, text: &str) {
        let allowed = |char: &char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=;{}!$*".contains(*char);
        if let Some(char) = text.chars().find(|char| !allowed(char)) {
            self.find(
                field,
                format!(
                    "EC2 takes only a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=;{{}}!$* in a description, and this has {char:?}: \
                     leave it out"
                ),
            );
        }
        let trimmed = text.trim_matches(' ');
        if trimmed.is_empty() && !text.is_empty() {
            self.find(field, "spaces alone say nothing: leave description out");
        } else if trimmed != text {
            self.find(field, format!("a description begins and ends with no space: write \"{trimmed}\""));
        }
    }
}

/// Source: "Security group rules for different use cases" in the EC2 user guide; for ICMP RFC 792 and RFC 4443.
fn service_traffic(service: Service) -> NamedTraffic {
    let tcp = Traffic::tcp;
    let (v4, v6) = match service {
        Service::Http => same(tcp(80)),
        Service::Https => same(tcp(443)),
        Service::Ssh => same(tcp(22)),
        Service::Rdp => same(tcp(3389)),
        Service::Mssql => same(tcp(1433)),
        Service::MySQL => same(tcp(3306)),
        Service::Redshift => same(tcp(5439)),
        Service::PostgreSQL => same(tcp(5432)),
        Service::Oracle => same(tcp(1521)),
        Service::Nfs => same(tcp(2049)),
        Service::Dns => (vec![tcp(53), Traffic::udp(53)], vec![tcp(53), Traffic::udp(53)]),
        Service::Ping => (vec![Traffic::Icmp(Some(8), None)], vec![Traffic::IcmpV6(Some(128), Some(0))]),
        Service::PathMtuDiscovery => (vec![Traffic::FRAGMENTATION_NEEDED], vec![Traffic::PACKET_TOO_BIG]),
        Service::AllTraffic => same(Traffic::All),
        Service::AllTcp => same(Traffic::Tcp(PortRange::ALL)),
        Service::AllUdp => same(Traffic::Udp(PortRange::ALL)),
        Service::AllIcmp => (vec![Traffic::Icmp(None, None)], vec![Traffic::IcmpV6(None, None)]),
    };
    NamedTraffic { name: name(service), v4, v6 }
}

fn same(traffic: Traffic) -> (Vec<Traffic>, Vec<Traffic>) {
    (vec![traffic], vec![traffic])
}

/// The service's name in the API.
fn name(service: Service) -> String {
    serde_json::to_value(service).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
