//! Between the SDK and the model; the only place that names SDK types.

pub mod batch;
mod error;
pub mod pacing;

pub use error::{AwsError, Call, ErrorClass, Refusal};
