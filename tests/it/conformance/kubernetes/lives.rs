//! The status, finalizers, and how objects begin and end.

use http::Method;
use serde_json::json;

use super::{
    super::{Behaviour, behaviour, behaviour::Source::Page},
    applying::{APPLY, CONCEPTS, OTHER},
    stage::{Ask, BINDINGS, SHOP, SHOP_STATUS, Stage, binding, outcome},
};

const STATUS: &str = "Extend the Kubernetes API with CustomResourceDefinitions, Status subresource";

pub fn behaviours() -> Vec<Behaviour<Stage>> {
    vec![
        status_is_apart(),
        generation_counts_changes_of_the_spec(),
        conditions_are_a_map(),
        status_of_what_is_not_there(),
        finalizers_are_a_set(),
        deletion_waits_for_finalizers(),
        delete_with_preconditions(),
        create_twice(),
    ]
}

fn status_is_apart() -> Behaviour<Stage> {
    behaviour(
        "status-is-apart",
        "The object's path ignores status, and the status's path ignores all but status.",
        Page(STATUS),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let both = |n: i64, region: &str| {
            json!({
                "spec": {"loadBalancer": {"name": "shop"}, "region": region},
                "status": {"observedGeneration": n},
            })
        };
        let made = stage.apply(SHOP, "a", "", both(7, "eu-central-1")).await;
        stage.say(format!("apply -> {}", outcome(&made)));
        stage.show(&made.unwrap_or_default(), &["/spec/region", "/status"]);
        let told = stage.apply(SHOP_STATUS, "a", "", both(7, "eu-west-1")).await;
        stage.say(format!("apply status -> {}", outcome(&told)));
        let told = told.unwrap_or_default();
        stage.show(&told, &["/spec/region", "/status", "/metadata/generation"]);
        stage.show_owners(&told);
    })
    .expect(&[
        "apply -> ok",
        "  spec.region = \"eu-central-1\"",
        "  status = {\"observedGeneration\":-1}",
        "apply status -> ok",
        "  spec.region = \"eu-central-1\"",
        "  status = {\"observedGeneration\":7}",
        "  metadata.generation = 1",
        "  a by Apply of status: {\"f:status\":{\"f:observedGeneration\":{}}}",
        "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}},\"f:region\":{}}}",
    ])
}

fn generation_counts_changes_of_the_spec() -> Behaviour<Stage> {
    behaviour(
        "generation-counts-changes-of-the-spec",
        "The generation grows with the spec, and with nothing else.",
        Page(STATUS),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        stage.say(format!("made: {}", made["metadata"]["generation"]));
        for (what, path, patch) in [
            ("label", SHOP, json!({"metadata": {"labels": {"a": "b"}}})),
            ("status", SHOP_STATUS, json!({"status": {"observedGeneration": 1}})),
            ("spec", SHOP, json!({"spec": {"region": "eu-central-1"}})),
            ("same spec", SHOP, json!({"spec": {"region": "eu-central-1"}})),
        ] {
            let patched = stage.ask(Ask::new(Method::PATCH, path).merge(patch)).await.expect("patched");
            stage.say(format!("{what}: {}", patched["metadata"]["generation"]));
        }
    })
    .expect(&["made: 1", "label: 1", "status: 1", "spec: 2", "same spec: 2"])
}

fn conditions_are_a_map() -> Behaviour<Stage> {
    behaviour("conditions-are-a-map", "Conditions are merged by type: each manager has its own.", Page(APPLY))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            stage.create("shop").await;
            let condition = |kind: &str| {
                json!({"status": {"conditions": [{
                    "type": kind, "status": "True", "reason": "R", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }]}})
            };
            stage.apply(SHOP_STATUS, "a", "", condition("Ready")).await.expect("applied");
            let both = stage.apply(SHOP_STATUS, "b", "", condition("Other")).await.expect("applied");
            stage.show(&both, &["/status/conditions/0/type", "/status/conditions/1/type"]);
            let left = stage.apply(SHOP_STATUS, "a", "", json!({"status": {}})).await.expect("applied");
            stage.say("a leaves out its own");
            stage.show(&left, &["/status/conditions/0/type", "/status/conditions/1/type"]);
        })
        .expect(&[
            "  status.conditions.0.type = \"Ready\"",
            "  status.conditions.1.type = \"Other\"",
            "a leaves out its own",
            "  status.conditions.0.type = \"Other\"",
            "  status.conditions.1.type is absent",
        ])
}

fn status_of_what_is_not_there() -> Behaviour<Stage> {
    behaviour(
        "status-of-what-is-not-there",
        "Apply to the status of an object that is not there does not create it.",
        Page(APPLY),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let answer = stage.apply(SHOP_STATUS, "a", "", json!({"status": {"observedGeneration": 1}})).await;
        stage.say(outcome(&answer));
    })
    .expect(&["404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found"])
}

fn finalizers_are_a_set() -> Behaviour<Stage> {
    behaviour(
        "finalizers-are-a-set",
        "Each manager applies its own finalizers, and removes them by leaving them out.",
        Page("Server-Side Apply; Finalizers"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("shop").await;
        let with = |names: &[&str]| json!({"metadata": {"finalizers": names}});
        stage.apply(SHOP, "a", "", with(&["sgbind.dev/a"])).await.expect("applied");
        let both = stage.apply(SHOP, "b", "", with(&["sgbind.dev/b", "sgbind.dev/a"])).await.expect("applied");
        stage.show(&both, &["/metadata/finalizers"]);
        let left = stage.apply(SHOP, "b", "", json!({})).await.expect("applied");
        stage.say("b leaves out both");
        stage.show(&left, &["/metadata/finalizers"]);
        let none = stage.apply(SHOP, "a", "", json!({})).await.expect("applied");
        stage.say("a leaves out its own");
        stage.show(&none, &["/metadata/finalizers"]);
    })
    .expect(&[
        "  metadata.finalizers = [\"sgbind.dev/b\",\"sgbind.dev/a\"]",
        "b leaves out both",
        "  metadata.finalizers = [\"sgbind.dev/a\"]",
        "a leaves out its own",
        "  metadata.finalizers is absent",
    ])
}

fn deletion_waits_for_finalizers() -> Behaviour<Stage> {
    behaviour(
        "deletion-waits-for-finalizers",
        "Deletion marks an object, which goes with its last finalizer; no other can be \
         added then.",
        Page("Finalizers"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let fields =
            |names: &[&str]| json!({"metadata": {"finalizers": names}, "spec": {"loadBalancer": {"name": "shop"}}});
        stage.apply(SHOP, "a", "", fields(&["sgbind.dev/a"])).await.expect("made");
        let deleted = stage.ask(Ask::new(Method::DELETE, SHOP)).await;
        stage.say(format!("delete -> {}", outcome(&deleted)));
        let there = stage.get(SHOP).await.unwrap_or_default();
        stage.say(format!("marked: {}", there["metadata"]["deletionTimestamp"].is_string()));
        stage.show(&there, &["/metadata/deletionGracePeriodSeconds", "/metadata/generation"]);
        let more = stage.apply(SHOP, "b", "", json!({"metadata": {"finalizers": ["sgbind.dev/b"]}})).await;
        stage.say(format!("another finalizer -> {}", outcome(&more)));
        let told = stage.apply(SHOP_STATUS, "a", "", json!({"status": {"observedGeneration": 1}})).await;
        stage.say(format!("status -> {}", outcome(&told)));
        let last = stage.apply(SHOP, "a", "", json!({"spec": {"loadBalancer": {"name": "shop"}}})).await;
        stage.say(format!("without its finalizer -> {}", outcome(&last)));
        stage.say(format!("get -> {}", outcome(&stage.get(SHOP).await)));
        stage.say(format!("delete -> {}", outcome(&stage.ask(Ask::new(Method::DELETE, SHOP)).await)));
    })
    .expect(&[
        "delete -> ok",
        "marked: true",
        "  metadata.deletionGracePeriodSeconds = 0",
        "  metadata.generation = 2",
        "another finalizer -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
         being deleted, found new finalizers []string{\"sgbind.dev/b\"}",
        "status -> ok",
        "without its finalizer -> ok",
        "get -> 404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found",
        "delete -> 404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found",
    ])
}

fn delete_with_preconditions() -> Behaviour<Stage> {
    behaviour("delete-with-preconditions", "Deletion may name the uid and version that it means.", Page(CONCEPTS))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            let made = stage.create("shop").await;
            stage.transcript.name("UID", made["metadata"]["uid"].as_str().unwrap_or_default());
            let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": OTHER}});
            let deleted = stage.ask(Ask::new(Method::DELETE, SHOP).body(options)).await;
            stage.say(format!("another uid -> {}", outcome(&deleted)));
            let options =
                json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": made["metadata"]["uid"]}});
            let deleted = stage.ask(Ask::new(Method::DELETE, SHOP).body(options)).await;
            stage.say(format!("the right one -> {}", outcome(&deleted)));
        })
        .expect(&[
            "another uid -> 409 Conflict: Operation cannot be fulfilled on \
             ALBTargetBinding.sgbind.dev \"shop\": the UID in the precondition \
             (00000000-0000-0000-0000-000000000000) does not match the UID in record (UID). The \
             object might have been deleted and then recreated",
            "the right one -> ok",
        ])
}

fn create_twice() -> Behaviour<Stage> {
    behaviour("create-twice", "What is there can't be created.", Page(CONCEPTS))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            stage.create("shop").await;
            stage.say(outcome(&stage.ask(Ask::new(Method::POST, BINDINGS).body(binding("shop"))).await));
        })
        .expect(&["409 AlreadyExists: albtargetbindings.sgbind.dev \"shop\" already exists"])
}
