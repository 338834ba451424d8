//! The kinds of the API group `sgbind.dev`: fields and admission rules, no logic.
//!
//! `crds/` is generated from here (`sgbind crds`), and a test compares the two.

mod binding;
mod common;
pub mod names;
mod status;

pub use binding::*;
pub use common::*;
pub use status::*;
