//! Fields that the schema does not declare.

use serde_json::Value;

use super::Schema;
use crate::documents::words::{alternatives, meant};
use crate::validate::Finding;

pub(super) struct Unknown {
    pub finding: Finding,
    /// The path of the field that was probably meant.
    pub meant: Option<String>,
}

pub(super) fn fields(schema: &Schema, value: &Value) -> Vec<Unknown> {
    let mut unknown = Vec::new();
    walk(schema, value, "", &mut unknown);
    unknown
}

fn walk(schema: &Schema, value: &Value, path: &str, unknown: &mut Vec<Unknown>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = schema.path(path, name);
                match schema.field(name) {
                    Some(schema) => walk(schema, value, &below, unknown),
                    None if schema.is_open() || schema.fields.is_empty() => {}
                    None => {
                        let absent = schema.fields.keys().filter(|known| !fields.contains_key(*known));
                        unknown.push(found(schema, path, name, meant(name, absent.map(String::as_str))));
                    }
                }
            }
        }
        Value::Array(items) => {
            let Some(below) = &schema.items else { return };
            for (number, item) in schema.judged(items).iter().enumerate() {
                walk(below, item, &format!("{path}[{number}]"), unknown);
            }
        }
        _ => {}
    }
}

fn found(schema: &Schema, path: &str, name: &str, meant: Option<&str>) -> Unknown {
    let message = match meant {
        Some(meant) => format!("unknown field; did you mean {meant}?"),
        None => {
            let known = alternatives(schema.fields.keys().map(String::as_str));
            format!("unknown field: here may stand {known}")
        }
    };
    let below = |name: &str| schema.path(path, name);
    let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    Unknown { finding: Finding { field, message }, meant: meant.map(below) }
}
