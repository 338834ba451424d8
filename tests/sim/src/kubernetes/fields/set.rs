//! Sets of fields, as `FieldsV1` writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of paths. Steps are written as in FieldsV1: `f:spec`, `k:{"type":"Ready"}`, `v:"x"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether the place itself belongs to the set, beside what is below.
    member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Of what is at one place only.
    pub fn here() -> Self {
        Self { member: true, below: BTreeMap::new() }
    }

    pub fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    pub fn is_member(&self) -> bool {
        self.member
    }

    pub fn below(&self, step: &str) -> Option<&FieldSet> {
        self.below.get(step)
    }

    pub fn steps(&self) -> impl Iterator<Item = (&String, &FieldSet)> {
        self.below.iter()
    }

    pub fn add_here(&mut self) {
        self.member = true;
    }

    /// Adds what is below one step; nothing for an empty set.
    pub fn put(&mut self, step: String, set: FieldSet) {
        if !set.is_empty() {
            match self.below.entry(step) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(set);
                }
                std::collections::btree_map::Entry::Occupied(mut there) => there.get_mut().add(&set),
            }
        }
    }

    /// Takes away a step with all that is below it.
    pub fn cut(&mut self, step: &str) {
        self.below.remove(step);
    }

    /// Keeps only one step.
    pub fn keep(&mut self, step: &str) {
        self.below.retain(|name, _| name == step);
    }

    pub fn below_mut(&mut self, step: &str) -> Option<&mut FieldSet> {
        self.below.get_mut(step)
    }

    /// Drops steps below which nothing is left.
    pub fn tidy(&mut self) {
        self.below.retain(|_, set| {
            set.tidy();
            !set.is_empty()
        });
    }

    pub fn add(&mut self, other: &FieldSet) {
        self.member |= other.member;
        for (step, set) in &other.below {
            self.below.entry(step.clone()).or_default().add(set);
        }
    }

    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let mut union = self.clone();
        union.add(other);
        union
    }

    /// Members of this that are not members of the other.
    pub fn minus(&self, other: &FieldSet) -> FieldSet {
        let mut left = FieldSet { member: self.member && !other.member, below: BTreeMap::new() };
        for (step, set) in &self.below {
            let rest = other.below.get(step).map_or_else(|| set.clone(), |other| set.minus(other));
            left.put(step.clone(), rest);
        }
        left
    }

    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut both = FieldSet { member: self.member && other.member, below: BTreeMap::new() };
        for (step, set) in &self.below {
            if let Some(other) = other.below.get(step) {
                both.put(step.clone(), set.intersection(other));
            }
        }
        both
    }

    /// The members as messages write them: `.spec.targetGroups[name="b"].ref.name`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(String::new(), &mut paths);
        paths
    }

    fn collect(&self, path: String, paths: &mut Vec<String>) {
        if self.member {
            paths.push(path.clone());
        }
        for (step, set) in &self.below {
            set.collect(format!("{path}{}", written(step)), paths);
        }
    }

    pub fn to_fields_v1(&self) -> Value {
        let mut fields = Map::new();
        if self.member && !self.below.is_empty() {
            fields.insert(".".into(), Value::Object(Map::new()));
        }
        fields.extend(self.below.iter().map(|(step, set)| (step.clone(), set.to_fields_v1())));
        Value::Object(fields)
    }

    /// None where it is not FieldsV1.
    pub fn from_fields_v1(fields: &Value) -> Option<FieldSet> {
        let mut set = Self::default();
        for (step, below) in fields.as_object()? {
            if step == "." {
                set.member = true;
                continue;
            }
            let mut below = Self::from_fields_v1(below)?;
            if below.below.is_empty() {
                below.member = true;
            }
            set.below.insert(step.clone(), below);
        }
        Some(set)
    }
}

fn written(step: &str) -> String {
    match step.split_at_checked(2) {
        Some(("f:", name)) => format!(".{name}"),
        Some(("v:", value)) => format!("[={value}]"),
        Some(("k:", keys)) => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        _ => format!("[{step}]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldSet;

    fn set(fields: serde_json::Value) -> FieldSet {
        FieldSet::from_fields_v1(&fields).unwrap()
    }

    #[test]
    fn sets_are_what_they_were_after_writing_and_reading() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:status": {"f:conditions": {"k:{\"type\":\"Ready\"}": {".": {}, "f:reason": {}}}}});
        assert_eq!(set(fields.clone()).to_fields_v1(), fields);
    }

    #[test]
    fn paths_are_written_as_in_messages_about_conflicts() {
        let fields = json!({"f:metadata": {"f:finalizers": {"v:\"x.dev/1\"": {}}},
            "f:spec": {"f:groups": {"k:{\"name\":\"b\",\"port\":1}": {".": {}, "f:ref": {}}}}});
        let paths = [
            ".metadata.finalizers[=\"x.dev/1\"]",
            ".spec.groups[name=\"b\",port=1]",
            ".spec.groups[name=\"b\",port=1].ref",
        ];
        assert_eq!(set(fields).paths(), paths);
    }

    #[test]
    fn what_is_taken_away_leaves_no_empty_steps() {
        let fields = set(json!({"f:spec": {"f:a": {}, "f:b": {}}}));
        assert_eq!(fields.minus(&set(json!({"f:spec": {"f:a": {}}}))), set(json!({"f:spec": {"f:b": {}}})));
        assert!(fields.minus(&fields).is_empty());
        assert_eq!(
            fields.intersection(&set(json!({"f:spec": {".": {}, "f:a": {}}}))),
            set(json!({"f:spec": {"f:a": {}}}))
        );
    }
}
