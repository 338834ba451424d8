//! What the service account may do, by the API server's own decisions.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    control_plane,
    role::{self, service_account_kubeconfig},
};

#[tokio::test]
async fn decisions_on_the_service_account() {
    let client = control_plane::client().await;
    let own = control_plane::namespace(&client).await;
    service_account_kubeconfig(&own).await;
    let table = [
        ("list", "sgbind.dev", "albtargetbindings", "", "", true),
        ("list", "sgbind.dev", "securitygroupaccesses", "", "", true),
        ("watch", "sgbind.dev", "securitygroupaccesses", "", "", true),
        ("patch", "sgbind.dev", "securitygroupaccesses", "shop", "shop", true),
        ("patch", "sgbind.dev", "securitygroupaccesses/status", "shop", "shop", true),
        ("create", "sgbind.dev", "securitygroupaccesses", "shop", "", false),
        ("delete", "sgbind.dev", "securitygroupaccesses", "shop", "shop", false),
        ("watch", "sgbind.dev", "albtargetbindings", "", "", true),
        ("patch", "sgbind.dev", "albtargetbindings", "shop", "shop", true),
        ("patch", "sgbind.dev", "albtargetbindings/status", "shop", "shop", true),
        ("create", "events.k8s.io", "events", "shop", "", true),
        ("get", "", "namespaces", "kube-system", "kube-system", true),
        ("get", "networking.k8s.io", "ingresses", "shop", "shop", true),
        ("watch", "gateway.networking.k8s.io", "gateways", "", "", true),
        ("list", "", "services", "", "", true),
        ("create", "coordination.k8s.io", "leases", &own, "", true),
        ("get", "coordination.k8s.io", "leases", &own, "sgbind-controller", true),
        ("update", "coordination.k8s.io", "leases", &own, "sgbind-controller", true),
        ("create", "sgbind.dev", "albtargetbindings", "shop", "", false),
        ("update", "sgbind.dev", "albtargetbindings", "shop", "shop", false),
        ("delete", "sgbind.dev", "albtargetbindings", "shop", "shop", false),
        ("deletecollection", "sgbind.dev", "albtargetbindings", "shop", "", false),
        ("list", "", "namespaces", "", "", false),
        ("get", "", "namespaces", "shop", "shop", false),
        ("patch", "networking.k8s.io", "ingresses", "shop", "shop", false),
        ("update", "networking.k8s.io", "ingresses/status", "shop", "shop", false),
        ("delete", "gateway.networking.k8s.io", "gateways", "shop", "shop", false),
        ("create", "", "services", "shop", "", false),
        ("get", "", "secrets", &own, "any", false),
        ("list", "", "secrets", "", "", false),
        ("list", "", "configmaps", &own, "", false),
        ("create", "", "pods", &own, "", false),
        ("create", "", "serviceaccounts/token", &own, "sgbind-controller", false),
        ("list", "events.k8s.io", "events", "shop", "", false),
        ("get", "coordination.k8s.io", "leases", &own, "another", false),
        ("update", "coordination.k8s.io", "leases", &own, "another", false),
        ("delete", "coordination.k8s.io", "leases", &own, "sgbind-controller", false),
        ("update", "coordination.k8s.io", "leases", "kube-system", "sgbind-controller", false),
        ("create", "coordination.k8s.io", "leases", "kube-system", "", false),
        ("patch", "apiextensions.k8s.io", "customresourcedefinitions", "", "albtargetbindings.sgbind.dev", false),
        ("update", "apiextensions.k8s.io", "customresourcedefinitions", "", "albtargetbindings.sgbind.dev", false),
        ("bind", "rbac.authorization.k8s.io", "clusterroles", "", "cluster-admin", false),
        ("patch", "rbac.authorization.k8s.io", "clusterroles", "", "sgbind-controller", false),
        ("impersonate", "", "users", "", "anybody", false),
    ];
    // The authorizer hears of a new binding by a watch.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_allowed(&client, &own, table[0]).await && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
    }
    let mut wrong = Vec::new();
    for row in table {
        let allowed = is_allowed(&client, &own, row).await;
        if allowed != row.5 {
            wrong.push(format!("{row:?}: {allowed}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Verb, group, resource, namespace, name, whether the service account may.
type Decision<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, bool);

async fn is_allowed(client: &Client, own: &str, (verb, group, resource, namespace, name, _): Decision<'_>) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{own}:{}", role::NAME)),
            groups: Some(vec![
                "system:authenticated".into(),
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{own}"),
            ]),
            resource_attributes: Some(ResourceAttributes {
                verb: some(verb),
                group: some(group),
                resource: some(resource),
                subresource: some(subresource),
                namespace: some(namespace),
                name: some(name),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api = Api::<SubjectAccessReview>::all(client.clone());
    api.create(&PostParams::default(), &review).await.unwrap().status.expect("a status").allowed
}
