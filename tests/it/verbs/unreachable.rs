//! Nobody answers, or nobody says who we are: it is told at once, with what to do.

use std::time::{Duration, Instant};

use super::stage::{Folder, Run, binding};
use crate::world::World;

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";
/// A person waits this long, not longer.
const SOON: Duration = Duration::from_secs(25);

/// Runs a verb with these variables changed; `None` takes one away.
async fn run(arguments: &[&str], changed: &[(&str, Option<&str>)]) -> Run {
    let world = World::served().await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]"));
    let path = folder.path();
    let filled_in: Vec<&str> =
        arguments.iter().map(|argument| if *argument == "DIR" { path.as_str() } else { argument }).collect();
    let mut command = world.command(&filled_in).await;
    for (name, value) in changed {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let began = Instant::now();
    let run = world.ended(command, "").await;
    assert!(began.elapsed() < SOON, "it took {:?}: {}", began.elapsed(), run.err);
    run
}

fn says(run: &Run, parts: &[&str]) {
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    for part in parts {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
}

#[tokio::test]
async fn an_aws_that_does_not_answer() {
    let run = run(&["plan", "-f", "DIR"], &[("AWS_ENDPOINT_URL", Some(NOWHERE))]).await;
    says(&run, &["AWS can't be asked", "GetCallerIdentity"]);
}

#[tokio::test]
async fn no_credentials() {
    let gone = [("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)];
    let run = run(&["plan", "-f", "DIR"], &gone).await;
    says(&run, &["AWS can't be asked", "credentials"]);
}

#[tokio::test]
async fn no_region() {
    let run = run(&["plan", "-f", "DIR"], &[("AWS_REGION", None)]).await;
    says(&run, &["AWS_REGION", "profile"]);
}

#[tokio::test]
async fn a_context_that_is_not_there() {
    let run = run(&["plan", "--from-cluster", "--context", "nowhere"], &[]).await;
    says(&run, &["--context nowhere"]);
}

#[tokio::test]
async fn an_api_server_that_does_not_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{name: it, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                contexts: [{name: it, context: {cluster: it, user: it}}]\nusers: [{name: it, user: {}}]\n";
    std::fs::write(&path, text).expect("a file");
    let run = run(&["plan", "--from-cluster"], &[("KUBECONFIG", path.to_str())]).await;
    says(&run, &["could not be listed"]);
}

/// Where the cluster is not asked it need not be there.
#[tokio::test]
async fn files_need_no_cluster() {
    let run = run(&["plan", "-f", "DIR"], &[("KUBECONFIG", None), ("AWS_REGION", Some("eu-central-1"))]).await;
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("LoadBalancerNotFound"), "{} {}", run.out, run.err);
}
