//! Groups that many objects and clusters share.

use super::stand::Stand;
use crate::world::estate;

/// An internet-facing load balancer that listens on 443, and an app on 8000.
const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];

/// Another cluster's tag is on a rule when its object here is deleted.
pub async fn a_rule_of_two_clusters_is_released(stand: Stand) {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    let world = stand.moto(estate).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", SPEC).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;
    world.tag_rule(RULES[0], "sgbind.dev/cluster/other", "uid-of-other").await;
    world.delete("shop").await;
    world.gone("shop").await;
    world.expect_rules(&RULES[..1]).await;
    world.expect_tags(RULES[0], &[("sgbind.dev/cluster/other", "uid-of-other")]).await;
}
