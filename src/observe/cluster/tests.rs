use serde_json::{Value, json};

use super::*;
use crate::aws::testing::{Answer, cloud};
use crate::model::{Facts, Resolution};
use crate::{observe, testing};

fn object(value: Value) -> Addressed {
    serde_json::from_value(value).expect("an object")
}

#[test]
fn host_names_stand_in_the_status_and_addresses_are_none() {
    let points = json!([{"hostname": "b.example"}, {"ip": "192.0.2.1"}, {"hostname": "a.example", "ports": []}, {}]);
    let ingress = object(json!({"status": {"loadBalancer": {"ingress": points}}}));
    assert_eq!(ingress.hosts(), BTreeSet::from(["a.example".into(), "b.example".into()]));
    assert_eq!(ingress.addresses(), BTreeSet::from(["192.0.2.1"]));
    let addresses = json!([{"type": "Hostname", "value": "a.example"}, {"value": "2001:db8::1"}]);
    let gateway = object(json!({"status": {"addresses": addresses, "conditions": []}}));
    assert_eq!(gateway.hosts(), BTreeSet::from(["a.example".into()]));
    assert_eq!(gateway.addresses(), BTreeSet::from(["2001:db8::1"]));
    for empty in [json!({}), json!({"status": {}}), json!({"status": {"loadBalancer": {}}})] {
        assert!(object(empty).hosts().is_empty());
    }
}

#[test]
fn what_is_lacking_is_told() {
    let of = |kind| Referent { kind, namespace: "team-shop".into(), name: "shop".into() };
    let told = |kind, value| without_host(&of(kind), &object(value));
    assert_eq!(
        told(ReferentKind::Ingress, json!({})),
        "Ingress team-shop/shop has no host name in its status yet, and the DNS name of its load balancer is expected \
         there: see that the controller that makes the load balancer is installed, and what it says: kubectl -n team-shop \
         describe ingress shop"
    );
    assert_eq!(
        told(ReferentKind::Service, json!({"spec": {"type": "ClusterIP"}})),
        "Service team-shop/shop is of type ClusterIP, and type LoadBalancer is expected: only such a Service has a load \
         balancer"
    );
    assert!(told(ReferentKind::Service, json!({"spec": {"type": "LoadBalancer"}})).contains("no host name"));
    assert_eq!(
        told(ReferentKind::Gateway, json!({"status": {"addresses": [{"value": "192.0.2.1"}]}})),
        "Gateway team-shop/shop has only IP addresses in its status (192.0.2.1), and the DNS name of a load balancer of AWS \
         is expected: see which controller serves it"
    );
}

#[test]
fn the_permission_that_is_lacking_is_named() {
    let of = |kind| Referent { kind, namespace: "team-shop".into(), name: "shop".into() };
    assert!(forbidden(&of(ReferentKind::Service)).contains("lacks the permission to get services."));
    let gateway = forbidden(&of(ReferentKind::Gateway));
    assert!(gateway.contains("lacks the permission to get gateways of gateway.networking.k8s.io."), "{gateway}");
}

/// What comes of a binding to the Ingress `web` where the API server answers so, and AWS with an error. Something was known.
async fn resolution(status: u16, body: Value) -> (Resolution, Facts) {
    let text = if body.is_string() { body.as_str().unwrap_or_default().to_owned() } else { body.to_string() };
    let answers = tower::service_fn(move |_: http::Request<kube::client::Body>| {
        let answer = http::Response::builder().status(status).body(kube::client::Body::from(text.clone().into_bytes()));
        async move { Ok::<_, kube::Error>(answer.expect("an answer")) }
    });
    let cluster = Cluster::new(kube::Client::new(answers, "default"));
    let (cloud, _) = cloud(|form| match form["Action"].as_str() {
        "DescribeLoadBalancers" if form.contains_key("Names.member.1") => Answer::elb_error("LoadBalancerNotFound"),
        "DescribeLoadBalancers" => Answer::elb("DescribeLoadBalancers", "<LoadBalancers></LoadBalancers>"),
        _ => Answer::elb_error("TargetGroupNotFound"),
    });
    let declaration = testing::declaration(
        "loadBalancer: {ingress: {name: web}}\ntargetGroups: [{name: far, ports: [80], addresses: [10.200.0.7/32]}]",
    );
    let known = testing::facts(testing::alb(&[443]), &[]);
    let gone = BTreeSet::new();
    (observe::object(&cloud, &cluster, &testing::us(), &declaration, &known, &gone).await, known)
}

fn failure(code: u16, reason: &str, details: Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "so it is",
        "reason": reason, "details": details, "code": code,
    })
}

#[tokio::test]
async fn an_answer_that_lacks_the_load_balancer_counts_and_no_answer_does_not() {
    let is_lacking = BTreeSet::from([Thing::LoadBalancer]);
    let web = json!({"name": "web", "group": "networking.k8s.io", "kind": "ingresses"});
    let named =
        json!({"status": {"loadBalancer": {"ingress": [{"hostname": "web-1.eu-central-1.elb.amazonaws.com"}]}}});
    for (status, body, reason, begins, absent) in [
        (200, json!({}), Reason::LoadBalancerPending, "Ingress team-shop/web has no host name", &is_lacking),
        (200, named, Reason::LoadBalancerNotFound, "Ingress team-shop/web names web-1.eu-central-1.elb", &is_lacking),
        (
            404,
            failure(404, "NotFound", web),
            Reason::LoadBalancerPending,
            "Ingress team-shop/web does not exist",
            &is_lacking,
        ),
        (
            404,
            json!("404 page not found\n"),
            Reason::LoadBalancerPending,
            "the kind Ingress of networking.k8s.io (v1) is not installed",
            &BTreeSet::new(),
        ),
        (
            404,
            failure(404, "NotFound", json!({})),
            Reason::LoadBalancerPending,
            "the kind Ingress of networking.k8s.io (v1) is not installed",
            &BTreeSet::new(),
        ),
        (
            403,
            failure(403, "Forbidden", json!({})),
            Reason::AccessDenied,
            "Ingress team-shop/web may not be read: the controller's service account lacks the permission to get ingresses of \
             networking.k8s.io",
            &BTreeSet::new(),
        ),
        (
            503,
            failure(503, "ServiceUnavailable", json!({})),
            Reason::LoadBalancerPending,
            "Ingress team-shop/web could not be read from the API server: ",
            &BTreeSet::new(),
        ),
    ] {
        let (resolution, known) = resolution(status, body).await;
        let [problem] = resolution.problems.as_slice() else { panic!("{begins}: {:?}", resolution.problems) };
        assert_eq!(problem.reason, reason, "{problem:?}");
        assert!(problem.message.starts_with(begins), "{problem:?}");
        assert_eq!((&resolution.absent, resolution.complete), (absent, false), "{begins}");
        assert_eq!(resolution.facts.load_balancer, known.load_balancer, "what was known stays: {begins}");
    }
}
