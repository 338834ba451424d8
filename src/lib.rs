//! Keeps the security groups between load balancers and their targets at exactly the
//! least-privilege rules.
//!
//! ```text
//! CRs ─► validate ─► observe (AWS) ─► desired ─► plan ─► check ─► apply ─► status
//!           pure        I/O            pure      pure    pure     I/O      pure
//! ```
//!
//! `controller` runs this as a loop.

pub mod api;
pub mod apply;
pub mod aws;
pub mod check;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod desired;
pub mod model;
pub mod observe;
pub mod plan;
pub mod status;
pub mod telemetry;
pub mod validate;
