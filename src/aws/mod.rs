//! AWS, behind types of ours. Only here are types of its SDK named.
//!
//! ```text
//! Clouds ─ one Cloud for each account and Region ─┬─ ec2: groups, rules, interfaces, VPCs, prefix lists
//!                                                 ├─ elb: load balancers, listeners, target groups, targets
//!                                                 └─ quotas: how many rules a group may have
//! SDK client ─► pacing ─► time limit of an attempt ─► HTTP, or the files of a snapshot
//! ```
//!
//! - A read is whole or an error: all pages, no field guessed.
//! - No call hangs: each attempt has its limit, below the pacing, so that waiting for one's turn is no
//!   failure.
//! - [`ErrorClass`] says what follows from an error, and nothing else does.
//! - Absent on purpose: a trait over AWS. Tests replace the HTTP client, so that they run the SDK's own
//!   serialisation, retries and paging.

mod clouds;
mod connection;
mod dates;
mod ec2;
mod elb;
mod error;
pub mod pacing;
mod pages;
mod permission;
mod quotas;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;

pub use clouds::{Caller, Cloud, Clouds, Source};
pub use dates::Dates;
pub use ec2::{Interface, NewRule, PrefixList, RulesRead, SecurityGroup};
pub use elb::{Actions, FoundLoadBalancer, Listener, LoadBalancer, Target, TargetGroup, TargetKind};
pub use error::{AwsError, Call, ErrorClass, Refusal};
pub use permission::{Ec2Read, ElbRead, Permission, Specimen, Verdict, Write};
pub use snapshot::{
    Fault, LeftOut, Progress, Reason, Snapshot, SnapshotError, Taken, Unanswered, WritingError, has_no_id,
    holds_snapshot, take as take_snapshot,
};
