//! The real binary, on the simulation served over HTTP: by the clock of the wall.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::simulation::rules;
use crate::simulation::scenarios::CREATION;
use crate::world::aws::{self, Aws};
use crate::world::{World, guard};

#[tokio::test]
async fn the_binary_finds_no_difference_to_aws_and_kubernetes() {
    let simulation = crate::simulation::simulation(1, jiff::Timestamp::now());
    let (aws_server, api_server) =
        (simulation.aws.serve().await.expect("a port"), simulation.kubernetes.serve().await.expect("a port"));
    let client = kube::Client::new(simulation.kubernetes.service(), "default");
    let config = aws::config().http_client(simulation.aws.http_client()).build();
    let world = World::of(Aws::configured(&config), client).await;
    world.build((CREATION.estate)()).await;

    let files = tempfile::tempdir().expect("a directory");
    let kubeconfig = files.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{{name: it, cluster: {{server: '{}'}}}}]\n\
         contexts: [{{name: it, context: {{cluster: it, user: it}}}}]\nusers: [{{name: it, user: {{}}}}]\n",
        api_server.url()
    );
    fs::write(&kubeconfig, text).expect("a file");
    let mut process = Command::new(env!("CARGO_BIN_EXE_sgbind"))
        .args(["controller", "--cluster-name", world.cluster(), "--http-address", "127.0.0.1:0"])
        .env_clear()
        .env("KUBECONFIG", &kubeconfig)
        .env("AWS_ENDPOINT_URL", aws_server.url())
        .env("AWS_ACCESS_KEY_ID", aws::KEY)
        .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
        .env("AWS_REGION", aws::REGION)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the controller starts");
    let mut guard = guard(process.id());
    CREATION.act.carry_out(&world).await;
    let waited = tokio::time::timeout(Duration::from_secs(40), world.wait_for("shop", "Ready=True InSync")).await;
    let memory = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let memory = memory.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().to_owned();
    // The guard first: it must not kill another process that came by the same id.
    for child in [&mut guard, &mut process] {
        let _ = child.kill();
        let _ = child.wait();
    }
    waited.expect("the binding is in sync");
    println!("the controller of one binding: {memory}");
    let found = rules::all(&simulation.aws, &|text| world.named(text));
    assert_eq!(found, rules::these(CREATION.after));
}
