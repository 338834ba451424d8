//! What operators see of a running controller: metrics, logs and probes.

pub mod metrics;
