//! Documents that people write: `tests/admission/mistakes/` holds what is refused, with what is said of it, and
//! `tests/admission/accepted/` what is not. Each is tried on the real API server, and by `validate`, which alone sees
//! what comes from files.

use std::{fs, path::Path};

use kube::core::Status;
use serde_json::Value;
use sgbind::{
    api::{ALBTargetBinding, SecurityGroupAccess},
    documents::{self, DocumentErrors, Source},
    model::{Object, Scope},
    validate,
};

use super::{Cluster, causes};
use crate::{control_plane, document};

/// A document, and the comment at its head.
struct Document {
    name: String,
    head: String,
    body: String,
    value: Value,
}

#[tokio::test]
async fn mistakes_are_refused_with_what_to_write_instead() {
    let documents = all("mistakes");
    assert!(documents.len() >= 40, "only {}", documents.len());
    let wrong = try_all(&documents, |document, refusal, findings| {
        let Some(refusal) = refusal else { return Some("the API server accepts it".into()) };
        let findings = match findings {
            Ok(findings) if findings.is_empty() => return Some("validate accepts it".into()),
            Ok(findings) => findings,
            // How a text can't be read is for its reader to say.
            Err(_) => Vec::new(),
        };
        let told = told(document);
        if told.is_empty() {
            return Some("as a file it is accepted".into());
        }
        let said = head(&refusal, &findings, &told);
        if said != document.head && document::is_updated() {
            document.write(&said);
            return None;
        }
        (said != document.head).then(|| format!("expected\n{}\nbut it is\n{said}", document.head))
    });
    let wrong = wrong.await;
    assert!(wrong.is_empty(), "{}\n(SGBIND_UPDATE_DOCS=1 writes the heads anew)", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_right_is_accepted() {
    let documents = all("accepted");
    assert!(documents.len() >= 8, "only {}", documents.len());
    let wrong = try_all(&documents, |_, refusal, findings| match (refusal, findings) {
        (None, Ok(findings)) if findings.is_empty() => None,
        (refusal, findings) => Some(format!("{refusal:?}, {findings:?}")),
    });
    let wrong = wrong.await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `check` says of each document, given what the API server says and what `validate` finds, or why the document
/// can't be read.
async fn try_all(
    documents: &[Document],
    check: impl Fn(&Document, Option<Vec<String>>, Result<Vec<String>, String>) -> Option<String>,
) -> Vec<String> {
    let client = control_plane::client().await;
    let mut clusters = Vec::new();
    for crd in sgbind::api::crds() {
        clusters.push(Cluster::new(client.clone(), &crd).await);
    }
    let mut wrong = Vec::new();
    for document in documents {
        let cluster = clusters.iter().find(|cluster| document.value["kind"] == *cluster.kind);
        let cluster = cluster.unwrap_or_else(|| panic!("{}: of no kind of ours", document.name));
        assert_eq!(document.value["apiVersion"], *cluster.api_version, "{}", document.name);
        let refusal = cluster.apply(&document.value).await.err().map(|refusal| said(&refusal));
        let complaint = check(document, refusal, findings(&document.value));
        wrong.extend(complaint.map(|complaint| format!("{}: {complaint}", document.name)));
    }
    wrong
}

fn all(folder: &str) -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admission").join(folder);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let head: String = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
            let body = text[head.len()..].to_owned();
            let value = serde_saphyr::from_str(&body).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
            Document { name, head, body, value }
        })
        .collect()
}

impl Document {
    fn write(&self, head: &str) {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(&self.name), format!("{head}{}", self.body)).unwrap();
    }
}

fn head(refusal: &[String], findings: &[String], told: &[String]) -> String {
    let refused = refusal.iter().map(|text| format!("# refused: {text}\n"));
    let found = findings.iter().map(|text| format!("# found: {text}\n"));
    let told = told.iter().map(|text| format!("# told: {text}\n"));
    refused.chain(found).chain(told).collect()
}

/// What is told of the document as a file: each field, and what is wrong with it.
fn told(document: &Document) -> Vec<String> {
    let read = documents::read(&[Source::Stdin], "default", document.body.as_bytes());
    let errors = read.err().map(|DocumentErrors(errors)| errors).unwrap_or_default();
    errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect()
}

/// Each cause, or the message where there is none: what can't be merged is refused before it is validated. Sorted, as the
/// API server tells of fields in any order.
fn said(refusal: &Status) -> Vec<String> {
    let causes = causes(refusal).into_iter().map(|cause| format!("{}: {}", cause.field, cause.message));
    let mut said: Vec<String> = causes.collect();
    if said.is_empty() {
        // Before it stand the names of the object and its namespace.
        let message = refusal.message.rsplit_once("): ").map_or(refusal.message.as_str(), |(_, message)| message);
        let lines = message.lines().map(str::trim).filter(|line| *line != "errors:");
        said = lines.map(str::to_owned).collect();
    }
    said.sort();
    said
}

/// What `validate` says, or why it isn't asked.
pub fn findings(document: &Value) -> Result<Vec<String>, String> {
    let home = Scope { account: "123456789012".into(), region: "ap-northeast-2".into() };
    let findings = validate::object(&parse(document)?, &home).err().unwrap_or_default();
    Ok(findings.iter().map(ToString::to_string).collect())
}

fn parse(document: &Value) -> Result<Object, String> {
    let text = document.to_string();
    let object = if document["kind"] == "ALBTargetBinding" {
        serde_json::from_str::<ALBTargetBinding>(&text).map(Object::from)
    } else {
        serde_json::from_str::<SecurityGroupAccess>(&text).map(Object::from)
    };
    object.map_err(|error| error.to_string())
}
