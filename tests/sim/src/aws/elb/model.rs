//! What Elastic Load Balancing holds in one account and Region.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::aws::ec2::model::Tags;

use super::health::{Host, Index};
use super::interfaces::NextAddresses;
use super::targets::{Target, TargetKey};
use super::tree::Tree;

/// Everything by ARN. Names are unique for load balancers and for target groups.
#[derive(Default)]
pub struct Elb {
    pub balancers: BTreeMap<String, LoadBalancer>,
    /// The ARN of each name.
    pub balancer_names: BTreeMap<String, String>,
    pub listeners: BTreeMap<String, Listener>,
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// The ARN of each name.
    pub target_group_names: BTreeMap<String, String>,
    /// How many actions of which load balancer forward to a target group.
    pub(super) forwards: BTreeMap<String, BTreeMap<String, usize>>,
    /// What the hosts behind targets do, by the id of the target and the port; see [`Host`] for those not in here.
    pub(super) hosts: BTreeMap<(String, u16), Host>,
    /// Where looking for free addresses begins.
    pub(super) next_addresses: NextAddresses,
    /// What target groups depend on.
    pub(super) index: Index,
    /// How many target groups were looked at so far to let health follow: what settling costs.
    pub(super) looked_at: u64,
}

/// Source: `LoadBalancer` in the API reference.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    pub dns_name: String,
    pub canonical_hosted_zone: String,
    pub kind: BalancerKind,
    pub scheme: Scheme,
    pub ip_address_type: IpAddressType,
    pub vpc: String,
    /// By Availability Zone.
    pub zones: BTreeMap<String, Zone>,
    /// A network load balancer that was made without can never have any.
    pub groups: BTreeSet<String>,
    /// `on` or `off`; of a network load balancer with security groups.
    pub enforce_on_private_link: Option<String>,
    pub created: Duration,
    pub tags: Tags,
    pub attributes: BTreeMap<String, String>,
}

/// An enabled Availability Zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    pub subnet: String,
    /// The load balancer's interface in it.
    pub interface: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BalancerKind {
    Application,
    Network,
    Gateway,
}

impl BalancerKind {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Application, Self::Network, Self::Gateway].into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
            Self::Gateway => "gateway",
        }
    }

    /// As in ARNs and in the descriptions of interfaces.
    pub fn short(self) -> &'static str {
        match self {
            Self::Application => "app",
            Self::Network => "net",
            Self::Gateway => "gwy",
        }
    }

    /// The type of its interfaces. Source: `NetworkInterface` in the EC2 API reference.
    pub fn interface_type(self) -> &'static str {
        match self {
            Self::Application => "interface",
            Self::Network => "network_load_balancer",
            Self::Gateway => "gateway_load_balancer",
        }
    }

    /// Protocols of its listeners. A gateway load balancer's have none. Source: `CreateListener`.
    pub fn protocols(self) -> &'static [&'static str] {
        match self {
            Self::Application => &["HTTP", "HTTPS"],
            Self::Network => &["TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"],
            Self::Gateway => &["GENEVE"],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    InternetFacing,
    Internal,
}

impl Scheme {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InternetFacing, Self::Internal].into_iter().find(|scheme| scheme.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InternetFacing => "internet-facing",
            Self::Internal => "internal",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpAddressType {
    Ipv4,
    Dualstack,
    DualstackWithoutPublicIpv4,
}

impl IpAddressType {
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Ipv4, Self::Dualstack, Self::DualstackWithoutPublicIpv4];
        all.into_iter().find(|each| each.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Dualstack => "dualstack",
            Self::DualstackWithoutPublicIpv4 => "dualstack-without-public-ipv4",
        }
    }
}

/// Source: `Listener`.
#[derive(Clone, Debug)]
pub struct Listener {
    pub arn: String,
    pub balancer: String,
    /// A gateway load balancer's listener has none.
    pub port: Option<u16>,
    pub protocol: Option<String>,
    /// ARNs; the first is the default one.
    pub certificates: Vec<String>,
    pub ssl_policy: Option<String>,
    pub alpn: Vec<String>,
    pub actions: Vec<Action>,
    /// The ARN of the rule that stands for the default actions.
    pub default_rule: String,
    /// By priority, without the default one.
    pub rules: BTreeMap<u32, Rule>,
    pub tags: Tags,
}

/// Source: `Rule`.
#[derive(Clone, Debug)]
pub struct Rule {
    pub arn: String,
    /// As they were given.
    pub conditions: Vec<Tree>,
    pub actions: Vec<Action>,
    pub tags: Tags,
}

/// Source: `Action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub order: Option<u32>,
    pub deed: Deed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Forward(Forward),
    /// Of a type such as `redirect`, with the fields of its configuration, those with defaults filled in.
    Other {
        kind: ActionKind,
        config: Tree,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// ARNs with weights, 0 to 999, each ARN once.
    pub target_groups: Vec<(String, u32)>,
    /// Seconds for which a client stays with a target group.
    pub sticky: Option<u32>,
}

/// Every type but `forward`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    Redirect,
    FixedResponse,
    AuthenticateOidc,
    AuthenticateCognito,
    JwtValidation,
}

impl Action {
    /// Forwards to a single target group.
    pub fn forward(target_group: &str) -> Self {
        Self::forward_weighted(&[(target_group, 1)])
    }

    /// Forwards to target groups by weight.
    pub fn forward_weighted(target_groups: &[(&str, u32)]) -> Self {
        let target_groups = target_groups.iter().map(|(arn, weight)| ((*arn).to_owned(), *weight)).collect();
        Self { order: None, deed: Deed::Forward(Forward { target_groups, sticky: None }) }
    }

    /// ARNs of the target groups that it forwards to, whatever their weight.
    pub fn target_groups(&self) -> impl Iterator<Item = &str> {
        let all = match &self.deed {
            Deed::Forward(forward) => forward.target_groups.as_slice(),
            Deed::Other { .. } => &[],
        };
        all.iter().map(|(arn, _)| arn.as_str())
    }
}

/// Source: `TargetGroup`.
#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub kind: TargetKind,
    /// Of a function's there is neither protocol, port nor VPC.
    pub protocol: Option<String>,
    pub protocol_version: Option<String>,
    pub port: Option<u16>,
    pub vpc: Option<String>,
    pub is_ipv6: bool,
    pub health_check: HealthCheck,
    pub control_port: Option<u16>,
    pub tags: Tags,
    pub attributes: BTreeMap<String, String>,
    pub targets: BTreeMap<TargetKey, Target>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Instance,
    Ip,
    Lambda,
    Alb,
}

impl TargetKind {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Instance, Self::Ip, Self::Lambda, Self::Alb].into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
            Self::Lambda => "lambda",
            Self::Alb => "alb",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub is_enabled: bool,
    /// `HTTP`, `HTTPS` or `TCP`; none for functions.
    pub protocol: Option<String>,
    /// `None`: the target's own port, `traffic-port`.
    pub port: Option<u16>,
    pub path: Option<String>,
    pub interval: Duration,
    pub timeout: Duration,
    /// How many checks in a row.
    pub healthy_threshold: u32,
    /// How many checks in a row.
    pub unhealthy_threshold: u32,
    /// Codes that pass; none for TCP.
    pub matcher: Option<Matcher>,
}

/// Which codes pass, such as `200`, `200-299` or `200,302`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    text: String,
    codes: Vec<(u16, u16)>,
    is_grpc: bool,
}

impl Matcher {
    /// HTTP's; `None` if the text is none.
    pub fn http(text: &str) -> Option<Self> {
        Self::parse(text, false)
    }

    /// gRPC's, 0 to 99.
    pub fn grpc(text: &str) -> Option<Self> {
        Self::parse(text, true)
    }

    fn parse(text: &str, is_grpc: bool) -> Option<Self> {
        let range = |part: &str| -> Option<(u16, u16)> {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            let bounds = if is_grpc { 0..=99 } else { 200..=599 };
            (from <= to && bounds.contains(&from) && bounds.contains(&to)).then_some((from, to))
        };
        let codes = text.split(',').map(range).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), codes, is_grpc })
    }

    pub fn passes(&self, code: u16) -> bool {
        self.codes.iter().any(|(from, to)| (*from..=*to).contains(&code))
    }

    /// The name of the field that it stands in, and what stands there.
    pub fn field(&self) -> (&'static str, &str) {
        (if self.is_grpc { "GrpcCode" } else { "HttpCode" }, &self.text)
    }
}
