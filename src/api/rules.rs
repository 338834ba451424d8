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

pub use access::*;

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

// Networks

pub fn network() -> Rule {
    explained(
        "isCIDR(self)",
        "isIP(self) \
         ? 'the prefix length is missing: for this one address write %s/%d'.format([self, ip(self).family() == 4 ? 32 : 128]) \
         : self.startsWith('sg-') || self.startsWith('pl-') \
         ? 'an id, not a network: a security group is named by securityGroup, a prefix list by prefixList' \
         : 'not an IPv4 or IPv6 network: write one such as 10.0.0.0/8 or 2001:db8::/32 (no leading zeros, no IPv4 behind ::ffff:)'",
    )
}

pub fn no_host_bits() -> Rule {
    explained(
        "!isCIDR(self) || cidr(self) == cidr(self).masked()",
        "'host bits are set in %s: write %s'.format([self, string(cidr(self).masked())])",
    )
}

/// The rules of [`network`] and [`no_host_bits`] on each item of a list of strings.
pub fn each_a_network(list: &mut Schema) {
    if let Some(items) = list.get_mut("items") {
        items["x-kubernetes-validations"] = json!([network(), no_host_bits()]);
    }
}

/// Peers that one text names are compared: networks and ids. Comparing whole peers would fit the budget
/// too, but costs the API server seconds for 60 lists of 60; `indexOf` doesn't.
pub fn no_peer_twice() -> Rule {
    no_text_twice("")
}

pub fn no_access_peer_twice() -> Rule {
    no_text_twice("has(a.self) ? 'self' : ")
}

fn no_text_twice(more: &str) -> Rule {
    let texts = format!(
        "[self.map(a, has(a.cidr) ? a.cidr : has(a.vpc) ? 'vpc' : {more}\
         has(a.securityGroup) && has(a.securityGroup.id) ? a.securityGroup.id \
         : has(a.prefixList) && has(a.prefixList.id) ? a.prefixList.id : '').filter(text, text != '')]"
    );
    explained(
        format!("{texts}.all(texts, texts.all(text, texts.indexOf(text) == texts.lastIndexOf(text)))"),
        format!(
            "'stands in the list more than once: %s; leave one of each'\
             .format([{texts}.map(texts, texts.filter(text, texts.indexOf(text) != texts.lastIndexOf(text)))[0]])"
        ),
    )
}

pub fn no_group_twice() -> Rule {
    explained(
        "self.all(a, self.exists_one(b, b == a))",
        "'stands in the list more than once: %s; leave one of each'.format([self.filter(a, !self.exists_one(b, b == a)).map(a, \
         has(a.id) ? a.id : has(a.name) ? a.name : 'tags')])",
    )
}

pub fn vpc_true() -> Rule {
    rule("self", "write vpc: true for all CIDR blocks of the VPC, or leave this peer out")
}

pub fn self_true() -> Rule {
    rule("self", "write self: true for the members of the group itself, or leave this peer out")
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

// Region and account, where an ARN says them too. What is no such ARN at all is refused by its own rule only.

pub fn region_agrees() -> Rule {
    explained(
        "!has(self.region) || !has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') \
         || self.loadBalancer.arn.contains(':elasticloadbalancing:' + self.region + ':')",
        "'%s is not the Region of the load balancer %s: correct one of them, or omit region'.format([self.region, self.loadBalancer.arn])",
    )
    .field_path(".region")
}

pub fn account_agrees() -> Rule {
    explained(
        "!has(self.accountID) || !has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') \
         || self.loadBalancer.arn.contains(':' + self.accountID + ':loadbalancer/')",
        "'%s is not the account of the load balancer %s: correct one of them, or omit accountID'.format([self.accountID, self.loadBalancer.arn])",
    )
    .field_path(".accountID")
}

/// The account of a group that is written, at `group` of the spec. That of a peer may be any.
pub fn group_in_own_account(group: &str) -> Rule {
    let group_of_spec = format!("self.{group}");
    explained(
        format!("!has({group_of_spec}) || !{}", of_other_account(&group_of_spec)),
        format!(
            "'the account of the security group that is written stands in spec.accountID: write accountID: \"%s\" there'\
             .format([{group_of_spec}.accountID])"
        ),
    )
    .field_path(format!(".{group}.accountID"))
}

pub fn target_groups_in_own_account() -> Rule {
    let others =
        format!("has(target.securityGroups) && target.securityGroups.exists(group, {})", of_other_account("group"));
    explained(
        format!("!has(self.targetGroups) || !self.targetGroups.exists(target, {others})"),
        format!(
            "'the account of security groups that are written stands in spec.accountID: write it there, and leave it out of \
             securityGroups in %s'.format([self.targetGroups.filter(target, {others}).map(target, target.name)])"
        ),
    )
    .field_path(".targetGroups")
}

/// CEL: the group names an account that is not that of the spec. What is no account id is refused by its own rule only.
fn of_other_account(group: &str) -> String {
    format!(
        "(has({group}.accountID) && {group}.accountID.matches('^[0-9]{{12}}$') \
         && !(has(self.accountID) && self.accountID == {group}.accountID))"
    )
}

/// Where the load balancer's ARN is given, it says more than `region` and `accountID` could.
pub fn target_groups_beside_load_balancer() -> Rule {
    let beside = "group.ref.arn.startsWith(self.loadBalancer.arn.split(':loadbalancer/')[0] + ':targetgroup/')";
    explained(
        format!(
            "!has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') || {}",
            each_target_group_arn(beside)
        ),
        format!(
            "'not of the Region and account of the load balancer %s: %s; correct one of them'.format([self.loadBalancer.arn, {}])",
            other_target_group_arns(beside)
        ),
    )
    .field_path(".targetGroups")
}

pub fn target_groups_in_region() -> Rule {
    let within = "group.ref.arn.contains(':elasticloadbalancing:' + self.region + ':')";
    explained(
        format!("!has(self.region) || has(self.loadBalancer.arn) || {}", each_target_group_arn(within)),
        format!(
            "'not of the Region %s, which spec.region names: %s; correct one of them'.format([self.region, {}])",
            other_target_group_arns(within)
        ),
    )
    .field_path(".targetGroups")
}

pub fn target_groups_in_account() -> Rule {
    let within = "group.ref.arn.contains(':' + self.accountID + ':targetgroup/')";
    explained(
        format!("!has(self.accountID) || has(self.loadBalancer.arn) || {}", each_target_group_arn(within)),
        format!(
            "'not of the account %s, which spec.accountID names: %s; correct one of them'.format([self.accountID, {}])",
            other_target_group_arns(within)
        ),
    )
    .field_path(".targetGroups")
}

const HAS_ARN: &str = "has(group.ref) && has(group.ref.arn) && group.ref.arn.contains(':targetgroup/')";

fn each_target_group_arn(holds: &str) -> String {
    format!("!has(self.targetGroups) || self.targetGroups.all(group, !({HAS_ARN}) || {holds})")
}

fn other_target_group_arns(holds: &str) -> String {
    format!("self.targetGroups.filter(group, {HAS_ARN} && !{holds}).map(group, group.ref.arn)")
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
