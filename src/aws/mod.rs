//! Between the SDK and the model; the only place that names SDK types.

pub mod batch;
pub mod pacing;
