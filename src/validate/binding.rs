//! What an ALBTargetBinding declares.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{self, ALBTargetBindingSpec, rules};
use crate::model::{
    Binding, BlueGreenPair, ElbArn, ListenerDeclaration, LoadBalancerSelector, Referent, ReferentKind, Scope,
    TargetGroupDeclaration, TargetGroupSelector,
};

use kube::core::Rule;

use super::{Reader, scope, texts};

impl Reader {
    pub(super) fn binding(&mut self, spec: &ALBTargetBindingSpec, namespace: &str, home: &Scope) -> (Scope, Binding) {
        let account = spec.account_id.as_deref();
        self.account_and_region(account, spec.region.as_deref());
        self.not_empty(&spec.clients, "spec.clients", rules::some_clients);
        self.not_empty(&spec.listeners, "spec.listeners", rules::some_listeners);
        self.not_empty(&spec.target_groups, "spec.targetGroups", rules::some_target_groups);
        let load_balancer = self.load_balancer(&spec.load_balancer, namespace);
        self.agreement(spec, &load_balancer);
        let of_arn = match &load_balancer {
            Some(LoadBalancerSelector::Arn(arn)) => Some(arn.scope()),
            _ => None,
        };
        let scope = scope(account, spec.region.as_deref(), &of_arn.unwrap_or_else(|| home.clone()));
        let binding = Binding {
            group: spec
                .load_balancer
                .security_group
                .as_ref()
                .and_then(|group| self.written_group("spec.loadBalancer.securityGroup", group, account)),
            load_balancer,
            clients: spec.clients.as_ref().map(|peers| self.peers("spec.clients", peers)),
            listeners: spec.listeners.as_ref().map(|listeners| self.listeners(listeners)),
            target_groups: spec.target_groups.as_ref().map(|groups| self.target_groups(groups, account)),
            identity_providers: spec
                .identity_providers
                .as_ref()
                .map(|peers| self.peers("spec.identityProviders", peers)),
            path_mtu_discovery: spec.path_mtu_discovery,
            blue_green: spec.blue_green.as_ref().map(|pair| self.blue_green(pair, spec.target_groups.as_deref())),
            manage: spec.manage.iter().copied().collect(),
        };
        self.demand(!binding.manage.is_empty(), "spec.manage", rules::some_aspects);
        self.group_alone(spec);
        if spec.load_balancer == api::LoadBalancerRef::default() {
            self.find("spec.loadBalancer", "names neither a load balancer nor a security group: write one of arn, name, tags, ingress, gateway, service or securityGroup");
        }
        (scope, binding)
    }

    /// What must be declared where no load balancer is named, but only a security group.
    fn group_alone(&mut self, spec: &ALBTargetBindingSpec) {
        let Some(group) = &spec.load_balancer.security_group else { return };
        if spec.load_balancer != (api::LoadBalancerRef { security_group: Some(group.clone()), ..Default::default() }) {
            return;
        }
        self.demand(group.id.is_some(), "spec.loadBalancer", rules::group_id_without_load_balancer);
        self.demand(spec.listeners.is_some() || spec.target_groups.is_some(), "spec", rules::something_to_do);
        let have_clients = spec.listeners.iter().flatten().all(|listener| listener.clients.is_some());
        self.demand(spec.clients.is_some() || have_clients, "spec", rules::clients_without_load_balancer);
    }

    /// Region and account, where ARNs say them too.
    fn agreement(&mut self, spec: &ALBTargetBindingSpec, load_balancer: &Option<LoadBalancerSelector>) {
        let of_balancer = match load_balancer {
            Some(LoadBalancerSelector::Arn(arn)) => Some(arn),
            _ => None,
        };
        if let Some(arn) = of_balancer {
            let scope = arn.scope();
            if let Some(region) = spec.region.as_deref().filter(|region| *region != scope.region.as_str()) {
                let message = "is not the Region of the load balancer";
                self.find("spec.region", format!("{region} {message} {arn}: correct one of them, or omit region"));
            }
            if let Some(account) = spec.account_id.as_deref().filter(|account| *account != scope.account.as_str()) {
                let message = "is not the account of the load balancer";
                self.find(
                    "spec.accountID",
                    format!("{account} {message} {arn}: correct one of them, or omit accountID"),
                );
            }
        }
        for (index, group) in spec.target_groups.iter().flatten().enumerate() {
            let arn = group.reference.as_ref().and_then(|reference| ElbArn::parse(reference.arn.as_deref()?));
            let Some(arn) = arn else { continue };
            let partition = |arn: &ElbArn| arn.as_str().split(':').nth(1).map(str::to_owned);
            let scope = arn.scope();
            let agrees = match of_balancer {
                Some(balancer) => balancer.scope() == scope && partition(balancer) == partition(&arn),
                None => {
                    spec.region.as_deref().is_none_or(|region| region == scope.region.as_str())
                        && spec.account_id.as_deref().is_none_or(|account| account == scope.account.as_str())
                }
            };
            if !agrees {
                self.find(
                    &format!("spec.targetGroups[{index}].ref.arn"),
                    format!("{arn} is not of the Region and account that the binding names: correct one of them"),
                );
            }
        }
    }

    fn arn(&mut self, field: &str, text: &str, is: fn(&str) -> bool, rule: fn() -> Rule) -> Option<ElbArn> {
        self.demand(is(text), field, rule);
        ElbArn::parse(text).filter(|_| is(text))
    }

    fn load_balancer(&mut self, reference: &api::LoadBalancerRef, namespace: &str) -> Option<LoadBalancerSelector> {
        let in_cluster = |kind: ReferentKind, object: &Option<api::LocalObjectRef>| {
            let object = object.as_ref()?;
            let referent = Referent { kind, namespace: namespace.to_owned(), name: object.name.clone() };
            Some(Some(LoadBalancerSelector::InCluster(referent)))
        };
        for (field, object) in
            [("ingress", &reference.ingress), ("gateway", &reference.gateway), ("service", &reference.service)]
        {
            let is_name = object.as_ref().is_none_or(|object| texts::is_object_name(&object.name));
            self.demand(is_name, &format!("spec.loadBalancer.{field}.name"), rules::object_name);
        }
        let is_name = reference.name.as_deref().is_none_or(texts::is_load_balancer_name);
        self.demand(is_name, "spec.loadBalancer.name", rules::load_balancer_name);
        self.tags("spec.loadBalancer.tags", &reference.tags);
        let arn = reference.arn.as_ref().map(|text| {
            let arn = self.arn("spec.loadBalancer.arn", text, texts::is_load_balancer_arn, rules::load_balancer_arn);
            arn.map(LoadBalancerSelector::Arn)
        });
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
            let field = format!("spec.blueGreen.{color}");
            self.demand(texts::is_hyphenated(name), &field, rules::target_group_label);
            if let Some(groups) = declared.filter(|groups| groups.iter().all(|group| group.name != *name)) {
                let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
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
            self.not_empty(&listener.clients, &format!("{field}.clients"), rules::some_clients);
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

    fn target_groups(&mut self, groups: &[api::TargetGroup], account: Option<&str>) -> Vec<TargetGroupDeclaration> {
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
                self.target_group(&field, group, account)
            })
            .collect()
    }

    fn target_group(&mut self, field: &str, group: &api::TargetGroup, account: Option<&str>) -> TargetGroupDeclaration {
        self.demand(texts::is_hyphenated(&group.name), &format!("{field}.name"), rules::target_group_label);
        self.not_empty(&group.ports, &format!("{field}.ports"), rules::some_ports);
        self.not_empty(&group.security_groups, &format!("{field}.securityGroups"), rules::some_security_groups);
        self.not_empty(&group.addresses, &format!("{field}.addresses"), rules::some_addresses);
        let texts = group.security_groups.iter().flatten().map(|group| {
            let tags = group.tags.as_ref().map(|tags| format!("tags {tags:?}"));
            group.id.clone().or(group.name.clone()).or(tags)
        });
        self.each_once(&format!("{field}.securityGroups"), texts);
        let selector = group.reference.as_ref().and_then(|reference| {
            let field = format!("{field}.ref");
            let arn = reference.arn.as_ref().map(|text| {
                let arn = self.arn(&format!("{field}.arn"), text, texts::is_target_group_arn, rules::target_group_arn);
                arn.map(TargetGroupSelector::Arn)
            });
            let is_name = reference.name.as_deref().is_none_or(texts::is_hyphenated);
            self.demand(is_name, &format!("{field}.name"), rules::target_group_name);
            let name = reference.name.clone().map(TargetGroupSelector::Name).map(Some);
            self.one_of(&field, vec![("arn", arn), ("name", name)])
        });
        let reaches = group.security_groups.is_some() || group.addresses.is_some();
        if group.reference.is_none() && (group.ports.is_none() || !reaches) {
            self.find(field, "without ref, ports and one of securityGroups or addresses are required");
        }
        let groups = group.security_groups.as_ref().map(|groups| {
            let field = format!("{field}.securityGroups");
            groups
                .iter()
                .enumerate()
                .filter_map(|(index, group)| self.written_group(&format!("{field}[{index}]"), group, account))
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
