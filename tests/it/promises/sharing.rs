//! Groups that many objects and clusters share.

use std::time::Duration;

use sgbind_sim::aws::HOME_ACCOUNT;
use tokio::time::sleep;

use super::stand::Stand;
use super::virtually::{
    ACCESS, CLIENTS, IN, IN_SYNC, OUT, RULES, SPEC, identity, made, standard, stay, tag_of, watch_order,
    watch_that_stay, writes,
};
use crate::world::{estate, group};

/// Another cluster's tag is on a rule when its object here is deleted.
pub async fn a_rule_of_two_clusters_is_released(stand: Stand) {
    let world = stand.moto(standard()).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", SPEC).await;
    world.wait_for("shop", IN_SYNC).await;
    world.expect_rules(&RULES).await;
    stand.begins();
    world.tag_rule(CLIENTS, "sgbind.dev/cluster/other", "uid-of-other").await;
    world.delete("shop").await;
    world.gone("shop").await;
    world.expect_rules(&[CLIENTS]).await;
    world.expect_tags(CLIENTS, &[("sgbind.dev/cluster/other", "uid-of-other")]).await;
    world.event("shop", "RulesReleased").await;
}

/// A binding and an access need the same rule; they go one after the other.
pub async fn a_rule_goes_with_the_last_that_needs_it(stand: Stand) {
    let stage = stand.simulated(standard()).await;
    let (world, controller) = (&stage.world, stage.start("first"));
    world.apply("shop", SPEC).await;
    world.apply("sga/app", ACCESS).await;
    world.wait_for("shop", IN_SYNC).await;
    world.wait_for("sga/app", IN_SYNC).await;
    world.expect_rules(&RULES).await;
    stand.begins();
    let faults = watch_that_stay(&stage, &controller, &[IN]);
    world.delete("shop").await;
    stay(&stage, &[IN]).await;
    faults.are_none();
    world.delete("sga/app").await;
    world.expect_rules(&[]).await;
}

/// Objects that need a rule come and go.
pub async fn a_description_names_whoever_needs_the_rule(stand: Stand) {
    let stage = stand.simulated(standard()).await;
    let (world, _controller) = (&stage.world, stage.start("first"));
    let rules = |of_both: &str| {
        [CLIENTS, OUT]
            .map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"))
            .into_iter()
            .chain([of_both.into()])
    };
    world.apply("shop", SPEC).await;
    world.wait_for("shop", IN_SYNC).await;
    stand.begins();
    world.apply("sga/app", ACCESS).await;
    world.wait_for("sga/app", IN_SYNC).await;
    let both = format!("{IN} (ours, \"sgbind team: alb/team/shop, sga/team/app\")");
    world.rules_and_owners_become(rules(&both).collect()).await;
    world.delete("sga/app").await;
    let one = format!("{IN} (ours, \"sgbind team: alb/team/shop\")");
    world.rules_and_owners_become(rules(&one).collect()).await;
}

/// Two controllers, each with its own cluster name and objects, need the same rules of the same groups.
pub async fn two_clusters_that_share_rules_write_nothing_at_rest(stand: Stand) {
    let stage = stand.simulated(standard()).await;
    let (world, other) = (&stage.world, stage.world.neighbour().await);
    let theirs = tag_of(&other);
    for group in ["ALB-SG", "APP-SG"] {
        world.tag_group(group, &[(&theirs, "owned"), ("sgbind.dev/namespaces", "*")]).await;
    }
    let controllers = [world, &other].map(|of| {
        stage.start_with(of.cluster(), |settings| {
            settings.cluster = of.cluster().parse().expect("a name");
            settings.watch_namespace = Some(of.namespace().into());
            settings.namespace = of.namespace().into();
        })
    });
    for of in [world, &other] {
        of.apply("shop", SPEC).await;
        of.wait_for("shop", IN_SYNC).await;
    }
    stand.begins();
    let (identity, ours) = (identity(world).await, tag_of(world));
    let mut tags = [(ours.as_str(), identity.as_str()), (theirs.as_str(), identity.as_str())];
    tags.sort_unstable();
    let first = if world.cluster() < other.cluster() { world } else { &other };
    let described = RULES.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    first.rules_and_owners_become(described.to_vec()).await;
    sleep(Duration::from_secs(120)).await;
    let before = writes(&controllers.each_ref());
    sleep(Duration::from_secs(600)).await;
    assert_eq!(writes(&controllers.each_ref()), before, "they write at rest");
    first.rules_and_owners_become(described.to_vec()).await;
    for rule in RULES {
        world.expect_tags(rule, &tags).await;
    }
    // What one needs no more the other keeps.
    first.delete("shop").await;
    let last = if first.cluster() == world.cluster() { &other } else { world };
    let described = RULES.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    last.rules_and_owners_become(described.to_vec()).await;
    for rule in RULES {
        world.expect_tags(rule, &[(&tag_of(last), &identity)]).await;
    }
    last.delete("shop").await;
    world.expect_rules(&[]).await;
}

/// A rule that an object here needs is there, and another cluster's.
pub async fn a_needed_rule_of_another_cluster_gets_our_tag_beside_theirs(stand: Stand) {
    let stage = stand.simulated(standard().group(group("ALB-SG")).group(group("APP-SG").rule(IN))).await;
    let world = &stage.world;
    let theirs = ("sgbind.dev/cluster/0-another", "uid-of-another");
    world.tag_rule(IN, theirs.0, theirs.1).await;
    let _controller = stage.start("first");
    world.apply("shop", SPEC).await;
    world.wait_for("shop", IN_SYNC).await;
    world.expect_rules(&RULES).await;
    stand.begins();
    sleep(Duration::from_secs(120)).await;
    world.expect_tags(IN, &[theirs, (&tag_of(world), &identity(world).await)]).await;
    world.delete("shop").await;
    world.expect_rules(&[IN]).await;
    world.expect_tags(IN, &[theirs]).await;
}

const REMOVE: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}";
const FOREIGN: &str = "APP-SG in tcp 8000 <- 10.0.0.0/8";
const FOREIGN_KEPT: &str = "held: revoke APP-SG ingress tcp 8000 from 10.0.0.0/8: ForeignRulesKept";

/// The group of the targets is `shared`, and the binding says `Remove`.
pub async fn a_shared_group_keeps_its_foreign_rules(stand: Stand) {
    let stage = stand.simulated(standard().group(group("APP-SG").shared().rule(FOREIGN))).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", REMOVE).await;
    made(&stage, &RULES).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT, IN, FOREIGN]).await;
    stage.world.wait_for("shop", "Ready=True ForeignRulesKept").await;
    stage.world.status_has("shop", FOREIGN_KEPT).await;
}

/// A binding says `Remove`, and an access that governs the same rule says `Report`.
pub async fn whoever_says_report_outvotes_all_others(stand: Stand) {
    outvoted(stand, "foreignRules: Report").await;
}

/// The same, where the other says `Remove` and only observes.
pub async fn an_observer_counts_as_report(stand: Stand) {
    outvoted(stand, "foreignRules: Remove, enforcement: Observe").await;
}

async fn outvoted(stand: Stand, of_access: &str) {
    let stage = stand.simulated(standard().group(group("APP-SG").rule(FOREIGN))).await;
    let (world, _controller) = (&stage.world, stage.start("first"));
    let access = ACCESS.strip_suffix('}').expect("a map");
    world.apply("sga/app", &format!("{access}, {of_access}}}")).await;
    world.status_has("sga/app", "rules ").await;
    world.apply("shop", REMOVE).await;
    made(&stage, &RULES).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT, IN, FOREIGN]).await;
    world.wait_for("shop", "Ready=True ForeignRulesKept").await;
    world.status_has("shop", FOREIGN_KEPT).await;
}

/// An instance that nobody balances carries the load balancer's group.
pub async fn a_group_that_others_use_keeps_its_foreign_rules(stand: Stand) {
    const SSH: &str = "ALB-SG in tcp 22 <- 10.0.0.0/8";
    let estate = standard().group(group("ALB-SG").rule(SSH)).target_group("unbound", 9000).instance("ALB-SG");
    let stage = stand.simulated(estate).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", REMOVE).await;
    made(&stage, &RULES).await;
    stand.begins();
    stay(&stage, &[CLIENTS, OUT, IN, SSH]).await;
    let held = "held: revoke ALB-SG ingress tcp 22 from 10.0.0.0/8: GroupUsedElsewhere: eni-";
    stage.world.status_has("shop", held).await;
}

/// Foreign rules of a target's group, of which some lie within what the binding governs.
pub async fn a_binding_governs_only_the_ports_of_its_targets(stand: Stand) {
    const KEPT: [&str; 5] = [
        "APP-SG in tcp 8000 <- APP-SG",
        "APP-SG in tcp 8000-8010 <- 10.0.0.0/8",
        "APP-SG in tcp 22 <- 10.0.0.0/8",
        "APP-SG out all -> 0.0.0.0/0",
        "APP-SG out all -> ::/0",
    ];
    let group =
        KEPT[..3].iter().fold(group("APP-SG").with_default_egress().rule(FOREIGN), |group, rule| group.rule(rule));
    let stage = stand.simulated(standard().group(group)).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", REMOVE).await;
    made(&stage, &RULES).await;
    stand.begins();
    stay(&stage, &[&RULES[..], &KEPT[..]].concat()).await;
    stage.world.wait_for("shop", IN_SYNC).await;
    let told: Vec<String> = stage.world.status("shop").await;
    let foreign: Vec<&String> = told.iter().filter(|line| line.starts_with("foreign: ")).collect();
    assert_eq!(foreign, ["foreign: APP-SG ingress tcp 8000-8010 from 10.0.0.0/8"]);
}

/// Two listeners, of which one has declared clients; later both.
pub async fn a_binding_governs_only_ports_with_declared_clients(stand: Stand) {
    const SSH: &str = "ALB-SG in tcp 22 <- 10.0.0.0/8";
    const UNDECLARED: &str = "ALB-SG in tcp 443 <- 192.0.2.0/24";
    const DECLARED: &str = "ALB-SG in tcp 80 <- 198.51.100.0/24";
    let estate = estate().internet_facing("shop").forward(80, "app").forward(443, "app");
    let alb = group("ALB-SG").rule(SSH).rule(UNDECLARED).rule("ALB-SG in tcp 80 <- 192.0.2.0/24");
    let stage = stand.simulated(estate.target_group("app", 8000).instance("APP-SG").group(alb)).await;
    let _controller = stage.start("first");
    let spec = |of_443: &str| {
        format!(
            "{{loadBalancer: {{name: shop}}, foreignRules: Remove, listeners: [{{port: 80, clients: [{{cidr: \
             198.51.100.0/24}}]}}, {{port: 443{of_443}}}]}}"
        )
    };
    stage.world.apply("shop", &spec("")).await;
    made(&stage, &[DECLARED, OUT, IN]).await;
    stand.begins();
    stay(&stage, &[DECLARED, UNDECLARED, SSH, OUT, IN]).await;
    stage.world.apply("shop", &spec(", clients: [{cidr: 0.0.0.0/0}]")).await;
    stay(&stage, &[DECLARED, CLIENTS, OUT, IN]).await;
}

/// An access with an empty list of ingress, and later one of egress.
pub async fn an_access_governs_the_directions_that_it_names(stand: Stand) {
    let db = group("DB-SG").with_default_egress().rule("DB-SG in tcp 22 <- 0.0.0.0/0");
    let stage = stand.simulated(estate().group(db)).await;
    let _controller = stage.start("first");
    stage.world.apply("sga/db", "{securityGroup: {id: $DB-SG}, ingress: [], foreignRules: Remove}").await;
    stage.world.status_has("sga/db", "Ready=").await;
    stand.begins();
    stay(&stage, &["DB-SG out all -> 0.0.0.0/0", "DB-SG out all -> ::/0"]).await;
    stage.world.apply("sga/db", "{securityGroup: {id: $DB-SG}, ingress: [], egress: [], foreignRules: Remove}").await;
    stay(&stage, &[]).await;
}

/// A binding's targets are declared to be in another group.
pub async fn a_move_makes_the_new_group_first_and_cleans_the_old(stand: Stand) {
    const NEW: [&str; 2] = ["ALB-SG out tcp 8000 -> NEW-SG", "NEW-SG in tcp 8000 <- ALB-SG"];
    let stage = stand.simulated(standard().group(group("NEW-SG"))).await;
    let (world, controller) = (&stage.world, stage.start("first"));
    let spec = |group: &str| {
        format!(
            "{{loadBalancer: {{name: shop}}, clients: [{{cidr: 0.0.0.0/0}}], targetGroups: [{{name: app, ref: {{name: app}}, \
             ports: [8000], securityGroups: [{{id: ${group}}}]}}]}}"
        )
    };
    world.apply("shop", &spec("APP-SG")).await;
    world.wait_for("shop", IN_SYNC).await;
    world.expect_rules(&RULES).await;
    stand.begins();
    // AWS refuses to make some of the new rules for a while.
    let faults = watch_order(&stage, &controller, &RULES, &NEW);
    stage.simulation.aws.world().deny(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
    world.apply("shop", &spec("NEW-SG")).await;
    stay(&stage, &[CLIENTS, OUT, IN, NEW[0]]).await;
    world.status_has("shop", "held: revoke APP-SG ingress tcp 8000 from ALB-SG: Applying").await;
    stage.simulation.aws.world().allow(HOME_ACCOUNT, "AuthorizeSecurityGroupIngress");
    world.rules_become(&[CLIENTS, NEW[0], NEW[1]]).await;
    faults.are_none();
    world.status_lacks("shop", "APP-SG").await;
    world.wait_for("shop", IN_SYNC).await;
}

/// The load balancer's group is managed by the AWS Load Balancer Controller.
pub async fn ingress_of_the_load_balancer_controller_is_left_to_it(stand: Stand) {
    let stage = stand.simulated(standard().group(group("ALB-SG").tag("elbv2.k8s.aws/cluster", "prod"))).await;
    let _controller = stage.start("first");
    stage.world.apply("shop", SPEC).await;
    made(&stage, &[OUT, IN]).await;
    stand.begins();
    stay(&stage, &[OUT, IN]).await;
    stage.world.wait_for("shop", "Ready=False ManagedByLoadBalancerController").await;
    stage.world.wait_for("shop", "Stalled=True ManagedByLoadBalancerController").await;
}

/// The same with two processes, on the real API server.
#[tokio::test]
async fn two_real_controllers_that_share_rules_come_to_rest() {
    let world = Stand::default().served(standard()).await;
    let other = world.neighbour().await;
    let theirs = tag_of(&other);
    for group in ["ALB-SG", "APP-SG"] {
        world.tag_group(group, &[(&theirs, "owned"), ("sgbind.dev/namespaces", "*")]).await;
    }
    let _ours = world.controller(&[]).await;
    let of_other = ["--cluster-name", other.cluster(), "--watch-namespace", other.namespace()];
    let _theirs = world.controller(&[&of_other[..], &["--leader-election", "false"]].concat()).await;
    for of in [&world, &other] {
        of.apply("shop", SPEC).await;
        of.wait_for("shop", IN_SYNC).await;
    }
    let first = if world.cluster() < other.cluster() { &world } else { &other };
    let described = RULES.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    first.rules_and_owners_become(described.to_vec()).await;
    let (ids, versions) = (world.rule_ids().await, [world.version("shop").await, other.version("shop").await]);
    // They compare all rules each second.
    for _ in 0..40 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(first.rules_and_owners().await, described);
    }
    assert_eq!(world.rule_ids().await, ids);
    assert_eq!([world.version("shop").await, other.version("shop").await], versions);
    // A controller of one namespace lets go only of what a description of its own cluster tells: the other is described
    // anew when the first is gone.
    let second = if world.cluster() < other.cluster() { &other } else { &world };
    first.delete("shop").await;
    first.gone("shop").await;
    second.rules_and_owners_become(described.to_vec()).await;
    second.delete("shop").await;
    second.gone("shop").await;
    second.expect_rules(&[]).await;
}
