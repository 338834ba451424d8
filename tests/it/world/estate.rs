//! What stands in AWS before sgbind comes, told in one breath:
//! `estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")`.
//!
//! Security groups come with their first mention: consenting (`owned`, for the test's namespace) and with no rule at
//! all, unless [`Estate::group`] says otherwise. A load balancer carries ALB-SG.

mod building;

use aws_sdk_elasticloadbalancingv2::types::{
    IpAddressType, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, ProtocolEnum,
};

pub use building::network;

/// The VPC of a world: 10.0.0.0/16 and an IPv6 block, with a subnet in each of two zones.
pub struct Network {
    pub vpc: String,
    pub ipv6: String,
    subnets: Vec<String>,
}

#[derive(Default)]
pub struct Estate {
    groups: Vec<Group>,
    balancers: Vec<Balancer>,
    target_groups: Vec<TargetGroup>,
}

/// A security group that is not as all others.
pub struct Group {
    name: String,
    cluster: Option<&'static str>,
    /// The test's own, if none are given.
    namespaces: Option<&'static str>,
    default_egress: bool,
    tags: Vec<(&'static str, &'static str)>,
    rules: Vec<&'static str>,
}

struct Balancer {
    name: String,
    kind: LoadBalancerTypeEnum,
    scheme: LoadBalancerSchemeEnum,
    addresses: IpAddressType,
    groups: Vec<&'static str>,
    tags: Vec<(&'static str, &'static str)>,
    listeners: Vec<(u16, Listener)>,
    /// The Ingress of the cluster that names it in its status.
    ingress: Option<&'static str>,
}

enum Listener {
    Forward(Vec<(String, i32)>),
    Redirect,
    /// Authenticates, then forwards.
    Authenticate(String),
    /// A rule of a listener that stands before: by path.
    Path(&'static str, String),
}

struct TargetGroup {
    name: String,
    port: u16,
    health_port: Option<u16>,
    control_port: Option<u16>,
    protocol: ProtocolEnum,
    targets: Vec<Target>,
}

/// Where a target is.
#[derive(Clone)]
enum Target {
    /// An instance in this group, on a port of its own if one is given.
    Instance(&'static str, Option<u16>),
    /// An interface of the VPC with this address, in this group.
    Interface(&'static str, &'static str),
    /// An address that is registered, and is no business of the VPC's.
    Address(&'static str),
}

pub fn estate() -> Estate {
    Estate::default()
}

/// A group as AWS makes it, but for the rules: consenting, without default egress.
pub fn group(name: &str) -> Group {
    Group {
        name: name.into(),
        cluster: Some("owned"),
        namespaces: None,
        default_egress: false,
        tags: Vec::new(),
        rules: Vec::new(),
    }
}

impl Group {
    pub fn without_consent(mut self) -> Self {
        self.cluster = None;
        self
    }

    pub fn shared(mut self) -> Self {
        self.cluster = Some("shared");
        self
    }

    pub fn namespaces(mut self, namespaces: &'static str) -> Self {
        self.namespaces = Some(namespaces);
        self
    }

    /// Keeps the rule that AWS gives every new group.
    pub fn with_default_egress(mut self) -> Self {
        self.default_egress = true;
        self
    }

    pub fn tag(mut self, key: &'static str, value: &'static str) -> Self {
        self.tags.push((key, value));
        self
    }

    /// A rule that is there already, such as `ALB-SG in tcp 22 <- 0.0.0.0/0`.
    pub fn rule(mut self, rule: &'static str) -> Self {
        self.rules.push(rule);
        self
    }
}

impl Estate {
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    pub fn internet_facing(self, name: &str) -> Self {
        self.balancer(name, LoadBalancerTypeEnum::Application, LoadBalancerSchemeEnum::InternetFacing)
    }

    pub fn internal(self, name: &str) -> Self {
        self.balancer(name, LoadBalancerTypeEnum::Application, LoadBalancerSchemeEnum::Internal)
    }

    /// An internet-facing network load balancer.
    pub fn network(self, name: &str) -> Self {
        self.balancer(name, LoadBalancerTypeEnum::Network, LoadBalancerSchemeEnum::InternetFacing)
    }

    fn balancer(mut self, name: &str, kind: LoadBalancerTypeEnum, scheme: LoadBalancerSchemeEnum) -> Self {
        let name = name.to_owned();
        self.balancers.push(Balancer {
            name,
            kind,
            scheme,
            addresses: IpAddressType::Ipv4,
            groups: vec!["ALB-SG"],
            tags: Vec::new(),
            listeners: Vec::new(),
            ingress: None,
        });
        self
    }

    fn last_balancer(&mut self) -> &mut Balancer {
        self.balancers.last_mut().expect("a load balancer first")
    }

    pub fn in_groups(mut self, groups: &[&'static str]) -> Self {
        self.last_balancer().groups = groups.to_vec();
        self
    }

    /// The Ingress of this name has the load balancer's DNS name in its status.
    pub fn named_by_ingress(mut self, name: &'static str) -> Self {
        self.last_balancer().ingress = Some(name);
        self
    }

    pub fn dual_stack(mut self) -> Self {
        self.last_balancer().addresses = IpAddressType::Dualstack;
        self
    }

    pub fn tag(mut self, key: &'static str, value: &'static str) -> Self {
        self.last_balancer().tags.push((key, value));
        self
    }

    pub fn forward(self, port: u16, target_group: &str) -> Self {
        self.weighted(port, &[(target_group, 1)])
    }

    pub fn weighted(mut self, port: u16, target_groups: &[(&str, i32)]) -> Self {
        let forwards = target_groups.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        self.last_balancer().listeners.push((port, Listener::Forward(forwards)));
        self
    }

    pub fn redirect(mut self, port: u16) -> Self {
        self.last_balancer().listeners.push((port, Listener::Redirect));
        self
    }

    pub fn authenticate_and_forward(mut self, port: u16, target_group: &str) -> Self {
        self.last_balancer().listeners.push((port, Listener::Authenticate(target_group.into())));
        self
    }

    /// A rule of the listener before it.
    pub fn path(mut self, pattern: &'static str, target_group: &str) -> Self {
        let port = self.last_balancer().listeners.last().expect("a listener first").0;
        self.last_balancer().listeners.push((port, Listener::Path(pattern, target_group.into())));
        self
    }

    /// HTTP, with health checks on the traffic port.
    pub fn target_group(mut self, name: &str, port: u16) -> Self {
        let (name, protocol) = (name.to_owned(), ProtocolEnum::Http);
        self.target_groups.push(TargetGroup {
            name,
            port,
            health_port: None,
            control_port: None,
            protocol,
            targets: Vec::new(),
        });
        self
    }

    fn last_target_group(&mut self) -> &mut TargetGroup {
        self.target_groups.last_mut().expect("a target group first")
    }

    pub fn tcp(mut self) -> Self {
        self.last_target_group().protocol = ProtocolEnum::Tcp;
        self
    }

    pub fn health_port(mut self, port: u16) -> Self {
        self.last_target_group().health_port = Some(port);
        self
    }

    pub fn control_port(mut self, port: u16) -> Self {
        self.last_target_group().control_port = Some(port);
        self
    }

    pub fn instance(mut self, group: &'static str) -> Self {
        self.last_target_group().targets.push(Target::Instance(group, None));
        self
    }

    pub fn instance_on(mut self, group: &'static str, port: u16) -> Self {
        self.last_target_group().targets.push(Target::Instance(group, Some(port)));
        self
    }

    pub fn interface(mut self, address: &'static str, group: &'static str) -> Self {
        self.last_target_group().targets.push(Target::Interface(address, group));
        self
    }

    pub fn address(mut self, address: &'static str) -> Self {
        self.last_target_group().targets.push(Target::Address(address));
        self
    }

    /// Every group that is mentioned, once, in order.
    fn mentioned(&mut self) -> Vec<Group> {
        let of_balancers = self.balancers.iter().flat_map(|balancer| balancer.groups.clone());
        let of_targets = self.target_groups.iter().flat_map(|each| &each.targets).filter_map(|target| match target {
            Target::Instance(group, _) | Target::Interface(_, group) => Some(*group),
            Target::Address(_) => None,
        });
        let mentioned: Vec<&str> = of_balancers.chain(of_targets).collect();
        let mut groups = std::mem::take(&mut self.groups);
        for name in mentioned {
            if groups.iter().all(|group| group.name != name) {
                groups.push(group(name));
            }
        }
        groups
    }
}
