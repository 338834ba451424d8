//! The verbs that work once, as processes.

mod existing;
mod explain;
mod plan;
pub mod stage;
