//! The server at the level of HTTP, in virtual time. What is expected was seen at a kube-apiserver 1.36.

mod admission;
mod apply;
mod objects;
mod schemas;
mod table;
mod watching;

use std::path::Path;

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service as _;

use super::{Body, Kinds, Kubernetes, Service};

const BINDINGS: &str = "/apis/sgbind.dev/v1alpha1/namespaces/default/albtargetbindings";
const ALL_BINDINGS: &str = "/apis/sgbind.dev/v1alpha1/albtargetbindings";

/// The project's CRD.
fn crd() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/albtargetbindings.sgbind.dev.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn server() -> Kubernetes {
    server_with(vec![crd()])
}

fn server_with(crds: Vec<Value>) -> Kubernetes {
    Kubernetes::new(1, "2024-05-01T12:00:00Z".parse().unwrap(), &Kinds::new(&crds).unwrap())
}

fn binding(name: &str) -> Value {
    json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "metadata": {"name": name},
        "spec": {"loadBalancer": {"name": "shop"}},
    })
}

/// A binding of which only some fields are given.
fn partial(name: &str, fields: Value) -> Value {
    let mut object = json!({
        "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "metadata": {"name": name},
    });
    for (field, value) in fields.as_object().unwrap() {
        match field.as_str() {
            "metadata" => object["metadata"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone()),
            _ => object[field] = value.clone(),
        }
    }
    object
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Sends requests as a client that calls itself `tester`.
struct Client(Service);

impl Client {
    fn new(server: &Kubernetes) -> Self {
        Self(server.service())
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let (code, text) = self.exchange(method, path, kind, JSON, body).await;
        (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    async fn exchange(&mut self, method: &str, path: &str, kind: &str, accept: &str, body: Bytes) -> (u16, String) {
        let response = self.0.call(request(method, path, kind, accept, body)).await.unwrap();
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&mut self, path: &str) -> (u16, Value) {
        self.send("GET", path, JSON, &Value::Null).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, JSON, body).await
    }

    async fn put(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.send("PUT", path, JSON, body).await
    }

    async fn merge(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.send("PATCH", path, MERGE, body).await
    }

    async fn delete(&mut self, path: &str) -> (u16, Value) {
        self.send("DELETE", path, JSON, &Value::Null).await
    }

    /// Applies as a manager; `query` is such as `&force=true`.
    async fn apply(&mut self, path: &str, manager: &str, query: &str, body: &Value) -> (u16, Value) {
        self.send("PATCH", &format!("{path}?fieldManager={manager}{query}"), APPLY, body).await
    }

    async fn open(&mut self, path: &str) -> Events {
        let response = self.0.call(request("GET", path, JSON, JSON, Bytes::new())).await.unwrap();
        assert_eq!(response.status(), 200);
        Events { body: response.into_body(), lines: Vec::new() }
    }
}

fn request(method: &str, path: &str, kind: &str, accept: &str, body: Bytes) -> http::Request<Full<Bytes>> {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind)
        .header("accept", accept)
        .header("user-agent", "tester/1.0")
        .body(Full::new(body))
        .unwrap()
}

/// An open watch.
struct Events {
    body: Body,
    lines: Vec<Value>,
}

impl Events {
    /// The next event, however long it takes; None at the end.
    async fn next(&mut self) -> Option<Value> {
        while self.lines.is_empty() {
            let data = self.body.frame().await?.unwrap().into_data().unwrap();
            let text = String::from_utf8(data.to_vec()).unwrap();
            self.lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        Some(self.lines.remove(0))
    }

    /// The kind and the object's name of the next event.
    async fn told(&mut self) -> Option<(String, String)> {
        self.next().await.map(|event| (text(&event["type"]), text(&event["object"]["metadata"]["name"])))
    }

    /// Whether there is nothing to be told now.
    fn is_quiet(&mut self) -> bool {
        self.lines.is_empty() && self.body.frame().now_or_never().is_none()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An event as [`Events::told`] tells it.
fn event(kind: &str, name: &str) -> Option<(String, String)> {
    Some((kind.to_owned(), name.to_owned()))
}

/// Code, reason and message of a refusal.
fn refusal((code, status): &(u16, Value)) -> (u16, String, String) {
    assert_eq!(status["kind"], "Status", "{status}");
    (*code, text(&status["reason"]), text(&status["message"]))
}

fn refused(code: u16, reason: &str, message: &str) -> (u16, String, String) {
    (code, reason.to_owned(), message.to_owned())
}
