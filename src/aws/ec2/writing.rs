use aws_sdk_ec2::types as sdk;

use crate::aws::clouds::Cloud;
use crate::aws::error::AwsError;
use crate::model::{AccountId, Direction, RuleId, RuleSpec, SecurityGroupId, Tags};

use super::convert;

/// A rule to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    pub spec: RuleSpec,
    /// The peer group's account, where it is not the group's own.
    pub peer_account: Option<AccountId>,
    pub description: String,
}

/// Each of these is one call, and none where there is nothing to do.
impl Cloud {
    /// Makes the rules, tagged, in one call. All must be of this direction.
    ///
    /// Source: `AuthorizeSecurityGroupIngress`, `AuthorizeSecurityGroupEgress`.
    ///
    /// # Errors
    /// `Duplicate` may mean that an answer was lost and the retry met our own rules: read again.
    pub async fn authorize(
        &self,
        group: &SecurityGroupId,
        direction: Direction,
        rules: &[NewRule],
        tags: &Tags,
    ) -> Result<(), AwsError> {
        debug_assert!(rules.iter().all(|rule| rule.spec.direction == direction));
        if rules.is_empty() {
            return Ok(());
        }
        let permissions = Some(rules.iter().map(convert::permission).collect());
        let tagged = tag_specification(tags);
        let client = &self.ec2.client;
        match direction {
            Direction::Ingress => {
                let call = self.ec2.call("AuthorizeSecurityGroupIngress", group.to_string());
                let request = client.authorize_security_group_ingress().group_id(group.as_str());
                let request = request.set_ip_permissions(permissions).set_tag_specifications(tagged);
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
            Direction::Egress => {
                let call = self.ec2.call("AuthorizeSecurityGroupEgress", group.to_string());
                let request = client.authorize_security_group_egress().group_id(group.as_str());
                let request = request.set_ip_permissions(permissions).set_tag_specifications(tagged);
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
        }
    }

    /// Takes rules away by their ids, in one call.
    ///
    /// Source: `RevokeSecurityGroupIngress`, `RevokeSecurityGroupEgress`.
    ///
    /// # Errors
    /// `NotFound` may mean that they are gone already: read again.
    pub async fn revoke(
        &self,
        group: &SecurityGroupId,
        direction: Direction,
        rules: &[RuleId],
    ) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let client = &self.ec2.client;
        match direction {
            Direction::Ingress => {
                let call = self.ec2.call("RevokeSecurityGroupIngress", group.to_string());
                let request = client.revoke_security_group_ingress().group_id(group.as_str());
                let request = request.set_security_group_rule_ids(Some(texts(rules)));
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
            Direction::Egress => {
                let call = self.ec2.call("RevokeSecurityGroupEgress", group.to_string());
                let request = client.revoke_security_group_egress().group_id(group.as_str());
                let request = request.set_security_group_rule_ids(Some(texts(rules)));
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
        }
    }

    /// Source: `CreateTags`.
    pub async fn tag_rules(&self, rules: &[RuleId], key: &str, value: &str) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let call = self.ec2.call("CreateTags", "security group rules");
        let request = self.ec2.client.create_tags().set_resources(Some(texts(rules))).tags(tag(key, value));
        request.send().await.map(drop).map_err(|error| call.failed(error))
    }

    /// Takes the tag off where it has this value, and only there.
    ///
    /// Source: `DeleteTags`.
    pub async fn untag_rules(&self, rules: &[RuleId], key: &str, value: &str) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let call = self.ec2.call("DeleteTags", "security group rules");
        let request = self.ec2.client.delete_tags().set_resources(Some(texts(rules))).tags(tag(key, value));
        request.send().await.map(drop).map_err(|error| call.failed(error))
    }

    /// Gives rules new descriptions, in one call.
    ///
    /// Source: `UpdateSecurityGroupRuleDescriptionsIngress`, `UpdateSecurityGroupRuleDescriptionsEgress`.
    pub async fn describe_rules(
        &self,
        group: &SecurityGroupId,
        direction: Direction,
        rules: &[(RuleId, String)],
    ) -> Result<(), AwsError> {
        if rules.is_empty() {
            return Ok(());
        }
        let descriptions = Some(rules.iter().map(|(id, text)| description(id, text)).collect());
        let client = &self.ec2.client;
        match direction {
            Direction::Ingress => {
                let call = self.ec2.call("UpdateSecurityGroupRuleDescriptionsIngress", group.to_string());
                let request = client.update_security_group_rule_descriptions_ingress().group_id(group.as_str());
                let request = request.set_security_group_rule_descriptions(descriptions);
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
            Direction::Egress => {
                let call = self.ec2.call("UpdateSecurityGroupRuleDescriptionsEgress", group.to_string());
                let request = client.update_security_group_rule_descriptions_egress().group_id(group.as_str());
                let request = request.set_security_group_rule_descriptions(descriptions);
                request.send().await.map(drop).map_err(|error| call.failed(error))
            }
        }
    }
}

fn texts(rules: &[RuleId]) -> Vec<String> {
    rules.iter().map(|id| id.as_str().to_owned()).collect()
}

fn tag(key: &str, value: &str) -> sdk::Tag {
    sdk::Tag::builder().key(key).value(value).build()
}

fn tag_specification(tags: &Tags) -> Option<Vec<sdk::TagSpecification>> {
    let tags: Vec<sdk::Tag> = tags.iter().map(|(key, value)| tag(key, value)).collect();
    let rules = sdk::TagSpecification::builder().resource_type(sdk::ResourceType::SecurityGroupRule);
    (!tags.is_empty()).then(|| vec![rules.set_tags(Some(tags)).build()])
}

fn description(id: &RuleId, text: &str) -> sdk::SecurityGroupRuleDescription {
    sdk::SecurityGroupRuleDescription::builder().security_group_rule_id(id.as_str()).description(text).build()
}
