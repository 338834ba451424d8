//! The controller in the simulation: in virtual time, with every fault at every call.

mod accounts;
mod full;
mod misfortunes;
mod oracle;
mod repeat;
pub mod rules;
mod run;
pub mod scenarios;
mod stage;
mod sweep;

pub use rules::these;
pub use run::in_virtual_time;
pub use stage::{Controller, Stage, simulation};
pub use sweep::worth_a_fault;
