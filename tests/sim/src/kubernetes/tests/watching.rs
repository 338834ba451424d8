//! Watches.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_comes_after_its_version() {
    let server = server();
    let mut client = Client::new(&server);
    let (_, first) = client.post(BINDINGS, &binding("first")).await;
    let version = text(&first["metadata"]["resourceVersion"]);
    client.post(BINDINGS, &binding("second")).await;
    let mut events = client.open(&format!("{BINDINGS}?watch=1&resourceVersion={version}")).await;
    assert_eq!(events.told().await, event("ADDED", "second"));
    assert!(events.is_quiet());
    let (_, changed) = client.merge(&format!("{BINDINGS}/first"), &json!({"spec": {"region": "eu-west-1"}})).await;
    assert_eq!(events.next().await, Some(json!({"type": "MODIFIED", "object": changed})));
    client.merge(&format!("{BINDINGS}/first"), &json!({"spec": {"region": "eu-west-1"}})).await;
    assert!(events.is_quiet(), "nothing changed");
    client.delete(&format!("{BINDINGS}/first")).await;
    let mut last = changed;
    last["metadata"]["resourceVersion"] = json!("7");
    assert_eq!(events.next().await, Some(json!({"type": "DELETED", "object": last})));
}

#[tokio::test(start_paused = true)]
async fn a_watch_wakes_up_when_something_happens() {
    let server = server();
    let mut events = Client::new(&server).open(&format!("{BINDINGS}?watch=1&resourceVersion=3")).await;
    let writer = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        Client::new(&server).post(BINDINGS, &binding("shop")).await;
    };
    let began = Instant::now();
    let (told, ()) = tokio::join!(events.told(), writer);
    assert_eq!((told, began.elapsed()), (event("ADDED", "shop"), Duration::from_secs(30)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let server = server();
    let mut client = Client::new(&server);
    client.post(BINDINGS, &binding("shop")).await;
    for version in ["", "&resourceVersion=0"] {
        let mut events = client.open(&format!("{ALL_BINDINGS}?watch=true{version}")).await;
        assert_eq!(events.told().await, event("ADDED", "shop"));
        assert!(events.is_quiet());
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_time_with_bookmarks_on_the_way() {
    let server = server();
    let path = format!("{BINDINGS}?watch=1&resourceVersion=3&timeoutSeconds=150&allowWatchBookmarks=true");
    let mut events = Client::new(&server).open(&path).await;
    let began = Instant::now();
    let mut seconds = Vec::new();
    while let Some(event) = events.next().await {
        let metadata = &event["object"]["metadata"];
        assert_eq!((&event["type"], &metadata["resourceVersion"]), (&json!("BOOKMARK"), &json!("3")));
        seconds.push(began.elapsed().as_secs());
    }
    assert_eq!((seconds, began.elapsed().as_secs()), (vec![60, 120, 148], 150));
}

#[tokio::test(start_paused = true)]
async fn bookmarks_name_the_version_of_the_whole_store() {
    let server = server();
    let mut client = Client::new(&server);
    let mut events = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=3&allowWatchBookmarks=true")).await;
    client.post("/api/v1/namespaces/default/configmaps", &json!({"metadata": {"name": "x"}})).await;
    let bookmark = events.next().await.unwrap();
    assert_eq!(
        (&bookmark["type"], &bookmark["object"]["metadata"]["resourceVersion"]),
        (&json!("BOOKMARK"), &json!("4"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_is_gone_for_new_watches_only() {
    let server = server();
    let mut client = Client::new(&server);
    let path = format!("{BINDINGS}?watch=1&resourceVersion=3");
    let mut open = client.open(&path).await;
    client.post(BINDINGS, &binding("a")).await;
    client.post(BINDINGS, &binding("b")).await;
    server.compact();
    let mut late = client.open(&path).await;
    let error = late.next().await.unwrap();
    assert_eq!(
        (&error["type"], &error["object"]["code"], &error["object"]["reason"], &error["object"]["message"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"), &json!("too old resource version: 3 (5)"))
    );
    assert_eq!(late.next().await, None);
    assert_eq!((open.told().await, open.told().await), (event("ADDED", "a"), event("ADDED", "b")));
    let mut current = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=5")).await;
    assert!(current.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn all_watches_end_when_the_server_closes_them() {
    let server = server();
    let mut client = Client::new(&server);
    let mut events = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=3")).await;
    assert!(events.is_quiet());
    server.close_watches();
    assert_eq!(events.next().await, None);
    let mut again = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=3")).await;
    assert!(again.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn through_a_selector_what_stops_to_match_is_deleted() {
    let server = server();
    let mut client = Client::new(&server);
    let mut events = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=3&labelSelector=team%3Dshop")).await;
    client.post(BINDINGS, &binding("a")).await;
    client.post(BINDINGS, &binding("b")).await;
    let label = |value: &str| json!({"metadata": {"labels": {"team": value}}});
    client.merge(&format!("{BINDINGS}/a"), &label("shop")).await;
    client.merge(&format!("{BINDINGS}/a"), &json!({"spec": {"region": "eu-west-1"}})).await;
    client.merge(&format!("{BINDINGS}/a"), &label("other")).await;
    client.delete(&format!("{BINDINGS}/a")).await;
    for kind in ["ADDED", "MODIFIED", "DELETED"] {
        assert_eq!(events.told().await, event(kind, "a"));
    }
    assert!(events.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_namespace_sees_no_other() {
    let server = server();
    let mut client = Client::new(&server);
    let elsewhere = BINDINGS.replace("default", "kube-system");
    let mut here = client.open(&format!("{BINDINGS}?watch=1&resourceVersion=3")).await;
    let mut all = client.open(&format!("{ALL_BINDINGS}?watch=1&resourceVersion=3")).await;
    client.post(&elsewhere, &binding("there")).await;
    client.post(BINDINGS, &binding("here")).await;
    assert_eq!(here.told().await, event("ADDED", "here"));
    assert_eq!((all.told().await, all.told().await), (event("ADDED", "there"), event("ADDED", "here")));
}

#[tokio::test(start_paused = true)]
async fn initial_events_are_refused_as_by_an_older_server() {
    let answer = Client::new(&server())
        .get(&format!("{BINDINGS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"))
        .await;
    let message = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is \
                   forbidden for watch unless the WatchList feature gate is enabled";
    assert_eq!(refusal(&answer), refused(422, "Invalid", message));
}
