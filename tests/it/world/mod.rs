//! A world for one test: an AWS of its own, a namespace of the shared API server, and a controller that looks at both.

pub mod aws;
mod cluster;
mod controller;
mod estate;
mod objects;
mod rules;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use kube::Client;
use sgbind_sim::Simulation;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

pub use controller::{Controller, REVOCATION_DELAY, guard};
pub use estate::{Estate, estate, group};

use crate::{control_plane, simulation};
use aws::Aws;

/// As many worlds as two cores bear at once.
static PLACES: Semaphore = Semaphore::const_new(4);
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(100);

pub struct World {
    pub aws: Aws,
    pub client: Client,
    namespace: String,
    network: estate::Network,
    /// Ids in AWS by the names that the test gives.
    ids: Mutex<BTreeMap<String, String>>,
    logs: Mutex<Vec<PathBuf>>,
    /// For anything that is to become so.
    patience: Duration,
    /// Between two looks.
    pause: Duration,
    /// Where AWS is simulated, in this process.
    pub simulation: Option<Simulation>,
    /// Controllers are started with this defect.
    defect: Option<WithDefect>,
    _place: Option<SemaphorePermit<'static>>,
}

/// What is different where a deliberate defect is switched on.
#[derive(Clone)]
pub struct WithDefect {
    /// By which a process is told of it.
    pub name: String,
    /// What does not come is not waited for as long, once the scenario has begun.
    pub patience: Duration,
    pub begun: Arc<AtomicBool>,
}

/// Waits until there is room for one more controller with all that it looks at.
pub async fn place() -> SemaphorePermit<'static> {
    PLACES.acquire().await.expect("never closed")
}

impl World {
    pub async fn new() -> Self {
        Self::on_moto_without(&[]).await
    }

    /// Where moto lacks these mends.
    pub async fn on_moto_without(mends: &'static [&'static str]) -> Self {
        let place = place().await;
        let client = control_plane::client().await;
        let mut world = Self::of(Aws::start_without(mends).await, client).await;
        (world.patience, world._place) = (PATIENCE, Some(place));
        world
    }

    /// On the simulated AWS, served to controllers over HTTP, and the real API server.
    pub async fn served() -> Self {
        let place = place().await;
        let client = control_plane::client().await;
        let simulation = simulation::simulation(1, jiff::Timestamp::now());
        let aws = Aws::served(&simulation).await;
        let mut world = Self::of(aws, client).await;
        (world.patience, world.simulation, world._place) = (PATIENCE, Some(simulation), Some(place));
        world
    }

    /// Controllers of this world have a defect.
    pub fn controllers_have(&mut self, defect: WithDefect) {
        self.defect = Some(defect);
    }

    /// On this AWS and this API server. Whoever runs in virtual time can wait for days.
    pub async fn of(aws: Aws, client: Client) -> Self {
        let namespace = control_plane::namespace(&client).await;
        let network = estate::network(&aws).await;
        let (ids, logs) = (Mutex::default(), Mutex::default());
        let patience = Duration::from_secs(24 * 3600);
        Self {
            aws,
            client,
            namespace,
            network,
            ids,
            logs,
            patience,
            pause: PAUSE,
            simulation: None,
            defect: None,
            _place: None,
        }
    }

    /// Another account or Region of this world: other things in AWS, and the same bindings.
    pub async fn elsewhere(&self, aws: Aws) -> Self {
        let network = estate::network(&aws).await;
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        let (ids, logs) = (Mutex::default(), Mutex::default());
        let (patience, pause, defect) = (self.patience, self.pause, self.defect.clone());
        Self { aws, client, namespace, network, ids, logs, patience, pause, simulation: None, defect, _place: None }
    }

    /// The same things in AWS, as another cluster sees them, with a namespace of its own.
    pub async fn neighbour(&self) -> Self {
        let namespace = control_plane::namespace(&self.client).await;
        let (aws, client) = (self.aws.in_region(aws::REGION), self.client.clone());
        let (ids, network) = (Mutex::new(self.ids().clone()), self.network.clone());
        let (patience, pause, defect) = (self.patience, self.pause, self.defect.clone());
        let logs = Mutex::default();
        Self { aws, client, namespace, network, ids, logs, patience, pause, simulation: None, defect, _place: None }
    }

    /// Waits no longer than this for anything that is to become so, and looks this often.
    pub fn be_patient_for(&mut self, patience: Duration, pause: Duration) {
        (self.patience, self.pause) = (patience, pause);
        if let Some(defect) = &mut self.defect {
            defect.patience = patience;
        }
    }

    /// Another cluster that looks at the same AWS, with a namespace of the same name.
    pub async fn in_another_cluster(&self, aws: Aws, client: Client) -> Self {
        control_plane::make_namespace(&client, &self.namespace).await;
        let network = estate::network(&aws).await;
        let (namespace, ids) = (self.namespace.clone(), Mutex::new(self.ids().clone()));
        let (patience, pause, defect) = (self.patience, self.pause, self.defect.clone());
        let logs = Mutex::default();
        Self { aws, client, namespace, network, ids, logs, patience, pause, simulation: None, defect, _place: None }
    }

    /// A world with these things in AWS.
    pub async fn with(estate: Estate) -> Self {
        let world = Self::new().await;
        world.build(estate).await;
        world
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The cluster's name is the namespace's: no two tests have the same.
    pub fn cluster(&self) -> &str {
        &self.namespace
    }

    pub fn vpc(&self) -> &str {
        &self.network.vpc
    }

    /// The id (or ARN) of what the test calls so.
    pub fn id(&self, name: &str) -> String {
        let ids = self.ids().clone();
        ids.get(name).unwrap_or_else(|| panic!("nothing is called {name:?}: {ids:?}")).clone()
    }

    /// What the test calls what has this id.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.ids().iter().map(|(name, id)| (id.clone(), name.clone())).collect()
    }

    fn ids(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.ids.lock().expect("no panic while it is held")
    }

    /// The text with names in place of ids.
    pub fn named(&self, text: impl Into<String>) -> String {
        let named = |text: String, (name, id): (&String, &String)| text.replace(id, name);
        let text = self.ids().iter().fold(text.into(), named);
        text.replace(&self.network.ipv6, "VPC-IPv6").replace(&self.namespace, "team")
    }

    /// The text with ids in place of names that stand as `$NAME`.
    pub fn filled_in(&self, text: &str) -> String {
        // Longest names first: `$APP-SG-2` is not `$APP-SG`.
        let mut ids: Vec<(String, String)> = self.ids().clone().into_iter().collect();
        ids.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("${name}"), id))
    }

    pub fn deadline(&self) -> Deadline {
        let hasty = self.defect.as_ref().filter(|defect| defect.begun.load(Ordering::SeqCst));
        let patience = hasty.map_or(self.patience, |defect| defect.patience);
        Deadline { end: Instant::now() + patience, pause: self.pause }
    }

    /// Where the next controller of this test writes its log.
    fn new_log(&self) -> PathBuf {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs");
        fs::create_dir_all(&dir).expect("a directory");
        let thread = thread::current();
        let test = thread.name().filter(|name| *name != "main").unwrap_or(&self.namespace).replace("::", "-");
        let mut logs = self.logs.lock().expect("no panic while it is held");
        let log = dir.join(format!("{test}-{}.log", logs.len() + 1));
        logs.push(log.clone());
        log
    }
}

impl Drop for World {
    fn drop(&mut self) {
        /// Lines of each log.
        const LAST: usize = 60;
        if !thread::panicking() {
            return;
        }
        for log in self.logs.lock().expect("no panic while it is held").iter() {
            let text = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("--- {} (its end) ---", log.display());
            eprintln!("{}", self.named(lines[lines.len().saturating_sub(LAST)..].join("\n")));
        }
    }
}

/// Until when something is waited for.
pub struct Deadline {
    end: Instant,
    pause: Duration,
}

impl Deadline {
    /// Waits a moment. `false`: it is too late.
    pub async fn is_ahead(&self) -> bool {
        sleep(self.pause).await;
        Instant::now() < self.end
    }
}

/// Compares two sets of lines, and tells what is missing and what is too much.
pub fn expect_lines(what: &str, actual: &[String], expected: &[&str]) {
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    let mut actual: Vec<&str> = actual.iter().map(String::as_str).collect();
    actual.sort_unstable();
    let listed = |these: &[&str], lacking: &[&str]| -> String {
        these.iter().filter(|line| !lacking.contains(line)).map(|line| format!("\n    {line}")).collect()
    };
    assert!(
        actual == expected,
        "{what} are not as expected\n  missing:{}\n  too much:{}\n  all:{}",
        listed(&expected, &actual),
        listed(&actual, &expected),
        listed(&actual, &[]),
    );
}
