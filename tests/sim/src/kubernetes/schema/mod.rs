//! Structural schemas of CustomResourceDefinitions, parsed once.
//!
//! Source: "Extend the Kubernetes API with CustomResourceDefinitions", Specifying a structural schema. What a CRD may
//! hold and is not simulated (`allOf`, `anyOf`, `oneOf`, `not`, rare formats) is refused when the CRD is read.

mod default;
mod path;
mod prune;
mod rules;
mod validate;

use std::collections::BTreeMap;

use kube_cel::cel::Program;
use serde_json::{Map, Value, json};

pub use path::Path;
pub use rules::Evaluator;
use rules::Rule;

/// The schema of one place in objects.
#[derive(Default)]
pub struct Schema {
    /// None where any type goes.
    pub kind: Option<Kind>,
    pub properties: BTreeMap<String, Schema>,
    /// Of all fields that no property names.
    pub values: Option<Box<Schema>>,
    pub items: Option<Box<Schema>>,
    pub list: ListType,
    pub map: MapType,
    pub nullable: bool,
    pub unknown: Unknown,
    pub default: Option<Value>,
    limits: Limits,
    rules: Vec<Rule>,
    /// Whether there are rules here or below: most subtrees need no walk.
    ruled: bool,
    /// Whether there are rules here or below that speak of `oldSelf`.
    transitions: bool,
}

/// A JSON type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    IntOrString,
}

/// `x-kubernetes-list-type`: what is owned and merged, the list or its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    #[default]
    Atomic,
    Set,
    /// Items are told apart by these of their fields.
    Map(Vec<String>),
}

/// `x-kubernetes-map-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapType {
    #[default]
    Granular,
    Atomic,
}

/// What becomes of fields that the schema does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    #[default]
    Pruned,
    /// `x-kubernetes-preserve-unknown-fields`.
    Preserved,
}

/// Bounds on values, as OpenAPI names them.
#[derive(Default)]
struct Limits {
    required: Vec<String>,
    choices: Option<Vec<Value>>,
    minimum: Option<Bound>,
    maximum: Option<Bound>,
    multiple_of: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    min_properties: Option<usize>,
    max_properties: Option<usize>,
    /// The text, and the program that matches `self` with it.
    pattern: Option<(String, Program)>,
    format: Option<String>,
}

struct Bound {
    value: Value,
    exclusive: bool,
}

impl Schema {
    /// Of a whole object: what the CRD says, with `metadata` as all objects have it.
    pub fn root(openapi: &Value) -> Result<Self, String> {
        let mut openapi = openapi.clone();
        if !openapi["properties"].is_object() {
            openapi["properties"] = json!({});
        }
        for (name, schema) in
            [("apiVersion", json!({"type": "string"})), ("kind", json!({"type": "string"})), ("metadata", metadata())]
        {
            openapi["properties"][name] = schema;
        }
        Self::parse(&openapi, "openAPIV3Schema")
    }

    /// Of an object of which only the metadata are known.
    pub fn untyped() -> Result<Self, String> {
        Self::root(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))
    }

    /// Of anything, which is kept as it is.
    pub fn any() -> Self {
        Self { unknown: Unknown::Preserved, ..Self::default() }
    }

    /// The schema of a field; None where it is not declared.
    pub fn field(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or(self.values.as_deref())
    }

    /// Whether it is declared by name, not as a key of a map.
    pub fn names(&self, field: &str) -> bool {
        self.properties.contains_key(field)
    }

    fn parse(openapi: &Value, place: &str) -> Result<Self, String> {
        let Some(fields) = openapi.as_object() else { return Err(format!("{place}: a schema must be an object")) };
        if let Some(refused) = ["allOf", "anyOf", "oneOf", "not"]
            .iter()
            .find(|keyword| fields.contains_key(**keyword) && !fields.contains_key("x-kubernetes-int-or-string"))
        {
            return Err(format!("{place}: {refused} is not simulated"));
        }
        let on = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or_default();
        let mut properties = BTreeMap::new();
        for (name, property) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.insert(name.clone(), Self::parse(property, &format!("{place}.{name}"))?);
        }
        let below = |name: &str| match fields.get(name) {
            Some(schema @ Value::Object(_)) => {
                Self::parse(schema, &format!("{place}.{name}")).map(|schema| Some(Box::new(schema)))
            }
            Some(Value::Bool(true)) => Ok(Some(Box::new(Self::any()))),
            _ => Ok(None),
        };
        let (values, items) = (below("additionalProperties")?, below("items")?);
        let rules = rules::parse(fields.get("x-kubernetes-validations"), place)?;
        let ruled = !rules.is_empty()
            || properties.values().any(|schema| schema.ruled)
            || values.iter().chain(&items).any(|schema| schema.ruled);
        let transitions = rules.iter().any(Rule::is_transition)
            || properties.values().any(|schema| schema.transitions)
            || values.iter().chain(&items).any(|schema| schema.transitions);
        let kind = if on("x-kubernetes-int-or-string") { Some(Kind::IntOrString) } else { kind(fields, place)? };
        Ok(Self {
            kind,
            properties,
            values,
            items,
            list: list_type(fields, place)?,
            map: match fields.get("x-kubernetes-map-type").and_then(Value::as_str) {
                Some("atomic") => MapType::Atomic,
                _ => MapType::Granular,
            },
            nullable: on("nullable"),
            unknown: if on("x-kubernetes-preserve-unknown-fields") { Unknown::Preserved } else { Unknown::Pruned },
            default: fields.get("default").cloned(),
            limits: Limits::parse(fields, place)?,
            rules,
            ruled,
            transitions,
        })
    }
}

/// A bound as the API server writes it in messages: 1, though the CRD may say 1.0.
fn plain(bound: &Value) -> Value {
    let whole = bound.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
    match whole.and_then(|number| format!("{number}").parse::<i64>().ok()) {
        Some(number) => number.into(),
        None => bound.clone(),
    }
}

impl Limits {
    fn parse(fields: &Map<String, Value>, place: &str) -> Result<Self, String> {
        let size = |name: &str| fields.get(name).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        let bound = |name: &str, exclusive: &str| {
            fields.get(name).map(|value| Bound {
                value: plain(value),
                exclusive: fields.get(exclusive).and_then(Value::as_bool).unwrap_or_default(),
            })
        };
        let pattern = match fields.get("pattern").and_then(Value::as_str) {
            Some(pattern) => Some((pattern.to_owned(), rules::compile("self.matches(pattern)", place)?)),
            None => None,
        };
        let format = fields.get("format").and_then(Value::as_str).map(str::to_owned);
        if let Some(format) = format.as_deref().filter(|format| !FORMATS.contains(format)) {
            return Err(format!("{place}: the format {format} is not simulated"));
        }
        Ok(Self {
            required: strings(fields.get("required")),
            choices: fields.get("enum").and_then(Value::as_array).cloned(),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: fields.get("multipleOf").and_then(Value::as_f64),
            min_length: size("minLength"),
            max_length: size("maxLength"),
            min_items: size("minItems"),
            max_items: size("maxItems"),
            min_properties: size("minProperties"),
            max_properties: size("maxProperties"),
            pattern,
            format,
        })
    }
}

const FORMATS: [&str; 6] = ["date-time", "int32", "int64", "float", "double", "password"];

fn kind(fields: &Map<String, Value>, place: &str) -> Result<Option<Kind>, String> {
    Ok(Some(match fields.get("type").and_then(Value::as_str) {
        Some("object") => Kind::Object,
        Some("array") => Kind::Array,
        Some("string") => Kind::String,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        Some(other) => return Err(format!("{place}: no type {other}")),
        None => return Ok(None),
    }))
}

fn list_type(fields: &Map<String, Value>, place: &str) -> Result<ListType, String> {
    match fields.get("x-kubernetes-list-type").and_then(Value::as_str) {
        None | Some("atomic") => Ok(ListType::Atomic),
        Some("set") => Ok(ListType::Set),
        Some("map") => Ok(ListType::Map(strings(fields.get("x-kubernetes-list-map-keys")))),
        Some(other) => Err(format!("{place}: no list type {other}")),
    }
}

fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `ObjectMeta`, with how server-side apply merges its lists.
fn metadata() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    json!({
        "type": "object",
        "properties": {
            "name": text, "namespace": text, "generateName": text, "uid": text, "resourceVersion": text,
            "selfLink": text, "creationTimestamp": text, "deletionTimestamp": text,
            "generation": {"type": "integer"}, "deletionGracePeriodSeconds": {"type": "integer"},
            "labels": texts, "annotations": texts,
            "finalizers": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "ownerReferences": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                "items": {
                    "type": "object", "x-kubernetes-map-type": "atomic",
                    "properties": {
                        "apiVersion": text, "kind": text, "name": text, "uid": text,
                        "controller": {"type": "boolean"}, "blockOwnerDeletion": {"type": "boolean"},
                    },
                },
            },
            "managedFields": {
                "type": "array",
                "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        },
    })
}
