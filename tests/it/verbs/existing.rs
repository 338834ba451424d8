//! An estate that was made by hand: imported, planned, applied, drawn.

use super::stage::Folder;
use crate::world::{World, estate, group};

const BEFORE: [&str; 6] = [
    "ALB-SG in tcp 80 <- 0.0.0.0/0",
    "ALB-SG in tcp 443 <- 0.0.0.0/0",
    "ALB-SG in tcp 443 <- 2001:db8::/32",
    "ALB-SG out all -> 0.0.0.0/0",
    "APP-SG in tcp 0-65535 <- ALB-SG",
    "APP-SG in tcp 22 <- 10.0.0.0/8",
];

/// Nothing that is admitted today is taken away, nobody new is admitted, and what a plan shows is only what is missing.
#[tokio::test]
async fn is_imported_and_planned_without_surprises_and_applied() {
    let estate = estate().internet_facing("shop").redirect(80).forward(443, "app").target_group("app", 8000);
    let with = |name, rules: &[&'static str]| rules.iter().fold(group(name), |group, rule| group.rule(rule));
    let estate = estate.instance("APP-SG").group(with("ALB-SG", &BEFORE[..4])).group(with("APP-SG", &BEFORE[4..]));
    let world = World::with(estate).await;
    let run = world.run(&["import", "--load-balancer", "shop", "-n", world.namespace()]).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &run.raw);
    run.printed(0);
    let planned = world.verb("plan", &folder.path(), &[]).await.printed(2);
    let steps: Vec<&str> = planned.lines().filter(|line| line.starts_with("  +") || line.starts_with("  -")).collect();
    let mut rules: Vec<String> =
        steps.iter().map(|line| line.split("  ").nth(1).unwrap_or_default().trim().to_owned()).collect();
    rules.sort();
    assert_eq!(rules, ["+ egress tcp 8000 to APP-SG", "+ ingress tcp 8000 from ALB-SG"]);
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    let after = [&BEFORE[..], &["ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"]].concat();
    world.expect_rules(&after).await;
    let planned = world.verb("plan", &folder.path(), &[]).await.printed(0);
    assert!(planned.contains("nothing to do"), "{planned}");
}
