//! Pure: what an object and the facts come to, as rules with their reasons.

mod access;
mod peers;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Aspect;
use crate::defect::Defect;
use crate::model::{
    Binding, Cidr, Extent, Facts, Family, Governed, LoadBalancerFacts, LoadBalancerKind, LoadBalancerScheme, Need,
    Peer, PeerSelector, Problem, Reason, RuleSpec, SecurityGroupId, TargetGroupDeclaration, TargetGroupFacts, Traffic,
    Transport, VpcFacts, Wants,
};

pub use access::access;
use peers::FoundPeer;

/// The port on which identity providers are reached.
const IDENTITY_PROVIDER_PORT: u16 = 443;
/// The ports that are open to the internet where no clients are declared.
const WEB_PORTS: [u16; 2] = [80, 443];

/// What an object needs of every group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    pub groups: BTreeMap<SecurityGroupId, GroupNeeds>,
    /// Some listener's clients were derived, because none are declared.
    pub clients_not_declared: bool,
    /// Targets that no rule on a group of theirs can cover.
    pub targets_outside: BTreeSet<Cidr>,
    pub problems: Vec<Problem>,
}

/// What an object needs of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupNeeds {
    pub rules: BTreeMap<RuleSpec, Need>,
    pub governs: Governed,
}

/// One target group with what is declared put before what AWS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveTargetGroup<'a> {
    pub name: &'a str,
    pub ports: BTreeSet<u16>,
    /// `None`: the traffic ports.
    pub health_check_port: Option<u16>,
    pub groups: BTreeSet<SecurityGroupId>,
    pub addresses: BTreeSet<Cidr>,
    /// `None` where a declared group is not bound to one in AWS.
    pub facts: Option<&'a TargetGroupFacts>,
}

/// The target groups that are meant: the declared ones, else all that the load balancer forwards to.
pub fn target_groups<'a>(binding: &'a Binding, facts: &'a Facts) -> Vec<EffectiveTargetGroup<'a>> {
    match &binding.target_groups {
        Some(declared) => declared.iter().map(|group| effective(group, facts)).collect(),
        None => facts.target_groups.iter().map(as_found).collect(),
    }
}

fn as_found(facts: &TargetGroupFacts) -> EffectiveTargetGroup<'_> {
    EffectiveTargetGroup {
        name: &facts.name,
        ports: facts.ports.clone(),
        health_check_port: facts.health_check_port,
        groups: facts.groups.clone(),
        addresses: facts.addresses.clone(),
        facts: Some(facts),
    }
}

fn effective<'a>(declared: &'a TargetGroupDeclaration, facts: &'a Facts) -> EffectiveTargetGroup<'a> {
    let found = facts.target_group(&declared.name);
    let groups = match &declared.groups {
        Some(selectors) => selectors
            .iter()
            .filter_map(|selector| facts.peers.groups.get(selector))
            .map(|group| group.id.clone())
            .collect(),
        None => found.map(|found| found.groups.clone()).unwrap_or_default(),
    };
    EffectiveTargetGroup {
        name: &declared.name,
        ports: declared.ports.clone().or_else(|| found.map(|found| found.ports.clone())).unwrap_or_default(),
        health_check_port: declared.health_check_port.or_else(|| found.and_then(|found| found.health_check_port)),
        groups,
        addresses: declared
            .addresses
            .clone()
            .or_else(|| found.map(|found| found.addresses.clone()))
            .unwrap_or_default(),
        facts: found,
    }
}

/// The rules that an object needs, so far as the facts are known.
pub fn of(wants: &Wants, facts: &Facts) -> Desired {
    match wants {
        Wants::Binding(declared) => binding(declared, facts),
        Wants::Access(declared) => access(declared, facts),
    }
}

/// The rules that a binding needs, so far as the facts are known.
pub fn binding(binding: &Binding, facts: &Facts) -> Desired {
    let mut builder = Builder { binding, facts, desired: Desired::default() };
    if let Some(group) = &facts.group {
        if binding.manage.contains(&Aspect::ListenerIngress) {
            builder.listeners(group);
        }
        if binding.manage.contains(&Aspect::TargetEgress) {
            builder.identity_providers(group);
            builder.govern(group).egress = Extent::Everything;
        }
        builder.targets(group, |_| true);
        builder.govern(group).unless_used_elsewhere = true;
    }
    builder.desired
}

/// The rules that one target group of a binding needs, by security group.
pub fn of_target_group(binding: &Binding, facts: &Facts, name: &str) -> BTreeMap<SecurityGroupId, BTreeSet<RuleSpec>> {
    let mut builder = Builder { binding, facts, desired: Desired::default() };
    if let Some(group) = &facts.group {
        builder.targets(group, |target| target.name == name);
    }
    let rules = |needs: GroupNeeds| needs.rules.into_keys().collect();
    builder.desired.groups.into_iter().map(|(group, needs)| (group, rules(needs))).collect()
}

struct Builder<'a> {
    binding: &'a Binding,
    facts: &'a Facts,
    desired: Desired,
}

impl Builder<'_> {
    fn govern(&mut self, group: &SecurityGroupId) -> &mut Governed {
        &mut self.desired.groups.entry(group.clone()).or_default().governs
    }

    fn need(&mut self, group: &SecurityGroupId, spec: RuleSpec, need: Need) {
        // Several parts may need one rule (two target groups on one port); the first says why. It is derived
        // only if no part declares it.
        let declared = !need.by_default;
        let rules = &mut self.desired.groups.entry(group.clone()).or_default().rules;
        rules.entry(spec).or_insert(need).by_default &= !declared;
    }

    fn listeners(&mut self, group: &SecurityGroupId) {
        let mut declared_ports = BTreeSet::new();
        let mut all_declared = true;
        for (port, clients) in self.ports_and_clients() {
            let transports = self.listener_transports(port);
            match clients {
                Some(clients) => {
                    declared_ports.extend(transports.iter().map(|transport| transport.port(port)));
                    for client in clients {
                        self.admit(group, port, transports, client);
                    }
                }
                None => {
                    all_declared = false;
                    self.admit_by_default(group, port, transports);
                }
            }
        }
        // A listener that the load balancer has and the binding does not name: nobody said who its
        // clients are, so the rules for it are not in question.
        let named: BTreeSet<u16> = self.ports_and_clients().into_iter().map(|(port, _)| port).collect();
        let unnamed =
            self.facts.load_balancer.iter().flat_map(|lb| lb.listeners.keys()).any(|port| !named.contains(port));
        // Where no listener is known, nobody has declared anything.
        let whole = all_declared && !unnamed && !named.is_empty();
        self.govern(group).ingress = if whole || Defect::GovernUndeclaredPorts.is_on() {
            Extent::Everything
        } else {
            Extent::Within { traffic: declared_ports, spare_self: false }
        };
    }

    fn ports_and_clients(&self) -> Vec<(u16, Option<Vec<PeerSelector>>)> {
        let fallback = &self.binding.clients;
        match &self.binding.listeners {
            Some(listeners) => listeners
                .iter()
                .map(|listener| (listener.port, listener.clients.clone().or_else(|| fallback.clone())))
                .collect(),
            None => {
                let own = self.facts.load_balancer.iter().flat_map(|lb| lb.listeners.keys());
                own.map(|port| (*port, fallback.clone())).collect()
            }
        }
    }

    fn listener_transports(&self, port: u16) -> &'static [Transport] {
        let listener = self.facts.load_balancer.as_ref().and_then(|lb| lb.listeners.get(&port));
        listener.map_or(&[Transport::Tcp], |listener| listener.protocol.transports())
    }

    fn admit(&mut self, group: &SecurityGroupId, port: u16, transports: &[Transport], client: PeerSelector) {
        for client in peers::peers(self.facts, &client) {
            for transport in transports {
                self.admit_peer(group, port, *transport, client.clone(), false);
            }
        }
    }

    fn admit_by_default(&mut self, group: &SecurityGroupId, port: u16, transports: &[Transport]) {
        self.desired.clients_not_declared = true;
        let Some(load_balancer) = &self.facts.load_balancer else {
            return;
        };
        if load_balancer.kind == LoadBalancerKind::Network {
            self.desired.problems.push(Problem::new(
                Reason::ClientsRequired,
                format!(
                    "listener {port} of network load balancer {} has no declared clients: write spec.clients, or clients of \
                     that listener",
                    load_balancer.name
                ),
            ));
            return;
        }
        for peer in default_clients(load_balancer, self.facts.vpc.as_ref(), port) {
            for transport in transports {
                self.admit_peer(group, port, *transport, peer.clone().into(), true);
            }
        }
    }

    fn admit_peer(
        &mut self,
        group: &SecurityGroupId,
        port: u16,
        transport: Transport,
        client: FoundPeer,
        by_default: bool,
    ) {
        let reason =
            if by_default { format!("listener {port}: no clients declared") } else { format!("listener {port}") };
        let need = Need { by_default, peer_account: client.account, ..needed(Aspect::ListenerIngress, reason) };
        if self.binding.path_mtu_discovery {
            for traffic in path_mtu(client.family) {
                let need = Need { reason: "path MTU discovery".into(), ..need.clone() };
                self.need(group, RuleSpec::ingress(*traffic, client.peer.clone()), need);
            }
        }
        self.need(group, RuleSpec::ingress(transport.port(port), client.peer), need);
    }

    fn identity_providers(&mut self, group: &SecurityGroupId) {
        let authenticates = match &self.facts.load_balancer {
            Some(load_balancer) => load_balancer.listeners.values().any(|listener| listener.authenticates),
            // No load balancer to ask: what is declared is meant.
            None => self.binding.identity_providers.is_some(),
        };
        if !authenticates {
            return;
        }
        let peers = match &self.binding.identity_providers {
            Some(declared) => declared.iter().flat_map(|peer| peers::peers(self.facts, peer)).collect(),
            None => vec![FoundPeer::from(Peer::anywhere_v4())],
        };
        for FoundPeer { peer, account, .. } in peers {
            let reason = "identity provider of an authenticating action".to_owned();
            let need = Need { peer_account: account, ..needed(Aspect::TargetEgress, reason) };
            self.need(group, RuleSpec::egress(Traffic::tcp(IDENTITY_PROVIDER_PORT), peer), need);
        }
    }

    fn targets(&mut self, load_balancer_group: &SecurityGroupId, wanted: impl Fn(&EffectiveTargetGroup<'_>) -> bool) {
        let manage = &self.binding.manage;
        let (egress, ingress) = (manage.contains(&Aspect::TargetEgress), manage.contains(&Aspect::TargetIngress));
        for target in target_groups(self.binding, self.facts).into_iter().filter(wanted) {
            self.desired.targets_outside.extend(target.addresses.iter().copied());
            let traffic = target_traffic(&target);
            for (traffic, what) in &traffic {
                let reason = format!("target group {}: {what}", target.name);
                let need = |aspect| needed(aspect, reason.clone());
                for group in &target.groups {
                    if egress {
                        let spec = RuleSpec::egress(*traffic, Peer::SecurityGroup(group.clone()));
                        self.need(load_balancer_group, spec, need(Aspect::TargetEgress));
                    }
                    if ingress {
                        let spec = RuleSpec::ingress(*traffic, Peer::SecurityGroup(load_balancer_group.clone()));
                        self.need(group, spec, need(Aspect::TargetIngress));
                    }
                }
                for address in target.addresses.iter().filter(|_| egress) {
                    let spec = RuleSpec::egress(*traffic, Peer::Cidr(*address));
                    self.need(load_balancer_group, spec, need(Aspect::TargetEgress));
                }
            }
            if ingress {
                for group in &target.groups {
                    widen(&mut self.govern(group).ingress, traffic.keys().copied());
                }
            }
        }
    }
}

/// A need of a binding that is declared, or follows from what is.
fn needed(aspect: Aspect, reason: String) -> Need {
    Need { reason, aspect: Some(aspect), peer_account: None, by_default: false, texts: BTreeSet::new() }
}

/// Who may come where nobody said: internal: the VPC; internet-facing: anyone, on the web's ports only.
fn default_clients(load_balancer: &LoadBalancerFacts, vpc: Option<&VpcFacts>, port: u16) -> Vec<Peer> {
    match load_balancer.scheme {
        LoadBalancerScheme::Internal => vpc
            .iter()
            .flat_map(|vpc| &vpc.cidrs)
            .filter(|cidr| matches!(cidr.net(), ipnet::IpNet::V4(_)) || load_balancer.takes_ipv6())
            .map(|cidr| Peer::Cidr(*cidr))
            .collect(),
        LoadBalancerScheme::InternetFacing if WEB_PORTS.contains(&port) => {
            let v4 = load_balancer.has_public_ipv4().then(Peer::anywhere_v4);
            let v6 = load_balancer.takes_ipv6().then(Peer::anywhere_v6);
            v4.into_iter().chain(v6).collect()
        }
        LoadBalancerScheme::InternetFacing => Vec::new(),
    }
}

fn path_mtu(family: Option<Family>) -> &'static [Traffic] {
    match family {
        Some(Family::V4) => &[Traffic::FRAGMENTATION_NEEDED],
        Some(Family::V6) => &[Traffic::PACKET_TOO_BIG],
        None => &[Traffic::FRAGMENTATION_NEEDED, Traffic::PACKET_TOO_BIG],
    }
}

/// What the load balancer sends to a target group, and why. Health checks are always tcp.
fn target_traffic(target: &EffectiveTargetGroup<'_>) -> BTreeMap<Traffic, &'static str> {
    let transports = target.facts.map_or(&[Transport::Tcp][..], |facts| facts.protocol.transports());
    let mut traffic = BTreeMap::new();
    for port in &target.ports {
        for transport in transports {
            traffic.insert(transport.port(*port), "traffic port");
        }
        if target.health_check_port.is_none() {
            traffic.entry(Traffic::tcp(*port)).or_insert("health check on the traffic port");
        }
    }
    if let Some(port) = target.health_check_port {
        traffic.entry(Traffic::tcp(port)).or_insert("health check port");
    }
    if let Some(port) = target.facts.and_then(|facts| facts.control_port) {
        traffic.entry(Traffic::tcp(port)).or_insert("target control port");
    }
    traffic
}

fn widen(extent: &mut Extent, more: impl Iterator<Item = Traffic>) {
    match extent {
        Extent::Everything => {}
        Extent::Nothing => *extent = Extent::Within { traffic: more.collect(), spare_self: true },
        Extent::Within { traffic, .. } => traffic.extend(more),
    }
}

#[cfg(test)]
mod tests;
