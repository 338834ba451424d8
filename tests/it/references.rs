//! Load balancers that an Ingress, Gateway or Service of the cluster names in its status.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::world::{Controller, Estate, REVOCATION_DELAY, World, estate};

const OPEN: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
const RULES: [&str; 3] = [OPEN, OUT, IN];
const BY_INGRESS: &str = "{loadBalancer: {ingress: {name: web}}, clients: [{cidr: 0.0.0.0/0}]}";
const BY_GATEWAY: &str = "{loadBalancer: {gateway: {name: web}}, clients: [{cidr: 0.0.0.0/0}]}";
const BY_SERVICE: &str = "{loadBalancer: {service: {name: web}}, clients: [{cidr: 0.0.0.0/0}]}";
/// So seldom that what happens within a test was not found by a regular look-up, unless something is waited for.
const NO_REGULAR_LOOK_UP: [&str; 2] = ["--rediscover", "1h"];
/// Something that is waited for is looked up again after half a minute; what comes earlier was told by the watch.
const BEFORE_ANY_LOOK_UP: Duration = Duration::from_secs(20);
/// As the tests' controllers are told.
const GONE_AFTER: Duration = Duration::from_secs(5);
const PENDING: [&str; 3] =
    ["Ready=False LoadBalancerPending", "Resolved=False LoadBalancerPending", "Stalled=False NotStalled"];

/// An internet-facing load balancer that listens on 443, and an app on 8000.
fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

/// A world with the standard, whose load balancer an Ingress names, and the binding in sync.
async fn settled(arguments: &[&str]) -> (World, Controller) {
    let world = World::with(standard().named_by_ingress("web")).await;
    let controller = world.controller(arguments).await;
    world.apply("shop", BY_INGRESS).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;
    (world, controller)
}

/// Waits for a reason on `Resolved`, and gives its message back.
async fn unresolved(world: &World, reason: &str) -> String {
    let message = world.wait_for("shop", &format!("Resolved=False {reason}")).await;
    world.named(message)
}

#[tokio::test]
async fn a_binding_waits_for_its_ingress_and_for_the_address_and_is_served_at_once_then() {
    let world = World::with(standard()).await;
    let _controller = world.controller(&[&NO_REGULAR_LOOK_UP[..], &["--gone-after", "1h"]].concat()).await;
    world.apply("shop", BY_INGRESS).await;
    assert_eq!(
        unresolved(&world, "LoadBalancerPending").await,
        "Ingress team/web does not exist, in whose status the DNS name of the load balancer is expected: create it, or correct \
         spec.loadBalancer.ingress"
    );
    for condition in PENDING {
        world.wait_for("shop", condition).await;
    }
    let began = Instant::now();
    world.ingress("web", &[]).await;
    let without_host = "Ingress team/web has no host name in its status yet, and the DNS name of its load balancer is expected \
                        there: see that the controller that makes the load balancer is installed, and what it says: kubectl -n \
                        team describe ingress web";
    let deadline = world.deadline();
    while unresolved(&world, "LoadBalancerPending").await != without_host {
        assert!(deadline.is_ahead().await, "{}", unresolved(&world, "LoadBalancerPending").await);
    }
    world.ingress("web", &[&world.dns_name("shop").await]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    assert!(began.elapsed() < BEFORE_ANY_LOOK_UP, "the watch told: {:?}", began.elapsed());
    world.expect_rules(&RULES).await;
    let told = [
        "load balancer shop: application internet-facing ipv4 ALB-SG",
        "target group app: ports [8000] weight 1 in APP-SG",
        "ALB-SG in 1/60 out 1/60",
        "APP-SG in 1/60 out 0/60",
        "rules 3/3, 0 missing, 0 surplus, 0 foreign",
    ];
    world.expect_settled("shop", "InSync", &told).await;
}

#[tokio::test]
async fn a_network_load_balancer_that_a_service_names() {
    let estate = estate().network("shop").forward(443, "app").target_group("app", 8000).over("TCP").instance("APP-SG");
    let world = World::with(estate).await;
    world.service("web", "ClusterIP", json!([])).await;
    let _controller = world.controller(&[]).await;
    world.apply("shop", BY_SERVICE).await;
    assert_eq!(
        unresolved(&world, "LoadBalancerPending").await,
        "Service team/web is of type ClusterIP, and type LoadBalancer is expected: only such a Service has a load balancer"
    );
    world.expect_rules(&[]).await;
    world.service("web", "LoadBalancer", json!([{"hostname": world.dns_name("shop").await}])).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;
}

/// One test, as the kind is the whole cluster's: it is absent at first, where the cluster is the tests' own.
#[tokio::test]
async fn a_gateway_and_before_that_a_cluster_without_gateways() {
    let world = World::with(standard()).await;
    let crds = Api::<CustomResourceDefinition>::all(world.client.clone());
    let installed = crds.get_opt("gateways.gateway.networking.k8s.io").await.expect("an answer").is_some();
    let _controller = world.controller(&[&NO_REGULAR_LOOK_UP[..], &["--gone-after", "1h"]].concat()).await;
    world.apply("shop", BY_GATEWAY).await;
    if !installed {
        assert_eq!(
            unresolved(&world, "LoadBalancerPending").await,
            "the kind Gateway of gateway.networking.k8s.io (v1) is not installed in this cluster: install it with a controller \
             that serves it, or name the load balancer by arn, name or tags"
        );
        world.expect_rules(&[]).await;
        crds.create(&PostParams::default(), &minimal_gateways()).await.expect("a CRD");
        await_condition(crds.clone(), "gateways.gateway.networking.k8s.io", is_crd_established()).await.expect("a CRD");
    }
    let addresses = json!([
        {"type": "IPAddress", "value": "192.0.2.1"},
        {"type": "Hostname", "value": world.dns_name("shop").await.to_uppercase()},
    ]);
    world.gateway("web", addresses).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;

    // By now it is watched.
    let deadline = world.deadline();
    let began = loop {
        let began = Instant::now();
        world.gateway("web", json!([{"type": "IPAddress", "value": "192.0.2.1"}])).await;
        sleep(Duration::from_secs(3)).await;
        if world.status("shop").await.contains(&"Resolved=False LoadBalancerPending".to_owned()) {
            break began;
        }
        world.gateway("web", json!([{"type": "Hostname", "value": world.dns_name("shop").await}])).await;
        assert!(deadline.is_ahead().await, "a change is not noticed: {:#?}", world.status("shop").await);
    };
    assert!(began.elapsed() < BEFORE_ANY_LOOK_UP, "the watch told: {:?}", began.elapsed());
    assert_eq!(
        unresolved(&world, "LoadBalancerPending").await,
        "Gateway team/web has only IP addresses in its status (192.0.2.1), and the DNS name of a load balancer of AWS is \
         expected: see which controller serves it"
    );
    world.expect_rules(&RULES).await;
    if !installed {
        world.delete("shop").await;
        crds.delete("gateways.gateway.networking.k8s.io", &DeleteParams::default()).await.expect("it goes");
    }
}

/// The least that has the fields of a Gateway.
fn minimal_gateways() -> CustomResourceDefinition {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": any, "status": any}});
    let version = json!({
        "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
    });
    let names = json!({"kind": "Gateway", "plural": "gateways", "singular": "gateway"});
    let object = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "gateways.gateway.networking.k8s.io",
            // Groups below k8s.io ask for it.
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api"},
        },
        "spec": {
            "group": "gateway.networking.k8s.io", "scope": "Namespaced", "names": names, "versions": [version],
        },
    });
    serde_json::from_value(object).expect("a CRD")
}

#[tokio::test]
async fn a_load_balancer_that_is_replaced_is_followed_at_once_and_the_old_rules_go_after_the_delay() {
    let (world, _controller) = settled(&NO_REGULAR_LOOK_UP).await;
    let green = estate().internet_facing("green").in_groups(&["GREEN-SG"]).forward(443, "green");
    world.build(green.target_group("green", 8000).instance("GREEN-APP-SG")).await;
    let began = Instant::now();
    world.ingress("web", &[&world.dns_name("green").await]).await;
    let new = [
        "GREEN-SG in tcp 443 <- 0.0.0.0/0",
        "GREEN-SG out tcp 8000 -> GREEN-APP-SG",
        "GREEN-APP-SG in tcp 8000 <- GREEN-SG",
    ];
    world.rules_become(&[&RULES[..], &new].concat()).await;
    assert!(began.elapsed() < REVOCATION_DELAY, "the watch told: {:?}", began.elapsed());
    world.rules_become(&new).await;
    assert!(began.elapsed() >= REVOCATION_DELAY, "they went early: {:?}", began.elapsed());
    world.wait_for("shop", "Ready=True InSync").await;
    let told = [
        "load balancer green: application internet-facing ipv4 GREEN-SG",
        "target group green: ports [8000] weight 1 in GREEN-APP-SG",
        "GREEN-SG in 1/60 out 1/60",
        "GREEN-APP-SG in 1/60 out 0/60",
        "rules 3/3, 0 missing, 0 surplus, 0 foreign",
    ];
    // What the groups of before were recorded for is done.
    let of_before = |line: &String| line.starts_with("ALB-SG") || line.starts_with("APP-SG");
    let deadline = world.deadline();
    while world.status("shop").await.iter().any(of_before) {
        assert!(deadline.is_ahead().await, "{:#?}", world.status("shop").await);
    }
    world.status_lacks("shop", "target group app").await;
    world.expect_settled("shop", "InSync", &told).await;
}

/// An Ingress that is gone says nothing of the load balancer: that may serve on.
#[tokio::test]
async fn rules_outlive_a_deleted_ingress_while_its_load_balancer_is_there() {
    let (world, _controller) = settled(&[]).await;
    world.remove("Ingress", "web").await;
    let message = unresolved(&world, "LoadBalancerPending").await;
    assert!(message.starts_with("Ingress team/web does not exist"), "{message}");
    sleep(GONE_AFTER + REVOCATION_DELAY * 2).await;
    world.expect_rules(&RULES).await;

    let began = Instant::now();
    world.remove_load_balancer("shop").await;
    sleep(GONE_AFTER).await;
    world.expect_rules(&RULES).await;
    world.rules_become(&[]).await;
    assert!(began.elapsed() >= GONE_AFTER + REVOCATION_DELAY, "they went early: {:?}", began.elapsed());
    world.wait_for("shop", "Ready=False LoadBalancerPending").await;
}

/// It comes back in time, or late.
#[tokio::test]
async fn an_ingress_that_is_made_anew_is_followed_again() {
    let (world, _controller) = settled(&[]).await;
    let ids = world.rule_ids().await;
    let host = world.dns_name("shop").await;
    world.remove("Ingress", "web").await;
    unresolved(&world, "LoadBalancerPending").await;
    world.ingress("web", &[&host]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;
    assert_eq!(world.rule_ids().await, ids);
}

#[tokio::test]
async fn what_may_stand_in_the_status_of_an_ingress() {
    let (world, _controller) = settled(&["--gone-after", "1h"]).await;
    let others = estate().internal("other").in_groups(&["OTHER-SG"]).internal("Mixed-Case").in_groups(&["MIXED-SG"]);
    world.build(others.forward(8443, "mixed").target_group("mixed", 8000).instance("APP-SG")).await;
    let shop = world.dns_name("shop").await;

    world.ingress_with("web", json!([{"ip": "192.0.2.1"}])).await;
    let message = unresolved(&world, "LoadBalancerPending").await;
    assert_eq!(
        message,
        "Ingress team/web has only IP addresses in its status (192.0.2.1), and the DNS name of a load balancer of AWS is \
         expected: see which controller serves it"
    );
    world.expect_rules(&RULES).await;

    world.ingress("web", &["shop-2.eu-central-1.elb.amazonaws.com", "shop.example.com"]).await;
    let message = unresolved(&world, "LoadBalancerNotFound").await;
    assert_eq!(
        message,
        "Ingress team/web names shop-2.eu-central-1.elb.amazonaws.com, shop.example.com in its status, and no application or \
         network load balancer in 123456789012/eu-central-1 has that DNS name: check spec.region and spec.accountID. A \
         Classic Load Balancer can't be bound"
    );
    world.expect_rules(&RULES).await;

    world.ingress("web", &[&shop, &world.dns_name("other").await]).await;
    let message = unresolved(&world, "LoadBalancerAmbiguous").await;
    assert_eq!(
        message,
        "Ingress team/web names 2 load balancers in its status: other, shop. Make a binding for each, by its name or ARN"
    );
    world.expect_rules(&RULES).await;

    // One of several is a load balancer's, and it is written otherwise.
    world.ingress("web", &["shop.example.com", &format!("dualstack.{shop}"), &shop]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    world.expect_rules(&RULES).await;

    // An API server takes lower case alone, whatever AWS says.
    let mixed = world.dns_name("Mixed-Case").await;
    assert_ne!(mixed, mixed.to_lowercase());
    world.ingress("web", &[&mixed.to_lowercase()]).await;
    let new =
        ["MIXED-SG in tcp 8443 <- 0.0.0.0/0", "MIXED-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- MIXED-SG"];
    world.rules_become(&new).await;
}
