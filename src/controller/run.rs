//! Starts everything, keeps it going, and stops it in order.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Resource;
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::api::names::LEASE;
use crate::api::{ALBTargetBinding, SecurityGroupAccess};
use crate::aws::pacing::Pacer;
use crate::aws::{AwsError, Clouds, Source};
use crate::clock::{Clock, Jitter};
use crate::defect::Defect;
use crate::model::{AccountRoles, ClusterName, Kind, ObjectRef, Orphans, Region, Us};
use crate::telemetry::http::{Heartbeat, Vitals};

use super::Context;
use super::connection::with_time_limit;
use super::events;
use super::fresh;
use super::index::{Index, Patience};
use super::leader::{Candidacy, Elector, Leadership, Timing};
use super::queue::{Backoff, Priority, Queue, run_workers};
use super::waiting;
use super::watch::Listed;
use crate::api::names::IDENTITY_NAMESPACE;

/// How many groups are worked on at once. They wait for AWS, and reads of one moment share a call.
const GROUP_WORKERS: NonZeroUsize = NonZeroUsize::new(200).expect("not zero");
const LOOKUP_WORKERS: NonZeroUsize = NonZeroUsize::new(32).expect("not zero");
const REPORT_WORKERS: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");
/// Between attempts to reach what is needed to start.
const RETRY: Duration = Duration::from_secs(5);
/// Between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What the controller is told by whoever starts it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub cluster: ClusterName,
    /// By default the configured one.
    pub region: Option<Region>,
    /// By which other accounts are reached.
    pub account_roles: AccountRoles,
    pub resync: Duration,
    pub rediscover: Duration,
    pub patience: Patience,
    /// Rules that fit into one direction of a group; by default what Service Quotas says.
    pub rule_quota: Option<u32>,
    /// Rules that may be revoked within ten minutes; by default 100, or a fifth of ours if that is more.
    pub revocation_brake: Option<u32>,
    /// How long, at the least, health is watched after foreign rules were taken away.
    pub tightening_watch: Duration,
    pub orphans: Orphans,
    /// Identities of former clusters of our name, whose rules count as ours.
    pub take_over: BTreeSet<String>,
    /// By default all namespaces.
    pub watch_namespace: Option<String>,
    pub read_only: bool,
    pub leader_election: bool,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Who this process is, among replicas.
    pub identity: String,
}

/// All by which a controller reaches what is outside of it. Given the same answers, clock and jitter, it takes the same
/// course.
pub struct Surroundings {
    pub kubernetes: kube::Client,
    pub aws: Source,
    pub clock: Clock,
    pub jitter: Jitter,
}

/// Runs the controller until `stop` fires: then no new step is begun, running calls end, and the lease is
/// released.
///
/// # Errors
/// Only what can't be mended by waiting.
pub async fn run(
    settings: Settings,
    surroundings: Surroundings,
    pacer: Pacer,
    vitals: Vitals,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Surroundings { kubernetes, aws, clock, jitter } = surroundings;
    let client = with_time_limit(kubernetes);
    let _beating = AbortOnDropHandle::new(tokio::spawn(beat(vitals.heartbeat.clone())));
    let Some(us) = until_stopped(&stop, identify(&client, &settings)).await else { return Ok(()) };
    // The election outlives the work: the lease is released when nothing can be written any more.
    let election = CancellationToken::new();
    let (elector, leadership) = election_of(&settings, &client, &clock, &jitter);
    let holder = leadership.clone();
    pacer.write_only_while(move || holder.is_held());
    let elector = elector.map(|elector| tokio::spawn(elector.run(election.clone())));
    let connecting = connect(&aws, &settings, &pacer, |error| {
        let bindings = objects_api::<ALBTargetBinding>(&client, &settings);
        let accesses = objects_api::<SecurityGroupAccess>(&client, &settings);
        let (leadership, now) = (leadership.clone(), clock.now_wall());
        async move {
            waiting::tell_all(bindings, &leadership, &error, now).await;
            waiting::tell_all(accesses, &leadership, &error, now).await;
        }
    });
    if let Some(clouds) = until_stopped(&stop, connecting).await {
        tracing::info!(cluster = %us.cluster, identity = us.identity, home = %clouds.home(), read_only = settings.read_only, "starting");
        work(Parts { us, client, clouds, clock, jitter, leadership, settings }, vitals, stop).await?;
    }
    election.cancel();
    if let Some(elector) = elector {
        elector.await?;
    }
    Ok(())
}

/// What a [`Context`] is made of.
struct Parts {
    us: Us,
    client: kube::Client,
    clouds: Clouds,
    clock: Clock,
    jitter: Jitter,
    leadership: Leadership,
    settings: Settings,
}

async fn work(parts: Parts, vitals: Vitals, stop: CancellationToken) -> anyhow::Result<()> {
    let Parts { us, client, clouds, clock, jitter, leadership, settings } = parts;
    let (events, telling) = events::channel(client.clone());
    let telling = tokio::spawn(telling);
    let queue = || Backoff::default();
    let context = Arc::new(Context {
        us,
        fresh_objects: fresh::objects(&client, settings.watch_namespace.as_deref()),
        listed: Listed::default(),
        index: Mutex::new(Index::new(clouds.home().clone(), settings.patience).braked_at(settings.revocation_brake)),
        referred: Default::default(),
        client,
        clouds,
        clock,
        metrics: Arc::clone(&vitals.metrics),
        leadership,
        events,
        settings,
        lookups: Queue::new(queue(), jitter.clone()),
        groups: Queue::new(queue(), jitter.clone()),
        reports: Queue::new(queue(), jitter.clone()),
        jitter,
    });
    let bindings = objects_api::<ALBTargetBinding>(&context.client, &context.settings);
    let accesses = objects_api::<SecurityGroupAccess>(&context.client, &context.settings);
    let watching = [
        tokio::spawn(Arc::clone(&context).watch(
            bindings,
            Kind::AlbTargetBinding,
            vitals.readiness.clone(),
            stop.clone(),
        )),
        tokio::spawn(Arc::clone(&context).watch(accesses, Kind::SecurityGroupAccess, vitals.readiness, stop.clone())),
    ];
    let following = tokio::spawn(Arc::clone(&context).follow_references(stop.clone()));
    Arc::clone(&context).lead(stop).await;
    for watch in watching {
        watch.await?;
    }
    following.await?;
    drop(context);
    telling.await?;
    Ok(())
}

/// The objects of one kind that this controller is about.
fn objects_api<K>(client: &kube::Client, settings: &Settings) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match &settings.watch_namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Gives signs of life as long as the runtime gets to run anything at all.
async fn beat(heartbeat: Heartbeat) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    loop {
        ticks.tick().await;
        heartbeat.beat();
    }
}

async fn until_stopped<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    stop.run_until_cancelled(work).await
}

/// Asks until it is answered: a controller that starts before its API server is reachable waits for it.
async fn identify(client: &kube::Client, settings: &Settings) -> Us {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    loop {
        match namespaces.get_metadata(IDENTITY_NAMESPACE).await.map(|namespace| namespace.metadata.uid) {
            Ok(Some(identity)) => {
                let Settings { cluster, take_over, .. } = settings.clone();
                let name = Defect::IdentityIsTheName.is_on().then(|| cluster.to_string());
                return Us { identity: name.unwrap_or(identity), cluster, take_over };
            }
            Ok(None) => tracing::warn!("namespace {IDENTITY_NAMESPACE} has no uid"),
            Err(error) => {
                tracing::warn!(%error, "namespace {IDENTITY_NAMESPACE}, whose UID is the cluster's identity, could not be read")
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Asks AWS who we are until it is answered, and tells everyone who waits why it is not.
async fn connect<F: Future<Output = ()>>(
    aws: &Source,
    settings: &Settings,
    pacer: &Pacer,
    tell: impl Fn(AwsError) -> F,
) -> Clouds {
    loop {
        let Settings { cluster, region, account_roles, .. } = settings;
        match Clouds::connect(aws, region.clone(), account_roles, cluster, pacer.clone()).await {
            Ok(clouds) => return clouds,
            Err(error) => {
                tracing::warn!(%error, "AWS does not say who we are");
                tell(error).await;
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn election_of(
    settings: &Settings,
    client: &kube::Client,
    clock: &Clock,
    jitter: &Jitter,
) -> (Option<Elector>, Leadership) {
    if !settings.leader_election {
        return (None, Leadership::always());
    }
    let candidacy = Candidacy {
        namespace: settings.namespace.clone(),
        name: LEASE.into(),
        identity: settings.identity.clone(),
        timing: Timing::default(),
    };
    let (elector, leadership) = Elector::new(client.clone(), candidacy, clock.clone(), jitter.clone());
    (Some(elector), leadership)
}

impl Context {
    /// Works while this process leads.
    async fn lead(self: Arc<Self>, stop: CancellationToken) {
        if stop.run_until_cancelled(self.listed.all()).await.is_none() {
            return;
        }
        while !stop.is_cancelled() {
            self.metrics.set_leader(false);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.leadership.acquired() => {}
            }
            tracing::info!("leading");
            self.metrics.set_leader(true);
            let term = stop.child_token();
            let work = Arc::clone(&self).work(term.clone());
            tokio::pin!(work);
            let lost = tokio::select! {
                biased;
                () = self.leadership.lost() => true,
                () = &mut work => false,
            };
            if lost {
                tracing::warn!("not leading any more");
                term.cancel();
                work.await;
            }
        }
    }

    async fn work(self: Arc<Self>, term: CancellationToken) {
        self.index().begins_to_lead(Instant::now());
        let (lookups, groups, reports) = (Arc::clone(&self), Arc::clone(&self), Arc::clone(&self));
        tokio::join!(
            run_workers(self.lookups.clone(), LOOKUP_WORKERS, term.clone(), move |object| {
                let context = Arc::clone(&lookups);
                async move { context.look_up(object).await }
            }),
            run_workers(self.groups.clone(), GROUP_WORKERS, term.clone(), move |group| {
                let context = Arc::clone(&groups);
                async move { context.work_on_group(group).await }
            }),
            run_workers(self.reports.clone(), REPORT_WORKERS, term.clone(), move |object| {
                let context = Arc::clone(&reports);
                async move { context.report(object).await }
            }),
            self.resync(term.clone()),
            self.look_for_strays(term.clone()),
        );
    }

    /// Compares every group with AWS, again and again.
    async fn resync(&self, term: CancellationToken) {
        let everything: Vec<ObjectRef> = self.index().objects().cloned().collect();
        for object in everything {
            self.lookups.push(object, Priority::Waiting, Duration::ZERO);
        }
        let mut ticks = tokio::time::interval(self.settings.resync);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while term.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Some(oldest) = self.index().oldest_pass() {
                let age = Instant::now().saturating_duration_since(oldest);
                self.metrics.full_pass_ended(self.clock.now_wall() - age);
            }
            let groups = self.index().groups();
            for group in groups {
                self.groups.push(group, Priority::Routine, Duration::ZERO);
            }
        }
    }
}
