//! `sgbind explain`: whose each rule of a group is, who needs it, and what becomes of it.

use serde_json::Value;

use super::stage::{Folder, binding};
use crate::world::{World, estate, group};

const RULES: [&str; 3] =
    ["ALB-SG in tcp 22 <- 10.0.0.0/8", "ALB-SG in tcp 8443 <- 192.0.2.0/24", "ALB-SG out all -> 0.0.0.0/0"];

async fn applied() -> (World, Folder) {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    let world = World::with(estate.group(RULES.iter().fold(group("ALB-SG"), |group, rule| group.rule(rule)))).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", "loadBalancer: {name: shop}"));
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    world.tag_rule(RULES[1], "sgbind.dev/cluster/stage", "other").await;
    (world, folder)
}

#[tokio::test]
async fn without_objects_tags_and_descriptions_say_it() {
    let (world, _folder) = applied().await;
    let printed = world.run(&["explain", &world.id("ALB-SG")]).await.printed(0);
    insta::assert_snapshot!(without_ids(&printed), @r#"
        ALB-SG ALB-SG (123456789012/eu-central-1)
          opted in to cluster team: owned, namespaces team

        Ingress
          foreign        tcp 22 from 10.0.0.0/8
                         no sgbind made it
          ours           tcp 443 from 0.0.0.0/0
                         as its description says: "sgbind team: alb/team/shop"  ALBTargetBinding/team/shop
          cluster:stage  tcp 8443 from 192.0.2.0/24
                         another cluster's

        Egress
          ours           tcp 8000 to APP-SG
                         as its description says: "sgbind team: alb/team/shop"  ALBTargetBinding/team/shop
          foreign        all to 0.0.0.0/0
                         no sgbind made it
    "#);
}

#[tokio::test]
async fn with_objects_it_says_what_each_rule_is_for_and_what_would_be_done() {
    let (world, folder) = applied().await;
    world.revoke(&["ALB-SG out tcp 8000 -> APP-SG"]).await;
    let spec = "loadBalancer: {name: shop}\nclients: [{cidr: 10.0.0.0/8}]\nforeignRules: Remove";
    folder.write("shop.yaml", &binding("shop", spec));
    let (id, path) = (world.id("ALB-SG"), folder.path());
    let printed = world.run(&["explain", &id, "-f", &path, "-n", world.namespace()]).await.printed(0);
    insta::assert_snapshot!(without_ids(&printed), @r#"
        ALB-SG ALB-SG (123456789012/eu-central-1)
          opted in to cluster team: owned, namespaces team

        Ingress
          foreign        tcp 22 from 10.0.0.0/8
                         no sgbind made it
                         plan: revoke
          ours           tcp 443 from 0.0.0.0/0
                         none of the objects needs it any more  ALBTargetBinding/team/shop
                         plan: revoke
          cluster:stage  tcp 8443 from 192.0.2.0/24
                         another cluster's
          missing        tcp 443 from 10.0.0.0/8
                         listener 443  ALBTargetBinding/team/shop
                         plan: authorize

        Egress
          foreign        all to 0.0.0.0/0
                         no sgbind made it
                         plan: revoke
          missing        tcp 8000 to APP-SG
                         target group app: traffic port  ALBTargetBinding/team/shop
                         plan: authorize
    "#);
}

#[tokio::test]
async fn for_machines_each_rule_has_the_fields_of_a_step_its_owner_and_its_reason() {
    let (world, folder) = applied().await;
    let (id, path) = (world.id("ALB-SG"), folder.path());
    let printed = world.run(&["explain", &id, "-f", &path, "-n", world.namespace(), "-o", "json"]).await.printed(0);
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(document["securityGroup"], "ALB-SG");
    let rules = document["rules"].as_array().expect("rules");
    let line = |rule: &Value| {
        for field in ["direction", "protocol", "fromPort", "toPort", "peer", "ruleId", "owner", "for", "reason"] {
            assert!(rule.get(field).is_some(), "{field}: {rule}");
        }
        let text = |field: &str| rule[field].as_str().unwrap_or_default().to_owned();
        let peer = &rule["peer"];
        let objects = &rule["for"];
        let ports = (&rule["fromPort"], &rule["toPort"]);
        format!(
            "{} {} {}-{} {peer} {} {objects} {}",
            text("direction"),
            text("protocol"),
            ports.0,
            ports.1,
            text("owner"),
            text("reason")
        )
    };
    let lines: Vec<String> = rules.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
        ingress tcp 22-22 {"cidr":"10.0.0.0/8"} foreign [] no sgbind made it
        ingress tcp 443-443 {"cidr":"0.0.0.0/0"} ours ["ALBTargetBinding/team/shop"] listener 443: no clients declared
        ingress tcp 8443-8443 {"cidr":"192.0.2.0/24"} cluster:stage [] another cluster's
        egress tcp 8000-8000 {"securityGroup":"APP-SG"} ours ["ALBTargetBinding/team/shop"] target group app: traffic port
        egress -1 null-null {"cidr":"0.0.0.0/0"} foreign [] no sgbind made it
    "#);
}

#[tokio::test]
async fn what_is_no_group_is_told() {
    let world = World::new().await;
    let run = world.run(&["explain", "sg-0123456789abcdef0"]).await;
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.err, @r#"
        sgbind: no security group sg-0123456789abcdef0 in 123456789012/eu-central-1: check the id, --region, and --account-role for other accounts
    "#);
    let run = world.run(&["explain", "shop-alb"]).await;
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.err, @r#"
        sgbind: "shop-alb" is not the id of a security group: expected one such as sg-0a1b2c3d4e5f67890
    "#);
}

/// Rule ids are others in every run.
fn without_ids(printed: &str) -> String {
    let words = |line: &str| match line.rsplit_once("  sgr-") {
        Some((before, _)) => before.to_owned(),
        None => line.to_owned(),
    };
    printed.lines().map(words).collect::<Vec<_>>().join("\n")
}
