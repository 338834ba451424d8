//! The facts of an object as its status tells them, and back: after a restart they are what was last known.

use std::collections::BTreeSet;

use crate::api::{AccessGroupStatus, ListenerStatus, LoadBalancerStatus, Status, TargetGroupStatus};
use crate::desired;
use crate::model::{
    Cidr, Declaration, ElbArn, ElbProtocol, Facts, ListenerFacts, LoadBalancerFacts, LoadBalancerKind,
    LoadBalancerScheme, PeerFacts, TargetGroupFacts, VpcFacts,
};

/// Puts the facts into a status.
pub(super) fn write(status: &mut Status, declaration: &Declaration, facts: &Facts) {
    status.load_balancer = facts.load_balancer.as_ref().map(|load_balancer| LoadBalancerStatus {
        name: load_balancer.name.clone(),
        arn: load_balancer.arn.to_string(),
        dns_name: load_balancer.dns_name.clone(),
        kind: load_balancer.kind.word().into(),
        scheme: load_balancer.scheme.word().into(),
        ip_address_type: load_balancer.ip_address_type.clone(),
        vpc_id: facts.vpc.as_ref().map(|vpc| vpc.id.to_string()).unwrap_or_default(),
        vpc_cidrs: facts.vpc.iter().flat_map(|vpc| &vpc.cidrs).map(Cidr::to_string).collect(),
        security_groups: load_balancer.groups.iter().map(ToString::to_string).collect(),
        security_group: facts.group.as_ref().map(ToString::to_string),
        listeners: load_balancer
            .listeners
            .iter()
            .map(|(port, listener)| ListenerStatus {
                port: *port,
                protocol: listener.protocol.0.clone(),
                authenticates: listener.authenticates,
            })
            .collect(),
    });
    let binding = declaration.wants.binding();
    status.security_group = facts.group.as_ref().filter(|_| binding.is_none()).map(|group| AccessGroupStatus {
        id: group.to_string(),
        vpc_id: facts.vpc.as_ref().map(|vpc| vpc.id.to_string()).unwrap_or_default(),
        vpc_cidrs: facts.vpc.iter().flat_map(|vpc| &vpc.cidrs).map(Cidr::to_string).collect(),
    });
    status.target_groups = binding
        .map(|binding| desired::target_groups(binding, facts))
        .into_iter()
        .flatten()
        .map(|group| TargetGroupStatus {
            name: group.name.into(),
            arn: group.facts.and_then(|facts| facts.arn.as_ref()).map(ToString::to_string).unwrap_or_default(),
            weight: group.facts.and_then(|facts| facts.weight),
            protocol: group.facts.map(|facts| facts.protocol.0.clone()).unwrap_or_default(),
            ports: group.ports.into_iter().collect(),
            health_check_port: group.health_check_port,
            control_port: group.facts.and_then(|facts| facts.control_port),
            security_groups: group.groups.iter().map(ToString::to_string).collect(),
            addresses: group.addresses.iter().map(ToString::to_string).collect(),
        })
        .collect();
}

/// Reads the facts back from a status. `None` where it holds none, or nothing that can be understood.
pub fn facts_of(status: &Status) -> Option<Facts> {
    if let Some(group) = &status.security_group {
        return Some(Facts {
            vpc: vpc(&group.vpc_id, &group.vpc_cidrs),
            group: Some(group.id.as_str().into()),
            ..Facts::default()
        });
    }
    let load_balancer = status.load_balancer.as_ref()?;
    Some(Facts {
        load_balancer: Some(read_load_balancer(load_balancer)?),
        vpc: vpc(&load_balancer.vpc_id, &load_balancer.vpc_cidrs),
        group: load_balancer.security_group.as_deref().map(Into::into),
        target_groups: status.target_groups.iter().map(read_target_group).collect(),
        peers: PeerFacts::default(),
    })
}

fn vpc(id: &str, cidrs: &[String]) -> Option<VpcFacts> {
    let cidrs = cidrs.iter().filter_map(|text| cidr(text)).collect();
    (!id.is_empty()).then(|| VpcFacts { id: id.into(), cidrs })
}

fn read_load_balancer(status: &LoadBalancerStatus) -> Option<LoadBalancerFacts> {
    let kind = [LoadBalancerKind::Application, LoadBalancerKind::Network];
    let scheme = [LoadBalancerScheme::InternetFacing, LoadBalancerScheme::Internal];
    let listener = |listener: &ListenerStatus| {
        let protocol = ElbProtocol(listener.protocol.clone());
        (listener.port, ListenerFacts { protocol, authenticates: listener.authenticates })
    };
    Some(LoadBalancerFacts {
        arn: ElbArn::parse(&status.arn)?,
        name: status.name.clone(),
        dns_name: status.dns_name.clone(),
        kind: kind.into_iter().find(|kind| kind.word() == status.kind)?,
        scheme: scheme.into_iter().find(|scheme| scheme.word() == status.scheme)?,
        ip_address_type: status.ip_address_type.clone(),
        groups: status.security_groups.iter().map(|id| id.as_str().into()).collect(),
        listeners: status.listeners.iter().map(listener).collect(),
    })
}

fn read_target_group(status: &TargetGroupStatus) -> TargetGroupFacts {
    TargetGroupFacts {
        name: status.name.clone(),
        arn: ElbArn::parse(&status.arn),
        protocol: ElbProtocol(status.protocol.clone()),
        weight: status.weight,
        ports: status.ports.iter().copied().collect(),
        health_check_port: status.health_check_port,
        control_port: status.control_port,
        groups: status.security_groups.iter().map(|id| id.as_str().into()).collect(),
        addresses: status.addresses.iter().filter_map(|text| cidr(text)).collect::<BTreeSet<_>>(),
    }
}

fn cidr(text: &str) -> Option<Cidr> {
    text.parse().ok().map(Cidr::new)
}
