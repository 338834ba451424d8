//! The real API server that tests of this process share.
//!
//! `SGBIND_TEST_CONTROLPLANE` is the path of the program that `tests/controlplane` builds; it is started with the first
//! test that asks for it, and ends with this process however that ends, because its standard input does. With
//! `SGBIND_TEST_KUBECONFIG` nothing is started: the cluster of that file is used, and our CRDs are applied to it.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio, id},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use tokio::{sync::OnceCell, task::spawn_blocking};

/// The administrator's configuration. Each test builds a client of its own from it: a client belongs to the runtime
/// that it was made on, and every test has another.
pub async fn config() -> Config {
    static CONFIG: OnceCell<Config> = OnceCell::const_new();
    CONFIG
        .get_or_init(|| async {
            let path = kubeconfig().await;
            let kubeconfig = Kubeconfig::read_from(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            install_crds(Client::try_from(config.clone()).expect("a client")).await;
            config
        })
        .await
        .clone()
}

/// The administrator's kubeconfig, for other programs.
pub async fn kubeconfig() -> PathBuf {
    match env::var_os("SGBIND_TEST_KUBECONFIG") {
        Some(path) => path.into(),
        None => spawn_blocking(|| start().clone()).await.expect("the control plane starts"),
    }
}

/// An administrator's client for the runtime of the test that calls.
pub async fn client() -> Client {
    Client::try_from(config().await).expect("a client")
}

/// A new namespace for one test.
pub async fn namespace(client: &Client) -> String {
    let mut namespace = Namespace::default();
    namespace.metadata.generate_name = Some("sgbind-test-".into());
    let created = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
    created.expect("a namespace is created").name_any()
}

/// A namespace of this name.
pub async fn make_namespace(client: &Client, name: &str) {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.into());
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("a namespace is created");
}

/// An API server for one test, which may do to it what would disturb others. It ends when this is dropped.
pub struct OfItsOwn {
    pub client: Client,
    child: Child,
    dir: PathBuf,
    _lock: File,
}

impl OfItsOwn {
    /// With our CRDs.
    pub async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let parent = format!("controlplane-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let launched = spawn_blocking(move || launch(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(parent)));
        let (dir, child, lock) = launched.await.expect("the control plane starts");
        let kubeconfig = Kubeconfig::read_from(dir.join("kubeconfig")).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let client = Client::try_from(config.expect("a configuration")).expect("a client");
        install_crds(client.clone()).await;
        Self { client, child, dir, _lock: lock }
    }

    /// Our CRDs, as they are now.
    pub fn crds(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.client.clone())
    }
}

impl Drop for OfItsOwn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

async fn install_crds(client: Client) {
    let api = Api::<CustomResourceDefinition>::all(client);
    for crd in sgbind::api::crds() {
        let name = crd.name_any();
        let params = PatchParams::apply("sgbind-test").force();
        api.patch(&name, &params, &Patch::Apply(&crd)).await.unwrap_or_else(|error| panic!("CRD {name}: {error}"));
        await_condition(api.clone(), &name, is_crd_established())
            .await
            .unwrap_or_else(|error| panic!("CRD {name}: {error}"));
    }
}

/// Starts the control plane once, and returns the path of its kubeconfig. A static is never dropped, so the child's
/// standard input stays open until this process is gone.
fn start() -> &'static PathBuf {
    static RUNNING: OnceLock<(PathBuf, Child, File)> = OnceLock::new();
    let started = || {
        let (dir, child, lock) = launch(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("controlplane"));
        (dir.join("kubeconfig"), child, lock)
    };
    let (kubeconfig, ..) = RUNNING.get_or_init(started);
    kubeconfig
}

/// Starts a control plane in a directory of this process below `parent`.
fn launch(parent: &Path) -> (PathBuf, Child, File) {
    let program = env::var_os("SGBIND_TEST_CONTROLPLANE").unwrap_or_else(|| {
        panic!(
            "this test needs a real API server: run `make test`, or set SGBIND_TEST_CONTROLPLANE to the program that \
             tests/controlplane/build.sh builds, or SGBIND_TEST_KUBECONFIG to the kubeconfig of a cluster to test on"
        )
    });
    let (dir, lock) = directory(parent);
    let mut child = Command::new(&program)
        .args(["serve", "--exit-on-stdin-eof", "--dir"])
        .arg(&dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("SGBIND_TEST_CONTROLPLANE={}: {error}", program.display()));
    let mut line = String::new();
    // It gives up by itself when it can't get ready, and then its output ends.
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line of text");
    assert!(line.starts_with("ready "), "the control plane did not start: see {}/log", dir.display());
    (dir, child, lock)
}

/// A directory of this process below `parent`, and the lock that marks it as used; those whose process is gone are
/// removed.
pub fn directory(parent: &Path) -> (PathBuf, File) {
    fs::create_dir_all(parent).expect("a directory");
    for entry in fs::read_dir(parent).expect("a directory").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // Held while both are removed, so that a process with the same id waits for it.
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(path.with_extension(""));
            let _ = fs::remove_file(&path);
        }
    }
    let dir = parent.join(id().to_string());
    let lock = File::create(dir.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    (dir, lock)
}
