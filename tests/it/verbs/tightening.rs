//! Foreign rules go while targets are watched, and come back where one falls. Nobody remembers them but what was printed.

use std::time::Duration;

use super::operator::Operator;
use crate::simulation::{Stage, in_virtual_time, these};
use crate::world::aws::ACCOUNT;
use crate::world::{Estate, World, estate, group};

const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove,
    targetGroups: [{name: app, ref: {name: app}, ports: [8000], healthCheckPort: 8000}]}";
const OBJECTS: [(&str, &str); 1] = [("shop", SPEC)];
const NEEDED: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
/// What nobody declares, and what health checks need.
const CHECKS: [&str; 2] = ["ALB-SG out tcp 9000 -> 10.0.0.0/16", "APP-SG in tcp 9000 <- 10.0.0.0/16"];
const SSH: &str = "ALB-SG in tcp 22 <- 10.0.0.0/8";

/// An app whose health checks depend on rules that someone else made.
fn checked_elsewhere() -> Estate {
    standard().health_port(9000).group(group("ALB-SG").rule(CHECKS[0]).rule(SSH)).group(group("APP-SG").rule(CHECKS[1]))
}

/// The same, with nothing that depends on the foreign rule.
fn checked_on_its_port() -> Estate {
    standard().group(group("ALB-SG").rule(SSH))
}

/// The health of targets is checked every five seconds.
fn standard() -> Estate {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000);
    estate.checked_every(5).instance("APP-SG")
}

fn all(more: &[&'static str]) -> Vec<&'static str> {
    NEEDED.iter().chain(more).copied().collect()
}

async fn until_healthy(world: &World) {
    let deadline = world.deadline();
    while world.health("app").await != ["healthy"] {
        assert!(deadline.is_ahead().await, "{:?}", world.health("app").await);
    }
}

/// What the health checks need is there, and targets are healthy.
async fn healthy(estate: Estate) -> Stage {
    let stage = Stage::with(1, estate).await;
    let first = Operator::new(&stage, "first").await;
    let reports = SPEC.replace("foreignRules: Remove,", "");
    assert!(first.apply(&first.files(&[("shop", &reports)])).await.is_well());
    until_healthy(&stage.world).await;
    stage
}

#[test]
fn what_nobody_needs_goes_and_is_watched_to_the_end() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        let operator = Operator::new(&stage, "second").await;
        let began = tokio::time::Instant::now();
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(ended.is_well(), "{ended:#?}");
        assert_eq!(stage.rules(), these(&NEEDED));
        // Two checks, five seconds apart, and half a minute for answers that lag.
        assert_eq!(operator.said()[1..], [format!("-{SSH}"), "watches for 40 s".to_owned()]);
        assert!(began.elapsed() >= Duration::from_secs(40), "{:?}", began.elapsed());
    });
}

/// A person can put back by hand what goes: all that it takes is told before.
#[test]
fn it_is_told_how_to_put_it_back_before_it_goes() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        stage.world.describe_rule(SSH, "admins").await;
        stage.world.tag_rule(SSH, "Name", "ssh").await;
        let operator = Operator::new(&stage, "second").await;
        operator.apply(&operator.files(&OBJECTS)).await;
        assert_eq!(
            operator.said()[0],
            "takes\naws ec2 authorize-security-group-ingress --region eu-central-1 --group-id ALB-SG --ip-permissions \
             '[{\"FromPort\":22,\"IpProtocol\":\"tcp\",\"IpRanges\":[{\"CidrIp\":\"10.0.0.0/8\",\"Description\":\"admins\"}],\
             \"ToPort\":22}]' --tag-specifications '[{\"ResourceType\":\"security-group-rule\",\"Tags\":[{\"Key\":\"Name\",\
             \"Value\":\"ssh\"}]}]'"
        );
    });
}

#[test]
fn what_a_target_needed_comes_back_as_it_was() {
    in_virtual_time(async {
        let stage = healthy(checked_elsewhere()).await;
        let world = &stage.world;
        world.describe_rule(CHECKS[0], "health checks").await;
        world.tag_rule(CHECKS[0], "Name", "checks").await;
        world.tag_rule(CHECKS[0], "team", "edge").await;
        world.describe_rule(SSH, "admins").await;
        let before = world.rules_and_owners().await;
        let operator = Operator::new(&stage, "second").await;
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&[CHECKS[0], CHECKS[1], SSH])));
        assert_eq!(world.rules_and_owners().await, before);
        world.expect_tags(CHECKS[0], &[("Name", "checks"), ("team", "edge")]).await;
        world.expect_tags(SSH, &[]).await;
        let rolled_back: Vec<String> =
            ended.report.rolled_back.iter().map(|key| world.named(key.id.to_string())).collect();
        assert_eq!((rolled_back, ended.report.lost.len()), (vec!["ALB-SG".to_owned()], 0));
        // The targets' own group is left as it is: it stands beside no load balancer's watch, and 9000 is none of its ports.
        until_healthy(world).await;
    });
}

/// The answers to the revokes are lost, and what they took is missed: it comes back all the same.
#[test]
fn what_went_without_an_answer_comes_back() {
    in_virtual_time(async {
        let stage = healthy(checked_elsewhere()).await;
        let operator = Operator::new(&stage, "second").await;
        // As often as the SDK tries, for either direction.
        for _ in 0..6 {
            operator.process.inject_into("RevokeSecurityGroup", sgbind_sim::Fault::AnswerLost);
        }
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&[CHECKS[0], CHECKS[1], SSH])));
        assert_eq!((ended.report.rolled_back.len(), ended.report.lost.len()), (1, 0), "{:#?}", operator.said());
        until_healthy(&stage.world).await;
    });
}

/// It heals: who interrupts when targets fall gets the rules back all the same.
#[test]
fn an_interruption_does_not_keep_rules_from_coming_back() {
    in_virtual_time(async {
        let stage = healthy(checked_elsewhere()).await;
        let operator = Operator::new(&stage, "second").await;
        let stop = operator.stop.clone();
        operator.process.observe(move |site| {
            if site.what.contains("Authorize") {
                stop.cancel();
            }
        });
        operator.process.inject_into("AuthorizeSecurityGroup", sgbind_sim::Fault::AnswerLost);
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&[CHECKS[0], CHECKS[1], SSH])));
        assert_eq!((ended.report.rolled_back.len(), ended.report.lost.len()), (1, 0), "{:#?}", operator.said());
    });
}

#[test]
fn who_interrupts_the_watch_is_told_how_to_put_back() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        let operator = Operator::new(&stage, "second").await;
        let (files, stop) = (operator.files(&OBJECTS), operator.stop.clone());
        let interruption = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(operator.apply(&files), interruption);
        assert!(!ended.is_well());
        assert!(matches!(ended.report.halt, Some(sgbind::once::Halt::Interrupted)), "{:?}", ended.report.halt);
        assert_eq!(stage.rules(), these(&NEEDED));
        let said = operator.said();
        assert_eq!(said.last(), Some(&said[0].replacen("takes", "unwatched", 1)), "{said:#?}");
    });
}

/// A person who may revoke and not authorize: the rules are missing, and that is what is told.
#[test]
fn what_can_not_be_put_back_is_told() {
    in_virtual_time(async {
        let stage = healthy(checked_elsewhere()).await;
        let operator = Operator::new(&stage, "second").await;
        for action in ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"] {
            stage.simulation.aws.world().deny(ACCOUNT, action);
        }
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&CHECKS[1..])));
        let lost: Vec<usize> = ended.report.lost.values().map(Vec::len).collect();
        assert_eq!((lost, ended.report.rolled_back.len()), (vec![2], 0));
        let said = operator.said();
        assert_eq!(said.last(), Some(&said[0].replacen("takes", "lost", 1)), "{said:#?}");
    });
}

#[test]
fn without_known_health_nothing_goes() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        stage.simulation.aws.world().deny(ACCOUNT, "DescribeTargetHealth");
        let operator = Operator::new(&stage, "second").await;
        // All is declared, so that no rule depends on what can't be read.
        let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove,
            targetGroups: [{name: app, ports: [8000], securityGroups: [{id: $APP-SG}]}]}";
        let ended = operator.apply(&operator.files(&[("shop", spec)])).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&[SSH])));
        assert!(stage.writes(&operator.process).is_empty(), "{:#?}", operator.said());
    });
}

/// Health can't be read any more during the watch: what was taken comes back.
#[test]
fn where_health_can_not_be_read_any_more_the_rules_come_back() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        let operator = Operator::new(&stage, "second").await;
        let aws = stage.simulation.aws.clone();
        operator.process.observe(move |site| {
            if site.what.contains("Revoke") {
                aws.world().deny(ACCOUNT, "DescribeTargetHealth");
            }
        });
        let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove,
            targetGroups: [{name: app, ports: [8000], securityGroups: [{id: $APP-SG}]}]}";
        let ended = operator.apply(&operator.files(&[("shop", spec)])).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&all(&[SSH])), "{:#?}", operator.said());
        assert_eq!(ended.report.rolled_back.len(), 1);
    });
}

/// Someone takes a rule away that is needed, just before foreign rules would go: none goes.
#[test]
fn while_something_needed_is_missing_nothing_foreign_goes() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&OBJECTS);
        let shown = operator.plan(&files).await;
        assert_eq!(operator.words(&shown.steps), [format!("-{SSH}")]);
        stage.world.revoke(&[NEEDED[1]]).await;
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&[NEEDED[0], NEEDED[2], SSH]), "{:#?}", operator.said());
    });
}

/// The same at the last moment: after the health of targets was read.
#[test]
fn what_is_needed_is_looked_at_again_just_before_foreign_rules_go() {
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port()).await;
        let operator = Operator::new(&stage, "second").await;
        let files = operator.files(&OBJECTS);
        let shown = operator.plan(&files).await;
        let carried_out = operator.carry_out(&files, shown);
        let mut carried_out = std::pin::pin!(carried_out);
        // Until it is told what goes: then only the last look is to come.
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut carried_out => break ended,
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            if operator.said().len() == 1 && stage.rules().contains(NEEDED[1]) {
                stage.world.revoke(&[NEEDED[1]]).await;
            }
        };
        assert_eq!(stage.writes(&operator.process), [""; 0], "{:#?}", operator.said());
        assert!(!ended.is_well());
        assert_eq!(stage.rules(), these(&[NEEDED[0], NEEDED[2], SSH]), "{:#?}", operator.said());
    });
}

/// Of one load balancer one group is tightened at a time, the next when the watch is over.
#[test]
fn one_group_at_a_time() {
    const WIDE: &str = "APP-SG in tcp 8000 <- 10.0.0.0/8";
    in_virtual_time(async {
        let stage = healthy(checked_on_its_port().group(group("APP-SG").rule(WIDE))).await;
        let operator = Operator::new(&stage, "second").await;
        let ended = operator.apply(&operator.files(&OBJECTS)).await;
        assert!(ended.is_well(), "{ended:#?}");
        assert_eq!(stage.rules(), these(&NEEDED));
        let mut said: Vec<String> = operator.said().into_iter().filter(|line| !line.starts_with("takes")).collect();
        let watched = "watches for 40 s".to_owned();
        assert_eq!((said.remove(1), said.remove(2)), (watched.clone(), watched));
        said.sort();
        assert_eq!(said, [format!("-{SSH}"), format!("-{WIDE}")]);
    });
}

/// What befalls one group must not end the watch of another.
#[test]
fn a_watch_goes_on_when_another_group_can_not_be_read() {
    in_virtual_time(async {
        let db = group("DB-SG").rule("DB-SG in tcp 22 <- 0.0.0.0/0");
        let stage = healthy(checked_elsewhere().group(db)).await;
        let operator = Operator::new(&stage, "second").await;
        let access = "{securityGroup: {id: $DB-SG}, ingress: [], foreignRules: Remove}";
        let files = operator.files(&[OBJECTS[0], ("sga/db", access)]);
        let shown = operator.plan(&files).await;
        let (aws, scope) = (
            stage.simulation.aws.clone(),
            sgbind_sim::aws::Scope { account: ACCOUNT.into(), region: "eu-central-1".into() },
        );
        let db = stage.world.id("DB-SG");
        operator.process.observe(move |site| {
            if site.what.contains("RevokeSecurityGroup") {
                let _ = aws.world().delete_security_group(&scope, &db);
            }
        });
        let ended = operator.carry_out(&files, shown).await;
        assert!(!ended.is_well());
        assert_eq!(ended.report.rolled_back.len(), 1, "{:#?}", operator.said());
        assert_eq!(stage.rules(), these(&all(&[CHECKS[0], CHECKS[1], SSH])), "{:#?}", operator.said());
    });
}
