use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types as sdk;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call};
use crate::aws::pages::{Page, all_pages};
use crate::model::{ActualRule, GroupKey, SecurityGroupId, Tags, Unreadable, VpcId};

use super::convert::{self, present};
use super::{Ec2, PAGE, filter};

/// A security group, without its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    pub key: GroupKey,
    pub name: String,
    /// Groups that are not in a VPC no longer exist, but the API does not say so.
    pub vpc: Option<VpcId>,
    pub tags: Tags,
}

/// All rules of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesRead {
    pub rules: Vec<ActualRule>,
    /// Rules that can't be understood. They count towards quotas, and are never touched.
    pub unreadable: Unreadable,
}

impl Cloud {
    /// `None` if there is no such group.
    pub async fn group(&self, id: &SecurityGroupId) -> Result<Option<SecurityGroup>, AwsError> {
        self.groups.get(id.clone()).await.map_err(|error| (*error).clone())
    }

    /// All rules of a group; none for a group that is not there.
    pub async fn rules(&self, id: &SecurityGroupId) -> Result<RulesRead, AwsError> {
        let read = self.rules.get(id.clone()).await.map_err(|error| (*error).clone())?;
        Ok(read.unwrap_or_default())
    }

    /// The groups of a VPC with exactly this name: one at most, by EC2's rules.
    pub async fn groups_named(&self, vpc: &VpcId, name: &str) -> Result<Vec<SecurityGroup>, AwsError> {
        let found = self.named_groups.get((vpc.clone(), name.to_owned())).await.map_err(|error| (*error).clone())?;
        Ok(found.unwrap_or_default())
    }

    /// The groups of a VPC that carry all these tags.
    pub async fn groups_tagged(&self, vpc: &VpcId, tags: &Tags) -> Result<Vec<SecurityGroup>, AwsError> {
        let call = self.ec2.call("DescribeSecurityGroups", format!("groups in {vpc} by tags"));
        let by_tag = tags.iter().map(|(key, value)| filter(format!("tag:{key}"), [value.as_str()]));
        let filters = by_tag.chain([filter("vpc-id", [vpc.as_str()])]).collect();
        let mut found = self.ec2.describe_groups(&call, filters).await?;
        found.retain(|group| tags.iter().all(|(key, value)| group.tags.get(key) == Some(value)));
        Ok(found)
    }

    /// The groups that carry a tag of this key, whatever its value.
    ///
    /// Source: `DescribeSecurityGroups`, filter `tag-key`. In its values `*`, `?` and `\` mean something else, so the tags
    /// are looked at again.
    pub async fn groups_with_tag(&self, key: &str) -> Result<Vec<SecurityGroup>, AwsError> {
        let call = self.ec2.call("DescribeSecurityGroups", format!("groups with the tag {key}"));
        let mut found = self.ec2.describe_groups(&call, vec![filter("tag-key", [key])]).await?;
        found.retain(|group| group.tags.contains_key(key));
        Ok(found)
    }

    /// The groups that hold a rule whose tag has one of these values.
    ///
    /// Source: `DescribeSecurityGroupRules`, filter `tag:KEY`. In the values of a filter `*`, `?` and `\` mean something
    /// else, so the tags are looked at again.
    pub async fn groups_with_rules_tagged(
        &self,
        key: &str,
        values: &BTreeSet<String>,
    ) -> Result<BTreeSet<SecurityGroupId>, AwsError> {
        let call = self.ec2.call("DescribeSecurityGroupRules", format!("rules with the tag {key}"));
        let filters = vec![filter(format!("tag:{key}"), values)];
        let found = self.ec2.describe_rules(&call, filters).await?;
        let tagged = |rule: &&sdk::SecurityGroupRule| {
            convert::tags(rule.tags()).get(key).is_some_and(|value| values.contains(value))
        };
        let group = |rule: &sdk::SecurityGroupRule| {
            present(rule.group_id()).map(SecurityGroupId::from).ok_or_else(|| call.malformed("group id of a rule"))
        };
        found.iter().filter(tagged).map(group).collect()
    }
}

impl Ec2 {
    /// Source: `DescribeSecurityGroups`, filter `group-id`: unlike by parameter, an absent id is no error.
    pub async fn read_groups(
        &self,
        ids: BTreeSet<SecurityGroupId>,
    ) -> Result<BTreeMap<SecurityGroupId, SecurityGroup>, AwsError> {
        let call = self.call("DescribeSecurityGroups", "security groups");
        let by_id = filter("group-id", ids.iter().map(SecurityGroupId::as_str));
        let found = self.describe_groups(&call, vec![by_id]).await?;
        Ok(found.into_iter().map(|group| (group.key.id.clone(), group)).collect())
    }

    /// Source: `DescribeSecurityGroups`, filters `vpc-id` and `group-name`. What was not asked for is left out: groups of
    /// one VPC by a name that was meant in another, and whatever more * and ? match in a filter.
    pub async fn read_named_groups(
        &self,
        names: BTreeSet<(VpcId, String)>,
    ) -> Result<BTreeMap<(VpcId, String), Vec<SecurityGroup>>, AwsError> {
        let call = self.call("DescribeSecurityGroups", "security groups by name");
        let vpcs: BTreeSet<&str> = names.iter().map(|(vpc, _)| vpc.as_str()).collect();
        let by_name: BTreeSet<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
        let found = self.describe_groups(&call, vec![filter("vpc-id", vpcs), filter("group-name", by_name)]).await?;
        let mut read: BTreeMap<(VpcId, String), Vec<SecurityGroup>> = BTreeMap::new();
        for group in found {
            let Some(vpc) = group.vpc.clone() else { continue };
            let key = (vpc, group.name.clone());
            if names.contains(&key) {
                read.entry(key).or_default().push(group);
            }
        }
        Ok(read)
    }

    async fn describe_groups(&self, call: &Call, filters: Vec<sdk::Filter>) -> Result<Vec<SecurityGroup>, AwsError> {
        let pages =
            self.client.describe_security_groups().set_filters(Some(filters)).max_results(PAGE).into_paginator().send();
        let open = |page: aws_sdk_ec2::operation::describe_security_groups::DescribeSecurityGroupsOutput| Page {
            items: page.security_groups,
            next: page.next_token,
        };
        all_pages(call, pages, open).await?.iter().map(|group| self.group(call, group)).collect()
    }

    fn group(&self, call: &Call, group: &sdk::SecurityGroup) -> Result<SecurityGroup, AwsError> {
        let id = present(group.group_id()).ok_or_else(|| call.malformed("group id"))?;
        Ok(SecurityGroup {
            key: GroupKey { scope: self.scope.clone(), id: id.into() },
            name: group.group_name().ok_or_else(|| call.malformed("group name"))?.to_owned(),
            vpc: present(group.vpc_id()).map(VpcId::from),
            tags: convert::tags(group.tags()),
        })
    }

    /// Source: `DescribeSecurityGroupRules`, filter `group-id`. Every id that was asked for is answered.
    pub async fn read_rules(
        &self,
        ids: BTreeSet<SecurityGroupId>,
    ) -> Result<BTreeMap<SecurityGroupId, RulesRead>, AwsError> {
        let call = self.call("DescribeSecurityGroupRules", "security groups");
        let by_id = filter("group-id", ids.iter().map(SecurityGroupId::as_str));
        let mut read: BTreeMap<SecurityGroupId, RulesRead> =
            ids.iter().map(|id| (id.clone(), RulesRead::default())).collect();
        for rule in self.describe_rules(&call, vec![by_id]).await? {
            let group = present(rule.group_id()).ok_or_else(|| call.malformed("group id of a rule"))?;
            let id = present(rule.security_group_rule_id()).ok_or_else(|| call.malformed("rule id"))?;
            let of_group = read.entry(group.into()).or_default();
            match convert::rule(id.into(), &rule) {
                Some(rule) => of_group.rules.push(rule),
                None if rule.is_egress() == Some(true) => of_group.unreadable.egress += 1,
                None => of_group.unreadable.ingress += 1,
            }
        }
        Ok(read)
    }

    async fn describe_rules(
        &self,
        call: &Call,
        filters: Vec<sdk::Filter>,
    ) -> Result<Vec<sdk::SecurityGroupRule>, AwsError> {
        let pages = self
            .client
            .describe_security_group_rules()
            .set_filters(Some(filters))
            .max_results(PAGE)
            .into_paginator()
            .send();
        let open = |page: aws_sdk_ec2::operation::describe_security_group_rules::DescribeSecurityGroupRulesOutput| {
            Page { items: page.security_group_rules, next: page.next_token }
        };
        all_pages(call, pages, open).await
    }
}
