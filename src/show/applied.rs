//! What a run has done, for machines.

use serde::Serialize;

use crate::model::Step;
use crate::once::{Forecast, Report, Survey};

use super::json::{HeldDocument, ProblemDocument, StepDocument, json};

/// What `apply -o json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedDocument {
    /// In the order in which they were seen to be done. `restore` made a foreign rule again.
    pub done: Vec<StepDocument>,
    pub refused: Vec<RefusedDocument>,
    /// Security groups whose foreign rules were taken away and put back.
    pub rolled_back: Vec<String>,
    /// Security groups whose foreign rules were taken away and could not be put back.
    pub lost: Vec<String>,
    /// Why it ended early.
    pub halted: Option<String>,
    /// What a last look at AWS finds; `null` where nobody has looked.
    pub left: Option<LeftDocument>,
}

/// A step that AWS refused.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedDocument {
    #[serde(flatten)]
    pub step: StepDocument,
    pub error: String,
}

/// What is left to be done.
#[derive(Clone, Debug, Serialize)]
pub struct LeftDocument {
    pub steps: Vec<StepDocument>,
    pub held: Vec<HeldDocument>,
    pub problems: Vec<ProblemDocument>,
    pub unknown: Vec<String>,
}

/// What was done, and what a later look finds.
pub fn applied(report: &Report, left: Option<(&Survey, &Forecast)>) -> AppliedDocument {
    let refused = |(step, error): &(Step, String)| RefusedDocument { step: step.into(), error: error.clone() };
    AppliedDocument {
        done: report.done.iter().map(StepDocument::from).collect(),
        refused: report.refused.iter().map(refused).collect(),
        rolled_back: report.rolled_back.iter().map(|key| key.id.to_string()).collect(),
        lost: report.lost.keys().map(|key| key.id.to_string()).collect(),
        halted: report.halt.as_ref().map(ToString::to_string),
        left: left.map(|(survey, left)| {
            let plan = json(survey, left);
            LeftDocument { steps: plan.steps, held: plan.held, problems: plan.problems, unknown: plan.unknown }
        }),
    }
}
