//! The controller as a process: at rest, restarted, stopped, one of several.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use tokio::time::{Instant, sleep};

use crate::world::{Estate, World, estate};

fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

const STANDARD: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];

async fn holder(world: &World) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), world.namespace());
    let lease = leases.get_opt("sgbind-controller").await.expect("an answer")?;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

#[tokio::test]
async fn at_rest_nothing_is_written() {
    let world = World::with(standard()).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    // What is news at first has been told by then.
    sleep(Duration::from_secs(2)).await;
    let (version, ids, events) = (world.version("shop").await, world.rule_ids().await, world.events("shop").await);
    let passes = |metrics: String| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with("sgbind_reconcile_total") && line.contains("done"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no passes in {metrics}"))
    };
    let before = passes(controller.get("/metrics").await.1);
    sleep(Duration::from_secs(6)).await;
    let after = passes(controller.get("/metrics").await.1);
    assert!(after >= before + 6.0, "several passes over two groups: {before} to {after}");
    assert_eq!(world.version("shop").await, version, "{:#?}", world.get("shop").await);
    assert_eq!(world.rule_ids().await, ids);
    assert_eq!(world.events("shop").await, events);
}

#[tokio::test]
async fn a_restart_keeps_all_as_it_is() {
    let world = World::with(standard()).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    sleep(Duration::from_secs(2)).await;
    let (version, ids) = (world.version("shop").await, world.rule_ids().await);
    assert!(controller.terminate().await.success());
    let controller = world.controller(&[]).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.rule_ids().await, ids);
    assert_eq!(world.version("shop").await, version, "{:#?}", world.get("shop").await);
    // It works, too: what changed while it was away is seen to.
    assert!(controller.terminate().await.success());
    world.revoke(&RULES[2..]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
    let _controller = world.controller(&[]).await;
    world.rules_become(&["ALB-SG in tcp 443 <- 10.0.0.0/8", RULES[1], RULES[2]]).await;
    world.wait_for("shop", "Ready=True InSync").await;
}

#[tokio::test]
async fn a_binding_that_was_deleted_meanwhile_is_cleaned_up() {
    let world = World::with(standard()).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    assert!(controller.terminate().await.success());
    world.begin_to_delete("shop").await;
    let _controller = world.controller(&[]).await;
    world.gone("shop").await;
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn sigterm_releases_the_lease_and_ends_with_zero() {
    let world = World::with(standard()).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    assert!(holder(&world).await.is_some());
    let asked = Instant::now();
    let status = controller.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(holder(&world).await, None);
}

#[tokio::test]
async fn probes_and_metrics_answer() {
    let world = World::with(standard()).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    assert_eq!(controller.get("/livez").await, (200, "ok\n".into()));
    assert_eq!(controller.get("/readyz").await, (200, "ok\n".into()));
    let (code, metrics) = controller.get("/metrics").await;
    assert_eq!(code, 200);
    assert!(metrics.contains("sgbind_leader 1"), "{metrics}");
    let group = world.id("ALB-SG");
    let of_group = |line: &&str| line.starts_with("sgbind_rules") && line.contains(&group);
    let desired = metrics.lines().find(|line| of_group(line) && line.contains("desired"));
    assert!(desired.is_some_and(|line| line.ends_with(" 2")), "{metrics}");
    assert!(metrics.contains("AuthorizeSecurityGroupIngress"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn one_of_two_replicas_acts_and_the_other_takes_over() {
    let world = World::with(standard()).await;
    let first = world.controller(&[]).await;
    world.apply("shop", STANDARD).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let leader = holder(&world).await;
    let second = world.controller(&[]).await;
    sleep(Duration::from_secs(4)).await;
    assert_eq!(holder(&world).await, leader);
    assert!(second.get("/metrics").await.1.contains("sgbind_leader 0"));
    assert!(!second.get("/metrics").await.1.contains("AuthorizeSecurityGroup"));
    first.kill();
    world.revoke(&RULES[2..]).await;
    world.rules_become(&RULES).await;
    assert_ne!(holder(&world).await, leader);
    assert!(second.get("/metrics").await.1.contains("sgbind_leader 1"));
}

#[test]
fn orphans_can_not_be_revoked_where_one_namespace_is_watched() {
    let binary = std::process::Command::new(env!("CARGO_BIN_EXE_sgbind"))
        .args(["controller", "--cluster-name", "prod", "--orphans", "Revoke", "--watch-namespace", "team"])
        .env_clear()
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&binary.stderr).into_owned();
    assert_eq!(binary.status.code(), Some(1), "{said}");
    for option in ["--orphans Revoke", "--watch-namespace"] {
        assert!(said.contains(option), "{option}: {said}");
    }
}
