//! The verbs that work once, as processes and in virtual time.

mod existing;
mod explain;
mod alike;
mod apply;
mod befallen;
mod changed;
mod counted;
mod interrupted;
mod operator;
mod plan;
mod selection;
pub mod stage;
mod terminal;
mod tightening;
mod unreachable;
