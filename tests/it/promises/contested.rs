//! Someone keeps undoing what we do.

use std::time::Duration;

use super::stand::Stand;
use crate::simulation::{Controller, Stage};
use crate::world::{Estate, estate, group};

const MINUTE: Duration = Duration::from_secs(60);
const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], foreignRules: Remove}";
const LISTENER: &str = "ALB-SG in tcp 443 <- 10.0.0.0/8";
const EGRESS: &str = "ALB-SG out tcp 8000 -> APP-SG";
const APP: &str = "APP-SG in tcp 8000 <- ALB-SG";
const ACCESS: &str = "{securityGroup: {id: $DB-SG}, ingress: [{services: [PostgreSQL], from: [{cidr: 10.0.0.0/8}]}],
    foreignRules: Remove}";
const DATABASE: &str = "DB-SG in tcp 5432 <- 10.0.0.0/8";
const FOREIGN: &str = "DB-SG in tcp 22 <- 192.0.2.0/24";

fn shop() -> Estate {
    let kept = group("ALB-SG").tag("managed-by", "terraform").tag("kubernetes.io/cluster/old", "owned");
    estate().group(kept).internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

/// All is in sync, and differences are found within five seconds.
async fn in_sync(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(shop()).await;
    let controller = stage.start_with("controller", |settings| settings.resync = Duration::from_secs(5));
    stage.world.apply("shop", SPEC).await;
    stage.world.wait_for("shop", "Ready=True InSync").await;
    tokio::time::sleep(20 * Duration::from_secs(1)).await;
    stand.begins();
    (stage, controller)
}

/// The same of an access. No target group has to do with its group, so foreign rules go without a watch.
async fn access_in_sync(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(estate().group(group("DB-SG"))).await;
    let controller = stage.start_with("controller", |settings| settings.resync = Duration::from_secs(5));
    stage.world.apply("sga/db", ACCESS).await;
    stage.world.wait_for("sga/db", "Ready=True InSync").await;
    tokio::time::sleep(20 * Duration::from_secs(1)).await;
    stand.begins();
    (stage, controller)
}

/// Whether it is so within this time.
async fn within(stage: &Stage, limit: Duration, is: impl Fn(&Stage) -> bool) -> bool {
    stage.until(limit, is).await.is_some()
}

fn has(rule: &'static str) -> impl Fn(&Stage) -> bool {
    move |stage| stage.rules().contains(rule)
}

fn lacks(rule: &'static str) -> impl Fn(&Stage) -> bool {
    move |stage| !stage.rules().contains(rule)
}

/// Someone takes it away, and it is made again, so many times.
async fn undo(stage: &Stage, rule: &'static str, times: u32) {
    for _ in 0..times {
        stage.world.revoke(&[rule]).await;
        assert!(within(stage, Duration::from_secs(10), has(rule)).await, "it is made again");
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
}

fn contested(stage: &Stage) -> Option<String> {
    stage.condition("shop", "Contested")
}

pub async fn a_rule_is_undone(stand: Stand) {
    let (stage, _controller) = in_sync(&stand).await;
    undo(&stage, LISTENER, 4).await;
    assert_eq!(contested(&stage), None);
    undo(&stage, LISTENER, 1).await;
    // A minute from the last repair; other rules of the group do not wait.
    stage.world.revoke(&[LISTENER, EGRESS]).await;
    assert!(within(&stage, Duration::from_secs(10), has(EGRESS)).await, "another rule is made again at once");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(stage.rules(), [EGRESS, APP].map(str::to_owned).into());
    stage.world.status_has("shop", "held: authorize ALB-SG ingress tcp 443 from 10.0.0.0/8: Contested").await;
    assert_eq!(contested(&stage).as_deref(), Some("Contested=True Contested"));
    assert_eq!(stage.condition("shop", "Ready").as_deref(), Some("Ready=False Held"));
    assert!(within(&stage, Duration::from_secs(30), has(LISTENER)).await, "then it is made again");
    // Twice as long.
    stage.world.revoke(&[LISTENER]).await;
    tokio::time::sleep(Duration::from_secs(110)).await;
    assert_eq!(stage.rules(), [EGRESS, APP].map(str::to_owned).into());
    assert!(within(&stage, Duration::from_secs(20), has(LISTENER)).await);
    let repaired = stage.world.events("shop").await.iter().filter(|event| event.starts_with("DriftRepaired")).count();
    assert_eq!(repaired, 8, "each repair of either rule is told");
}

pub async fn a_foreign_rule_comes_back(stand: Stand) {
    let (stage, _controller) = access_in_sync(&stand).await;
    for _ in 0..6 {
        stage.world.authorize(&[FOREIGN]).await;
        assert!(within(&stage, Duration::from_secs(40), lacks(FOREIGN)).await, "it is removed");
    }
    stage.world.authorize(&[FOREIGN, "DB-SG in tcp 23 <- 192.0.2.0/24"]).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(stage.rules(), [DATABASE, FOREIGN].map(str::to_owned).into(), "the other one has gone");
    stage.world.status_has("sga/db", "held: revoke DB-SG ingress tcp 22 from 192.0.2.0/24: Contested").await;
    assert_eq!(stage.condition("sga/db", "Contested").as_deref(), Some("Contested=True Contested"));
    assert!(within(&stage, MINUTE, lacks(FOREIGN)).await, "then it is removed again");
    assert_eq!(stage.rules(), [DATABASE].map(str::to_owned).into());
}

pub async fn who_does_it(stand: Stand) {
    let (stage, _controller) = in_sync(&stand).await;
    undo(&stage, LISTENER, 5).await;
    let events = stage.world.events("shop").await;
    let told: Vec<&String> = events.iter().filter(|event| event.starts_with("Contested: ")).collect();
    assert_eq!(told.len(), 1, "{events:#?}");
    assert!(
        told[0].starts_with("Contested: rule ALB-SG ingress tcp 443 from 10.0.0.0/8 was taken away 5 times"),
        "{told:?}"
    );
    let message = stage.world.wait_for("shop", "Contested=True Contested").await;
    for said in [told[0].as_str(), &message] {
        for who in [
            "terraform (tag managed-by of the group)",
            "the cloud provider of the cluster old (tag kubernetes.io/cluster/old of the group)",
        ] {
            assert!(said.contains(who), "{said}");
        }
    }
}

pub async fn it_ends(stand: Stand) {
    let (stage, _controller) = in_sync(&stand).await;
    undo(&stage, LISTENER, 5).await;
    tokio::time::sleep(9 * MINUTE).await;
    assert_eq!(contested(&stage).as_deref(), Some("Contested=True Contested"));
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(contested(&stage).as_deref(), Some("Contested=False NotContested"));
    assert_eq!(stage.rules(), [LISTENER, EGRESS, APP].map(str::to_owned).into());
    undo(&stage, LISTENER, 1).await;
}
