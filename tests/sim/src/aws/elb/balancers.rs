//! Load balancers: made, changed and deleted, with their network interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::aws::ec2::model::{Ec2, Subnet, Tags};
use crate::aws::{Changed, Failure, Scope, World};

use super::failures::{check_name, configuration, invalid, no_balancer};
use super::health::settle;
use super::model::{BalancerKind, Elb, IpAddressType, LoadBalancer, Scheme, Zone};
use super::{arns, attributes, interfaces};

/// How many security groups a load balancer can have. Source: "Quotas for your Application Load Balancers".
const GROUPS: usize = 5;

/// What `CreateLoadBalancer` takes.
#[derive(Clone, Debug)]
pub struct NewBalancer {
    pub name: String,
    pub kind: BalancerKind,
    pub scheme: Scheme,
    pub ip_address_type: IpAddressType,
    pub subnets: Vec<SubnetMapping>,
    pub groups: BTreeSet<String>,
    pub tags: Tags,
}

/// A subnet, and the address that the load balancer is to have in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetMapping {
    pub subnet: String,
    /// `None`: a free one.
    pub address: Option<Ipv4Addr>,
}

impl SubnetMapping {
    pub fn any_address(subnet: impl Into<String>) -> Self {
        Self { subnet: subnet.into(), address: None }
    }
}

impl NewBalancer {
    /// Internal, by IPv4, in these subnets and groups.
    pub fn new(kind: BalancerKind, name: &str, subnets: &[&str], groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            scheme: Scheme::Internal,
            ip_address_type: IpAddressType::Ipv4,
            subnets: subnets.iter().copied().map(SubnetMapping::any_address).collect(),
            groups: groups.iter().map(|id| (*id).to_owned()).collect(),
            tags: Tags::new(),
        }
    }
}

impl World {
    /// Makes a load balancer, and says its ARN. The same once more is the one that is there.
    ///
    /// Source: `CreateLoadBalancer`.
    pub fn create_load_balancer(&mut self, scope: &Scope, new: NewBalancer) -> Result<String, Failure> {
        check_name(&new.name)?;
        if new.name.starts_with("internal-") {
            return Err(invalid("The name of a load balancer must not begin with 'internal-'"));
        }
        let region = Region::of(self, scope);
        let subnets = zones_of(region.ec2, new.kind, new.ip_address_type, &new.subnets)?;
        let vpc = subnets.values().next().map(|subnet| subnet.vpc.clone()).unwrap_or_default();
        let groups = groups_of(region.ec2, new.kind, &vpc, &new.groups)?;
        if let Some(there) = region.elb.balancer_named(&new.name) {
            let ids = |zones: &BTreeMap<String, Zone>| zones.values().map(|zone| zone.subnet.clone()).collect();
            let wanted: Vec<String> = subnets.values().map(|subnet| subnet.id.clone()).collect();
            let is_same = (there.kind, there.scheme, there.ip_address_type, &there.groups, ids(&there.zones))
                == (new.kind, new.scheme, new.ip_address_type, &groups, wanted);
            let differs = || Failure::new("DuplicateLoadBalancerName", format!("{} exists already", new.name));
            return if is_same { Ok(there.arn.clone()) } else { Err(differs()) };
        }
        let addresses =
            interfaces::addresses(region.ec2, &region.elb.next_addresses, &subnets, &new.subnets, new.ip_address_type)?;
        let subnets: Vec<Subnet> = subnets.into_values().collect();

        let arn = arns::load_balancer(self, scope, new.kind, &new.name);
        let made = LoadBalancer {
            dns_name: dns_name(scope, &new, &arn),
            canonical_hosted_zone: hosted_zone(new.kind).to_owned(),
            arn: arn.clone(),
            name: new.name.clone(),
            kind: new.kind,
            scheme: new.scheme,
            ip_address_type: new.ip_address_type,
            vpc,
            zones: BTreeMap::new(),
            enforce_on_private_link: (new.kind == BalancerKind::Network && !groups.is_empty()).then(|| "on".to_owned()),
            groups,
            created: self.now,
            tags: new.tags,
            attributes: attributes::of_balancer(new.kind),
        };
        let zones = interfaces::make(self, scope, &made, &subnets, addresses);
        let elb = &mut self.region_mut(scope).elb;
        elb.balancer_names.insert(new.name, arn.clone());
        elb.balancers.insert(arn.clone(), LoadBalancer { zones, ..made });
        settle(self);
        Ok(arn)
    }

    /// Deletes a load balancer with its listeners and interfaces. One that is not there is no error.
    ///
    /// Source: `DeleteLoadBalancer`.
    pub fn delete_load_balancer(&mut self, scope: &Scope, arn: &str) -> Result<(), Failure> {
        if arns::kind(arn) != Some(arns::Kind::LoadBalancer) {
            return Err(invalid(format!("'{arn}' is not a valid load balancer ARN")));
        }
        let elb = &mut self.region_mut(scope).elb;
        let Some(balancer) = elb.balancers.get(arn) else { return Ok(()) };
        if balancer.attributes.get("deletion_protection.enabled").is_some_and(|text| text == "true") {
            let message = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return Err(Failure::new("OperationNotPermitted", message));
        }
        if elb.groups_with_target(arn).next().is_some() {
            let message = format!("Load balancer '{arn}' is registered as a target");
            return Err(Failure::new("ResourceInUse", message));
        }
        let listeners: Vec<String> = elb.listeners_of(arn).map(|listener| listener.arn.clone()).collect();
        for listener in listeners {
            self.delete_listener(scope, &listener)?;
        }
        let elb = &mut self.region_mut(scope).elb;
        let Some(balancer) = elb.balancers.remove(arn) else { return Ok(()) };
        elb.balancer_names.remove(&balancer.name);
        interfaces::remove(self, scope, balancer.zones.values());
        settle(self);
        Ok(())
    }

    /// Source: `SetSecurityGroups`: a network load balancer that was made without can't be given any, and one that
    /// was made with can't be left without.
    pub fn set_security_groups(
        &mut self,
        scope: &Scope,
        arn: &str,
        groups: &BTreeSet<String>,
        enforce_on_private_link: Option<&str>,
    ) -> Result<(), Failure> {
        let region = Region::of(self, scope);
        let balancer = region.elb.balancers.get(arn).ok_or_else(|| no_balancer(arn))?;
        let (kind, has_groups) = (balancer.kind, !balancer.groups.is_empty());
        if kind == BalancerKind::Gateway || !has_groups {
            return Err(configuration("The load balancer was created without security groups and can't have any"));
        }
        if groups.is_empty() {
            return Err(invalid("At least one security group must be specified"));
        }
        if enforce_on_private_link.is_some_and(|text| kind != BalancerKind::Network || !["on", "off"].contains(&text)) {
            return Err(invalid("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic must be on or off, of an NLB"));
        }
        let groups = groups_of(region.ec2, kind, &balancer.vpc, groups)?;
        let zones: Vec<Zone> = balancer.zones.values().cloned().collect();
        let now = self.now;
        let region = self.region_mut(scope);
        for zone in &zones {
            region.ec2.interfaces.change(&zone.interface, now, |interface| interface.groups.clone_from(&groups));
        }
        if let Some(balancer) = region.elb.balancers.get_mut(arn) {
            balancer.groups = groups;
            if let Some(text) = enforce_on_private_link {
                balancer.enforce_on_private_link = Some(text.to_owned());
            }
        }
        for zone in zones {
            self.changed.insert(Changed::Interface { scope: scope.clone(), id: zone.interface });
        }
        settle(self);
        Ok(())
    }

    /// Source: `SetIpAddressType`.
    pub fn set_ip_address_type(&mut self, scope: &Scope, arn: &str, to: IpAddressType) -> Result<(), Failure> {
        let mappings = Region::of(self, scope).elb.mappings(arn)?;
        self.set_subnets(scope, arn, &mappings, Some(to))
    }

    /// Enables these zones and no others. Interfaces of subnets that stay are kept.
    ///
    /// Source: `SetSubnets`.
    pub fn set_subnets(
        &mut self,
        scope: &Scope,
        arn: &str,
        mappings: &[SubnetMapping],
        ip_address_type: Option<IpAddressType>,
    ) -> Result<(), Failure> {
        let region = Region::of(self, scope);
        let balancer = region.elb.balancers.get(arn).ok_or_else(|| no_balancer(arn))?;
        let ip_address_type = ip_address_type.unwrap_or(balancer.ip_address_type);
        let subnets = zones_of(region.ec2, balancer.kind, ip_address_type, mappings)?;
        if subnets.values().any(|subnet| subnet.vpc != balancer.vpc) {
            return Err(configuration("The subnets must be in the VPC of the load balancer"));
        }
        let stays = |zone: &str, subnet: &Subnet| balancer.zones.get(zone).is_some_and(|old| old.subnet == subnet.id);
        let new: BTreeMap<String, Subnet> =
            subnets.iter().filter(|(zone, subnet)| !stays(zone, subnet)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let addresses = interfaces::addresses(region.ec2, &region.elb.next_addresses, &new, mappings, ip_address_type)?;
        let kept: BTreeMap<String, Zone> = (balancer.zones.iter())
            .filter(|(zone, _)| subnets.contains_key(*zone) && !new.contains_key(*zone))
            .map(|(zone, kept)| (zone.clone(), kept.clone()))
            .collect();
        let gone: Vec<Zone> =
            balancer.zones.values().filter(|old| !kept.values().any(|z| z == *old)).cloned().collect();
        let template = LoadBalancer { ip_address_type, ..balancer.clone() };
        let families = interfaces::families(region.ec2, kept.values(), ip_address_type)?;

        interfaces::remove(self, scope, gone.iter());
        interfaces::set_ipv6(self, scope, families);
        interfaces::set_public(self, scope, template.scheme, ip_address_type, kept.values());
        let subnets: Vec<Subnet> = new.into_values().collect();
        let mut zones = interfaces::make(self, scope, &template, &subnets, addresses);
        zones.extend(kept);
        let elb = &mut self.region_mut(scope).elb;
        if let Some(balancer) = elb.balancers.get_mut(arn) {
            (balancer.zones, balancer.ip_address_type) = (zones, ip_address_type);
        }
        self.touch_forwards(scope, arn);
        settle(self);
        Ok(())
    }
}

impl Elb {
    pub fn balancer_named(&self, name: &str) -> Option<&LoadBalancer> {
        self.balancers.get(self.balancer_names.get(name)?)
    }

    /// The subnets that a load balancer is in, to be set again.
    fn mappings(&self, arn: &str) -> Result<Vec<SubnetMapping>, Failure> {
        let balancer = self.balancers.get(arn).ok_or_else(|| no_balancer(arn))?;
        Ok(balancer.zones.values().map(|zone| SubnetMapping::any_address(&zone.subnet)).collect())
    }
}

/// What a check of a call may look at.
pub(super) struct Region<'a> {
    pub ec2: &'a Ec2,
    pub elb: &'a Elb,
}

impl<'a> Region<'a> {
    pub fn of(world: &'a mut World, scope: &Scope) -> Self {
        let region = world.region_mut(scope);
        Self { ec2: &region.ec2, elb: &region.elb }
    }
}

/// The subnets by zone. Sources: `Subnets` of `CreateLoadBalancer`; "Dualstack" in the user guides.
fn zones_of(
    ec2: &Ec2,
    kind: BalancerKind,
    ip_address_type: IpAddressType,
    mappings: &[SubnetMapping],
) -> Result<BTreeMap<String, Subnet>, Failure> {
    let mut zones = BTreeMap::new();
    for SubnetMapping { subnet, .. } in mappings {
        let none = || Failure::new("SubnetNotFound", format!("The subnet ID '{subnet}' does not exist"));
        let found = ec2.subnets.get(subnet).ok_or_else(none)?;
        if ip_address_type != IpAddressType::Ipv4 && found.ipv6_cidr.is_none() {
            return Err(configuration(format!(
                "You must specify subnets with an associated IPv6 CIDR block: {subnet}"
            )));
        }
        if zones.insert(found.availability_zone.clone(), found.clone()).is_some() {
            let zone = &found.availability_zone;
            return Err(configuration(format!("Multiple subnets in the same Availability Zone {zone}")));
        }
    }
    let least = if kind == BalancerKind::Application { 2 } else { 1 };
    if zones.len() < least {
        let message = format!("At least {least} subnets in different Availability Zones must be specified");
        return Err(invalid(message));
    }
    let vpcs: BTreeSet<&str> = zones.values().map(|subnet| subnet.vpc.as_str()).collect();
    if vpcs.len() > 1 {
        return Err(configuration("All subnets must belong to the same VPC"));
    }
    if kind != BalancerKind::Application && ip_address_type == IpAddressType::DualstackWithoutPublicIpv4 {
        return Err(invalid("Only application load balancers can be dualstack-without-public-ipv4"));
    }
    Ok(zones)
}

/// The groups that a load balancer gets: an application load balancer without any has the VPC's default one.
fn groups_of(ec2: &Ec2, kind: BalancerKind, vpc: &str, given: &BTreeSet<String>) -> Result<BTreeSet<String>, Failure> {
    let refused = |message: String| Failure::new("InvalidSecurityGroup", message);
    if kind == BalancerKind::Gateway && !given.is_empty() {
        return Err(invalid("A gateway load balancer has no security groups"));
    }
    if given.len() > GROUPS {
        return Err(configuration(format!("A load balancer can have {GROUPS} security groups at most")));
    }
    for id in given {
        match ec2.groups.get(id) {
            None => return Err(refused(format!("Security group '{id}' does not exist"))),
            Some(group) if group.vpc != vpc => {
                return Err(refused(format!("Security group '{id}' does not belong to VPC '{vpc}'")));
            }
            Some(_) => {}
        }
    }
    if kind != BalancerKind::Application || !given.is_empty() {
        return Ok(given.clone());
    }
    let default = ec2.groups.iter().find(|group| group.vpc == vpc && group.name == "default");
    let default = default.ok_or_else(|| refused(format!("VPC '{vpc}' has no default security group")))?;
    Ok([default.id.clone()].into())
}

/// Sources: "DNS name" in the user guides of both types.
fn dns_name(scope: &Scope, new: &NewBalancer, arn: &str) -> String {
    let id = arn.rsplit('/').next().unwrap_or_default();
    let internal = if new.scheme == Scheme::Internal { "internal-" } else { "" };
    let (name, region) = (&new.name, &scope.region);
    match new.kind {
        BalancerKind::Application => {
            let number = u64::from_str_radix(id, 16).unwrap_or_default() % 1_000_000_000;
            format!("{internal}{name}-{number}.{region}.elb.amazonaws.com")
        }
        BalancerKind::Network => format!("{name}-{id}.elb.{region}.amazonaws.com"),
        BalancerKind::Gateway => String::new(),
    }
}

/// Those of eu-central-1, for all Regions. Source: "Elastic Load Balancing endpoints and quotas".
fn hosted_zone(kind: BalancerKind) -> &'static str {
    match kind {
        BalancerKind::Application => "Z215JYRZR1TBD5",
        BalancerKind::Network => "Z3F0SRJ5LGBH90",
        BalancerKind::Gateway => "",
    }
}
