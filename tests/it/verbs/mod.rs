//! The verbs that work once, as processes and in virtual time.

mod alike;
mod apply;
mod befallen;
mod changed;
mod counted;
mod existing;
mod explain;
mod interrupted;
mod offline;
mod operator;
mod outputs;
mod partial;
mod plan;
mod selection;
pub mod stage;
mod swapped;
mod terminal;
mod tightening;
mod unreachable;
