//! The rule patterns, each under its id: all rules of all security groups, and the status that goes with them.

use crate::world::{World, estate, group};

#[tokio::test]
async fn alb_standard() {
    let world = World::with(
        estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG"),
    )
    .await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}").await;
    world.wait_for("shop", "Ready=True InSync").await;
    world
        .expect_rules(&[
            "ALB-SG in tcp 443 <- 0.0.0.0/0",
            "ALB-SG out tcp 8000 -> APP-SG",
            "APP-SG in tcp 8000 <- ALB-SG",
        ])
        .await;
    world
        .expect_settled(
            "shop",
            "InSync",
            &[
                "load balancer shop: application internet-facing ipv4 ALB-SG",
                "target group app: ports [8000] weight 1 in APP-SG",
                "ALB-SG in 1/60 out 1/60",
                "APP-SG in 1/60 out 0/60",
                "rules 3/3, 0 missing, 0 surplus, 0 foreign",
            ],
        )
        .await;
}
