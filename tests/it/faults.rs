//! What happens when AWS, the API server's objects or the controller itself fail at the worst moment. Each test has a
//! moto, a namespace and a cluster name of its own, and compares whole rule sets.

mod aws;
mod kills;
mod leaders;
mod order;
mod reads;
mod refusals;
mod stage;
