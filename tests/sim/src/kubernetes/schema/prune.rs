//! Fields that the schema does not know. Source: "Extend the Kubernetes API with CustomResourceDefinitions", Field
//! pruning.

use serde_json::Value;

use super::{Path, Schema, Unknown};

impl Schema {
    /// Takes away what is not declared, and says what it was, such as `spec.misspelt`.
    pub fn prune(&self, value: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        self.prune_at(value, &Path::ROOT, &mut unknown);
        unknown.sort();
        unknown
    }

    fn prune_at(&self, value: &mut Value, path: &Path, unknown: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if self.unknown == Unknown::Pruned {
                    fields.retain(|name, _| {
                        let known = self.field(name).is_some();
                        if !known {
                            unknown.push(path.field(name).to_string());
                        }
                        known
                    });
                }
                for (name, value) in fields.iter_mut() {
                    if let Some(schema) = self.field(name) {
                        schema.prune_at(value, &path.field(name), unknown);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = &self.items {
                    for (number, item) in items.iter_mut().enumerate() {
                        schema.prune_at(item, &path.item(number), unknown);
                    }
                }
            }
            _ => {}
        }
    }
}
