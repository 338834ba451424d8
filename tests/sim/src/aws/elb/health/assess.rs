//! How the targets of a group stand.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::aws::ec2::model::{Ec2, Interface};
use crate::aws::elb::model::{Elb, HealthCheck, LoadBalancer, TargetGroup, TargetKind};
use crate::aws::elb::targets::{Target, TargetKey, zone_of};
use crate::aws::walk::{End, Protocol, Traffic, Verdict, walk};

use super::index::{Key, keys_of, keys_of_interface};
use super::places::Places;
use super::{Ailment, History, Host, Standing, Unused};

/// Looks at a target group: writes down how its targets stand, and what that depends on.
pub fn look_at(ec2: &Ec2, elb: &mut Elb, places: &Places<'_>, arn: &str, now: Duration) {
    let Some(group) = elb.target_groups.get(arn) else { return };
    let balancers: Vec<&LoadBalancer> = elb.balancers_of(arn).filter_map(|arn| elb.balancers.get(arn)).collect();
    let mut keys = keys_of(ec2, group, &balancers);
    let view = View { ec2, elb, places, group, balancers: &balancers };
    let mut found: BTreeMap<TargetKey, (Standing, Option<String>)> = BTreeMap::new();
    for (key, target) in group.targets.iter().filter(|(_, target)| target.draining_until.is_none()) {
        let ends = view.ends_of(key, target);
        let interfaces: BTreeSet<&str> =
            ends.iter().filter_map(|end| end.interface.as_ref()).map(|interface| interface.id.as_str()).collect();
        keys.extend(interfaces.iter().flat_map(|id| keys_of_interface(ec2, id)));
        let interface = interfaces.first().map(|id| (*id).to_owned());
        found.insert(key.clone(), (view.standing(key, target, &ends), interface));
    }
    if group.kind == TargetKind::Alb {
        keys.extend(
            group
                .targets
                .keys()
                .filter_map(|key| elb.balancers.get(&key.id))
                .flat_map(|alb| alb.zones.values().map(|zone| Key::Interface(zone.interface.clone()))),
        );
    }
    elb.index.set(arn, keys);
    elb.looked_at += 1;
    let Some(group) = elb.target_groups.get_mut(arn) else { return };
    group.drop_drained(now);
    for (key, (standing, interface)) in found {
        let Some(target) = group.targets.get_mut(&key) else { continue };
        target.interface = interface;
        match &mut target.history {
            Some(history) => history.turn(standing, now, &group.health_check),
            none => *none = Some(History::begin(standing, now)),
        }
    }
}

/// What is looked at.
struct View<'a> {
    ec2: &'a Ec2,
    elb: &'a Elb,
    places: &'a Places<'a>,
    group: &'a TargetGroup,
    /// Those that forward to the group.
    balancers: &'a [&'a LoadBalancer],
}

impl View<'_> {
    /// Where a target is: an instance's primary interface, an address, or all interfaces of a load balancer.
    fn ends_of(&self, key: &TargetKey, target: &Target) -> Vec<End> {
        let hint = target.interface.as_deref();
        match self.group.kind {
            TargetKind::Lambda => Vec::new(),
            TargetKind::Instance => {
                let interface = self.places.of_instance(&key.id, hint);
                interface.and_then(|interface| End::of_interface(interface, self.family())).into_iter().collect()
            }
            TargetKind::Ip => {
                let (Ok(address), Some(vpc)) = (key.id.parse::<IpAddr>(), &self.group.vpc) else { return Vec::new() };
                let interface = self.places.with_address(vpc, address, hint).cloned();
                vec![End { address, interface }]
            }
            TargetKind::Alb => self.elb.balancers.get(&key.id).map(|alb| self.interfaces(alb)).unwrap_or_default(),
        }
    }

    /// An address of the family by which targets are spoken to.
    fn family(&self) -> IpAddr {
        if self.group.is_ipv6 { IpAddr::V6([0; 16].into()) } else { IpAddr::V4([0; 4].into()) }
    }

    fn interfaces(&self, balancer: &LoadBalancer) -> Vec<End> {
        let all = balancer.zones.values().filter_map(|zone| self.ec2.interfaces.get(&zone.interface));
        all.filter_map(|interface: &Arc<Interface>| End::of_interface(interface, self.family())).collect()
    }

    fn standing(&self, key: &TargetKey, target: &Target, ends: &[End]) -> Standing {
        match self.unused(key, target, ends) {
            Some(why) => Standing::Unused(why),
            None if !self.group.health_check.is_enabled => Standing::Unavailable,
            None => Standing::Checked(self.ailment(key, ends)),
        }
    }

    fn unused(&self, key: &TargetKey, target: &Target, ends: &[End]) -> Option<Unused> {
        if self.balancers.is_empty() {
            return Some(Unused::GroupNotInUse);
        }
        if self.group.kind == TargetKind::Instance {
            let state = self.ec2.instances.get(&key.id).map(|instance| instance.state.as_str());
            if !matches!(state, Some("running" | "pending")) {
                return Some(Unused::InvalidState);
            }
        }
        let is_elbs = |end: &End| {
            end.interface.as_ref().is_some_and(|interface| interface.requester.as_deref() == Some("amazon-elb"))
        };
        if self.group.kind == TargetKind::Ip && ends.iter().any(is_elbs) {
            return Some(Unused::IpUnusable);
        }
        let zone = zone_of(self.ec2, self.group, key, target);
        let is_enabled = |zone: &str| self.balancers.iter().any(|balancer| balancer.zones.contains_key(zone));
        zone.filter(|zone| !is_enabled(zone)).map(|_| Unused::ZoneNotEnabled)
    }

    /// A target passes if it is reached from *every* interface of the load balancer: AWS tells one state for a target,
    /// and what one zone's node can't reach fails for a part of the clients. Nodes that can reach it are not told
    /// apart, whether zones are crossed or not.
    fn ailment(&self, key: &TargetKey, ends: &[End]) -> Option<Ailment> {
        let check = &self.group.health_check;
        let port = check.port.or(key.port).unwrap_or(0);
        if self.group.kind != TargetKind::Lambda && !self.is_reached(ends, port) {
            return Some(Ailment::Timeout);
        }
        if self.group.kind == TargetKind::Alb && !self.elb.listeners_of(&key.id).any(|each| each.port == Some(port)) {
            return Some(Ailment::Refused);
        }
        let host = self.elb.hosts.get(&(key.id.clone(), port)).copied().unwrap_or_default();
        host_ailment(host, check)
    }

    fn is_reached(&self, ends: &[End], port: u16) -> bool {
        let traffic = Traffic { protocol: Protocol::Tcp, port };
        let from: Vec<End> = self.balancers.iter().flat_map(|balancer| self.interfaces(balancer)).collect();
        let arrives = |from: &End, to: &End| walk(self.ec2, from, to, traffic) == Verdict::Arrives;
        !from.is_empty() && !ends.is_empty() && from.iter().all(|from| ends.iter().all(|to| arrives(from, to)))
    }
}

/// TCP checks need no more than the connection.
fn host_ailment(host: Host, check: &HealthCheck) -> Option<Ailment> {
    match (host, &check.matcher) {
        (Host::Drops, _) => Some(Ailment::Timeout),
        (Host::Refuses, _) => Some(Ailment::Refused),
        (Host::Answers(code), Some(matcher)) if !matcher.passes(code) => Some(Ailment::Code(code)),
        (Host::Answers(_), _) => None,
    }
}
