//! The loop that runs in a cluster: what to work on, when, and whether this replica may.

pub mod leader;
pub mod queue;
