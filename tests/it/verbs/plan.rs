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
    insta::assert_snapshot!(by_group(&printed), @r#"
        ALB-SG ALB-SG (123456789012/eu-central-1)
          + ingress tcp 443 from 0.0.0.0/0           listener 443: no clients declared, for ALBTargetBinding/team/shop
          + egress tcp 8000 to APP-SG  target group app: traffic port, for ALBTargetBinding/team/shop

        APP-SG APP-SG (123456789012/eu-central-1)
          + ingress tcp 8000 from ALB-SG  target group app: traffic port, for ALBTargetBinding/team/shop

        Plan: 3 to authorize, 0 to revoke, 0 in sync, 0 foreign
    "#);
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn what_waits_says_for_what_and_what_is_wrong_stands_below() {
    let world = World::with(shop().group(group("APP-SG").without_consent())).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", SMALLEST));
    let printed = world.verb("plan", &folder.path(), &[]).await.printed(1);
    insta::assert_snapshot!(by_group(&printed), @r#"
        ALB-SG ALB-SG (123456789012/eu-central-1)
          + ingress tcp 443 from 0.0.0.0/0           listener 443: no clients declared, for ALBTargetBinding/team/shop
          + egress tcp 8000 to APP-SG  target group app: traffic port, for ALBTargetBinding/team/shop

        APP-SG APP-SG (123456789012/eu-central-1, not opted in)
          held, NotPermitted: the group does not let the objects in question write it: see the problems
            + ingress tcp 8000 from ALB-SG  target group app: traffic port, for ALBTargetBinding/team/shop

        × ALBTargetBinding/team/shop: SecurityGroupNotOptedIn
            security group APP-SG has not opted in to be written by cluster team. If it may be: aws ec2 create-tags --region eu-central-1 --resources APP-SG --tags Key=sgbind.dev/cluster/team,Value=owned Key=sgbind.dev/namespaces,Value=team

        Plan: 2 to authorize, 0 to revoke, 0 in sync, 0 foreign, 1 held, 1 problem
    "#);
}

#[tokio::test]
async fn what_goes_says_what_it_cuts() {
    let open = group("ALB-SG").rule("ALB-SG in tcp 443 <- 0.0.0.0/0").rule("ALB-SG out all -> 0.0.0.0/0");
    let world = World::with(shop().group(open)).await;
    let folder = Folder::new();
    let spec = "loadBalancer: {name: shop}\nclients: [{cidr: 10.0.0.0/8}]\nforeignRules: Remove";
    folder.write("shop.yaml", &binding("shop", spec));
    let printed = world.verb("plan", &folder.path(), &[]).await.printed(2);
    insta::assert_snapshot!(by_group(&printed), @r#"
        ALB-SG ALB-SG (123456789012/eu-central-1)
          + ingress tcp 443 from 10.0.0.0/8          listener 443, for ALBTargetBinding/team/shop
          + egress tcp 8000 to APP-SG  target group app: traffic port, for ALBTargetBinding/team/shop
          - ingress tcp 443 from 0.0.0.0/0           a foreign rule, for ALBTargetBinding/team/shop
              its connections are not tracked: they may be cut at once
          - egress all to 0.0.0.0/0                  a foreign rule, for ALBTargetBinding/team/shop
              its connections are not tracked: they may be cut at once

        APP-SG APP-SG (123456789012/eu-central-1)
          + ingress tcp 8000 from ALB-SG  target group app: traffic port, for ALBTargetBinding/team/shop

        Plan: 3 to authorize, 2 to revoke, 0 in sync, 2 foreign
    "#);
}

/// Groups in the order of their names: that of their ids is not the same in every run.
fn by_group(printed: &str) -> String {
    let mut parts: Vec<&str> = printed.trim_end().split("\n\n").collect();
    let end =
        parts.iter().position(|part| !part.contains("-SG (") && !part.contains("-SG shop")).unwrap_or(parts.len());
    parts[..end].sort_unstable();
    parts.join("\n\n")
}
