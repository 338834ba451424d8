//! A snapshot of AWS, and what is seen in it: the same as in AWS, and what it does not hold is unknown.

mod absent;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum;
use serde_json::{Value, json};
use sgbind::aws::pacing::Pacer;
use sgbind::aws::{Clouds, RulesRead, SecurityGroup, Snapshot, Source};
use sgbind::model::{AccountRoles, Facts, Object, Resolution, Us, Usage};
use sgbind::telemetry::metrics::Metrics;
use sgbind::{observe, validate};
use tempfile::TempDir;

use crate::world::aws;
use crate::world::{Estate, World, estate, group};

/// Every kind of thing that is looked up.
fn everything() -> Estate {
    estate()
        .internet_facing("shop")
        .tag("app", "shop")
        .weighted(80, &[("blue", 90), ("green", 10)])
        .path("/api/*", "pods")
        .path_authenticated("/admin/*", ActionTypeEnum::AuthenticateOidc, "blue")
        .redirect(8080)
        .network("front")
        .in_groups(&["NLB-SG"])
        .forward(443, "shop-alb")
        .internal("idle")
        .target_group("blue", 8000)
        .instance("APP-SG")
        .health_port(8001)
        .target_group("green", 8000)
        .instance_in(&["APP-SG", "EXTRA-SG"])
        .target_group("pods", 9000)
        .interface("10.0.0.50", "PRIMARY-SG")
        .secondary("10.0.0.60", "SECONDARY-SG")
        .delegated("10.0.1.16/28", "10.0.1.20", "PREFIX-SG")
        .address("172.16.4.9")
        .target_group("shop-alb", 443)
        .over("TCP")
        .load_balancer("shop")
        .group(group("APP-SG"))
        .group(group("ALB-SG").rule("ALB-SG in tcp 80 <- 0.0.0.0/0").rule("ALB-SG out tcp 8000 -> APP-SG"))
        .group(group("EXTRA-SG").without_consent().tag("team", "extra").with_default_egress())
}

const BY_NAME: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const BY_TAGS: &str =
    "{loadBalancer: {tags: {app: shop}}, clients: [{prefixList: {name: com.amazonaws.eu-central-1.s3}}]}";
const NETWORK: &str = "{loadBalancer: {name: front}, clients: [{cidr: 10.0.0.0/8}]}";
const ACCESS: &str = "
    securityGroup: {tags: {team: extra}}
    vpcID: VPC
    ingress: [{services: [PostgreSQL], from: [{securityGroup: {name: APP-SG}}, {vpc: true}]}]";

/// What the bindings and the access are, as objects of a cluster.
fn objects(world: &World) -> Vec<Object> {
    let object = |kind: &str, name: &str, spec: &str| -> Value {
        let spec: Value = serde_saphyr::from_str(&spec.replace("VPC", world.vpc())).expect("YAML");
        json!({
            "apiVersion": "sgbind.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": world.namespace()}, "spec": spec,
        })
    };
    let binding = |name, spec| {
        let binding: sgbind::api::ALBTargetBinding =
            serde_json::from_value(object("ALBTargetBinding", name, spec)).expect("a binding");
        Object::from(binding)
    };
    let access: sgbind::api::SecurityGroupAccess =
        serde_json::from_value(object("SecurityGroupAccess", "extra", ACCESS)).expect("an access");
    vec![binding("by-name", BY_NAME), binding("by-tags", BY_TAGS), binding("network", NETWORK), Object::from(access)]
}

/// All that is read for the objects.
#[derive(Debug, PartialEq)]
struct Seen {
    objects: BTreeMap<String, Resolution>,
    /// Of each group that the test knows.
    groups: BTreeMap<String, (Option<SecurityGroup>, RulesRead, Usage)>,
}

async fn look(world: &World, clouds: &Clouds) -> Seen {
    let cloud = clouds.scope(clouds.home()).expect("our own account");
    let mut seen = Seen { objects: resolutions(world, clouds).await, groups: BTreeMap::new() };
    for (id, name) in world.names().into_iter().filter(|(id, _)| id.starts_with("sg-")) {
        let id = id.as_str().into();
        let found = cloud.group(&id).await.expect("an answer");
        let mut rules = cloud.rules(&id).await.expect("an answer");
        // AWS promises no order.
        rules.rules.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        let usage = observe::usage(&cloud, &id, &[].into()).await.expect("an answer");
        seen.groups.insert(name, (found, rules, usage));
    }
    seen
}

/// What each object comes to, by its name.
async fn resolutions(world: &World, clouds: &Clouds) -> BTreeMap<String, Resolution> {
    let cloud = clouds.scope(clouds.home()).expect("our own account");
    let us = Us { cluster: world.cluster().parse().expect("a name"), identity: "it".into(), take_over: [].into() };
    let cluster = observe::Cluster::new(world.client.clone());
    let mut resolutions = BTreeMap::new();
    for object in objects(world) {
        let declaration = validate::object(&object, clouds.home()).expect("valid");
        let known = Facts::default();
        let resolution = observe::object(&cloud, &cluster, &us, &declaration, &known, &[].into()).await;
        resolutions.insert(declaration.object.name.clone(), resolution);
    }
    resolutions
}

async fn live(world: &World) -> Clouds {
    connect(aws::config().endpoint_url(world.aws.url()).build(), world).await
}

async fn offline(dir: &Path, world: &World) -> Clouds {
    connect(Snapshot::read(dir).expect("a snapshot").config(None).expect("a place"), world).await
}

async fn connect(config: aws_config::SdkConfig, world: &World) -> Clouds {
    let pacer = Pacer::without_limits(Arc::new(Metrics::new()));
    let (source, cluster) = (Source::Given(Box::new(config)), world.cluster().parse().expect("a name"));
    Clouds::connect(&source, None, &AccountRoles::default(), &cluster, pacer).await.expect("a connection")
}

/// Runs `sgbind snapshot DIR`.
fn snapshot(world: &World, dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sgbind"))
        .arg("snapshot")
        .arg(dir)
        .env_clear()
        .env("AWS_ENDPOINT_URL", world.aws.url())
        .env("AWS_ACCESS_KEY_ID", aws::KEY)
        .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
        .env("AWS_REGION", aws::REGION)
        .output()
        .expect("it runs")
}

/// The names of the files that a folder holds.
fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A world, and a snapshot of it.
async fn taken(estate: Estate) -> (World, TempDir) {
    let (world, dir) = (World::with(estate).await, tempfile::tempdir().expect("a folder"));
    let output = snapshot(&world, dir.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (world, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_shows_what_aws_does() {
    let (world, dir) = taken(everything()).await;
    let seen = look(&world, &live(&world).await).await;
    for (object, resolution) in &seen.objects {
        assert!(resolution.complete, "{object}: {:?}", resolution.problems);
    }
    assert_eq!(look(&world, &offline(dir.path(), &world).await).await, seen);

    // Again: the earlier one is replaced, and it is told.
    std::fs::write(dir.path().join("describe-vpcs.json"), "{").expect("a file");
    let output = snapshot(&world, dir.path());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("sgbind: the snapshot in {} is replaced\n", dir.path().display())
    );
    assert_eq!(look(&world, &offline(dir.path(), &world).await).await, seen);

    // What is no snapshot is not touched.
    std::fs::write(dir.path().join("notes.txt"), "mine").expect("a file");
    let before = files(dir.path());
    let output = snapshot(&world, dir.path());
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("holds notes.txt, which is no file of a snapshot"), "{told}");
    assert_eq!(files(dir.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_aws_cli_show_what_aws_does() {
    let (world, dir) = (World::with(everything()).await, tempfile::tempdir().expect("a folder"));
    let python = std::env::var_os("SGBIND_TEST_PYTHON").expect("the world has started with it");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshot/dump.py");
    let output = Command::new(python).arg(script).arg(world.aws.url()).arg(dir.path()).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = look(&world, &live(&world).await).await;
    assert_eq!(look(&world, &offline(dir.path(), &world).await).await, seen);

    // Without the file of rules: the same rules, and nobody's.
    std::fs::remove_file(dir.path().join("describe-security-group-rules.json")).expect("it was there");
    let foreign = look(&world, &offline(dir.path(), &world).await).await;
    assert_eq!(foreign.objects, seen.objects);
    let specs = |seen: &Seen| -> BTreeMap<String, Vec<String>> {
        let of_group = |rules: &RulesRead| {
            let mut specs: Vec<String> = rules.rules.iter().map(|rule| rule.spec.to_string()).collect();
            specs.sort();
            specs
        };
        seen.groups.iter().map(|(name, (_, rules, _))| (name.clone(), of_group(rules))).collect()
    };
    assert_eq!(specs(&foreign), specs(&seen));
    assert_eq!(specs(&seen)["ALB-SG"].len(), 2);
    let rules = foreign.groups.values().flat_map(|(_, rules, _)| &rules.rules);
    assert!(rules.clone().all(|rule| rule.tags.is_empty() && sgbind::aws::has_no_id(&rule.id)));
    assert_eq!(rules.count(), 4);
}
