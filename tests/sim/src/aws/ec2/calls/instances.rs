//! Calls about instances.

use std::collections::BTreeSet;

use super::super::instances::NewInstance;
use super::super::lookup::{invalid, no_instance};
use super::super::model::{Ec2, Instance, Interface};
use super::super::reading::{Filters, Reading};
use super::interfaces::{self, address, addresses, attachment_id};
use super::{FILTERS, Operation, PAGES, TAGS, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

const RUN: &[&str] = &[
    "ImageId",
    "InstanceType",
    "MinCount",
    "MaxCount",
    "SubnetId",
    "SecurityGroupId",
    "PrivateIpAddress",
    "ClientToken",
];

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "RunInstances", parameters: &[TAGS, RUN], run },
    Operation {
        action: "DescribeInstances",
        parameters: &[FILTERS, PAGES, &["InstanceId", "IncludeManagedResources"]],
        run: describe,
    },
    Operation { action: "TerminateInstances", parameters: &[&["InstanceId"]], run: terminate },
    Operation { action: "StopInstances", parameters: &[&["InstanceId"]], run: stop },
    Operation { action: "StartInstances", parameters: &[&["InstanceId"]], run: start },
];

const KNOWN: [&str; 9] = [
    "instance-id",
    "vpc-id",
    "subnet-id",
    "instance-state-name",
    "owner-id",
    "private-ip-address",
    "instance.group-id",
    "network-interface.network-interface-id",
    "network-interface.addresses.private-ip-address",
];

fn run(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    call.required("ImageId")?;
    let (least, most) = (call.number::<u32>("MinCount")?, call.number::<u32>("MaxCount")?);
    let most = most.zip(least).filter(|(most, least)| (1..=100).contains(most) && (1..=*most).contains(least));
    let (most, _) = most.ok_or_else(|| invalid("MinCount and MaxCount must be from 1 to 100, and in this order"))?;
    let address = call.text("PrivateIpAddress").map(address).transpose()?;
    if most > 1 && address.is_some() {
        return Err(invalid("PrivateIpAddress can only be specified for one instance"));
    }
    let subnet = match call.text("SubnetId") {
        Some(subnet) => subnet.to_owned(),
        None => world.default_subnet(&call.scope)?,
    };
    let groups: BTreeSet<String> = call.list("SecurityGroupId").into_iter().map(str::to_owned).collect();
    let tags = forms::tag_specifications(call, "instance")?;
    let mut launched: Vec<String> = Vec::new();
    for _ in 0..most {
        let new = NewInstance { subnet: subnet.clone(), groups: groups.clone(), address, tags: tags.clone() };
        match world.run_instance(&call.scope, new) {
            Ok(id) => launched.push(id),
            // The subnet may be full after some.
            Err(failure) => {
                launched.iter().try_for_each(|id| world.forget_instance(&call.scope, id))?;
                return Err(failure);
            }
        }
    }
    let mut written = Vec::new();
    for id in &launched {
        let interfaces = world.interfaces_of(&call.scope, id);
        let ec2 = &world.region_mut(&call.scope).ec2;
        written.push(xml(&call.scope, ec2, ec2.instance(id)?, &interfaces));
    }
    let reservation = launched.first().map(|id| reservation_id(id));
    let xml = Xml::new().maybe("reservationId", reservation).text("ownerId", &call.scope.account);
    Ok(xml.list("groupSet", "item", []).list("instancesSet", "item", written))
}

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let ids = call.list("InstanceId");
    if !ids.is_empty() && call.text("MaxResults").is_some() {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Failure::new("InvalidParameterCombination", message));
    }
    let filters = Filters::of(call, &KNOWN)?;
    let reading = Reading::begin(world, call, &(5..=1000))?;
    world.region_mut(&call.scope);
    let Some(region) = world.region(&call.scope) else { return Err(no_instance("")) };
    let ec2 = &region.ec2;
    if let Some(unknown) = ids.iter().find(|id| !ec2.instances.contains_key(**id)) {
        return Err(no_instance(unknown));
    }
    let asked = ec2.instances.values().filter(|instance| ids.is_empty() || ids.contains(&instance.id.as_str()));
    let found = asked.map(|instance| (instance, world.interfaces_of(&call.scope, &instance.id)));
    let found = found.filter(|(instance, interfaces)| {
        filters.accept(&instance.tags, |name| field(&call.scope, instance, interfaces, name))
    });
    let (found, next) = reading.page(found.map(|found| (found.0.id.clone(), found)));
    let reservation = |(instance, interfaces): (&Instance, Vec<std::sync::Arc<Interface>>)| {
        let xml = Xml::new().text("reservationId", reservation_id(&instance.id)).text("ownerId", &call.scope.account);
        let instance = self::xml(&call.scope, ec2, instance, &interfaces);
        xml.list("groupSet", "item", []).list("instancesSet", "item", [instance])
    };
    Ok(forms::page("reservationSet", (found.into_iter().map(reservation).collect(), next)))
}

fn field(scope: &Scope, instance: &Instance, interfaces: &[std::sync::Arc<Interface>], name: &str) -> Vec<String> {
    let addresses = |interface: &std::sync::Arc<Interface>| {
        interface.addresses.iter().filter(|address| address.is_ipv4()).map(ToString::to_string).collect::<Vec<_>>()
    };
    match name {
        "instance-id" => vec![instance.id.clone()],
        "vpc-id" => vec![instance.vpc.clone()],
        "subnet-id" => vec![instance.subnet.clone()],
        "instance-state-name" => vec![instance.state.clone()],
        "owner-id" => vec![scope.account.clone()],
        "private-ip-address" => interfaces.first().map(addresses).unwrap_or_default().into_iter().take(1).collect(),
        "instance.group-id" => interfaces.iter().flat_map(|interface| interface.groups.iter().cloned()).collect(),
        "network-interface.network-interface-id" => interfaces.iter().map(|it| it.id.clone()).collect(),
        _ => interfaces.iter().flat_map(addresses).collect(),
    }
}

fn reservation_id(instance: &str) -> String {
    instance.replacen("i-", "r-", 1)
}

/// Source: `Instance`. Its groups are those of its primary interface.
fn xml(scope: &Scope, ec2: &Ec2, instance: &Instance, interfaces: &[std::sync::Arc<Interface>]) -> Xml {
    let zone = ec2.subnets.get(&instance.subnet).map(|subnet| subnet.availability_zone.clone());
    let xml = Xml::new()
        .text("instanceId", &instance.id)
        .nested("instanceState", state(&instance.state))
        .nested("placement", Xml::new().maybe("availabilityZone", zone))
        .text("vpcId", &instance.vpc)
        .text("subnetId", &instance.subnet);
    let xml = match interfaces.first() {
        Some(primary) => {
            let address = primary.addresses.iter().find(|address| address.is_ipv4());
            let xml = xml.maybe("privateIpAddress", address).maybe("ipAddress", primary.public_address);
            interfaces::groups(xml, ec2, primary)
        }
        None => xml,
    };
    let interface = |interface: &std::sync::Arc<Interface>| {
        let index = interface.attachment.as_ref().map(|at| at.device_index);
        let attachment = Xml::new().text("attachmentId", attachment_id(interface)).maybe("deviceIndex", index);
        let xml = Xml::new()
            .text("networkInterfaceId", &interface.id)
            .text("subnetId", &interface.subnet)
            .text("vpcId", &interface.vpc)
            .text("ownerId", &scope.account)
            .text("status", "in-use")
            .text("interfaceType", &interface.kind)
            .nested("attachment", attachment.text("status", "attached"));
        addresses(interfaces::groups(xml, ec2, interface), interface)
    };
    forms::tag_set(xml.list("networkInterfaceSet", "item", interfaces.iter().map(interface)), &instance.tags)
}

/// Source: `InstanceState`.
fn state(name: &str) -> Xml {
    let code = match name {
        "pending" => 0,
        "shutting-down" => 32,
        "terminated" => 48,
        "stopping" => 64,
        "stopped" => 80,
        _ => 16,
    };
    Xml::new().text("code", code).text("name", name)
}

fn terminate(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    change(world, call, World::terminate_instance, "terminated")
}

fn stop(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    check_not_ended(world, call)?;
    change(world, call, World::stop_instance, "stopped")
}

fn start(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    check_not_ended(world, call)?;
    change(world, call, World::start_instance, "running")
}

/// All are looked at before one is changed.
fn check_not_ended(world: &mut World, call: &Call) -> Result<(), Failure> {
    call.list("InstanceId").into_iter().try_for_each(|id| world.check_not_ended(&call.scope, id))
}

fn change(
    world: &mut World,
    call: &Call,
    change: fn(&mut World, &Scope, &str) -> Result<String, Failure>,
    becomes: &str,
) -> Result<Xml, Failure> {
    let ids = forms::some(call, "InstanceId")?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    ids.iter().try_for_each(|id| ec2.instance(id).map(drop))?;
    let mut changed = Vec::new();
    for id in &ids {
        let before = change(world, &call.scope, id)?;
        let xml = Xml::new().text("instanceId", id).nested("currentState", state(becomes));
        changed.push(xml.nested("previousState", state(&before)));
    }
    Ok(Xml::new().list("instancesSet", "item", changed))
}
