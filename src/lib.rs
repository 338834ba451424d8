//! Keeps the security groups between load balancers and their targets at exactly the
//! least-privilege rules.
//!
//! ```text
//! CRs ─► validate ─► observe (AWS) ─► desired ─► plan ─► check ─► apply ─► status
//!           pure        I/O            pure      pure    pure     I/O      pure
//! ```
//!
//! The modules below stand in that order.

pub mod api;
pub mod check;
pub mod desired;
pub mod model;
pub mod plan;
pub mod status;
pub mod validate;

#[cfg(test)]
mod purity;
#[cfg(test)]
mod testing;
