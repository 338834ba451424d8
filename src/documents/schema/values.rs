//! What the schema says of values: types, bounds, required fields, and lists without duplicates.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::{Schema, Type};
use crate::documents::words::{alternatives, meant};
use crate::validate::Finding;

/// Of texts in messages, so that a message stays one line of sensible length.
const SHOWN: usize = 60;

pub(super) fn findings(schema: &Schema, value: &Value) -> Vec<Finding> {
    let mut walk = Walk::default();
    walk.value(schema, value, "");
    walk.findings
}

#[derive(Default)]
struct Walk {
    findings: Vec<Finding>,
}

impl Walk {
    fn find(&mut self, path: &str, message: String) {
        self.findings.push(Finding { field: path.to_owned(), message });
    }

    fn value(&mut self, schema: &Schema, value: &Value, path: &str) {
        if value.is_null() && schema.is_nullable() {
            return;
        }
        if !schema.kind.takes(value) {
            let message = mistyped(schema, value);
            return self.find(path, message);
        }
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(number) => self.number(schema, number, path),
            Value::Array(items) => self.list(schema, items, path),
            Value::Object(_) => self.object(schema, value, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, schema: &Schema, text: &str, path: &str) {
        let choices = choices(schema);
        if !choices.is_empty() && !choices.contains(&text) {
            let instead = match meant(text, choices.iter().copied()) {
                Some(meant) => format!("; did you mean {meant}?"),
                None => String::new(),
            };
            return self.find(path, format!("{} is not {}{instead}", shown(text), alternatives(choices)));
        }
        let length = text.chars().count() as i64;
        if let Some(most) = schema.own.max_length.filter(|most| length > *most) {
            self.find(path, format!("has {length} characters, of which at most {most} are taken: {}", shown(text)));
        }
        if let Some(least) = schema.own.min_length.filter(|least| length < *least) {
            let message = match length {
                0 => "is empty: write a text, or leave the field out".to_owned(),
                _ => format!("has {length} characters, of which at least {least} are needed"),
            };
            self.find(path, message);
        }
        if schema.own.format.as_deref() == Some("date-time") && !is_date_time(text) {
            self.find(path, format!("{} is not a time: write one such as 2026-11-27T10:00:00Z", shown(text)));
        }
    }

    fn number(&mut self, schema: &Schema, number: &Number, path: &str) {
        let (least, most) = (schema.own.minimum, schema.own.maximum);
        let Some(value) = number.as_f64() else { return };
        let (low, high) = (least.is_some_and(|least| value < least), most.is_some_and(|most| value > most));
        match (least, most) {
            (Some(least), Some(most)) if low || high => {
                self.find(path, format!("{number} is not within {least} to {most}"));
            }
            (Some(least), None) if low => self.find(path, format!("{number} is less than {least}")),
            (None, Some(most)) if high => self.find(path, format!("{number} is more than {most}")),
            _ => {}
        }
        let whole = number.as_i64();
        let fits = match schema.own.format.as_deref() {
            Some("int32") => whole.is_some_and(|whole| i32::try_from(whole).is_ok()),
            Some("int64") => whole.is_some(),
            _ => true,
        };
        if !fits && !low && !high {
            self.find(path, format!("{number} is too large a number"));
        }
    }

    fn list(&mut self, schema: &Schema, items: &[Value], path: &str) {
        let count = items.len() as i64;
        if let Some(most) = schema.own.max_items.filter(|most| count > *most) {
            self.find(path, format!("has {count} items, of which at most {most} are taken"));
        }
        if let Some(least) = schema.own.min_items.filter(|least| count < *least) {
            self.find(path, format!("has {count} items, of which at least {least} are needed"));
        }
        let mut first = BTreeMap::new();
        for (number, item) in schema.judged(items).iter().enumerate() {
            let place = format!("{path}[{number}]");
            if let Some(below) = &schema.items {
                self.value(below, item, &place);
            }
            let Some(identity) = identity(schema, item) else { continue };
            match first.get(&identity) {
                Some(first) => {
                    let message = format!("stands twice, first as {path}[{first}] ({identity}): leave one of them");
                    self.find(&place, message);
                }
                None => drop(first.insert(identity, number)),
            }
        }
    }

    fn object(&mut self, schema: &Schema, value: &Value, path: &str) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            if let Some(below) = schema.field(name) {
                self.value(below, value, &schema.path(path, name));
            }
        }
        for name in schema.own.required.iter().flatten().filter(|name| !fields.contains_key(*name)) {
            let what = schema.fields.get(name).map_or("a value".to_owned(), expected);
            self.find(&schema.path(path, name), format!("is missing: write {what}"));
        }
        let count = fields.len() as i64;
        if let Some(most) = schema.own.max_properties.filter(|most| count > *most) {
            self.find(path, format!("has {count} entries, of which at most {most} are taken"));
        }
    }
}

impl Type {
    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Object, Value::Object(_))
            | (Self::List, Value::Array(_))
            | (Self::Text, Value::String(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Number, Value::Number(_)) => true,
            (Self::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
            _ => false,
        }
    }
}

/// What was expected, what stands there, and how to write it.
fn mistyped(schema: &Schema, value: &Value) -> String {
    let found = match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    let advice = match (schema.kind, value) {
        (Type::Text, Value::Number(_) | Value::Bool(_)) if schema.own.enum_.is_none() => {
            ": write it in quotes".to_owned()
        }
        (Type::Integer | Type::Number, Value::String(text)) if is_number(text) => {
            ": write it without quotes".to_owned()
        }
        (Type::Bool, Value::String(text)) if text == "true" || text == "false" => {
            ": write it without quotes".to_owned()
        }
        (Type::List, Value::Object(_)) => ": write a hyphen before each item".to_owned(),
        (Type::List, _) if schema.items.as_ref().is_some_and(|item| item.kind.takes(value)) => {
            format!(": for this one alone write [{value}]")
        }
        _ => String::new(),
    };
    format!("expected {}, found {found}{advice}", expected(schema))
}

/// What is to stand at a place.
fn expected(schema: &Schema) -> String {
    let choices = choices(schema);
    match schema.kind {
        Type::Object if !schema.fields.is_empty() => {
            let names = alternatives(schema.fields.keys().map(String::as_str));
            format!("an object with fields such as {names}")
        }
        Type::Object => "an object".to_owned(),
        Type::List => "a list".to_owned(),
        Type::Text if !choices.is_empty() => alternatives(choices),
        Type::Text => "a text".to_owned(),
        Type::Integer => "a whole number".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Bool => "true or false".to_owned(),
    }
}

fn choices(schema: &Schema) -> Vec<&str> {
    schema.own.enum_.iter().flatten().filter_map(|choice| choice.0.as_str()).collect()
}

/// By what an item of a set or a map is the same as another.
fn identity(schema: &Schema, item: &Value) -> Option<String> {
    match schema.own.x_kubernetes_list_type.as_deref()? {
        "set" => Some(item.to_string()),
        "map" => {
            let keys = schema.own.x_kubernetes_list_map_keys.iter().flatten();
            let texts: Option<Vec<String>> =
                keys.map(|key| item.get(key).map(|value| format!("{key}: {value}"))).collect();
            texts.map(|texts| texts.join(", "))
        }
        _ => None,
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// RFC 3339, with an offset.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20 && bytes[10].eq_ignore_ascii_case(&b't') && bytes[13] == b':' && bytes[16] == b':';
    shaped && text.parse::<jiff::Timestamp>().is_ok()
}
