//! Versions, lists and watches.

use http::Method;
use kube::{ResourceExt, api::WatchEvent};
use serde_json::{Value, json};

use super::{
    super::{Behaviour, behaviour, behaviour::Source::Page},
    stage::{Ask, BINDINGS, LEASE, LEASES, SHOP, Stage, binding, event_in_words, outcome},
};

const CONCEPTS: &str = "Kubernetes API Concepts";

pub fn behaviours() -> Vec<Behaviour<Stage>> {
    vec![
        replace_of_an_old_version(),
        replace_of_a_custom_object(),
        names_are_generated(),
        namespaces_must_exist(),
        lists_come_in_pages(),
        lists_of_metadata(),
        lists_are_selected(),
        watches_tell_what_comes_after(),
        deleted_objects_are_told_whole(),
        watches_begin_with_what_is_there(),
        watches_of_a_selection(),
        watches_have_bookmarks(),
        watches_of_forgotten_versions(),
    ]
}

fn lease(version: Option<&Value>, holder: &str) -> Value {
    let mut lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lease"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
    });
    if let Some(version) = version {
        lease["metadata"]["resourceVersion"] = version.clone();
    }
    lease
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

fn names(list: &Value) -> String {
    let items = list["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["metadata"]["name"].as_str()).collect::<Vec<_>>().join(", ")
}

fn replace_of_an_old_version() -> Behaviour<Stage> {
    behaviour(
        "replace-of-an-old-version",
        "A replace that names an old version is a conflict, and one of a Lease without a \
         version is refused.",
        Page("Kubernetes API Concepts, Resource versions; Leases"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.ask(Ask::new(Method::POST, LEASES).body(lease(None, "a"))).await.expect("made");
        let old = made["metadata"]["resourceVersion"].clone();
        let replaced = stage.ask(Ask::new(Method::PUT, LEASE).body(lease(Some(&old), "b"))).await;
        stage.say(format!("this version -> {}", outcome(&replaced)));
        stage.say(format!("another version then: {}", version(&replaced.unwrap_or_default()) != version(&made)));
        let late = stage.ask(Ask::new(Method::PUT, LEASE).body(lease(Some(&old), "c"))).await;
        stage.say(format!("an old version -> {}", outcome(&late)));
        let without = stage.ask(Ask::new(Method::PUT, LEASE).body(lease(None, "c"))).await;
        stage.say(format!("no version -> {}", outcome(&without)));
        stage.show(&stage.get(LEASE).await.unwrap_or_default(), &["/spec/holderIdentity"]);
    })
    .expect(&[
        "this version -> ok",
        "another version then: true",
        "an old version -> 409 Conflict: Operation cannot be fulfilled on \
         leases.coordination.k8s.io \"lease\": the object has been modified; please apply \
         your changes to the latest version and try again",
        "no version -> 422 Invalid: leases.coordination.k8s.io \"lease\" is invalid: \
         metadata.resourceVersion: Invalid value: 0: must be specified for an update",
        "  spec.holderIdentity = \"b\"",
    ])
}

fn replace_of_a_custom_object() -> Behaviour<Stage> {
    behaviour("replace-of-a-custom-object", "A replace of a custom object must name a version.", Page(CONCEPTS))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            stage.create("shop").await;
            let without = stage.ask(Ask::new(Method::PUT, SHOP).body(binding("shop"))).await;
            stage.say(format!("no version -> {}", outcome(&without)));
        })
        .expect(&["no version -> 422 Invalid: albtargetbindings.sgbind.dev \"shop\" is invalid: \
         metadata.resourceVersion: Invalid value: 0: must be specified for an update"])
}

fn names_are_generated() -> Behaviour<Stage> {
    behaviour(
        "names-are-generated",
        "With generateName the server adds five characters.",
        Page("Object Names and IDs; Kubernetes API Concepts"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let mut object = binding("");
        object["metadata"] = json!({"generateName": "shop-"});
        let made = stage.ask(Ask::new(Method::POST, BINDINGS).body(object)).await.expect("made");
        let name = made["metadata"]["name"].as_str().unwrap_or_default();
        let added = name.strip_prefix("shop-").unwrap_or_default();
        let plain = added.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        stage.say(format!("{} characters, small letters and digits: {plain}", added.len()));
    })
    .expect(&["5 characters, small letters and digits: true"])
}

fn namespaces_must_exist() -> Behaviour<Stage> {
    behaviour(
        "namespaces-must-exist",
        "Nothing is created in a namespace that is not there; lists of it are empty.",
        Page("Namespaces"),
    )
    .observe(|stage: Stage| async move {
        let path = BINDINGS.replace("NAMESPACE", "sgbind-absent");
        stage.say(format!(
            "create -> {}",
            outcome(&stage.ask(Ask::new(Method::POST, &path).body(binding("shop"))).await)
        ));
        let shop = SHOP.replace("NAMESPACE", "sgbind-absent");
        let applied = stage.apply(&shop, "a", "", json!({"spec": {"loadBalancer": {"name": "shop"}}})).await;
        stage.say(format!("apply -> {}", outcome(&applied)));
        let list = stage.get(&path).await;
        stage.say(format!("list -> {}: [{}]", outcome(&list), names(&list.unwrap_or_default())));
    })
    .expect(&[
        "create -> 404 NotFound: namespaces \"sgbind-absent\" not found",
        "apply -> 404 NotFound: namespaces \"sgbind-absent\" not found",
        "list -> ok: []",
    ])
}

fn lists_come_in_pages() -> Behaviour<Stage> {
    behaviour(
        "lists-come-in-pages",
        "limit bounds a page, and continue leads on, as of the same version.",
        Page("Kubernetes API Concepts, Retrieving large results sets in chunks"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        for name in ["a", "b", "c", "d", "e"] {
            stage.create(name).await;
        }
        let first = stage.get(&format!("{BINDINGS}?limit=2")).await.expect("a page");
        stage.say(format!("{}; {} remain", names(&first), first["metadata"]["remainingItemCount"]));
        stage.create("bb").await;
        stage.create("f").await;
        let (mut page, mut same) = (first.clone(), true);
        while let Some(token) = page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
            page = stage.get(&format!("{BINDINGS}?limit=2&continue={token}")).await.expect("a page");
            same &= version(&page) == version(&first);
            stage.say(format!("{}; {} remain", names(&page), page["metadata"]["remainingItemCount"]));
        }
        stage.say(format!("all of one version: {same}"));
    })
    .expect(&["a, b; 3 remain", "c, d; 1 remain", "e; null remain", "all of one version: true"])
}

fn lists_of_metadata() -> Behaviour<Stage> {
    behaviour(
        "lists-of-metadata",
        "A list may hold the metadata only.",
        Page("Kubernetes API Concepts, Alternate representations of resources"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("shop").await;
        let ask =
            Ask::new(Method::GET, BINDINGS).accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        let list = stage.ask(ask).await.expect("a list");
        stage.show(&list, &["/kind", "/apiVersion", "/items/0/metadata/name", "/items/0/spec"]);
        stage.show(&list, &["/items/0/kind", "/items/0/apiVersion"]);
    })
    .expect(&[
        "  kind = \"PartialObjectMetadataList\"",
        "  apiVersion = \"meta.k8s.io/v1\"",
        "  items.0.metadata.name = \"shop\"",
        "  items.0.spec is absent",
        "  items.0.kind = \"PartialObjectMetadata\"",
        "  items.0.apiVersion = \"meta.k8s.io/v1\"",
    ])
}

fn lists_are_selected() -> Behaviour<Stage> {
    behaviour(
        "lists-are-selected",
        "Lists are selected by labels, and by name and namespace as fields.",
        Page("Labels and Selectors; Field Selectors"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        for name in ["a", "b", "c"] {
            let mut object = binding(name);
            object["metadata"]["labels"] = json!({"name": name, "kind": "test"});
            stage.ask(Ask::new(Method::POST, BINDINGS).body(object)).await.expect("made");
        }
        for query in [
            "labelSelector=name%3Da",
            "labelSelector=kind%3Dtest,name!%3Da",
            "labelSelector=name+in+(a,b)",
            "labelSelector=!kind",
            "fieldSelector=metadata.name%3Db",
            "fieldSelector=spec.region%3Dx",
        ] {
            let list = stage.get(&format!("{BINDINGS}?{query}")).await;
            stage.say(format!("{query} -> {}: [{}]", outcome(&list), names(&list.unwrap_or_default())));
        }
    })
    .expect(&[
        "labelSelector=name%3Da -> ok: [a]",
        "labelSelector=kind%3Dtest,name!%3Da -> ok: [b, c]",
        "labelSelector=name+in+(a,b) -> ok: [a, b]",
        "labelSelector=!kind -> ok: []",
        "fieldSelector=metadata.name%3Db -> ok: [b]",
        "fieldSelector=spec.region%3Dx -> 400 BadRequest: field label not supported: \
         spec.region: []",
    ])
}

fn watches_tell_what_comes_after() -> Behaviour<Stage> {
    behaviour(
        "watches-tell-what-comes-after",
        "A watch from a version tells what happens after it, in order, with growing \
         versions.",
        Page("Kubernetes API Concepts, Efficient detection of changes"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("before").await;
        let from = version(&stage.get(BINDINGS).await.expect("a list"));
        stage.create("shop").await;
        let patch = Ask::new(Method::PATCH, SHOP).merge(json!({"metadata": {"labels": {"a": "b"}}}));
        stage.ask(patch).await.expect("patched");
        stage.ask(Ask::new(Method::DELETE, SHOP)).await.expect("deleted");
        stage.create("after").await;
        let events = stage.watched(&format!("{BINDINGS}?watch=true&resourceVersion={from}"), 4).await;
        events.iter().for_each(|event| stage.say(event_in_words(event)));
        let versions: Vec<u64> = events
            .iter()
            .filter_map(|event| match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                    object.resource_version()?.parse().ok()
                }
                _ => None,
            })
            .collect();
        stage.say(format!("versions grow: {}", versions.windows(2).all(|pair| pair[0] < pair[1])));
    })
    .expect(&["ADDED shop", "MODIFIED shop", "DELETED shop", "ADDED after", "versions grow: true"])
}

fn deleted_objects_are_told_whole() -> Behaviour<Stage> {
    behaviour(
        "deleted-objects-are-told-whole",
        "DELETED carries the object as it was last, with the version of its deletion.",
        Page("Kubernetes API Concepts, Efficient detection of changes"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        stage.ask(Ask::new(Method::DELETE, SHOP)).await.expect("deleted");
        let path = format!("{BINDINGS}?watch=true&resourceVersion={}", version(&made));
        for event in stage.watched(&path, 1).await {
            stage.say(event_in_words(&event));
            let WatchEvent::Deleted(object) = event else { continue };
            stage.show(&object.data, &["/spec/loadBalancer/name"]);
            let later =
                object.resource_version().and_then(|text| text.parse::<u64>().ok()) > version(&made).parse().ok();
            stage.say(format!("a later version: {later}"));
            let marked = object.metadata.deletion_timestamp.is_some();
            stage.say(format!("marked as deleted: {marked}"));
        }
    })
    .expect(&[
        "DELETED shop",
        "  spec.loadBalancer.name = \"shop\"",
        "a later version: true",
        "marked as deleted: false",
    ])
}

fn watches_begin_with_what_is_there() -> Behaviour<Stage> {
    behaviour(
        "watches-begin-with-what-is-there",
        "A watch without a version begins with all that is there, as ADDED.",
        Page("Kubernetes API Concepts, Semantics for watch"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("a").await;
        stage.create("b").await;
        let mut seen: Vec<_> =
            stage.watched(&format!("{BINDINGS}?watch=true"), 2).await.iter().map(event_in_words).collect();
        seen.sort();
        seen.iter().for_each(|event| stage.say(event));
    })
    .expect(&["ADDED a", "ADDED b"])
}

fn watches_of_a_selection() -> Behaviour<Stage> {
    behaviour(
        "watches-of-a-selection",
        "An object that no longer matches a watch's selector is told as DELETED, one that \
         begins to as ADDED.",
        Page("Kubernetes API Concepts, Efficient detection of changes"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        for value in ["yes", "no"] {
            let patch = Ask::new(Method::PATCH, SHOP).merge(json!({"metadata": {"labels": {"wanted": value}}}));
            stage.ask(patch).await.expect("patched");
        }
        let path = format!("{BINDINGS}?watch=true&labelSelector=wanted%3Dyes&resourceVersion={}", version(&made));
        stage.watched(&path, 2).await.iter().for_each(|event| stage.say(event_in_words(event)));
    })
    .expect(&["ADDED shop", "DELETED shop"])
}

fn watches_have_bookmarks() -> Behaviour<Stage> {
    behaviour(
        "watches-have-bookmarks",
        "With allowWatchBookmarks a watch tells versions from time to time, at the latest \
         before its end at timeoutSeconds.",
        Page("Kubernetes API Concepts, Watch bookmarks"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        let path = format!(
            "{BINDINGS}?watch=true&allowWatchBookmarks=true&timeoutSeconds=6&resourceVersion={}",
            version(&made)
        );
        let events = stage.watched(&path, 100).await;
        let bookmarks: Vec<u64> = events
            .iter()
            .filter_map(|event| match event {
                WatchEvent::Bookmark(bookmark) => bookmark.metadata.resource_version.parse().ok(),
                _ => None,
            })
            .collect();
        stage.say(format!(
            "at least one: {}, and nothing else: {}",
            !bookmarks.is_empty(),
            bookmarks.len() == events.len()
        ));
        let made: u64 = version(&made).parse().unwrap_or_default();
        stage.say(format!("of this version or later: {}", bookmarks.iter().all(|version| *version >= made)));
    })
    .expect(&["at least one: true, and nothing else: true", "of this version or later: true"])
}

fn watches_of_forgotten_versions() -> Behaviour<Stage> {
    behaviour(
        "watches-of-forgotten-versions",
        "A watch from a version that the server has forgotten is 410 Expired.",
        Page("Kubernetes API Concepts, 410 Gone responses"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("shop").await;
        if let Some(forget) = &stage.forget {
            forget();
        }
        let events = stage.watched(&format!("{BINDINGS}?watch=true&resourceVersion=1"), 1).await;
        events.iter().for_each(|event| stage.say(event_in_words(event)));
    })
    .expect(&["ERROR 410 Expired"])
}
