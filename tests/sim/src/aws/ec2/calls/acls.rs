//! Calls about network ACLs.

use super::super::acls::EntryNumber;
use super::super::lookup::{invalid, no_network_acl};
use super::super::model::{AclEntry, Ec2, NetworkAcl, Tags};
use super::super::reading::Reading;
use super::network::Listing;
use super::{FILTERS, Operation, PAGES, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

const ENTRY: &[&str] = &[
    "NetworkAclId",
    "RuleNumber",
    "Egress",
    "Protocol",
    "RuleAction",
    "CidrBlock",
    "Ipv6CidrBlock",
    "Icmp.Type",
    "Icmp.Code",
    "PortRange.From",
    "PortRange.To",
];

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "DescribeNetworkAcls", parameters: &[FILTERS, PAGES, &["NetworkAclId"]], run: describe },
    Operation { action: "CreateNetworkAcl", parameters: &[&["VpcId", "ClientToken"]], run: create },
    Operation { action: "CreateNetworkAclEntry", parameters: &[ENTRY], run: create_entry },
    Operation { action: "ReplaceNetworkAclEntry", parameters: &[ENTRY], run: replace_entry },
    Operation {
        action: "DeleteNetworkAclEntry",
        parameters: &[&["NetworkAclId", "RuleNumber", "Egress"]],
        run: delete_entry,
    },
    Operation {
        action: "ReplaceNetworkAclAssociation",
        parameters: &[&["AssociationId", "NetworkAclId"]],
        run: replace_association,
    },
];

/// Tags of what has none here.
pub const UNTAGGED: &Tags = &Tags::new();

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    let listing = Listing {
        ids: "NetworkAclId",
        known_filters: &["network-acl-id", "vpc-id", "default", "owner-id", "association.subnet-id"],
        absent: no_network_acl,
        all: &ec2.network_acls,
    };
    let field = |acl: &NetworkAcl, name: &str| match name {
        "network-acl-id" => vec![acl.id.clone()],
        "vpc-id" => vec![acl.vpc.clone()],
        "default" => vec![acl.is_default.to_string()],
        "owner-id" => vec![call.scope.account.clone()],
        _ => acl.subnets.iter().cloned().collect(),
    };
    let (found, next) = listing.read(&reading, call, |_| UNTAGGED, field)?;
    let written = found.into_iter().map(|acl| xml(&call.scope, ec2, acl)).collect();
    Ok(forms::page("networkAclSet", (written, next)))
}

/// Source: `NetworkAcl`.
fn xml(scope: &Scope, ec2: &Ec2, acl: &NetworkAcl) -> Xml {
    let association = |subnet: &String| {
        let xml = Xml::new().maybe("networkAclAssociationId", ec2.acl_associations.get(subnet));
        xml.text("networkAclId", &acl.id).text("subnetId", subnet)
    };
    Xml::new()
        .text("networkAclId", &acl.id)
        .text("vpcId", &acl.vpc)
        .text("ownerId", &scope.account)
        .text("default", acl.is_default)
        .list("entrySet", "item", acl.entries.iter().map(entry_xml))
        .list("associationSet", "item", acl.subnets.iter().map(association))
        .list("tagSet", "item", [])
}

/// Source: `NetworkAclEntry`.
fn entry_xml(((egress, number), entry): (&(bool, u16), &AclEntry)) -> Xml {
    let xml = Xml::new()
        .text("ruleNumber", number)
        .text("protocol", &entry.protocol)
        .text("ruleAction", if entry.allow { "allow" } else { "deny" })
        .text("egress", egress)
        .text(if entry.cidr.addr().is_ipv4() { "cidrBlock" } else { "ipv6CidrBlock" }, entry.cidr);
    match (entry.icmp, entry.ports) {
        (Some((kind, code)), _) => xml.nested("icmpTypeCode", Xml::new().text("type", kind).text("code", code)),
        (_, Some((from, to))) => xml.nested("portRange", Xml::new().text("from", from).text("to", to)),
        _ => xml,
    }
}

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let id = world.create_network_acl(&call.scope, call.required("VpcId")?)?;
    let ec2 = &world.region_mut(&call.scope).ec2;
    Ok(Xml::new().nested("networkAcl", xml(&call.scope, ec2, ec2.network_acl(&id)?)))
}

fn create_entry(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let acl = call.required("NetworkAclId")?;
    world.create_acl_entry(&call.scope, acl, number(call)?, entry(call)?)?;
    Ok(forms::done())
}

fn replace_entry(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let acl = call.required("NetworkAclId")?;
    world.replace_acl_entry(&call.scope, acl, number(call)?, entry(call)?)?;
    Ok(forms::done())
}

fn delete_entry(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_acl_entry(&call.scope, call.required("NetworkAclId")?, number(call)?)?;
    Ok(forms::done())
}

fn replace_association(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (association, acl) = (call.required("AssociationId")?, call.required("NetworkAclId")?);
    let id = world.replace_acl_association(&call.scope, association, acl)?;
    Ok(Xml::new().text("newAssociationId", id))
}

fn number(call: &Call) -> Result<EntryNumber, Failure> {
    call.required("RuleNumber")?;
    call.required("Egress")?;
    Ok(EntryNumber { egress: call.flag("Egress"), number: call.number("RuleNumber")?.unwrap_or_default() })
}

fn entry(call: &Call) -> Result<AclEntry, Failure> {
    let allow = match call.required("RuleAction")? {
        "allow" => true,
        "deny" => false,
        other => return Err(invalid(format!("Invalid value '{other}' for ruleAction"))),
    };
    Ok(AclEntry {
        protocol: call.required("Protocol")?.to_owned(),
        cidr: forms::either(call, "CidrBlock", "Ipv6CidrBlock")?,
        allow,
        ports: call.number("PortRange.From")?.zip(call.number("PortRange.To")?),
        icmp: call.number("Icmp.Type")?.zip(call.number("Icmp.Code")?),
    })
}
