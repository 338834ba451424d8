//! EC2: what is there, and the calls that read and change it.

pub mod model;

pub use model::Ec2;

use super::answer::Xml;
use super::{Call, Failure, World};

/// Carries out one call.
pub fn handle(_world: &mut World, call: &Call) -> Result<Xml, Failure> {
    Err(Failure::new("InvalidAction", format!("{} is not simulated", call.action)))
}
