//! Values with their schema: which fields there are, what differs, and how two are merged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::set::FieldSet;
use crate::kubernetes::schema::{Kind, ListType, MapType, Schema, Unknown};

/// Schema of what nothing is known of: maps are merged, lists are not.
static UNTYPED: std::sync::LazyLock<Schema> = std::sync::LazyLock::new(Schema::any);

/// What two values differ in.
#[derive(Default)]
pub struct Difference {
    /// Added or changed.
    pub changed: FieldSet,
    pub removed: FieldSet,
}

fn below<'a>(schema: &'a Schema, name: &str) -> &'a Schema {
    schema.field(name).unwrap_or(&UNTYPED)
}

fn items(schema: &Schema) -> &Schema {
    schema.items.as_deref().unwrap_or(&UNTYPED)
}

fn field_step(name: &str) -> String {
    format!("f:{name}")
}

/// How an item of a set or map is named; None for items of atomic lists, and those without keys.
fn item_step(schema: &Schema, item: &Value) -> Option<String> {
    match &schema.list {
        ListType::Atomic => None,
        ListType::Set => Some(format!("v:{item}")),
        ListType::Map(keys) => {
            let item = item.as_object()?;
            let default = |key: &String| items(schema).properties.get(key).and_then(|schema| schema.default.as_ref());
            let found: BTreeMap<&String, &Value> =
                keys.iter().filter_map(|key| Some((key, item.get(key).or_else(|| default(key))?))).collect();
            let written = serde_json::to_string(&found).ok()?;
            (!found.is_empty()).then(|| format!("k:{written}"))
        }
    }
}

fn is_granular_list(schema: &Schema) -> bool {
    schema.list != ListType::Atomic
}

fn is_granular_map(schema: &Schema) -> bool {
    schema.map == MapType::Granular
}

/// What is wrong with an object that is to be applied, each with its path: unlike other writes, apply refuses fields
/// that are not declared, and values that can't be merged.
pub fn check(schema: &Schema, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    check_at(schema, value, "", &mut errors);
    errors
}

fn check_at(schema: &Schema, value: &Value, path: &str, errors: &mut Vec<String>) {
    let mut refuse = |why: String| errors.push(format!("{path}: {why}"));
    match (schema.kind, value) {
        (_, Value::Null) => {}
        (Some(Kind::Object), Value::Object(_)) | (Some(Kind::Array), Value::Array(_)) | (None, _) => {}
        (Some(Kind::Object), _) => return refuse(format!("expected map, got {}", shown(value))),
        (Some(Kind::Array), _) => return refuse(format!("expected list, got {}", shown(value))),
        (Some(Kind::String), Value::String(_)) | (Some(Kind::Boolean), Value::Bool(_)) => {}
        (Some(Kind::String), _) => return refuse(format!("expected string, got {}", shown(value))),
        (Some(Kind::Boolean), _) => return refuse(format!("expected boolean, got {}", shown(value))),
        (Some(Kind::Integer | Kind::Number), Value::Number(_)) => {}
        (Some(Kind::Integer | Kind::Number), _) => {
            return refuse(format!("expected numeric (int or float), got {}", shown(value)));
        }
        (Some(Kind::IntOrString), _) => {}
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match schema.field(name) {
                    Some(below) => check_at(below, value, &format!("{path}.{name}"), errors),
                    None if schema.unknown == Unknown::Preserved => {}
                    None => errors.push(format!("{path}.{name}: field not declared in schema")),
                }
            }
        }
        Value::Array(list) => check_list(schema, list, path, errors),
        _ => {}
    }
}

fn check_list(schema: &Schema, list: &[Value], path: &str, errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (number, item) in list.iter().enumerate() {
        let step = item_step(schema, item);
        let place = match (&schema.list, &step) {
            (ListType::Map(keys), None) => {
                errors.push(if item.is_object() {
                    let keys = serde_json::to_string(keys).unwrap_or_default();
                    format!(
                        "{path}: element {number}: associative list with keys has an element that omits all key \
                         fields {keys} (and doesn't have default values for any key fields)"
                    )
                } else {
                    format!("{path}: element {number}: associative list with keys may not have non-map elements")
                });
                continue;
            }
            (_, Some(step)) => {
                let mut one = FieldSet::default();
                one.put(step.clone(), FieldSet::here());
                let written = one.paths().concat();
                if !seen.insert(step.clone()) {
                    errors.push(format!("{path}: duplicate entries for key {written}"));
                }
                format!("{path}{written}")
            }
            _ => format!("{path}[{number}]"),
        };
        check_at(items(schema), item, &place, errors);
    }
}

fn shown(value: &Value) -> String {
    let go = match value {
        Value::Array(_) => format!("[]interface {{}}{value}"),
        Value::Object(_) => format!("map[string]interface {{}}{value}"),
        other => other.to_string(),
    };
    format!("&value.valueUnstructured{{Value:{go}}}")
}

/// All fields of a value, as an applied configuration owns them.
pub fn fields(schema: &Schema, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    match value {
        Value::Object(map) if is_granular_map(schema) => {
            for (name, value) in map {
                let mut one = fields(below(schema, name), value);
                let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if empty || !schema.names(name) {
                    one.add_here();
                }
                set.put(field_step(name), one);
            }
        }
        Value::Array(list) if is_granular_list(schema) => {
            for item in list {
                if let Some(step) = item_step(schema, item) {
                    let mut one = fields(items(schema), item);
                    one.add_here();
                    set.put(step, one);
                }
            }
        }
        _ => set.add_here(),
    }
    set
}

/// What has to be done to one value to make it the other.
pub fn compare(schema: &Schema, old: Option<&Value>, new: Option<&Value>) -> Difference {
    let mut difference = Difference::default();
    if old == new {
        return difference;
    }
    if !is_container(schema, old, new) {
        match new {
            None => difference.removed.add_here(),
            Some(_) => difference.changed.add_here(),
        }
        return difference;
    }
    for (step, schema, old, new) in children(schema, old, new) {
        let one = compare(schema, old, new);
        difference.changed.put(step.clone(), one.changed);
        difference.removed.put(step, one.removed);
    }
    match (old, new) {
        (None, Some(_)) => difference.changed.add_here(),
        (Some(_), None) => difference.removed.add_here(),
        _ => {}
    }
    difference
}

/// Whether two values are compared by what is in them. Two empty ones are not: that would lose that one is null.
fn is_container(schema: &Schema, old: Option<&Value>, new: Option<&Value>) -> bool {
    let absent = |value: Option<&Value>| value.is_none_or(Value::is_null);
    let is_map = |value: Option<&Value>| value.is_some_and(Value::is_object) || absent(value);
    let is_list = |value: Option<&Value>| value.is_some_and(Value::is_array) || absent(value);
    let empty = |value: Option<&Value>| match value {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        _ => true,
    };
    if empty(old) && empty(new) {
        return false;
    }
    (is_map(old) && is_map(new) && is_granular_map(schema))
        || (is_list(old) && is_list(new) && is_granular_list(schema))
}

type Child<'a> = (String, &'a Schema, Option<&'a Value>, Option<&'a Value>);

fn children<'a>(schema: &'a Schema, old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<Child<'a>> {
    let mut children: BTreeMap<String, Child> = BTreeMap::new();
    for (value, is_new) in [(old, false), (new, true)] {
        let mut put = |step: String, schema: &'a Schema, value: &'a Value| {
            let child = children.entry(step.clone()).or_insert((step, schema, None, None));
            if is_new {
                child.3 = Some(value);
            } else {
                child.2 = Some(value);
            }
        };
        match value {
            Some(Value::Object(map)) => {
                map.iter().for_each(|(name, value)| put(field_step(name), below(schema, name), value));
            }
            Some(Value::Array(list)) => {
                for item in list {
                    if let Some(step) = item_step(schema, item) {
                        put(step, items(schema), item);
                    }
                }
            }
            _ => {}
        }
    }
    children.into_values().collect()
}

/// The live value with what is applied put over it.
pub fn merge(schema: &Schema, live: &Value, applied: &Value) -> Value {
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) if is_granular_map(schema) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                let value = match live.get(name) {
                    Some(live) => merge(below(schema, name), live, value),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(applied)) if is_granular_list(schema) => merge_lists(schema, live, applied),
        _ => applied.clone(),
    }
}

/// Keeps the order of what is applied, and that of the live items, which come first where both would do.
fn merge_lists(schema: &Schema, live: &[Value], applied: &[Value]) -> Value {
    let named = |list: &[Value]| -> Vec<Option<String>> { list.iter().map(|item| item_step(schema, item)).collect() };
    let (live_steps, applied_steps) = (named(live), named(applied));
    let in_live: BTreeMap<&Option<String>, &Value> = live_steps.iter().zip(live).rev().collect();
    let in_applied: BTreeSet<&Option<String>> = applied_steps.iter().collect();
    let mut shared = applied_steps.iter().filter(|step| in_live.contains_key(step));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&Option<String>> = BTreeSet::new();
    let mut merged = Vec::new();
    let (mut l, mut a) = (0, 0);
    while l < live.len() || a < applied.len() {
        if l < live.len() && a < applied.len() {
            let step = &live_steps[l];
            if *step == applied_steps[a] {
                done.insert(step);
                merged.push(merge(items(schema), &live[l], &applied[a]));
                (l, a) = (l + 1, a + 1);
                next_shared = shared.next();
                continue;
            }
            if in_applied.contains(step) && next_shared.is_some_and(|next| next != step) {
                // It comes later, where the applied list has it.
                l += 1;
                continue;
            }
        }
        if l < live.len() {
            let step = &live_steps[l];
            if !in_applied.contains(step) {
                merged.push(live[l].clone());
                l += 1;
                continue;
            }
            if done.contains(step) {
                l += 1;
            }
        }
        if a < applied.len() {
            let step = &applied_steps[a];
            done.insert(step);
            merged.push(match in_live.get(step) {
                Some(live) => merge(items(schema), live, &applied[a]),
                None => applied[a].clone(),
            });
            a += 1;
            if next_shared == Some(step) {
                next_shared = shared.next();
            }
        }
    }
    Value::Array(merged)
}

/// The value without the fields of the set. What becomes empty by that is dropped, or null if there is nothing above.
pub fn without(schema: &Schema, value: &Value, set: &FieldSet) -> Value {
    match value {
        Value::Object(map) if is_granular_map(schema) && !map.is_empty() => {
            let mut left = Map::new();
            for (name, value) in map {
                match set.below(&field_step(name)) {
                    Some(set) if set.is_member() => {}
                    Some(set) => {
                        let rest = without(below(schema, name), value, set);
                        if value.is_null() || !rest.is_null() {
                            left.insert(name.clone(), rest);
                        }
                    }
                    None => {
                        left.insert(name.clone(), value.clone());
                    }
                }
            }
            if left.is_empty() { Value::Null } else { Value::Object(left) }
        }
        Value::Array(list) if is_granular_list(schema) && !list.is_empty() => {
            let mut left = Vec::new();
            for item in list {
                match item_step(schema, item).and_then(|step| set.below(&step)) {
                    Some(set) if set.is_member() => {}
                    Some(set) => left.push(without(items(schema), item, set)),
                    None => left.push(item.clone()),
                }
            }
            if left.is_empty() { Value::Null } else { Value::Array(left) }
        }
        other => other.clone(),
    }
}

/// The set with all declared fields that lead to its members: when all that is in a declared field goes, it goes too.
pub fn with_named(schema: &Schema, set: &FieldSet) -> FieldSet {
    let mut named = FieldSet::default();
    if set.is_member() {
        named.add_here();
    }
    for (step, set) in set.steps() {
        let (schema, leads) = match step.strip_prefix("f:") {
            Some(name) => (below(schema, name), schema.names(name)),
            None => (items(schema), false),
        };
        let mut one = with_named(schema, set);
        if leads {
            one.add_here();
        }
        named.put(step.clone(), one);
    }
    named
}
