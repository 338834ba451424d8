//! What holds for the metadata of all objects. Source: "Object Names and IDs", "Labels and Selectors", "Finalizers" of
//! the documentation of Kubernetes.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Value, json};

use crate::validate::Finding;

/// What only the API server sets, and drops where an object is created. What identifies the object stays, so that what
/// `kubectl get -o yaml` printed can be recognised.
const OF_THE_SERVER: [&str; 4] = ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"];
/// Bytes of all keys and values of annotations. Source: `TotalAnnotationSizeLimitB` of k8s.io/apimachinery.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The schema of `ObjectMeta`, which CRDs leave out.
pub(super) fn schema() -> JSONSchemaProps {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    let flag = json!({"type": "boolean"});
    let schema = json!({
        "type": "object",
        "properties": {
            "name": text, "namespace": text, "generateName": text, "uid": text, "resourceVersion": text,
            "selfLink": text,
            "creationTimestamp": {"type": "string", "format": "date-time"},
            "deletionTimestamp": {"type": "string", "format": "date-time"},
            "generation": {"type": "integer", "format": "int64"},
            "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
            "labels": texts, "annotations": texts,
            "finalizers": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "ownerReferences": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                "items": {
                    "type": "object", "required": ["apiVersion", "kind", "name", "uid"],
                    "properties": {
                        "apiVersion": text, "kind": text, "name": text, "uid": text, "controller": flag,
                        "blockOwnerDeletion": flag,
                    },
                },
            },
            "managedFields": {
                "type": "array",
                "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        },
    });
    serde_json::from_value(schema).expect("a schema")
}

/// What of the metadata the schema can't say.
pub(super) fn findings(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What else it is, the schema says.
    if !metadata.is_object() && !metadata.is_null() {
        return findings;
    }
    let mut find = |field: String, message: String| findings.push(Finding { field, message });
    let text = |name: &str| metadata[name].as_str().unwrap_or_default();
    match (text("name"), text("generateName")) {
        ("", "") if metadata["name"].is_string() || metadata["name"].is_null() => {
            find("metadata.name".into(), "is missing: write a name".into());
        }
        ("", generated) if !generated.is_empty() => find(
            "metadata.name".into(),
            "is missing: with generateName alone nobody could say which object is meant, so write a name".into(),
        ),
        ("", _) => {}
        (name, _) if !is_subdomain(name) || name.len() > 253 => find(
            "metadata.name".into(),
            format!(
                "{name:?} is not a name for an object: write at most 253 of a-z, 0-9, hyphen and dot, with a letter or digit \
                 at both ends of each part"
            ),
        ),
        _ => {}
    }
    let namespace = text("namespace");
    if !namespace.is_empty() && !is_label(namespace) {
        find(
            "metadata.namespace".into(),
            format!("{namespace:?} is not a name for a namespace: write at most 63 of a-z, 0-9 and inner hyphens"),
        );
    }
    for (field, value) in metadata["labels"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str().filter(|value| !value.is_empty() && !is_name_part(value)) {
            find(
                format!("metadata.labels[{field}]"),
                format!(
                    "{value:?} is not a value for a label: write at most 63 letters, digits and inner '-', '_' or '.'"
                ),
            );
        }
    }
    for key in metadata["labels"].as_object().into_iter().flat_map(|fields| fields.keys()) {
        find_unqualified(key, key, &format!("metadata.labels[{key}]"), &mut find);
    }
    for key in metadata["annotations"].as_object().into_iter().flat_map(|fields| fields.keys()) {
        // Of annotations the API server looks at the key in lower case.
        find_unqualified(key, &key.to_lowercase(), &format!("metadata.annotations[{key}]"), &mut find);
    }
    for (number, finalizer) in metadata["finalizers"].as_array().into_iter().flatten().enumerate() {
        if let Some(finalizer) = finalizer.as_str() {
            find_unqualified(finalizer, finalizer, &format!("metadata.finalizers[{number}]"), &mut find);
        }
    }
    let size = |(key, value): (&String, &Value)| key.len() + value.as_str().map_or(0, str::len);
    if metadata["annotations"].as_object().into_iter().flatten().map(size).sum::<usize>() > ANNOTATIONS_LIMIT {
        find(
            "metadata.annotations".into(),
            "have together more than the 262144 bytes that the API server takes".into(),
        );
    }
    findings
}

/// Fills in the namespace, and takes away what a client can't set.
pub(super) fn settle(metadata: &mut Value, default_namespace: &str) {
    let Some(fields) = metadata.as_object_mut() else { return };
    OF_THE_SERVER.iter().for_each(|field| drop(fields.remove(*field)));
    if fields.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) {
        fields.insert("namespace".into(), default_namespace.into());
    }
}

fn find_unqualified(name: &str, tried: &str, field: &str, find: &mut impl FnMut(String, String)) {
    let (prefix, part) = tried.split_once('/').map_or((None, tried), |(prefix, part)| (Some(prefix), part));
    let is_prefix = |prefix: &str| is_subdomain(prefix) && prefix.len() <= 253;
    if prefix.is_some_and(|prefix| !is_prefix(prefix)) || !is_name_part(part) {
        find(
            field.to_owned(),
            format!(
                "{name:?} is not a name of this kind: write one such as example.com/part, of letters, digits and inner \
                 '-', '_' or '.', at most 63 behind the slash"
            ),
        );
    }
}

fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// Its parts may be longer than labels.
fn is_subdomain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-'))
}

fn is_name_part(name: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends(name.bytes().next())
        && ends(name.bytes().last())
}
