//! Calls about network interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::interfaces::{NewInterface, check_manageable};
use super::super::lookup::{invalid, no_interface};
use super::super::model::{Ec2, Interface};
use super::super::reading::{Filters, Reading};
use super::{FILTERS, Operation, PAGES, TAGS, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

const CREATE: &[&str] = &[
    "SubnetId",
    "Description",
    "SecurityGroupId",
    "PrivateIpAddress",
    "PrivateIpAddresses.PrivateIpAddress",
    "PrivateIpAddresses.Primary",
    "Ipv6Addresses.Ipv6Address",
    "Ipv4Prefix.Ipv4Prefix",
    "Ipv6Prefix.Ipv6Prefix",
    "InterfaceType",
    "ClientToken",
];

pub const OPERATIONS: &[Operation] = &[
    Operation {
        action: "DescribeNetworkInterfaces",
        parameters: &[FILTERS, PAGES, &["NetworkInterfaceId", "IncludeManagedResources"]],
        run: describe,
    },
    Operation { action: "CreateNetworkInterface", parameters: &[TAGS, CREATE], run: create },
    Operation { action: "DeleteNetworkInterface", parameters: &[&["NetworkInterfaceId"]], run: delete },
    Operation {
        action: "ModifyNetworkInterfaceAttribute",
        parameters: &[&["NetworkInterfaceId", "SecurityGroupId", "Description.Value"]],
        run: modify,
    },
    Operation {
        action: "AttachNetworkInterface",
        parameters: &[&["NetworkInterfaceId", "InstanceId", "DeviceIndex"]],
        run: attach,
    },
];

/// Filters whose values an interface can be found by.
const INDEXED: [&str; 7] = [
    "network-interface-id",
    "vpc-id",
    "subnet-id",
    "group-id",
    "attachment.instance-id",
    "addresses.private-ip-address",
    "ipv6-addresses.ipv6-address",
];

const KNOWN: [&str; 17] = [
    "network-interface-id",
    "vpc-id",
    "subnet-id",
    "group-id",
    "attachment.instance-id",
    "addresses.private-ip-address",
    "ipv6-addresses.ipv6-address",
    "private-ip-address",
    "attachment.device-index",
    "availability-zone",
    "description",
    "interface-type",
    "owner-id",
    "requester-id",
    "requester-managed",
    "status",
    "association.public-ip",
];

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let ids: BTreeSet<String> = call.list("NetworkInterfaceId").into_iter().map(str::to_owned).collect();
    if !ids.is_empty() && call.text("MaxResults").is_some() {
        let message = "The parameter maxResults cannot be used with the parameter networkInterfaceIds";
        return Err(Failure::new("InvalidParameterCombination", message));
    }
    let filters = Filters::of(call, &KNOWN)?;
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    if let Some(unknown) = ids.iter().find(|id| ec2.interfaces.get_at(id, reading.at).is_none()) {
        return Err(no_interface(unknown));
    }
    let sets = filters.exact(&INDEXED).chain((!ids.is_empty()).then_some(&ids));
    let found = ec2.interfaces.narrowed_at(sets, reading.at);
    let found = found.filter(|interface| ids.is_empty() || ids.contains(&interface.id));
    let field = |interface: &Interface, name: &str| field(&call.scope, ec2, interface, name);
    let found = found.filter(|interface| filters.accept(&interface.tags, |name| field(interface, name)));
    let (found, next) = reading.page(found.map(|interface| (interface.id.clone(), interface)));
    let written = found.into_iter().map(|interface| xml(&call.scope, ec2, interface)).collect();
    Ok(forms::page("networkInterfaceSet", (written, next)))
}

fn field(scope: &Scope, ec2: &Ec2, interface: &Interface, name: &str) -> Vec<String> {
    let addresses = |v4: bool| interface.addresses.iter().filter(move |it| it.is_ipv4() == v4).map(ToString::to_string);
    let attachment = interface.attachment.as_ref();
    match name {
        "network-interface-id" => vec![interface.id.clone()],
        "vpc-id" => vec![interface.vpc.clone()],
        "subnet-id" => vec![interface.subnet.clone()],
        "group-id" => interface.groups.iter().cloned().collect(),
        "attachment.instance-id" => attachment.and_then(|at| at.instance.clone()).into_iter().collect(),
        "attachment.device-index" => attachment.map(|at| at.device_index.to_string()).into_iter().collect(),
        "addresses.private-ip-address" => addresses(true).collect(),
        "private-ip-address" => addresses(true).take(1).collect(),
        "ipv6-addresses.ipv6-address" => addresses(false).collect(),
        "availability-zone" => zone(ec2, interface).into_iter().map(str::to_owned).collect(),
        "description" => vec![interface.description.clone()],
        "interface-type" => vec![interface.kind.clone()],
        "owner-id" => vec![scope.account.clone()],
        "requester-id" => interface.requester.iter().cloned().collect(),
        "requester-managed" => vec![interface.requester.is_some().to_string()],
        "status" => vec![status(interface).into()],
        _ => interface.public_address.iter().map(ToString::to_string).collect(),
    }
}

fn zone<'a>(ec2: &'a Ec2, interface: &Interface) -> Option<&'a str> {
    ec2.subnets.get(&interface.subnet).map(|subnet| subnet.availability_zone.as_str())
}

fn status(interface: &Interface) -> &'static str {
    if interface.attachment.is_some() { "in-use" } else { "available" }
}

/// Source: `NetworkInterface`.
fn xml(scope: &Scope, ec2: &Ec2, interface: &Interface) -> Xml {
    let xml = Xml::new()
        .text("networkInterfaceId", &interface.id)
        .text("subnetId", &interface.subnet)
        .text("vpcId", &interface.vpc)
        .maybe("availabilityZone", zone(ec2, interface))
        .text("description", &interface.description)
        .text("ownerId", &scope.account)
        .maybe("requesterId", interface.requester.as_ref())
        .text("requesterManaged", interface.requester.is_some())
        .text("status", status(interface))
        .text("interfaceType", &interface.kind)
        .text("sourceDestCheck", true);
    let xml = addresses(groups(xml, ec2, interface), interface);
    let attachment = interface.attachment.as_ref().map(|at| {
        let owner = at.instance.as_ref().map_or("amazon-aws", |_| scope.account.as_str());
        Xml::new()
            .text("attachmentId", attachment_id(interface))
            .maybe("instanceId", at.instance.as_ref())
            .text("instanceOwnerId", owner)
            .text("deviceIndex", at.device_index)
            .text("status", "attached")
            .text("deleteOnTermination", at.device_index == 0)
    });
    let xml = match attachment {
        Some(attachment) => xml.nested("attachment", attachment),
        None => xml,
    };
    forms::tag_set(xml, &interface.tags)
}

pub fn attachment_id(interface: &Interface) -> String {
    interface.id.replacen("eni-", "eni-attach-", 1)
}

/// `<groupSet>`
pub fn groups(xml: Xml, ec2: &Ec2, interface: &Interface) -> Xml {
    let group = |id: &String| {
        let name = ec2.groups.get(id).map(|group| group.name.clone());
        Xml::new().text("groupId", id).maybe("groupName", name)
    };
    xml.list("groupSet", "item", interface.groups.iter().map(group))
}

/// Private addresses, the public one, and prefixes.
pub fn addresses(xml: Xml, interface: &Interface) -> Xml {
    let public = interface.public_address.map(|address| {
        Xml::new().text("publicIp", address).text("ipOwnerId", interface.requester.as_deref().unwrap_or("amazon"))
    });
    let associated = |xml: Xml| match public.clone() {
        Some(association) => xml.nested("association", association),
        None => xml,
    };
    let v4 = || interface.addresses.iter().filter(|address| address.is_ipv4());
    let v6 = || interface.addresses.iter().filter(|address| address.is_ipv6());
    let private = v4().enumerate().map(|(number, address)| {
        let xml = Xml::new().text("privateIpAddress", address).text("primary", number == 0);
        if number == 0 { associated(xml) } else { xml }
    });
    let prefixes = |v4: bool| interface.prefixes.iter().filter(move |prefix| prefix.addr().is_ipv4() == v4);
    associated(xml.maybe("privateIpAddress", v4().next()))
        .list("privateIpAddressesSet", "item", private)
        .list("ipv6AddressesSet", "item", v6().map(|address| Xml::new().text("ipv6Address", address)))
        .list("ipv4PrefixSet", "item", prefixes(true).map(|prefix| Xml::new().text("ipv4Prefix", prefix)))
        .list("ipv6PrefixSet", "item", prefixes(false).map(|prefix| Xml::new().text("ipv6Prefix", prefix)))
}

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let kind = call.text("InterfaceType").unwrap_or("interface");
    if !["interface", "branch", "trunk", "efa"].contains(&kind) {
        return Err(invalid(format!(
            "Interfaces of type '{kind}' can not be created by callers, or are not simulated"
        )));
    }
    let new = NewInterface {
        groups: call.list("SecurityGroupId").into_iter().map(str::to_owned).collect(),
        addresses: asked_addresses(call)?,
        prefixes: asked_prefixes(call)?,
        description: call.text("Description").unwrap_or_default().to_owned(),
        kind: kind.to_owned(),
        tags: forms::tag_specifications(call, "network-interface")?,
        ..NewInterface::in_subnet(call.required("SubnetId")?)
    };
    let id = world.create_network_interface(&call.scope, new)?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    Ok(Xml::new().nested("networkInterface", xml(&call.scope, ec2, ec2.interface(&id)?)))
}

/// The primary one first.
fn asked_addresses(call: &Call) -> Result<Vec<IpAddr>, Failure> {
    let mut addresses: Vec<IpAddr> = call.text("PrivateIpAddress").map(address).transpose()?.into_iter().collect();
    for item in call.items("PrivateIpAddresses") {
        let address = address(call.required(&format!("{item}.PrivateIpAddress"))?)?;
        let position = if call.flag(&format!("{item}.Primary")) { 0 } else { addresses.len() };
        addresses.insert(position, address);
    }
    if let Some(other) = addresses.iter().find(|address| !address.is_ipv4()) {
        return Err(invalid(format!("Value ({other}) for parameter privateIpAddress is invalid.")));
    }
    for item in call.items("Ipv6Addresses") {
        let text = call.required(&format!("{item}.Ipv6Address"))?;
        let v6 = address(text)?;
        if v6.is_ipv4() {
            return Err(invalid(format!("Value ({text}) for parameter ipv6Address is invalid.")));
        }
        addresses.push(v6);
    }
    Ok(addresses)
}

pub fn address(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| invalid(format!("Invalid value '{text}' for an IP address")))
}

fn asked_prefixes(call: &Call) -> Result<BTreeSet<IpNet>, Failure> {
    let mut prefixes = BTreeSet::new();
    for item in call.items("Ipv4Prefix") {
        prefixes.insert(forms::v4(call.required(&format!("{item}.Ipv4Prefix"))?)?.into());
    }
    for item in call.items("Ipv6Prefix") {
        prefixes.insert(forms::v6(call.required(&format!("{item}.Ipv6Prefix"))?)?.into());
    }
    Ok(prefixes)
}

fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_network_interface(&call.scope, call.required("NetworkInterfaceId")?)?;
    Ok(forms::done())
}

/// One attribute a call.
fn modify(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let id = call.required("NetworkInterfaceId")?;
    check_manageable(world.region_mut(&call.scope).ec2.interface(id)?)?;
    let groups: BTreeSet<String> = call.list("SecurityGroupId").into_iter().map(str::to_owned).collect();
    let description = call.parameters.get("Description.Value").cloned();
    match (groups.is_empty(), description) {
        (false, None) => world.set_interface_groups(&call.scope, id, groups)?,
        (true, Some(text)) => world.change_interface(&call.scope, id, |interface| interface.description = text)?,
        _ => return Err(Failure::new("InvalidParameterCombination", "Exactly one attribute must be specified")),
    }
    Ok(forms::done())
}

fn attach(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (id, instance) = (call.required("NetworkInterfaceId")?, call.required("InstanceId")?);
    call.required("DeviceIndex")?;
    let device_index = call.number("DeviceIndex")?.unwrap_or_default();
    world.attach_network_interface(&call.scope, id, instance, device_index)?;
    let interface = world.region_mut(&call.scope).ec2.interface(id)?;
    Ok(Xml::new().text("attachmentId", attachment_id(interface)))
}
