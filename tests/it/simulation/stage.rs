//! A simulation with a world in it, and controllers that run in virtual time, in this process.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;
use serde_json::Value;
use sgbind::aws::Source;
use sgbind::aws::pacing::{Pacer, Share};
use sgbind::clock::{Clock, Jitter};
use sgbind::controller::{self, Patience, Settings, Surroundings};
use sgbind::model::{AccountRoles, Orphans};
use sgbind::telemetry::http::{Heartbeat, Readiness, Vitals};
use sgbind::telemetry::metrics::Metrics;
use sgbind_sim::kubernetes::Kinds;
use sgbind_sim::{Kubernetes, Process, Simulation};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::rules;
use crate::world::aws::{self, Aws};
use crate::world::{Estate, World};

/// The calendar time at which every simulation begins.
const BEGINNING: &str = "2030-01-01T00:00:00Z";

pub struct Stage {
    pub simulation: Simulation,
    pub world: World,
    /// Where Kubernetes is real.
    api_server: Option<kube::Client>,
}

/// A controller in a process of the simulation.
pub struct Controller {
    pub process: Process,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Stage {
    /// An empty world. All that happens in it follows from the seed and from what the test does.
    pub async fn new(seed: u64) -> Self {
        // The SDK draws from this thread's generator by how much it renews credentials early.
        fastrand::seed(seed);
        let simulation = simulation(seed, beginning());
        let aws = Aws::configured(&config(simulation.aws.http_client(), simulation.now()));
        let client = kube::Client::new(simulation.kubernetes.service(), "default");
        Self { world: World::of(aws, client).await, simulation, api_server: None }
    }

    /// With a real API server; time passes as it does.
    pub async fn on(api_server: kube::Client, estate: Estate) -> Self {
        let simulation = simulation(1, beginning());
        let aws = Aws::configured(&config(simulation.aws.http_client(), simulation.now()));
        let world = World::of(aws, api_server.clone()).await;
        world.build(estate).await;
        Self { simulation, world, api_server: Some(api_server) }
    }

    /// Another cluster on the same AWS, with a namespace of the same name.
    pub async fn beside(&self, seed: u64) -> Self {
        let kubernetes = kubernetes(seed, beginning() + self.simulation.now());
        let simulation = self.simulation.beside(kubernetes);
        let client = kube::Client::new(simulation.kubernetes.service(), "default");
        let aws = Aws::configured(&config(simulation.aws.http_client(), simulation.now()));
        Self { world: self.world.in_another_cluster(aws, client).await, simulation, api_server: None }
    }

    pub async fn with(seed: u64, estate: Estate) -> Self {
        let stage = Self::new(seed).await;
        stage.world.build(estate).await;
        stage
    }

    /// Starts a controller with the defaults of production.
    pub fn start(&self, name: &str) -> Controller {
        self.start_with(name, |_| {})
    }

    pub fn start_with(&self, name: &str, change: impl FnOnce(&mut Settings)) -> Controller {
        let process = self.simulation.process(name);
        self.start_as(process, change)
    }

    /// Starts a controller in a process, into whose calls faults may have been put already.
    pub fn start_as(&self, process: Process, change: impl FnOnce(&mut Settings)) -> Controller {
        let mut settings = Settings {
            cluster: self.world.cluster().parse().expect("a cluster name"),
            region: None,
            account_roles: AccountRoles::default(),
            resync: Duration::from_secs(60),
            rediscover: Duration::from_secs(5 * 60),
            patience: Patience {
                revocation_delay: Duration::from_secs(5 * 60),
                gone_after: Duration::from_secs(15 * 60),
            },
            rule_quota: None,
            revocation_brake: None,
            tightening_watch: Duration::from_secs(2 * 60),
            orphans: Orphans::Report,
            take_over: BTreeSet::new(),
            watch_namespace: None,
            read_only: false,
            leader_election: true,
            namespace: self.world.namespace().into(),
            identity: process.name().into(),
        };
        change(&mut settings);
        let clock = Clock::starting_at(beginning() + self.simulation.now());
        let surroundings = Surroundings {
            kubernetes: match &self.api_server {
                Some(client) => client.clone(),
                None => kube::Client::new(self.simulation.kubernetes.service_of(&process), "default"),
            },
            aws: self.aws_of(&process),
            clock,
            jitter: Jitter::seeded(self.simulation.draw()),
        };
        let metrics = Arc::new(Metrics::new());
        let vitals =
            Vitals { readiness: Readiness::default(), heartbeat: Heartbeat::new(), metrics: Arc::clone(&metrics) };
        let stop = CancellationToken::new();
        let run = controller::run(settings, surroundings, Pacer::new(Share::default(), metrics), vitals, stop.clone());
        let running = tokio::spawn(async move { run.await.expect("it ends as it should") });
        Controller { process, stop, running }
    }

    /// AWS as a process calls it.
    pub fn aws_of(&self, process: &Process) -> Source {
        Source::Given(Box::new(config(self.simulation.aws.http_client_of(process), self.simulation.now())))
    }

    /// What a process has written to AWS so far.
    pub fn writes(&self, process: &Process) -> Vec<String> {
        let sites = process.sites().into_iter().filter(|site| site.changes && site.what.starts_with("ec2 "));
        sites.map(|site| site.what).collect()
    }

    /// All rules of all groups, in words, as they are now.
    pub fn rules(&self) -> BTreeSet<String> {
        rules::all(&self.simulation.aws, &|text| self.world.named(text))
    }

    /// Waits in virtual time until it is so, looking once a second. Tells how long it took; `None`: it was not so in
    /// time.
    pub async fn until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = tokio::time::Instant::now();
        while !holds(self) {
            if began.elapsed() >= limit {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some(began.elapsed())
    }

    /// Waits until exactly these rules are there, or an hour has passed.
    pub async fn until_rules(&self, expected: &[&str]) {
        let wanted = rules::these(expected);
        let came = self.until(Duration::from_secs(3600), |stage| stage.rules() == wanted).await;
        assert!(came.is_some(), "the rules do not become {wanted:#?}, they are {:#?}", self.rules());
    }

    /// Exactly these rules are there all that time, from now on.
    pub async fn stays(&self, expected: &[&str], time: Duration) {
        let wanted = rules::these(expected);
        let other = self.until(time, |stage| stage.rules() != wanted).await;
        assert_eq!(other, None, "the rules do not stay {wanted:#?}, but become {:#?}", self.rules());
    }

    /// An object as the API server has it: `shop` is a binding, `sga/db` an access.
    pub fn object(&self, name: &str) -> Option<Value> {
        let (plural, name) = match name.strip_prefix("sga/") {
            Some(name) => ("securitygroupaccesses", name),
            None => ("albtargetbindings", name),
        };
        self.simulation.kubernetes.object(plural, self.world.namespace(), name)
    }

    /// The names of all objects.
    pub fn objects(&self) -> BTreeSet<String> {
        let names = |plural: &str| -> Vec<String> {
            let all = self.simulation.kubernetes.objects(plural);
            all.iter().filter_map(|each| each["metadata"]["name"].as_str()).map(str::to_owned).collect()
        };
        let accesses = names("securitygroupaccesses").into_iter().map(|name| format!("sga/{name}"));
        names("albtargetbindings").into_iter().chain(accesses).collect()
    }

    /// A condition of the object's generation, such as `Ready=True InSync`.
    pub fn condition(&self, name: &str, kind: &str) -> Option<String> {
        let object = self.object(name)?;
        let generation = &object["metadata"]["generation"];
        let conditions = object["status"]["conditions"].as_array()?;
        let current = |each: &&Value| each["type"] == kind && each["observedGeneration"] == *generation;
        let found = conditions.iter().find(current)?;
        let word = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        Some(format!("{kind}={} {}", word("status"), word("reason")))
    }
}

impl Controller {
    /// SIGTERM, and its end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.running).await.expect("it ends without a panic");
    }

    /// Its end without a word, as by SIGKILL: what its tasks still try reaches nothing.
    pub fn kill(&self) {
        self.process.crash();
        self.stop.cancel();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Keeps a controller running as a Deployment does: where one crashes, the next is started a second later. All of them
/// are watched.
pub async fn supervise(stage: &Stage, first: Controller, watch: impl Fn(&Process)) {
    let mut running = first;
    for number in 2.. {
        running.process.crashed().await;
        running.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let process = stage.simulation.process(&format!("restarted-{number}"));
        watch(&process);
        running = stage.start_as(process, super::run::soon);
    }
}

/// An AWS with nothing in it, and a Kubernetes that knows our kinds.
pub fn simulation(seed: u64, beginning: Timestamp) -> Simulation {
    let simulation = Simulation::new(seed, kubernetes(seed, beginning));
    simulation.aws.world().beginning = beginning;
    simulation
}

fn kubernetes(seed: u64, beginning: Timestamp) -> Kubernetes {
    /// Deriving the CRDs and reading them takes as long as many a scenario.
    static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
        let crds: Vec<Value> = sgbind::api::crds().iter().map(|crd| serde_json::to_value(crd).expect("JSON")).collect();
        Kinds::new(&crds).expect("CRDs that it understands")
    });
    Kubernetes::new(seed, beginning, &KINDS)
}

fn beginning() -> Timestamp {
    BEGINNING.parse().expect("a time")
}

/// The calendar of the simulation, for the SDK.
#[derive(Debug)]
struct Calendar {
    began: tokio::time::Instant,
}

impl TimeSource for Calendar {
    fn now(&self) -> SystemTime {
        SystemTime::from(beginning()) + self.began.elapsed()
    }
}

/// The SDK as in production, with waits between retries that no chance of its own decides. `now` is the time since the
/// simulation began.
fn config(http: aws_smithy_runtime_api::client::http::SharedHttpClient, now: Duration) -> aws_config::SdkConfig {
    aws::config()
        .http_client(http)
        .time_source(Calendar { began: tokio::time::Instant::now() - now })
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_use_static_exponential_base(true))
        .build()
}
