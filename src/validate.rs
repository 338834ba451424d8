//! Pure: an object as the API server holds it becomes a declaration. All findings are told, not the first.
//!
//! The API server has refused most of what is refused here already; what comes from files has not been there.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use kube::ResourceExt;

use crate::api::names::{ABANDON_ANNOTATION, FINALIZER};
use crate::api::{self, ALBTargetBinding, DeletionPolicy, Enforcement};
use crate::model::{
    Binding, BlueGreenPair, Cidr, Declaration, ElbArn, Farewell, GroupSelector, Kind, ListenerDeclaration,
    LoadBalancerSelector, ObjectRef, PeerSelector, PrefixListSelector, Referent, ReferentKind, Scope, Stance,
    TargetGroupDeclaration, TargetGroupSelector,
};

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Finding {
    /// Path of the field, such as `spec.listeners[0].clients[1].cidr`.
    pub field: String,
    /// What is there, what was expected, what to write instead.
    pub message: String,
}

/// The object as rules and descriptions name it.
pub fn object_ref(object: &ALBTargetBinding) -> ObjectRef {
    ObjectRef {
        kind: Kind::AlbTargetBinding,
        namespace: object.namespace().unwrap_or_else(|| "default".into()),
        name: object.name_any(),
    }
}

/// Reads a binding. `home` is the account and Region that are meant where none is declared.
///
/// # Errors
/// Everything that is wrong with it.
pub fn binding(object: &ALBTargetBinding, home: &Scope) -> Result<Declaration, Vec<Finding>> {
    let mut reader = Reader::default();
    let spec = &object.spec;
    let load_balancer = reader.load_balancer(&spec.load_balancer, &object_ref(object).namespace);
    let scope = scope(spec, load_balancer.as_ref(), home);
    let binding = Binding {
        group: spec
            .load_balancer
            .security_group
            .as_ref()
            .and_then(|group| reader.group("spec.loadBalancer.securityGroup", group)),
        load_balancer,
        clients: spec.clients.as_ref().map(|peers| reader.peers("spec.clients", peers)),
        listeners: spec.listeners.as_ref().map(|listeners| reader.listeners(listeners)),
        target_groups: spec.target_groups.as_ref().map(|groups| reader.target_groups(groups)),
        identity_providers: spec.identity_providers.as_ref().map(|peers| reader.peers("spec.identityProviders", peers)),
        path_mtu_discovery: spec.path_mtu_discovery,
        blue_green: spec.blue_green.as_ref().map(|pair| reader.blue_green(pair, spec.target_groups.as_deref())),
        manage: spec.manage.iter().copied().collect(),
    };
    if binding.manage.is_empty() {
        reader.find("spec.manage", "nothing would be managed: name at least one of ListenerIngress, TargetEgress or TargetIngress, or write enforcement: Observe to change nothing");
    }
    if spec.load_balancer == api::LoadBalancerRef::default() {
        reader.find("spec.loadBalancer", "names neither a load balancer nor a security group: write one of arn, name, tags, ingress, gateway, service or securityGroup");
    }
    let stance = stance(object);
    // What is being deleted needs nothing any more; only where its rules are matters.
    if !reader.findings.is_empty() && !matches!(stance, Stance::Leaving(_)) {
        return Err(reader.findings);
    }
    Ok(Declaration {
        object: object_ref(object),
        uid: object.uid().unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        scope,
        stance,
        foreign_rules: spec.foreign_rules,
        binding,
        finalizer: object.finalizers().iter().any(|name| name == FINALIZER),
        recorded_groups: recorded_groups(object),
    })
}

/// Groups that the object's status names.
pub fn recorded_groups(object: &ALBTargetBinding) -> BTreeSet<crate::model::SecurityGroupId> {
    let groups = object.status.iter().flat_map(|status| &status.security_groups);
    groups.map(|group| group.id.as_str().into()).collect()
}

/// What an object lets us do, which can be told of a malformed one too.
pub fn stance(object: &ALBTargetBinding) -> Stance {
    let observes = object.spec.enforcement == Enforcement::Observe;
    let abandoned = object.annotations().contains_key(ABANDON_ANNOTATION);
    match (object.metadata.deletion_timestamp.is_some(), object.spec.deletion_policy) {
        (true, _) if observes || abandoned => Stance::Leaving(Farewell::Abandon),
        (true, DeletionPolicy::Revoke) => Stance::Leaving(Farewell::Revoke),
        (true, DeletionPolicy::Retain) => Stance::Leaving(Farewell::Retain),
        (false, _) if observes => Stance::Observe,
        (false, _) => Stance::Enforce,
    }
}

fn scope(spec: &api::ALBTargetBindingSpec, load_balancer: Option<&LoadBalancerSelector>, home: &Scope) -> Scope {
    let of_arn = match load_balancer {
        Some(LoadBalancerSelector::Arn(arn)) => Some(arn.scope()),
        _ => None,
    };
    let fallback = of_arn.unwrap_or_else(|| home.clone());
    Scope {
        account: spec.account_id.as_deref().map_or(fallback.account, Into::into),
        region: spec.region.as_deref().map_or(fallback.region, Into::into),
    }
}

/// Reads a network as the API server does: leading zeros, which some read as octal, are refused.
fn network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let net = IpNet::new(address.parse::<std::net::IpAddr>().ok()?, length.parse().ok()?).ok()?;
    (net.prefix_len().to_string() == length).then_some(net)
}

#[derive(Default)]
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn find(&mut self, field: &str, message: impl Into<String>) {
        self.findings.push(Finding { field: field.to_owned(), message: message.into() });
    }

    fn arn(&mut self, field: &str, text: &str) -> Option<ElbArn> {
        let arn = ElbArn::parse(text);
        if arn.is_none() {
            self.find(field, format!("{text:?} is not the ARN of a load balancer or target group: expected arn:aws:elasticloadbalancing:REGION:ACCOUNT:…"));
        }
        arn
    }

    /// The one field that is set, of several of which exactly one is to be.
    /// What is set may have been found wrong, and be told of already.
    fn one_of<T>(&mut self, field: &str, candidates: Vec<(&str, Option<Option<T>>)>) -> Option<T> {
        let names: Vec<String> = candidates.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut set: Vec<(&str, Option<T>)> =
            candidates.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        if set.len() == 1 {
            return set.pop().and_then(|(_, value)| value);
        }
        let found = if set.is_empty() {
            "none".into()
        } else {
            set.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ")
        };
        self.find(field, format!("expected exactly one of {}, found {found}", names.join(", ")));
        None
    }

    fn load_balancer(&mut self, reference: &api::LoadBalancerRef, namespace: &str) -> Option<LoadBalancerSelector> {
        let in_cluster = |kind: ReferentKind, object: &Option<api::LocalObjectRef>| {
            let object = object.as_ref()?;
            let referent = Referent { kind, namespace: namespace.to_owned(), name: object.name.clone() };
            Some(Some(LoadBalancerSelector::InCluster(referent)))
        };
        let arn =
            reference.arn.as_ref().map(|text| self.arn("spec.loadBalancer.arn", text).map(LoadBalancerSelector::Arn));
        let candidates = vec![
            ("arn", arn),
            ("name", reference.name.clone().map(LoadBalancerSelector::Name).map(Some)),
            ("tags", reference.tags.clone().map(LoadBalancerSelector::Tags).map(Some)),
            ("ingress", in_cluster(ReferentKind::Ingress, &reference.ingress)),
            ("gateway", in_cluster(ReferentKind::Gateway, &reference.gateway)),
            ("service", in_cluster(ReferentKind::Service, &reference.service)),
        ];
        let declared = candidates.iter().any(|(_, candidate)| candidate.is_some());
        if declared { self.one_of("spec.loadBalancer", candidates) } else { None }
    }

    fn group(&mut self, field: &str, reference: &api::SecurityGroupRef) -> Option<GroupSelector> {
        if reference.account_id.is_some() && reference.id.is_none() {
            self.find(
                &format!("{field}.accountID"),
                "stands only beside id: name a group of another account by its id, or leave accountID out",
            );
        }
        let account = reference.account_id.as_deref().map(Into::into);
        let id = reference.id.as_deref().map(|id| Some(GroupSelector::Id { id: id.into(), account }));
        self.one_of(
            field,
            vec![
                ("id", id),
                ("name", reference.name.clone().map(GroupSelector::Name).map(Some)),
                ("tags", reference.tags.clone().map(GroupSelector::Tags).map(Some)),
            ],
        )
    }

    fn peers(&mut self, field: &str, peers: &[api::Peer]) -> Vec<PeerSelector> {
        peers.iter().enumerate().filter_map(|(index, peer)| self.peer(&format!("{field}[{index}]"), peer)).collect()
    }

    fn peer(&mut self, field: &str, peer: &api::Peer) -> Option<PeerSelector> {
        let cidr = peer.cidr.as_ref().map(|text| self.cidr(&format!("{field}.cidr"), text).map(PeerSelector::Cidr));
        let group = peer
            .security_group
            .as_ref()
            .map(|group| self.group(&format!("{field}.securityGroup"), group).map(PeerSelector::Group));
        let list = peer.prefix_list.as_ref().map(|list| {
            let id = list.id.as_deref().map(|id| Some(PrefixListSelector::Id(id.into())));
            let name = list.name.clone().map(PrefixListSelector::Name).map(Some);
            let list = self.one_of(&format!("{field}.prefixList"), vec![("id", id), ("name", name)]);
            list.map(PeerSelector::PrefixList)
        });
        if peer.vpc == Some(false) {
            self.find(&format!("{field}.vpc"), "false says nothing: write vpc: true, or leave it out");
        }
        let vpc = peer.vpc.map(|_| Some(PeerSelector::Vpc));
        self.one_of(field, vec![("cidr", cidr), ("securityGroup", group), ("prefixList", list), ("vpc", vpc)])
    }

    fn cidr(&mut self, field: &str, text: &str) -> Option<Cidr> {
        let Some(net) = network(text) else {
            self.find(field, format!("{text:?} is not a network: expected one such as 10.0.0.0/8 or 2001:db8::/32"));
            return None;
        };
        if net != net.trunc() {
            self.find(field, format!("host bits are set in {text}: write {}", net.trunc()));
            return None;
        }
        Some(Cidr::new(net))
    }

    /// Where no target groups are declared the derived ones are meant, whose names only AWS knows.
    fn blue_green(&mut self, pair: &api::BlueGreen, declared: Option<&[api::TargetGroup]>) -> BlueGreenPair {
        if pair.blue == pair.green {
            let message = format!("blue and green are both {:?}: name two different target groups", pair.blue);
            self.find("spec.blueGreen", message);
        }
        for (color, name) in [("blue", &pair.blue), ("green", &pair.green)] {
            if let Some(groups) = declared.filter(|groups| groups.iter().all(|group| group.name != *name)) {
                let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
                let field = format!("spec.blueGreen.{color}");
                let names = names.join(", ");
                self.find(
                    &field,
                    format!("no target group named {name:?} stands in targetGroups: write one of {names}"),
                );
            }
        }
        BlueGreenPair { blue: pair.blue.clone(), green: pair.green.clone() }
    }

    fn listeners(&mut self, listeners: &[api::Listener]) -> Vec<ListenerDeclaration> {
        let mut by_port = BTreeMap::new();
        for (index, listener) in listeners.iter().enumerate() {
            let field = format!("spec.listeners[{index}]");
            self.port(&format!("{field}.port"), listener.port);
            let clients = listener.clients.as_ref().map(|peers| self.peers(&format!("{field}.clients"), peers));
            if by_port.insert(listener.port, ListenerDeclaration { port: listener.port, clients }).is_some() {
                self.find(
                    &format!("{field}.port"),
                    format!("{} is declared twice: put all its clients in one listener", listener.port),
                );
            }
        }
        by_port.into_values().collect()
    }

    fn port(&mut self, field: &str, port: u16) {
        if port == 0 {
            self.find(field, "0 is not a port: expected 1 to 65535");
        }
    }

    fn target_groups(&mut self, groups: &[api::TargetGroup]) -> Vec<TargetGroupDeclaration> {
        let mut names = BTreeSet::new();
        groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                let field = format!("spec.targetGroups[{index}]");
                if !names.insert(&group.name) {
                    self.find(
                        &format!("{field}.name"),
                        format!("{:?} is declared twice: names are unique in a binding", group.name),
                    );
                }
                self.target_group(&field, group)
            })
            .collect()
    }

    fn target_group(&mut self, field: &str, group: &api::TargetGroup) -> TargetGroupDeclaration {
        let selector = group.reference.as_ref().and_then(|reference| {
            let field = format!("{field}.ref");
            let arn = reference
                .arn
                .as_ref()
                .map(|text| self.arn(&format!("{field}.arn"), text).map(TargetGroupSelector::Arn));
            let name = reference.name.clone().map(TargetGroupSelector::Name).map(Some);
            self.one_of(&field, vec![("arn", arn), ("name", name)])
        });
        let reaches = group.security_groups.is_some() || group.addresses.is_some();
        if group.reference.is_none() && (group.ports.is_none() || !reaches) {
            self.find(field, "without ref, ports and one of securityGroups or addresses are required");
        }
        for port in group.ports.iter().flatten() {
            self.port(&format!("{field}.ports"), *port);
        }
        if let Some(port) = group.health_check_port {
            self.port(&format!("{field}.healthCheckPort"), port);
        }
        let groups = group.security_groups.as_ref().map(|groups| {
            let field = format!("{field}.securityGroups");
            groups
                .iter()
                .enumerate()
                .filter_map(|(index, group)| self.group(&format!("{field}[{index}]"), group))
                .collect()
        });
        let addresses = group.addresses.as_ref().map(|addresses| {
            let field = format!("{field}.addresses");
            addresses
                .iter()
                .enumerate()
                .filter_map(|(index, text)| self.cidr(&format!("{field}[{index}]"), text))
                .collect()
        });
        TargetGroupDeclaration {
            name: group.name.clone(),
            selector,
            ports: group.ports.as_ref().map(|ports| ports.iter().copied().collect()),
            health_check_port: group.health_check_port,
            groups,
            addresses,
        }
    }
}

#[cfg(test)]
mod tests;
