//! Documents with a hole, and what fills it.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Value, json};

/// A step to a hole.
pub enum Step {
    Field(String),
    Item(usize),
}

pub fn hole(document: &Value) -> Option<Vec<Step>> {
    let inside = |step: Step, value: &Value| {
        hole(value).map(|mut rest| {
            rest.insert(0, step);
            rest
        })
    };
    match document {
        Value::String(text) if text == "$" => Some(Vec::new()),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| inside(Step::Field(name.clone()), value)),
        Value::Array(items) => items.iter().enumerate().find_map(|(number, value)| inside(Step::Item(number), value)),
        _ => None,
    }
}

pub fn fill(document: &Value, hole: &[Step], value: &Value) -> Value {
    let mut document = document.clone();
    let mut at = &mut document;
    for step in hole {
        at = match step {
            Step::Field(name) => &mut at[name.as_str()],
            Step::Item(number) => &mut at[*number],
        };
    }
    *at = value.clone();
    document
}

pub fn stretched(text: &str, length: usize) -> String {
    let missing = (length + 1).checked_sub(text.len()).unwrap_or_else(|| panic!("{text} is longer than {length}"));
    text.replacen('*', &"a".repeat(missing), 1)
}

pub fn numbered(item: &Value, number: i64) -> Value {
    match item {
        Value::String(text) if text == "#" => json!(number),
        Value::String(text) => json!(text.replace('#', &number.to_string())),
        Value::Array(items) => items.iter().map(|item| numbered(item, number)).collect(),
        Value::Object(fields) => {
            let numbered_fields =
                fields.iter().map(|(name, value)| (name.replace('#', &number.to_string()), numbered(value, number)));
            Value::Object(numbered_fields.collect())
        }
        other => other.clone(),
    }
}

/// A list of the items, or one map of all their fields, as the schema wants it.
pub fn collection(schema: &JSONSchemaProps, items: impl Iterator<Item = Value>) -> Value {
    if schema.items.is_some() {
        return items.collect();
    }
    let fields = items.flat_map(|item| item.as_object().cloned().expect("a map"));
    Value::Object(fields.collect())
}

/// In how many fields two documents differ; a field or item that only one has counts once.
pub fn differences(a: &Value, b: &Value) -> usize {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            names.into_iter().map(|name| optional_differences(a.get(name), b.get(name))).sum()
        }
        (Value::Array(a), Value::Array(b)) => {
            (0..a.len().max(b.len())).map(|number| optional_differences(a.get(number), b.get(number))).sum()
        }
        _ => usize::from(a != b),
    }
}

fn optional_differences(a: Option<&Value>, b: Option<&Value>) -> usize {
    match (a, b) {
        (Some(a), Some(b)) => differences(a, b),
        (None, None) => 0,
        _ => 1,
    }
}
