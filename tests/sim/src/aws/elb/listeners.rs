//! Listeners and their rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ec2::model::Tags;
use crate::aws::{Changed, Failure, Scope, World};

use super::arns;
use super::balancers::Region;
use super::failures::{configuration, invalid, no_balancer, no_listener, no_rule, no_target_group};
use super::health::settle;
use super::model::{
    Action, ActionKind, BalancerKind, Deed, Elb, Listener, LoadBalancer, Rule, TargetGroup, TargetKind,
};
use super::tree::Tree;

/// How many target groups one action can forward to. Source: "Quotas for your Application Load Balancers".
const GROUPS_OF_ACTION: usize = 5;

/// What `CreateListener` takes.
#[derive(Clone, Debug, Default)]
pub struct NewListener {
    pub port: Option<u16>,
    pub protocol: Option<String>,
    pub certificates: Vec<String>,
    pub ssl_policy: Option<String>,
    pub alpn: Vec<String>,
    pub actions: Vec<Action>,
    pub tags: Tags,
}

impl NewListener {
    pub fn new(protocol: &str, port: u16, actions: Vec<Action>) -> Self {
        Self { port: Some(port), protocol: Some(protocol.to_owned()), actions, ..Self::default() }
    }
}

/// What `ModifyListener` changes; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ListenerChange {
    pub port: Option<u16>,
    pub protocol: Option<String>,
    pub certificates: Option<Vec<String>>,
    pub ssl_policy: Option<String>,
    pub alpn: Option<Vec<String>>,
    pub actions: Option<Vec<Action>>,
}

impl World {
    /// Makes a listener, and says its ARN. The same once more is the one that is there.
    ///
    /// Source: `CreateListener`.
    pub fn create_listener(&mut self, scope: &Scope, balancer: &str, new: NewListener) -> Result<String, Failure> {
        let region = Region::of(self, scope);
        let found = region.elb.balancers.get(balancer).ok_or_else(|| no_balancer(balancer))?;
        let listener = Listener {
            arn: String::new(),
            balancer: balancer.to_owned(),
            port: new.port,
            protocol: new.protocol,
            certificates: new.certificates,
            ssl_policy: new.ssl_policy,
            alpn: new.alpn,
            actions: new.actions,
            default_rule: String::new(),
            rules: BTreeMap::new(),
            tags: new.tags,
        };
        check_listener(region.elb, found, &listener)?;
        if let Some(there) = region.elb.listeners_of(balancer).find(|there| there.port == listener.port) {
            let is_same = there.protocol == listener.protocol
                && there.actions == listener.actions
                && there.certificates == listener.certificates;
            return if is_same { Ok(there.arn.clone()) } else { Err(duplicate_listener()) };
        }
        let arn = arns::listener(self, balancer);
        let default_rule = arns::rule(self, &arn);
        let elb = &mut self.region_mut(scope).elb;
        elb.count_forwards(balancer, &listener.actions);
        let listener = Listener { arn: arn.clone(), default_rule, ..listener };
        elb.listeners.insert(arn.clone(), listener);
        self.touch_forwards(scope, balancer);
        settle(self);
        Ok(arn)
    }

    /// Source: `ModifyListener`.
    pub fn modify_listener(&mut self, scope: &Scope, arn: &str, change: ListenerChange) -> Result<(), Failure> {
        let region = Region::of(self, scope);
        let old = region.elb.listeners.get(arn).ok_or_else(|| no_listener(arn))?;
        let balancer = region.elb.balancers.get(&old.balancer).ok_or_else(|| no_balancer(&old.balancer))?;
        let mut new = old.clone();
        new.port = change.port.or(new.port);
        new.ssl_policy = change.ssl_policy.or(new.ssl_policy);
        if let Some(protocol) = change.protocol {
            if !["HTTPS", "TLS"].contains(&protocol.as_str()) {
                (new.certificates, new.ssl_policy) = (Vec::new(), None);
            }
            new.protocol = Some(protocol);
        }
        new.certificates = change.certificates.unwrap_or(new.certificates);
        new.alpn = change.alpn.unwrap_or(new.alpn);
        new.actions = change.actions.unwrap_or(new.actions);
        check_listener(region.elb, balancer, &new)?;
        if region.elb.listeners_of(&old.balancer).any(|there| there.arn != arn && there.port == new.port) {
            return Err(duplicate_listener());
        }
        let (balancer, gone) = (old.balancer.clone(), old.actions.clone());
        let elb = &mut self.region_mut(scope).elb;
        elb.uncount_forwards(&balancer, &gone);
        elb.count_forwards(&balancer, &new.actions);
        elb.listeners.insert(arn.to_owned(), new);
        self.touch_actions(scope, &gone);
        self.touch_forwards(scope, &balancer);
        settle(self);
        Ok(())
    }

    /// Deletes a listener with its rules.
    ///
    /// Source: `DeleteListener`.
    pub fn delete_listener(&mut self, scope: &Scope, arn: &str) -> Result<(), Failure> {
        let elb = &mut self.region_mut(scope).elb;
        let gone = elb.listeners.remove(arn).ok_or_else(|| no_listener(arn))?;
        for actions in std::iter::once(&gone.actions).chain(gone.rules.values().map(|rule| &rule.actions)) {
            self.region_mut(scope).elb.uncount_forwards(&gone.balancer, actions);
            self.touch_actions(scope, actions);
        }
        self.touch_forwards(scope, &gone.balancer);
        settle(self);
        Ok(())
    }

    /// Makes a rule, and says its ARN.
    ///
    /// Source: `CreateRule`.
    pub fn create_rule(
        &mut self,
        scope: &Scope,
        listener: &str,
        priority: u32,
        conditions: Vec<Tree>,
        actions: Vec<Action>,
        tags: Tags,
    ) -> Result<String, Failure> {
        if !(1..=50_000).contains(&priority) {
            return Err(invalid(format!("Priority {priority} must be between 1 and 50000")));
        }
        let region = Region::of(self, scope);
        let found = region.elb.listeners.get(listener).ok_or_else(|| no_listener(listener))?;
        let balancer = region.elb.balancers.get(&found.balancer).ok_or_else(|| no_balancer(&found.balancer))?;
        if balancer.kind != BalancerKind::Application {
            return Err(invalid("Only listeners of application load balancers have rules"));
        }
        check_actions(region.elb, balancer, found.protocol.as_deref(), &actions)?;
        if found.rules.contains_key(&priority) {
            return Err(Failure::new("PriorityInUse", format!("Priority {priority} is currently in use")));
        }
        let balancer = found.balancer.clone();
        let arn = arns::rule(self, listener);
        let elb = &mut self.region_mut(scope).elb;
        elb.count_forwards(&balancer, &actions);
        self.touch_actions(scope, &actions);
        if let Some(listener) = self.region_mut(scope).elb.listeners.get_mut(listener) {
            listener.rules.insert(priority, Rule { arn: arn.clone(), conditions, actions, tags });
        }
        settle(self);
        Ok(arn)
    }

    /// Changes conditions or actions; `None` stays. A default rule changes with its listener only.
    ///
    /// Source: `ModifyRule`.
    pub fn modify_rule(
        &mut self,
        scope: &Scope,
        arn: &str,
        conditions: Option<Vec<Tree>>,
        actions: Option<Vec<Action>>,
    ) -> Result<(), Failure> {
        let region = Region::of(self, scope);
        let (listener, priority) = region.elb.changeable_rule(arn)?;
        let balancer = region.elb.balancers.get(&listener.balancer).ok_or_else(|| no_balancer(&listener.balancer))?;
        if let Some(actions) = &actions {
            check_actions(region.elb, balancer, listener.protocol.as_deref(), actions)?;
        }
        let (listener, balancer) = (listener.arn.clone(), balancer.arn.clone());
        let elb = &mut self.region_mut(scope).elb;
        let Some(rule) = elb.listeners.get_mut(&listener).and_then(|listener| listener.rules.get_mut(&priority)) else {
            return Err(no_rule(arn));
        };
        rule.conditions = conditions.unwrap_or_else(|| std::mem::take(&mut rule.conditions));
        if let Some(actions) = actions {
            let gone = std::mem::replace(&mut rule.actions, actions.clone());
            elb.uncount_forwards(&balancer, &gone);
            elb.count_forwards(&balancer, &actions);
            self.touch_actions(scope, &gone);
            self.touch_actions(scope, &actions);
            settle(self);
        }
        Ok(())
    }

    /// Source: `DeleteRule`.
    pub fn delete_rule(&mut self, scope: &Scope, arn: &str) -> Result<(), Failure> {
        let elb = &mut self.region_mut(scope).elb;
        let (listener, priority) = elb.changeable_rule(arn)?;
        let (listener, balancer) = (listener.arn.clone(), listener.balancer.clone());
        let gone = elb.listeners.get_mut(&listener).and_then(|listener| listener.rules.remove(&priority));
        let gone = gone.ok_or_else(|| no_rule(arn))?;
        elb.uncount_forwards(&balancer, &gone.actions);
        self.touch_actions(scope, &gone.actions);
        settle(self);
        Ok(())
    }

    /// The health of everything that a load balancer forwards to, and of the groups that it is itself a target of, is
    /// to be looked at.
    pub(super) fn touch_forwards(&mut self, scope: &Scope, balancer: &str) {
        let Some(region) = self.regions.get(scope) else { return };
        let forwards = region.elb.target_groups_of(balancer).into_iter().chain(region.elb.groups_with_target(balancer));
        let changed: Vec<Changed> =
            forwards.map(|arn| Changed::TargetGroup { scope: scope.clone(), arn: arn.to_owned() }).collect();
        self.changed.extend(changed);
    }

    fn touch_actions(&mut self, scope: &Scope, actions: &[Action]) {
        for arn in actions.iter().flat_map(Action::target_groups) {
            self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn: arn.to_owned() });
        }
    }
}

impl Elb {
    /// A load balancer's, in the order of ARNs.
    pub fn listeners_of(&self, balancer: &str) -> impl Iterator<Item = &Listener> {
        let prefix = arns::listeners_of(balancer);
        let all = self.listeners.range(prefix.clone()..).take_while(move |(arn, _)| arn.starts_with(&prefix));
        all.map(|(_, listener)| listener)
    }

    /// The ARNs of the target groups that a load balancer's listeners and rules forward to, whatever the weight.
    pub fn target_groups_of(&self, balancer: &str) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        for listener in self.listeners_of(balancer) {
            let rules = listener.rules.values().flat_map(|rule| &rule.actions);
            all.extend(listener.actions.iter().chain(rules).flat_map(Action::target_groups));
        }
        all
    }

    /// A rule that isn't a listener's default one, by its listener and priority.
    fn changeable_rule(&self, arn: &str) -> Result<(&Listener, u32), Failure> {
        let listener = arns::listener_of_rule(arn).and_then(|listener| self.listeners.get(&listener));
        let listener = listener.ok_or_else(|| no_rule(arn))?;
        if listener.default_rule == arn {
            let message = format!("Default rule '{arn}' cannot be modified or deleted");
            return Err(Failure::new("OperationNotPermitted", message));
        }
        let found = listener.rules.iter().find(|(_, rule)| rule.arn == arn);
        found.map(|(priority, _)| (listener, *priority)).ok_or_else(|| no_rule(arn))
    }

    fn count_forwards(&mut self, balancer: &str, actions: &[Action]) {
        for arn in actions.iter().flat_map(Action::target_groups) {
            *self.forwards.entry(arn.to_owned()).or_default().entry(balancer.to_owned()).or_default() += 1;
        }
    }

    fn uncount_forwards(&mut self, balancer: &str, actions: &[Action]) {
        for arn in actions.iter().flat_map(Action::target_groups) {
            let Some(by) = self.forwards.get_mut(arn) else { continue };
            if let Some(count) = by.get_mut(balancer) {
                *count -= 1;
                by.retain(|_, count| *count > 0);
            }
            if by.is_empty() {
                self.forwards.remove(arn);
            }
        }
    }
}

fn duplicate_listener() -> Failure {
    Failure::new("DuplicateListener", "A listener already exists on this port for this load balancer")
}

/// Sources: `CreateListener`, `Certificate`.
fn check_listener(elb: &Elb, balancer: &LoadBalancer, listener: &Listener) -> Result<(), Failure> {
    if balancer.kind == BalancerKind::Gateway {
        if listener.port.is_some() || listener.protocol.is_some() {
            return Err(invalid("A gateway load balancer's listener has neither protocol nor port"));
        }
    } else {
        let protocol = listener.protocol.as_deref().ok_or_else(|| invalid("A listener protocol must be specified"))?;
        if !balancer.kind.protocols().contains(&protocol) {
            let message = format!("Listeners of this type of load balancer can't have the protocol {protocol}");
            return Err(Failure::new("UnsupportedProtocol", message));
        }
        if listener.port.is_none_or(|port| port == 0) {
            return Err(invalid("A listener port between 1 and 65535 must be specified"));
        }
        let is_secure = ["HTTPS", "TLS"].contains(&protocol);
        if is_secure == listener.certificates.is_empty() {
            return Err(invalid("A certificate must be specified for HTTPS and TLS listeners, and for no others"));
        }
    }
    check_actions(elb, balancer, listener.protocol.as_deref(), &listener.actions)
}

/// Sources: `Action`, `ForwardActionConfig`.
fn check_actions(
    elb: &Elb,
    balancer: &LoadBalancer,
    protocol: Option<&str>,
    actions: &[Action],
) -> Result<(), Failure> {
    let refused = |message: &str| Err(Failure::new("InvalidLoadBalancerAction", message));
    if actions.is_empty() {
        return Err(invalid("At least one action must be specified"));
    }
    if actions.len() > 1 {
        let orders: BTreeSet<u32> = actions.iter().filter_map(|action| action.order).collect();
        if orders.len() < actions.len() {
            return Err(invalid("Several actions need an order each"));
        }
    }
    let is_final = |action: &Action| {
        let kinds = [ActionKind::Redirect, ActionKind::FixedResponse];
        !matches!(&action.deed, Deed::Other { kind, .. } if !kinds.contains(kind))
    };
    let last = actions.iter().max_by_key(|action| action.order);
    if actions.iter().filter(|action| is_final(action)).count() != 1 || !last.is_some_and(is_final) {
        return refused("The last action, and only it, must be of type forward, redirect or fixed-response");
    }
    for action in actions {
        match &action.deed {
            Deed::Other { .. } if balancer.kind != BalancerKind::Application => {
                return refused("Listeners of this type of load balancer can only forward");
            }
            Deed::Other { .. } if !is_final(action) && protocol != Some("HTTPS") => {
                return refused("Actions that authenticate are supported on HTTPS listeners only");
            }
            Deed::Other { .. } => {}
            Deed::Forward(forward) => {
                if !(1..=GROUPS_OF_ACTION).contains(&forward.target_groups.len()) {
                    return refused("A forward action has one to five target groups");
                }
                check_forward(elb, balancer, &forward.target_groups)?;
            }
        }
    }
    Ok(())
}

fn check_forward(elb: &Elb, balancer: &LoadBalancer, to: &[(String, u32)]) -> Result<(), Failure> {
    let distinct: BTreeSet<&str> = to.iter().map(|(arn, _)| arn.as_str()).collect();
    if distinct.len() < to.len() || to.iter().any(|(_, weight)| *weight > 999) {
        return Err(invalid("Target groups of an action must differ, and weights be between 0 and 999"));
    }
    for arn in distinct {
        let group = elb.target_groups.get(arn).ok_or_else(|| no_target_group(arn))?;
        check_fit(balancer, group)?;
        if elb.forwards.get(arn).is_some_and(|by| by.keys().any(|other| *other != balancer.arn)) {
            let message = format!("Target group '{arn}' cannot be associated with more than one load balancer");
            return Err(Failure::new("TargetGroupAssociationLimit", message));
        }
    }
    Ok(())
}

fn check_fit(balancer: &LoadBalancer, group: &TargetGroup) -> Result<(), Failure> {
    let arn = &group.arn;
    let fits = match (group.kind, group.protocol.as_deref()) {
        (TargetKind::Lambda, _) => balancer.kind == BalancerKind::Application,
        (_, Some(protocol)) => balancer.kind.protocols().contains(&protocol),
        (_, None) => false,
    };
    if !fits {
        let message = format!("The protocol of target group '{arn}' does not fit the type of the load balancer");
        return Err(Failure::new("IncompatibleProtocols", message));
    }
    if group.vpc.as_ref().is_some_and(|vpc| *vpc != balancer.vpc) {
        return Err(configuration(format!("Target group '{arn}' is not in the VPC of the load balancer")));
    }
    if group.is_ipv6 && balancer.ip_address_type == super::model::IpAddressType::Ipv4 {
        return Err(configuration(format!("Target group '{arn}' has IPv6 targets, and the load balancer only IPv4")));
    }
    Ok(())
}
