//! AWS and Kubernetes as a controller sees them, simulated below its clients: a world that can be made to misbehave,
//! moves in virtual time, and repeats itself to the letter when it is given the same seed.
//!
//! ```text
//! AWS SDK ─► HTTP connector ─┐                ┌─► aws: EC2, ELBv2, STS; target health from a packet walk
//!                            ├─► process: ────┤
//! kube::Client ─► service ───┘  faults, trace └─► kubernetes: store, watches, server-side apply, validation
//! ```
//!
//! Shares no code with the product: where both are wrong alike, nothing would tell.

pub mod aws;
pub mod kubernetes;
pub mod process;
pub mod serve;
pub mod simulation;
pub mod trace;

pub use aws::Aws;
pub use kubernetes::Kubernetes;
pub use process::{CallSite, Fault, Process};
pub use simulation::Simulation;
pub use trace::Trace;
