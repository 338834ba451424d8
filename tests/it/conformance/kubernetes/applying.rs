//! Server-side apply: who owns what, what is removed, what conflicts.

use http::Method;
use serde_json::{Value, json};

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::Source::{Observed, Page},
    },
    SIMULATION,
    stage::{Ask, SHOP, SHOP_STATUS, Stage, outcome},
};

pub const APPLY: &str = "Server-Side Apply";
/// The uid of no object.
pub const OTHER: &str = "00000000-0000-0000-0000-000000000000";
pub const CONCEPTS: &str = "Kubernetes API Concepts";

pub fn behaviours() -> Vec<Behaviour<Stage>> {
    vec![
        apply_creates_and_owns(),
        fields_left_out_are_removed(),
        apply_of_the_same_changes_nothing(),
        apply_needs_a_manager(),
        dry_runs_store_nothing(),
        apply_conflicts(),
        updates_take_what_they_change(),
        apply_to_another_uid(),
        apply_to_another_version(),
    ]
}

fn apply_creates_and_owns() -> Behaviour<Stage> {
    behaviour(
        "apply-creates-and-owns",
        "Apply creates what is not there, and its manager owns what it named, without \
         defaults.",
        Page(APPLY),
    )
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
    ])
}

fn fields_left_out_are_removed() -> Behaviour<Stage> {
    behaviour(
        "fields-left-out-are-removed",
        "What a manager applied and no longer names is removed, if nobody else owns it.",
        Page(APPLY),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let all =
            json!({"spec": {"loadBalancer": {"name": "shop"}, "region": "eu-central-1", "enforcement": "Observe"}});
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
    ])
}

fn apply_of_the_same_changes_nothing() -> Behaviour<Stage> {
    behaviour(
        "apply-of-the-same-changes-nothing",
        "Apply of what is there keeps the version, but for the first after the creation, \
         and the time of the manager's entry.",
        Page(APPLY),
    )
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
    .expect(&[
        "same managed fields: true",
        "same version after the first time: false",
        "same version after the second time: true",
        "same version after a merge patch: true",
    ])
    .differs(
        SIMULATION,
        "the API server is right: it stores the defaults of a new object's status with the \
         first write",
        &[
            "same managed fields: true",
            "same version after the first time: true",
            "same version after the second time: true",
            "same version after a merge patch: true",
        ],
    )
}

fn apply_needs_a_manager() -> Behaviour<Stage> {
    behaviour("apply-needs-a-manager", "Apply without a field manager is refused.", Page(APPLY))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            let answer = stage.apply(SHOP, "", "", json!({"spec": {"loadBalancer": {"name": "shop"}}})).await;
            stage.say(outcome(&answer));
        })
        .expect(&["422 Invalid: PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required \
         value: is required for apply patch"])
}

fn dry_runs_store_nothing() -> Behaviour<Stage> {
    behaviour(
        "dry-runs-store-nothing",
        "With dryRun=All the answer is what would be, and nothing is stored.",
        Page(CONCEPTS),
    )
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
    ])
}

fn apply_conflicts() -> Behaviour<Stage> {
    behaviour(
        "apply-conflicts",
        "Another manager's field is a conflict, by force it is taken over; the same value \
         is shared.",
        Page(APPLY),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let fields = |region: &str| json!({"spec": {"loadBalancer": {"name": "shop"}, "region": region}});
        stage.apply(SHOP, "a", "", fields("eu-central-1")).await.expect("made");
        let refused = stage.apply(SHOP, "b", "", fields("eu-west-1")).await;
        stage.say(format!("b without force -> {}", outcome(&refused)));
        let causes = refused.err().and_then(|status| status.details).map(|details| details.causes).unwrap_or_default();
        causes.iter().for_each(|cause| stage.say(format!("  {} {}: {}", cause.reason, cause.field, cause.message)));
        let forced = stage.apply(SHOP, "b", "&force=true", fields("eu-west-1")).await;
        stage.say(format!("b with force -> {}", outcome(&forced)));
        let forced = forced.unwrap_or_default();
        stage.show(&forced, &["/spec/region"]);
        stage.show_owners(&forced);
    })
    .expect(&[
        "b without force -> 409 Conflict: Apply failed with 1 conflict: conflict with \
         \"a\": .spec.region",
        "  FieldManagerConflict .spec.region: conflict with \"a\"",
        "b with force -> ok",
        "  spec.region = \"eu-west-1\"",
        "  a by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}}}}",
        "  b by Apply: {\"f:spec\":{\"f:loadBalancer\":{\"f:name\":{}},\"f:region\":{}}}",
    ])
}

fn updates_take_what_they_change() -> Behaviour<Stage> {
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
        let patch =
            Ask::new(Method::PATCH, &path).merge(json!({"spec": {"region": "eu-west-1", "enforcement": "Observe"}}));
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
    ])
}

fn apply_to_another_uid() -> Behaviour<Stage> {
    behaviour(
        "apply-to-another-uid",
        "An apply that names the uid of another object makes none and changes none; to the \
         status it does: the uid is ignored there.",
        Observed("Server-Side Apply does not say; kube-apiserver 1.36"),
    )
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
    .expect(&[
        "none there -> 409 Conflict: Operation cannot be fulfilled on \
         albtargetbindings.sgbind.dev \"shop\": uid mismatch: the provided object specified \
         uid 00000000-0000-0000-0000-000000000000, and no existing object was found",
        "another there -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         metadata.uid: Invalid value: \"00000000-0000-0000-0000-000000000000\": field is \
         immutable",
        "its status -> ok",
        "the right one -> ok",
    ])
}

fn apply_to_another_version() -> Behaviour<Stage> {
    behaviour(
        "apply-to-another-version",
        "An apply that names a version fails if there is another, to the status too.",
        Page(APPLY),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        let patch = Ask::new(Method::PATCH, SHOP).merge(json!({"metadata": {"labels": {"a": "b"}}}));
        stage.ask(patch).await.expect("patched");
        let version = &made["metadata"]["resourceVersion"];
        let fields = json!({"metadata": {"resourceVersion": version}, "spec": {"loadBalancer": {"name": "shop"}}});
        stage.say(format!("apply -> {}", outcome(&stage.apply(SHOP, "a", "&force=true", fields).await)));
        let status = json!({"metadata": {"resourceVersion": version}, "status": {"observedGeneration": 1}});
        stage.say(format!("its status -> {}", outcome(&stage.apply(SHOP_STATUS, "a", "&force=true", status).await)));
    })
    .expect(&[
        "apply -> 409 Conflict: Operation cannot be fulfilled on \
             albtargetbindings.sgbind.dev \"shop\": the object has been modified; please apply \
             your changes to the latest version and try again",
        "its status -> 409 Conflict: Operation cannot be fulfilled on \
             albtargetbindings.sgbind.dev \"shop\": the object has been modified; please apply \
             your changes to the latest version and try again",
    ])
}
