//! Calls about security groups.

use super::super::groups::NewGroup;
use super::super::lookup::no_group;
use super::super::model::{Peer, SecurityGroup};
use super::super::reading::{Filters, Reading};
use super::{FILTERS, Operation, PAGES, TAGS, forms, rules_xml};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

pub const OPERATIONS: &[Operation] = &[
    Operation {
        action: "DescribeSecurityGroups",
        parameters: &[FILTERS, PAGES, &["GroupId", "GroupName"]],
        run: describe,
    },
    Operation {
        action: "CreateSecurityGroup",
        parameters: &[TAGS, &["GroupName", "GroupDescription", "VpcId"]],
        run: create,
    },
    Operation { action: "DeleteSecurityGroup", parameters: &[&["GroupId"]], run: delete },
];

/// Filters whose values a group can be found by.
const INDEXED: [&str; 2] = ["group-id", "vpc-id"];

const KNOWN: [&str; 18] = [
    "group-id",
    "vpc-id",
    "group-name",
    "description",
    "owner-id",
    "ip-permission.cidr",
    "ip-permission.ipv6-cidr",
    "ip-permission.group-id",
    "ip-permission.prefix-list-id",
    "ip-permission.protocol",
    "ip-permission.from-port",
    "ip-permission.to-port",
    "egress.ip-permission.cidr",
    "egress.ip-permission.ipv6-cidr",
    "egress.ip-permission.group-id",
    "egress.ip-permission.prefix-list-id",
    "egress.ip-permission.from-port",
    "egress.ip-permission.to-port",
];

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let filters = Filters::of(call, &KNOWN)?;
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let groups = &world.region_mut(&call.scope).ec2;
    let ids = call.list("GroupId").into_iter().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let names = call.list("GroupName");
    let named = |group: &SecurityGroup| names.is_empty() || names.contains(&group.name.as_str());
    if let Some(unknown) = ids.iter().find(|id| groups.groups.get_at(id, reading.at).is_none()) {
        return Err(no_group(unknown));
    }
    // Source: "To describe groups by name, they must be in the default VPC".
    let default_vpc = groups.default_vpc().map(|vpc| vpc.id.clone());
    let is_default = |group: &SecurityGroup| names.is_empty() || Some(&group.vpc) == default_vpc.as_ref();
    for name in &names {
        let is_it = |group: &&std::sync::Arc<SecurityGroup>| group.name == *name && is_default(group);
        groups.groups.iter_at(reading.at).find(is_it).ok_or_else(|| {
            Failure::new("InvalidGroup.NotFound", format!("The security group '{name}' does not exist"))
        })?;
    }
    let sets = filters.exact(&INDEXED).chain((!ids.is_empty()).then_some(&ids));
    let found = groups.groups.narrowed_at(sets, reading.at).filter(|group| ids.is_empty() || ids.contains(&group.id));
    let found = found.filter(|group| named(group) && is_default(group));
    let found = found.filter(|group| filters.accept(&group.tags, |name| field(&call.scope, group, name)));
    let found = reading.page(found.map(|group| (group.id.clone(), group)));
    let written = found.0.into_iter().map(|group| xml(&call.scope, group)).collect();
    Ok(forms::page("securityGroupInfo", (written, found.1)))
}

fn field(scope: &Scope, group: &SecurityGroup, name: &str) -> Vec<String> {
    match name {
        "group-id" => vec![group.id.clone()],
        "vpc-id" => vec![group.vpc.clone()],
        "group-name" => vec![group.name.clone()],
        "description" => vec![group.description.clone()],
        "owner-id" => vec![scope.account.clone()],
        _ => of_rules(group, name),
    }
}

/// What the rules of a direction have in a field.
fn of_rules(group: &SecurityGroup, name: &str) -> Vec<String> {
    let (egress, field) = match name.strip_prefix("egress.") {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let rules = group.rules.values().map(|rule| &rule.traffic).filter(|traffic| traffic.egress == egress);
    let value = |traffic: &super::super::model::RuleTraffic| match (field, &traffic.peer) {
        ("ip-permission.cidr", Peer::Cidr(cidr)) if cidr.addr().is_ipv4() => Some(cidr.to_string()),
        ("ip-permission.ipv6-cidr", Peer::Cidr(cidr)) if cidr.addr().is_ipv6() => Some(cidr.to_string()),
        ("ip-permission.group-id", Peer::Group { id, .. }) => Some(id.clone()),
        ("ip-permission.prefix-list-id", Peer::PrefixList(id)) => Some(id.clone()),
        ("ip-permission.protocol", _) => Some(traffic.protocol.clone()),
        ("ip-permission.from-port", _) => Some(traffic.from.to_string()),
        ("ip-permission.to-port", _) => Some(traffic.to.to_string()),
        _ => None,
    };
    rules.filter_map(value).collect()
}

/// Source: `SecurityGroup`.
fn xml(scope: &Scope, group: &SecurityGroup) -> Xml {
    let xml = Xml::new()
        .text("ownerId", &scope.account)
        .text("groupId", &group.id)
        .text("groupName", &group.name)
        .text("groupDescription", &group.description)
        .text("vpcId", &group.vpc)
        .text("securityGroupArn", arn(scope, &group.id))
        .list("ipPermissions", "item", rules_xml::permissions_of(group, false))
        .list("ipPermissionsEgress", "item", rules_xml::permissions_of(group, true));
    forms::tag_set(xml, &group.tags)
}

fn arn(Scope { account, region }: &Scope, id: &str) -> String {
    format!("arn:aws:ec2:{region}:{account}:security-group/{id}")
}

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let tags = forms::tag_specifications(call, "security-group")?;
    let vpc = match call.text("VpcId") {
        Some(vpc) => vpc.to_owned(),
        None => {
            let default = world.region_mut(&call.scope).ec2.default_vpc().map(|vpc| vpc.id.clone());
            default.ok_or_else(|| Failure::new("VPCIdNotSpecified", "No default VPC for this user."))?
        }
    };
    let name = call.required("GroupName")?.to_owned();
    let description = call.required("GroupDescription")?.to_owned();
    let new = NewGroup { name, description, vpc, tags: tags.clone() };
    let id = world.create_security_group(&call.scope, new)?;
    let xml = forms::done().text("groupId", &id).text("securityGroupArn", arn(&call.scope, &id));
    Ok(forms::tag_set(xml, &tags))
}

fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let id = call.required("GroupId")?;
    world.delete_security_group(&call.scope, id)?;
    Ok(forms::done().text("groupId", id))
}
