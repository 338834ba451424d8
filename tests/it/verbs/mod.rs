//! The verbs that work once, as processes.

mod existing;
mod explain;
mod outputs;
mod plan;
pub mod stage;
