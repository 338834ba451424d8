//! Defaults.

use serde_json::Value;

use super::Schema;

impl Schema {
    /// Puts in what is left out. A null counts as left out where the schema does not allow it.
    pub(super) fn fill(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, value| !value.is_null() || self.field(name).is_none_or(Self::is_nullable));
                for (name, schema) in &self.fields {
                    if let Some(default) = schema.own.default.as_ref().filter(|_| !fields.contains_key(name)) {
                        fields.insert(name.clone(), default.0.clone());
                    }
                }
                for (name, value) in fields {
                    if let Some(schema) = self.field(name) {
                        schema.fill(value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    items.iter_mut().for_each(|item| schema.fill(item));
                }
            }
            _ => {}
        }
    }
}
