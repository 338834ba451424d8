//! EC2: what is read and written there. Facts are from the EC2 API reference, from the page of the call
//! or data type that a function names.

mod convert;
mod groups;
mod interfaces;
mod network;
mod trying;
mod writing;

use aws_config::SdkConfig;
use aws_sdk_ec2::types::Filter;

use crate::model::{AccountRole, Scope};

use super::error::Call;

pub use groups::{RulesRead, SecurityGroup};
pub use interfaces::Interface;
pub use network::PrefixList;
pub use writing::NewRule;

/// How many values a filter may have. Source: "Filtering" in the EC2 user guide.
pub(super) const FILTER_VALUES: usize = 200;

/// The greatest page of most Describe calls.
const PAGE: i32 = 1000;

/// EC2 in one account and Region.
#[derive(Clone)]
pub(super) struct Ec2 {
    client: aws_sdk_ec2::Client,
    scope: Scope,
    role: Option<AccountRole>,
}

impl Ec2 {
    pub fn new(config: &SdkConfig, scope: Scope, role: Option<AccountRole>) -> Self {
        Self { client: aws_sdk_ec2::Client::new(config), scope, role }
    }

    /// `resource` must not differ between calls for the same thing, as it comes to stand in conditions.
    fn call(&self, action: &'static str, resource: impl Into<String>) -> Call {
        let (scope, role) = (Some(self.scope.clone()), self.role.clone());
        Call { service: "ec2", action, scope, role, resource: resource.into() }
    }
}

fn filter(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

#[cfg(test)]
mod tests;
