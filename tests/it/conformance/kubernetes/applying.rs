//! Server-side apply: who owns what, what is removed, what conflicts.

use http::Method;
use serde_json::{Value, json};

use super::{
    super::{Behaviour, behaviour, behaviour::Source::Page},
    stage::{Ask, BINDINGS, SHOP, SHOP_STATUS, Stage, binding, outcome},
};

const APPLY: &str = "Server-Side Apply";
const CONCEPTS: &str = "Kubernetes API Concepts";

pub fn behaviours() -> Vec<Behaviour<Stage>> {
    [owning(), conflicts(), status(), finalizers(), identity()].into_iter().flatten().collect()
}

fn owning() -> Vec<Behaviour<Stage>> {
    vec![
        behaviour("apply-creates-and-owns", "Apply creates what is not there, and its manager owns what it named, without defaults.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let fields = json!({"spec": {"loadBalancer": {"name": "shop"}, "region": "eu-central-1"}});
                let made = stage.apply(SHOP, "a", "", fields).await;
                stage.say(format!("apply -> {}", outcome(&made)));
                let made = made.unwrap_or_default();
                stage.show(&made, &["/spec/region", "/spec/enforcement", "/metadata/generation"]);
                stage.show_owners(&made);
            })
            .expect(&[
                "apply -> ok",
                "  spec.region = \"eu-central-1\"",
                "  spec.enforcement = \"Enforce\"",
                "  metadata.generation = 1",
                "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}},\"f:region\":{}}}",
            ]),
        behaviour("fields-left-out-are-removed", "What a manager applied and no longer names is removed, if nobody else owns it.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let all = json!({"spec": {"loadBalancer": {"name": "shop"}, "region": "eu-central-1", "enforcement": "Observe"}});
                stage.apply(SHOP, "a", "", all).await.expect("made");
                stage.apply(SHOP, "b", "", json!({"spec": {"region": "eu-central-1"}})).await.expect("shared");
                let less = stage.apply(SHOP, "a", "", json!({"spec": {"loadBalancer": {"name": "shop"}}})).await;
                stage.say(format!("a leaves out region and enforcement -> {}", outcome(&less)));
                let less = less.unwrap_or_default();
                stage.show(&less, &["/spec/region", "/spec/enforcement"]);
                stage.show_owners(&less);
                let none = stage.apply(SHOP, "b", "", json!({})).await.unwrap_or_default();
                stage.say("b leaves out region");
                stage.show(&none, &["/spec/region"]);
                stage.show_owners(&none);
            })
            .expect(&[
                "a leaves out region and enforcement -> ok",
                "  spec.region = \"eu-central-1\"",
                "  spec.enforcement = \"Enforce\"",
                "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
                "  b by Apply: {\"f:spec\":{\"f:region\":{}}}",
                "b leaves out region",
                "  spec.region is absent",
                "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
            ]),
        behaviour("apply-of-the-same-changes-nothing", "Apply of what is there already keeps the version and the time of the manager's entry.", Page(APPLY))
            .observe(|stage: Stage| async move {
            stage.namespace().await;
            let fields = || json!({"spec": {"loadBalancer": {"name": "shop"}}});
            let first = stage.apply(SHOP, "a", "", fields()).await.expect("made");
            let second = stage.apply(SHOP, "a", "", fields()).await.expect("the same");
            let third = stage.apply(SHOP, "a", "", fields()).await.expect("the same");
            let patch = Ask::new(Method::PATCH, SHOP).merge(json!({"spec": {"loadBalancer": {"name": "shop"}}}));
            let merged = stage.ask(patch).await.expect("the same");
            let same = |a: &Value, b: &Value, path: &str| a.pointer(path) == b.pointer(path);
            stage.say(format!("same managed fields: {}", same(&first, &third, "/metadata/managedFields")));
            let version = "/metadata/resourceVersion";
            stage.say(format!("same version after the first time: {}", same(&first, &second, version)));
            stage.say(format!("same version after the second time: {}", same(&second, &third, version)));
            stage.say(format!("same version after a merge patch: {}", same(&third, &merged, version)));
        })
        .expect(&["same managed fields: true", "same version after the first time: false", "same version after the second time: true", "same version after a merge patch: true"]),
        behaviour("apply-needs-a-manager", "Apply without a field manager is refused.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let answer = stage.apply(SHOP, "", "", json!({"spec": {"loadBalancer": {"name": "shop"}}})).await;
                stage.say(outcome(&answer));
            })
            .expect(&["422 Invalid: PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"]),
        behaviour("dry-runs-store-nothing", "With dryRun=All the answer is what would be, and nothing is stored.", Page(CONCEPTS))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let fields = json!({"spec": {"loadBalancer": {"name": "shop"}}});
                let answer = stage.apply(SHOP, "a", "&dryRun=All", fields).await;
                stage.say(format!("apply -> {}", outcome(&answer)));
                stage.show(&answer.unwrap_or_default(), &["/spec/enforcement"]);
                stage.say(format!("get -> {}", outcome(&stage.get(SHOP).await)));
            })
            .expect(&[
                "apply -> ok",
                "  spec.enforcement = \"Enforce\"",
                "get -> 404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found",
            ]),
    ]
}

fn conflicts() -> Vec<Behaviour<Stage>> {
    vec![
        behaviour(
            "apply-conflicts",
            "Another manager's field is a conflict, by force it is taken over; the same value is shared.",
            Page(APPLY),
        )
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            let fields = |region: &str| json!({"spec": {"loadBalancer": {"name": "shop"}, "region": region}});
            stage.apply(SHOP, "a", "", fields("eu-central-1")).await.expect("made");
            let refused = stage.apply(SHOP, "b", "", fields("eu-west-1")).await;
            stage.say(format!("b without force -> {}", outcome(&refused)));
            let causes =
                refused.err().and_then(|status| status.details).map(|details| details.causes).unwrap_or_default();
            causes.iter().for_each(|cause| stage.say(format!("  {} {}: {}", cause.reason, cause.field, cause.message)));
            let forced = stage.apply(SHOP, "b", "&force=true", fields("eu-west-1")).await;
            stage.say(format!("b with force -> {}", outcome(&forced)));
            let forced = forced.unwrap_or_default();
            stage.show(&forced, &["/spec/region"]);
            stage.show_owners(&forced);
        })
        .expect(&[
            "b without force -> 409 Conflict: Apply failed with 1 conflict: conflict with \"a\": .spec.region",
            "  FieldManagerConflict .spec.region: conflict with \"a\"",
            "b with force -> ok",
            "  spec.region = \"eu-west-1\"",
            "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
            "  b by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}},\"f:region\":{}}}",
        ]),
        behaviour(
            "updates-take-what-they-change",
            "A patch owns what it changes, by Update, and takes it from those who applied it.",
            Page(APPLY),
        )
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            let fields = json!({"spec": {"loadBalancer": {"name": "shop"}, "region": "eu-central-1"}});
            stage.apply(SHOP, "a", "", fields).await.expect("made");
            let path = format!("{SHOP}?fieldManager=b");
            let patch = Ask::new(Method::PATCH, &path)
                .merge(json!({"spec": {"region": "eu-west-1", "enforcement": "Observe"}}));
            let patched = stage.ask(patch).await.expect("patched");
            stage.show_owners(&patched);
            let path = format!("{SHOP}?fieldManager=b");
            let patched = stage.ask(Ask::new(Method::PATCH, &path).merge(json!({"spec": {"region": null}}))).await;
            stage.say("null removes");
            let patched = patched.expect("patched");
            stage.show(&patched, &["/spec/region"]);
            stage.show_owners(&patched);
        })
        .expect(&[
            "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
            "  b by Update: {\"f:spec\":{\"f:enforcement\":{},\"f:region\":{}}}",
            "null removes",
            "  spec.region is absent",
            "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
            "  b by Update: {\"f:spec\":{\"f:enforcement\":{}}}",
        ]),
    ]
}

fn status() -> Vec<Behaviour<Stage>> {
    vec![
        behaviour("status-is-apart", "The object's path ignores status, and the status's path ignores all but status.", Page("Extend the Kubernetes API with CustomResourceDefinitions, Status subresource"))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let both = |n: i64, region: &str| json!({"spec": {"loadBalancer": {"name": "shop"}, "region": region}, "status": {"observedGeneration": n}});
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
            ]),
        behaviour("generation-counts-changes-of-the-spec", "The generation grows with the spec, and with nothing else.", Page("Extend the Kubernetes API with CustomResourceDefinitions, Status subresource"))
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
            .expect(&["made: 1", "label: 1", "status: 1", "spec: 2", "same spec: 2"]),
        behaviour("conditions-are-a-map", "Conditions are merged by type: each manager has its own.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                stage.create("shop").await;
                let condition = |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
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
            ]),
        behaviour("status-of-what-is-not-there", "Apply to the status of an object that is not there does not create it.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let answer = stage.apply(SHOP_STATUS, "a", "", json!({"status": {"observedGeneration": 1}})).await;
                stage.say(outcome(&answer));
            })
            .expect(&["404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found"]),
    ]
}

fn finalizers() -> Vec<Behaviour<Stage>> {
    vec![
        behaviour("finalizers-are-a-set", "Each manager applies its own finalizers, and removes them by leaving them out.", Page("Server-Side Apply; Finalizers"))
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
            ]),
        behaviour("deletion-waits-for-finalizers", "Deletion marks an object, which goes with its last finalizer; no other can be added then.", Page("Finalizers"))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let fields = |names: &[&str]| json!({"metadata": {"finalizers": names}, "spec": {"loadBalancer": {"name": "shop"}}});
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
                "another finalizer -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"sgbind.dev/b\"}",
                "status -> ok",
                "without its finalizer -> ok",
                "get -> 404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found",
                "delete -> 404 NotFound: albtargetbindings.sgbind.dev \"shop\" not found",
            ]),
    ]
}

fn identity() -> Vec<Behaviour<Stage>> {
    const OTHER: &str = "00000000-0000-0000-0000-000000000000";
    vec![
        behaviour("apply-to-another-uid", "An apply that names a uid does not touch another object of that name, and makes none.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let fields = json!({"metadata": {"uid": OTHER}, "spec": {"loadBalancer": {"name": "shop"}}});
                let absent = stage.apply(SHOP, "a", "", fields.clone()).await;
                stage.say(format!("none there -> {}", outcome(&absent)));
                let made = stage.create("shop").await;
                stage.transcript.name("UID", made["metadata"]["uid"].as_str().unwrap_or_default());
                let other = stage.apply(SHOP, "a", "&force=true", fields).await;
                stage.say(format!("another there -> {}", outcome(&other)));
                let status = json!({"metadata": {"uid": OTHER}, "status": {"observedGeneration": 1}});
                let other = stage.apply(SHOP_STATUS, "a", "&force=true", status).await;
                stage.say(format!("its status -> {}", outcome(&other)));
                let right = json!({"metadata": {"uid": made["metadata"]["uid"]}, "status": {"observedGeneration": 1}});
                let right = stage.apply(SHOP_STATUS, "a", "&force=true", right).await;
                stage.say(format!("the right one -> {}", outcome(&right)));
            })
            .expect(&["none there -> 409 Conflict: Operation cannot be fulfilled on albtargetbindings.sgbind.dev \"shop\": uid mismatch: the provided object specified uid 00000000-0000-0000-0000-000000000000, and no existing object was found", "another there -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: metadata.uid: Invalid value: \"00000000-0000-0000-0000-000000000000\": field is immutable", "its status -> ok", "the right one -> ok"]),
        behaviour("apply-to-another-version", "An apply that names a version fails if there is another.", Page(APPLY))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let made = stage.create("shop").await;
                let patch = Ask::new(Method::PATCH, SHOP).merge(json!({"metadata": {"labels": {"a": "b"}}}));
                stage.ask(patch).await.expect("patched");
                let version = &made["metadata"]["resourceVersion"];
                let fields = json!({"metadata": {"resourceVersion": version}, "spec": {"loadBalancer": {"name": "shop"}}});
                stage.say(format!("apply -> {}", outcome(&stage.apply(SHOP, "a", "&force=true", fields).await)));
            })
            .expect(&["apply -> 409 Conflict: Operation cannot be fulfilled on albtargetbindings.sgbind.dev \"shop\": the object has been modified; please apply your changes to the latest version and try again"]),
        behaviour("delete-with-preconditions", "Deletion may name the uid and version that it means.", Page(CONCEPTS))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                let made = stage.create("shop").await;
                stage.transcript.name("UID", made["metadata"]["uid"].as_str().unwrap_or_default());
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": OTHER}});
                let deleted = stage.ask(Ask::new(Method::DELETE, SHOP).body(options)).await;
                stage.say(format!("another uid -> {}", outcome(&deleted)));
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": made["metadata"]["uid"]}});
                let deleted = stage.ask(Ask::new(Method::DELETE, SHOP).body(options)).await;
                stage.say(format!("the right one -> {}", outcome(&deleted)));
            })
            .expect(&["another uid -> 409 Conflict: Operation cannot be fulfilled on ALBTargetBinding.sgbind.dev \"shop\": the UID in the precondition (00000000-0000-0000-0000-000000000000) does not match the UID in record (UID). The object might have been deleted and then recreated", "the right one -> ok"]),
        behaviour("create-twice", "What is there can't be created.", Page(CONCEPTS))
            .observe(|stage: Stage| async move {
                stage.namespace().await;
                stage.create("shop").await;
                stage.say(outcome(&stage.ask(Ask::new(Method::POST, BINDINGS).body(binding("shop"))).await));
            })
            .expect(&["409 AlreadyExists: albtargetbindings.sgbind.dev \"shop\" already exists"]),
    ]
}
