//! `metadata.managedFields`: who wrote what, and what follows from it when somebody writes.

use serde_json::{Value, json};

use super::set::FieldSet;
use super::typed::{compare, fields, merge, with_named, without};
use crate::kubernetes::failure::Failure;
use crate::kubernetes::schema::Schema;

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// All else.
    Update,
}

/// Who is told apart from whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    pub operation: Operation,
    pub manager: String,
    pub api_version: String,
    /// Empty for the object itself.
    pub subresource: String,
}

/// What one writer owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub writer: Writer,
    /// RFC 3339. None for who applied what was there already: so does the real server.
    pub time: Option<String>,
    pub fields: FieldSet,
}

/// The owners of the fields of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managers(Vec<Entry>);

/// What an apply makes of an object.
pub struct Applied {
    pub object: Value,
    pub managers: Managers,
}

impl Managers {
    /// From an object's metadata. Entries that are not understood are dropped, as the real server does.
    pub fn of(object: &Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array();
        Self(entries.into_iter().flatten().filter_map(Entry::parse).collect())
    }

    /// As `metadata.managedFields`, in the order of the real server: applies first, then by time.
    pub fn to_value(&self) -> Value {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by_key(|entry| {
            let writer = &entry.writer;
            (writer.operation, &entry.time, &writer.manager, &writer.api_version, &writer.subresource)
        });
        entries.into_iter().map(Entry::to_value).collect()
    }

    fn find(&self, writer: &Writer) -> Option<&Entry> {
        self.0.iter().find(|entry| &entry.writer == writer)
    }

    fn take(&mut self, writer: &Writer) -> Option<Entry> {
        let at = self.0.iter().position(|entry| &entry.writer == writer)?;
        Some(self.0.remove(at))
    }

    /// What a write that is not an apply means: the writer owns what it changed, others lose that, and nobody owns
    /// what is gone.
    pub fn update(mut self, schema: &Schema, live: &Value, new: &Value, writer: Writer, now: &str) -> Self {
        let mut difference = compare(schema, Some(live), Some(new));
        strip(&mut difference.changed, &writer.subresource);
        strip(&mut difference.removed, &writer.subresource);
        if difference.changed.is_empty() && difference.removed.is_empty() {
            return self;
        }
        let own = self.find(&writer).map(|entry| entry.fields.minus(&difference.removed)).unwrap_or_default();
        for entry in &mut self.0 {
            entry.fields = entry.fields.minus(&difference.changed).minus(&difference.removed);
        }
        let before = self.take(&writer);
        let owned = own.union(&difference.changed);
        if !owned.is_empty() {
            let time = match before {
                Some(entry) if difference.changed.is_empty() => entry.time,
                _ => Some(now.to_owned()),
            };
            self.0.push(Entry { writer, time, fields: owned });
        }
        self.0.retain(|entry| !entry.fields.is_empty());
        self
    }

    /// What an apply means. `config` is what is applied, without what the subresource ignores. Without `force`, fields
    /// that others own with other values are refused.
    pub fn apply(
        mut self,
        schema: &Schema,
        live: &Value,
        config: &Value,
        writer: Writer,
        force: bool,
        now: &str,
    ) -> Result<Applied, Failure> {
        let last = self.take(&writer);
        let mut owned = fields(schema, config);
        strip(&mut owned, &writer.subresource);
        let merged = merge(schema, live, config);
        let object = match &last {
            Some(last) if !last.fields.is_empty() => self.pruned(schema, merged, &last.fields, &owned),
            _ => merged,
        };
        let difference = compare(schema, Some(live), Some(&object));
        let conflicts: Vec<_> = self
            .0
            .iter()
            .map(|entry| (&entry.writer, entry.fields.intersection(&difference.changed)))
            .filter(|(_, conflict)| !conflict.is_empty())
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(refused(&conflicts));
        }
        for entry in &mut self.0 {
            entry.fields = entry.fields.minus(&difference.changed).minus(&difference.removed);
        }
        if !owned.is_empty() {
            let unchanged = difference.changed.is_empty() && difference.removed.is_empty();
            let time = if unchanged { last.and_then(|entry| entry.time) } else { Some(now.to_owned()) };
            self.0.push(Entry { writer, time, fields: owned });
        }
        self.0.retain(|entry| !entry.fields.is_empty());
        Ok(Applied { object, managers: self })
    }

    /// The merged object without what the writer applied last time, does not apply any more, and nobody else owns.
    fn pruned(&self, schema: &Schema, merged: Value, last: &FieldSet, owned: &FieldSet) -> Value {
        let last = with_named(schema, last);
        let mut pruned = without(schema, &merged, &last);
        let all = with_named(schema, &fields(schema, &merged));
        for owner in self.0.iter().map(|entry| &entry.fields).chain([owned]) {
            let kept = with_named(schema, &fields(schema, &pruned)).union(&with_named(schema, owner));
            pruned = without(schema, &merged, &all.minus(&kept));
        }
        // What nobody owned stays.
        let kept = with_named(schema, &fields(schema, &pruned));
        without(schema, &merged, &all.minus(&kept).intersection(&last))
    }
}

impl Entry {
    fn parse(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let operation = match entry.get("operation")?.as_str()? {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        let writer = Writer {
            operation,
            manager: text("manager"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
        };
        let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
        Some(Self { writer, time, fields: FieldSet::from_fields_v1(entry.get("fieldsV1")?)? })
    }

    fn to_value(&self) -> Value {
        let mut entry = json!({
            "manager": self.writer.manager,
            "operation": match self.writer.operation {
                Operation::Apply => "Apply",
                Operation::Update => "Update",
            },
            "apiVersion": self.writer.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_fields_v1(),
        });
        if let Some(time) = &self.time {
            entry["time"] = time.as_str().into();
        }
        if !self.writer.subresource.is_empty() {
            entry["subresource"] = self.writer.subresource.as_str().into();
        }
        entry
    }
}

/// Takes away what nobody owns, and what a write to this subresource does not write.
fn strip(set: &mut FieldSet, subresource: &str) {
    const NOBODYS: [&str; 11] = [
        "f:name",
        "f:namespace",
        "f:creationTimestamp",
        "f:selfLink",
        "f:uid",
        "f:clusterName",
        "f:generation",
        "f:managedFields",
        "f:resourceVersion",
        "f:deletionTimestamp",
        "f:deletionGracePeriodSeconds",
    ];
    set.cut("f:apiVersion");
    set.cut("f:kind");
    match subresource {
        "status" => set.keep("f:status"),
        _ => set.cut("f:status"),
    }
    if let Some(metadata) = set.below_mut("f:metadata") {
        NOBODYS.iter().for_each(|field| metadata.cut(field));
        // Metadata are there before anybody writes them.
        let below = std::mem::take(metadata);
        for (step, fields) in below.steps() {
            metadata.put(step.clone(), fields.clone());
        }
    }
    set.tidy();
}

fn refused(conflicts: &[(&Writer, FieldSet)]) -> Failure {
    let all: Vec<(String, String)> = conflicts
        .iter()
        .flat_map(|(writer, set)| set.paths().into_iter().map(|path| (writer.printed(), path)))
        .collect();
    let message = match all.as_slice() {
        [(manager, path)] => format!("Apply failed with 1 conflict: conflict with {manager}: {path}"),
        _ => {
            let mut managers: Vec<_> = all.iter().map(|(manager, _)| manager).collect();
            managers.sort();
            managers.dedup();
            let mut lines = Vec::new();
            for manager in managers {
                lines.push(format!("conflicts with {manager}:"));
                lines.extend(all.iter().filter(|(other, _)| other == manager).map(|(_, path)| format!("- {path}")));
            }
            format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
        }
    };
    Failure::apply_conflicts(message, &all)
}

impl Writer {
    /// As conflicts name it.
    fn printed(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            text += &format!(" using {}", self.api_version);
        }
        text
    }
}
