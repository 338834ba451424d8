//! Pre-flight and health of an installation: a line for each thing that must be so, and what to do where it is not.
//!
//! Asking and judging are apart: `kubernetes`, `rights`, `cloud` and `controller` ask; `crds`, `role`, `clock`, `groups` and
//! `vitals` judge what was answered. Nothing is changed anywhere, and what fails does not stop what does not need it.

mod clock;
mod cloud;
mod controller;
mod crds;
mod groups;
mod kubernetes;
mod report;
mod rights;
mod role;
mod vitals;

use std::sync::Arc;

use crate::aws::pacing::{Pacer, Share};
use crate::aws::{Clouds, Dates};
use crate::clock::Clock;
use crate::model::{AccountRoles, ClusterName, Region};
use crate::telemetry::metrics::Metrics;

pub use kubernetes::chain;
pub use report::{Check, Report, Section, Status, Summary};

/// What is to be checked.
pub struct Subject {
    pub cluster: ClusterName,
    /// Where none is given, that of AWS's configuration.
    pub region: Option<Region>,
    pub account_roles: AccountRoles,
    /// Where the controller runs.
    pub namespace: String,
    pub stage: Stage,
    /// How the API server is reached, or why that is not known.
    pub kubernetes: Result<kube::Config, String>,
    pub clock: Clock,
}

/// Whether the installation should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What is not there yet is no failure.
    BeforeInstallation,
    Installed,
}

/// Checks everything. Each section is told when it is done.
pub async fn check(subject: &Subject, tell: &mut impl FnMut(&Section)) -> Report {
    let mut report = Report::default();
    let (section, reached) = kubernetes::section(subject).await;
    report.add(section, tell);

    let dates = Dates::new(subject.clock.clone());
    let source = dates.from_environment().await;
    let pacer = Pacer::new(Share::default(), Arc::new(Metrics::new()));
    let clouds =
        Clouds::connect(&source, subject.region.clone(), &subject.account_roles, &subject.cluster, pacer).await;
    let namespaces = match &reached {
        Some(reached) => reached.namespaces().await,
        None => Err("the API server can't be reached".into()),
    };
    match clouds {
        Ok(clouds) => {
            for cloud in cloud::all(&clouds) {
                let (section, opted_in) = cloud::section(subject, &cloud, &dates).await;
                report.add(section, tell);
                report.add(groups::section(&subject.cluster, cloud.scope(), opted_in.as_deref(), &namespaces), tell);
            }
        }
        Err(error) => report.add(cloud::unreachable(&error, &dates), tell),
    }
    report.add(controller::section(subject, reached.as_ref()).await, tell);
    report
}
