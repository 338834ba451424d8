//! An installation in which all is well: to be broken in one place.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, coordination::v1::Lease};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::front::Front;
use crate::{
    proxy::Proxy,
    role,
    world::{Estate, World, aws, estate, group},
};

pub struct Stage {
    pub world: World,
    pub front: Front,
    pub proxy: Proxy,
    directory: TempDir,
}

/// What `sgbind check -o json` told.
pub struct Told {
    pub code: Option<i32>,
    pub report: Value,
}

/// A group that opted in, with a rule of each direction.
pub fn well() -> Estate {
    estate().group(group("APP-SG").with_default_egress().rule("APP-SG in tcp 22 <- 10.0.0.0/8"))
}

impl Stage {
    pub async fn with(estate: Estate) -> Self {
        let world = World::served().await;
        world.build(estate).await;
        let front = Front::start(world.client.clone()).await;
        let proxy = Proxy::start(&world.aws.url()).await;
        let stage = Self { world, front, proxy, directory: tempfile::tempdir().expect("a directory") };
        role::service_account_kubeconfig(stage.world.namespace()).await;
        stage.install().await;
        stage.lease(0).await;
        let passed = Timestamp::now().as_second();
        stage.metrics(&format!("sgbind_last_full_pass_timestamp_seconds {passed}.5\n{}# EOF\n", build("0.1.0")));
        stage
    }

    /// The Deployment, as it is once its pods run. Nothing runs them here.
    async fn install(&self) {
        let namespace = self.world.namespace();
        let deployments = Api::<Deployment>::namespaced(self.world.client.clone(), namespace);
        let shipped = role::base().iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
        let mut deployment = shipped.clone();
        deployment["metadata"]["namespace"] = namespace.into();
        let deployment = serde_json::from_value(deployment).expect("a Deployment");
        deployments.create(&PostParams::default(), &deployment).await.expect("a Deployment");
        self.ready(2).await;
    }

    pub async fn ready(&self, replicas: i32) {
        let deployments = Api::<Deployment>::namespaced(self.world.client.clone(), self.world.namespace());
        let status = json!({"status": {"replicas": 2, "readyReplicas": replicas}});
        let params = PatchParams::default();
        deployments.patch_status(role::NAME, &params, &Patch::Merge(&status)).await.expect("a status");
    }

    /// A lease of a minute, renewed so many seconds ago.
    pub async fn lease(&self, renewed: i64) {
        let leases = Api::<Lease>::namespaced(self.world.client.clone(), self.world.namespace());
        let at = Timestamp::now() - jiff::SignedDuration::from_secs(renewed);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": role::NAME},
            "spec": {
                "holderIdentity": "controller-1_0123456789abcdef",
                "leaseDurationSeconds": 60,
                "renewTime": format!("{at:.6}"),
            },
        });
        let params = PatchParams::apply("sgbind-test").force();
        leases.patch(role::NAME, &params, &Patch::Apply(&lease)).await.expect("a Lease");
    }

    /// What the leader's endpoint says.
    pub fn metrics(&self, text: &str) {
        self.front.answer("/pods/controller-1/proxy/metrics", 200, text);
    }

    /// A kubeconfig by which the API server is reached in the context `front`, while the current one leads nowhere.
    pub fn kubeconfig(&self) -> PathBuf {
        let context = |name: &str| json!({"name": name, "context": {"cluster": name, "user": "nobody"}});
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "nowhere",
            "contexts": [context("front"), context("nowhere")],
            "clusters": [
                {"name": "front", "cluster": {"server": self.front.url()}},
                {"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}},
            ],
            "users": [{"name": "nobody", "user": {}}],
        });
        let path = self.directory.path().join("kubeconfig");
        fs::write(&path, kubeconfig.to_string()).expect("a file is written");
        path
    }

    /// Where the installation is.
    pub fn here(&self) -> [&str; 4] {
        ["--context", "front", "-n", self.world.namespace()]
    }

    /// What AWS and the API server are to the command.
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("KUBECONFIG", self.kubeconfig().display().to_string()),
            ("AWS_ENDPOINT_URL", self.proxy.url()),
            ("AWS_ACCESS_KEY_ID", aws::KEY.into()),
            ("AWS_SECRET_ACCESS_KEY", aws::SECRET.into()),
            ("AWS_REGION", aws::REGION.into()),
            ("SGBIND_CLUSTER_NAME", self.world.cluster().into()),
        ])
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sgbind"));
        command.arg("check").args(arguments);
        command.env_clear().envs(self.environment());
        spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
    }

    pub async fn check(&self, arguments: &[&str]) -> Told {
        let output = self.run(&[&["-o", "json"], arguments].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        Told { code: output.status.code(), report }
    }

    /// The checks that are not well, a line each, with names in place of ids; and the exit code.
    pub async fn trouble(&self) -> (Vec<String>, Option<i32>) {
        let told = self.check(&self.here()).await;
        let lines = told.lines().into_iter().filter(|line| !line.starts_with('√'));
        (lines.map(|line| self.world.named(line)).collect(), told.code)
    }
}

impl Told {
    pub fn checks(&self) -> &[Value] {
        self.report["checks"].as_array().expect("checks")
    }

    pub fn lines(&self) -> Vec<String> {
        let line = |check: &Value| {
            let sign = match check["status"].as_str() {
                Some("ok") => "√",
                Some("warning") => "!",
                Some("failed") => "×",
                other => panic!("{other:?}"),
            };
            let hint = check["hint"].as_str().map(|hint| format!(" => {hint}")).unwrap_or_default();
            format!("{sign} {}{hint}", check["message"].as_str().expect("a message"))
        };
        self.checks().iter().map(line).collect()
    }
}

/// The line by which a controller tells its version.
pub fn build(version: &str) -> String {
    format!("sgbind_build_info{{version=\"{version}\"}} 1\n")
}
