//! The rule patterns, each under its id: all rules of all security groups, and the status that goes with them. Each
//! row writes its section of `docs/patterns.md`.

mod changes;
mod clients;
mod listeners;
mod network;
mod page;
mod roles;
mod row;
mod shifting;
mod targets;

use row::Row;

use crate::world::{Controller, Estate, World, estate};

/// A world with this in AWS, a controller, and the binding `shop`.
async fn bound(estate: Estate, spec: &str) -> (World, Controller) {
    let world = World::with(estate).await;
    let controller = world.controller(&[]).await;
    world.apply("shop", spec).await;
    (world, controller)
}

/// An internet-facing load balancer that listens on 443.
fn facing() -> Estate {
    estate().internet_facing("shop").forward(443, "app")
}

/// The same with an app on 8000.
fn standard() -> Estate {
    facing().target_group("app", 8000).instance("APP-SG")
}

const FOR_ALL: &str = "
    loadBalancer: {name: shop}
    clients: [{cidr: 0.0.0.0/0}]";
const OPEN: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
const STANDARD_RULES: [&str; 3] = [OPEN, OUT, IN];
const BALANCER: &str = "load balancer shop: application internet-facing ipv4 ALB-SG";
const TARGETS: &str = "target group app: ports [8000] weight 1 in APP-SG";
const TARGETS_COUNTS: &str = "APP-SG in 1/60 out 0/60";
