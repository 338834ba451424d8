//! What OpenAPI says of values: types, bounds, required fields, and lists without duplicates.

use serde_json::{Number, Value};

use super::rules::same_item;
use super::{Bound, Evaluator, Kind, ListType, Path, Schema};
use crate::kubernetes::failure::{FieldError, FieldReason};

impl Schema {
    /// All that is wrong with an object, rules included; `errors` is what is known to be wrong with its metadata.
    /// `old` is the object before an update: what did not change is not tried anew (ratcheting).
    pub fn refusals(
        &self,
        evaluator: &Evaluator,
        value: &Value,
        old: Option<&Value>,
        mut errors: Vec<FieldError>,
    ) -> Vec<FieldError> {
        let mut duplicates = Vec::new();
        let mut walk = Walk { evaluator, errors: &mut errors, duplicates: &mut duplicates };
        walk.value(self, value, old, &Path::ROOT);
        errors.append(&mut duplicates);
        if errors.iter().any(|error| error.reason.blocks_rules()) {
            errors.push(FieldError::invalid("<nil>", &Value::Null, UNCHECKED));
        } else if self.ruled {
            errors.extend(evaluator.refusals(self, value, old));
        }
        errors
    }
}

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing \
                         errors to complete validation";

struct Walk<'a> {
    evaluator: &'a Evaluator,
    errors: &'a mut Vec<FieldError>,
    /// Told after all others.
    duplicates: &'a mut Vec<FieldError>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &Path) {
        if path.is_metadata() || old == Some(value) || (value.is_null() && schema.nullable) {
            return;
        }
        if let Some(error) = mistyped(schema, value, path) {
            self.errors.push(error);
            return;
        }
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(number) => self.number(schema, number, path),
            Value::Array(items) => self.list(schema, items, old, path),
            Value::Object(_) => self.object(schema, value, old, path),
            Value::Null | Value::Bool(_) => {}
        }
        if let Some(choices) = schema.limits.choices.as_ref().filter(|choices| !choices.contains(value)) {
            let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
            let says = format!("Unsupported value: {value}: supported values: {}", choices.join(", "));
            self.errors.push(FieldError::new(FieldReason::NotSupported, path, says));
        }
    }

    fn invalid(&mut self, path: &Path, value: &Value, what: &str) {
        self.errors.push(FieldError::invalid(path, value, format!("{path} in body {what}")));
    }

    fn too_many(&mut self, path: &Path, count: usize, most: usize) {
        let says = format!("Too many: {count}: must have at most {most} items");
        self.errors.push(FieldError::new(FieldReason::TooMany, path, says));
    }

    fn text(&mut self, schema: &Schema, text: &str, path: &Path) {
        let limits = &schema.limits;
        let length = text.chars().count();
        if let Some(most) = limits.max_length.filter(|most| length > *most) {
            let says = format!("Too long: may not be more than {most} bytes");
            self.errors.push(FieldError::new(FieldReason::TooLong, path, says));
        }
        if let Some(least) = limits.min_length.filter(|least| length < *least) {
            self.invalid(path, &text.into(), &format!("should be at least {least} chars long"));
        }
        if let Some(pattern) = limits.pattern.as_ref().filter(|pattern| !self.evaluator.matches(pattern, text)) {
            self.invalid(path, &text.into(), &format!("should match '{}'", pattern.0));
        }
        if limits.format.as_deref() == Some("date-time") && !is_date_time(text) {
            self.invalid(path, &text.into(), &format!("must be of type date-time: \"{text}\""));
        }
    }

    fn number(&mut self, schema: &Schema, number: &Number, path: &Path) {
        let limits = &schema.limits;
        let value = Value::Number(number.clone());
        if let Some(Bound { value: least, exclusive }) = &limits.minimum {
            match compare(&value, least) {
                std::cmp::Ordering::Less if !exclusive => {
                    self.invalid(path, &value, &format!("should be greater than or equal to {least}"));
                }
                std::cmp::Ordering::Less | std::cmp::Ordering::Equal if *exclusive => {
                    self.invalid(path, &value, &format!("should be greater than {least}"));
                }
                _ => {}
            }
        }
        if let Some(Bound { value: most, exclusive }) = &limits.maximum {
            match compare(&value, most) {
                std::cmp::Ordering::Greater if !exclusive => {
                    self.invalid(path, &value, &format!("should be less than or equal to {most}"));
                }
                std::cmp::Ordering::Greater | std::cmp::Ordering::Equal if *exclusive => {
                    self.invalid(path, &value, &format!("should be less than {most}"));
                }
                _ => {}
            }
        }
        if let (Some(factor), Some(number)) = (limits.multiple_of, number.as_f64())
            && (number / factor).fract() != 0.0
        {
            self.invalid(path, &value, &format!("should be a multiple of {factor}"));
        }
        if limits.format.as_deref() == Some("int32") && number.as_i64().is_some_and(|n| i32::try_from(n).is_err()) {
            let says = format!("Checked value must be of type integer with format int32 in {path}");
            self.errors.push(FieldError::invalid(path, &value, says));
        }
    }

    fn list(&mut self, schema: &Schema, items: &[Value], old: Option<&Value>, path: &Path) {
        let count = items.len();
        if let Some(below) = &schema.items {
            for (number, item) in items.iter().enumerate() {
                let old = old.and_then(|old| same_item(&schema.list, old, item));
                self.value(below, item, old, &path.item(number));
            }
        }
        if let Some(least) = schema.limits.min_items.filter(|least| count < *least) {
            self.invalid(path, &count.into(), &format!("should have at least {least} items"));
        }
        if let Some(most) = schema.limits.max_items.filter(|most| count > *most) {
            self.too_many(path, count, most);
        }
        for (number, item) in items.iter().enumerate() {
            let identity = identity(&schema.list, item);
            let Some(identity) = identity else { continue };
            if items[..number].iter().any(|earlier| self::identity(&schema.list, earlier).as_ref() == Some(&identity)) {
                let says = format!("Duplicate value: {identity}");
                self.duplicates.push(FieldError::new(FieldReason::Duplicate, path.item(number), says));
            }
        }
    }

    fn object(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &Path) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            if let Some(below) = schema.field(name) {
                self.value(below, value, old.and_then(|old| old.get(name)), &path.field(name));
            }
        }
        for name in schema.limits.required.iter().filter(|name| !fields.contains_key(*name)) {
            self.errors.push(FieldError::new(FieldReason::Required, path.field(name), "Required value"));
        }
        if let Some(most) = schema.limits.max_properties.filter(|most| fields.len() > *most) {
            self.too_many(path, fields.len(), most);
        }
        if let Some(least) = schema.limits.min_properties.filter(|least| fields.len() < *least) {
            self.invalid(path, &fields.len().into(), &format!("should have at least {least} properties"));
        }
    }
}

/// What makes an item of a set or map the same as another.
fn identity(list: &ListType, item: &Value) -> Option<Value> {
    match list {
        ListType::Atomic => None,
        ListType::Set => Some(item.clone()),
        ListType::Map(keys) => {
            let fields = item.as_object()?;
            Some(keys.iter().filter_map(|key| Some((key.clone(), fields.get(key)?.clone()))).collect())
        }
    }
}

fn mistyped(schema: &Schema, value: &Value, path: &Path) -> Option<FieldError> {
    let wanted = match (schema.kind?, value) {
        (Kind::Object, Value::Object(_))
        | (Kind::Array, Value::Array(_))
        | (Kind::String | Kind::IntOrString, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_)) => return None,
        (Kind::Integer | Kind::IntOrString, Value::Number(number)) if is_whole(number) => return None,
        (Kind::Object, _) => "object",
        (Kind::Array, _) => "array",
        (Kind::String, _) => "string",
        (Kind::Boolean, _) => "boolean",
        (Kind::Number, _) => "number",
        (Kind::Integer, Value::Number(_)) => schema.limits.format.as_deref().unwrap_or("integer"),
        (Kind::Integer, _) => "integer",
        (Kind::IntOrString, _) => "integer,string",
    };
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_whole(number) => "integer",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let says = format!("Invalid value: \"{given}\": {path} in body must be of type {wanted}: \"{given}\"");
    Some(FieldError::new(FieldReason::TypeInvalid, path, says))
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn compare(value: &Value, bound: &Value) -> std::cmp::Ordering {
    match (value.as_i64(), bound.as_i64()) {
        (Some(value), Some(bound)) => value.cmp(&bound),
        _ => value.as_f64().partial_cmp(&bound.as_f64()).unwrap_or(std::cmp::Ordering::Equal),
    }
}

/// RFC 3339, as OpenAPI's date-time: a date, a time, and an offset.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20 && bytes[10].eq_ignore_ascii_case(&b't') && bytes[13] == b':' && bytes[16] == b':';
    shaped && text.parse::<jiff::Timestamp>().is_ok()
}
