//! Calls that only ask whether they are permitted. Elastic Load Balancing knows no dry run; these read next to nothing.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::aws::error::Call;
use crate::aws::permission::{ElbRead, Verdict};

use super::Elb;

/// Of what there is none: the controller's permissions are not limited by resource, and AWS looks at them first.
const ABSENT: &str = "sgbind-check/0000000000000000";

impl Elb {
    pub async fn try_read(&self, read: ElbRead) -> Verdict {
        let client = &self.client;
        let may = "whether it is permitted";
        match read {
            ElbRead::Listeners => {
                let call = self.call("DescribeListeners", may);
                verdict(
                    &call,
                    client.describe_listeners().load_balancer_arn(self.absent("loadbalancer/app")).send().await,
                )
            }
            ElbRead::LoadBalancers => {
                let call = self.call("DescribeLoadBalancers", may);
                verdict(&call, client.describe_load_balancers().page_size(1).send().await)
            }
            ElbRead::Rules => {
                let call = self.call("DescribeRules", may);
                let listener = format!("{}/0000000000000000", self.absent("listener/app"));
                verdict(&call, client.describe_rules().listener_arn(listener).send().await)
            }
            ElbRead::Tags => {
                let call = self.call("DescribeTags", may);
                verdict(&call, client.describe_tags().resource_arns(self.absent("loadbalancer/app")).send().await)
            }
            ElbRead::TargetGroups => {
                let call = self.call("DescribeTargetGroups", may);
                verdict(&call, client.describe_target_groups().page_size(1).send().await)
            }
            ElbRead::TargetHealth => {
                let call = self.call("DescribeTargetHealth", may);
                verdict(
                    &call,
                    client.describe_target_health().target_group_arn(self.absent("targetgroup")).send().await,
                )
            }
        }
    }

    /// The ARN of something that there is not.
    fn absent(&self, kind: &str) -> String {
        let (region, account) = (&self.scope.region, &self.scope.account);
        format!("arn:{}:elasticloadbalancing:{region}:{account}:{kind}/{ABSENT}", partition(region.as_str()))
    }
}

/// Source: "Amazon Resource Names (ARNs)" in the IAM user guide.
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn verdict<T, E>(call: &Call, answer: Result<T, SdkError<E>>) -> Verdict
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    Verdict::of_read(answer.map_err(|error| call.failed(error)))
}
