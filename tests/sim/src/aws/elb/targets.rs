//! What is registered with target groups.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::aws::ec2::model::{Ec2, Subnet};
use crate::aws::walk::is_inside;
use crate::aws::{Changed, Failure, Scope, World};

use super::attributes;
use super::balancers::Region;
use super::failures::{invalid, no_target_group};
use super::health::{History, settle};
use super::model::{BalancerKind, Elb, TargetGroup, TargetKind};

/// A target is an id and a port: the same id can be registered with several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// Of an instance, an address, or an ARN, by the group's type.
    pub id: String,
    /// A function has none.
    pub port: Option<u16>,
}

/// A registered target, or one that drains.
#[derive(Clone, Debug)]
pub struct Target {
    /// As it was registered; `all` for addresses outside the VPC.
    pub zone: Option<String>,
    /// Until when it is still listed after it was deregistered.
    pub draining_until: Option<Duration>,
    /// `None` until the call that registered it is over.
    pub(super) history: Option<History>,
    /// The interface that had its address when it was last looked at.
    pub(super) interface: Option<String>,
}

/// What `RegisterTargets` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTarget {
    pub id: String,
    /// `None`: the group's.
    pub port: Option<u16>,
    pub zone: Option<String>,
}

impl NewTarget {
    /// On the group's port.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), port: None, zone: None }
    }
}

impl World {
    /// Source: `RegisterTargets`. What is registered already stays as it is; what drains begins anew.
    pub fn register_targets(&mut self, scope: &Scope, group: &str, targets: &[NewTarget]) -> Result<(), Failure> {
        let region = Region::of(self, scope);
        let found = region.elb.target_groups.get(group).ok_or_else(|| no_target_group(group))?;
        if targets.is_empty() {
            return Err(invalid("At least one target must be specified"));
        }
        for target in targets {
            check(region.ec2, region.elb, found, target)?;
        }
        let now = self.now;
        let Some(found) = self.region_mut(scope).elb.target_groups.get_mut(group) else { return Ok(()) };
        for NewTarget { id, port, zone } in targets {
            let key = TargetKey { id: id.clone(), port: port.or(found.port) };
            let stays = found.targets.get(&key).is_some_and(|there| there.draining_until.is_none());
            if !stays {
                let new = Target { zone: zone.clone(), draining_until: None, history: None, interface: None };
                found.targets.insert(key, new);
            }
        }
        found.drop_drained(now);
        self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn: group.to_owned() });
        settle(self);
        Ok(())
    }

    /// Source: `DeregisterTargets`. One that is not registered is no error; one that was not in use doesn't drain (the
    /// latter: unverified). Without a port all of an id are meant.
    pub fn deregister_targets(&mut self, scope: &Scope, group: &str, targets: &[NewTarget]) -> Result<(), Failure> {
        let now = self.now;
        let elb = &mut self.region_mut(scope).elb;
        let found = elb.target_groups.get_mut(group).ok_or_else(|| no_target_group(group))?;
        let until = now + attributes::deregistration_delay(found);
        for (key, target) in &mut found.targets {
            let is_meant = |given: &NewTarget| given.id == key.id && (given.port.is_none() || given.port == key.port);
            if targets.iter().any(is_meant) && target.draining_until.is_none() {
                let is_checked = target.history.as_ref().is_some_and(History::is_checked);
                target.draining_until = Some(if is_checked { until } else { now });
            }
        }
        found.drop_drained(now);
        self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn: group.to_owned() });
        settle(self);
        Ok(())
    }
}

impl TargetGroup {
    /// Forgets those that have drained.
    pub(super) fn drop_drained(&mut self, now: Duration) {
        self.targets.retain(|_, target| target.draining_until.is_none_or(|until| until > now));
    }
}

/// The zone that an instance or an address is in. Nothing for what is in all: functions, load balancers, and addresses
/// outside the VPC.
pub(super) fn zone_of(ec2: &Ec2, group: &TargetGroup, key: &TargetKey, target: &Target) -> Option<String> {
    if let Some(zone) = &target.zone {
        return Some(zone.clone()).filter(|zone| zone != "all");
    }
    let subnet = match group.kind {
        TargetKind::Lambda | TargetKind::Alb => None,
        TargetKind::Instance => ec2.subnets.get(&ec2.instances.get(&key.id)?.subnet),
        TargetKind::Ip => {
            let address = key.id.parse::<IpAddr>().ok()?;
            let has_it = |subnet: &&Subnet| match address {
                IpAddr::V4(address) => subnet.cidr.contains(&address),
                IpAddr::V6(address) => subnet.ipv6_cidr.is_some_and(|block| block.contains(&address)),
            };
            ec2.subnets.values().filter(|subnet| Some(&subnet.vpc) == group.vpc.as_ref()).find(has_it)
        }
    };
    subnet.map(|subnet| subnet.availability_zone.clone())
}

/// Source: `TargetDescription`.
fn check(ec2: &Ec2, elb: &Elb, group: &TargetGroup, target: &NewTarget) -> Result<(), Failure> {
    let refused = |message: String| Err(Failure::new("InvalidTarget", message));
    let id = &target.id;
    if target.port == Some(0) {
        return Err(invalid("A target port must be between 1 and 65535"));
    }
    match group.kind {
        TargetKind::Instance => match ec2.instances.get(id) {
            None => refused(format!("The following targets are not valid instances: '{id}'")),
            Some(instance) if instance.state != "running" => {
                refused(format!("The following targets are not in a running state and cannot be registered: '{id}'"))
            }
            Some(instance) if group.vpc.as_ref() != Some(&instance.vpc) => {
                refused(format!("The following targets are not in the target group VPC: '{id}'"))
            }
            Some(_) if target.zone.is_some() => Err(invalid("Instances are registered without Availability Zone")),
            Some(_) => Ok(()),
        },
        TargetKind::Ip => check_address(ec2, group, target),
        TargetKind::Lambda if target.port.is_some() || !id.starts_with("arn:") || !id.contains(":lambda:") => {
            refused(format!("'{id}' is not the ARN of a function, or has a port"))
        }
        TargetKind::Lambda if group.targets.keys().any(|there| there.id != *id) => {
            Err(Failure::new("TooManyTargets", "A target group can have one function only"))
        }
        TargetKind::Lambda => Ok(()),
        TargetKind::Alb => check_alb(elb, group, target),
    }
}

/// Source: `TargetType` of `CreateTargetGroup`: the VPC, 10/8, 172.16/12, 192.168/16, 100.64/10; `AvailabilityZone` of
/// `TargetDescription`: `all` outside the VPC.
fn check_address(ec2: &Ec2, group: &TargetGroup, target: &NewTarget) -> Result<(), Failure> {
    let refused = |message: String| Err(Failure::new("InvalidTarget", message));
    let id = &target.id;
    let Ok(address) = id.parse::<IpAddr>() else {
        return Err(invalid(format!("The IP address '{id}' is not a valid IP address")));
    };
    if address.is_ipv6() != group.is_ipv6 {
        return refused(format!("The IP address '{id}' is not of the target group's IP address type"));
    }
    let vpc = group.vpc.as_ref().and_then(|vpc| ec2.vpcs.get(vpc));
    if vpc.is_some_and(|vpc| is_inside(vpc, address)) {
        let zones = ec2.subnets.values().filter(|subnet| Some(&subnet.vpc) == group.vpc.as_ref());
        return match target.zone.as_deref() {
            None => Ok(()),
            Some(zone) if zones.into_iter().any(|subnet| subnet.availability_zone == zone) => Ok(()),
            Some(zone) => Err(invalid(format!("The target group's VPC has no subnet in {zone}"))),
        };
    }
    if !is_private(address) {
        return refused(format!("The IP address '{id}' is not within a private range, or not in the VPC"));
    }
    match target.zone.as_deref() {
        Some("all") => Ok(()),
        _ => Err(invalid(format!("You must specify 'all' as the Availability Zone of '{id}', outside the VPC"))),
    }
}

fn is_private(address: IpAddr) -> bool {
    let blocks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    blocks.iter().filter_map(|block| block.parse::<IpNet>().ok()).any(|block| block.contains(&address))
}

/// Source: "Use Application Load Balancers as targets" in the user guide of network load balancers.
fn check_alb(elb: &Elb, group: &TargetGroup, target: &NewTarget) -> Result<(), Failure> {
    let refused = |message: String| Err(Failure::new("InvalidTarget", message));
    let id = &target.id;
    let Some(balancer) = elb.balancers.get(id).filter(|found| found.kind == BalancerKind::Application) else {
        return refused(format!("'{id}' is not an application load balancer"));
    };
    if Some(&balancer.vpc) != group.vpc.as_ref() {
        return refused(format!("'{id}' is not in the VPC of the target group"));
    }
    if target.port.is_some_and(|port| Some(port) != group.port) {
        return refused("The port of an application load balancer must be the target group's".to_owned());
    }
    if group.targets.keys().any(|there| there.id != *id) {
        return Err(Failure::new("TooManyTargets", "A target group can have one application load balancer only"));
    }
    if elb.listeners_of(id).any(|listener| listener.port == group.port) {
        Ok(())
    } else {
        refused(format!("'{id}' has no listener on the port of the target group"))
    }
}
