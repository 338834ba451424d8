//! Calls about rules of security groups.

use std::collections::BTreeSet;

use super::super::lookup::{invalid, no_rule};
use super::super::model::{Rule, RuleTraffic, SecurityGroup};
use super::super::reading::{Filters, Reading};
use super::super::rules::{NewRule, RuleChange, RuleName};
use super::forms::PERMISSIONS;
use super::{FILTERS, Operation, PAGES, TAGS, forms, rules_xml};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, World};

const REVOKE: &[&[&str]] = &[PERMISSIONS, &["GroupId", "SecurityGroupRuleId"]];

const UPDATE: &[&[&str]] = &[
    PERMISSIONS,
    &["GroupId", "SecurityGroupRuleDescription.SecurityGroupRuleId", "SecurityGroupRuleDescription.Description"],
];

const MODIFY: &[&str] = &[
    "GroupId",
    "SecurityGroupRule.SecurityGroupRuleId",
    "SecurityGroupRule.SecurityGroupRule.IpProtocol",
    "SecurityGroupRule.SecurityGroupRule.FromPort",
    "SecurityGroupRule.SecurityGroupRule.ToPort",
    "SecurityGroupRule.SecurityGroupRule.CidrIpv4",
    "SecurityGroupRule.SecurityGroupRule.CidrIpv6",
    "SecurityGroupRule.SecurityGroupRule.PrefixListId",
    "SecurityGroupRule.SecurityGroupRule.ReferencedGroupId",
    "SecurityGroupRule.SecurityGroupRule.Description",
];

pub const OPERATIONS: &[Operation] = &[
    Operation {
        action: "DescribeSecurityGroupRules",
        parameters: &[FILTERS, PAGES, &["SecurityGroupRuleId"]],
        run: describe,
    },
    Operation {
        action: "AuthorizeSecurityGroupIngress",
        parameters: &[PERMISSIONS, TAGS, &["GroupId"]],
        run: authorize,
    },
    Operation {
        action: "AuthorizeSecurityGroupEgress",
        parameters: &[PERMISSIONS, TAGS, &["GroupId"]],
        run: authorize,
    },
    Operation { action: "RevokeSecurityGroupIngress", parameters: REVOKE, run: revoke },
    Operation { action: "RevokeSecurityGroupEgress", parameters: REVOKE, run: revoke },
    Operation { action: "ModifySecurityGroupRules", parameters: &[MODIFY], run: modify },
    Operation { action: "UpdateSecurityGroupRuleDescriptionsIngress", parameters: UPDATE, run: update_descriptions },
    Operation { action: "UpdateSecurityGroupRuleDescriptionsEgress", parameters: UPDATE, run: update_descriptions },
];

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let filters = Filters::of(call, &["group-id", "security-group-rule-id"])?;
    let reading = Reading::begin(world, call, &(5..=1000))?;
    let groups = &world.region_mut(&call.scope).ec2.groups;
    let ids: BTreeSet<String> = call.list("SecurityGroupRuleId").into_iter().map(str::to_owned).collect();
    let is_there = |id: &str| {
        let mut holders = groups.ids_holding(id).filter_map(|group| groups.get_at(group, reading.at));
        holders.any(|group| group.rules.contains_key(id))
    };
    if let Some(unknown) = ids.iter().find(|id| !is_there(id)) {
        return Err(no_rule(unknown));
    }
    let sets = filters.exact(&["group-id", "security-group-rule-id"]).chain((!ids.is_empty()).then_some(&ids));
    let done = reading.after.as_ref().and_then(|key| key.split('/').next()).unwrap_or_default();
    let ahead = groups.narrowed_at(sets, reading.at).filter(|group| group.id.as_str() >= done);
    let rules = ahead.flat_map(|group| group.rules.values().map(move |rule| (group, rule)));
    let rules = rules.filter(|(group, rule)| {
        let asked = ids.is_empty() || ids.contains(&rule.id);
        asked && filters.accept(&rule.tags, |name| vec![field(group, rule, name)])
    });
    let found = rules.map(|(group, rule)| (format!("{}/{}", group.id, rule.id), (group, rule)));
    let (found, next) = reading.page(found);
    let written = found.into_iter().map(|(group, rule)| rules_xml::rule(&call.scope, &group.id, rule)).collect();
    Ok(forms::page("securityGroupRuleSet", (written, next)))
}

fn field(group: &SecurityGroup, rule: &Rule, name: &str) -> String {
    if name == "group-id" { group.id.clone() } else { rule.id.clone() }
}

fn authorize(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let tags = forms::tag_specifications(call, "security-group-rule")?;
    let group = call.required("GroupId")?;
    let rules = forms::permissions(call)?;
    if rules.is_empty() {
        return Err(missing("IpPermissions"));
    }
    let made = world.authorize(&call.scope, group, rules, &tags)?;
    let made = made.iter().map(|rule| rules_xml::rule(&call.scope, group, rule));
    Ok(forms::done().list("securityGroupRuleSet", "item", made))
}

fn revoke(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let group = call.required("GroupId")?;
    let ids: Vec<String> = call.list("SecurityGroupRuleId").into_iter().map(str::to_owned).collect();
    let traffic: Vec<RuleTraffic> = forms::permissions(call)?.into_iter().map(|rule| rule.traffic).collect();
    let (revoked, unknown) = match (ids.is_empty(), traffic.is_empty()) {
        (true, true) => return Err(missing("IpPermissions")),
        (false, false) => return Err(not_both("IpPermissions", "SecurityGroupRuleId")),
        (false, true) => {
            check_direction(world, call, group, &ids)?;
            (world.revoke(&call.scope, group, &ids)?, Vec::new())
        }
        (true, false) => {
            let revoked = world.revoke_traffic(&call.scope, group, traffic)?;
            (revoked.rules, revoked.unknown)
        }
    };
    let unknown = rules_xml::permissions(unknown.iter().map(|traffic| (traffic, None)));
    let revoked = revoked.iter().map(|rule| rules_xml::revoked(group, rule));
    let xml = forms::done().list("unknownIpPermissionSet", "item", unknown);
    Ok(xml.list("revokedSecurityGroupRuleSet", "item", revoked))
}

/// To a call for one direction, rules of the other are not there (unverified).
fn check_direction(world: &mut World, call: &Call, group: &str, ids: &[String]) -> Result<(), Failure> {
    let egress = call.action.ends_with("Egress");
    let group = world.region_mut(&call.scope).ec2.group(group)?;
    let is_other = |id: &&String| group.rules.get(*id).is_some_and(|rule| rule.traffic.egress != egress);
    ids.iter().find(is_other).map_or(Ok(()), |id| Err(no_rule(id)))
}

fn modify(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let group = call.required("GroupId")?;
    let mut changes = Vec::new();
    for item in call.items("SecurityGroupRule") {
        let id = call.required(&format!("{item}.SecurityGroupRuleId"))?.to_owned();
        let rule = format!("{item}.SecurityGroupRule");
        let protocol = call.required(&format!("{rule}.IpProtocol"))?.to_owned();
        let (from, to) = forms::ports(call, &rule)?;
        let given = ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId"]
            .into_iter()
            .filter_map(|field| Some((field, call.text(&format!("{rule}.{field}"))?)))
            .collect::<Vec<_>>();
        let [(field, text)] = given[..] else {
            return Err(invalid(format!("{rule} must have exactly one source or destination")));
        };
        let peer = peer_of(world, call, (group, &id), forms::peer(call, field, text, &rule)?)?;
        let description = call.text(&format!("{rule}.Description")).map(str::to_owned);
        let traffic = RuleTraffic { egress: false, protocol, from, to, peer };
        changes.push(RuleChange { id, to: NewRule { traffic, description } });
    }
    if changes.is_empty() {
        return Err(missing("SecurityGroupRule"));
    }
    world.modify_rules(&call.scope, group, changes)?;
    Ok(forms::done())
}

/// The call names no account of a peer group: a rule that keeps its peer keeps the account too.
fn peer_of(
    world: &mut World,
    call: &Call,
    (group, rule): (&str, &str),
    peer: super::super::model::Peer,
) -> Result<super::super::model::Peer, Failure> {
    use super::super::model::Peer::Group;
    let held = world.region_mut(&call.scope).ec2.group(group)?.rules.get(rule).map(|rule| &rule.traffic.peer);
    match (&peer, held) {
        (Group { id, .. }, Some(held @ Group { id: same, .. })) if id == same => Ok(held.clone()),
        _ => Ok(peer),
    }
}

fn update_descriptions(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let group = call.required("GroupId")?;
    let mut by_id = Vec::new();
    for item in call.items("SecurityGroupRuleDescription") {
        let id = call.required(&format!("{item}.SecurityGroupRuleId"))?.to_owned();
        by_id.push((id, call.text(&format!("{item}.Description")).map(str::to_owned)));
    }
    let by_permission = forms::permissions(call)?;
    let descriptions: Vec<(RuleName, Option<String>)> = match (by_id.is_empty(), by_permission.is_empty()) {
        (true, true) => return Err(missing("IpPermissions")),
        (false, false) => return Err(not_both("IpPermissions", "SecurityGroupRuleDescription")),
        (false, true) => {
            check_direction(world, call, group, &by_id.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>())?;
            by_id.into_iter().map(|(id, text)| (RuleName::Id(id), text)).collect()
        }
        (true, false) => {
            by_permission.into_iter().map(|rule| (RuleName::Traffic(rule.traffic), rule.description)).collect()
        }
    };
    world.describe_rules(&call.scope, group, descriptions)?;
    Ok(forms::done())
}

fn missing(name: &str) -> Failure {
    Failure::new("MissingParameter", format!("The request must contain the parameter {name}"))
}

fn not_both(one: &str, other: &str) -> Failure {
    let message = format!("The parameter {one} may not be used in combination with {other}");
    Failure::new("InvalidParameterCombination", message)
}
