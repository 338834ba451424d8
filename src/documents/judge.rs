//! Pure: whether a document would be taken by the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::files::{Found, Text};
use super::kinds::{Nature, nature, objects};
use super::tree::Node;
use super::yaml::{Problem, parts};
use super::{Document, DocumentError, Origin, metadata, schema};
use crate::api::{ALBTargetBinding, SecurityGroupAccess};
use crate::model::{Kind, Object, ObjectRef, Scope};
use crate::validate::{self, Finding};

/// The documents of ours in a text, and all that is wrong.
pub(super) fn text(text: &Text, default_namespace: &str) -> (Vec<Document>, Vec<DocumentError>) {
    let mut reading = Reading {
        file: text.name.as_str().into(),
        default_namespace,
        documents: Vec::new(),
        errors: Vec::new(),
        problems: Vec::new(),
    };
    for part in parts(&text.content) {
        match part.trees() {
            Ok(trees) => trees.into_iter().for_each(|tree| reading.document(tree.root, &tree.problems)),
            // In folders lie templates and texts of other tools; what names our group nowhere is none of ours.
            Err(_) if text.found == Found::InFolder && !part.text.contains("sgbind.dev") => {}
            Err(problem) => reading.tell(None, problem),
        }
    }
    (reading.documents, reading.errors)
}

/// Objects that are there more than once: which would be meant?
pub(super) fn twice(documents: &[Document]) -> Vec<DocumentError> {
    let mut first = BTreeMap::<ObjectRef, &Document>::new();
    let mut errors = Vec::new();
    for document in documents {
        let reference = document.object.reference();
        match first.get(&reference) {
            Some(earlier) => {
                let (file, line) = (earlier.origin.file(), earlier.position("metadata.name"));
                let message =
                    format!("this object stands at {file}:{line} already: leave one of the two, or rename one");
                errors.push(document.error("metadata.name", message));
            }
            None => drop(first.insert(reference, document)),
        }
    }
    errors
}

struct Reading<'a> {
    file: Arc<str>,
    default_namespace: &'a str,
    documents: Vec<Document>,
    errors: Vec<DocumentError>,
    /// Of the text of the document that is being read.
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn document(&mut self, root: Node, problems: &[Problem]) {
        let mut objects = objects(root);
        let natures: Vec<Nature> = objects.iter().map(nature).collect();
        let first = natures.iter().position(|nature| *nature != Nature::Other);
        let Some(first) = first else { return };
        // What is wrong with the text of a document that holds one of ours may change what it says.
        let whom = self.name(&objects[first], &natures[first]);
        problems.iter().for_each(|problem| self.tell(Some(whom.clone()), problem.clone()));
        self.problems = problems.to_vec();
        for (object, nature) in objects.drain(..).zip(natures) {
            match nature {
                Nature::Other => {}
                Nature::Ours(kind) => self.object(object, kind),
                Nature::Wrong(finding) => {
                    let whom = object_name(&object, object.text("kind").unwrap_or("object"), self.default_namespace);
                    self.find(&object, &whom, vec![finding]);
                }
            }
        }
    }

    fn name(&self, object: &Node, nature: &Nature) -> String {
        let kind = match nature {
            Nature::Ours(kind) => kind.name(),
            _ => object.text("kind").unwrap_or("object"),
        };
        object_name(object, kind, self.default_namespace)
    }

    fn object(&mut self, node: Node, kind: Kind) {
        let whom = object_name(&node, kind.name(), self.default_namespace);
        match object(&node, kind, self.default_namespace) {
            Ok(object) => {
                let origin = Origin { file: Arc::clone(&self.file), root: Arc::new(node) };
                self.documents.push(Document { object, origin });
            }
            Err(findings) => self.find(&node, &whom, findings),
        }
    }

    fn find(&mut self, object: &Node, whom: &str, findings: Vec<Finding>) {
        for Finding { field, message } in findings {
            let line = object.position(&field);
            // What can't be read there is told already.
            if self.problems.iter().any(|problem| problem.line == line && problem.field.ends_with(&field)) {
                continue;
            }
            self.tell(Some(whom.to_owned()), Problem { line, field, message });
        }
    }

    fn tell(&mut self, object: Option<String>, problem: Problem) {
        let Problem { line, field, message } = problem;
        self.errors.push(DocumentError { file: Some(self.file.to_string()), line: Some(line), object, field, message });
    }
}

/// As far as the document says it.
fn object_name(object: &Node, kind: &str, default_namespace: &str) -> String {
    let metadata = object.field("metadata").map(|field| &field.node);
    let part = |name: &str| metadata.and_then(|metadata| metadata.text(name)).filter(|text| !text.is_empty());
    let name = part("name").or_else(|| part("generateName")).unwrap_or("(no name)");
    format!("{kind} {}/{name}", part("namespace").unwrap_or(default_namespace))
}

/// The object as the API server would hold it.
///
/// # Errors
/// Everything for which the API server would refuse it.
fn object(node: &Node, kind: Kind, default_namespace: &str) -> Result<Object, Vec<Finding>> {
    let mut json = node.to_json();
    let mut findings = schema::findings(kind, &mut json);
    findings.extend(metadata::findings(&json["metadata"]));
    if !findings.is_empty() {
        return Err(findings);
    }
    metadata::settle(&mut json["metadata"], default_namespace);
    let object = typed(kind, json)
        .map_err(|error| vec![Finding { field: String::new(), message: format!("can't be read: {error}") }])?;
    // Which account and Region are meant where none is named makes no difference to what is wrong.
    let home = Scope { account: "000000000000".into(), region: "us-east-1".into() };
    match validate::object(&object, &home) {
        Ok(_) => Ok(object),
        Err(findings) => Err(findings),
    }
}

fn typed(kind: Kind, json: Json) -> serde_json::Result<Object> {
    match kind {
        Kind::AlbTargetBinding => serde_json::from_value::<ALBTargetBinding>(json).map(Object::from),
        Kind::SecurityGroupAccess => serde_json::from_value::<SecurityGroupAccess>(json).map(Object::from),
    }
}
