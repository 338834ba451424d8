//! Calls that only ask whether they would be permitted.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::types as sdk;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;

use crate::aws::error::{AwsError, Call};
use crate::aws::permission::{Ec2Read, Specimen, Verdict, Write};
use crate::model::Direction;

use super::Ec2;

/// Of an address that nobody has. Source: RFC 5737.
const CIDR: &str = "192.0.2.1/32";
const PORT: i32 = 1;
const DESCRIPTION: &str = "sgbind check";

/// Lets no request out that lacks `DryRun=true`: whatever is tried, nothing is done.
///
/// Source: "Make requests to the Amazon EC2 API": parameters are a form.
#[derive(Debug)]
struct OnlyDryRuns;

impl Intercept for OnlyDryRuns {
    fn name(&self) -> &'static str {
        "OnlyDryRuns"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        let is_dry = body.split(|byte| *byte == b'&').any(|field| field == b"DryRun=true");
        if is_dry { Ok(()) } else { Err("only a dry run may be sent here".into()) }
    }
}

impl Ec2 {
    /// A client for dry runs alone.
    pub(super) fn rehearsing(&self) -> Client {
        Client::from_conf(self.client.config().to_builder().interceptor(OnlyDryRuns).build())
    }

    pub async fn try_read(&self, read: Ec2Read) -> Verdict {
        let client = self.rehearsing();
        let may = "whether it is permitted";
        match read {
            Ec2Read::ManagedPrefixLists => {
                let call = self.call("DescribeManagedPrefixLists", may);
                verdict(&call, client.describe_managed_prefix_lists().dry_run(true).send().await)
            }
            Ec2Read::NetworkInterfaces => {
                let call = self.call("DescribeNetworkInterfaces", may);
                verdict(&call, client.describe_network_interfaces().dry_run(true).send().await)
            }
            Ec2Read::SecurityGroupRules => {
                let call = self.call("DescribeSecurityGroupRules", may);
                verdict(&call, client.describe_security_group_rules().dry_run(true).send().await)
            }
            Ec2Read::SecurityGroups => {
                let call = self.call("DescribeSecurityGroups", may);
                verdict(&call, client.describe_security_groups().dry_run(true).send().await)
            }
            Ec2Read::Vpcs => {
                let call = self.call("DescribeVpcs", may);
                verdict(&call, client.describe_vpcs().dry_run(true).send().await)
            }
        }
    }

    pub async fn try_write(&self, write: Write, specimen: &Specimen) -> Verdict {
        let error = match write {
            Write::Authorize(direction) => self.try_authorize(direction, specimen).await,
            Write::Revoke(direction) => self.try_revoke(direction, specimen).await,
            Write::Describe(direction) => self.try_describe(direction, specimen).await,
            Write::Tag | Write::Untag => match self.try_tags(write, specimen).await {
                Some(error) => error,
                None => return Verdict::Untried,
            },
        };
        Verdict::of_dry_run(error)
    }

    async fn try_authorize(&self, direction: Direction, specimen: &Specimen) -> AwsError {
        let (client, group) = (self.rehearsing(), specimen.group.as_str());
        let (key, value) = &specimen.tag;
        let tags = sdk::TagSpecification::builder().resource_type(sdk::ResourceType::SecurityGroupRule);
        let tags = tags.tags(sdk::Tag::builder().key(key).value(value).build()).build();
        match direction {
            Direction::Ingress => {
                let call = self.call("AuthorizeSecurityGroupIngress", group);
                let request = client.authorize_security_group_ingress().dry_run(true).group_id(group);
                refusal(&call, request.ip_permissions(traffic()).tag_specifications(tags).send().await)
            }
            Direction::Egress => {
                let call = self.call("AuthorizeSecurityGroupEgress", group);
                let request = client.authorize_security_group_egress().dry_run(true).group_id(group);
                refusal(&call, request.ip_permissions(traffic()).tag_specifications(tags).send().await)
            }
        }
    }

    async fn try_revoke(&self, direction: Direction, specimen: &Specimen) -> AwsError {
        let (client, group) = (self.rehearsing(), specimen.group.as_str());
        let rules = specimen.rule(direction).map(|rule| vec![rule.to_string()]);
        let traffic = rules.is_none().then(|| vec![traffic()]);
        match direction {
            Direction::Ingress => {
                let call = self.call("RevokeSecurityGroupIngress", group);
                let request = client.revoke_security_group_ingress().dry_run(true).group_id(group);
                refusal(&call, request.set_security_group_rule_ids(rules).set_ip_permissions(traffic).send().await)
            }
            Direction::Egress => {
                let call = self.call("RevokeSecurityGroupEgress", group);
                let request = client.revoke_security_group_egress().dry_run(true).group_id(group);
                refusal(&call, request.set_security_group_rule_ids(rules).set_ip_permissions(traffic).send().await)
            }
        }
    }

    async fn try_describe(&self, direction: Direction, specimen: &Specimen) -> AwsError {
        let (client, group) = (self.rehearsing(), specimen.group.as_str());
        let description = |id: &str| {
            sdk::SecurityGroupRuleDescription::builder().security_group_rule_id(id).description(DESCRIPTION).build()
        };
        let rules = specimen.rule(direction).map(|rule| vec![description(rule.as_str())]);
        let traffic = rules.is_none().then(|| vec![traffic()]);
        match direction {
            Direction::Ingress => {
                let call = self.call("UpdateSecurityGroupRuleDescriptionsIngress", group);
                let request = client.update_security_group_rule_descriptions_ingress().dry_run(true).group_id(group);
                let request = request.set_security_group_rule_descriptions(rules).set_ip_permissions(traffic);
                refusal(&call, request.send().await)
            }
            Direction::Egress => {
                let call = self.call("UpdateSecurityGroupRuleDescriptionsEgress", group);
                let request = client.update_security_group_rule_descriptions_egress().dry_run(true).group_id(group);
                let request = request.set_security_group_rule_descriptions(rules).set_ip_permissions(traffic);
                refusal(&call, request.send().await)
            }
        }
    }

    /// `None` without a rule: an id that there is not would be refused, whatever is permitted.
    async fn try_tags(&self, write: Write, specimen: &Specimen) -> Option<AwsError> {
        let rule = specimen.ingress.as_ref().or(specimen.egress.as_ref())?;
        let (client, (key, value)) = (self.rehearsing(), &specimen.tag);
        let tag = sdk::Tag::builder().key(key).value(value).build();
        Some(if write == Write::Tag {
            let call = self.call("CreateTags", rule.to_string());
            refusal(&call, client.create_tags().dry_run(true).resources(rule.as_str()).tags(tag).send().await)
        } else {
            let call = self.call("DeleteTags", rule.to_string());
            refusal(&call, client.delete_tags().dry_run(true).resources(rule.as_str()).tags(tag).send().await)
        })
    }
}

fn traffic() -> sdk::IpPermission {
    let range = sdk::IpRange::builder().cidr_ip(CIDR).description(DESCRIPTION).build();
    sdk::IpPermission::builder().ip_protocol("tcp").from_port(PORT).to_port(PORT).ip_ranges(range).build()
}

type Answer<T, E> = Result<T, aws_sdk_ec2::error::SdkError<E>>;

fn verdict<T, E>(call: &Call, answer: Answer<T, E>) -> Verdict
where
    E: aws_sdk_ec2::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    Verdict::of_read(answer.map_err(|error| call.failed(error)))
}

/// A dry run always ends in an error, be it the one that says that all was well.
fn refusal<T, E>(call: &Call, answer: Answer<T, E>) -> AwsError
where
    E: aws_sdk_ec2::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(_) => call.malformed("word on the dry run"),
        Err(error) => call.failed(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::testing::{Answer, cloud};

    #[tokio::test]
    async fn what_is_no_dry_run_is_never_sent() {
        let (cloud, seen) = cloud(|_| Answer::Timeout);
        let client = cloud.ec2.rehearsing();
        let tag = aws_sdk_ec2::types::Tag::builder().key("a").value("b").build();
        for dry in [None, Some(false)] {
            let request = client.create_tags().resources("sgr-1").tags(tag.clone()).set_dry_run(dry);
            let error = request.send().await.expect_err("it is refused");
            assert!(format!("{error:?}").contains("only a dry run"), "{error:?}");
        }
        assert_eq!(seen.actions(), [""; 0]);
    }
}
