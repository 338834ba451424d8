//! Options that several verbs share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::aws::pacing::{Pacer, Share};
use crate::aws::{Clouds, Snapshot, Source};
use crate::model::{AccountRole, AccountRoles, ClusterName};
use crate::telemetry::metrics::Metrics;

/// How AWS is reached by a verb that works once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsArguments {
    /// AWS Region for objects that name none [default: as AWS's tools are configured].
    #[arg(long, env = "SGBIND_REGION")]
    pub region: Option<String>,
    /// Role that may be assumed to work in an account; may be repeated, or several separated by commas.
    #[arg(long, env = "SGBIND_ACCOUNT_ROLE", value_name = "ACCOUNT=ROLE-ARN", value_delimiter = ',')]
    pub account_role: Vec<AccountRole>,
}

impl AwsArguments {
    /// AWS itself, or a snapshot of it in a folder.
    ///
    /// # Errors
    /// AWS does not say who we are, no Region is configured, or the roles contradict each other. Or the snapshot can't be
    /// used.
    pub async fn connect(&self, cluster: &ClusterName, snapshot: Option<&Path>) -> anyhow::Result<Clouds> {
        let roles = AccountRoles::new(self.account_role.clone()).context("--account-role")?;
        let region = self.region.as_deref().map(Into::into);
        if let Some(dir) = snapshot {
            let source = Source::Given(Box::new(Snapshot::read(dir)?.config(region)?));
            let pacer = Pacer::without_limits(Arc::new(Metrics::new()));
            let clouds = Clouds::connect(&source, None, &AccountRoles::default(), cluster, pacer).await;
            return clouds.context("the snapshot can't be asked");
        }
        let pacer = Pacer::new(Share::default(), Arc::new(Metrics::new()));
        let clouds = Clouds::connect(&Source::Environment, region, &roles, cluster, pacer).await;
        clouds.context("AWS can't be asked")
    }
}

/// From where a verb that changes nothing may read instead.
#[derive(Debug, Args)]
#[command(next_help_heading = "AWS")]
pub struct SnapshotArgument {
    /// Folder of JSON files that stand in for AWS, as `sgbind snapshot` or the AWS CLI writes them.
    #[arg(long, value_name = "DIR")]
    pub snapshot: Option<PathBuf>,
}

/// The cluster's name where nobody says it: no rule is ours then.
pub fn nobody() -> anyhow::Result<ClusterName> {
    "none".parse().context("the name of no cluster")
}

/// A text that can be the value of a tag. Source: "Tag your Amazon EC2 resources", the restrictions.
pub fn tag_value(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0 => Err(
            "expected 1 to 256 characters, such as pipeline; leave the option, or its variable, out for the default"
                .into(),
        ),
        1..=256 => Ok(text.to_owned()),
        count => Err(format!("expected 1 to 256 characters, found {count}")),
    }
}

/// The name of a namespace. Source: "Object Names and IDs" in the Kubernetes documentation, RFC 1123 label names.
pub fn namespace(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=63).contains(&text.len()) && text.bytes().all(allowed);
    if fits && !text.starts_with('-') && !text.ends_with('-') {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 63 characters of a-z, 0-9 and '-', with '-' neither first nor last".into())
    }
}

/// A duration such as 2m.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}: expected one such as 5s, 2m or 1h30m"))
}

/// How the cluster is reached by a verb that works once.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Kubernetes")]
pub struct ClusterArguments {
    /// Context of the kubeconfig [default: its current one, or the cluster in which this runs].
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ClusterArguments {
    /// # Errors
    /// No API server is configured, or the kubeconfig has no such context.
    pub async fn config(&self) -> anyhow::Result<kube::Config> {
        match &self.context {
            Some(context) => {
                let options = kube::config::KubeConfigOptions { context: Some(context.clone()), ..Default::default() };
                let config = kube::Config::from_kubeconfig(&options).await;
                config.with_context(|| format!("--context {context}: the kubeconfig does not say how to reach it"))
            }
            None => kube::Config::infer()
                .await
                .context("no Kubernetes API server is configured: set KUBECONFIG, or run in a cluster"),
        }
    }
}
