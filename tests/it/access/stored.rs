//! AWS's stored form is recognised as equal, so that nothing is ever applied in circles.

use std::time::Duration;

use tokio::time::sleep;

use super::groups;
use crate::world::{Controller, World};

/// Calls that change something, by the controller's own count.
async fn writes(controller: &Controller) -> Vec<String> {
    let (_, metrics) = controller.get("/metrics").await;
    let calls = metrics.lines().filter(|line| line.starts_with("sgbind_aws_calls"));
    let read = |line: &&str| ["Describe", "Get"].iter().any(|verb| line.contains(&format!("action=\"{verb}")));
    let writes: Vec<String> = calls.filter(|line| !read(line)).map(str::to_owned).collect();
    assert!(metrics.contains("action=\"DescribeSecurityGroupRules\""), "{metrics}");
    writes
}

async fn passes(controller: &Controller) -> f64 {
    let (_, metrics) = controller.get("/metrics").await;
    let line = metrics.lines().find(|line| line.starts_with("sgbind_reconcile_total") && line.contains("done"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no passes in {metrics}"))
}

async fn ten_passes(controller: &Controller) {
    let before = passes(controller).await;
    while passes(controller).await < before + 10.0 {
        sleep(Duration::from_millis(500)).await;
    }
}

/// On moto as it is: unlike EC2 it keeps protocols as numbers, and host bits.
#[tokio::test]
async fn ten_passes_over_rules_in_raw_form_make_no_write() {
    let world = World::on_moto_without(&["canonical_rules"]).await;
    world.build(groups(&["DB-SG"])).await;
    let raw = [
        "DB-SG in 6 5432 <- 10.20.30.40/16",
        "DB-SG in 17 53 <- 10.20.30.40/16",
        "DB-SG in 1 8/-1 <- 10.20.30.40/16",
        "DB-SG in 58 128/0 <- 2001:db8::7/32",
        "DB-SG in 58 128/0 <- DB-SG",
        "DB-SG in 1 8/-1 <- DB-SG",
        "DB-SG out all -> 10.1.2.3/8",
        "DB-SG out 6 0-65535 -> 2001:db8:0:0::/32",
    ];
    world.authorize(&raw).await;
    let stored = world.rules().await;
    assert!(stored.contains(&"DB-SG in 58 128-0 <- 2001:db8::7/32".to_owned()), "{stored:#?}");
    let controller = world.controller(&[]).await;
    let spec = "
        securityGroup: {id: $DB-SG}
        ingress:
        - {services: [PostgreSQL], from: [{cidr: 10.20.0.0/16}]}
        - {ports: [{protocol: UDP, port: 53}], from: [{cidr: 10.20.0.0/16}]}
        - {services: [Ping], from: [{cidr: 10.20.0.0/16}, {cidr: '2001:db8::/32'}, {self: true}]}
        egress:
        - {services: [AllTraffic], to: [{cidr: 10.0.0.0/8}]}
        - {services: [AllTCP], to: [{cidr: '2001:db8::/32'}]}";
    world.apply("sga/db", spec).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.status_has("sga/db", "rules 8/8, 0 missing, 0 surplus, 0 foreign").await;
    ten_passes(&controller).await;
    assert_eq!(writes(&controller).await, [""; 0]);
    assert_eq!(world.rules().await, stored);

    // Where foreign rules are removed, they are adopted as they are; after that there is nothing to do either.
    let ids = world.rule_ids().await;
    world.apply("sga/db", &format!("{spec}\n        foreignRules: Remove")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    let adopted = || async { world.rules_and_owners().await.iter().all(|rule| rule.contains("(ours, ")) };
    let deadline = world.deadline();
    while !adopted().await && deadline.is_ahead().await {}
    assert!(adopted().await, "{:#?}", world.rules_and_owners().await);
    ten_passes(&controller).await;
    let before = writes(&controller).await;
    ten_passes(&controller).await;
    assert_eq!(writes(&controller).await, before);
    assert_eq!(world.rule_ids().await, ids);
    assert_eq!(world.rules().await, stored);
}
