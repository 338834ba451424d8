//! Server-side apply.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const SHOP: &str = "/apis/sgbind.dev/v1alpha1/namespaces/default/albtargetbindings/shop";

fn spec(more: Value) -> Value {
    let mut spec = json!({"loadBalancer": {"name": "shop"}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    partial("shop", json!({"spec": spec}))
}

/// What each manager owns.
fn owners(object: &Value) -> Value {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let subresource = entry["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
            let key = format!("{} {}{subresource}", text(&entry["operation"]), text(&entry["manager"]));
            (key, entry["fieldsV1"].clone())
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_created_and_owned_as_applied() {
    let mut client = Client::new(&server());
    let config = spec(json!({
        "listeners": [{"port": 80}, {"port": 443}],
        "targetGroups": [{"name": "b", "ref": {"name": "bb"}, "ports": [1, 2]}],
    }));
    let (code, created) = client.apply(SHOP, "m1", "", &config).await;
    let owned = json!({"Apply m1": {"f:spec": {
        "f:listeners": {"k:{\"port\":443}": {".": {}, "f:port": {}}, "k:{\"port\":80}": {".": {}, "f:port": {}}},
        "f:loadBalancer": {"f:name": {}},
        "f:targetGroups": {"k:{\"name\":\"b\"}": {
            ".": {}, "f:name": {}, "f:ports": {"v:1": {}, "v:2": {}}, "f:ref": {"f:name": {}},
        }},
    }}});
    assert_eq!((code, owners(&created)), (201, owned));
    assert_eq!(created["spec"]["enforcement"], "Enforce");
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(client.apply(SHOP, "m1", "", &config).await, (200, created));
}

#[tokio::test(start_paused = true)]
async fn fields_of_others_are_refused_unless_forced() {
    let mut client = Client::new(&server());
    client.apply(SHOP, "m1", "", &spec(json!({"region": "eu-west-1", "enforcement": "Observe"}))).await;
    client.merge(SHOP, &json!({"spec": {"foreignRules": "Remove"}})).await;
    let one = client.apply(SHOP, "m2", "", &spec(json!({"foreignRules": "Report"}))).await;
    let message =
        "Apply failed with 1 conflict: conflict with \"tester\" using sgbind.dev/v1alpha1: .spec.foreignRules";
    assert_eq!(refusal(&one), refused(409, "Conflict", message));
    let config = spec(json!({"region": "eu-west-2", "enforcement": "Enforce"}));
    let two = client.apply(SHOP, "m2", "", &config).await;
    let message = "Apply failed with 2 conflicts: conflicts with \"m1\":\n- .spec.enforcement\n- .spec.region";
    assert_eq!(refusal(&two), refused(409, "Conflict", message));
    let cause =
        |field: &str| json!({"reason": "FieldManagerConflict", "message": "conflict with \"m1\"", "field": field});
    assert_eq!(two.1["details"], json!({"causes": [cause(".spec.enforcement"), cause(".spec.region")]}));
    let (code, forced) = client.apply(SHOP, "m2", "&force=true", &config).await;
    let name = json!({"f:name": {}});
    let owned = json!({
        "Apply m1": {"f:spec": {"f:loadBalancer": name}},
        "Apply m2": {"f:spec": {"f:loadBalancer": name, "f:region": {}, "f:enforcement": {}}},
        "Update tester": {"f:spec": {"f:foreignRules": {}}},
    });
    assert_eq!((code, &forced["spec"]["region"], owners(&forced)), (200, &json!("eu-west-2"), owned));
}

#[tokio::test(start_paused = true)]
async fn what_all_its_owners_leave_out_is_removed() {
    let mut client = Client::new(&server());
    let with = |labels: Value, finalizer: &str, listeners: Value| {
        let mut config = spec(json!({"listeners": listeners}));
        config["metadata"]["labels"] = labels;
        config["metadata"]["finalizers"] = json!([finalizer]);
        config
    };
    client.apply(SHOP, "m1", "", &with(json!({"a": "1"}), "x.dev/1", json!([{"port": 80}, {"port": 443}]))).await;
    let second = with(json!({"b": "2"}), "x.dev/2", json!([{"port": 22}, {"port": 443, "clients": [{"vpc": true}]}]));
    let (_, both) = client.apply(SHOP, "m2", "", &second).await;
    assert_eq!(
        (&both["spec"]["listeners"], &both["metadata"]["finalizers"], &both["metadata"]["labels"]),
        (
            &json!([{"port": 80}, {"port": 22}, {"port": 443, "clients": [{"vpc": true}]}]),
            &json!(["x.dev/1", "x.dev/2"]),
            &json!({"a": "1", "b": "2"})
        )
    );
    let (_, left) = client.apply(SHOP, "m1", "", &spec(json!({"listeners": [{"port": 443}]}))).await;
    assert_eq!(
        (&left["spec"]["listeners"], &left["metadata"]["finalizers"], &left["metadata"]["labels"]),
        (&json!([{"port": 22}, {"port": 443, "clients": [{"vpc": true}]}]), &json!(["x.dev/2"]), &json!({"b": "2"}))
    );
    let (_, left) = client.apply(SHOP, "m2", "", &partial("shop", json!({}))).await;
    assert_eq!(
        (&left["spec"]["listeners"], left["metadata"].get("finalizers"), left["metadata"].get("labels")),
        (&json!([{"port": 443}]), None, None)
    );
    let (_, left) = client.apply(SHOP, "m1", "", &spec(json!({}))).await;
    assert_eq!(left["spec"].get("listeners"), None);
    assert_eq!(owners(&left), json!({"Apply m1": {"f:spec": {"f:loadBalancer": {"f:name": {}}}}}));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_owns_stays() {
    let mut client = Client::new(&server());
    client.apply(SHOP, "m1", "", &spec(json!({"region": "eu-west-1"}))).await;
    client.merge(SHOP, &json!({"metadata": {"annotations": {"a": "1"}}, "spec": {"region": "eu-west-2"}})).await;
    let (_, left) = client.apply(SHOP, "m1", "", &spec(json!({}))).await;
    assert_eq!((&left["spec"]["region"], &left["metadata"]["annotations"]), (&json!("eu-west-2"), &json!({"a": "1"})));
}

#[tokio::test(start_paused = true)]
async fn status_is_applied_apart_and_its_metadata_are_ignored() {
    let mut client = Client::new(&server());
    client.post(BINDINGS, &binding("shop")).await;
    let condition = |kind: &str, reason: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2024-01-01T00:00:00Z",
        })
    };
    let path = format!("{SHOP}/status");
    let status = |conditions: Value| partial("shop", json!({"status": {"conditions": conditions}}));
    let mut config = status(json!([condition("Ready", "InSync"), condition("Other", "X")]));
    config["metadata"]["uid"] = json!("other");
    config["metadata"]["labels"] = json!({"a": "b"});
    config["status"]["observedGeneration"] = json!(1);
    let (code, applied) = client.apply(&path, "m1", "&force=true", &config).await;
    assert_eq!(
        (code, applied["metadata"].get("labels"), &applied["status"]["observedGeneration"]),
        (200, None, &json!(1))
    );
    let conflict = client.apply(&path, "m2", "", &status(json!([condition("Ready", "Drifted")]))).await;
    let message = "Apply failed with 1 conflict: conflict with \"m1\" with subresource \"status\": \
                   .status.conditions[type=\"Ready\"].reason";
    assert_eq!(refusal(&conflict), refused(409, "Conflict", message));
    let (_, applied) = client.apply(&path, "m1", "", &status(json!([condition("Ready", "Drifted")]))).await;
    assert_eq!(applied["status"], json!({"conditions": [condition("Ready", "Drifted")], "observedGeneration": -1}));
    assert_eq!(
        owners(&applied)["Apply m1/status"],
        json!({"f:status": {"f:conditions": {"k:{\"type\":\"Ready\"}": {
            ".": {}, "f:lastTransitionTime": {}, "f:message": {}, "f:reason": {}, "f:status": {}, "f:type": {},
        }}}})
    );
    let absent = client.apply(&path.replace("shop", "none"), "m1", "", &partial("none", json!({"status": {}}))).await;
    assert_eq!(absent.0, 404);
}

#[tokio::test(start_paused = true)]
async fn who_applies_what_is_there_already_shares_it() {
    let mut client = Client::new(&server());
    let config = spec(json!({"region": "eu-west-1"}));
    let (_, first) = client.apply(SHOP, "m1", "", &config).await;
    let (_, second) = client.apply(SHOP, "m2", "", &config).await;
    assert_ne!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    assert_eq!(first["metadata"]["generation"], second["metadata"]["generation"]);
    assert_eq!(owners(&second)["Apply m1"], owners(&second)["Apply m2"]);
    let (_, left) = client.apply(SHOP, "m1", "", &spec(json!({}))).await;
    assert_eq!(left["spec"]["region"], "eu-west-1");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_applied_is_refused_in_the_words_of_the_real_server() {
    let mut client = Client::new(&server());
    let (_, created) = client.post(BINDINGS, &binding("shop")).await;
    let typed = |what: &str| {
        let prefix = "failed to create typed patch object (/shop; sgbind.dev/v1alpha1, Kind=ALBTargetBinding): ";
        refused(500, "", &format!("{prefix}{what}"))
    };
    let mut two_unknown = spec(json!({"zz": 1}));
    two_unknown["yy"] = json!(2);
    let mut managed = spec(json!({}));
    managed["metadata"]["managedFields"] = json!([]);
    for (config, expected) in [
        (two_unknown, typed("errors:\n  .spec.zz: field not declared in schema\n  .yy: field not declared in schema")),
        (spec(json!({"region": 1})), typed(".spec.region: expected string, got &value.valueUnstructured{Value:1}")),
        (
            spec(json!({"listeners": [{"port": 8}, {"port": 8}]})),
            typed(".spec.listeners: duplicate entries for key [port=8]"),
        ),
        (
            spec(json!({"listeners": [{"clients": []}]})),
            typed(
                ".spec.listeners: element 0: associative list with keys has an element that omits all key fields \
                 [\"port\"] (and doesn't have default values for any key fields)",
            ),
        ),
        (
            spec(json!({"listeners": [8]})),
            typed(".spec.listeners: element 0: associative list with keys may not have non-map elements"),
        ),
        (managed, refused(400, "BadRequest", "metadata.managedFields must be nil")),
        (json!({"metadata": {"name": "shop"}}), refused(400, "BadRequest", "invalid object type: /, Kind=")),
        (
            partial("other", json!({})),
            refused(400, "BadRequest", "the name of the object (other) does not match the name on the URL (shop)"),
        ),
        (
            partial("shop", json!({"metadata": {"uid": "other"}})),
            refused(
                422,
                "Invalid",
                "ALBTargetBinding.sgbind.dev \"shop\" is invalid: metadata.uid: Invalid value: \"other\": field is \
                 immutable",
            ),
        ),
    ] {
        assert_eq!(refusal(&client.apply(SHOP, "m1", "", &config).await), expected);
    }
    let nobody = client.send("PATCH", SHOP, APPLY, &spec(json!({}))).await;
    let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
    assert_eq!(refusal(&nobody), refused(422, "Invalid", message));
    let gone = partial("gone", json!({"metadata": {"uid": "x"}, "spec": {"loadBalancer": {"name": "shop"}}}));
    let message = "Operation cannot be fulfilled on albtargetbindings.sgbind.dev \"gone\": uid mismatch: the provided \
                   object specified uid x, and no existing object was found";
    assert_eq!(
        refusal(&client.apply(&SHOP.replace("shop", "gone"), "m1", "", &gone).await),
        refused(409, "Conflict", message)
    );
    assert_eq!(client.get(SHOP).await, (200, created));
}

#[tokio::test(start_paused = true)]
async fn an_update_takes_over_what_it_changes() {
    let mut client = Client::new(&server());
    client.apply(SHOP, "m1", "", &spec(json!({"region": "eu-west-1", "listeners": [{"port": 443}]}))).await;
    let patch = json!({"metadata": {"labels": {"u": "1"}}, "spec": {"listeners": [{"port": 7}]}});
    let (_, patched) = client.merge(SHOP, &patch).await;
    assert_eq!(
        owners(&patched),
        json!({
            "Apply m1": {"f:spec": {"f:loadBalancer": {"f:name": {}}, "f:region": {}}},
            "Update tester": {
                "f:metadata": {"f:labels": {".": {}, "f:u": {}}},
                "f:spec": {"f:listeners": {"k:{\"port\":7}": {".": {}, "f:port": {}}}},
            },
        })
    );
}
