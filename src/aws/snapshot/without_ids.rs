//! Rules out of describe-security-groups.json, where describe-security-group-rules.json is not there.
//!
//! They have neither ids nor tags, so that all count as foreign.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::RuleId;

/// How the id of a rule begins that has none. An id of AWS's is `sgr-` and digits.
const NO_ID: &str = "no-id:";

/// Whether this stands for an id that was not told: AWS knows no such rule. One revokes it by what it says.
pub fn has_no_id(id: &RuleId) -> bool {
    id.as_str().starts_with(NO_ID)
}

/// Puts the rules of all groups in place of those that are not there.
pub fn stand_in(items: &mut BTreeMap<&'static str, Vec<Value>>) {
    if items.contains_key("DescribeSecurityGroupRules") {
        return;
    }
    let Some(groups) = items.get("DescribeSecurityGroups") else { return };
    let rules = groups.iter().flat_map(rules_of).collect();
    items.insert("DescribeSecurityGroupRules", rules);
}

/// The rules of a group, as its description lists them.
pub fn rules_of(group: &Value) -> Vec<Value> {
    let permissions = |field| group.get(field).and_then(Value::as_array).into_iter().flatten();
    let ingress = permissions("IpPermissions").flat_map(|permission| rules(group, false.into(), permission));
    let egress = permissions("IpPermissionsEgress").flat_map(|permission| rules(group, true.into(), permission));
    ingress.chain(egress).collect()
}

/// A permission stands for a rule for each peer. Sources: `IpPermission`, `SecurityGroupRule`.
fn rules(group: &Value, is_egress: Value, permission: &Value) -> Vec<Value> {
    let peers = |list: &str, of_rule: &'static str, field: &'static str| -> Vec<(&'static str, Value, Value)> {
        let peers = permission.get(list).and_then(Value::as_array).into_iter().flatten();
        peers.map(|peer| (of_rule, peer.get(field).cloned().unwrap_or_default(), peer["Description"].clone())).collect()
    };
    let groups = permission.get("UserIdGroupPairs").and_then(Value::as_array).into_iter().flatten();
    let by_group = groups.map(|pair| ("ReferencedGroupInfo", referenced(pair), pair["Description"].clone()));
    let all = [
        peers("IpRanges", "CidrIpv4", "CidrIp"),
        peers("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        peers("PrefixListIds", "PrefixListId", "PrefixListId"),
        by_group.collect(),
    ];
    let rule = |(field, peer, description): (&'static str, Value, Value)| {
        let number = |name: &str| permission.get(name).cloned().unwrap_or_else(|| json!(-1));
        let mut rule = Map::from_iter([
            ("GroupId".to_owned(), group["GroupId"].clone()),
            ("GroupOwnerId".to_owned(), group["OwnerId"].clone()),
            ("IsEgress".to_owned(), is_egress.clone()),
            ("IpProtocol".to_owned(), permission["IpProtocol"].clone()),
            ("FromPort".to_owned(), number("FromPort")),
            ("ToPort".to_owned(), number("ToPort")),
            ("Description".to_owned(), description),
            (field.to_owned(), peer),
        ]);
        rule.retain(|_, value| !value.is_null());
        rule.insert("SecurityGroupRuleId".to_owned(), Value::String(stand_in_id(&rule)));
        Value::Object(rule)
    };
    all.into_iter().flatten().map(rule).collect()
}

fn referenced(pair: &Value) -> Value {
    let fields = ["GroupId", "UserId", "VpcId", "VpcPeeringConnectionId", "PeeringStatus"];
    let given = fields.iter().filter_map(|field| Some(((*field).to_owned(), pair.get(*field)?.clone())));
    Value::Object(given.collect())
}

/// The same for the same rule, and another for each other one of the account.
fn stand_in_id(rule: &Map<String, Value>) -> String {
    let text = |field: &str| match rule.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(peer)) => peer.get("GroupId").and_then(Value::as_str).unwrap_or_default().to_owned(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let direction = if rule.get("IsEgress") == Some(&Value::Bool(true)) { "egress" } else { "ingress" };
    let peer: String = ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"].map(text).concat();
    let ports = [text("FromPort"), text("ToPort")].join("-");
    format!("{NO_ID}{}/{direction}/{}/{ports}/{peer}", text("GroupId"), text("IpProtocol"))
}
