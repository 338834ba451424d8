use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::operation::describe_listeners::DescribeListenersOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_rules::DescribeRulesOutput;
use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call};
use crate::aws::pages::{Page, all_pages};
use crate::model::{ElbArn, ElbProtocol};

use super::{Elb, PAGE, arn, port};

/// A listener with its default actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub arn: ElbArn,
    pub port: u16,
    pub protocol: ElbProtocol,
    pub default_actions: Actions,
}

/// What the actions of one rule, or of a listener by default, come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// Weight of each target group that is forwarded to. Weights are shares within one rule only; a single
    /// target group gets everything, whatever its weight is.
    pub forwards: BTreeMap<ElbArn, i32>,
    /// The load balancer itself must reach an identity provider: for tokens, user information or keys.
    pub authenticates: bool,
}

/// Source: `TargetGroupTuple` and "Weighted target groups" in the guide: what a lone target group has.
const DEFAULT_WEIGHT: i32 = 1;

impl Cloud {
    /// Source: `DescribeListeners`.
    ///
    /// # Errors
    /// `NotFound` if the load balancer is not there.
    pub async fn listeners(&self, load_balancer: &ElbArn) -> Result<Vec<Listener>, AwsError> {
        let call = self.elb.call("DescribeListeners", load_balancer.to_string());
        let request = self.elb.client.describe_listeners().load_balancer_arn(load_balancer.as_str()).page_size(PAGE);
        let open = |page: DescribeListenersOutput| Page { items: page.listeners, next: page.next_marker };
        let all = all_pages(&call, request.into_paginator().send(), open).await?;
        all.iter().map(|each| listener(&call, each)).collect()
    }

    /// The actions of each rule of a listener but the default one, which are the listener's own. Only
    /// listeners of application load balancers have rules.
    ///
    /// # Errors
    /// `NotFound` if the listener is not there.
    pub async fn rules_of_listener(&self, listener: &ElbArn) -> Result<Vec<Actions>, AwsError> {
        self.elb.read_rules_of_listener(listener).await
    }
}

impl Elb {
    /// Source: `DescribeRules`.
    async fn read_rules_of_listener(&self, listener: &ElbArn) -> Result<Vec<Actions>, AwsError> {
        let call = self.call("DescribeRules", listener.to_string());
        let request = self.client.describe_rules().listener_arn(listener.as_str()).page_size(PAGE);
        let open = |page: DescribeRulesOutput| Page { items: page.rules, next: page.next_marker };
        let all = all_pages(&call, request.into_paginator().send(), open).await?;
        all.iter().filter(|rule| rule.is_default() != Some(true)).map(|rule| actions(&call, rule.actions())).collect()
    }
}

/// Source: `Listener`.
fn listener(call: &Call, from: &sdk::Listener) -> Result<Listener, AwsError> {
    let protocol = from.protocol().ok_or_else(|| call.malformed("protocol of a listener"))?;
    Ok(Listener {
        arn: arn(call, from.listener_arn())?,
        port: port(call, from.port())?.ok_or_else(|| call.malformed("port of a listener"))?,
        protocol: ElbProtocol(protocol.as_str().to_owned()),
        default_actions: actions(call, from.default_actions())?,
    })
}

/// Source: `Action`, `ForwardActionConfig`. Where both forms of a forward are given they say the same.
fn actions(call: &Call, from: &[sdk::Action]) -> Result<Actions, AwsError> {
    let mut actions = Actions::default();
    for action in from {
        match action.r#type().ok_or_else(|| call.malformed("type of an action"))? {
            sdk::ActionTypeEnum::Forward => add_forward(call, action, &mut actions.forwards)?,
            sdk::ActionTypeEnum::AuthenticateCognito
            | sdk::ActionTypeEnum::AuthenticateOidc
            | sdk::ActionTypeEnum::JwtValidation => actions.authenticates = true,
            _ => {}
        }
    }
    Ok(actions)
}

fn add_forward(call: &Call, action: &sdk::Action, forwards: &mut BTreeMap<ElbArn, i32>) -> Result<(), AwsError> {
    let weighted = action.forward_config().map(sdk::ForwardActionConfig::target_groups).unwrap_or_default();
    let mut add = |text: Option<&str>, weight: i32| -> Result<(), AwsError> {
        let sum = forwards.entry(arn(call, text)?).or_default();
        *sum = sum.saturating_add(weight);
        Ok(())
    };
    if weighted.is_empty() {
        return add(action.target_group_arn(), DEFAULT_WEIGHT);
    }
    weighted.iter().try_for_each(|each| add(each.target_group_arn(), each.weight().unwrap_or(DEFAULT_WEIGHT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLUE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/blue/1";
    const GREEN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/green/2";

    fn forward() -> sdk::builders::ActionBuilder {
        sdk::Action::builder().r#type(sdk::ActionTypeEnum::Forward)
    }

    fn config(groups: &[(&str, Option<i32>)]) -> sdk::ForwardActionConfig {
        let tuple =
            |arn: &str, weight| sdk::TargetGroupTuple::builder().target_group_arn(arn).set_weight(weight).build();
        let tuples = groups.iter().map(|(arn, weight)| tuple(arn, *weight)).collect();
        sdk::ForwardActionConfig::builder().set_target_groups(Some(tuples)).build()
    }

    fn read(action: sdk::Action) -> Vec<(String, i32)> {
        let call = Call {
            service: "elasticloadbalancing",
            action: "DescribeRules",
            scope: None,
            role: None,
            resource: String::new(),
        };
        let read = actions(&call, &[action]).unwrap();
        read.forwards.into_iter().map(|(arn, weight)| (arn.name().to_owned(), weight)).collect()
    }

    #[test]
    fn weights_are_as_given_and_one_where_none_is() {
        assert_eq!(read(forward().target_group_arn(BLUE).build()), [("blue".into(), 1)]);
        let both = forward().target_group_arn(BLUE).forward_config(config(&[(BLUE, Some(1))])).build();
        assert_eq!(read(both), [("blue".into(), 1)], "the two forms count once");
        let weighted = forward().forward_config(config(&[(BLUE, Some(0)), (GREEN, Some(100))])).build();
        assert_eq!(read(weighted), [("blue".into(), 0), ("green".into(), 100)]);
        let unweighted = forward().forward_config(config(&[(GREEN, None)])).build();
        assert_eq!(read(unweighted), [("green".into(), 1)]);
    }
}
