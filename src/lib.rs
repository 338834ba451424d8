//! sgbind
pub mod api;
pub mod aws;
pub mod clock;
pub mod controller;
pub mod telemetry;
