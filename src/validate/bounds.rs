//! Bounds: how long texts, lists and maps may be, how great numbers, and which lists have no item twice.
//!
//! They are read from the schema, which alone says them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde::Serialize;
use serde_json::Value;

use super::Reader;
use crate::api;
use crate::model::Kind;

/// The schema of each kind's spec.
static SPECS: LazyLock<BTreeMap<String, JSONSchemaProps>> = LazyLock::new(|| {
    let schema = |crd: CustomResourceDefinition| {
        let version = crd.spec.versions.into_iter().next()?;
        let mut root = version.schema?.open_api_v3_schema?;
        Some((crd.spec.names.kind, root.properties.as_mut()?.remove("spec")?))
    };
    api::crds().into_iter().filter_map(schema).collect()
});

impl Reader {
    pub(super) fn bounds(&mut self, kind: Kind, spec: &impl Serialize) {
        if let (Some(schema), Ok(spec)) = (SPECS.get(kind.name()), serde_json::to_value(spec)) {
            self.within("spec", schema, &spec);
        }
    }

    fn within(&mut self, field: &str, schema: &JSONSchemaProps, value: &Value) {
        match value {
            Value::String(text) => self.length(field, schema, text),
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                let (least, most) = (schema.minimum.unwrap_or(f64::MIN), schema.maximum.unwrap_or(f64::MAX));
                if !(least..=most).contains(&number) {
                    self.find(field, format!("{number} is out of range: expected {least} to {most}"));
                }
            }
            Value::Array(items) => {
                self.count(field, schema.max_items, items.len(), "items");
                self.set(field, schema, items);
                let Some(JSONSchemaPropsOrArray::Schema(of_items)) = &schema.items else { return };
                for (index, item) in items.iter().enumerate() {
                    self.within(&format!("{field}[{index}]"), of_items, item);
                }
            }
            Value::Object(fields) => {
                self.count(field, schema.max_properties, fields.len(), "keys");
                let of_values = match &schema.additional_properties {
                    Some(JSONSchemaPropsOrBool::Schema(of_values)) => Some(&**of_values),
                    _ => None,
                };
                for (name, value) in fields {
                    let of_field = schema.properties.as_ref().and_then(|properties| properties.get(name));
                    if let Some(schema) = of_field.or(of_values) {
                        self.within(&format!("{field}.{name}"), schema, value);
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn length(&mut self, field: &str, schema: &JSONSchemaProps, text: &str) {
        let length = text.chars().count() as i64;
        if schema.min_length.is_some_and(|least| length < least) {
            self.find(field, "is empty: write something, or leave it out");
        }
        if let Some(most) = schema.max_length.filter(|most| length > *most) {
            self.find(field, format!("has {length} characters, and at most {most} are possible: shorten it"));
        }
    }

    fn count(&mut self, field: &str, most: Option<i64>, count: usize, what: &str) {
        if let Some(most) = most.filter(|most| count as i64 > *most) {
            self.find(field, format!("has {count} {what}, and at most {most} are possible: leave some out"));
        }
    }

    /// Lists of objects with a key have messages of their own.
    fn set(&mut self, field: &str, schema: &JSONSchemaProps, items: &[Value]) {
        if schema.x_kubernetes_list_type.as_deref() != Some("set") {
            return;
        }
        for (index, item) in items.iter().enumerate().filter(|(index, item)| items[..*index].contains(item)) {
            self.find(&format!("{field}[{index}]"), format!("{item} stands in the list already: leave it out"));
        }
    }
}
