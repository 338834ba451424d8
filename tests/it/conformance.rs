//! What AWS and Kubernetes do, as one list of behaviours, and whether those that stand in for them in tests do the same.
//!
//! ```text
//! behaviours ─► backends: simulation | moto, or the real API server | a real account ─► lines observed
//!            └► lines that the source documents ──────────────────────────────────────► compared, and docs/conformance.md
//! ```
//!
//! A difference that nobody declared fails the test, and so does a declared one that does not occur.

mod aws;
mod behaviour;
mod document;
mod kubernetes;
mod suite;
mod transcript;

pub use behaviour::{Behaviour, Stand, behaviour};
pub use suite::{Findings, Observed};
pub use transcript::Transcript;
