//! sgbind
pub mod api;
pub mod clock;
pub mod controller;
pub mod telemetry;
