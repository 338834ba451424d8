//! What `deploy/` and `examples/` hold, on the real API server: the base is rendered by the real kustomize and applied,
//! its pods meet the restricted Pod Security Standard, its service account may do what the controller does and no more,
//! and the examples are accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use k8s_openapi::api::{
    authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec},
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use sgbind::{
    api::{ALBTargetBinding, SecurityGroupAccess},
    model::{Object, Scope},
    validate,
};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{
    control_plane,
    role::{self, service_account_kubeconfig},
};

mod decisions;
mod image;
mod policy;

/// The namespace that the base is for.
const NAMESPACE: &str = "sgbind-system";

fn shipped(kind: &str) -> &'static Value {
    role::base().iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("deploy/ has a {kind}"))
}

/// Applies `directory` as README says, and returns what kubectl said.
async fn apply(directory: &'static str, more: &'static [&'static str]) -> String {
    control_plane::client().await;
    let kubeconfig = control_plane::kubeconfig().await;
    let output = spawn_blocking(move || {
        let kubeconfig = kubeconfig.to_str().expect("text");
        let arguments = ["apply", "--server-side", "-k", directory, "--kubeconfig", kubeconfig];
        role::kubectl(&[&arguments, more].concat())
    });
    let output = output.await.expect("kubectl runs");
    assert!(output.status.success(), "{directory}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

async fn install_base() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(async || {
            let said = apply("deploy", &[]).await;
            assert_eq!(said.lines().count(), role::base().len(), "{said}");
        })
        .await;
}

#[tokio::test]
async fn base_and_installation_are_accepted() {
    install_base().await;
    apply("examples/installation", &["--dry-run=server"]).await;
}

#[test]
fn rendering_is_stable() {
    for directory in ["deploy", "examples/installation"] {
        assert_eq!(role::kustomize(directory), role::kustomize(directory));
    }
}

#[test]
fn base_holds_the_crds_and_one_of_each_that_the_controller_needs() {
    let mut kinds = BTreeMap::new();
    for object in role::base() {
        *kinds.entry(object["kind"].as_str().expect("a kind")).or_insert(0) += 1;
    }
    let expected = [
        ("ClusterRole", 1),
        ("ClusterRoleBinding", 1),
        ("ConfigMap", 1),
        ("CustomResourceDefinition", sgbind::api::crds().len()),
        ("Deployment", 1),
        ("Namespace", 1),
        ("Role", 1),
        ("RoleBinding", 1),
        ("ServiceAccount", 1),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
}

// The Deployment

fn container() -> &'static Value {
    &shipped("Deployment")["spec"]["template"]["spec"]["containers"][0]
}

/// The Deployment's pod, changed as a test wants it.
fn pod(change: impl FnOnce(&mut Value)) -> Pod {
    let mut spec = shipped("Deployment")["spec"]["template"]["spec"].clone();
    change(&mut spec);
    let pod = json!({"metadata": {"generateName": "sgbind-test-"}, "spec": spec});
    serde_json::from_value(pod).expect("a pod")
}

#[tokio::test]
async fn pods_meet_the_restricted_standard() {
    install_base().await;
    let client = control_plane::client().await;
    let namespace = Api::<Namespace>::all(client.clone()).get(NAMESPACE).await.unwrap();
    assert_eq!(namespace.labels()["pod-security.kubernetes.io/enforce"], "restricted");

    let pods = Api::<Pod>::namespaced(client, NAMESPACE);
    let created = pods.create(&PostParams::default(), &pod(|_| {})).await.expect("the pod is accepted");
    pods.delete(&created.name_any(), &DeleteParams::default().grace_period(0)).await.unwrap();

    let all = [
        ("/securityContext/runAsNonRoot", json!(false), "runAsNonRoot"),
        ("/securityContext/runAsUser", json!(0), "runAsUser"),
        ("/securityContext/seccompProfile", json!(null), "seccompProfile"),
        ("/containers/0/securityContext", json!({"privileged": true}), "privileged"),
        ("/containers/0/securityContext/allowPrivilegeEscalation", json!(true), "allowPrivilegeEscalation"),
        ("/containers/0/securityContext/capabilities/drop", json!([]), "unrestricted capabilities"),
        ("/hostNetwork", json!(true), "host namespaces"),
    ];
    for (path, value, says) in all {
        let (parent, field) = path.rsplit_once('/').expect("a path");
        let worse = pod(|spec| spec.pointer_mut(parent).expect(parent)[field] = value);
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let refusal = pods.create(&params, &worse).await.expect_err(path).to_string();
        let (refused, why) = (refusal.contains(r#"violates PodSecurity "restricted:"#), refusal.contains(says));
        assert!(refused && why, "{path}: {refusal}");
    }
}

/// What no standard demands.
#[test]
fn container_cannot_write_its_files_and_has_its_limits() {
    assert_eq!(container()["securityContext"]["readOnlyRootFilesystem"], true);
    assert!(container()["resources"]["requests"]["cpu"].is_string());
    assert_eq!(container()["resources"]["limits"].as_object().unwrap().keys().collect::<Vec<_>>(), ["memory"]);
    let image = container()["image"].as_str().unwrap();
    assert_eq!(image, concat!("sgbind:", env!("CARGO_PKG_VERSION")));
}

#[test]
fn probes_ask_where_the_controller_answers() {
    let variables = container()["env"].as_array().unwrap();
    let address = variables.iter().find(|variable| variable["name"] == "SGBIND_HTTP_ADDRESS").unwrap();
    let port = container()["ports"].as_array().unwrap().iter().find(|port| port["name"] == "http").unwrap();
    assert_eq!(address["value"], format!("0.0.0.0:{}", port["containerPort"]));
    for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        assert_eq!(container()[probe]["httpGet"], json!({"path": path, "port": "http"}));
    }
}

fn sgbind() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sgbind"));
    command.arg("controller").env_clear();
    command
}

#[test]
fn variables_are_options_of_the_controller() {
    let help = String::from_utf8(sgbind().arg("--help").output().unwrap().stdout).unwrap();
    let variables = container()["env"].as_array().unwrap();
    let installed = installed_options();
    let names = variables.iter().map(|variable| variable["name"].as_str().unwrap());
    for name in names.chain(installed.keys().map(String::as_str)) {
        assert!(help.contains(&format!("[env: {name}=")), "{name} is no option:\n{help}");
    }
    assert_eq!(container()["args"], json!(["controller"]));
    assert_eq!(container()["envFrom"], json!([{"configMapRef": {"name": shipped("ConfigMap")["metadata"]["name"]}}]));
    let namespace = variables.iter().find(|variable| variable["name"] == "SGBIND_NAMESPACE").unwrap();
    assert_eq!(namespace["valueFrom"]["fieldRef"]["fieldPath"], "metadata.namespace");
}

/// The controller of the example understands its options: what it lacks here is only a cluster.
#[test]
fn options_of_the_installation_are_understood() {
    let mut controller = sgbind();
    controller.envs(installed_options()).env("SGBIND_HTTP_ADDRESS", "127.0.0.1:0").env("KUBECONFIG", "/absent");
    let said = String::from_utf8(controller.output().unwrap().stderr).unwrap();
    assert!(said.contains("no Kubernetes API server is configured"), "{said}");
}

fn installed_options() -> BTreeMap<String, String> {
    let installation: Vec<Value> = serde_saphyr::from_multiple(&role::kustomize("examples/installation")).unwrap();
    let config = installation.into_iter().find(|object| object["kind"] == "ConfigMap").unwrap();
    serde_json::from_value(config["data"].clone()).unwrap()
}

/// Whoever forgets to name the cluster is told so, and nothing runs under a name that is not meant.
#[test]
fn placeholder_of_the_cluster_name_is_refused() {
    let placeholder = shipped("ConfigMap")["data"]["SGBIND_CLUSTER_NAME"].as_str().unwrap();
    assert_eq!(placeholder, policy::PLACEHOLDER);
    let output = sgbind().env("SGBIND_CLUSTER_NAME", placeholder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains(placeholder), "{said}");
}

// The role

async fn client_of(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// All that a client may do in a namespace, as `verb group/resource name`.
async fn permissions(client: &Client, namespace: &str) -> BTreeSet<String> {
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.into()) },
        ..SelfSubjectRulesReview::default()
    };
    let api = Api::<SelfSubjectRulesReview>::all(client.clone());
    let status = api.create(&PostParams::default(), &review).await.unwrap().status.expect("a status");
    assert!(!status.incomplete, "{status:?}");
    let mut permissions = BTreeSet::new();
    for rule in status.resource_rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    let names = rule.resource_names.clone().unwrap_or_default();
                    let names = if names.is_empty() { vec![String::new()] } else { names };
                    permissions.extend(names.iter().map(|name| format!("{verb} {group}/{resource} {name}")));
                }
            }
        }
    }
    for rule in status.non_resource_rules {
        for url in rule.non_resource_urls.iter().flatten() {
            permissions.extend(rule.verbs.iter().map(|verb| format!("{verb} {url}")));
        }
    }
    permissions
}

#[tokio::test]
async fn service_account_may_do_exactly_what_the_controller_does() {
    let administrator = control_plane::client().await;
    let own = control_plane::namespace(&administrator).await;
    let other = control_plane::namespace(&administrator).await;
    let client = client_of(&service_account_kubeconfig(&own).await).await;
    let mut anybody = control_plane::config().await;
    anybody.auth_info.impersonate = Some(format!("system:serviceaccount:{own}:default"));
    let anybody = Client::try_from(anybody).unwrap();

    let everywhere = [
        "create events.k8s.io/events ",
        "get /namespaces kube-system",
        "get /services ",
        "get gateway.networking.k8s.io/gateways ",
        "get networking.k8s.io/ingresses ",
        "list /services ",
        "list gateway.networking.k8s.io/gateways ",
        "list networking.k8s.io/ingresses ",
        "list sgbind.dev/albtargetbindings ",
        "list sgbind.dev/securitygroupaccesses ",
        "patch sgbind.dev/albtargetbindings ",
        "patch sgbind.dev/albtargetbindings/status ",
        "patch sgbind.dev/securitygroupaccesses ",
        "patch sgbind.dev/securitygroupaccesses/status ",
        "watch /services ",
        "watch gateway.networking.k8s.io/gateways ",
        "watch networking.k8s.io/ingresses ",
        "watch sgbind.dev/albtargetbindings ",
        "watch sgbind.dev/securitygroupaccesses ",
    ];
    let at_home = [
        "create coordination.k8s.io/leases ",
        "get coordination.k8s.io/leases sgbind-controller",
        "update coordination.k8s.io/leases sgbind-controller",
    ];
    for (namespace, expected) in [(&own, [&everywhere[..], &at_home].concat()), (&other, everywhere.to_vec())] {
        let what_anybody_may = permissions(&anybody, namespace).await;
        let all = permissions(&client, namespace).await;
        let beyond: BTreeSet<_> = all.difference(&what_anybody_may).map(String::as_str).collect();
        assert_eq!(beyond, BTreeSet::from_iter(expected));
    }
}

/// What is applied to an object that is gone would create it, which the role forbids; but it is a conflict first, as the
/// UID is given, and so for the controller no refusal that a person must see to.
#[tokio::test]
async fn what_is_gone_is_a_conflict() {
    let administrator = control_plane::client().await;
    let namespace = control_plane::namespace(&administrator).await;
    let client = client_of(&service_account_kubeconfig(&namespace).await).await;
    let api = Api::<ALBTargetBinding>::namespaced(client, &namespace);
    let params = PatchParams::apply("sgbind-test").force();
    let uid = "00000000-0000-0000-0000-000000000000";
    let finalizer = json!({"metadata": {"uid": uid, "finalizers": ["sgbind.dev/rules"]}});
    let creation = json!({"metadata": {"name": "gone"}, "spec": {"loadBalancer": {"name": "shop"}}});
    for (mut document, code) in [(finalizer, 409), (creation, 403)] {
        document["apiVersion"] = "sgbind.dev/v1alpha1".into();
        document["kind"] = "ALBTargetBinding".into();
        match api.patch("gone", &params, &Patch::Apply(document)).await {
            Err(kube::Error::Api(status)) => assert_eq!(status.code, code, "{}", status.message),
            other => panic!("{other:?}"),
        }
    }
}

// The examples

#[tokio::test]
async fn examples_are_accepted() {
    let client = control_plane::client().await;
    let namespace = control_plane::namespace(&client).await;
    let params = PatchParams::apply("sgbind-test").force().validation_strict().dry_run();
    let home = Scope { account: "123456789012".into(), region: "ap-northeast-2".into() };
    let mut tried = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let example: Value = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let name = example["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{name}.yaml"));
        let kind = example["kind"].as_str().unwrap().to_owned();
        let accepted: Object = match kind.as_str() {
            "ALBTargetBinding" => {
                let api = Api::<ALBTargetBinding>::namespaced(client.clone(), &namespace);
                api.patch(&name, &params, &Patch::Apply(&example)).await.map(Object::from)
            }
            "SecurityGroupAccess" => {
                let api = Api::<SecurityGroupAccess>::namespaced(client.clone(), &namespace);
                api.patch(&name, &params, &Patch::Apply(&example)).await.map(Object::from)
            }
            other => panic!("{}: {other} is no kind of ours", path.display()),
        }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let findings = validate::object(&accepted, &home).err();
        assert!(findings.is_none(), "{}: {findings:?}", path.display());
        tried.insert(format!("{kind} {name}"));
    }
    let expected = [
        "ALBTargetBinding blue-green",
        "ALBTargetBinding ingress",
        "ALBTargetBinding internal",
        "ALBTargetBinding minimal",
        "ALBTargetBinding remove-foreign-rules",
        "ALBTargetBinding standard",
        "SecurityGroupAccess database",
        "SecurityGroupAccess efs",
        "SecurityGroupAccess restricted-egress",
        "SecurityGroupAccess web-server",
    ];
    assert_eq!(tried.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
