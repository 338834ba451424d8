//! EC2: what is there, and the calls that read and change it.
//!
//! ```text
//! Call ─► calls: reads the form, writes XML ─► operations of `World`: check, then apply ─► model
//!                     └► reading: filters, pages, lag ─────────────────────────────────────► model
//! ```
//!
//! Tests can use the operations directly, to build what would take too many calls. Sources named in comments are pages
//! of the EC2 API reference, if not said otherwise.

mod acls;
mod calls;
mod groups;
mod instances;
mod interfaces;
mod lookup;
pub mod model;
mod network;
mod prefix_lists;
mod quota;
mod reading;
mod routes;
mod rules;
mod table;
mod tags;
mod traffic;

pub use acls::EntryNumber;
pub use calls::handle;
pub use groups::NewGroup;
pub use instances::NewInstance;
pub use interfaces::NewInterface;
pub use model::Ec2;
pub use network::{NewSubnet, NewVpc};
pub use prefix_lists::NewPrefixList;
pub use quota::RULES_PER_GROUP;
pub use rules::{NewRule, Revoked, RuleChange, RuleName};
pub use tags::Untag;

#[cfg(test)]
mod tests;
