//! Plain data that the stages hand to each other. Values that make no sense can't be built.
//!
//! Nothing here knows a client, a clock or the environment.

mod declaration;
mod facts;
mod group;
mod identity;
mod ids;
mod object;
mod plan;
mod quota;
mod referent;
mod role;
mod rule;
#[cfg(test)]
mod tests;
mod tightening;

pub use declaration::*;
pub use facts::*;
pub use group::*;
pub use identity::*;
pub use ids::*;
pub use object::*;
pub use plan::*;
pub use quota::*;
pub use referent::*;
pub use role::*;
pub use rule::*;
pub use tightening::*;
