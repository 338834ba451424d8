use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::api::names::CLUSTER_TAG_PREFIX;
use crate::aws::Clouds;
use crate::documents::Source;
use crate::model::{ClusterName, GroupKey, GroupState};
use crate::observe::{self, Found};
use crate::once;
use crate::show;

use super::arguments::{AwsArguments, ClusterArguments, SnapshotArgument};
use super::objects::{Gathered, ObjectArguments};
use super::plan::write;

/// Arguments of `sgbind explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The security group, by its id.
    #[arg(value_name = "SG-ID")]
    group: String,
    /// File or folder with the objects that may need its rules, or - for stdin; may be repeated.
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    files: Vec<Source>,
    /// Takes the objects of the cluster.
    #[arg(long)]
    from_cluster: bool,
    /// Namespace of objects in files that name none [default: default]; with --from-cluster, the only one that counts.
    #[arg(short, long)]
    namespace: Option<String>,
    /// Name of the cluster whose rules are ours [default: the only one to which the group has opted in].
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: Option<ClusterName>,
    /// Value of the tag by which rules are ours [default: with --from-cluster the UID of the namespace kube-system, else
    /// any].
    #[arg(long, env = "SGBIND_IDENTITY")]
    identity: Option<String>,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    #[command(flatten)]
    snapshot: SnapshotArgument,
    /// How it is printed.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

/// Forms of an explanation.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For machines.
    Json,
}

/// What the cluster's name is where nobody says it: no rule is ours then.
const NOBODY: &str = "none";

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let snapshot = arguments.snapshot.snapshot.as_deref();
    let nobody: ClusterName = NOBODY.parse()?;
    let clouds = arguments.aws.connect(arguments.cluster_name.as_ref().unwrap_or(&nobody), snapshot).await?;
    let state = find(&clouds, &arguments.group).await?;
    let has_objects = !arguments.files.is_empty() || arguments.from_cluster;
    let cluster = match (&arguments.cluster_name, only_cluster(&state)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name,
        (None, None) if has_objects => {
            bail!("{} has not opted in to exactly one cluster: name the one that is meant by --cluster-name", state.key)
        }
        (None, None) => nobody,
    };
    let objects = arguments.objects(cluster, &state);
    let gathered = if has_objects { objects.gather(snapshot).await? } else { objects.nothing(clouds) };
    let Gathered { clouds, cluster, us, asked, terms } = gathered;
    let survey = once::look_also(&clouds, &cluster, &us, &asked, &terms, &BTreeSet::from([state.key.clone()])).await;
    let forecast = once::foresee(&survey, &terms).context("a plan was refused, which is a bug in sgbind")?;
    let document = show::explain(&survey, &forecast, &state.key);
    let document = document.ok_or_else(|| anyhow!("security group {} is gone by now", state.key))?;
    match arguments.output {
        Format::Table => write(&show::explained(&document))?,
        Format::Json => write(&(serde_json::to_string_pretty(&document).context("the rules as JSON")? + "\n"))?,
    }
    for problem in &forecast.problems {
        anstream::eprintln!("{}: {}: {}", problem.object, problem.problem.reason.word(), problem.problem.message);
    }
    Ok(if forecast.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    /// As whom the group is looked at. Where nobody says our identity, it is the one that rules of our cluster carry.
    fn objects(&self, cluster_name: ClusterName, state: &GroupState) -> ObjectArguments {
        let tag = cluster_name.tag_key();
        let mut carried: BTreeSet<&String> = state.rules.iter().filter_map(|rule| rule.tags.get(&tag)).collect();
        let only = if carried.len() == 1 { carried.pop_first().cloned() } else { None };
        ObjectArguments {
            files: self.files.clone(),
            from_cluster: self.from_cluster,
            namespace: self.namespace.clone(),
            cluster_name,
            identity: self.identity.clone().or(only.filter(|_| !self.from_cluster)),
            take_over: Vec::new(),
            prune: false,
            revocation_brake: None,
            rule_quota: None,
            tightening_watch: Duration::ZERO,
            aws: self.aws.clone(),
            cluster: self.cluster.clone(),
        }
    }
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
