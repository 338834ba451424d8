//! Elastic Load Balancing v2.

use super::answer::Xml;
use super::{Call, Failure, World};

/// What it holds in one account and Region.
#[derive(Default)]
pub struct Elb {}

/// Carries out one call.
pub fn handle(_world: &mut World, call: &Call) -> Result<Xml, Failure> {
    Err(Failure::new("InvalidAction", format!("{} is not simulated", call.action)))
}

/// Lets target health follow from what has changed.
pub fn settle(world: &mut World) {
    world.changed.clear();
}
