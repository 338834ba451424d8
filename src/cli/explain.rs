use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::api::names::CLUSTER_TAG_PREFIX;
use crate::aws::Clouds;
use crate::model::{ClusterName, GroupKey, GroupState};
use crate::observe::{self, Found};
use crate::once;
use crate::show;

use super::arguments::nobody;
use super::objects::{Gathered, ViewArguments};
use super::plan::{READING, tell_of_problems, write, write_json};
use super::waiting::waiting_for;

/// Arguments of `sgbind explain`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0, or 1 on errors and where an object has a problem.")]
pub struct Arguments {
    /// The security group, by its id.
    #[arg(value_name = "SG-ID")]
    group: String,
    /// How it is printed.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    view: ViewArguments,
}

/// Forms of an explanation.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For machines.
    Json,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let waiting = waiting_for(READING);
    let snapshot = arguments.view.snapshot.snapshot.as_deref();
    let nobody = nobody()?;
    let clouds = arguments.view.aws.connect(arguments.view.cluster_name.as_ref().unwrap_or(&nobody), snapshot).await?;
    let state = find(&clouds, &arguments.group).await?;
    let has_objects = arguments.view.has_objects();
    let cluster = match (&arguments.view.cluster_name, only_cluster(&state)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name,
        (None, None) if has_objects => {
            bail!("{} has not opted in to exactly one cluster: name the one that is meant by --cluster-name", state.key)
        }
        (None, None) => nobody,
    };
    let objects = arguments.view.objects(cluster);
    let gathered = if has_objects { objects.gather(snapshot).await? } else { objects.nothing(clouds) };
    let Gathered { clouds, cluster, us, asked, terms } = gathered;
    let mut survey =
        once::look_also(&clouds, &cluster, &us, &asked, &terms, &BTreeSet::from([state.key.clone()])).await;
    drop(waiting);
    if !arguments.view.knows_identity() {
        survey.take_on_identity();
    }
    let forecast = once::foresee(&survey, &terms).context("a plan was refused, which is a bug in sgbind")?;
    let document = show::explain(&survey, &forecast, &state.key);
    let document = document.ok_or_else(|| anyhow!("security group {} is gone by now", state.key))?;
    match arguments.output {
        Format::Table => write(&show::explained(&document))?,
        Format::Json => write_json(&document)?,
    }
    tell_of_problems(&survey, &forecast);
    let well = forecast.problems.is_empty() && survey.unknown.is_empty();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the group, in our own account or in one for which there is a role.
async fn find(clouds: &Clouds, id: &str) -> anyhow::Result<GroupState> {
    if !id.starts_with("sg-") {
        bail!("{id:?} is not the id of a security group: expected one such as sg-0a1b2c3d4e5f67890");
    }
    let scopes = clouds.scopes();
    for scope in &scopes {
        let key = GroupKey { scope: scope.clone(), id: id.into() };
        let cloud = clouds.scope(scope)?;
        if let Found::There(state) = observe::security_group(&cloud, &key).await? {
            return Ok(state);
        }
    }
    let places: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    bail!(
        "no security group {id} in {}: check the id, --region, and --account-role for other accounts",
        places.join(", ")
    )
}

/// The cluster to which the group has opted in, if there is exactly one.
fn only_cluster(state: &GroupState) -> Option<ClusterName> {
    let names = state.tags.keys().filter_map(|key| key.strip_prefix(CLUSTER_TAG_PREFIX));
    let mut names: BTreeSet<&str> = names.collect();
    if names.len() == 1 { names.pop_first()?.parse().ok() } else { None }
}
