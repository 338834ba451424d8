//! The role that `deploy/` ships, for tests that run the controller under it.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        authentication::v1::TokenRequest,
        core::v1::ServiceAccount,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    },
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, PostParams},
    config::Kubeconfig,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::control_plane;

/// Of the service account, and of all that is about it.
pub const NAME: &str = "sgbind-controller";

/// Longer than any test.
const TOKEN_SECONDS: i64 = 12 * 60 * 60;

/// Gives the shipped service account the shipped roles, but in `namespace`, and returns the path of a kubeconfig by
/// which a controller is that service account, with its lease in that namespace.
pub async fn service_account_kubeconfig(namespace: &str) -> PathBuf {
    let client = control_plane::client().await;
    grant(&client, namespace).await;
    let accounts = Api::<ServiceAccount>::namespaced(client, namespace);
    let mut request = TokenRequest::default();
    request.spec.expiration_seconds = Some(TOKEN_SECONDS);
    let answer = accounts.create_token_request(NAME, &PostParams::default(), &request).await.expect("a token");

    let administrator = Kubeconfig::read_from(control_plane::kubeconfig().await).expect("a kubeconfig");
    let current = administrator.current_context.expect("a current context");
    let context = administrator.contexts.into_iter().find(|context| context.name == current);
    let cluster_name = context.and_then(|context| context.context).expect("the current context").cluster;
    let cluster = administrator.clusters.into_iter().find(|cluster| cluster.name == cluster_name);
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "contexts": [{"name": NAME, "context": {"cluster": cluster_name, "user": NAME, "namespace": namespace}}],
        "clusters": [cluster.expect("the context's cluster")],
        "users": [{"name": NAME, "user": {"token": answer.status.expect("a token").token}}],
    });
    let path = directory().join(format!("{namespace}.kubeconfig"));
    fs::write(&path, kubeconfig.to_string()).expect("a file is written");
    path
}

/// Applies the service account and its roles; what belongs to `sgbind-system` as shipped belongs to `namespace` then.
async fn grant(client: &Client, namespace: &str) {
    let rendered = spawn_blocking(base).await.expect("the base is rendered");
    let shipped = |kind: &str| {
        let mut found = rendered.iter().filter(|object| object["kind"] == kind);
        let (Some(object), None) = (found.next(), found.next()) else { panic!("deploy/ has one {kind}") };
        let mut object = object.clone();
        for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            subject["namespace"] = namespace.into();
        }
        object
    };
    let within = |kind: &str| {
        let mut object = shipped(kind);
        object["metadata"]["namespace"] = namespace.into();
        object
    };
    apply(&namespaced::<ServiceAccount>(client, namespace), within("ServiceAccount")).await;
    apply(&namespaced::<Role>(client, namespace), within("Role")).await;
    apply(&namespaced::<RoleBinding>(client, namespace), within("RoleBinding")).await;
    apply(&Api::<ClusterRole>::all(client.clone()), shipped("ClusterRole")).await;
    let mut binding = shipped("ClusterRoleBinding");
    binding["metadata"]["name"] = format!("{NAME}-{namespace}").into();
    apply(&Api::<ClusterRoleBinding>::all(client.clone()), binding).await;
}

fn namespaced<K>(client: &Client, namespace: &str) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), namespace)
}

async fn apply<K: Clone + DeserializeOwned + Serialize + std::fmt::Debug>(api: &Api<K>, object: Value) {
    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
    let params = PatchParams::apply("sgbind-test").force();
    api.patch(&name, &params, &Patch::Apply(&object)).await.unwrap_or_else(|error| panic!("{object}: {error}"));
}

/// All objects of `deploy/`, as kustomize renders them.
pub fn base() -> &'static [Value] {
    static BASE: OnceLock<Vec<Value>> = OnceLock::new();
    BASE.get_or_init(|| serde_saphyr::from_multiple(&kustomize("deploy")).expect("YAML"))
}

/// What `kubectl kustomize` makes of a directory of this repository.
pub fn kustomize(directory: &str) -> String {
    let output = kubectl(&["kustomize", directory]);
    assert!(output.status.success(), "kustomize {directory}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs the real kubectl in the root of this repository.
pub fn kubectl(arguments: &[&str]) -> Output {
    let mut command = match env::var_os("SGBIND_TEST_CONTROLPLANE") {
        Some(program) => {
            let mut command = Command::new(program);
            command.arg("kubectl");
            command
        }
        None => Command::new("kubectl"),
    };
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env("KUBECACHEDIR", directory().join("cache"));
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A directory of this process; the next process removes it.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (path, _) = DIRECTORY.get_or_init(|| {
        let (path, lock) = control_plane::directory(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("role"));
        fs::create_dir(&path).expect("a directory");
        (path, lock)
    });
    path
}
