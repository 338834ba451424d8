//! What an ALBTargetBinding declares.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{self, ALBTargetBindingSpec};
use crate::model::{
    Binding, BlueGreenPair, ElbArn, ListenerDeclaration, LoadBalancerSelector, Referent, ReferentKind, Scope,
    TargetGroupDeclaration, TargetGroupSelector,
};

use super::{Reader, scope};

impl Reader {
    pub(super) fn binding(&mut self, spec: &ALBTargetBindingSpec, namespace: &str, home: &Scope) -> (Scope, Binding) {
        let load_balancer = self.load_balancer(&spec.load_balancer, namespace);
        let of_arn = match &load_balancer {
            Some(LoadBalancerSelector::Arn(arn)) => Some(arn.scope()),
            _ => None,
        };
        let scope = scope(spec.account_id.as_deref(), spec.region.as_deref(), &of_arn.unwrap_or_else(|| home.clone()));
        let binding = Binding {
            group: spec
                .load_balancer
                .security_group
                .as_ref()
                .and_then(|group| self.group("spec.loadBalancer.securityGroup", group)),
            load_balancer,
            clients: spec.clients.as_ref().map(|peers| self.peers("spec.clients", peers)),
            listeners: spec.listeners.as_ref().map(|listeners| self.listeners(listeners)),
            target_groups: spec.target_groups.as_ref().map(|groups| self.target_groups(groups)),
            identity_providers: spec
                .identity_providers
                .as_ref()
                .map(|peers| self.peers("spec.identityProviders", peers)),
            path_mtu_discovery: spec.path_mtu_discovery,
            blue_green: spec.blue_green.as_ref().map(|pair| self.blue_green(pair, spec.target_groups.as_deref())),
            manage: spec.manage.iter().copied().collect(),
        };
        if binding.manage.is_empty() {
            self.find("spec.manage", "nothing would be managed: name at least one of ListenerIngress, TargetEgress or TargetIngress, or write enforcement: Observe to change nothing");
        }
        if spec.load_balancer == api::LoadBalancerRef::default() {
            self.find("spec.loadBalancer", "names neither a load balancer nor a security group: write one of arn, name, tags, ingress, gateway, service or securityGroup");
        }
        (scope, binding)
    }

    fn arn(&mut self, field: &str, text: &str) -> Option<ElbArn> {
        let arn = ElbArn::parse(text);
        if arn.is_none() {
            self.find(field, format!("{text:?} is not the ARN of a load balancer or target group: expected arn:aws:elasticloadbalancing:REGION:ACCOUNT:…"));
        }
        arn
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
