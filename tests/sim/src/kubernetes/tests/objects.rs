//! Creating, reading, replacing, patching and deleting.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_defaults_and_metadata_and_no_status() {
    let server = server();
    tokio::time::advance(Duration::from_secs(90)).await;
    let mut object = binding("shop");
    object["status"] = json!({"observedGeneration": 3});
    let (code, created) = Client::new(&server).post(BINDINGS, &object).await;
    let fields = json!({
        "f:spec": {
            ".": {}, "f:deletionPolicy": {}, "f:enforcement": {}, "f:foreignRules": {},
            "f:loadBalancer": {".": {}, "f:name": {}}, "f:manage": {}, "f:pathMTUDiscovery": {},
        },
    });
    let uid = created["metadata"]["uid"].clone();
    assert_eq!(text(&uid).len(), 36);
    let expected = json!({
        "apiVersion": "sgbind.dev/v1alpha1",
        "kind": "ALBTargetBinding",
        "metadata": {
            "name": "shop", "namespace": "default", "uid": uid, "resourceVersion": "4", "generation": 1,
            "creationTimestamp": "2024-05-01T12:01:30Z",
            "managedFields": [{
                "manager": "tester", "operation": "Update", "apiVersion": "sgbind.dev/v1alpha1",
                "time": "2024-05-01T12:01:30Z", "fieldsType": "FieldsV1", "fieldsV1": fields,
            }],
        },
        "spec": {
            "loadBalancer": {"name": "shop"}, "deletionPolicy": "Revoke", "enforcement": "Enforce",
            "foreignRules": "Report", "manage": ["ListenerIngress", "TargetEgress", "TargetIngress"],
            "pathMTUDiscovery": false,
        },
        "status": {"observedGeneration": -1},
    });
    assert_eq!((code, &created), (201, &expected));
    assert_eq!(server.object("albtargetbindings", "default", "shop"), Some(expected.clone()));
    assert_eq!(Client::new(&server).get(&format!("{BINDINGS}/shop")).await, (200, expected));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_makes_the_same_ids() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut object = binding("");
        object["metadata"] = json!({"generateName": "shop-"});
        let mut client = Client::new(&server());
        answers.push((client.post(BINDINGS, &object).await, client.post(BINDINGS, &object).await));
    }
    assert_eq!(answers[0], answers[1]);
    let ((_, first), (_, second)) = &answers[0];
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
    assert_eq!(text(&first["metadata"]["name"]).len(), "shop-".len() + 5);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_created_is_refused_in_the_words_of_the_real_server() {
    let server = server();
    let mut client = Client::new(&server);
    assert_eq!(client.post(BINDINGS, &binding("shop")).await.0, 201);
    let with = |field: &str, value: Value| {
        let mut object = binding("other");
        object[field] = value;
        object
    };
    for (body, expected) in [
        (binding("shop"), refused(409, "AlreadyExists", "albtargetbindings.sgbind.dev \"shop\" already exists")),
        (
            with("metadata", json!({"name": "x", "namespace": "other"})),
            refused(
                400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
        ),
        (
            with("apiVersion", json!("other/v1")),
            refused(
                400,
                "BadRequest",
                "the API version in the data (other/v1) does not match the expected API version (sgbind.dev/v1alpha1)",
            ),
        ),
        (
            with("kind", json!("Other")),
            refused(
                422,
                "Invalid",
                "Other.sgbind.dev \"other\" is invalid: kind: Invalid value: \"Other\": must be ALBTargetBinding",
            ),
        ),
        (
            with("spec", json!({})),
            refused(
                422,
                "Invalid",
                "ALBTargetBinding.sgbind.dev \"other\" is invalid: [spec.loadBalancer: Required value, <nil>: Invalid \
                 value: null: some validation rules were not checked because the object was invalid; correct the \
                 existing errors to complete validation]",
            ),
        ),
    ] {
        assert_eq!(refusal(&client.post(BINDINGS, &body).await), expected);
    }
    let elsewhere = BINDINGS.replace("default", "nowhere");
    let answer = client.post(&elsewhere, &binding("shop")).await;
    assert_eq!(refusal(&answer), refused(404, "NotFound", "namespaces \"nowhere\" not found"));
    assert_eq!(server.objects("albtargetbindings").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_dropped_with_a_warning_or_refused() {
    let server = server();
    let mut client = Client::new(&server);
    let mut object = binding("shop");
    object["spec"]["loadBalancer"]["misspelt"] = json!(1);
    object["other"] = json!(2);
    let strict = client.post(&format!("{BINDINGS}?fieldValidation=Strict"), &object).await;
    let message = "ALBTargetBinding in version \"v1alpha1\" cannot be handled as a ALBTargetBinding: strict decoding \
                   error: unknown field \"other\", unknown field \"spec.loadBalancer.misspelt\"";
    assert_eq!(refusal(&strict), refused(400, "BadRequest", message));
    let request = request("POST", BINDINGS, JSON, JSON, object.to_string().into());
    let response = client.0.call(request).await.unwrap();
    let warnings: Vec<_> = response.headers().get_all("warning").iter().map(|text| text.to_str().unwrap()).collect();
    let expected = [r#"299 - "unknown field \"other\"""#, r#"299 - "unknown field \"spec.loadBalancer.misspelt\"""#];
    assert_eq!(warnings, expected);
    let stored = server.object("albtargetbindings", "default", "shop").unwrap();
    assert_eq!((&stored["spec"]["loadBalancer"], stored.get("other")), (&json!({"name": "shop"}), None));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_stores_nothing() {
    let server = server();
    let (code, created) = Client::new(&server).post(&format!("{BINDINGS}?dryRun=All"), &binding("shop")).await;
    assert_eq!((code, created["metadata"].get("resourceVersion")), (201, None));
    assert!(server.objects("albtargetbindings").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_replacement_must_be_of_the_version_that_is_there() {
    let mut client = Client::new(&server());
    let path = format!("{BINDINGS}/shop");
    let (_, first) = client.post(BINDINGS, &binding("shop")).await;
    let mut second = first.clone();
    second["spec"]["region"] = json!("eu-west-1");
    let (code, replaced) = client.put(&path, &second).await;
    let version =
        |object: &Value| (object["metadata"]["resourceVersion"].clone(), object["metadata"]["generation"].clone());
    assert_eq!((code, version(&replaced)), (200, (json!("5"), json!(2))));
    let conflict = "Operation cannot be fulfilled on albtargetbindings.sgbind.dev \"shop\": the object has been \
                    modified; please apply your changes to the latest version and try again";
    assert_eq!(refusal(&client.put(&path, &second).await), refused(409, "Conflict", conflict));
    let unversioned = "albtargetbindings.sgbind.dev \"shop\" is invalid: metadata.resourceVersion: Invalid value: 0: \
                       must be specified for an update";
    assert_eq!(refusal(&client.put(&path, &binding("shop")).await), refused(422, "Invalid", unversioned));
    let mut other = replaced.clone();
    other["metadata"]["uid"] = json!("other");
    let message = refusal(&client.put(&path, &other).await).2;
    assert!(message.contains("Precondition failed: UID in precondition: other, UID in object meta: "), "{message}");
    assert_eq!(client.get(&path).await, (200, replaced));
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_no_new_version() {
    let mut client = Client::new(&server());
    let path = format!("{BINDINGS}/shop");
    let (_, created) = client.post(BINDINGS, &binding("shop")).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    for answer in [
        client.put(&path, &created).await,
        client.merge(&path, &json!({"spec": {"enforcement": "Enforce"}})).await,
        client.merge(&path, &json!({"metadata": {"generation": 9, "labels": {}, "deletionTimestamp": null}})).await,
        client.send("PATCH", &path, JSON_PATCH, &json!([{"op": "test", "path": "/spec/region", "value": null}])).await,
    ] {
        assert_eq!(answer, (200, created.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn status_and_the_rest_are_written_apart() {
    let mut client = Client::new(&server());
    let path = format!("{BINDINGS}/shop");
    client.post(BINDINGS, &binding("shop")).await;
    let patch = json!({
        "metadata": {"labels": {"team": "shop"}},
        "spec": {"region": "eu-west-1"},
        "status": {"observedGeneration": 7},
    });
    let (_, by_status) = client.merge(&format!("{path}/status"), &patch).await;
    assert_eq!(
        (&by_status["metadata"]["labels"], &by_status["spec"]["region"], &by_status["status"]["observedGeneration"]),
        (&Value::Null, &Value::Null, &json!(7))
    );
    assert_eq!(by_status["metadata"]["generation"], 1);
    let patch = json!({"spec": {"region": "eu-west-1"}, "status": {"observedGeneration": 8}});
    let (_, by_object) = client.merge(&path, &patch).await;
    assert_eq!(
        (&by_object["spec"]["region"], &by_object["status"]["observedGeneration"]),
        (&json!("eu-west-1"), &json!(7))
    );
    assert_eq!(by_object["metadata"]["generation"], 2);
}

#[tokio::test(start_paused = true)]
async fn patches_that_do_not_fit_are_refused() {
    let mut client = Client::new(&server());
    let path = format!("{BINDINGS}/shop");
    let (_, created) = client.post(BINDINGS, &binding("shop")).await;
    let strategic = client.send("PATCH", &path, "application/strategic-merge-patch+json", &json!({})).await;
    assert_eq!(strategic.0, 415);
    for patch in [
        json!([{"op": "test", "path": "/spec/region", "value": "x"}]),
        json!([{"op": "add", "path": "/spec/region", "value": "eu-west-1"}, {"op": "remove", "path": "/spec/nothing"}]),
    ] {
        let answer = client.send("PATCH", &path, JSON_PATCH, &patch).await;
        let message = "the server rejected our request due to an error in our request";
        assert_eq!(refusal(&answer), refused(422, "Invalid", message));
    }
    let answer = client.merge(&path, &json!({"metadata": {"resourceVersion": "1"}})).await;
    assert_eq!(answer.0, 409);
    let answer = client.merge(&path, &json!({"metadata": {"uid": "other"}})).await;
    let message = "ALBTargetBinding.sgbind.dev \"shop\" is invalid: metadata.uid: Invalid value: \"other\": field is \
                   immutable";
    assert_eq!(refusal(&answer), refused(422, "Invalid", message));
    assert_eq!(client.get(&path).await, (200, created));
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_is_carried_out_in_order() {
    let mut client = Client::new(&server());
    client.post(BINDINGS, &binding("shop")).await;
    let patch = json!([
        {"op": "add", "path": "/spec/listeners", "value": [{"port": 80}]},
        {"op": "add", "path": "/spec/listeners/0", "value": {"port": 443}},
        {"op": "add", "path": "/spec/listeners/-", "value": {"port": 8080}},
        {"op": "replace", "path": "/spec/listeners/1/port", "value": 81},
        {"op": "remove", "path": "/spec/listeners/2"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "copy", "from": "/metadata/labels/a~1b", "path": "/metadata/labels/d"},
        {"op": "move", "from": "/metadata/labels/a~1b", "path": "/metadata/labels/e"},
    ]);
    let (_, patched) = client.send("PATCH", &format!("{BINDINGS}/shop"), JSON_PATCH, &patch).await;
    assert_eq!(patched["spec"]["listeners"], json!([{"port": 443}, {"port": 81}]));
    assert_eq!(patched["metadata"]["labels"], json!({"d": "c", "e": "c"}));
}

#[tokio::test(start_paused = true)]
async fn finalizers_keep_an_object_until_the_last_is_gone() {
    let server = server();
    let mut client = Client::new(&server);
    let path = format!("{BINDINGS}/shop");
    let mut object = binding("shop");
    object["metadata"]["finalizers"] = json!(["sgbind.dev/a", "sgbind.dev/b"]);
    client.post(BINDINGS, &object).await;
    let (code, doomed) = client.delete(&path).await;
    let metadata = &doomed["metadata"];
    assert_eq!(
        (code, &metadata["deletionTimestamp"], &metadata["deletionGracePeriodSeconds"], &metadata["generation"]),
        (200, &json!("2024-05-01T12:00:00Z"), &json!(0), &json!(2))
    );
    assert_eq!(client.delete(&path).await, (200, doomed));
    let late = client.merge(&path, &json!({"metadata": {"finalizers": ["sgbind.dev/a", "sgbind.dev/c"]}})).await;
    let message = "ALBTargetBinding.sgbind.dev \"shop\" is invalid: metadata.finalizers: Forbidden: no new finalizers \
                   can be added if the object is being deleted, found new finalizers []string{\"sgbind.dev/c\"}";
    assert_eq!(refusal(&late), refused(422, "Invalid", message));
    assert_eq!(client.merge(&path, &json!({"metadata": {"finalizers": ["sgbind.dev/a"]}})).await.0, 200);
    assert!(server.object("albtargetbindings", "default", "shop").is_some());
    assert_eq!(client.merge(&path, &json!({"metadata": {"finalizers": null}})).await.0, 200);
    assert_eq!(server.object("albtargetbindings", "default", "shop"), None);
}

#[tokio::test(start_paused = true)]
async fn deletion_holds_to_its_preconditions() {
    let server = server();
    let mut client = Client::new(&server);
    let path = format!("{BINDINGS}/shop");
    let (_, created) = client.post(BINDINGS, &binding("shop")).await;
    for preconditions in [json!({"uid": "other"}), json!({"resourceVersion": "1"})] {
        let answer = client.send("DELETE", &path, JSON, &json!({"preconditions": preconditions})).await;
        assert_eq!((answer.0, &answer.1["reason"]), (409, &json!("Conflict")));
    }
    let preconditions = json!({"preconditions": {"uid": created["metadata"]["uid"]}});
    let (code, status) = client.send("DELETE", &path, JSON, &preconditions).await;
    assert_eq!(
        (code, &status["status"], &status["details"]["uid"]),
        (200, &json!("Success"), &created["metadata"]["uid"])
    );
    let message = "albtargetbindings.sgbind.dev \"shop\" not found";
    assert_eq!(refusal(&client.delete(&path).await), refused(404, "NotFound", message));
}

#[tokio::test(start_paused = true)]
async fn a_list_in_chunks_is_of_one_version() {
    let server = server();
    let mut client = Client::new(&server);
    for name in ["a", "b", "c", "d"] {
        client.post(BINDINGS, &binding(name)).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| text(&item["metadata"]["name"])).collect()
    };
    let (_, first) = client.get(&format!("{BINDINGS}?limit=2")).await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a".into(), "b".into()], &json!(2)));
    client.delete(&format!("{BINDINGS}/c")).await;
    client.post(BINDINGS, &binding("bb")).await;
    let rest = format!("{BINDINGS}?limit=2&continue={}", text(&first["metadata"]["continue"]));
    let (_, second) = client.get(&rest).await;
    assert_eq!((names(&second), second["metadata"].get("continue")), (vec!["c".into(), "d".into()], None));
    assert_eq!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    server.compact();
    let answer = client.get(&rest).await;
    assert_eq!((answer.0, &answer.1["reason"]), (410, &json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn only_metadata_are_sent_if_only_they_are_asked_for() {
    let mut client = Client::new(&server());
    client.post(BINDINGS, &binding("shop")).await;
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let (_, one) = client.exchange("GET", &format!("{BINDINGS}/shop"), JSON, accept, Bytes::new()).await;
    let one: Value = serde_json::from_str(&one).unwrap();
    let keys: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((keys, &one["kind"]), (vec!["apiVersion", "kind", "metadata"], &json!("PartialObjectMetadata")));
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let (_, list) = client.exchange("GET", ALL_BINDINGS, JSON, accept, Bytes::new()).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list["kind"], &list["items"]), (&json!("PartialObjectMetadataList"), &json!([one])));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_all_that_is_in_it_along() {
    let server = server();
    let mut client = Client::new(&server);
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "shop"}})).await;
    let bindings = BINDINGS.replace("default", "shop");
    let mut kept = binding("kept");
    kept["metadata"]["finalizers"] = json!(["sgbind.dev/a"]);
    client.post(&bindings, &kept).await;
    client.post(&bindings, &binding("gone")).await;
    let (_, terminating) = client.delete("/api/v1/namespaces/shop").await;
    assert_eq!(terminating["status"]["phase"], "Terminating");
    assert_eq!(server.objects("albtargetbindings").len(), 1);
    let answer = client.post(&bindings, &binding("new")).await;
    assert_eq!((answer.0, &answer.1["reason"]), (403, &json!("Forbidden")));
    client.merge(&format!("{bindings}/kept"), &json!({"metadata": {"finalizers": []}})).await;
    assert_eq!(client.get("/api/v1/namespaces/shop").await.0, 404);
    assert_eq!(client.delete("/api/v1/namespaces/default").await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn built_in_objects_need_no_kind_and_some_no_version() {
    let mut client = Client::new(&server());
    let lease = json!({"metadata": {"name": "sgbind"}, "spec": {"holderIdentity": "a"}});
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let (code, created) = client.post(leases, &lease).await;
    assert_eq!((code, &created["kind"], created["metadata"].get("generation")), (201, &json!("Lease"), None));
    assert_eq!(client.put(&format!("{leases}/sgbind"), &lease).await.0, 422);
    assert_eq!(client.put(&format!("{leases}/sgbind"), &created).await, (200, created));
    let maps = "/api/v1/namespaces/default/configmaps";
    client.post(maps, &json!({"metadata": {"name": "x"}, "data": {"a": "1"}})).await;
    let (code, replaced) =
        client.put(&format!("{maps}/x"), &json!({"metadata": {"name": "x"}, "data": {"b": "2"}})).await;
    assert_eq!((code, &replaced["data"]), (200, &json!({"b": "2"})));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_is_not_found() {
    let mut client = Client::new(&server());
    for path in ["/apis/none/v1/nothing", "/api/v1/namespaces/default/pods", "/metrics"] {
        assert_eq!(client.get(path).await.0, 404, "{path}");
    }
    assert_eq!(client.put(BINDINGS, &json!({})).await.0, 405);
    let (_, discovered) = client.get("/apis/sgbind.dev/v1alpha1").await;
    let names: Vec<_> = discovered["resources"].as_array().unwrap().iter().map(|entry| text(&entry["name"])).collect();
    assert_eq!(names, ["albtargetbindings", "albtargetbindings/status"]);
}
