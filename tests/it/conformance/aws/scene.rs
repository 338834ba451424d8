//! What behaviours do with AWS, each in words of its transcript.

use std::{fmt::Display, sync::Arc, time::Duration};

use aws_sdk_ec2::{
    error::ProvideErrorMetadata,
    types::{Filter, ResourceType, SecurityGroupRule, Tag, TagSpecification},
};
use aws_sdk_elasticloadbalancingv2::types::Tag as ElbTag;
use tokio::time::sleep;

use super::{
    super::{Stand, Transcript},
    RUN_TAG,
    cloud::Cloud,
    rule::{Written, in_words, permission_in_words},
};

/// One behaviour's hold on an AWS. Whatever it makes is its own, so that many run at once.
#[derive(Clone)]
pub struct Scene {
    pub cloud: Arc<Cloud>,
    pub transcript: Transcript,
    behaviour: &'static str,
}

impl Stand for Scene {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }
}

/// `ok`, or the code of the error.
pub fn outcome<T, E: ProvideErrorMetadata>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("error {}", error.code().unwrap_or("without a code")),
    }
}

/// What must succeed for a behaviour to be seen at all.
pub fn must<T, E: ProvideErrorMetadata>(what: impl Display, result: Result<T, E>) -> T {
    let words = |error: E| {
        let (code, message) = (error.code().unwrap_or("no code"), error.message().unwrap_or("no message"));
        format!("{what}: {code}: {message}")
    };
    result.unwrap_or_else(|error| panic!("{}", words(error)))
}

impl Scene {
    pub fn new(cloud: &Arc<Cloud>, behaviour: &'static str) -> Self {
        Self { cloud: Arc::clone(cloud), transcript: Transcript::default(), behaviour }
    }

    pub fn say(&self, line: impl AsRef<str>) {
        self.transcript.say(line);
    }

    pub fn id(&self, name: &str) -> String {
        self.transcript.id(name)
    }

    /// A name in AWS that no other behaviour and no other run uses.
    pub fn unique(&self, name: &str) -> String {
        format!("{}-{}-{name}", self.cloud.run, self.behaviour)
    }

    /// A name of at most 32 letters, as load balancers and target groups need; `short` tells behaviours apart.
    pub fn short(&self, short: &str) -> String {
        format!("{}-{short}", self.cloud.run)
    }

    /// Reads may lag on a real account; elsewhere this is no time.
    pub async fn settle(&self) {
        if self.cloud.lag > Duration::ZERO {
            sleep(self.cloud.lag).await;
        }
    }

    /// The tag that everything has that a run makes, set in the creating call.
    pub fn tags(&self, kind: ResourceType) -> TagSpecification {
        self.tags_and(kind, &[])
    }

    pub fn tags_and(&self, kind: ResourceType, more: &[(&str, &str)]) -> TagSpecification {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let specification = TagSpecification::builder().resource_type(kind).tags(tag(RUN_TAG, &self.cloud.run));
        more.iter().fold(specification, |made, (key, value)| made.tags(tag(key, value))).build()
    }

    pub fn elb_tag(&self) -> ElbTag {
        ElbTag::builder().key(RUN_TAG).value(&self.cloud.run).build()
    }

    /// A new security group, called so from now on.
    pub async fn group(&self, name: &str) {
        self.group_in(&self.cloud.estate.vpc, name).await;
    }

    pub async fn group_in(&self, vpc: &str, name: &str) {
        let call = self.cloud.ec2.create_security_group().group_name(self.unique(name)).description("conformance");
        let call = call.vpc_id(vpc).tag_specifications(self.tags(ResourceType::SecurityGroup));
        let made = must(name, call.send().await);
        self.transcript.name(name, made.group_id().unwrap_or_default());
        self.settle().await;
    }

    /// A new prefix list of so many entries at most.
    pub async fn prefix_list(&self, name: &str, max_entries: i32) {
        let call = self.cloud.ec2.create_managed_prefix_list().prefix_list_name(self.unique(name));
        let call = call.max_entries(max_entries).address_family("IPv4");
        let made = must(name, call.tag_specifications(self.tags(ResourceType::PrefixList)).send().await);
        let id = made.prefix_list.and_then(|list| list.prefix_list_id).unwrap_or_default();
        self.transcript.name(name, &id);
        self.settle().await;
    }

    /// Makes rules in one call, and says what came of it.
    pub async fn authorize(&self, group: &str, rules: &[&str]) {
        let outcome = self.authorized(group, rules, &[]).await.map(|_| "ok".to_owned());
        self.say(format!("authorize {} -> {}", rules.join("; "), outcome.unwrap_or_else(|code| code)));
    }

    /// Makes one rule with tags, and calls its id so.
    pub async fn made(&self, name: &str, group: &str, rule: &str, tags: &[(&str, &str)]) {
        let made = self.authorized(group, &[rule], tags).await;
        let made = made.unwrap_or_else(|code| panic!("{rule}: {code}"));
        self.transcript.name(name, made.first().and_then(|rule| rule.security_group_rule_id()).unwrap_or_default());
    }

    /// The rules of the answer, or `error CODE`.
    pub async fn authorized(
        &self,
        group: &str,
        rules: &[&str],
        tags: &[(&str, &str)],
    ) -> Result<Vec<SecurityGroupRule>, String> {
        let rules: Vec<Written> = rules.iter().map(|rule| Written::read(rule, &self.transcript)).collect();
        let permissions = Some(rules.iter().map(Written::permission).collect());
        let tags = self.tags_and(ResourceType::SecurityGroupRule, tags);
        if rules.iter().any(|rule| rule.egress) {
            let call = self.cloud.ec2.authorize_security_group_egress().group_id(self.id(group));
            let result = call.set_ip_permissions(permissions).tag_specifications(tags).send().await;
            let error = outcome(&result);
            return result.map(|answer| answer.security_group_rules.unwrap_or_default()).map_err(|_| error);
        }
        let call = self.cloud.ec2.authorize_security_group_ingress().group_id(self.id(group));
        let result = call.set_ip_permissions(permissions).tag_specifications(tags).send().await;
        let error = outcome(&result);
        result.map(|answer| answer.security_group_rules.unwrap_or_default()).map_err(|_| error)
    }

    /// Takes ingress rules away by what they allow.
    pub async fn revoke(&self, group: &str, rules: &[&str]) {
        let written = rules.iter().map(|rule| Written::read(rule, &self.transcript).permission()).collect();
        let call = self.cloud.ec2.revoke_security_group_ingress().group_id(self.id(group));
        let result = call.set_ip_permissions(Some(written)).send().await;
        self.say(format!("revoke {} -> {}", rules.join("; "), outcome(&result)));
        let unknown = result.map(|answer| answer.unknown_ip_permissions.unwrap_or_default()).unwrap_or_default();
        for line in unknown.iter().flat_map(|permission| permission_in_words("ingress", permission)) {
            self.say(format!("  unknown: {line}"));
        }
    }

    /// Takes ingress rules away by their ids.
    pub async fn revoke_by_id(&self, group: &str, rules: &[&str]) {
        let ids = rules.iter().map(|rule| self.id(rule)).collect();
        let call = self.cloud.ec2.revoke_security_group_ingress().group_id(self.id(group));
        let result = call.set_security_group_rule_ids(Some(ids)).send().await;
        self.say(format!("revoke {} -> {}", rules.join(", "), outcome(&result)));
    }

    /// Says the ingress rules of a group.
    pub async fn ingress(&self, group: &str) {
        self.say_rules(group, false).await;
    }

    /// Says the egress rules of a group.
    pub async fn egress(&self, group: &str) {
        self.say_rules(group, true).await;
    }

    async fn say_rules(&self, group: &str, egress: bool) {
        let rules = self.described(group).await;
        let mut lines: Vec<_> = rules.iter().filter(|rule| rule.is_egress() == Some(egress)).map(in_words).collect();
        lines = lines.iter().map(|line| self.transcript.named(line)).collect();
        lines.sort();
        if lines.is_empty() {
            lines.push(format!("no {} rules", if egress { "egress" } else { "ingress" }));
        }
        lines.iter().for_each(|line| self.say(format!("  {line}")));
    }

    /// All rules of a group.
    pub async fn described(&self, group: &str) -> Vec<SecurityGroupRule> {
        self.settle().await;
        let filter = filter("group-id", &[&self.id(group)]);
        let pages = self.cloud.ec2.describe_security_group_rules().filters(filter).into_paginator().items().send();
        must("the rules", pages.collect::<Result<Vec<_>, _>>().await)
    }

    /// Says one rule, found by its id.
    pub async fn rule(&self, name: &str) {
        self.settle().await;
        let call = self.cloud.ec2.describe_security_group_rules().security_group_rule_ids(self.id(name));
        match call.send().await {
            Ok(answer) => {
                answer.security_group_rules().iter().for_each(|rule| self.say(format!("  {name}: {}", in_words(rule))));
            }
            error => self.say(format!("  {name}: {}", outcome(&error))),
        }
    }
}

pub fn filter(name: &str, values: &[&str]) -> Filter {
    values.iter().fold(Filter::builder().name(name), |filter, value| filter.values(*value)).build()
}
