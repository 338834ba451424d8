//! Calls about target groups, targets and their health.

use std::collections::BTreeSet;

use crate::aws::answer::Xml;
use crate::aws::elb::failures::{invalid, no_balancer, no_target_group, not_simulated};
use crate::aws::elb::health::target_state;
use crate::aws::elb::model::{Elb, Matcher, TargetGroup, TargetKind};
use crate::aws::elb::targets::zone_of;
use crate::aws::elb::{HealthCheckChange, NewTarget, NewTargetGroup, State, TargetKey, attributes};
use crate::aws::{Call, Failure, World};

use super::{read, write};

pub fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let is_ipv6 = |text: &str| match text {
        "ipv4" => Some(false),
        "ipv6" => Some(true),
        _ => None,
    };
    let new = NewTargetGroup {
        name: read::required(call, "Name")?.to_owned(),
        kind: read::word(call, "TargetType", TargetKind::parse, TargetKind::Instance)?,
        protocol: text("Protocol"),
        protocol_version: text("ProtocolVersion"),
        port: read::number(call, "Port")?,
        vpc: text("VpcId"),
        is_ipv6: read::word(call, "IpAddressType", is_ipv6, false)?,
        health_check: health_check(call)?,
        control_port: read::number(call, "TargetControlPort")?,
        tags: read::tags(call)?,
    };
    let arn = world.create_target_group(&call.scope, new)?;
    told(world, call, &arn)
}

fn health_check(call: &Call) -> Result<HealthCheckChange, Failure> {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let matcher = match (call.text("Matcher.HttpCode"), call.text("Matcher.GrpcCode")) {
        (None, None) => None,
        (Some(codes), None) => Some(Matcher::http(codes).ok_or_else(|| invalid(format!("'{codes}' are no codes")))?),
        (None, Some(codes)) => Some(Matcher::grpc(codes).ok_or_else(|| invalid(format!("'{codes}' are no codes")))?),
        (Some(_), Some(_)) => return Err(invalid("HttpCode and GrpcCode can't be specified together")),
    };
    Ok(HealthCheckChange {
        is_enabled: read::flag(call, "HealthCheckEnabled")?,
        protocol: text("HealthCheckProtocol"),
        port: text("HealthCheckPort"),
        path: text("HealthCheckPath"),
        interval: read::number(call, "HealthCheckIntervalSeconds")?,
        timeout: read::number(call, "HealthCheckTimeoutSeconds")?,
        healthy_threshold: read::number(call, "HealthyThresholdCount")?,
        unhealthy_threshold: read::number(call, "UnhealthyThresholdCount")?,
        matcher,
    })
}

pub fn modify(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "TargetGroupArn")?;
    world.modify_target_group(&call.scope, arn, &health_check(call)?)?;
    told(world, call, arn)
}

fn told(world: &mut World, call: &Call, arn: &str) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    Ok(write::members("TargetGroups", [write::target_group(found(elb, arn)?, elb.balancers_of(arn))]))
}

fn found<'a>(elb: &'a Elb, arn: &str) -> Result<&'a TargetGroup, Failure> {
    elb.target_groups.get(arn).ok_or_else(|| no_target_group(arn))
}

pub fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_target_group(&call.scope, read::required(call, "TargetGroupArn")?).map(|()| Xml::new())
}

pub fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    let (arns, names, balancer) = (call.list("TargetGroupArns"), call.list("Names"), call.text("LoadBalancerArn"));
    if [!arns.is_empty(), !names.is_empty(), balancer.is_some()].into_iter().filter(|given| *given).count() > 1 {
        return Err(invalid("Target group names, ARNs and a load balancer ARN cannot be specified at the same time"));
    }
    let found: BTreeSet<&str> = if let Some(balancer) = balancer {
        elb.balancers.get(balancer).ok_or_else(|| no_balancer(balancer))?;
        elb.target_groups_of(balancer)
    } else if arns.is_empty() && names.is_empty() {
        elb.target_groups.keys().map(String::as_str).collect()
    } else {
        let by_arn = arns.iter().map(|arn| found(elb, arn));
        let by_name = names.iter().map(|name| elb.target_group_named(name).ok_or_else(|| no_target_group(name)));
        by_arn.chain(by_name).map(|group| Ok(group?.arn.as_str())).collect::<Result<_, Failure>>()?
    };
    let (page, next) = read::page(call, found.into_iter().map(|arn| (arn.to_owned(), arn)))?;
    let groups = page.into_iter().filter_map(|arn| elb.target_groups.get(arn));
    let groups = groups.map(|group| write::target_group(group, elb.balancers_of(&group.arn)));
    Ok(write::members("TargetGroups", groups).maybe("NextMarker", next))
}

fn targets(call: &Call) -> Result<Vec<NewTarget>, Failure> {
    let target = |item: String| {
        if call.text(&format!("{item}.QuicServerId")).is_some() {
            return Err(not_simulated("QuicServerId of Targets"));
        }
        Ok(NewTarget {
            id: read::required(call, &format!("{item}.Id"))?.to_owned(),
            port: read::number(call, &format!("{item}.Port"))?,
            zone: call.text(&format!("{item}.AvailabilityZone")).map(str::to_owned),
        })
    };
    call.items("Targets").into_iter().map(target).collect()
}

pub fn register(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "TargetGroupArn")?;
    world.register_targets(&call.scope, arn, &targets(call)?).map(|()| Xml::new())
}

pub fn deregister(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (arn, targets) = (read::required(call, "TargetGroupArn")?, targets(call)?);
    if targets.is_empty() {
        return Err(invalid("At least one target must be specified"));
    }
    world.deregister_targets(&call.scope, arn, &targets).map(|()| Xml::new())
}

/// All targets, or those that are asked for, of which one that isn't registered is told as such.
pub fn describe_health(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let now = world.now;
    let region = world.region_mut(&call.scope);
    let group = found(&region.elb, read::required(call, "TargetGroupArn")?)?;
    let asked = targets(call)?;
    let is_asked = |key: &TargetKey| {
        asked.is_empty() || asked.iter().any(|asked| asked.id == key.id && (asked.port.or(group.port) == key.port))
    };
    let mut told: Vec<Xml> = Vec::new();
    let mut known: BTreeSet<&TargetKey> = BTreeSet::new();
    for (key, target) in group.targets.iter().filter(|(key, _)| is_asked(key)) {
        let Some(state) = target_state(group, target, now) else { continue };
        let detected = || zone_of(&region.ec2, group, key, target).filter(|_| group.kind == TargetKind::Ip);
        let zone = target.zone.clone().or_else(detected);
        known.insert(key);
        told.push(write::target_health(group, key, zone.as_deref(), &state));
    }
    for NewTarget { id, port, .. } in &asked {
        let key = TargetKey { id: id.clone(), port: port.or(group.port) };
        if !known.contains(&key) {
            told.push(write::target_health(group, &key, None, &State::not_registered()));
        }
    }
    Ok(write::members("TargetHealthDescriptions", told))
}

pub fn describe_attributes(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let group = found(&world.region_mut(&call.scope).elb, read::required(call, "TargetGroupArn")?)?;
    Ok(write::attributes(&group.attributes))
}

pub fn modify_attributes(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "TargetGroupArn")?;
    let changes = read::attributes(call)?;
    let elb = &mut world.region_mut(&call.scope).elb;
    let group = elb.target_groups.get_mut(arn).ok_or_else(|| no_target_group(arn))?;
    let known = attributes::of_target_group(group.kind, group.protocol.as_deref());
    if let Some(why) = changes.iter().find_map(|(key, value)| attributes::refusal(&known, key, value)) {
        return Err(invalid(why));
    }
    group.attributes.extend(changes);
    Ok(write::attributes(&group.attributes))
}
