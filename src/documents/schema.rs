//! Pure: what the schemas of our CRDs refuse, as strictly as the API server, and the defaults that they fill in.
//!
//! Source: "Extend the Kubernetes API with CustomResourceDefinitions" of the documentation of Kubernetes.

mod fill;
mod functions;
mod rules;
mod unknown;
mod values;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;

use super::metadata;
use crate::api;
use crate::model::Kind;
use crate::validate::Finding;

use rules::{Evaluator, Rule};

/// The schema of one place in objects, with its rules compiled.
struct Schema {
    kind: Type,
    fields: BTreeMap<String, Schema>,
    /// Of what no field names, as in tags.
    values: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    rules: Vec<Rule>,
    /// Whether there are rules here or below.
    ruled: bool,
    /// Bounds, formats, lists' types and defaults, as the CRD has them.
    own: JSONSchemaProps,
}

/// A JSON type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Object,
    List,
    Text,
    Integer,
    Number,
    Bool,
}

/// What is needed to judge objects, made once: compiling rules takes longer than most objects.
struct Judge {
    bindings: Schema,
    accesses: Schema,
    evaluator: Evaluator,
}

static JUDGE: LazyLock<Judge> = LazyLock::new(|| {
    let schema = |kind: Kind| {
        let crds = api::crds();
        let crd = crds.into_iter().find(|crd| crd.spec.names.kind == kind.name()).expect("each kind has a CRD");
        let version = crd.spec.versions.into_iter().next().expect("a CRD has a version");
        let mut root = version.schema.and_then(|schema| schema.open_api_v3_schema).expect("a version has a schema");
        let text = JSONSchemaProps { type_: Some("string".into()), ..JSONSchemaProps::default() };
        let fields = root.properties.get_or_insert_default();
        fields.insert("apiVersion".into(), text.clone());
        fields.insert("kind".into(), text);
        fields.insert("metadata".into(), metadata::schema());
        Schema::new(root)
    };
    Judge {
        bindings: schema(Kind::AlbTargetBinding),
        accesses: schema(Kind::SecurityGroupAccess),
        evaluator: Evaluator::new(),
    }
});

/// Fills in the defaults, and finds everything that is wrong with an object. A rule is not asked about what is wrong
/// otherwise: it would complain of the same.
pub(super) fn findings(kind: Kind, object: &mut Value) -> Vec<Finding> {
    let schema = match kind {
        Kind::AlbTargetBinding => &JUDGE.bindings,
        Kind::SecurityGroupAccess => &JUDGE.accesses,
    };
    let unknown = unknown::fields(schema, object);
    schema.fill(object);
    let mut findings = values::findings(schema, object);
    // What is missing stands there under a wrong name.
    findings.retain(|finding| !unknown.iter().any(|unknown| unknown.meant.as_ref() == Some(&finding.field)));
    findings.extend(unknown.into_iter().map(|unknown| unknown.finding));
    findings.extend(JUDGE.evaluator.findings(schema, object, &findings));
    findings
}

impl Schema {
    fn new(mut own: JSONSchemaProps) -> Self {
        let fields = own.properties.take().into_iter().flatten().map(|(name, schema)| (name, Self::new(schema)));
        let fields: BTreeMap<String, Self> = fields.collect();
        let values = match own.additional_properties.take() {
            Some(JSONSchemaPropsOrBool::Schema(schema)) => Some(Box::new(Self::new(*schema))),
            _ => None,
        };
        let items = match own.items.take() {
            Some(JSONSchemaPropsOrArray::Schema(schema)) => Some(Box::new(Self::new(*schema))),
            _ => None,
        };
        let rules: Vec<Rule> = own.x_kubernetes_validations.take().into_iter().flatten().map(Rule::new).collect();
        let mut below = fields.values().chain(values.as_deref()).chain(items.as_deref());
        let ruled = !rules.is_empty() || below.any(|schema| schema.ruled);
        Self { kind: Type::of(&own), fields, values, items, rules, ruled, own }
    }

    /// The schema of a field; None where it is not declared.
    fn field(&self, name: &str) -> Option<&Self> {
        self.fields.get(name).or(self.values.as_deref())
    }

    fn is_nullable(&self) -> bool {
        self.own.nullable == Some(true)
    }

    /// Whether it takes fields that it does not name.
    fn is_open(&self) -> bool {
        self.own.x_kubernetes_preserve_unknown_fields == Some(true)
    }

    /// The items that are looked at: of a list that is far too long nobody wants to know of each.
    fn judged<'a>(&self, items: &'a [Value]) -> &'a [Value] {
        let most = self.own.max_items.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        &items[..items.len().min(most)]
    }

    /// The path of a field here, at `path`.
    fn path(&self, path: &str, name: &str) -> String {
        match (path, self.fields.contains_key(name)) {
            ("", _) => name.to_owned(),
            (_, false) if self.values.is_some() => format!("{path}[{name}]"),
            _ => format!("{path}.{name}"),
        }
    }
}

impl Type {
    fn of(schema: &JSONSchemaProps) -> Self {
        match schema.type_.as_deref() {
            Some("array") => Self::List,
            Some("string") => Self::Text,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("boolean") => Self::Bool,
            _ => Self::Object,
        }
    }
}

#[cfg(test)]
mod tests;
