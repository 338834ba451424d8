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
pub mod model;
pub mod aws;
pub mod clock;
pub mod controller;
pub mod telemetry;
