use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::aws::Source;
use crate::aws::pacing::{Pacer, Share};
use crate::clock::{Clock, Jitter};
use crate::controller::{self, Patience, Settings, Surroundings};
use crate::model::{AccountRole, AccountRoles, ClusterName, Orphans};
use crate::telemetry::http::{Heartbeat, Readiness, Server, Vitals};
use crate::telemetry::logs;
use crate::telemetry::metrics::Metrics;

use super::arguments::duration;

/// Arguments of `sgbind controller`. Durations are written 5s, 2m, 1h30m.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of this cluster: groups opt in to it by the tag sgbind.dev/cluster/NAME.
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: ClusterName,
    /// AWS Region for objects that name none [default: as AWS's tools are configured].
    #[arg(long, env = "SGBIND_REGION")]
    region: Option<String>,
    /// Role that may be assumed to work in an account; may be repeated, or several separated by commas.
    #[arg(long, env = "SGBIND_ACCOUNT_ROLE", value_name = "ACCOUNT=ROLE-ARN", value_delimiter = ',')]
    account_role: Vec<AccountRole>,
    /// How often all rules are compared with AWS.
    #[arg(long, env = "SGBIND_RESYNC", value_name = "DURATION", default_value = "60s", value_parser = positive_duration)]
    resync: Duration,
    /// How often, at the least, load balancers and targets are looked up again.
    #[arg(long, env = "SGBIND_REDISCOVER", value_name = "DURATION", default_value = "5m", value_parser = positive_duration)]
    rediscover: Duration,
    /// How long a rule is kept that only AWS's own answers no longer ask for.
    #[arg(long, env = "SGBIND_REVOCATION_DELAY", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    revocation_delay: Duration,
    /// How long a load balancer or target group must be missing to count as gone.
    #[arg(long, env = "SGBIND_GONE_AFTER", value_name = "DURATION", default_value = "15m", value_parser = duration)]
    gone_after: Duration,
    /// How many rules AWS allows in one direction of a group [default: as Service Quotas says, else 60].
    #[arg(long, env = "SGBIND_RULE_QUOTA", value_name = "N")]
    rule_quota: Option<u32>,
    /// How many rules may be revoked within ten minutes; 0: none at all [default: 100, or a fifth of ours if that is more].
    #[arg(long, env = "SGBIND_REVOCATION_BRAKE", value_name = "N")]
    revocation_brake: Option<u32>,
    /// How long, at the least, the targets' health is watched after foreign rules were taken away.
    #[arg(long, env = "SGBIND_TIGHTENING_WATCH", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    tightening_watch: Duration,
    /// What becomes of rules of ours whose objects are not there any more. Revoke excludes --watch-namespace.
    #[arg(long, env = "SGBIND_ORPHANS", value_name = "WHAT", value_enum, ignore_case = true, default_value = "Report")]
    orphans: Orphans,
    /// Identity of a former cluster of this name, whose rules are taken over; may be repeated, or several separated by
    /// commas.
    #[arg(long, env = "SGBIND_TAKE_OVER", value_name = "IDENTITY", value_delimiter = ',')]
    take_over: Vec<String>,
    /// Follows the objects of one namespace only, and revokes nothing that names an object elsewhere.
    #[arg(long, env = "SGBIND_WATCH_NAMESPACE", value_name = "NAMESPACE")]
    watch_namespace: Option<String>,
    /// Plans and tells, but writes nothing to AWS.
    #[arg(long, env = "SGBIND_READ_ONLY")]
    read_only: bool,
    /// Address for /livez, /readyz and /metrics.
    #[arg(long, env = "SGBIND_HTTP_ADDRESS", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    http_address: SocketAddr,
    /// How logs are written.
    #[arg(long, env = "SGBIND_LOG_FORMAT", value_enum, default_value = "json")]
    log_format: logs::Format,
    /// Which logs are written: error, warn, info, debug, trace, or a filter such as info,sgbind=debug.
    #[arg(long, env = "SGBIND_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// Lets one of several replicas work at a time, by a Lease.
    #[arg(long, env = "SGBIND_LEADER_ELECTION", default_value_t = true, action = clap::ArgAction::Set)]
    leader_election: bool,
    /// Namespace of the Lease [default: the pod's, else that of the kubeconfig's context].
    #[arg(long, env = "SGBIND_NAMESPACE")]
    namespace: Option<String>,
    #[cfg(debug_assertions)]
    #[arg(long, env = "SGBIND_DEFECT", hide = true)]
    defect: Option<crate::defect::Defect>,
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_secs(1) { Err("expected 1s at the least".into()) } else { Ok(duration) }
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let _level = logs::init(arguments.log_format, &arguments.log_level)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?
        .block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    #[cfg(debug_assertions)]
    arguments.defect.into_iter().for_each(crate::defect::Defect::switch_on);
    if arguments.orphans == Orphans::Revoke && arguments.watch_namespace.is_some() {
        anyhow::bail!(
            "--orphans Revoke can't be used together with --watch-namespace: whether an object of another namespace needs a \
             rule is not known. Leave one of them out"
        );
    }
    let account_roles = AccountRoles::new(arguments.account_role.clone()).context("--account-role")?;
    let stop = CancellationToken::new();
    tokio::spawn(signalled(stop.clone())?);
    let metrics = Arc::new(Metrics::new());
    let vitals = Vitals { readiness: Readiness::default(), heartbeat: Heartbeat::new(), metrics: Arc::clone(&metrics) };
    let server = Server::bind(arguments.http_address, vitals.clone()).await?;
    tracing::info!(address = %server.address()?, "probes and metrics");
    let serving = tokio::spawn(server.run(stop.clone()));

    let config = kube::Config::infer()
        .await
        .context("no Kubernetes API server is configured: set KUBECONFIG, or run in a cluster")?;
    let settings = settings(&arguments, account_roles, &config);
    let surroundings = Surroundings {
        kubernetes: kube::Client::try_from(config).context("the Kubernetes client could not be made")?,
        aws: Source::Environment,
        clock: Clock::system(),
        jitter: Jitter::from_entropy(),
    };
    let pacer = Pacer::new(Share::default(), metrics);
    let result = controller::run(settings, surroundings, pacer, vitals, stop.clone()).await;
    stop.cancel();
    serving.await??;
    result
}

fn settings(arguments: &Arguments, account_roles: AccountRoles, config: &kube::Config) -> Settings {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "sgbind".into());
    Settings {
        cluster: arguments.cluster_name.clone(),
        region: arguments.region.as_deref().map(Into::into),
        account_roles,
        resync: arguments.resync,
        rediscover: arguments.rediscover,
        patience: Patience { revocation_delay: arguments.revocation_delay, gone_after: arguments.gone_after },
        rule_quota: arguments.rule_quota,
        revocation_brake: arguments.revocation_brake,
        tightening_watch: arguments.tightening_watch,
        orphans: arguments.orphans,
        take_over: arguments.take_over.iter().cloned().collect(),
        watch_namespace: arguments.watch_namespace.clone(),
        read_only: arguments.read_only,
        leader_election: arguments.leader_election,
        namespace: arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone()),
        // A restarted container keeps its host name, and must not take its own old lease for held.
        identity: format!("{host}_{:016x}", fastrand::u64(..)),
    }
}

/// Fires `stop` at SIGTERM or SIGINT.
pub(super) fn signalled(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be waited for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be waited for")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        stop.cancel();
    })
}
