//! Keeps the security groups between load balancers and their targets at exactly the
//! least-privilege rules.
//!
//! ```text
//! CRs ─► validate ─► observe (AWS) ─► desired ─► plan ─► check ─► apply ─► status
//!           pure        I/O            pure      pure    pure     I/O      pure
//! ```
//!
//! `controller` runs this as a loop, `once` once.

pub mod api;
pub mod model;
pub mod documents;
pub mod validate;
pub mod observe;
pub mod desired;
pub mod plan;
pub mod check;
pub mod apply;
pub mod status;
pub mod graph;
pub mod import;
pub mod aws;
pub mod controller;
pub mod once;
pub mod show;
pub mod preflight;
pub mod telemetry;
pub mod batch;
pub mod clock;
pub mod defect;
pub mod cli;

#[cfg(test)]
mod pictures;
#[cfg(test)]
mod purity;
#[cfg(test)]
mod testing;
