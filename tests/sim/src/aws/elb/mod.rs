//! Elastic Load Balancing v2.
//!
//! ```text
//! calls: forms and XML ─► balancers, listeners, target_groups, targets ─► model ─► health
//! ```
//!
//! Load balancers are active as soon as they are made, and answers are never old: unlike EC2's, those of Elastic Load
//! Balancing are not said to be.

mod arns;
mod attributes;
mod balancers;
mod calls;
mod failures;
pub mod health;
mod interfaces;
mod listeners;
pub mod model;
mod target_groups;
mod targets;
mod tree;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use super::answer::Xml;
use super::{Call, Failure, World};

pub use balancers::{NewBalancer, SubnetMapping};
pub use health::{Host, State, settle};
pub use listeners::{ListenerChange, NewListener};
pub use model::Elb;
pub use target_groups::{HealthCheckChange, NewTargetGroup};
pub use targets::{NewTarget, Target, TargetKey};
pub use tree::Tree;

/// Carries out one call.
pub fn handle(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    calls::handle(world, call)
}
