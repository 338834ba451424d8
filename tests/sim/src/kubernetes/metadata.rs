//! What holds for the metadata of all objects. Source: "Object Names and IDs", "Labels and Selectors", "Finalizers".

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::failure::{FieldError, FieldReason};

/// Fields that clients can't set.
const OF_THE_SERVER: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "managedFields",
];

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
    for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// The text of a field of the metadata; empty if there is none.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

pub fn finalizers(object: &Value) -> BTreeSet<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

pub fn is_being_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// As the server's own types would write it: without nulls, and without empty lists and maps.
pub fn normalize(object: &mut Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|_, value| match value {
            Value::Null => false,
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
    }
}

/// Takes away what a client can't set.
pub fn disown(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        OF_THE_SERVER.iter().for_each(|field| drop(metadata.remove(*field)));
    }
}

/// Puts in what a write can't change, from the object that is there.
pub fn keep(object: &mut Value, live: &Value) {
    for field in OF_THE_SERVER.iter().chain(&["name", "namespace", "generateName", "resourceVersion"]) {
        match live["metadata"].get(*field) {
            Some(value) => object["metadata"][*field] = value.clone(),
            None => {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove(*field);
                }
            }
        }
    }
}

/// What is wrong with the metadata of an object; `live` is what it replaces.
pub fn refusals(object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(object, "name");
    if name.is_empty() {
        let says = "Required value: name or generateName is required";
        errors.push(FieldError::new(FieldReason::Required, "metadata.name", says));
    } else if !is_subdomain(name) {
        errors.push(FieldError::invalid("metadata.name", &name.into(), SUBDOMAIN));
    } else if name.len() > 253 {
        let says = "must be no more than 253 bytes";
        errors.push(FieldError::invalid("metadata.name", &name.into(), says));
    }
    for (field, values_too) in [("labels", true), ("annotations", false)] {
        let place = format!("metadata.{field}");
        for (key, value) in object["metadata"][field].as_object().into_iter().flatten() {
            if let Some(why) = unqualified(key) {
                errors.push(FieldError::invalid(&place, &key.as_str().into(), why));
            }
            let value = value.as_str().unwrap_or_default();
            if values_too && value.len() > 63 {
                errors.push(FieldError::invalid(&place, &value.into(), "must be no more than 63 bytes"));
            } else if values_too && !value.is_empty() && !is_name_part(value) {
                errors.push(FieldError::invalid(&place, &value.into(), LABEL_VALUE));
            }
        }
    }
    let known = live.map(finalizers).unwrap_or_default();
    for finalizer in finalizers(object).difference(&known) {
        if let Some(why) = unqualified(finalizer) {
            errors.push(FieldError::invalid("metadata.finalizers", &(*finalizer).into(), why));
        }
    }
    errors.extend(live.filter(|live| is_being_deleted(live)).and_then(|live| late_finalizers(object, live)));
    errors
}

/// An object that is being deleted can lose finalizers, but not get any.
fn late_finalizers(object: &Value, live: &Value) -> Option<FieldError> {
    let known = finalizers(live);
    let late: Vec<_> = finalizers(object).difference(&known).map(|finalizer| format!("{finalizer:?}")).collect();
    let says = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        late.join(", ")
    );
    (!late.is_empty()).then(|| FieldError::new(FieldReason::Forbidden, "metadata.finalizers", says))
}

fn is_subdomain(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(label)
}

fn is_name_part(name: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends(name.bytes().next())
        && ends(name.bytes().last())
}

/// Why it is not a qualified name such as `example.com/part` or `part`.
fn unqualified(name: &str) -> Option<&'static str> {
    let (prefix, part) = name.split_once('/').map_or((None, name), |(prefix, part)| (Some(prefix), part));
    match prefix {
        Some(prefix) if !is_subdomain(prefix) => Some("prefix part a lowercase RFC 1123 subdomain is required"),
        _ if part.len() > 63 => Some("name part must be no more than 63 bytes"),
        _ if !is_name_part(part) => Some(NAME_PART),
        _ => None,
    }
}
