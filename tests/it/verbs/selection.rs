//! Only some of the objects are given: what others need, or may need, stays; with `--prune` the given ones are all.

use super::stage::{Folder, Run, binding, document};
use crate::world::{Estate, World, estate, group};

const CLIENTS: &str = "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]";
const RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];
const OFFICE: &str = "APP-SG in tcp 22 <- 10.0.0.0/8";
/// What is held of the office's, where only the shop is given.
const OFFICES: &str = "revoke APP-SG 22 10.0.0.0/8: OutsideSelection";

fn shop() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

/// Two teams, each with a folder, whose objects share APP-SG: a binding, and an access that lets the office in and needs
/// one of the binding's rules too.
struct Teams {
    world: World,
    shop: Folder,
    office: Folder,
}

fn office(world: &World, more: &str) -> String {
    let from = "from: [{cidr: 10.0.0.0/8}]";
    let shared = "- ports: [{protocol: TCP, port: 8000}]\n  from: [{securityGroup: {id: $ALB-SG}}]";
    let spec = format!("securityGroup: {{id: $APP-SG}}\ningress:\n- services: [SSH]\n  {from}\n{shared}{more}");
    document("SecurityGroupAccess", "office", &world.filled_in(&spec))
}

async fn teams(estate: Estate) -> Teams {
    let world = World::served().await;
    world.build(estate).await;
    let (shop, office) = (Folder::new(), Folder::new());
    shop.write("shop.yaml", &binding("shop", CLIENTS));
    office.write("office.yaml", &self::office(&world, ""));
    world.verb("apply", &shop.path(), &["--yes"]).await.printed(0);
    world.verb("apply", &office.path(), &["--yes"]).await.printed(0);
    Teams { world, shop, office }
}

fn described(rule: &str, objects: &str) -> String {
    format!("{rule} (ours, \"sgbind team: {objects}\")")
}

fn both() -> Vec<String> {
    vec![
        described(RULES[0], "alb/team/shop"),
        described(RULES[1], "alb/team/shop"),
        described(OFFICE, "sga/team/office"),
        described(RULES[2], "alb/team/shop, sga/team/office"),
    ]
}

/// Held steps of a plan as JSON: `revoke sg-… …: OutsideSelection`.
fn held(run: &str) -> Vec<String> {
    let plan: serde_json::Value = serde_json::from_str(run).expect("JSON");
    let line = |held: &serde_json::Value| {
        let peer = held["peer"].as_object().and_then(|peer| peer.values().next()?.as_str()).unwrap_or_default();
        format!(
            "{} {} {} {peer}: {}",
            word(&held["action"]),
            word(&held["securityGroup"]),
            held["fromPort"],
            word(&held["reason"])
        )
    };
    let mut lines: Vec<String> = plan["held"].as_array().expect("a list").iter().map(line).collect();
    // They stand in the order of ids.
    lines.sort();
    lines
}

fn word(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Teams {
    async fn plan(&self, folder: &Folder, arguments: &[&str]) -> Run {
        self.world.verb("plan", &folder.path(), &[&["-o", "json"], arguments].concat()).await
    }
}

#[tokio::test]
async fn a_rule_that_two_need_names_both_whoever_applies() {
    let teams = teams(shop()).await;
    teams.world.rules_and_owners_become(both()).await;
    // Of what only the other team needs it is told that it waits, and nothing is done.
    assert_eq!(held(&teams.plan(&teams.shop, &[]).await.printed(0)), [OFFICES]);
    let shops = ["revoke ALB-SG 443 0.0.0.0/0: OutsideSelection", "revoke ALB-SG 8000 APP-SG: OutsideSelection"];
    assert_eq!(held(&teams.plan(&teams.office, &[]).await.printed(0)), shops);
    // In a group with which the given objects have nothing to do, they are only counted.
    let printed = teams.world.verb("plan", &teams.office.path(), &[]).await.printed(0);
    assert!(printed.contains("  held, OutsideSelection: 2 rules of ours: "), "{printed}");
}

/// An object that is not in the folder any more: its rules stay, and wait for --prune, which knows that there are no others.
#[tokio::test]
async fn what_is_no_longer_in_the_folder_goes_with_prune_only() {
    let teams = teams(shop()).await;
    let (both, office) = (Folder::new(), office(&teams.world, ""));
    both.write("shop.yaml", &binding("shop", CLIENTS)).write("office.yaml", &office);
    let files = ["-f", &both.file("office.yaml")];
    let out = teams.world.verb("plan", &both.file("shop.yaml"), &files).await.printed(0);
    assert_eq!(out, "Plan: nothing to do, 4 in sync, 0 foreign\n");
    both.remove("office.yaml");
    let out = teams.plan(&both, &[]).await.printed(0);
    assert_eq!(held(&out), [OFFICES]);
    teams.world.verb("apply", &both.path(), &["--yes", "--prune"]).await.printed(0);
    let alone = RULES.map(|rule| described(rule, "alb/team/shop"));
    teams.world.rules_and_owners_become(alone.into()).await;
}

/// A rule that names the other team is surplus to what is given, and not to what exists.
#[tokio::test]
async fn what_names_someone_else_is_held_and_goes_with_prune() {
    let teams = teams(shop()).await;
    // The shop moves to 9000: on 8000 the office's rule is all that is left, with the shop's name in its description.
    let moved =
        format!("{CLIENTS}\ntargetGroups: [{{name: app, ref: {{name: app}}, ports: [9000], healthCheckPort: 9000}}]");
    teams.shop.write("shop.yaml", &binding("shop", &moved));
    let out = teams.plan(&teams.shop, &[]).await.printed(2);
    assert_eq!(held(&out), [OFFICES, "revoke APP-SG 8000 ALB-SG: OutsideSelection"]);
    teams.world.verb("apply", &teams.shop.path(), &["--yes"]).await.printed(0);
    let rules = [RULES[0], "ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG", RULES[2], OFFICE];
    teams.world.expect_rules(&rules).await;
    teams.world.verb("apply", &teams.shop.path(), &["--yes", "--prune"]).await.printed(0);
    teams.world.expect_rules(&rules[..3]).await;
}

/// Foreign rules stay where someone who is not given may want them.
#[tokio::test]
async fn foreign_rules_stay_where_someone_else_may_govern() {
    const FOREIGN: &str = "APP-SG in tcp 8000 <- 192.0.2.0/24";
    let teams = teams(shop().group(group("APP-SG").rule(FOREIGN))).await;
    teams.shop.write("shop.yaml", &binding("shop", &format!("{CLIENTS}\nforeignRules: Remove")));
    let out = teams.plan(&teams.shop, &[]).await.printed(0);
    assert_eq!(held(&out), [OFFICES, "revoke APP-SG 8000 192.0.2.0/24: OutsideSelection"]);
    let out = teams.plan(&teams.shop, &["--prune"]).await.printed(2);
    assert!(!held(&out).iter().any(|line| line.contains("192.0.2.0/24")), "{out}");
}

/// An object that names another group now: its rules in the old one are found by their tag.
#[tokio::test]
async fn an_object_that_moves_to_another_group_leaves_nothing_in_the_old_one() {
    let world = World::served().await;
    world.build(estate().group(group("DB-SG")).group(group("NEW-SG"))).await;
    let folder = Folder::new();
    let spec = "securityGroup: {id: $DB-SG}\ningress:\n- services: [PostgreSQL]\n  from: [{cidr: 10.0.0.0/8}]";
    for group in ["DB-SG", "NEW-SG"] {
        let spec = world.filled_in(&spec.replace("DB-SG", group));
        folder.write("db.yaml", &document("SecurityGroupAccess", "db", &spec));
        world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
        world.expect_rules(&[&format!("{group} in tcp 5432 <- 10.0.0.0/8")]).await;
    }
    world.verb("plan", &folder.path(), &["--prune"]).await.printed(0);
}

/// The cluster's objects with the cluster's identity: after the controller there is nothing to do, whether files stand in for
/// some of them or not.
#[tokio::test]
async fn after_the_controller_a_plan_from_the_cluster_is_empty() {
    let world = World::served().await;
    world.build(shop().group(group("DB-SG"))).await;
    let controller = world.controller(&[]).await;
    let access = "{securityGroup: {id: $DB-SG}, ingress: [{services: [PostgreSQL], from: [{cidr: 10.0.0.0/8}]}]}";
    world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}").await;
    world.apply("sga/db", access).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    controller.terminate().await;
    let from_cluster = ["plan", "--from-cluster", "--namespace", world.namespace()];
    let out = world.run(&from_cluster).await.printed(0);
    assert_eq!(out, "Plan: nothing to do, 4 in sync, 0 foreign\n");
    // A file stands in for the object of its name.
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", CLIENTS));
    let path = folder.path();
    let with_files = [&from_cluster[..], &["-f", &path]].concat();
    world.run(&with_files).await.printed(0);
    folder.write("shop.yaml", &binding("shop", &CLIENTS.replace("0.0.0.0/0", "10.0.0.0/8")));
    let out = world.run(&with_files).await.printed(2);
    assert!(out.contains("Plan: 1 to authorize, 1 to revoke, 3 in sync, 0 foreign"), "{out}");
    // The cluster's own rules are another's to a pipeline.
    let run = world.verb("plan", &folder.path(), &[]).await;
    assert!(run.printed(1).contains("IdentityConflict"));
    // What the cluster's objects need is done by its controller, which keeps what it does in their statuses.
    let before = world.rules_and_owners().await;
    let apply = [&["apply", "--yes"][..], &with_files[1..]].concat();
    let run = world.run(&apply).await;
    assert_eq!(run.code, 1);
    assert!(run.err.starts_with("sgbind: apply works without a cluster: "), "{}", run.err);
    assert_eq!(world.rules_and_owners().await, before);
}

#[tokio::test]
async fn all_objects_can_not_be_those_of_one_namespace() {
    let world = World::served().await;
    let run = world.run(&["plan", "--from-cluster", "--prune", "--namespace", world.namespace()]).await;
    assert!(run.code == 1 && run.err.contains("objects of other namespaces are not known of"), "{}", run.err);
}
