//! Admission rules: what the API server refuses, and the words with which it says what to write
//! instead. Where the correction can be computed, it stands in the message.
//!
//! CEL's cost is estimated from `maxItems` and `maxLength` before any object exists, so every list
//! and string that a rule looks at carries one. A string made by `+` counts as endless; `format`
//! does not.

use kube::core::{Message, Rule};
use schemars::Schema;
use serde_json::json;

mod access;
mod peers;
mod places;

pub use access::*;
pub use peers::*;
pub use places::*;

fn rule(cel: impl Into<String>, message: &str) -> Rule {
    Rule::new(cel).message(message)
}

/// `message` is CEL: it may name what was written, and what would be right.
fn explained(cel: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(cel).message(Message::Expression(message.into()))
}

fn has_each(fields: &[&str]) -> String {
    let has: Vec<_> = fields.iter().map(|field| format!("has(self.{field})")).collect();
    format!("[{}]", has.join(", "))
}

/// CEL for the list of those names that are given.
fn given(fields: &[&str]) -> String {
    let names: Vec<_> = fields.iter().map(|field| format!("(has(self.{field}) ? ['{field}'] : [])")).collect();
    names.join(" + ")
}

fn alternatives(fields: &[&str]) -> String {
    match fields {
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
        [] => String::new(),
    }
}

pub fn exactly_one(what: &str, fields: &[&str]) -> Rule {
    explained(
        format!("{}.exists_one(given, given)", has_each(fields)),
        format!(
            "'{what} is named by exactly one of {}, but given are %s'.format([{}])",
            alternatives(fields),
            given(fields)
        ),
    )
}

// Names and ids of AWS

pub fn region() -> Rule {
    rule(
        "self.matches('^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$')",
        "not the name of an AWS Region: write one such as ap-northeast-2",
    )
}

pub fn account_id() -> Rule {
    rule("self.matches('^[0-9]{12}$')", "not an AWS account id: write its 12 digits, in quotes")
}

pub fn account_beside_id() -> Rule {
    rule(
        "!has(self.accountID) || has(self.id)",
        "accountID stands only beside id: name a group of another account by its id, or drop accountID",
    )
}

pub fn security_group_id() -> Rule {
    rule(
        "self.matches('^sg-[0-9a-f]{8,17}$')",
        "not the id of a security group: write one such as sg-0a1b2c3d4e5f67890, or give the group's name as name",
    )
}

pub fn security_group_name() -> Rule {
    rule("!self.startsWith('sg-')", "no group name begins with sg-: give the id of a security group as id")
}

pub fn vpc_id() -> Rule {
    rule(
        "self.matches('^vpc-[0-9a-f]{8,17}$')",
        "not the id of a VPC: write one such as vpc-0a1b2c3d4e5f67890 (a VPC's name is a tag, and need not be unique)",
    )
}

pub fn prefix_list_id() -> Rule {
    rule(
        "self.matches('^pl-[0-9a-f]{8,17}$')",
        "not the id of a prefix list: write one such as pl-0a1b2c3d, or give the list's name as name",
    )
}

/// A name may begin with `pl-`, but what looks like an id is meant as one.
pub fn prefix_list_name() -> Rule {
    explained(
        "!self.matches('^pl-[0-9a-f]{8,17}$')",
        "'this is the id of a prefix list, not a name: write id: %s'.format([self])",
    )
}

pub fn bound_tags(tags: &mut Schema) {
    tags.insert("maxProperties".into(), json!(20));
    if let Some(values) = tags.get_mut("additionalProperties") {
        values["maxLength"] = json!(256);
    }
}

pub fn some_tags() -> Rule {
    rule("size(self) > 0", "no tags would match everything: name at least one tag, or omit tags")
}

pub fn tag_keys() -> Rule {
    rule("self.all(key, size(key) >= 1 && size(key) <= 128)", "the key of a tag has 1 to 128 characters")
}

pub fn load_balancer_arn() -> Rule {
    rule(
        "self.matches('^arn:aws(-[a-z]+)*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/(app|net)/[0-9A-Za-z-]{1,32}/[0-9a-f]+$')",
        "not the ARN of an Application or Network Load Balancer: write one such as \
         arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188",
    )
}

pub fn target_group_arn() -> Rule {
    rule(
        "self.matches('^arn:aws(-[a-z]+)*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[0-9A-Za-z-]{1,32}/[0-9a-f]+$')",
        "not the ARN of a target group: write one such as \
         arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/shop-blue/73e2d6bc24d8a067",
    )
}

pub fn load_balancer_name() -> Rule {
    rule(
        "self.matches('^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$') && !self.startsWith('internal-')",
        "not the name of a load balancer: write its letters, digits and inner hyphens (not its DNS name, which may begin with internal-)",
    )
}

pub fn target_group_name() -> Rule {
    rule(
        "self.matches('^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$')",
        "not the name of a target group in AWS: write letters, digits and inner hyphens only",
    )
}

/// A name within a binding; every name that a target group can have in AWS is one.
pub fn target_group_label() -> Rule {
    rule(
        "self.matches('^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$')",
        "not a name for a target group: write letters, digits and inner hyphens only",
    )
}

pub fn object_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        "not the name of an object: write the metadata.name of an object of this namespace, in lower case, without namespace",
    )
}

// The load balancer

const LOAD_BALANCER: [&str; 6] = ["arn", "name", "tags", "ingress", "gateway", "service"];

pub fn at_most_one_load_balancer() -> Rule {
    explained(
        format!("{}.filter(given, given).size() <= 1", has_each(&LOAD_BALANCER)),
        format!(
            "'a load balancer is named by only one of {}, but given are %s'.format([{}])",
            alternatives(&LOAD_BALANCER),
            given(&LOAD_BALANCER)
        ),
    )
}

pub fn load_balancer_or_group() -> Rule {
    rule(
        format!("{}.exists(given, given) || has(self.securityGroup)", has_each(&LOAD_BALANCER)),
        "no load balancer is named: write one of arn, name, tags, ingress, gateway or service, or only the securityGroup to write",
    )
}

pub fn group_id_without_load_balancer() -> Rule {
    rule(
        format!(
            "{}.exists(given, given) || !has(self.securityGroup) || has(self.securityGroup.id)",
            has_each(&LOAD_BALANCER)
        ),
        "without a load balancer there is no VPC to look a security group up in: give securityGroup.id, or name the load balancer",
    )
}

/// CEL, from the spec: a load balancer is named, not only a security group.
fn load_balancer_named() -> String {
    has_each(&LOAD_BALANCER.map(|field| format!("loadBalancer.{field}")).each_ref().map(String::as_str))
        + ".exists(given, given)"
}

pub fn something_to_do() -> Rule {
    rule(
        format!("{} || has(self.listeners) || has(self.targetGroups)", load_balancer_named()),
        "without a load balancer nothing can be derived: declare listeners or targetGroups, or name the load balancer",
    )
}

pub fn clients_without_load_balancer() -> Rule {
    rule(
        format!(
            "{} || has(self.clients) || !has(self.listeners) || self.listeners.all(listener, has(listener.clients))",
            load_balancer_named()
        ),
        "without a load balancer no clients can be derived: give clients, or clients of each listener, or name the load balancer",
    )
}

// Lists that would be silently empty

fn not_empty(message: &str) -> Rule {
    rule("size(self) > 0", message)
}

pub fn some_clients() -> Rule {
    not_empty("nobody is named: name at least one peer, or omit clients for the default")
}

pub fn some_listeners() -> Rule {
    not_empty("no listener is named: name at least one port, or omit listeners for those of the load balancer")
}

pub fn some_target_groups() -> Rule {
    not_empty("no target group is named: name at least one, or omit targetGroups for those of the load balancer")
}

pub fn some_ports() -> Rule {
    not_empty("no port is named: name at least one, or omit ports for those of the registered targets")
}

pub fn some_security_groups() -> Rule {
    not_empty(
        "no security group is named: name at least one, or omit securityGroups for those of the registered targets",
    )
}

pub fn some_addresses() -> Rule {
    not_empty("no address is named: name at least one, or omit addresses for those of the registered targets")
}

pub fn some_aspects() -> Rule {
    not_empty(
        "nothing would be managed: name at least one of ListenerIngress, TargetEgress or TargetIngress, \
         or write enforcement: Observe to change nothing",
    )
}

// Target groups

pub fn target_group_without_ref() -> Rule {
    rule(
        "has(self.ref) || (has(self.ports) && (has(self.securityGroups) || has(self.addresses)))",
        "without ref nothing can be derived: give ports, and securityGroups or addresses, or name the target group by ref",
    )
}

pub fn two_groups() -> Rule {
    explained(
        "self.blue != self.green",
        "'blue and green are both %s: name two different target groups'.format([self.blue])",
    )
}

/// Where no target groups are declared the derived ones are meant, whose names only AWS knows.
pub fn blue_green_member(color: &str) -> Rule {
    explained(
        format!(
            "!has(self.blueGreen) || !has(self.targetGroups) || self.targetGroups.exists(group, group.name == self.blueGreen.{color})"
        ),
        format!(
            "'no target group named %s stands in targetGroups: write one of %s'\
             .format([self.blueGreen.{color}, self.targetGroups.map(group, group.name)])"
        ),
    )
    .field_path(format!(".blueGreen.{color}"))
}
