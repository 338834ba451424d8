//! The verbs that work once, as processes.

mod plan;
pub mod stage;
