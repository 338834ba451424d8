//! What the API server answers when it refuses: a `Status`, worded as the real one does.
//!
//! Source: "Kubernetes API Conventions", Error codes and Status; the words were taken from a kube-apiserver 1.36.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::resources::{Origin, Resource};

/// A refusal. A refused request changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The HTTP status.
    pub code: u16,
    /// The machine-readable reason; empty where the real server gives none.
    pub reason: &'static str,
    pub message: String,
    details: Value,
}

/// What is wrong with one field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub reason: FieldReason,
    /// Such as `spec.listeners[0].port`.
    pub field: String,
    /// Without the field, such as `Required value`.
    pub message: String,
}

/// The kinds of field errors that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldReason {
    Required,
    Invalid,
    TypeInvalid,
    NotSupported,
    Duplicate,
    TooLong,
    TooMany,
    Forbidden,
}

impl FieldReason {
    /// CEL rules are not evaluated on an object with such an error, because they could trip over it.
    pub fn blocks_rules(self) -> bool {
        !matches!(self, Self::Invalid | Self::Duplicate | Self::Forbidden)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Forbidden => "FieldValueForbidden",
        }
    }
}

impl FieldError {
    pub fn new(reason: FieldReason, field: impl ToString, message: impl Into<String>) -> Self {
        Self { reason, field: field.to_string(), message: message.into() }
    }

    pub fn invalid(field: impl ToString, value: &Value, why: impl AsRef<str>) -> Self {
        Self::new(FieldReason::Invalid, field, format!("Invalid value: {value}: {}", why.as_ref()))
    }
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    /// With the object that it is about; `kind` is a plural or a kind, as the real server mixes them.
    fn about(self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        for (key, text) in [("name", name), ("group", group), ("kind", kind)] {
            if !text.is_empty() {
                details.insert(key.into(), text.into());
            }
        }
        Self { details: Value::Object(details), ..self }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// Without a reason, as the real server's errors of server-side apply are.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified())).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    pub fn conflict(resource: &Resource, name: &str, why: impl AsRef<str>) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {}", resource.qualified(), why.as_ref());
        Self::new(409, "Conflict", message).about(&resource.group, &resource.plural, name)
    }

    /// The object is not the version that the request was made for.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// A deletion's precondition does not hold.
    pub fn precondition(resource: &Resource, name: &str, why: impl AsRef<str>) -> Self {
        let kind = resource.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {}", why.as_ref());
        Self::new(409, "Conflict", message).about(&resource.group, &resource.kind, name)
    }

    /// Fields that other managers own; each with the manager as it is printed.
    pub fn apply_conflicts(message: String, conflicts: &[(String, String)]) -> Self {
        let causes: Vec<_> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field})
            })
            .collect();
        Self { details: json!({ "causes": causes }), ..Self::new(409, "Conflict", message) }
    }

    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        Self::new(403, "Forbidden", format!("{} \"{name}\" is forbidden: {why}", resource.qualified())).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    pub fn unsupported_patch(resource: &Resource) -> Self {
        if resource.origin == Origin::BuiltIn {
            return Self::new(415, "UnsupportedMediaType", "a strategic merge patch is not simulated");
        }
        let message = "the body of the request was in an unknown format - accepted media types include: \
                       application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A JSON patch that does not fit the object.
    pub fn unfit_patch() -> Self {
        let refused = Self::new(422, "Invalid", "the server rejected our request due to an error in our request");
        Self { details: json!({}), ..refused }
    }

    /// The history from there on is not known any more.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// A list can't be continued as of a version whose history is gone.
    pub fn expired_continue() -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You must start \
                       a new list without the continue parameter.";
        Self::new(410, "Expired", message)
    }

    /// A version from the future.
    pub fn too_large_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
        Self { details: json!({"causes": causes, "retryAfterSeconds": 1}), ..Self::new(504, "Timeout", message) }
    }

    /// All that is wrong with an object, at once; `kind` is qualified, such as `Lease.coordination.k8s.io`.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut seen = BTreeSet::new();
        let mut texts: Vec<String> =
            errors.iter().map(FieldError::to_string).filter(|text| seen.insert(text.clone())).collect();
        let all = if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) };
        let causes: Vec<_> = errors
            .iter()
            .map(|error| json!({"reason": error.reason.name(), "message": error.message, "field": error.field}))
            .collect();
        let mut failure =
            Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {all}")).about(group, kind, name);
        if let Value::Object(details) = &mut failure.details {
            details.insert("causes".into(), causes.into());
        }
        failure
    }

    /// As the body of an answer or the object of an `ERROR` event.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for Failure {}
