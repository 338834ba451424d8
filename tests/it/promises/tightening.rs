//! Foreign rules are taken away without an outage.
//!
//! Health checks of `app` go to port 9000, which the binding denies: only foreign rules let them through.

use std::time::Duration;

use rstest::rstest;
use serde_json::Value;

use super::stand::Stand;
use super::virtually::{made, stay};
use crate::simulation::{Controller, Stage, in_virtual_time, these};
use crate::world::aws::ACCOUNT;
use crate::world::{Estate, World, estate, group};

const MINUTE: Duration = Duration::from_secs(60);
const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove,
    targetGroups: [{name: app, ref: {name: app}, ports: [8000], healthCheckPort: 8000}]}";
const NEEDED: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
/// What nobody declares, and what health checks need.
const CHECKS: [&str; 2] = ["ALB-SG out tcp 9000 -> 10.0.0.0/16", "APP-SG in tcp 9000 <- 10.0.0.0/16"];
const SSH: &str = "ALB-SG in tcp 22 <- 10.0.0.0/8";
/// Two checks, five seconds apart, and thirty seconds for answers that lag.
const WATCH: [&str; 2] = ["--tightening-watch", "40s"];

/// An app whose health checks depend on rules that someone else made.
fn checked_elsewhere() -> Estate {
    estate()
        .internet_facing("shop")
        .forward(443, "app")
        .target_group("app", 8000)
        .health_port(9000)
        .checked_every(5)
        .instance("APP-SG")
        .group(group("ALB-SG").rule(CHECKS[0]).rule(SSH))
        .group(group("APP-SG").rule(CHECKS[1]))
}

/// The same, with nothing that depends on the foreign rule.
fn checked_on_its_port() -> Estate {
    estate()
        .internet_facing("shop")
        .forward(443, "app")
        .target_group("app", 8000)
        .checked_every(5)
        .instance("APP-SG")
        .group(group("ALB-SG").rule(SSH))
}

fn all(more: &[&'static str]) -> Vec<&'static str> {
    NEEDED.iter().chain(more).copied().collect()
}

/// Waits until all targets are healthy, so that they can fall.
async fn until_healthy(world: &World) {
    let deadline = world.deadline();
    while world.health("app").await != ["healthy"] {
        assert!(deadline.is_ahead().await, "{:?}", world.health("app").await);
    }
}

/// A target whose checks need a rule falls when it goes; the rules come back as they were.
pub async fn what_a_target_needed_comes_back(stand: Stand) {
    let mut world = stand.served(checked_elsewhere()).await;
    // Until a target falls ten seconds pass, and until it is healthy again ten more.
    world.be_patient_for(Duration::from_secs(45), Duration::from_millis(200));
    until_healthy(&world).await;
    let _controller = world.controller(&WATCH).await;
    world.apply("shop", SPEC).await;
    world.rules_become(&all(&CHECKS[1..])).await;
    stand.begins();
    let message = world.wait_for("shop", "Ready=False TighteningRolledBack").await;
    for part in [
        "ALB-SG",
        "egress tcp 9000 to 10.0.0.0/16",
        "ingress tcp 22 from 10.0.0.0/8",
        "target group app",
        "retry-tightening",
    ] {
        assert!(world.named(&message).contains(part), "{part}: {message}");
    }
    world.rules_become(&all(&[CHECKS[0], CHECKS[1], SSH])).await;
    world.event("shop", "Tightening: ").await;
    world.event("shop", "TighteningRolledBack").await;
    world.event("shop", "RulesRestored").await;
    until_healthy(&world).await;
}

/// The rules that come back have the description and the tags that they had, and are not ours.
pub async fn what_comes_back_is_as_it_was(stand: Stand) {
    let stage = stand.simulated(checked_elsewhere()).await;
    let world = &stage.world;
    world.describe_rule(CHECKS[0], "health checks").await;
    world.describe_rule(SSH, "admins").await;
    world.tag_rule(CHECKS[0], "Name", "checks").await;
    world.tag_rule(CHECKS[0], "team", "edge").await;
    world.tag_rule(SSH, "Name", "ssh").await;
    until_healthy(world).await;
    let (before, ids) = (world.rules_and_owners().await, ids(world).await);
    let _controller = stage.start("first");
    world.apply("shop", SPEC).await;
    stage.until_rules(&all(&CHECKS[1..])).await;
    stand.begins();
    stage.until_rules(&all(&[CHECKS[0], CHECKS[1], SSH])).await;
    world.wait_for("shop", "Ready=False TighteningRolledBack").await;
    let ours = NEEDED.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    world.rules_and_owners_become(before.into_iter().chain(ours).collect()).await;
    world.expect_tags(CHECKS[0], &[("Name", "checks"), ("team", "edge")]).await;
    world.expect_tags(SSH, &[("Name", "ssh")]).await;
    world.expect_tags(CHECKS[1], &[]).await;
    // Those two were made anew, the third was never gone.
    let same = self::ids(world).await.into_iter().zip(ids).map(|(now, before)| now == before).collect::<Vec<_>>();
    assert_eq!(same, [false, false, true]);
    world.event("shop", "RulesRestored").await;
}

/// Ids of the foreign rules: the two that go, and the one that stays.
async fn ids(world: &World) -> [String; 3] {
    [world.rule_id(CHECKS[0]).await, world.rule_id(SSH).await, world.rule_id(CHECKS[1]).await]
}

/// Everything in virtual time, with the defaults of production. Targets are healthy when the binding comes.
async fn begun_healthy(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(checked_elsewhere()).await;
    until_healthy(&stage.world).await;
    let controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    (stage, controller)
}

/// The status tells what goes before it goes, so that a crash right after it loses nothing.
pub async fn after_a_crash_it_comes_back_all_the_same(stand: Stand) {
    let (stage, controller) = begun_healthy(&stand).await;
    // The very moment at which the rules are gone.
    let taken = these(&all(&CHECKS[1..]));
    while stage.rules() != taken {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(stage.simulation.now() < Duration::from_secs(3600), "{:#?}", stage.rules());
    }
    stand.begins();
    controller.kill();
    // Targets fall while nobody looks.
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    let told = stage.object("shop").expect("it is there")["status"]["tightening"].clone();
    assert_eq!(told["removed"].as_array().map(Vec::len), Some(2), "{told:#}");
    let _second = stage.start("second");
    stage.until_rules(&all(&[CHECKS[0], CHECKS[1], SSH])).await;
}

/// What was put back stays until a person says otherwise.
pub async fn what_came_back_stays(stand: Stand) {
    let (stage, controller) = begun_healthy(&stand).await;
    put_back(&stage).await;
    stand.begins();
    until_told(&stage).await;
    stage.stays(&all(&[CHECKS[0], CHECKS[1], SSH]), 60 * MINUTE).await;
    // Another leader knows it too.
    controller.stop().await;
    let _second = stage.start("second");
    stage.stays(&all(&[CHECKS[0], CHECKS[1], SSH]), 60 * MINUTE).await;
    assert_eq!(stage.condition("shop", "Ready").as_deref(), Some("Ready=False TighteningRolledBack"));
}

async fn rolled_back(stage: &Stage) {
    put_back(stage).await;
    until_told(stage).await;
}

async fn put_back(stage: &Stage) {
    stage.until_rules(&all(&CHECKS[1..])).await;
    stage.until_rules(&all(&[CHECKS[0], CHECKS[1], SSH])).await;
}

async fn until_told(stage: &Stage) {
    let told = |stage: &Stage| stage.object("shop").is_some_and(|it| it["status"]["tightening"]["rolledBack"] == true);
    assert!(stage.until(MINUTE, told).await.is_some(), "{:#?}", stage.object("shop"));
}

/// A new value of the annotation tries once more, and each value once only.
pub async fn a_token_tries_once_more(stand: Stand) {
    let (stage, _controller) = begun_healthy(&stand).await;
    rolled_back(&stage).await;
    stand.begins();
    let token = serde_json::json!({"sgbind.dev/retry-tightening": "1"});
    stage.world.apply_annotated("shop", token, SPEC).await;
    rolled_back(&stage).await;
    let acknowledged =
        |stage: &Stage| stage.object("shop").is_some_and(|it| it["status"]["acknowledged"]["retryTightening"] == "1");
    assert!(acknowledged(&stage), "{:#?}", stage.object("shop"));
    stage.stays(&all(&[CHECKS[0], CHECKS[1], SSH]), 60 * MINUTE).await;
}

/// A change of the spec tries once more.
pub async fn a_change_of_the_spec_tries_once_more(stand: Stand) {
    let (stage, _controller) = begun_healthy(&stand).await;
    rolled_back(&stage).await;
    stand.begins();
    // What the checks need is declared now.
    let spec = SPEC.replace("healthCheckPort: 8000", "healthCheckPort: 9000");
    stage.world.apply("shop", &spec).await;
    let declared = ["ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"];
    stage.until_rules(&all(&declared)).await;
    let ended = |stage: &Stage| stage.object("shop").is_some_and(|it| it["status"]["tightening"] == Value::Null);
    assert!(stage.until(Duration::from_secs(30 * 60), ended).await.is_some(), "{:#?}", stage.object("shop"));
    assert_eq!(stage.condition("shop", "Ready").as_deref(), Some("Ready=True InSync"));
    stage.stays(&all(&declared), 10 * MINUTE).await;
}

/// Health is watched for as long as the health checks need to notice, be it longer than the option says.
pub async fn the_watch_lasts_until_checks_have_noticed(stand: Stand) {
    // Two checks, five minutes apart.
    let stage = stand.simulated(checked_elsewhere().checked_every(300)).await;
    until_healthy(&stage.world).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    stage.until_rules(&all(&CHECKS[1..])).await;
    stand.begins();
    stage.until_rules(&all(&[CHECKS[0], CHECKS[1], SSH])).await;
    stage.world.wait_for("shop", "Ready=False TighteningRolledBack").await;
}

/// While it can't be told how the targets are, nothing goes.
pub async fn without_known_health_nothing_goes(stand: Stand) {
    let stage = stand.simulated(checked_on_its_port()).await;
    let deny = |denied: bool| {
        let mut world = stage.simulation.aws.world();
        if denied { world.deny(ACCOUNT, "DescribeTargetHealth") } else { world.allow(ACCOUNT, "DescribeTargetHealth") }
    };
    deny(true);
    let _controller = stage.start("first");
    // All is declared, so that no rule depends on what can't be read.
    let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove,
        targetGroups: [{name: app, ports: [8000], securityGroups: [{id: $APP-SG}]}]}";
    stage.world.apply("shop", spec).await;
    made(&stage, &NEEDED).await;
    stand.begins();
    stage.stays(&all(&[SSH]), 30 * MINUTE).await;
    deny(false);
    stage.until_rules(&NEEDED).await;
}

/// Of one load balancer one group is tightened at a time, the next when the watch is over.
pub async fn one_group_at_a_time(stand: Stand) {
    const WIDE: &str = "APP-SG in tcp 8000 <- 10.0.0.0/8";
    let estate = checked_on_its_port().group(group("APP-SG").rule(WIDE));
    let stage = stand.simulated(estate).await;
    let _controller = stage.start("first");
    // Two teams share the load balancer: one has its own group, the other those of the targets.
    let part = |manage: &str| SPEC.replace("foreignRules", &format!("manage: [{manage}], foreignRules"));
    stage.world.apply("edge", &part("ListenerIngress, TargetEgress")).await;
    stage.world.apply("shop", &part("TargetIngress")).await;
    made(&stage, &NEEDED).await;
    stand.begins();
    let of_one = [SSH, WIDE].map(|left| these(&all(&[left])));
    let first = stage.until(10 * MINUTE, |stage| of_one.contains(&stage.rules())).await;
    assert!(first.is_some(), "{:#?}", stage.rules());
    let (began, left) = (tokio::time::Instant::now(), stage.rules());
    let next = stage.until(10 * MINUTE, |stage| stage.rules() != left).await;
    assert!(next >= Some(2 * MINUTE), "the second group followed after {next:?}");
    stage.until_rules(&NEEDED).await;
    assert!(began.elapsed() < 10 * MINUTE, "it took {:?}", began.elapsed());
    for name in ["edge", "shop"] {
        stage.world.event(name, "Tightening: ").await;
        stage.world.event(name, "Tightened: ").await;
    }
}

/// A binding is deleted while targets are watched: what was taken away stays so, and the binding goes.
#[test]
fn what_was_taken_is_not_put_back_for_a_deleted_binding() {
    in_virtual_time(async {
        let (stage, _controller) = begun_healthy(&Stand::default()).await;
        stage.until_rules(&all(&CHECKS[1..])).await;
        stage.world.delete("shop").await;
        stay(&stage, &CHECKS[1..]).await;
    });
}

/// Where no target group has to do with a group there is nothing to watch.
#[test]
fn without_target_groups_foreign_rules_go_at_once() {
    in_virtual_time(async {
        let db = group("DB-SG").rule("DB-SG in tcp 22 <- 0.0.0.0/0").rule("DB-SG in tcp 23 <- 0.0.0.0/0");
        let stage = Stand::default().simulated(estate().group(db)).await;
        let _controller = stage.start("first");
        stage.world.apply("sga/db", "{securityGroup: {id: $DB-SG}, ingress: [], foreignRules: Remove}").await;
        let gone = stage.until(10 * MINUTE, |stage| stage.rules().is_empty()).await;
        assert!(gone.is_some_and(|time| time < MINUTE), "gone after {gone:?}: {:#?}", stage.rules());
        stage.world.wait_for("sga/db", "Ready=True InSync").await;
        stage.world.event("sga/db", "Tightened: ").await;
        let events = stage.world.events("sga/db").await;
        let of_tightening = events.iter().filter(|event| event.starts_with("Tighten"));
        assert_eq!(
            of_tightening.collect::<Vec<_>>(),
            [
                "Tightening: foreign rules were taken away, there are no targets to watch: DB-SG ingress tcp 22 from \
                 0.0.0.0/0; DB-SG ingress tcp 23 from 0.0.0.0/0",
                "Tightened: foreign rules of DB-SG stay away: all targets are as healthy as before",
            ]
        );
    });
}

/// Whether a target falls before the rules were seen to be gone, which takes fifteen seconds, or afterwards: people read
/// what was taken, once, and then what became of it.
#[rstest]
#[case::before(5)]
#[case::afterwards(30)]
fn what_was_taken_is_told_before_it_is_told_to_be_put_back(#[case] checked_every: i32) {
    in_virtual_time(async {
        let stage = Stand::default().simulated(checked_elsewhere().checked_every(checked_every)).await;
        until_healthy(&stage.world).await;
        let _controller = stage.start("first");
        stage.world.apply("shop", SPEC).await;
        rolled_back(&stage).await;
        let events = stage.world.events("shop").await;
        let of_tightening = events.iter().filter(|event| event.starts_with("Tighten"));
        let but_for_the_id = of_tightening.filter_map(|event| event.split(": i-").next());
        let taken = "ALB-SG ingress tcp 22 from 10.0.0.0/8; ALB-SG egress tcp 9000 to 10.0.0.0/16";
        assert_eq!(
            but_for_the_id.collect::<Vec<_>>(),
            [
                &format!("Tightening: foreign rules were taken away, health is watched: {taken}"),
                "TighteningRolledBack: targets became unhealthy after foreign rules of ALB-SG were taken away, so the rules \
                 are put back",
            ]
        );
    });
}
