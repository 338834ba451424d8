//! AWS out of files: the answers to the Describe calls of one account and Region, as the AWS CLI prints them.
//!
//! ```text
//! Cloud ─ SDK client ─► requests ─► answers ◄─ files (JSON, checked by the table of shapes)
//! live account ─► SDK client ─► recording ─► files
//! ```
//!
//! - Below the SDK, so that everything above is the same code as with AWS.
//! - What a snapshot does not hold is unknown, and never taken for "there is none": a file that is absent, a target group
//!   that is not in it, another Region. Such a call fails as [`Unanswered`].
//! - A request that is not understood, to its last filter, fails as well.

mod answers;
mod calls;
mod client;
mod contradictions;
mod files;
mod json;
mod place;
mod recording;
mod requests;
mod shapes;
mod taking;
mod unanswered;
mod without_ids;
mod writing;
mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use files::{Fault, SnapshotError};
pub use taking::{LeftOut, Progress, Reason, Taken, take};
pub use unanswered::Unanswered;
pub use without_ids::has_no_id;
pub use writing::{WritingError, holds_snapshot};

/// What was read from a folder.
#[derive(Debug)]
pub struct Snapshot {
    dir: PathBuf,
    /// The items of each call whose file is there, by the call's action.
    items: BTreeMap<&'static str, Vec<Value>>,
}

impl Snapshot {
    /// Reads every file that is there, and checks it.
    ///
    /// # Errors
    /// All that is wrong with any file. Or: there is no such folder, or no file of a snapshot in it.
    pub fn read(dir: &Path) -> Result<Self, SnapshotError> {
        let mut items = files::read(dir)?;
        without_ids::stand_in(&mut items);
        Ok(Self { dir: dir.to_owned(), items })
    }
}

#[cfg(test)]
mod tests;
