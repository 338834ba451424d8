//! Elastic Load Balancing: what is read there; nothing is written. Facts are from its API reference
//! (version 2015-12-01), from the page of the call or data type that a function names.

mod balancers;
mod dns;
mod listeners;
mod target_groups;
mod trying;

use aws_config::SdkConfig;

use crate::model::{AccountRole, ElbArn, Scope};

use super::error::{AwsError, Call, ErrorClass};

pub use balancers::{FoundLoadBalancer, LoadBalancer};
pub use listeners::{Actions, Listener};
pub use target_groups::{Target, TargetGroup, TargetKind};

pub(super) use balancers::TaggedLoadBalancer;

/// The greatest page of the Describe calls.
const PAGE: i32 = 400;

/// Elastic Load Balancing in one account and Region.
#[derive(Clone)]
pub(super) struct Elb {
    client: aws_sdk_elasticloadbalancingv2::Client,
    scope: Scope,
    role: Option<AccountRole>,
}

impl Elb {
    pub fn new(config: &SdkConfig, scope: Scope, role: Option<AccountRole>) -> Self {
        Self { client: aws_sdk_elasticloadbalancingv2::Client::new(config), scope, role }
    }

    /// `resource` must not differ between calls for the same thing, as it comes to stand in conditions.
    fn call(&self, action: &'static str, resource: impl Into<String>) -> Call {
        let (scope, role) = (Some(self.scope.clone()), self.role.clone());
        Call { service: "elasticloadbalancing", action, scope, role, resource: resource.into() }
    }
}

fn arn(call: &Call, text: Option<&str>) -> Result<ElbArn, AwsError> {
    text.and_then(ElbArn::parse).ok_or_else(|| call.malformed("ARN"))
}

/// A port; 0 and -1 stand for none.
fn port(call: &Call, number: Option<i32>) -> Result<Option<u16>, AwsError> {
    match number {
        None | Some(0 | -1) => Ok(None),
        Some(number) => u16::try_from(number).map(Some).map_err(|_| call.malformed("port")),
    }
}

/// "There is none" as an answer, where AWS says it by an error.
fn none_if_not_found<T>(result: Result<Vec<T>, AwsError>) -> Result<Vec<T>, AwsError> {
    match result {
        Err(error) if error.class() == ErrorClass::NotFound => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
