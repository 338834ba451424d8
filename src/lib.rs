//! sgbind
pub mod api;
