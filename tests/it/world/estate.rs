//! What stands in AWS before sgbind comes, told in one breath:
//! `estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")`.
//!
//! Security groups come with their first mention: consenting (`owned`, for the test's namespace) and with no rule at
//! all, unless [`Estate::group`] says otherwise. A load balancer carries ALB-SG.

mod building;

use aws_sdk_elasticloadbalancingv2::types::{
    ActionTypeEnum, IpAddressType, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, ProtocolEnum,
};

pub use building::network;

/// The VPC of a world: 10.0.0.0/16 and an IPv6 block, with a subnet in each of two zones.
#[derive(Clone)]
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
    listeners: Vec<Listener>,
    /// The Ingress of the cluster that names it in its status.
    ingress: Option<&'static str>,
}

/// A listener, or a rule of one that stands before.
struct Listener {
    port: u16,
    protocol: ProtocolEnum,
    /// What the rule matches.
    path: Option<&'static str>,
    does: Does,
}

enum Does {
    Forward(Vec<(String, i32)>),
    Redirect,
    /// Authenticates, then forwards.
    Authenticate(ActionTypeEnum, String),
}

struct TargetGroup {
    name: String,
    port: u16,
    health_port: Option<u16>,
    control_port: Option<u16>,
    /// In seconds.
    checked_every: Option<i32>,
    protocol: ProtocolEnum,
    targets: Vec<Target>,
}

/// Where a target is.
#[derive(Clone)]
enum Target {
    /// An instance whose interface has these groups, on a port of its own if one is given.
    Instance(Vec<&'static str>, Option<u16>),
    /// An address that an interface of the VPC has, in this group.
    Interface(&'static str, Held, &'static str),
    /// An address that is registered, and is no business of the VPC's.
    Address(&'static str),
    /// A load balancer.
    Balancer(&'static str),
    /// A Lambda function.
    Function(&'static str),
}

/// How an interface comes by an address.
#[derive(Clone, Copy)]
enum Held {
    Primary,
    Secondary,
    /// It lies in a prefix that is delegated to the interface.
    Delegated(&'static str),
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

    pub fn weighted(self, port: u16, target_groups: &[(&str, i32)]) -> Self {
        self.listener(port, Does::Forward(owned(target_groups)))
    }

    /// Of a network load balancer: for this protocol, such as `UDP`.
    pub fn forward_over(mut self, protocol: &str, port: u16, target_group: &str) -> Self {
        self = self.forward(port, target_group);
        self.last_balancer().listeners.last_mut().expect("made above").protocol = protocol.into();
        self
    }

    pub fn redirect(self, port: u16) -> Self {
        self.listener(port, Does::Redirect)
    }

    pub fn authenticate_and_forward(self, port: u16, target_group: &str) -> Self {
        self.listener(port, Does::Authenticate(ActionTypeEnum::AuthenticateOidc, target_group.into()))
    }

    fn listener(mut self, port: u16, does: Does) -> Self {
        let balancer = self.last_balancer();
        let protocol = match balancer.kind {
            LoadBalancerTypeEnum::Network => ProtocolEnum::Tcp,
            _ => ProtocolEnum::Http,
        };
        balancer.listeners.push(Listener { port, protocol, path: None, does });
        self
    }

    /// A rule of the listener before it.
    pub fn path(self, pattern: &'static str, target_group: &str) -> Self {
        self.path_weighted(pattern, &[(target_group, 1)])
    }

    pub fn path_weighted(self, pattern: &'static str, target_groups: &[(&str, i32)]) -> Self {
        self.rule(pattern, Does::Forward(owned(target_groups)))
    }

    pub fn path_authenticated(self, pattern: &'static str, action: ActionTypeEnum, target_group: &str) -> Self {
        self.rule(pattern, Does::Authenticate(action, target_group.into()))
    }

    fn rule(mut self, pattern: &'static str, does: Does) -> Self {
        let listeners = &mut self.last_balancer().listeners;
        let Listener { port, protocol, .. } = listeners.last().expect("a listener first");
        let rule = Listener { port: *port, protocol: protocol.clone(), path: Some(pattern), does };
        listeners.push(rule);
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
            checked_every: None,
            protocol,
            targets: Vec::new(),
        });
        self
    }

    fn last_target_group(&mut self) -> &mut TargetGroup {
        self.target_groups.last_mut().expect("a target group first")
    }

    /// Its traffic has this protocol, such as `TCP`.
    pub fn over(mut self, protocol: &str) -> Self {
        self.last_target_group().protocol = protocol.into();
        self
    }

    /// Checked each so many seconds; unhealthy, and healthy, after two checks. 5 is the least.
    pub fn checked_every(mut self, seconds: i32) -> Self {
        self.last_target_group().checked_every = Some(seconds);
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

    fn target(mut self, target: Target) -> Self {
        self.last_target_group().targets.push(target);
        self
    }

    pub fn instance(self, group: &'static str) -> Self {
        self.target(Target::Instance(vec![group], None))
    }

    pub fn instance_on(self, group: &'static str, port: u16) -> Self {
        self.target(Target::Instance(vec![group], Some(port)))
    }

    /// An instance whose interface has several groups.
    pub fn instance_in(self, groups: &[&'static str]) -> Self {
        self.target(Target::Instance(groups.to_vec(), None))
    }

    /// An interface's primary address.
    pub fn interface(self, address: &'static str, group: &'static str) -> Self {
        self.target(Target::Interface(address, Held::Primary, group))
    }

    /// A secondary address of an interface.
    pub fn secondary(self, address: &'static str, group: &'static str) -> Self {
        self.target(Target::Interface(address, Held::Secondary, group))
    }

    /// An address of a prefix that is delegated to an interface.
    pub fn delegated(self, prefix: &'static str, address: &'static str, group: &'static str) -> Self {
        self.target(Target::Interface(address, Held::Delegated(prefix), group))
    }

    pub fn address(self, address: &'static str) -> Self {
        self.target(Target::Address(address))
    }

    /// A load balancer of this estate as the target.
    pub fn load_balancer(self, name: &'static str) -> Self {
        self.target(Target::Balancer(name))
    }

    /// A Lambda function as the target.
    pub fn function(self, name: &'static str) -> Self {
        self.target(Target::Function(name))
    }

    /// Every group that is mentioned, once, in order.
    fn mentioned(&mut self) -> Vec<Group> {
        let of_balancers = self.balancers.iter().flat_map(|balancer| balancer.groups.clone());
        let of_targets = self.target_groups.iter().flat_map(|each| &each.targets).flat_map(|target| match target {
            Target::Instance(groups, _) => groups.clone(),
            Target::Interface(_, _, group) => vec![*group],
            Target::Address(_) | Target::Balancer(_) | Target::Function(_) => Vec::new(),
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

fn owned(target_groups: &[(&str, i32)]) -> Vec<(String, i32)> {
    target_groups.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect()
}
