use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::DescribeTargetGroupsOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::builders::DescribeTargetGroupsFluentBuilder;
use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call};
use crate::aws::pages::{Page, all_pages};
use crate::model::{ElbArn, ElbProtocol, VpcId};

use super::{PAGE, arn, none_if_not_found, port};

/// What a target group's targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Instance,
    Ip,
    Lambda,
    Alb,
}

/// A target group. Of a function's there is neither protocol, port nor VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    pub arn: ElbArn,
    pub name: String,
    pub kind: TargetKind,
    pub protocol: Option<ElbProtocol>,
    /// Where a target is registered without a port of its own.
    pub port: Option<u16>,
    /// `None`: each target's own port.
    pub health_check_port: Option<u16>,
    pub health_check_enabled: bool,
    /// Within this time targets that don't answer any more are told to be unhealthy: interval × unhealthy threshold.
    pub unhealthy_within: Duration,
    /// Where the load balancer talks to the target control agent.
    pub control_port: Option<u16>,
    pub vpc: Option<VpcId>,
    /// Those whose listeners or rules forward to it.
    pub load_balancers: BTreeSet<ElbArn>,
}

/// A registered target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Instance id, address, or ARN, by the group's kind.
    pub id: String,
    pub port: Option<u16>,
    /// `all` for an address outside the VPC.
    pub availability_zone: Option<String>,
    /// In ELBv2's words; targets that are draining are still listed.
    pub state: String,
    /// In ELBv2's words, such as `Target.Timeout`.
    pub reason: Option<String>,
}

impl Cloud {
    /// The groups that a load balancer's listeners and rules forward to.
    ///
    /// # Errors
    /// `NotFound` if the load balancer is not there.
    pub async fn target_groups_of(&self, load_balancer: &ElbArn) -> Result<Vec<TargetGroup>, AwsError> {
        let call = self.elb.call("DescribeTargetGroups", load_balancer.to_string());
        let request =
            self.elb.client.describe_target_groups().load_balancer_arn(load_balancer.as_str()).page_size(PAGE);
        describe(&call, request).await
    }

    /// The groups of a VPC to which no load balancer forwards.
    pub async fn target_groups_without_load_balancer(&self, vpc: &VpcId) -> Result<Vec<TargetGroup>, AwsError> {
        let call = self.elb.call("DescribeTargetGroups", format!("all of {vpc}"));
        let mut all = describe(&call, self.elb.client.describe_target_groups().page_size(PAGE)).await?;
        all.retain(|group| group.load_balancers.is_empty() && group.vpc.as_ref() == Some(vpc));
        Ok(all)
    }

    /// `None` if there is none.
    pub async fn target_group_by_arn(&self, arn: &ElbArn) -> Result<Option<TargetGroup>, AwsError> {
        let call = self.elb.call("DescribeTargetGroups", arn.to_string());
        let request = self.elb.client.describe_target_groups().target_group_arns(arn.as_str());
        let found = none_if_not_found(describe(&call, request).await)?;
        Ok(found.into_iter().find(|found| found.arn == *arn))
    }

    /// `None` if there is none. Names are unique in an account and Region.
    pub async fn target_group_by_name(&self, name: &str) -> Result<Option<TargetGroup>, AwsError> {
        let call = self.elb.call("DescribeTargetGroups", format!("target group {name:?}"));
        let request = self.elb.client.describe_target_groups().names(name);
        let found = none_if_not_found(describe(&call, request).await)?;
        Ok(found.into_iter().find(|found| found.name == name))
    }

    /// All registered targets. Source: `DescribeTargetHealth`, which has no pages.
    ///
    /// # Errors
    /// `NotFound` if the target group is not there.
    pub async fn targets(&self, target_group: &ElbArn) -> Result<Vec<Target>, AwsError> {
        let call = self.elb.call("DescribeTargetHealth", target_group.to_string());
        let request = self.elb.client.describe_target_health().target_group_arn(target_group.as_str());
        let answer = request.send().await.map_err(|error| call.failed(error))?;
        let all = answer.target_health_descriptions.ok_or_else(|| call.malformed("list of targets"))?;
        all.iter().map(|each| target(&call, each)).collect()
    }
}

/// Source: `DescribeTargetGroups`.
async fn describe(call: &Call, request: DescribeTargetGroupsFluentBuilder) -> Result<Vec<TargetGroup>, AwsError> {
    let open = |page: DescribeTargetGroupsOutput| Page { items: page.target_groups, next: page.next_marker };
    let all = all_pages(call, request.into_paginator().send(), open).await?;
    all.iter().map(|each| target_group(call, each)).collect()
}

/// Source: `TargetGroup`.
fn target_group(call: &Call, from: &sdk::TargetGroup) -> Result<TargetGroup, AwsError> {
    let lacks = |field| call.malformed(field);
    Ok(TargetGroup {
        arn: arn(call, from.target_group_arn())?,
        name: from.target_group_name().ok_or_else(|| lacks("target group name"))?.to_owned(),
        kind: kind(from.target_type()).ok_or_else(|| lacks("target type"))?,
        protocol: from.protocol().map(|protocol| ElbProtocol(protocol.as_str().to_owned())),
        port: port(call, from.port())?,
        health_check_port: health_check_port(from.health_check_port()).ok_or_else(|| lacks("health check port"))?,
        health_check_enabled: from.health_check_enabled().unwrap_or(true),
        unhealthy_within: unhealthy_within(from),
        control_port: port(call, from.target_control_port())?,
        vpc: from.vpc_id().filter(|id| !id.is_empty()).map(VpcId::from),
        load_balancers: from.load_balancer_arns().iter().map(|text| arn(call, Some(text))).collect::<Result<_, _>>()?,
    })
}

fn kind(from: Option<&sdk::TargetTypeEnum>) -> Option<TargetKind> {
    Some(match from? {
        sdk::TargetTypeEnum::Instance => TargetKind::Instance,
        sdk::TargetTypeEnum::Ip => TargetKind::Ip,
        sdk::TargetTypeEnum::Lambda => TargetKind::Lambda,
        sdk::TargetTypeEnum::Alb => TargetKind::Alb,
        _ => return None,
    })
}

/// What is not told counts as the default of an application load balancer.
///
/// Source: `CreateTargetGroup`, `HealthCheckIntervalSeconds` and `UnhealthyThresholdCount`.
fn unhealthy_within(from: &sdk::TargetGroup) -> Duration {
    let number = |told: Option<i32>, default: u32| told.and_then(|told| u32::try_from(told).ok()).unwrap_or(default);
    let interval = Duration::from_secs(number(from.health_check_interval_seconds(), 30).into());
    interval * number(from.unhealthy_threshold_count(), 2)
}

/// `traffic-port` or a number.
fn health_check_port(text: Option<&str>) -> Option<Option<u16>> {
    match text {
        None | Some("" | "traffic-port") => Some(None),
        Some(number) => number.parse().ok().map(Some),
    }
}

/// Source: `TargetHealthDescription`.
fn target(call: &Call, from: &sdk::TargetHealthDescription) -> Result<Target, AwsError> {
    let target = from.target().ok_or_else(|| call.malformed("target"))?;
    let health = from.target_health().ok_or_else(|| call.malformed("health of a target"))?;
    Ok(Target {
        id: target.id().ok_or_else(|| call.malformed("id of a target"))?.to_owned(),
        port: port(call, target.port())?,
        availability_zone: target.availability_zone().filter(|zone| !zone.is_empty()).map(str::to_owned),
        state: health.state().ok_or_else(|| call.malformed("state of a target"))?.as_str().to_owned(),
        reason: health.reason().map(|reason| reason.as_str().to_owned()),
    })
}
