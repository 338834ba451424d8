#![allow(
    clippy::zombie_processes,
    reason = "servers of a test end with it, and this process does not live long enough for zombies to matter"
)]

mod access;
mod accounts;
mod admission;
mod check;
mod commands;
mod conformance;
mod control_plane;
mod crds;
mod deploy;
mod document;
mod documents;
mod faults;
mod import;
mod lifecycle;
mod operation;
mod patterns;
mod plugin;
mod promises;
mod proxy;
mod references;
mod role;
mod served;
mod simulation;
mod snapshot;
mod verbs;
mod world;
