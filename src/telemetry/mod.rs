//! What operators see of a running controller: metrics, logs and probes.

pub mod http;
pub mod logs;
pub mod metrics;
