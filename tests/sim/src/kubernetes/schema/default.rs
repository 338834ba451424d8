//! Defaults. Source: "Extend the Kubernetes API with CustomResourceDefinitions", Defaulting and Nullable.

use serde_json::Value;

use super::Schema;

impl Schema {
    /// Puts in what is left out: on writes, and on objects that were stored before.
    pub fn fill_in(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // A null that the schema does not allow counts as left out.
                fields.retain(|name, value| !value.is_null() || self.field(name).is_none_or(|schema| schema.nullable));
                for (name, schema) in &self.properties {
                    if let Some(default) = schema.default.as_ref().filter(|_| !fields.contains_key(name)) {
                        fields.insert(name.clone(), default.clone());
                    }
                    if let Some(value) = fields.get_mut(name) {
                        schema.fill_in(value);
                    }
                }
                if let Some(schema) = &self.values {
                    for (name, value) in fields.iter_mut() {
                        if !self.properties.contains_key(name) {
                            schema.fill_in(value);
                        }
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.fill_in(item));
                }
            }
            _ => {}
        }
    }
}
