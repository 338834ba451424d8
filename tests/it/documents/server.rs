//! What the real API server says of a text, and how that differs from what is said here.

use std::collections::BTreeSet;

use http::Request;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, api::PostParams, core::Status};
use sgbind::documents::DocumentError;

use super::Kept;
use crate::{admission::causes, control_plane};

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

    /// The text itself, applied with the strictest validation, without being stored.
    pub async fn apply(&self, kept: &Kept) -> Result<(), Box<Status>> {
        let plural = match kept.value["kind"].as_str() {
            Some("ALBTargetBinding") => "albtargetbindings",
            Some("SecurityGroupAccess") => "securitygroupaccesses",
            other => panic!("{}: of no kind of ours: {other:?}", kept.name),
        };
        let name = kept.value["metadata"]["name"].as_str().unwrap_or("unnamed");
        let path = format!(
            "/apis/sgbind.dev/v1alpha1/namespaces/{}/{plural}/{name}?fieldManager=sgbind-test&force=true&dryRun=All&fieldValidation=Strict",
            self.namespace(kept)
        );
        let request = Request::patch(path).header("content-type", "application/apply-patch+yaml");
        let request = request.body(kept.text.clone().into_bytes()).expect("a request");
        match self.client.request_text(request).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(status),
            Err(error) => panic!("{}: {error}", kept.name),
        }
    }
}

/// How the two verdicts differ, if they do.
pub fn difference(here: Result<(), Vec<DocumentError>>, there: Result<(), Box<Status>>) -> Option<String> {
    match (here, there) {
        (Ok(()), Ok(())) => None,
        (Err(errors), Ok(())) => Some(format!("refused only here: {errors:?}")),
        (Ok(()), Err(status)) => Some(format!("accepted only here: {}", status.message)),
        (Err(errors), Err(status)) => {
            let here: BTreeSet<String> = errors.iter().map(|error| plain(&error.field)).collect();
            let (there, all) = fields(&status);
            let same = if all { here == there } else { there.is_subset(&here) };
            (!same).then(|| format!("here {here:?}, there {there:?}: {errors:?}\n    {}", status.message))
        }
    }
}

/// The fields that a refusal names, and whether they are all: what can't be merged or decoded is refused before anything
/// else is looked at.
fn fields(status: &Status) -> (BTreeSet<String>, bool) {
    let causes = causes(status);
    if !causes.is_empty() {
        let stopped = status.message.contains("some validation rules were not checked");
        return (causes.iter().map(|cause| plain(&cause.field)).collect(), !stopped);
    }
    // Each line is `.spec.field: what is wrong`, the first behind the object's name.
    let named = status.message.lines().filter_map(|line| {
        let begin = line
            .find(": .")
            .map_or_else(|| line.find('.').filter(|at| line[..*at].trim().is_empty()), |at| Some(at + 2))?;
        line[begin..].split_once(": ").map(|(field, _)| plain(field))
    });
    (named.collect(), false)
}

/// A path without which items it leads through: the API server tells them by number or by key.
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
    plain
}
