//! What a run tells while it works, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::aws::AwsError;
use crate::check::Violation;
use crate::model::{GroupKey, Step, TakenRule, TargetRef};

/// What happens, for who looks on.
#[derive(Debug)]
pub enum Progress<'a> {
    Done(&'a Step),
    /// AWS refused these, for this reason.
    Refused(&'a [Step], &'a AwsError),
    /// What was done is not seen yet.
    Waiting,
    /// Foreign rules are about to be taken away. What it takes to make them again is told before.
    Takes(&'a GroupKey, &'a [TakenRule]),
    /// They are gone, and the health of targets is watched for so long.
    Watches(&'a GroupKey, Duration),
    /// These targets became unhealthy, and the rules are made again.
    Fallen(&'a GroupKey, &'a BTreeSet<TargetRef>),
    /// The health of targets could not be read, so the rules are made again, or not taken away.
    HealthUnknown(&'a GroupKey, &'a AwsError),
    /// The watch ended early: someone may want to put these back.
    Unwatched(&'a GroupKey, &'a [TakenRule]),
    /// These were to be made again, and could not: a person must.
    Lost(&'a GroupKey, &'a [TakenRule]),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// What AWS has done, or was seen to be so when its answer was lost.
    pub done: Vec<Step>,
    /// What AWS refused, with why.
    pub refused: Vec<(Step, String)>,
    /// Groups whose foreign rules were put back.
    pub rolled_back: BTreeSet<GroupKey>,
    /// Foreign rules that were to be put back, and are not there.
    pub lost: BTreeMap<GroupKey, Vec<TakenRule>>,
    pub halt: Option<Halt>,
    /// Foreign rules of more groups are to go: they are looked at anew before.
    pub goes_on: bool,
}

impl Report {
    /// What came of this run and a later one.
    #[must_use]
    pub fn and(mut self, later: Self) -> Self {
        self.done.extend(later.done);
        self.refused.extend(later.refused);
        self.rolled_back.extend(later.rolled_back);
        self.lost.extend(later.lost);
        Self { halt: later.halt, goes_on: later.goes_on, ..self }
    }

    /// Whether nothing came in between.
    pub fn is_well(&self) -> bool {
        self.halt.is_none() && self.refused.is_empty() && self.rolled_back.is_empty() && self.lost.is_empty()
    }
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    #[error("interrupted")]
    Interrupted,
    #[error("something has changed since the plan was made:\n{0}\n")]
    Changed(String),
    #[error("security group {0} could not be read: {1}")]
    Unreadable(GroupKey, Box<AwsError>),
    #[error("security group {0} is gone, or EC2 does not show it whole")]
    Gone(GroupKey),
    #[error("a plan was refused, which is a bug in sgbind: {0}")]
    Refused(#[from] Violation),
}
