//! What behaviours do with an API server, each in words of its transcript.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use http::{Method, Request};
use kube::{
    Client,
    api::{DynamicObject, WatchEvent},
    core::Status,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::{Stand, Transcript};

/// For an event of a watch that should come.
const PATIENCE: Duration = Duration::from_secs(30);

/// One behaviour's hold on an API server: a namespace of its own.
#[derive(Clone)]
pub struct Stage {
    client: Client,
    pub transcript: Transcript,
    /// Makes the server forget old versions, where it can.
    pub forget: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Stand for Stage {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }
}

/// What is asked of the server.
pub struct Ask<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: Option<Value>,
    content: &'static str,
    accept: &'static str,
}

impl<'a> Ask<'a> {
    pub fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, content: "application/json", accept: "application/json" }
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn merge(mut self, body: Value) -> Self {
        self.content = "application/merge-patch+json";
        self.body(body)
    }

    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }
}

pub type Answer = Result<Value, Box<Status>>;

/// `ok`, or the error with its message.
pub fn outcome(answer: &Answer) -> String {
    match answer {
        Ok(_) => "ok".into(),
        Err(status) => format!("{} {}: {}", status.code, status.reason, status.message),
    }
}

impl Stage {
    pub fn new(client: Client) -> Self {
        Self { client, transcript: Transcript::default(), forget: None }
    }

    /// On a server that forgets old versions at will.
    pub fn forgetting(self, forget: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { forget: Some(forget), ..self }
    }

    pub fn say(&self, line: impl AsRef<str>) {
        self.transcript.say(line);
    }

    /// A namespace of this behaviour's own, called `NAMESPACE`.
    pub async fn namespace(&self) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "sgbind-test-"}});
        let made = self.ask(Ask::new(Method::POST, "/api/v1/namespaces").body(namespace)).await;
        let made = made.unwrap_or_else(|status| panic!("no namespace: {}", status.message));
        self.transcript.name("NAMESPACE", made["metadata"]["name"].as_str().unwrap_or_default());
    }

    /// `NAMESPACE` in a path stands for that one.
    pub async fn ask(&self, ask: Ask<'_>) -> Answer {
        let path = ask.path.replace("NAMESPACE", &self.transcript.id("NAMESPACE"));
        let body = ask.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder().method(ask.method).uri(path).header("content-type", ask.content);
        let request = request.header("accept", ask.accept).body(body).expect("a request");
        match self.client.request::<Value>(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => Err(status),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Ask::new(Method::GET, path)).await
    }

    /// Server-side apply of these fields of an object, as this manager; `query` begins with `&`.
    pub async fn apply(&self, path: &str, manager: &str, query: &str, mut fields: Value) -> Answer {
        let name = path.trim_end_matches("/status").rsplit('/').next().unwrap_or_default();
        let (version, kind) = kind_of(path);
        fields["apiVersion"] = version.into();
        fields["kind"] = kind.into();
        fields["metadata"]["name"] = name.into();
        let path = format!("{path}?fieldManager={manager}{query}");
        let mut ask = Ask::new(Method::PATCH, &path).body(fields);
        ask.content = "application/apply-patch+yaml";
        self.ask(ask).await
    }

    /// A binding that lacks nothing, made by `POST`.
    pub async fn create(&self, name: &str) -> Value {
        let answer = self.ask(Ask::new(Method::POST, BINDINGS).body(binding(name))).await;
        answer.unwrap_or_else(|status| panic!("{name}: {}", status.message))
    }

    /// Says what stands at these JSON pointers.
    pub fn show(&self, value: &Value, pointers: &[&str]) {
        for pointer in pointers {
            let path = pointer.trim_start_matches('/').replace('/', ".");
            match value.pointer(pointer) {
                Some(found) => self.say(format!("  {path} = {found}")),
                None => self.say(format!("  {path} is absent")),
            }
        }
    }

    /// Says who owns what, one line for each manager, without times.
    pub fn show_owners(&self, value: &Value) {
        let mut lines: Vec<String> = Vec::new();
        for entry in value["metadata"]["managedFields"].as_array().into_iter().flatten() {
            let word = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            let of =
                if word("subresource").is_empty() { String::new() } else { format!(" of {}", word("subresource")) };
            lines.push(format!("  {} by {}{of}: {}", word("manager"), word("operation"), entry["fieldsV1"]));
        }
        lines.sort();
        lines.iter().for_each(|line| self.say(line));
    }

    /// So many events of a watch, as they come; fewer, if it ends or nothing comes any more.
    pub async fn watched(&self, path: &str, count: usize) -> Vec<WatchEvent<DynamicObject>> {
        let path = path.replace("NAMESPACE", &self.transcript.id("NAMESPACE"));
        let request = Request::get(path).body(vec![]).expect("a request");
        let events = match self.client.request_events::<DynamicObject>(request).await {
            Ok(events) => events,
            Err(kube::Error::Api(status)) => return vec![WatchEvent::Error(status)],
            Err(error) => panic!("{error}"),
        };
        let mut events = Box::pin(events.take(count).into_stream());
        let mut seen = Vec::new();
        while let Ok(Some(event)) = timeout(PATIENCE, events.next()).await {
            seen.push(event.unwrap_or_else(|error| panic!("a watch: {error}")));
        }
        seen
    }
}

/// The path of our kind in the namespace of the behaviour.
pub const BINDINGS: &str = "/apis/sgbind.dev/v1alpha1/namespaces/NAMESPACE/albtargetbindings";
/// One binding, and its status.
pub const SHOP: &str = "/apis/sgbind.dev/v1alpha1/namespaces/NAMESPACE/albtargetbindings/shop";
pub const SHOP_STATUS: &str = "/apis/sgbind.dev/v1alpha1/namespaces/NAMESPACE/albtargetbindings/shop/status";
pub const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases";
pub const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases/lease";

fn kind_of(path: &str) -> (&'static str, &'static str) {
    if path.contains("/leases") {
        ("coordination.k8s.io/v1", "Lease")
    } else {
        ("sgbind.dev/v1alpha1", "ALBTargetBinding")
    }
}

/// The smallest binding.
pub fn binding(name: &str) -> Value {
    json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "metadata": {"name": name},
        "spec": {"loadBalancer": {"name": "shop"}},
    })
}

/// What a watch told, without what is different each time.
pub fn event_in_words(event: &WatchEvent<DynamicObject>) -> String {
    let named = |object: &DynamicObject| object.metadata.name.clone().unwrap_or_default();
    match event {
        WatchEvent::Added(object) => format!("ADDED {}", named(object)),
        WatchEvent::Modified(object) => format!("MODIFIED {}", named(object)),
        WatchEvent::Deleted(object) => format!("DELETED {}", named(object)),
        WatchEvent::Bookmark(_) => "BOOKMARK".into(),
        WatchEvent::Error(status) => format!("ERROR {} {}", status.code, status.reason),
    }
}
