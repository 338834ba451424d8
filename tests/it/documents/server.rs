//! What the real API server says of a text, and how that differs from what is said here.

use std::collections::BTreeSet;

use http::{Request, request::Builder};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, api::PostParams, core::Status};
use serde_json::{Value, json};
use sgbind::{
    documents::{Document, DocumentError},
    model::Object,
};

use super::Kept;
use crate::{admission::causes, control_plane};

/// The object as it would be stored, or the refusal.
pub type Answer = Result<Value, Box<Status>>;

pub struct Server {
    client: Client,
    namespace: String,
}

impl Server {
    /// With the namespaces of these documents.
    pub async fn new(documents: &[Kept]) -> Self {
        let client = control_plane::client().await;
        let namespaces: BTreeSet<&str> =
            documents.iter().filter_map(|kept| kept.value["metadata"]["namespace"].as_str()).collect();
        for name in namespaces {
            let mut namespace = Namespace::default();
            namespace.metadata.name = Some(name.into());
            match Api::all(client.clone()).create(&PostParams::default(), &namespace).await {
                Ok(_) => {}
                // By another test of this process.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => panic!("namespace {name}: {error}"),
            }
        }
        let namespace = control_plane::namespace(&client).await;
        Self { client, namespace }
    }

    /// Where a document is, whether or not it says so.
    pub fn namespace<'a>(&'a self, kept: &'a Kept) -> &'a str {
        kept.value["metadata"]["namespace"].as_str().unwrap_or(&self.namespace)
    }

    /// As `kubectl apply` and `kubectl create` do where the object is new.
    pub async fn create(&self, kept: &Kept) -> Answer {
        let request = Request::post(self.path(kept, "")).header("content-type", "application/yaml");
        self.ask(kept, request).await
    }

    /// As `kubectl apply --server-side`.
    pub async fn apply(&self, kept: &Kept) -> Answer {
        let name = kept.value["metadata"]["name"].as_str().unwrap_or("unnamed");
        let path = self.path(kept, &format!("/{name}")) + "&force=true";
        self.ask(kept, Request::patch(path).header("content-type", "application/apply-patch+yaml")).await
    }

    fn path(&self, kept: &Kept, name: &str) -> String {
        let plural = match kept.value["kind"].as_str() {
            Some("ALBTargetBinding") => "albtargetbindings",
            Some("SecurityGroupAccess") => "securitygroupaccesses",
            other => panic!("{}: of no kind of ours: {other:?}", kept.name),
        };
        let namespace = self.namespace(kept);
        format!(
            "/apis/sgbind.dev/v1alpha1/namespaces/{namespace}/{plural}{name}?fieldManager=sgbind-test&dryRun=All&fieldValidation=Strict"
        )
    }

    /// Sends the very text, to be judged with the strictest validation, without being stored.
    async fn ask(&self, kept: &Kept, request: Builder) -> Answer {
        let request = request.body(kept.text.clone().into_bytes()).expect("a request");
        match self.client.request_text(request).await {
            Ok(answer) => Ok(serde_json::from_str(&answer).expect("JSON")),
            Err(kube::Error::Api(status)) => Err(status),
            Err(error) => panic!("{}: {error}", kept.name),
        }
    }
}

/// How the two verdicts differ, if they do.
pub fn difference(here: &Result<Vec<Document>, Vec<DocumentError>>, there: &Answer) -> Option<String> {
    match (here, there) {
        (Ok(documents), Ok(stored)) => {
            let here = match &documents[0].object {
                Object::Binding(binding) => json!(binding.spec),
                Object::Access(access) => json!(access.spec),
            };
            (here != stored["spec"]).then(|| format!("here {here}, there {}", stored["spec"]))
        }
        (Err(errors), Ok(_)) => Some(format!("refused only here: {errors:?}")),
        (Ok(_), Err(status)) => Some(format!("accepted only here: {}", status.message)),
        (Err(errors), Err(status)) => {
            let here: BTreeSet<String> = errors.iter().map(|error| plain(&error.field)).collect();
            let (there, all) = fields(status);
            // A field of what should be a text is unknown to the API server.
            let is_within = |field: &String| {
                here.iter()
                    .any(|told| field.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
            };
            let same = if all { here == there } else { there.iter().all(is_within) };
            (!same).then(|| format!("here {here:?}, there {there:?}: {errors:?}\n    {}", status.message))
        }
    }
}

/// The fields that a refusal names, and whether they are all: what can't be decoded or merged is refused before anything
/// else is looked at, and rules are asked only where all else is right.
fn fields(status: &Status) -> (BTreeSet<String>, bool) {
    let causes = causes(status);
    if !causes.is_empty() {
        let stopped = status.message.contains("some validation rules were not checked");
        // What a format refuses has no field of its own.
        let named = causes.iter().map(|cause| &cause.field).filter(|field| *field != "<nil>");
        return (named.map(|field| plain(field)).collect(), !stopped);
    }
    if let Some((_, unknown)) = status.message.split_once("strict decoding error: ") {
        let named = unknown.split("unknown field \"").skip(1).filter_map(|rest| rest.split_once('"'));
        return (named.map(|(field, _)| plain(field)).collect(), false);
    }
    // Each line is `.spec.field: what is wrong`, the first behind the object's name.
    let named = status.message.lines().filter_map(|line| {
        let begin = if line.trim_start().starts_with('.') { line.find('.') } else { line.find(": .").map(|at| at + 2) };
        line[begin?..].split_once(": ").map(|(field, _)| plain(field))
    });
    (named.collect(), false)
}

/// A path without which items or keys it leads through: the API server tells them by number, by key, or as fields.
pub fn plain(field: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0;
    for letter in field.trim_start_matches('.').chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    for map in [".tags", ".labels", ".annotations"] {
        if let Some(at) = plain.find(&format!("{map}.")) {
            plain.truncate(at + map.len());
        }
    }
    plain
}
