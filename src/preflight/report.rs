use serde::Serialize;

use super::Stage;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// To be looked at; also of what could not be checked.
    Warning,
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Title of its section.
    pub section: String,
    /// Within its section the same at each run, for programs: `crd/albtargetbindings.sgbind.dev`.
    pub name: String,
    pub status: Status,
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Checks that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub checks: Vec<Check>,
}

impl Section {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), checks: Vec::new() }
    }

    pub fn ok(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.add(name, Status::Ok, message, None);
    }

    pub fn warn(&mut self, name: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.add(name, Status::Warning, message, Some(hint.into()));
    }

    pub fn fail(&mut self, name: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.add(name, Status::Failed, message, Some(hint.into()));
    }

    /// What could not be checked, as something that it needs is not so.
    pub fn skip(&mut self, name: impl Into<String>, what: &str, because: &str) {
        self.add(name, Status::Warning, format!("skipped: {what}: {because}"), None);
    }

    /// What is not there: a failure, unless nothing is installed yet.
    pub fn missing(
        &mut self,
        stage: Stage,
        name: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        match stage {
            Stage::BeforeInstallation => self.warn(name, format!("not installed yet: {}", message.into()), hint),
            Stage::Installed => self.fail(name, message, hint),
        }
    }

    fn add(&mut self, name: impl Into<String>, status: Status, message: impl Into<String>, hint: Option<String>) {
        let section = self.title.clone();
        self.checks.push(Check { section, name: name.into(), status, message: message.into(), hint });
    }
}

/// All checks, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub checks: Vec<Check>,
    pub summary: Summary,
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub ok: usize,
    pub warning: usize,
    pub failed: usize,
}

impl Report {
    pub(super) fn add(&mut self, section: Section, tell: &mut impl FnMut(&Section)) {
        tell(&section);
        for check in &section.checks {
            match check.status {
                Status::Ok => self.summary.ok += 1,
                Status::Warning => self.summary.warning += 1,
                Status::Failed => self.summary.failed += 1,
            }
        }
        self.checks.extend(section.checks);
    }
}
