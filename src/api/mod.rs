//! The kinds of the API group `sgbind.dev`: fields and admission rules, no logic.
//!
//! `crds/` is generated from here (`sgbind crds`), and a test compares the two.

mod access;
mod binding;
mod common;
mod crd;
pub mod names;
pub(crate) mod rules;
mod status;

pub use access::*;
pub use binding::*;
pub use common::*;
pub use crd::*;
pub use status::*;
