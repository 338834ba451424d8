//! Every rule, enum, bound and required field of the CRDs, tried on the real API server: one document that it refuses,
//! with the very message, and one that it accepts, which differ in one field.
//!
//! What is to be tried is enumerated from the CRD; with what, stands in `tests/admission/`. A check without a pair
//! fails, and so does a pair without a check. Bounds, enums and required fields need no pairs by hand: the table says
//! where, and with what to fill; how much comes from the schema.

use futures::{StreamExt, stream};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::{GroupVersionKind, Status, response::StatusCause},
};
use serde_json::{Value, json};

use crate::control_plane;

mod mistakes;
pub mod trials;

use trials::{Trial, misspelt, trials};

#[tokio::test]
async fn every_check_refuses_and_accepts() {
    let client = control_plane::client().await;
    for crd in sgbind::api::crds() {
        let cluster = Cluster::new(client.clone(), &crd).await;
        let (trials, mut wrong) = trials(&crd);
        wrong.extend(stream::iter(&trials).map(|trial| cluster.attempt(trial)).buffered(8).concat().await);
        assert!(wrong.is_empty(), "{} of {} checks:\n{}", wrong.len(), trials.len(), wrong.join("\n"));
        assert!(trials.len() > 100, "the schema was walked");
    }
}

/// What comes from files was never at an API server: `validate` refuses and accepts the same.
#[test]
fn files_are_judged_alike() {
    for crd in sgbind::api::crds() {
        let mut wrong = Vec::new();
        let of_spec = |document: &Value| document.get("status").is_none();
        for trial in trials(&crd).0.iter().filter(|trial| of_spec(&trial.refuse)) {
            let findings = |document: &Value| {
                let mut object = json!({"kind": crd.spec.names.kind, "metadata": {"name": "tried"}});
                object.as_object_mut().expect("an object").extend(document.as_object().expect("an object").clone());
                mistakes::findings(&object)
            };
            let name = format!("{}: {}", trial.path, trial.check);
            for accept in &trial.accept {
                let found = findings(accept);
                if found.as_ref().map_or(true, |found| !found.is_empty()) {
                    wrong.push(format!("{name}: refused: {accept}\n    {found:?}"));
                }
            }
            if findings(&trial.refuse).is_ok_and(|found| found.is_empty()) {
                wrong.push(format!("{name}: accepted: {}", trial.refuse));
            }
        }
        assert!(wrong.is_empty(), "{} checks:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    let client = control_plane::client().await;
    for crd in sgbind::api::crds() {
        let cluster = Cluster::new(client.clone(), &crd).await;
        let mut wrong = Vec::new();
        for (path, document) in misspelt(&crd) {
            match cluster.apply(&document).await {
                Err(refusal) if refusal.message.contains(".misspelt: field not declared in schema") => {}
                other => wrong.push(format!("{path}: {other:?}")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// CEL's cost is limited before and while a rule runs: the largest document must pass both.
#[tokio::test]
async fn largest_binding_is_accepted() {
    let client = control_plane::client().await;
    let crd = &sgbind::api::crds()[0];
    let cluster = Cluster::new(client, crd).await;
    let arn = |kind: &str| format!("arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:{kind}");
    let networks = || (0..60).map(|n| format!("2001:0db8:0000:0000:0000:{n:04x}:0000:0000/128"));
    for peers in [
        networks().map(|network| json!({"cidr": network})).collect::<Vec<_>>(),
        (0..60)
            .map(|n| json!({"securityGroup": {"id": format!("sg-{n:017x}"), "accountID": "123456789012"}}))
            .collect(),
        (0..60).map(|n| json!({"prefixList": {"name": format!("{n:0255}")}})).collect(),
        (0..60).map(|n| json!({"securityGroup": {"name": format!("{n:0255}")}})).collect(),
    ] {
        let groups: Vec<_> =
            (0..16).map(|n| json!({"id": format!("sg-{n:017x}"), "accountID": "123456789012"})).collect();
        let document = json!({"spec": {
            "region": "ap-northeast-2",
            "accountID": "123456789012",
            "loadBalancer": {"arn": arn("loadbalancer/app/shop/50dc6c495c0c9188")},
            "clients": peers,
            "identityProviders": peers,
            "listeners": (1..=60).map(|port| json!({"port": port, "clients": peers})).collect::<Vec<_>>(),
            "targetGroups": (0..50).map(|n| json!({
                "name": format!("group-{n}"),
                "ref": {"arn": arn(&format!("targetgroup/shop-{n}/73e2d6bc24d8a067"))},
                "ports": (1..=60).collect::<Vec<_>>(),
                "healthCheckPort": 9000,
                "securityGroups": groups,
                "addresses": networks().collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "blueGreen": {"blue": "group-0", "green": "group-49"},
        }});
        cluster.apply(&document).await.expect("the largest binding is accepted");
    }
}

/// As large as bounds and EC2's names allow, with the peers that cost most to compare and to name.
#[tokio::test]
async fn largest_access_is_accepted() {
    let client = control_plane::client().await;
    let crd = &sgbind::api::crds()[1];
    let cluster = Cluster::new(client, crd).await;
    let services = [
        "HTTP",
        "HTTPS",
        "SSH",
        "RDP",
        "MSSQL",
        "MySQL",
        "Redshift",
        "PostgreSQL",
        "Oracle",
        "NFS",
        "DNS",
        "Ping",
        "PathMTUDiscovery",
        "AllTraffic",
        "AllTCP",
        "AllUDP",
        "AllICMP",
    ];
    let networks = |prefix: &str| (0..60).map(|n| json!({"cidr": format!("{prefix}{n:04x}:0000:0000/128")})).collect();
    let ports = |protocol: &str| (0..60).map(|n| json!({"protocol": protocol, "port": n, "endPort": 65535})).collect();
    let icmp = |protocol: &str| -> Vec<_> {
        (0..60).map(|n| json!({"protocol": protocol, "icmpType": n, "icmpCode": 255})).collect()
    };
    let of_everyone = [icmp("ICMPv6"), ports("TCP"), ports("UDP")];
    let long = |n: i32| format!("{n:0255}");
    let tags = |n: i32| -> Value { (0..20).map(|key| (format!("{key:0128}"), json!(format!("{n:0256}")))).collect() };
    let peers: [Vec<Value>; 5] = [
        networks("2001:0db8:0000:0000:0000:"),
        (0..60)
            .map(|n| json!({"securityGroup": {"id": format!("sg-{n:017x}"), "accountID": "123456789012"}}))
            .collect(),
        (0..60).map(|n| json!({"prefixList": {"name": long(n)}})).collect(),
        (0..60).map(|n| json!({"securityGroup": {"name": long(n)}})).collect(),
        (0..60).map(|n| json!({"securityGroup": {"tags": tags(n)}})).collect(),
    ];
    for (peers, ports) in peers.iter().zip(of_everyone.iter().cycle()) {
        let entries = |field: &str| -> Vec<Value> {
            let text = "x".repeat(150);
            let entry = json!({"services": services, "ports": ports, "description": text, field: peers});
            // A request has at most 3 MiB, so that there are fewer entries where peers have many tags.
            vec![entry; if peers[0]["securityGroup"]["tags"].is_null() { 60 } else { 2 }]
        };
        let document = json!({"spec": {
            "region": "ap-northeast-2",
            "accountID": "123456789012",
            "vpcID": "vpc-0a1b2c3d4e5f67890",
            "securityGroup": {"id": "sg-0a1b2c3d4e5f67890", "accountID": "123456789012"},
            "ingress": entries("from"),
            "egress": entries("to"),
        }});
        cluster.apply(&document).await.expect("the largest access is accepted");
    }
}

#[tokio::test]
async fn new_object_is_unobserved_and_has_its_defaults() {
    let client = control_plane::client().await;
    for crd in sgbind::api::crds() {
        let cluster = Cluster::new(client.clone(), &crd).await;
        let created = cluster.api.get(Cluster::PRESENT).await.unwrap().data;
        let mut expected = minimal(&cluster.kind);
        let of_both = json!({"enforcement": "Enforce", "foreignRules": "Report", "deletionPolicy": "Revoke"});
        let of_kind = match cluster.kind.as_str() {
            "ALBTargetBinding" => {
                json!({"pathMTUDiscovery": false, "manage": ["ListenerIngress", "TargetEgress", "TargetIngress"]})
            }
            _ => json!({}),
        };
        for defaults in [of_both, of_kind] {
            expected.as_object_mut().unwrap().extend(defaults.as_object().unwrap().clone());
        }
        assert_eq!(created["spec"], expected, "{}", cluster.kind);
        assert_eq!(created["status"], json!({"observedGeneration": -1}), "{}", cluster.kind);
    }
}

/// The smallest spec of a kind.
pub fn minimal(kind: &str) -> Value {
    match kind {
        "ALBTargetBinding" => json!({"loadBalancer": {"name": "shop"}}),
        "SecurityGroupAccess" => json!({"securityGroup": {"id": "sg-0a1b2c3d"}, "ingress": []}),
        other => panic!("{other} is no kind of ours"),
    }
}

/// Where documents are tried: without being stored, with the strictest validation.
struct Cluster {
    api: Api<DynamicObject>,
    api_version: String,
    kind: String,
}

impl Cluster {
    const ABSENT: &str = "absent";
    /// Status can be applied only to what exists.
    const PRESENT: &str = "present";

    async fn new(client: Client, crd: &CustomResourceDefinition) -> Self {
        let namespace = control_plane::namespace(&client).await;
        let version = &crd.spec.versions[0].name;
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk(&crd.spec.group, version, &crd.spec.names.kind),
            &crd.spec.names.plural,
        );
        let api = Api::<DynamicObject>::namespaced_with(client, &namespace, &resource);
        let mut present = DynamicObject::new(Self::PRESENT, &resource);
        present.data = json!({"spec": minimal(&crd.spec.names.kind)});
        api.create(&PostParams::default(), &present).await.expect("a minimal object is accepted");
        Self { api, api_version: resource.api_version, kind: resource.kind }
    }

    async fn apply(&self, document: &Value) -> Result<(), Box<Status>> {
        let fields = document.as_object().expect("an object").clone();
        let of_status = fields.contains_key("status");
        let named = fields.get("metadata").and_then(|metadata| metadata["name"].as_str());
        let name = if of_status { Self::PRESENT } else { named.unwrap_or(Self::ABSENT) };
        let name = name.to_owned();
        let mut object = json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}});
        object.as_object_mut().expect("an object").extend(fields);
        let params = PatchParams::apply("sgbind-test").force().validation_strict().dry_run();
        let result = if of_status {
            self.api.patch_status(&name, &params, &Patch::Apply(object)).await
        } else {
            self.api.patch(&name, &params, &Patch::Apply(object)).await
        };
        match result {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(response)) => Err(response),
            Err(error) => panic!("{error}"),
        }
    }

    /// What is wrong with the API server's answers.
    async fn attempt(&self, trial: &Trial) -> Vec<String> {
        let mut wrong = Vec::new();
        let name = format!("{}: {}", trial.path, trial.check);
        for accept in &trial.accept {
            if let Err(refusal) = self.apply(accept).await {
                wrong.push(format!("{name}: refused: {accept}\n    {}", refusal.message));
            }
        }
        match self.apply(&trial.refuse).await {
            Ok(()) => wrong.push(format!("{name}: accepted: {}", trial.refuse)),
            Err(refusal) if !is_refused_for(&refusal, trial) => wrong.push(format!(
                "{name}: refused, but not by\n    {}: {}\n    {}\n    {}",
                trial.field, trial.says, refusal.message, trial.refuse
            )),
            Err(_) => {}
        }
        wrong
    }
}

/// What the API server says of each wrong field. That it stopped at them is no cause.
pub fn causes(refusal: &Status) -> Vec<&StatusCause> {
    let causes = refusal.details.iter().flat_map(|details| &details.causes);
    causes.filter(|cause| !cause.message.contains("some validation rules were not checked")).collect()
}

/// For that one reason, and for no other.
fn is_refused_for(refusal: &Status, trial: &Trial) -> bool {
    match causes(refusal)[..] {
        // What can't be merged is refused before it is validated, without causes, and items are named by their keys.
        [] => {
            let field = trial.field.rsplit('.').next().unwrap_or_default();
            refusal.message.contains(&format!(".{field}: {}", trial.says))
        }
        [cause] => cause.field == trial.field && cause.message.ends_with(&trial.says),
        _ => false,
    }
}
