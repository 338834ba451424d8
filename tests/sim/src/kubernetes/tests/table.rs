//! The documents of `tests/admission/`, and what is derived from them: one accepted and one refused for each check.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Documents for one check at one place of the schema.
pub struct Trial {
    pub check: String,
    pub accept: Vec<Value>,
    pub refuse: Value,
    /// The field that the refusal names, and the end of what it says.
    pub field: String,
    pub says: String,
}

/// All of them, for a CRD's schema.
pub fn trials(schema: &Value) -> Vec<Trial> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/admission/albtargetbindings.sgbind.dev.yaml");
    let table: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let entries: BTreeMap<String, &Value> =
        table.as_array().unwrap().iter().map(|entry| (entry["node"].as_str().unwrap().to_owned(), entry)).collect();
    let mut trials = Vec::new();
    for entry in table.as_array().unwrap() {
        for document in documents(entry, &entries) {
            Place::new(&document, schema).trials(entry, &mut trials);
        }
    }
    trials
}

/// A document with a hole, `$`, and what the schema says of the hole.
struct Place<'a> {
    document: &'a Value,
    /// JSON pointer to the hole.
    pointer: String,
    /// As the API server names it.
    field: String,
    schema: &'a Value,
    list: Option<&'a Value>,
}

fn documents(entry: &Value, entries: &BTreeMap<String, &Value>) -> Vec<Value> {
    let at = entry["at"].as_array().unwrap();
    let Some(parent) = entry["in"].as_str() else { return at.clone() };
    let outer = documents(entries[parent], entries);
    let filled = |outer: &Value| -> Vec<Value> {
        at.iter().map(|inner| fill(outer, &pointer(outer).unwrap(), inner.clone())).collect()
    };
    outer.iter().flat_map(filled).collect()
}

impl<'a> Place<'a> {
    fn new(document: &'a Value, root: &'a Value) -> Self {
        let pointer = pointer(document).unwrap();
        let (mut schema, mut list, mut field) = (root, None, String::new());
        for step in pointer.split('/').skip(1) {
            list = None;
            if let Ok(number) = step.parse::<usize>() {
                list = Some(schema);
                schema = &schema["items"];
                field += &format!("[{number}]");
            } else {
                let values = &schema["additionalProperties"];
                schema = if values.is_object() { values } else { &schema["properties"][step] };
                field += &if field.is_empty() { step.to_owned() } else { format!(".{step}") };
            }
        }
        assert!(schema.is_object(), "nothing at {pointer}");
        Self { document, pointer, field, schema, list }
    }

    fn fill(&self, value: Value) -> Value {
        fill(self.document, &self.pointer, value)
    }

    fn trials(&self, entry: &Value, trials: &mut Vec<Trial>) {
        let mut add = |check: &str, accept: Vec<Value>, refuse: Value, field: &str, says: String| {
            trials.push(Trial {
                check: format!("{} at {}: {check}", entry["node"], self.field),
                accept: accept.into_iter().map(|value| self.fill(value)).collect(),
                refuse: self.fill(refuse),
                field: field.to_owned(),
                says,
            });
        };
        for pair in entry["pairs"].as_array().into_iter().flatten() {
            let (field, says) = self.said(pair);
            add("pair", vec![pair["accept"].clone()], pair["refuse"].clone(), &field, says);
        }
        let number = |name: &str| self.schema[name].as_i64();
        if let Some(choices) = self.schema["enum"].as_array() {
            let listed: Vec<_> = choices.iter().map(Value::to_string).collect();
            let says = format!("Unsupported value: \"Nonsense\": supported values: {}", listed.join(", "));
            add("enum", choices.clone(), json!("Nonsense"), &self.field, says);
        }
        if let Some(least) = number("minimum") {
            let says = format!("should be greater than or equal to {least}");
            add("minimum", vec![json!(least)], json!(least - 1), &self.field, says);
        }
        if let Some(most) = number("maximum") {
            let says = format!("should be less than or equal to {most}");
            add("maximum", vec![json!(most)], json!(most + 1), &self.field, says);
        }
        if let Some(text) = entry["stretch"].as_str() {
            let stretched = |length: i64| json!(text.replacen('*', &"a".repeat(length as usize + 1 - text.len()), 1));
            if let Some(least) = number("minLength") {
                let says = format!("should be at least {least} chars long");
                add("minLength", vec![stretched(least)], stretched(least - 1), &self.field, says);
            }
            if let Some(most) = number("maxLength") {
                let says = format!("Too long: may not be more than {most} bytes");
                add("maxLength", vec![stretched(most)], stretched(most + 1), &self.field, says);
            }
        }
        if !entry["item"].is_null() {
            let items = |count: i64| collection(self.schema, (1..=count).map(|n| numbered(&entry["item"], n)));
            for bound in ["maxItems", "maxProperties"] {
                if let Some(most) = number(bound) {
                    let says = format!("Too many: {}: must have at most {most} items", most + 1);
                    add(bound, vec![items(most)], items(most + 1), &self.field, says);
                }
            }
            if ["set", "map"].contains(&self.schema["x-kubernetes-list-type"].as_str().unwrap_or_default()) {
                let one = numbered(&entry["item"], 1);
                let says = "duplicate entries for key".to_owned();
                add("unique", vec![items(2)], json!([one, one]), &self.field, says);
            }
        }
        for name in self.schema["required"].as_array().into_iter().flatten().filter(|_| entry["required"].is_object()) {
            let name = name.as_str().unwrap();
            let mut without = entry["required"].clone();
            without.as_object_mut().unwrap().remove(name).unwrap();
            let (field, says) = self.missing(name);
            add("required", vec![entry["required"].clone()], without, &field, says);
        }
    }

    /// What a pair's refusal names and says.
    fn said(&self, pair: &Value) -> (String, String) {
        let given = pair["says"].as_str().map(str::to_owned);
        let Some(part) = pair["rule"].as_str() else { return (self.field.clone(), given.unwrap()) };
        let own = |rule: &&Value| {
            let message = ["message", "messageExpression"].iter().find_map(|key| rule[*key].as_str()).unwrap();
            message.contains(part)
        };
        let rule = self.schema["x-kubernetes-validations"].as_array().unwrap().iter().find(own);
        let rule = rule.unwrap_or_else(|| panic!("no rule {part:?} at {}", self.field));
        let field = self.field.clone() + rule["fieldPath"].as_str().unwrap_or_default();
        (field, rule["message"].as_str().map(str::to_owned).or(given).unwrap())
    }

    fn missing(&self, name: &str) -> (String, String) {
        let keys = self.list.and_then(|list| list["x-kubernetes-list-map-keys"].as_array());
        if keys.is_some_and(|keys| keys.contains(&json!(name))) {
            let says =
                format!("element 0: associative list with keys has an element that omits all key fields [\"{name}\"]");
            return (self.field[..self.field.len() - "[0]".len()].to_owned(), says);
        }
        let field = if self.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field) };
        (field, "Required value".to_owned())
    }
}

fn pointer(document: &Value) -> Option<String> {
    match document {
        Value::String(text) if text == "$" => Some(String::new()),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| Some(format!("/{name}{}", pointer(value)?))),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(number, value)| Some(format!("/{number}{}", pointer(value)?)))
        }
        _ => None,
    }
}

fn fill(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

fn numbered(item: &Value, number: i64) -> Value {
    match item {
        Value::String(text) if text == "#" => json!(number),
        Value::String(text) => json!(text.replace('#', &number.to_string())),
        Value::Object(fields) => {
            let name = |name: &str| name.replace('#', &number.to_string());
            Value::Object(fields.iter().map(|(key, value)| (name(key), numbered(value, number))).collect())
        }
        other => other.clone(),
    }
}

/// A list of the items, or one map of all their fields, as the schema wants it.
fn collection(schema: &Value, items: impl Iterator<Item = Value>) -> Value {
    if schema["items"].is_object() {
        return items.collect();
    }
    let fields: Map<String, Value> = items.flat_map(|item| item.as_object().cloned().unwrap()).collect();
    Value::Object(fields)
}
