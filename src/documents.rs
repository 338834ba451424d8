//! Objects from files, folders and stdin, held to the same rules as in the cluster.
//!
//! ```text
//! files ─► yaml ─► tree ─► judge (schema, metadata, validate) ─► Document
//!  I/O     pure    pure     pure
//! ```
//!
//! Other kinds in the same files are skipped. All errors of all files are told together.

mod files;
mod judge;
mod kinds;
mod metadata;
mod scalar;
mod schema;
mod tree;
mod words;
mod yaml;

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::model::{Object, ObjectRef};

/// Where documents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file of any name, or a folder: what ends in `.yaml`, `.yml` or `.json` in it and in the folders in it, what is
    /// hidden excepted.
    Path(PathBuf),
    Stdin,
}

/// `-` is stdin, everything else a path.
impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::Stdin } else { Self::Path(text.into()) })
    }
}

/// An object, and where it stands.
#[derive(Clone, Debug)]
pub struct Document {
    /// With the defaults that the API server would fill in, and always with a namespace.
    pub object: Object,
    pub origin: Origin,
}

/// The place of a document.
#[derive(Clone, Debug)]
pub struct Origin {
    file: Arc<str>,
    root: Arc<tree::Node>,
}

impl Origin {
    /// The file as it was named, or `stdin`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// On which line it begins, from 1.
    pub fn line(&self) -> usize {
        self.root.line
    }

    /// The line of a field such as `spec.listeners[0].clients[1].cidr`, from 1; where there is no such field, that of
    /// the nearest one which would hold it.
    pub fn position(&self, field: &str) -> usize {
        self.root.position(field)
    }
}

impl Document {
    /// The line of a field, as [`Origin::position`].
    pub fn position(&self, field: &str) -> usize {
        self.origin.position(field)
    }

    /// Tells of something wrong with a field of this document, such as a [`Finding`](crate::validate::Finding).
    pub fn error(&self, field: &str, message: impl Into<String>) -> DocumentError {
        DocumentError {
            file: Some(self.origin.file.to_string()),
            line: Some(self.position(field)),
            object: Some(title(&self.object.reference())),
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

/// One thing that is wrong with what was read. Its `Display` is
/// `team/shop.yaml:14: ALBTargetBinding team-shop/shop: spec.clients: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DocumentError {
    /// The file as it was named, or `stdin`; None where all sources are meant.
    pub file: Option<String>,
    /// From 1; None where the whole file is meant.
    pub line: Option<usize>,
    /// Such as `ALBTargetBinding team-shop/shop`, as far as it is known.
    pub object: Option<String>,
    /// Path of the field; empty where no single one is meant.
    pub field: String,
    /// What is there, what was expected, what to do.
    pub message: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, _) => {}
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with what was read, sorted by file and line. Its `Display` has a line for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DocumentErrors(pub Vec<DocumentError>);

impl fmt::Display for DocumentErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Reads all objects of ours that the sources hold, in their order. Those without a namespace are in
/// `default_namespace`.
///
/// # Errors
/// Everything that is wrong: what can't be read, what the API server would refuse, what is there twice, or that there is
/// nothing of ours at all.
pub fn read(sources: &[Source], default_namespace: &str, stdin: impl Read) -> Result<Vec<Document>, DocumentErrors> {
    let (texts, mut errors) = files::texts(sources, stdin);
    let mut documents = Vec::new();
    for text in &texts {
        let (good, bad) = judge::text(text, default_namespace);
        documents.extend(good);
        errors.extend(bad);
    }
    errors.extend(judge::twice(&documents));
    if documents.is_empty() && errors.is_empty() {
        errors.push(nothing(sources));
    }
    if errors.is_empty() {
        return Ok(documents);
    }
    errors.sort_by(order);
    Err(DocumentErrors(errors))
}

fn order(one: &DocumentError, other: &DocumentError) -> Ordering {
    (&one.file, one.line, &one.field).cmp(&(&other.file, other.line, &other.field))
}

fn nothing(sources: &[Source]) -> DocumentError {
    let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
    let message =
        format!("no ALBTargetBinding or SecurityGroupAccess of {} in {}", kinds::api_version(), names.join(", "));
    DocumentError { file: None, line: None, object: None, field: String::new(), message }
}

/// As errors name a source.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}

fn title(object: &ObjectRef) -> String {
    format!("{} {}/{}", object.kind.name(), object.namespace, object.name)
}

#[cfg(test)]
mod tests;
