//! Between the SDK and the model; the only place that names SDK types.

pub mod batch;
mod connection;
mod error;
pub mod pacing;
mod pages;

pub use error::{AwsError, Call, ErrorClass, Refusal};
