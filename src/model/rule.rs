use std::fmt;

use ipnet::IpNet;

use super::{PrefixListId, RuleId, SecurityGroupId};

/// Seen from the group that holds the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Ingress,
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// An inclusive range of ports, never reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    from: u16,
    to: u16,
}

impl PortRange {
    pub const ALL: Self = Self { from: 0, to: u16::MAX };

    pub const fn single(port: u16) -> Self {
        Self { from: port, to: port }
    }

    /// `None` if the range is reversed.
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    pub fn from(self) -> u16 {
        self.from
    }

    pub fn to(self) -> u16 {
        self.to
    }

    pub fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

/// Protocol with its ports, or ICMP type and code, in EC2's stored form: 6, 17, 1 and 58 are tcp,
/// udp, icmp and icmpv6, and protocol -1 has no ports.
///
/// Source: the `IpPermission` data type of the EC2 API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    Tcp(PortRange),
    Udp(PortRange),
    /// `None` stands for any type, or any code.
    Icmp(Option<u8>, Option<u8>),
    /// `None` stands for any type, or any code.
    IcmpV6(Option<u8>, Option<u8>),
    /// Another protocol, by its number in IANA's registry.
    Other(u8),
    /// All protocols and ports.
    All,
}

/// Why a rule as AWS tells it can't be understood. Such a rule is never touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rule's traffic: protocol {protocol:?}, from {from:?}, to {to:?}")]
pub struct NotTraffic {
    protocol: String,
    from: Option<i32>,
    to: Option<i32>,
}

impl Traffic {
    /// "Destination unreachable: fragmentation needed". Source: RFC 792, RFC 1191.
    pub const FRAGMENTATION_NEEDED: Self = Self::Icmp(Some(3), Some(4));
    /// "Packet too big". Source: RFC 8201.
    pub const PACKET_TOO_BIG: Self = Self::IcmpV6(Some(2), Some(0));

    pub const fn tcp(port: u16) -> Self {
        Self::Tcp(PortRange::single(port))
    }

    pub const fn udp(port: u16) -> Self {
        Self::Udp(PortRange::single(port))
    }

    /// Reads the triple by which EC2 tells traffic.
    ///
    /// # Errors
    /// An unknown protocol name, or numbers outside their range.
    pub fn from_ec2(protocol: &str, from: Option<i32>, to: Option<i32>) -> Result<Self, NotTraffic> {
        let wrong = || NotTraffic { protocol: protocol.to_owned(), from, to };
        let ports = || match (from, to) {
            (None, None) | (Some(-1), Some(-1)) => Some(PortRange::ALL),
            (Some(from), Some(to)) => PortRange::new(u16::try_from(from).ok()?, u16::try_from(to).ok()?),
            _ => None,
        };
        let icmp = |number: Option<i32>| match number {
            None | Some(-1) => Some(None),
            Some(number) => u8::try_from(number).ok().map(Some),
        };
        match protocol {
            "-1" => Some(Self::All),
            "tcp" | "6" => ports().map(Self::Tcp),
            "udp" | "17" => ports().map(Self::Udp),
            "icmp" | "1" => icmp(from).zip(icmp(to)).map(|(kind, code)| Self::Icmp(kind, code)),
            "icmpv6" | "58" => icmp(from).zip(icmp(to)).map(|(kind, code)| Self::IcmpV6(kind, code)),
            number => number.parse().ok().map(Self::Other),
        }
        .ok_or_else(wrong)
    }

    /// EC2's name of the protocol: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` or a number.
    pub fn protocol(self) -> String {
        match self {
            Self::Tcp(_) => "tcp".into(),
            Self::Udp(_) => "udp".into(),
            Self::Icmp(..) => "icmp".into(),
            Self::IcmpV6(..) => "icmpv6".into(),
            Self::Other(number) => number.to_string(),
            Self::All => "-1".into(),
        }
    }

    /// `FromPort` and `ToPort` as EC2 takes them; `None` where the protocol has neither.
    pub fn ports(self) -> Option<(i32, i32)> {
        let number = |value: Option<u8>| value.map_or(-1, i32::from);
        match self {
            Self::Tcp(ports) | Self::Udp(ports) => Some((ports.from.into(), ports.to.into())),
            Self::Icmp(kind, code) | Self::IcmpV6(kind, code) => Some((number(kind), number(code))),
            Self::Other(_) | Self::All => None,
        }
    }

    /// Whether everything that `other` admits is admitted by this too.
    pub fn covers(self, other: Self) -> bool {
        fn any<T: PartialEq>(wide: Option<T>, narrow: Option<T>) -> bool {
            wide.is_none() || wide == narrow
        }
        match (self, other) {
            (Self::All, _) => true,
            (Self::Tcp(wide), Self::Tcp(narrow)) | (Self::Udp(wide), Self::Udp(narrow)) => wide.covers(narrow),
            (Self::Icmp(kind, code), Self::Icmp(other_kind, other_code))
            | (Self::IcmpV6(kind, code), Self::IcmpV6(other_kind, other_code)) => {
                any(kind, other_kind) && any(code, other_code)
            }
            _ => self == other,
        }
    }

    /// Whether there is anything that both admit.
    pub fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Tcp(a), Self::Tcp(b)) | (Self::Udp(a), Self::Udp(b)) => a.from <= b.to && b.from <= a.to,
            _ => self.covers(other) || other.covers(self),
        }
    }

    /// How much is admitted, for "the widest first": protocols, then ports.
    pub fn width(self) -> u32 {
        match self {
            Self::All => u32::MAX,
            Self::Other(_) => 1 << 17,
            Self::Tcp(ports) | Self::Udp(ports) => u32::from(ports.to - ports.from) + 1,
            Self::Icmp(kind, _) | Self::IcmpV6(kind, _) => kind.map_or(256, |_| 1),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let icmp = |f: &mut fmt::Formatter<'_>, kind: Option<u8>, code: Option<u8>| match (kind, code) {
            (None, _) => write!(f, " all"),
            (Some(kind), None) => write!(f, " type {kind}"),
            (Some(kind), Some(code)) => write!(f, " type {kind} code {code}"),
        };
        match *self {
            Self::Tcp(ports) => write!(f, "tcp {ports}"),
            Self::Udp(ports) => write!(f, "udp {ports}"),
            Self::Icmp(kind, code) => write!(f, "icmp").and_then(|()| icmp(f, kind, code)),
            Self::IcmpV6(kind, code) => write!(f, "icmpv6").and_then(|()| icmp(f, kind, code)),
            Self::Other(number) => write!(f, "protocol {number}"),
            Self::All => write!(f, "all"),
        }
    }
}

/// The other end of a rule. Networks carry no host bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    Cidr(Cidr),
    SecurityGroup(SecurityGroupId),
    PrefixList(PrefixListId),
}

impl Peer {
    pub fn anywhere_v4() -> Self {
        Self::Cidr(Cidr::new(IpNet::V4(ipnet::Ipv4Net::default())))
    }

    pub fn anywhere_v6() -> Self {
        Self::Cidr(Cidr::new(IpNet::V6(ipnet::Ipv6Net::default())))
    }

    /// Whether an address may belong to both. Of groups and prefix lists it is not known whom they contain, and an
    /// interface may carry two groups.
    pub fn may_overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cidr(one), Self::Cidr(other)) => one.0.contains(&other.0) || other.0.contains(&one.0),
            _ => true,
        }
    }

    /// `0.0.0.0/0` or `::/0`.
    pub fn is_anywhere(&self) -> bool {
        matches!(self, Self::Cidr(cidr) if cidr.0.prefix_len() == 0)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => write!(f, "{cidr}"),
            Self::SecurityGroup(id) => write!(f, "{id}"),
            Self::PrefixList(id) => write!(f, "{id}"),
        }
    }
}

/// A network as EC2 stores it: host bits cleared.
///
/// Source: `AuthorizeSecurityGroupIngress` in the EC2 API reference, "If you specify a CIDR that has
/// host bits set it is canonicalised".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    pub fn new(net: IpNet) -> Self {
        Self(net.trunc())
    }

    pub fn net(self) -> IpNet {
        self.0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a rule allows; two rules of one group can't have the same. Ids, tags and descriptions are
/// no part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSpec {
    pub direction: Direction,
    pub traffic: Traffic,
    pub peer: Peer,
}

impl RuleSpec {
    pub fn ingress(traffic: Traffic, peer: Peer) -> Self {
        Self { direction: Direction::Ingress, traffic, peer }
    }

    pub fn egress(traffic: Traffic, peer: Peer) -> Self {
        Self { direction: Direction::Egress, traffic, peer }
    }

    /// Whether this may admit some of the traffic that the other is to admit.
    pub fn may_cover(&self, other: &Self) -> bool {
        self.direction == other.direction && self.traffic.overlaps(other.traffic) && self.peer.may_overlap(&other.peer)
    }

    /// How much is admitted: an order by peer, then traffic.
    pub fn width(&self) -> (bool, u32, u32) {
        let peer = match &self.peer {
            Peer::Cidr(cidr) => 128 - u32::from(cidr.0.prefix_len()).min(128),
            Peer::PrefixList(_) => 2,
            Peer::SecurityGroup(_) => 1,
        };
        (self.peer.is_anywhere(), self.traffic.width(), peer)
    }
}

impl fmt::Display for RuleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let preposition = match self.direction {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        };
        write!(f, "{} {} {preposition} {}", self.direction, self.traffic, self.peer)
    }
}

/// A rule as it was read from AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualRule {
    pub id: RuleId,
    pub spec: RuleSpec,
    /// Account of the peer group, where it is not the rule's own.
    pub peer_account: Option<super::AccountId>,
    pub description: String,
    pub tags: super::Tags,
}
