//! Steps that wait, and what is looked at before anything is taken away.

use std::time::Duration;

use sgbind_sim::Fault;
use sgbind_sim::aws::{HOME_ACCOUNT, Scope};
use tokio::time::sleep;

use super::stand::Stand;
use super::virtually::{
    CLIENTS, IN_SYNC, LONG, OUT, RULES, SPEC, standard, stay, watch_order, watch_that_stay, writes, writes_to_aws,
};
use crate::simulation::{Controller, Stage};
use crate::world::aws::REGION;
use crate::world::{estate, group};

const OTHER_PORT: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], targetGroups: [{name: app, ref: {name: \
                          app}, ports: [8001], healthCheckPort: 8001}]}";
const ON_OTHER_PORT: [&str; 2] = ["ALB-SG out tcp 8001 -> APP-SG", "APP-SG in tcp 8001 <- ALB-SG"];

/// A binding that is in sync, and the controller that has made it so.
async fn in_sync(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(standard()).await;
    let controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    stage.world.wait_for("shop", IN_SYNC).await;
    stage.world.expect_rules(&RULES).await;
    stand.begins();
    (stage, controller)
}

const OLD: [&str; 2] = ["DB-SG in tcp 3306 <- 10.0.0.0/8", "DB-SG in tcp 3306 <- 192.0.2.0/24"];
const NEW: [&str; 2] = ["DB-SG in tcp 5432 <- 10.0.0.0/8", "DB-SG in tcp 5432 <- 192.0.2.0/24"];

fn access(service: &str) -> String {
    format!(
        "{{securityGroup: {{id: $DB-SG}}, ingress: [{{services: [{service}], from: [{{cidr: 10.0.0.0/8}}, {{cidr: \
         192.0.2.0/24}}]}}]}}"
    )
}

/// An access of MySQL that is in sync, and the controller that has made it so.
async fn database(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(estate().group(group("DB-SG"))).await;
    let controller = stage.start("first");
    stage.world.apply("sga/db", &access("MySQL")).await;
    stage.world.wait_for("sga/db", IN_SYNC).await;
    stage.world.expect_rules(&OLD).await;
    stand.begins();
    (stage, controller)
}

/// An access has other traffic in the same group.
pub async fn what_goes_goes_when_what_is_needed_was_seen(stand: Stand) {
    let (stage, controller) = database(&stand).await;
    let faults = watch_order(&stage, &controller, &OLD, &NEW);
    stage.world.apply("sga/db", &access("PostgreSQL")).await;
    stage.world.rules_become(&NEW).await;
    faults.are_none();
}

const CART_RULES: [&str; 3] =
    ["CART-SG in tcp 443 <- 0.0.0.0/0", "CART-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- CART-SG"];

/// Of two bindings with targets in one group, one names a target group that is not there; the other's port changes.
async fn one_of_two_is_lost(stand: &Stand) -> (Stage, Controller) {
    let both = standard().internet_facing("cart").in_groups(&["CART-SG"]).forward(443, "basket");
    let stage = stand.simulated(both.target_group("basket", 9000).instance("APP-SG")).await;
    let world = &stage.world;
    let controller = stage.start("first");
    world.apply("shop", SPEC).await;
    world.apply("cart", "{loadBalancer: {name: cart}, clients: [{cidr: 0.0.0.0/0}]}").await;
    world.wait_for("shop", IN_SYNC).await;
    world.wait_for("cart", IN_SYNC).await;
    world.expect_rules(&[&RULES[..], &CART_RULES[..]].concat()).await;
    let lost =
        "{loadBalancer: {name: cart}, clients: [{cidr: 0.0.0.0/0}], targetGroups: [{name: basket, ref: {name: lost}}]}";
    world.apply("cart", lost).await;
    world.wait_for("cart", "Ready=False TargetGroupNotFound").await;
    stand.begins();
    world.apply("shop", OTHER_PORT).await;
    (stage, controller)
}

/// What the lost one had stays.
pub async fn what_an_object_needs_that_is_not_known_stays(stand: Stand) {
    let (stage, _controller) = one_of_two_is_lost(&stand).await;
    stay(&stage, &[&CART_RULES[..], &[CLIENTS], &ON_OTHER_PORT[..]].concat()).await;
}

/// What the other has no need of any more goes.
pub async fn an_object_that_is_not_known_blocks_nobody_else(stand: Stand) {
    let (stage, _controller) = one_of_two_is_lost(&stand).await;
    stage.world.rules_become(&[&CART_RULES[..], &[CLIENTS], &ON_OTHER_PORT[..]].concat()).await;
    stage.world.wait_for("shop", IN_SYNC).await;
}

/// The lost one is told what waits, and for whom.
pub async fn a_step_that_waits_is_told_with_its_reason(stand: Stand) {
    let (stage, _controller) = one_of_two_is_lost(&stand).await;
    for step in ["revoke APP-SG ingress tcp 9000 from CART-SG", "revoke CART-SG egress tcp 9000 to APP-SG"] {
        stage.world.status_has("cart", &format!("held: {step}: Unresolved: ALBTargetBinding/team/cart")).await;
    }
}

/// What was to go is wanted again, and the leader does not hear of it.
pub async fn objects_are_read_again_before_a_revoke(stand: Stand) {
    let (stage, controller) = in_sync(&stand).await;
    stage.world.apply("shop", OTHER_PORT).await;
    while !stage.rules().iter().any(|rule| rule.contains("8001")) {
        sleep(Duration::from_millis(1)).await;
    }
    controller.process.hold_events();
    stage.world.apply("shop", SPEC).await;
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        let rules = stage.rules();
        assert!(RULES.iter().all(|rule| rules.contains(*rule)), "{rules:#?}");
    }
    controller.process.release_events();
    stage.world.rules_become(&RULES).await;
}

/// How often the controller has read the objects from the API server.
fn lists(controller: &Controller) -> usize {
    let sites = controller.process.sites();
    let is_list = |what: &str| what.starts_with("GET ") && what.contains("/securitygroupaccesses");
    sites.iter().filter(|site| is_list(&site.what)).count()
}

/// A leader stands still right before a revoke, with all looked at but the rules. Before it wakes what was to go is
/// wanted again, and another leads.
pub async fn a_leader_without_its_lease_writes_nothing(stand: Stand) {
    let (stage, first) = database(&stand).await;
    let _second = stage.start("second");
    sleep(Duration::from_secs(20)).await;
    let before = lists(&first);
    stage.world.apply("sga/db", &access("PostgreSQL")).await;
    while lists(&first) == before {
        sleep(Duration::from_micros(100)).await;
    }
    // Its last read takes as long as two attempts, and its calls to renew the lease go nowhere.
    first.process.hold_events();
    (0..1000).for_each(|_| first.process.inject_into("/leases/", Fault::Hung));
    (0..2).for_each(|_| first.process.inject_into("ec2 DescribeSecurityGroupRules", Fault::Hung));
    // The objects have been read by then.
    sleep(Duration::from_millis(200)).await;
    stage.world.expect_rules(&[&OLD[..], &NEW[..]].concat()).await;
    stage.world.apply("sga/db", &access("MySQL")).await;
    let (written, faults) = (writes_to_aws(&[&first]), watch_that_stay(&stage, &first, &OLD));
    sleep(LONG).await;
    faults.are_none();
    assert_eq!(writes_to_aws(&[&first]), written);
    stay(&stage, &OLD).await;
}

/// Another cluster tags a rule while the objects are read, right before its revoke.
pub async fn tags_are_read_again_before_a_revoke(stand: Stand) {
    let (stage, controller) = in_sync(&stand).await;
    let ids = stage.world.rule_ids().await;
    let before = lists(&controller);
    stage.world.begin_to_delete("shop").await;
    while lists(&controller) == before {
        sleep(Duration::from_micros(100)).await;
    }
    let scope = Scope { account: HOME_ACCOUNT.into(), region: REGION.into() };
    let tags = [("sgbind.dev/cluster/other".to_owned(), "uid-of-other".to_owned())].into();
    let ids: Vec<String> = ids.into_iter().collect();
    stage.simulation.aws.world().create_tags(&scope, &ids, &tags).expect("they are there");
    stage.world.gone("shop").await;
    stage.world.expect_rules(&RULES).await;
    for rule in RULES {
        stage.world.expect_tags(rule, &[("sgbind.dev/cluster/other", "uid-of-other")]).await;
    }
}

/// The targets move to another group. After the first read of that they can't be read for ten minutes.
pub async fn what_only_aws_says_waits_for_a_second_read(stand: Stand) {
    const NEW: [&str; 2] = ["ALB-SG out tcp 8000 -> NEW-SG", "NEW-SG in tcp 8000 <- ALB-SG"];
    let stage = stand.simulated(standard().group(group("NEW-SG"))).await;
    let (world, _controller) = (&stage.world, stage.start("first"));
    world.apply("shop", SPEC).await;
    world.wait_for("shop", IN_SYNC).await;
    stand.begins();
    world.deregister_all("app").await;
    world.register_instance("app", "NEW-SG").await;
    world.rules_become(&[&RULES[..], &NEW[..]].concat()).await;
    world.status_has("shop", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: RevocationDelay").await;
    // The delay is five minutes, and what can't be read twice is not known.
    stage.simulation.aws.world().deny(HOME_ACCOUNT, "DescribeTargetHealth");
    stage.stays(&[&RULES[..], &NEW[..]].concat(), Duration::from_secs(10 * 60)).await;
    stage.simulation.aws.world().allow(HOME_ACCOUNT, "DescribeTargetHealth");
    stay(&stage, &[CLIENTS, NEW[0], NEW[1]]).await;
}

/// AWS refuses to make some of the rules for a while.
pub async fn in_sync_means_that_all_rules_were_seen(stand: Stand) {
    let world = stand.served(standard()).await;
    let aws = world.simulation.as_ref().expect("it is served").aws.clone();
    aws.world().deny(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
    let _controller = world.controller(&[]).await;
    world.apply("shop", SPEC).await;
    world.rules_become(&[OUT]).await;
    stand.begins();
    world.wait_for("shop", "Ready=False AccessDenied").await;
    for _ in 0..20 {
        sleep(Duration::from_millis(200)).await;
        let told = world.status("shop").await;
        assert!(!told.iter().any(|line| line.starts_with("InSync=True")), "{told:#?}");
    }
    world.expect_rules(&[OUT]).await;
    aws.world().allow(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
    world.wait_for("shop", IN_SYNC).await;
    world.expect_rules(&RULES).await;
}

/// All is as it should be.
pub async fn nothing_is_written_where_nothing_differs(stand: Stand) {
    let (_stage, controller) = in_sync(&stand).await;
    sleep(Duration::from_secs(120)).await;
    let before = writes(&[&controller]);
    sleep(LONG).await;
    assert_eq!(writes(&[&controller]), before);
}
