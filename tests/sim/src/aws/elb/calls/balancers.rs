//! Calls about load balancers.

use crate::aws::answer::Xml;
use crate::aws::elb::failures::{invalid, no_balancer, not_simulated};
use crate::aws::elb::model::{BalancerKind, Elb, IpAddressType, LoadBalancer, Scheme};
use crate::aws::elb::{NewBalancer, SubnetMapping, attributes};
use crate::aws::{Call, Failure, World};

use super::{read, write};

pub fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let new = NewBalancer {
        name: read::required(call, "Name")?.to_owned(),
        kind: read::word(call, "Type", BalancerKind::parse, BalancerKind::Application)?,
        scheme: read::word(call, "Scheme", Scheme::parse, Scheme::InternetFacing)?,
        ip_address_type: read::word(call, "IpAddressType", IpAddressType::parse, IpAddressType::Ipv4)?,
        subnets: mappings(call)?,
        groups: read::texts(call, "SecurityGroups"),
        tags: read::tags(call)?,
    };
    let arn = world.create_load_balancer(&call.scope, new)?;
    let elb = &world.region_mut(&call.scope).elb;
    Ok(write::members("LoadBalancers", elb.balancers.get(&arn).map(write::load_balancer)))
}

/// Subnets, in either form.
fn mappings(call: &Call) -> Result<Vec<SubnetMapping>, Failure> {
    let subnets: Vec<SubnetMapping> = call.list("Subnets").into_iter().map(SubnetMapping::any_address).collect();
    let items = call.items("SubnetMappings");
    if !subnets.is_empty() && !items.is_empty() {
        return Err(invalid("Subnets and SubnetMappings can't be specified together"));
    }
    if items.is_empty() {
        return Ok(subnets);
    }
    let mapping = |item: &String| {
        let unknown = ["AllocationId", "IPv6Address", "SourceNatIpv6Prefix"];
        if let Some(field) = unknown.iter().find(|field| call.text(&format!("{item}.{field}")).is_some()) {
            return Err(not_simulated(format_args!("{field} of SubnetMappings")));
        }
        let subnet = read::required(call, &format!("{item}.SubnetId"))?.to_owned();
        Ok(SubnetMapping { subnet, address: read::number(call, &format!("{item}.PrivateIPv4Address"))? })
    };
    items.iter().map(mapping).collect()
}

pub fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "LoadBalancerArn")?;
    world.delete_load_balancer(&call.scope, arn).map(|()| Xml::new())
}

pub fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    let (arns, names) = (call.list("LoadBalancerArns"), call.list("Names"));
    if !arns.is_empty() && !names.is_empty() {
        return Err(invalid("Load balancer names and load balancer ARNs cannot be specified at the same time"));
    }
    let found: Vec<&LoadBalancer> = if arns.is_empty() && names.is_empty() {
        elb.balancers.values().collect()
    } else {
        let by_arn = arns.iter().map(|arn| elb.balancers.get(*arn).ok_or_else(|| no_balancer(arn)));
        let by_name = names.iter().map(|name| elb.balancer_named(name).ok_or_else(|| no_balancer(name)));
        let mut found: Vec<&LoadBalancer> = by_arn.chain(by_name).collect::<Result<_, _>>()?;
        found.sort_by_key(|balancer| &balancer.arn);
        found.dedup_by_key(|balancer| &balancer.arn);
        found
    };
    let (page, next) = read::page(call, found.into_iter().map(|balancer| (balancer.arn.clone(), balancer)))?;
    Ok(write::members("LoadBalancers", page.into_iter().map(write::load_balancer)).maybe("NextMarker", next))
}

pub fn set_security_groups(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "LoadBalancerArn")?;
    let enforce = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic";
    world.set_security_groups(&call.scope, arn, &read::texts(call, "SecurityGroups"), call.text(enforce))?;
    let balancer = found(&world.region_mut(&call.scope).elb, arn)?;
    let xml = write::texts(Xml::new(), "SecurityGroupIds", &balancer.groups);
    Ok(xml.maybe(enforce, balancer.enforce_on_private_link.as_ref()))
}

pub fn set_ip_address_type(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "LoadBalancerArn")?;
    read::required(call, "IpAddressType")?;
    let to = read::word(call, "IpAddressType", IpAddressType::parse, IpAddressType::Ipv4)?;
    world.set_ip_address_type(&call.scope, arn, to)?;
    Ok(Xml::new().text("IpAddressType", to.as_str()))
}

pub fn set_subnets(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "LoadBalancerArn")?;
    let current = found(&world.region_mut(&call.scope).elb, arn)?.ip_address_type;
    let to = read::word(call, "IpAddressType", IpAddressType::parse, current)?;
    world.set_subnets(&call.scope, arn, &mappings(call)?, Some(to))?;
    let balancer = found(&world.region_mut(&call.scope).elb, arn)?;
    Ok(write::members("AvailabilityZones", write::availability_zones(balancer)).text("IpAddressType", to.as_str()))
}

pub fn describe_attributes(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let balancer = found(&world.region_mut(&call.scope).elb, read::required(call, "LoadBalancerArn")?)?;
    Ok(write::attributes(&balancer.attributes))
}

pub fn modify_attributes(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "LoadBalancerArn")?;
    let changes = read::attributes(call)?;
    let elb = &mut world.region_mut(&call.scope).elb;
    let balancer = elb.balancers.get_mut(arn).ok_or_else(|| no_balancer(arn))?;
    let known = attributes::of_balancer(balancer.kind);
    if let Some(why) = changes.iter().find_map(|(key, value)| attributes::refusal(&known, key, value)) {
        return Err(invalid(why));
    }
    balancer.attributes.extend(changes);
    Ok(write::attributes(&balancer.attributes))
}

fn found<'a>(elb: &'a Elb, arn: &str) -> Result<&'a LoadBalancer, Failure> {
    elb.balancers.get(arn).ok_or_else(|| no_balancer(arn))
}
