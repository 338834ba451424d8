//! 300 rules, and what would take them away at once. In each: what stays, what is said, and how a person goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::stand::Stand;
use crate::control_plane::OfItsOwn;
use crate::simulation::{Controller, Stage};
use crate::world::{Estate, estate, group};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const GROUPS: [&str; 6] = ["A-SG", "B-SG", "C-SG", "D-SG", "E-SG", "F-SG"];

/// Why a step waits, where so many rules may go at once.
fn held_at(limit: usize) -> String {
    format!("MassRevocation: at most {limit} rules are revoked within ten minutes")
}

/// Six groups, for an access each.
fn six_groups() -> Estate {
    GROUPS.iter().fold(estate(), |estate, name| estate.group(group(name).namespaces("*")))
}

fn objects() -> [String; 6] {
    GROUPS.map(object)
}

fn object(group: &str) -> String {
    format!("sga/{}", group.to_lowercase())
}

fn spec(group: &str, ports: u16) -> String {
    let ports: Vec<String> = (1..=ports).map(|port| format!("{{protocol: TCP, port: {}}}", 8000 + port)).collect();
    format!(
        "{{securityGroup: {{id: ${group}}}, ingress: [{{ports: [{}], from: [{{cidr: 10.0.0.0/8}}]}}]}}",
        ports.join(", ")
    )
}

fn all_rules() -> BTreeSet<String> {
    let of_group = |group| (8001..=8050).map(move |port| format!("{group} in tcp {port} <- 10.0.0.0/8"));
    GROUPS.iter().flat_map(of_group).collect()
}

fn all_but(groups: &[&str]) -> BTreeSet<String> {
    all_rules().into_iter().filter(|rule| !groups.iter().any(|group| rule.starts_with(group))).collect()
}

async fn declare(stage: &Stage) {
    for group in GROUPS {
        stage.world.apply(&object(group), &spec(group, 50)).await;
    }
}

/// All 300 rules are there, and every object is in sync.
async fn until_declared(stage: &Stage) {
    for object in objects() {
        stage.world.wait_for(&object, "Ready=True InSync").await;
    }
    assert_eq!(stage.rules(), all_rules());
}

/// A controller with 300 rules of 300 in place.
async fn in_place(stage: &Stage) -> Controller {
    let controller = stage.start("first");
    declare(stage).await;
    until_declared(stage).await;
    controller
}

async fn delete_all(stage: &Stage) {
    for object in objects() {
        stage.world.begin_to_delete(&object).await;
    }
}

/// All objects were deleted, and the brake holds what is beyond a hundred rules.
async fn braked(stand: &Stand) -> (Stage, Controller) {
    let stage = stand.simulated(six_groups()).await;
    let controller = in_place(&stage).await;
    brake(&stage).await;
    stand.begins();
    (stage, controller)
}

async fn brake(stage: &Stage) {
    // What has just been revoked is shown for a while, and counts once.
    stage.simulation.aws.world().dials.lag = Duration::from_secs(10);
    delete_all(stage).await;
    tokio::time::sleep(2 * MINUTE).await;
    holds(stage, 100);
}

/// All of the 300 rules but so many, and no other; and what stands there of each is that it waits.
fn holds(stage: &Stage, limit: usize) {
    let reason = held_at(limit);
    let rules = stage.rules();
    assert!(rules.is_subset(&all_rules()), "{rules:#?}");
    assert_eq!(rules.len(), 300 - limit);
    let mut waiting = BTreeSet::new();
    for name in objects() {
        let has_rules = rules.iter().any(|rule| rule.starts_with(&name[4..].to_uppercase()));
        let Some(object) = stage.object(&name) else {
            assert!(!has_rules, "{name} has left rules");
            continue;
        };
        assert!(has_rules, "{name} stays without rules");
        assert_eq!(stage.condition(&name, "Ready").as_deref(), Some("Ready=False Held"));
        let conditions = object["status"]["conditions"].as_array().expect("conditions");
        let ready = conditions.iter().find(|each| each["type"] == "Ready").expect("Ready");
        let said = ready["message"].as_str().expect("a message");
        assert!(said.contains(&reason) && said.contains("raise --revocation-brake"), "{said}");
        let held = object["status"]["held"].as_array().expect("held steps");
        assert!(
            held.iter().all(|held| held["reason"].as_str().is_some_and(|said| said.starts_with(&reason))),
            "{held:#?}"
        );
        waiting.extend(held.iter().map(|held| rule_of(&stage.world.named(held["step"].as_str().expect("a step")))));
    }
    assert_eq!(waiting, rules, "each rule that is there waits to go, and no other");
}

/// The rule that a step revokes.
fn rule_of(step: &str) -> String {
    let rule = step.strip_prefix("revoke ").unwrap_or_else(|| panic!("not a revoke: {step}"));
    rule.replace(" ingress ", " in ").replace(" from ", " <- ")
}

pub async fn an_emptied_folder(stand: Stand) {
    let stage = stand.simulated(six_groups()).await;
    let _controller = in_place(&stage).await;
    stand.begins();
    brake(&stage).await;
    let before = stage.rules();
    tokio::time::sleep(5 * MINUTE).await;
    holds(&stage, 100);
    assert_eq!(stage.rules(), before);
    for name in stage.objects() {
        let events = stage.world.events(&name).await;
        let told: Vec<&String> =
            events.iter().filter(|event| event.starts_with(&format!("Held: {}", held_at(100)))).collect();
        assert_eq!(told.len(), 1, "{events:#?}");
    }
}

pub async fn hours_pass(stand: Stand) {
    let (stage, _controller) = braked(&stand).await;
    let before = stage.rules();
    tokio::time::sleep(3 * HOUR).await;
    holds(&stage, 100);
    assert_eq!(stage.rules(), before);
}

pub async fn restarts(stand: Stand) {
    let (stage, first) = braked(&stand).await;
    let before = stage.rules();
    first.kill();
    for number in 2..6 {
        let next = stage.start(&format!("number-{number}"));
        tokio::time::sleep(12 * MINUTE).await;
        assert_eq!(stage.rules(), before);
        next.kill();
    }
    holds(&stage, 100);
}

pub async fn a_raised_flag(stand: Stand) {
    let (stage, first) = braked(&stand).await;
    let before = stage.rules();
    first.stop().await;
    let second = stage.start_with("second", |settings| settings.revocation_brake = Some(150));
    tokio::time::sleep(20 * MINUTE).await;
    // Fifty more.
    holds(&stage, 150);
    assert!(stage.rules().is_subset(&before));
    let before = stage.rules();
    second.stop().await;
    let again = stage.start_with("again", |settings| settings.revocation_brake = Some(150));
    tokio::time::sleep(20 * MINUTE).await;
    // And no more than fifty.
    holds(&stage, 150);
    assert_eq!(stage.rules(), before);
    again.stop().await;
    let _third = stage.start_with("third", |settings| settings.revocation_brake = Some(300));
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!((stage.rules(), stage.objects()), (BTreeSet::new(), BTreeSet::new()));
}

pub async fn applied_again(stand: Stand) {
    let (stage, _controller) = braked(&stand).await;
    let before = stage.rules();
    for group in GROUPS.into_iter().filter(|group| stage.object(&object(group)).is_some()) {
        stage.world.apply_annotated(&object(group), json!({"sgbind.dev/abandon": "yes"}), &spec(group, 50)).await;
    }
    let gone = stage.until(5 * MINUTE, |stage| stage.objects().is_empty()).await;
    assert!(gone.is_some(), "{:?}", stage.objects());
    assert_eq!(stage.rules(), before);
    declare(&stage).await;
    until_declared(&stage).await;
    // From then on it is as if nothing had been.
    tokio::time::sleep(11 * MINUTE).await;
    stage.world.begin_to_delete("sga/a-sg").await;
    stage.world.begin_to_delete("sga/b-sg").await;
    let four = stage.until(5 * MINUTE, |stage| stage.objects().len() == 4).await;
    assert!(four.is_some(), "{:?}", stage.objects());
    assert_eq!(stage.rules(), all_but(&["A-SG", "B-SG"]));
}

/// In real time, so everything is to happen sooner.
fn hasty(stage: &Stage, name: &str, brake: Option<u32>) -> Controller {
    stage.start_with(name, |settings| {
        settings.revocation_brake = brake;
        settings.resync = Duration::from_secs(1);
        settings.leader_election = false;
    })
}

pub async fn a_deleted_crd(stand: Stand) {
    let api_server = OfItsOwn::start().await;
    let stage = stand.with_api_server(&api_server, six_groups()).await;
    let first = hasty(&stage, "first", None);
    declare(&stage).await;
    until_declared(&stage).await;
    stand.begins();
    let crds = api_server.crds();
    let name = "securitygroupaccesses.sgbind.dev";
    crds.delete(name, &DeleteParams::default()).await.expect("it begins to go");
    // Longer than a read may lag: two objects are gone, four wait with their rules.
    let left = async || stage.world.accesses().list(&Default::default()).await.map(|list| list.items.len());
    let deadline = tokio::time::Instant::now() + MINUTE;
    while left().await.unwrap_or(0) > 4 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(left().await.expect("it is served still"), 4);
    let mut of_those_left = all_rules();
    let accesses = stage.world.accesses().list(&Default::default()).await.expect("a list");
    let groups: Vec<String> =
        accesses.items.iter().filter_map(|access| Some(access.metadata.name.as_ref()?.to_uppercase())).collect();
    of_those_left.retain(|rule| groups.iter().any(|group| rule.starts_with(group)));
    assert_eq!(stage.rules(), of_those_left);
    assert!(crds.get_opt(name).await.expect("an answer").is_some(), "the CRD waits for its objects");
    for access in accesses {
        let name = format!("sga/{}", access.metadata.name.expect("a name"));
        let said = stage.world.wait_for(&name, "Ready=False Held").await;
        assert!(said.contains(&held_at(100)), "{said}");
    }
    first.stop().await;
    let _second = hasty(&stage, "second", Some(300));
    let deadline = tokio::time::Instant::now() + MINUTE;
    while crds.get_opt(name).await.expect("an answer").is_some() {
        assert!(tokio::time::Instant::now() < deadline, "the CRD stays: {:?}", left().await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(stage.rules(), BTreeSet::new());
}

pub async fn our_name_elsewhere(stand: Stand) {
    let stage = stand.simulated(six_groups()).await;
    let _ours = in_place(&stage).await;
    let elsewhere = stage.beside(2).await;
    // The same objects, of which a stage for trials needs one port each.
    for group in GROUPS {
        elsewhere.world.apply(&object(group), &spec(group, 1)).await;
    }
    stand.begins();
    let theirs = elsewhere.start("theirs");
    tokio::time::sleep(20 * MINUTE).await;
    assert_eq!(stage.rules(), all_rules());
    assert_eq!(elsewhere.writes(&theirs.process), Vec::<String>::new());
    for object in objects() {
        assert_eq!(elsewhere.condition(&object, "Ready").as_deref(), Some("Ready=False IdentityConflict"));
        assert_eq!(stage.condition(&object, "Ready").as_deref(), Some("Ready=True InSync"));
    }
    // They are told to take another name; ours goes on as ever.
    theirs.stop().await;
    stage.world.delete("sga/a-sg").await;
    assert_eq!(stage.rules(), all_but(&["A-SG"]));
}

pub async fn another_name(stand: Stand) {
    let stage = stand.simulated(six_groups()).await;
    in_place(&stage).await.stop().await;
    stand.begins();
    let misnamed = stage.start_with("misnamed", |settings| settings.cluster = "prdo".parse().expect("a name"));
    tokio::time::sleep(20 * MINUTE).await;
    assert_eq!(stage.rules(), all_rules());
    assert_eq!(stage.writes(&misnamed.process), Vec::<String>::new());
    for object in objects() {
        let said = stage.world.wait_for(&object, "Ready=False SecurityGroupNotOptedIn").await;
        assert!(said.contains("written by cluster prdo"), "{said}");
    }
    misnamed.stop().await;
    let corrected = stage.start("corrected");
    until_declared(&stage).await;
    assert_eq!(stage.writes(&corrected.process), Vec::<String>::new());
}

pub async fn read_only(stand: Stand) {
    let stage = stand.simulated(six_groups()).await;
    in_place(&stage).await.stop().await;
    stand.begins();
    let stopped = stage.start_with("stopped", |settings| settings.read_only = true);
    stage.world.apply("sga/a-sg", &spec("A-SG", 52)).await;
    stage.world.apply("sga/b-sg", &spec("B-SG", 49)).await;
    stage.world.begin_to_delete("sga/c-sg").await;
    tokio::time::sleep(20 * MINUTE).await;
    assert_eq!(stage.rules(), all_rules());
    assert_eq!(stage.writes(&stopped.process), Vec::<String>::new());
    let planned = |name: &str| -> Vec<String> {
        let status = &stage.object(name).expect("it stays")["status"];
        let texts = |steps: &Value, of: fn(&Value) -> &Value| -> Vec<String> {
            let steps = steps.as_array().into_iter().flatten();
            steps.map(|step| stage.world.named(of(step).as_str().unwrap_or_default())).collect()
        };
        assert_eq!(texts(&status["plan"], |step| step), texts(&status["held"], |held| &held["step"]), "{name}");
        assert!(texts(&status["held"], |held| &held["reason"]).iter().all(|reason| reason == "ReadOnly"), "{status:#}");
        texts(&status["plan"], |step| step)
    };
    let authorize = |port: u16| format!("authorize A-SG ingress tcp {port} from 10.0.0.0/8");
    assert_eq!(planned("sga/a-sg"), [authorize(8051), authorize(8052)]);
    assert_eq!(planned("sga/b-sg"), ["revoke B-SG ingress tcp 8050 from 10.0.0.0/8"]);
    assert_eq!(planned("sga/c-sg").len(), 50);
    assert_eq!(planned("sga/d-sg"), Vec::<String>::new());
    stopped.stop().await;
    let _again = stage.start("again");
    let deadline = stage.until(5 * MINUTE, |stage| stage.object("sga/c-sg").is_none()).await;
    assert!(deadline.is_some(), "it goes when writing is allowed again");
    let mut expected = all_but(&["C-SG"]);
    expected.extend([8051, 8052].map(|port| format!("A-SG in tcp {port} <- 10.0.0.0/8")));
    expected.remove("B-SG in tcp 8050 <- 10.0.0.0/8");
    assert_eq!(stage.rules(), expected);
}
