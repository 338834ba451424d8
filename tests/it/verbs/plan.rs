//! `sgbind plan` as people read it, and its exit codes. What machines read is held in `aws_cli`, `terraform` and `json`.

use super::stage::{Folder, binding};
use crate::world::{Estate, World, estate, group};

const SMALLEST: &str = "loadBalancer: {name: shop}";

fn shop() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

#[tokio::test]
async fn the_smallest_binding_is_shown_as_a_diff_and_nothing_is_changed() {
    let world = World::with(shop()).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", SMALLEST));
    let printed = world.verb("plan", &folder.path(), &[]).await.printed(2);
    insta::assert_snapshot!(by_group(&printed), @"");
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn what_waits_says_for_what_and_what_is_wrong_stands_below() {
    let world = World::with(shop().group(group("APP-SG").without_consent())).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", SMALLEST));
    let printed = world.verb("plan", &folder.path(), &[]).await.printed(1);
    insta::assert_snapshot!(by_group(&printed), @"");
}

#[tokio::test]
async fn what_goes_says_what_it_cuts() {
    let open = group("ALB-SG").rule("ALB-SG in tcp 443 <- 0.0.0.0/0").rule("ALB-SG out all -> 0.0.0.0/0");
    let world = World::with(shop().group(open)).await;
    let folder = Folder::new();
    let spec = "loadBalancer: {name: shop}\nclients: [{cidr: 10.0.0.0/8}]\nforeignRules: Remove";
    folder.write("shop.yaml", &binding("shop", spec));
    let printed = world.verb("plan", &folder.path(), &[]).await.printed(2);
    insta::assert_snapshot!(by_group(&printed), @"");
}

/// Groups in the order of their names: that of their ids is not the same in every run.
fn by_group(printed: &str) -> String {
    let mut parts: Vec<&str> = printed.trim_end().split("\n\n").collect();
    let end =
        parts.iter().position(|part| !part.contains("-SG (") && !part.contains("-SG shop")).unwrap_or(parts.len());
    parts[..end].sort_unstable();
    parts.join("\n\n")
}
