use std::collections::{BTreeMap, BTreeSet};

use crate::defect::Defect;

use super::{AccountId, Cidr, ElbArn, GroupSelector, PrefixListId, PrefixListSelector, SecurityGroupId, VpcId};

/// What AWS says of the things that an object names, as far as rules follow from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub load_balancer: Option<LoadBalancerFacts>,
    /// The VPC of the load balancer, or of the group where only that is named.
    pub vpc: Option<VpcFacts>,
    /// The load balancer's group that is written, or the one of a SecurityGroupAccess.
    pub group: Option<SecurityGroupId>,
    pub target_groups: Vec<TargetGroupFacts>,
    pub peers: PeerFacts,
}

impl Facts {
    pub fn target_group(&self, name: &str) -> Option<&TargetGroupFacts> {
        self.target_groups.iter().find(|group| group.name == name)
    }
}

/// What a VPC looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcFacts {
    pub id: VpcId,
    /// Associated CIDR blocks, IPv4 and IPv6.
    pub cidrs: BTreeSet<Cidr>,
}

/// Groups and lists that were looked up because the object names them: as peers, and a binding also as groups of targets.
/// What is not here could not be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerFacts {
    pub groups: BTreeMap<GroupSelector, PeerGroup>,
    pub prefix_lists: BTreeMap<PrefixListSelector, PeerList>,
}

/// A security group as a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerGroup {
    pub id: SecurityGroupId,
    /// Given where it is not the writing group's own.
    pub account: Option<AccountId>,
}

/// A managed prefix list as a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerList {
    pub id: PrefixListId,
    /// `None` where AWS does not say.
    pub family: Option<Family>,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

/// What a load balancer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerFacts {
    pub arn: ElbArn,
    pub name: String,
    pub dns_name: String,
    pub kind: LoadBalancerKind,
    pub scheme: LoadBalancerScheme,
    pub ip_address_type: String,
    pub groups: BTreeSet<SecurityGroupId>,
    /// By port.
    pub listeners: BTreeMap<u16, ListenerFacts>,
}

impl LoadBalancerFacts {
    /// Whether clients may come over IPv6.
    pub fn takes_ipv6(&self) -> bool {
        self.ip_address_type.starts_with("dualstack")
    }

    /// Whether clients from the internet may come over IPv4.
    pub fn has_public_ipv4(&self) -> bool {
        self.ip_address_type != "dualstack-without-public-ipv4"
    }
}

/// Type of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancerKind {
    Application,
    Network,
}

impl LoadBalancerKind {
    /// ELBv2's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
        }
    }
}

/// From where a load balancer can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancerScheme {
    InternetFacing,
    Internal,
}

impl LoadBalancerScheme {
    /// ELBv2's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::InternetFacing => "internet-facing",
            Self::Internal => "internal",
        }
    }
}

/// What a listener looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerFacts {
    pub protocol: ElbProtocol,
    /// An action of the listener or of one of its rules authenticates, so that the load balancer
    /// itself must reach an identity provider.
    pub authenticates: bool,
}

/// Protocol of a listener or target group, in ELBv2's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElbProtocol(pub String);

impl ElbProtocol {
    /// The transport protocols on the wire.
    pub fn transports(&self) -> &'static [Transport] {
        match self.0.as_str() {
            "UDP" | "QUIC" => &[Transport::Udp],
            "TCP_UDP" | "TCP_QUIC" => &[Transport::Tcp, Transport::Udp],
            _ => &[Transport::Tcp],
        }
    }
}

/// A transport protocol that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    pub fn port(self, port: u16) -> super::Traffic {
        if let Some(wider) = super::PortRange::new(port, port.saturating_add(1)).filter(|_| Defect::WidenPorts.is_on())
        {
            return super::Traffic::Tcp(wider);
        }
        match self {
            Self::Tcp => super::Traffic::tcp(port),
            Self::Udp => super::Traffic::udp(port),
        }
    }
}

/// What a target group looks like in AWS. What the binding declares of it takes precedence; that is
/// for the stage `desired` to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupFacts {
    /// Name in the binding; of a derived group the name in AWS.
    pub name: String,
    pub arn: Option<ElbArn>,
    pub protocol: ElbProtocol,
    /// Sum of the weights with which listeners and rules forward to it.
    pub weight: Option<i32>,
    pub ports: BTreeSet<u16>,
    /// `None`: the traffic ports.
    pub health_check_port: Option<u16>,
    pub control_port: Option<u16>,
    pub groups: BTreeSet<SecurityGroupId>,
    /// Targets outside the VPC.
    pub addresses: BTreeSet<Cidr>,
}

/// What a resolution came to: the facts so far as they are known, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub facts: Facts,
    /// What was not found or is ambiguous, for people.
    pub problems: Vec<Problem>,
    /// Whether every read succeeded and found what it looked for. If not, `facts` holds what was
    /// last known in the place of what is missing, and nothing may be revoked on its account.
    pub complete: bool,
    /// What complete answers lack.
    pub absent: BTreeSet<Thing>,
}

/// A thing in AWS that may be gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    LoadBalancer,
    /// By its name in the binding.
    TargetGroup(String),
}

/// Something that stops an object, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub reason: Reason,
    /// What (resource), what was expected, what to do.
    pub message: String,
}

impl Problem {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Reasons that conditions and problems carry. The order is that of precedence: what a person must
/// mend first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Invalid,
    LoadBalancerNotFound,
    LoadBalancerAmbiguous,
    LoadBalancerPending,
    NetworkLoadBalancerWithoutSecurityGroup,
    ClientsRequired,
    TargetGroupNotFound,
    SecurityGroupNotFound,
    SecurityGroupAmbiguous,
    PrefixListNotFound,
    TargetInterfaceNotFound,
    NoTargetsRegistered,
    SecurityGroupNotOptedIn,
    NamespaceNotAllowed,
    ManagedByLoadBalancerController,
    IdentityConflict,
    RuleQuotaExceeded,
    AccessDenied,
    TighteningRolledBack,
    Throttled,
    AwsUnavailable,
    Applying,
    Held,
}

impl Reason {
    /// The CamelCase word in conditions and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::LoadBalancerNotFound => "LoadBalancerNotFound",
            Self::LoadBalancerAmbiguous => "LoadBalancerAmbiguous",
            Self::LoadBalancerPending => "LoadBalancerPending",
            Self::NetworkLoadBalancerWithoutSecurityGroup => "NetworkLoadBalancerWithoutSecurityGroup",
            Self::ClientsRequired => "ClientsRequired",
            Self::TargetGroupNotFound => "TargetGroupNotFound",
            Self::SecurityGroupNotFound => "SecurityGroupNotFound",
            Self::SecurityGroupAmbiguous => "SecurityGroupAmbiguous",
            Self::PrefixListNotFound => "PrefixListNotFound",
            Self::TargetInterfaceNotFound => "TargetInterfaceNotFound",
            Self::NoTargetsRegistered => "NoTargetsRegistered",
            Self::SecurityGroupNotOptedIn => "SecurityGroupNotOptedIn",
            Self::NamespaceNotAllowed => "NamespaceNotAllowed",
            Self::ManagedByLoadBalancerController => "ManagedByLoadBalancerController",
            Self::IdentityConflict => "IdentityConflict",
            Self::RuleQuotaExceeded => "RuleQuotaExceeded",
            Self::AccessDenied => "AccessDenied",
            Self::TighteningRolledBack => "TighteningRolledBack",
            Self::Throttled => "Throttled",
            Self::AwsUnavailable => "AwsUnavailable",
            Self::Applying => "Applying",
            Self::Held => "Held",
        }
    }

    /// Whether a problem of this reason belongs to the condition `Resolved`.
    pub fn is_about_resolution(self) -> bool {
        matches!(
            self,
            Self::LoadBalancerNotFound
                | Self::LoadBalancerAmbiguous
                | Self::LoadBalancerPending
                | Self::ClientsRequired
                | Self::TargetGroupNotFound
                | Self::SecurityGroupNotFound
                | Self::SecurityGroupAmbiguous
                | Self::PrefixListNotFound
                | Self::TargetInterfaceNotFound
                | Self::NoTargetsRegistered
        )
    }

    /// Whether a person must act before anything can get better.
    pub fn stalls(self) -> bool {
        matches!(
            self,
            Self::Invalid
                | Self::SecurityGroupNotOptedIn
                | Self::NamespaceNotAllowed
                | Self::NetworkLoadBalancerWithoutSecurityGroup
                | Self::ManagedByLoadBalancerController
                | Self::IdentityConflict
                | Self::RuleQuotaExceeded
                | Self::AccessDenied
                | Self::TighteningRolledBack
        )
    }
}
