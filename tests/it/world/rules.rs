//! Rules as a person writes them, with names in place of ids: `ALB-SG in tcp 443 <- 0.0.0.0/0`,
//! `ALB-SG out tcp 8000 -> APP-SG`, `ALB-SG in icmp 3/4 <- 10.0.0.0/8`, `APP-SG out all -> 0.0.0.0/0`. A peer group of
//! another account stands with its account: `ALB-SG in tcp 443 <- 210987654321/PARTNER-SG`.
//!
//! Read from and written to AWS without the code under test.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, SecurityGroupRuleDescription, Tag,
    UserIdGroupPair,
};

use super::{World, expect_lines};

/// A rule as it was written.
struct Written {
    group: String,
    egress: bool,
    permission: IpPermission,
}

impl World {
    /// All rules of all security groups of the VPC, sorted.
    pub async fn rules(&self) -> Vec<String> {
        let names = self.group_names().await;
        self.describe_rules().await.iter().map(|rule| in_words(rule, &names)).map(|text| self.named(text)).collect()
    }

    /// The same with whose each rule is and what it says of itself: `… (ours, "sgbind team: alb/team/shop")`, with
    /// `team` for the test's own cluster and namespace.
    pub async fn rules_and_owners(&self) -> Vec<String> {
        let names = self.group_names().await;
        let ours = format!("sgbind.dev/cluster/{}", self.cluster());
        let line = |rule: &SecurityGroupRule| {
            let tags: BTreeMap<&str, &str> = rule
                .tags()
                .iter()
                .map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()))
                .collect();
            let owner = if tags.contains_key(ours.as_str()) { "ours" } else { "foreign" };
            let description = rule.description().unwrap_or_default().replace(self.namespace(), "team");
            format!("{} ({owner}, {description:?})", in_words(rule, &names))
        };
        self.describe_rules().await.iter().map(line).map(|text| self.named(text)).collect()
    }

    /// Ids of all rules: a rule that is made anew has another.
    pub async fn rule_ids(&self) -> BTreeSet<String> {
        self.describe_rules().await.into_iter().filter_map(|rule| rule.security_group_rule_id).collect()
    }

    /// Exactly these rules are there: no more, no less.
    pub async fn expect_rules(&self, expected: &[&str]) {
        expect_lines("rules", &self.rules().await, expected);
    }

    /// The same, as soon as it is so.
    pub async fn rules_become(&self, expected: &[&str]) {
        let mut wanted: Vec<&str> = expected.to_vec();
        wanted.sort_unstable();
        let deadline = self.deadline();
        while deadline.is_ahead().await {
            if self.rules().await == wanted {
                return;
            }
        }
        self.expect_rules(expected).await;
    }

    /// As soon as it is so: exactly these rules are there, with these owners and descriptions.
    pub async fn rules_and_owners_become(&self, mut expected: Vec<String>) {
        expected.sort();
        let deadline = self.deadline();
        while self.rules_and_owners().await != expected && deadline.is_ahead().await {}
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        expect_lines("rules and owners", &self.rules_and_owners().await, &expected);
    }

    /// Makes rules by hand, as someone else would.
    pub async fn authorize(&self, rules: &[&str]) {
        for rule in rules {
            let Written { group, egress, permission } = self.read(rule);
            let done = if egress {
                let call = self.aws.ec2.authorize_security_group_egress().group_id(group);
                call.ip_permissions(permission).send().await.map(drop).map_err(|error| format!("{error:?}"))
            } else {
                let call = self.aws.ec2.authorize_security_group_ingress().group_id(group);
                call.ip_permissions(permission).send().await.map(drop).map_err(|error| format!("{error:?}"))
            };
            done.unwrap_or_else(|error| panic!("{rule}: {error}"));
        }
    }

    /// Takes rules away by hand, as someone else would.
    pub async fn revoke(&self, rules: &[&str]) {
        for rule in rules {
            let Written { group, egress, permission } = self.read(rule);
            let done = if egress {
                let call = self.aws.ec2.revoke_security_group_egress().group_id(group);
                call.ip_permissions(permission).send().await.map(drop).map_err(|error| format!("{error:?}"))
            } else {
                let call = self.aws.ec2.revoke_security_group_ingress().group_id(group);
                call.ip_permissions(permission).send().await.map(drop).map_err(|error| format!("{error:?}"))
            };
            done.unwrap_or_else(|error| panic!("{rule}: {error}"));
        }
    }

    /// Gives the rule one tag more, as another cluster would.
    pub async fn tag_rule(&self, rule: &str, key: &str, value: &str) {
        let tag = Tag::builder().key(key).value(value).build();
        let id = self.rule_id(rule).await;
        self.aws.ec2.create_tags().resources(id).tags(tag).send().await.expect("the rule is tagged");
    }

    /// Gives an egress or ingress rule this description, as someone else would.
    pub async fn describe_rule(&self, rule: &str, description: &str) {
        let id = self.rule_id(rule).await;
        let Written { group, egress, .. } = self.read(rule);
        let described = SecurityGroupRuleDescription::builder().security_group_rule_id(id).description(description);
        let described = described.build();
        let done = if egress {
            let call = self.aws.ec2.update_security_group_rule_descriptions_egress().group_id(group);
            let call = call.security_group_rule_descriptions(described);
            call.send().await.map(drop).map_err(|error| format!("{error:?}"))
        } else {
            let call = self.aws.ec2.update_security_group_rule_descriptions_ingress().group_id(group);
            let call = call.security_group_rule_descriptions(described);
            call.send().await.map(drop).map_err(|error| format!("{error:?}"))
        };
        done.unwrap_or_else(|error| panic!("{rule}: {error}"));
    }

    /// The id of a rule.
    pub async fn rule_id(&self, rule: &str) -> String {
        self.rule(rule).await.security_group_rule_id.expect("an id")
    }

    /// The rule has exactly these tags.
    pub async fn expect_tags(&self, rule: &str, expected: &[(&str, &str)]) {
        let found = self.rule(rule).await;
        let line = |tag: &Tag| format!("{}={}", tag.key().unwrap_or_default(), tag.value().unwrap_or_default());
        let found: Vec<String> = found.tags().iter().map(line).collect();
        let expected: Vec<String> = expected.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        expect_lines(&format!("tags of {rule}"), &found, &expected);
    }

    async fn rule(&self, text: &str) -> SecurityGroupRule {
        let names = self.group_names().await;
        let rules = self.describe_rules().await;
        let found = rules.into_iter().find(|rule| self.named(in_words(rule, &names)) == text);
        found.unwrap_or_else(|| panic!("there is no rule {text:?}"))
    }

    /// Names of the VPC's groups, by id.
    async fn group_names(&self) -> BTreeMap<String, String> {
        let of_vpc = Filter::builder().name("vpc-id").values(self.vpc()).build();
        let answer = self.aws.ec2.describe_security_groups().filters(of_vpc).send().await.expect("groups");
        let name = |group: &aws_sdk_ec2::types::SecurityGroup| {
            (group.group_id().unwrap_or_default().to_owned(), group.group_name().unwrap_or_default().to_owned())
        };
        answer.security_groups().iter().map(name).collect()
    }

    async fn describe_rules(&self) -> Vec<SecurityGroupRule> {
        let names = self.group_names().await;
        let pages = self.aws.ec2.describe_security_group_rules().into_paginator().items().send();
        let rules: Vec<SecurityGroupRule> = pages.collect::<Result<_, _>>().await.expect("rules");
        let mut rules: Vec<_> =
            rules.into_iter().filter(|rule| names.contains_key(rule.group_id().unwrap_or_default())).collect();
        rules.sort_by_key(|rule| self.named(in_words(rule, &names)));
        rules
    }

    fn read(&self, text: &str) -> Written {
        let words: Vec<&str> = text.split(' ').collect();
        let (group, direction, protocol, ports, peer) = match words[..] {
            [group, direction, protocol, ports, _, peer] => (group, direction, protocol, ports, peer),
            [group, direction, "all", _, peer] => (group, direction, "-1", "", peer),
            _ => panic!("not a rule: {text:?}"),
        };
        let number = |text: &str| text.parse::<i32>().unwrap_or_else(|_| panic!("not a number: {text:?}"));
        let (from, to) = ports.split_once(['-', '/']).unwrap_or((ports, ports));
        let mut permission = IpPermission::builder().ip_protocol(protocol);
        if !ports.is_empty() {
            permission = permission.from_port(number(from)).to_port(number(to));
        }
        let permission = if peer.contains(':') {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(peer).build())
        } else if peer.contains('/') {
            permission.ip_ranges(IpRange::builder().cidr_ip(peer).build())
        } else if peer.starts_with("PL-") {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(self.id(peer)).build())
        } else {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(self.id(peer)).build())
        };
        Written { group: self.id(group), egress: direction == "out", permission: permission.build() }
    }
}

fn in_words(rule: &SecurityGroupRule, names: &BTreeMap<String, String>) -> String {
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let referenced = rule.referenced_group_info().map(|info| {
        let peer = name(info.group_id().unwrap_or_default());
        match info.user_id() {
            Some(account) if Some(account) != rule.group_owner_id() => format!("{account}/{peer}"),
            _ => peer,
        }
    });
    let peer = [rule.cidr_ipv4(), rule.cidr_ipv6(), rule.prefix_list_id()].into_iter().flatten().next();
    let peer = peer.map(str::to_owned).or(referenced).unwrap_or_else(|| "nobody".into());
    let (from, to) = (rule.from_port().unwrap_or(-1), rule.to_port().unwrap_or(-1));
    let traffic = match rule.ip_protocol().unwrap_or_default() {
        "-1" => "all".to_owned(),
        icmp @ ("icmp" | "icmpv6") => format!("{icmp} {from}/{to}"),
        protocol if from == to => format!("{protocol} {from}"),
        protocol => format!("{protocol} {from}-{to}"),
    };
    let arrow = if rule.is_egress() == Some(true) { "out" } else { "in" };
    let sign = if arrow == "out" { "->" } else { "<-" };
    format!("{} {arrow} {traffic} {sign} {peer}", name(rule.group_id().unwrap_or_default()))
}
