//! What is to be tried, from the CRD, and with what, from `tests/admission/`.

use std::{collections::BTreeSet, fs, path::Path};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps};
use kube::ResourceExt;
use serde::Deserialize;
use serde_json::{Value, json};

mod documents;
mod schema;

use documents::{Step, collection, differences, fill, hole, numbered, stretched};
pub use schema::Check;
use schema::{checks, for_each_schema, resolve, root};

/// One check at one place, with its documents.
pub struct Trial {
    pub path: String,
    pub check: Check,
    pub accept: Vec<Value>,
    pub refuse: Value,
    /// The field that the refusal names, and the end of what it says.
    pub field: String,
    pub says: String,
}

/// A group of places with the same schema, and how to try what is checked there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    node: String,
    /// Another entry, at whose places the documents of `at` stand.
    #[serde(rename = "in")]
    parent: Option<String>,
    /// Documents with one hole, `$`.
    at: Vec<Value>,
    /// For bounds of a text's length: what to write, with `*` where it is stretched.
    stretch: Option<String>,
    /// For bounds of a list or map: one item, with `#` for its number.
    item: Option<Value>,
    /// A document with all required fields.
    required: Option<Value>,
    /// Those values of an enum that are accepted there; absent means all.
    values: Option<Vec<String>>,
    #[serde(default)]
    pairs: Vec<Pair>,
}

/// The two documents for a CEL rule, or for a check that can't be derived.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// Part of the rule's message or message expression, and of no other at its place.
    rule: Option<String>,
    /// Or `unique`, or the name of a format.
    check: Option<String>,
    accept: Value,
    refuse: Value,
    /// The message, where it is an expression.
    says: Option<String>,
}

/// A document with a hole, and what the schema says of the hole.
struct Place<'a> {
    document: Value,
    hole: Vec<Step>,
    /// Place in the schema, such as `spec.listeners[].port`.
    path: String,
    schema: &'a JSONSchemaProps,
    /// The list of which it is an item.
    list: Option<&'a JSONSchemaProps>,
}

/// The trials of one CRD, and what is wrong with the table.
pub fn trials(crd: &CustomResourceDefinition) -> (Vec<Trial>, Vec<String>) {
    let mut wrong = Vec::new();
    let mut trials = Vec::new();
    for (entry, place) in &places(crd) {
        let found = entry.trials(place);
        let mut unused = Vec::new();
        for (used, what) in [
            (
                entry.stretch.is_none() || has(&found, |check| matches!(check, Check::MinLength | Check::MaxLength)),
                "stretch",
            ),
            (
                entry.item.is_none()
                    || has(&found, |check| matches!(check, Check::Unique | Check::MaxItems | Check::MaxProperties)),
                "item",
            ),
            (entry.required.is_none() || has(&found, |check| matches!(check, Check::Required(_))), "required"),
        ] {
            unused.extend((!used).then_some(what.to_owned()));
        }
        for (number, pair) in entry.pairs.iter().enumerate() {
            let tried = found
                .iter()
                .filter(|trial| {
                    trial.accept.contains(&place.filled(&pair.accept)) && trial.refuse == place.filled(&pair.refuse)
                })
                .count();
            if tried != 1 {
                unused.push(format!(
                    "pair {number} ({:?}) is for {tried} checks",
                    pair.rule.as_ref().or(pair.check.as_ref())
                ));
            }
            let differences = differences(&pair.accept, &pair.refuse);
            if differences != 1 {
                unused.push(format!("the documents of pair {number} differ in {differences} fields"));
            }
        }
        wrong.extend(unused.into_iter().map(|what| format!("{} at {}: {what}", entry.node, place.path)));
        trials.extend(found);
    }
    let tried: BTreeSet<_> = trials.iter().map(|trial| (trial.path.clone(), trial.check.clone())).collect();
    let mut all = BTreeSet::new();
    for_each_schema("", root(crd), &mut |path, schema| {
        all.extend(checks(schema).into_iter().map(|check| (path.to_owned(), check)));
    });
    wrong.extend(
        all.difference(&tried).map(|(path, check)| format!("{path}: {check}: nothing in tests/admission tries it")),
    );
    (trials, wrong)
}

/// A document for each kind of object, with one field too many.
pub fn misspelt(crd: &CustomResourceDefinition) -> Vec<(String, Value)> {
    let mut documents = Vec::new();
    for (entry, place) in places(crd) {
        let example = entry.required.as_ref().or(entry.pairs.first().map(|pair| &pair.accept));
        if let Some(Value::Object(mut example)) = example.cloned().filter(|_| place.schema.properties.is_some()) {
            example.insert("misspelt".into(), json!("x"));
            documents.push((place.path.clone(), place.filled(&example.into())));
        }
    }
    assert!(!documents.is_empty());
    documents
}

fn places(crd: &CustomResourceDefinition) -> Vec<(&'static Entry, Place<'_>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admission").join(crd.name_any() + ".yaml");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let entries: Vec<Entry> =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    // As long as the test: a table is read a few times.
    let entries: &'static [Entry] = entries.leak();
    entries
        .iter()
        .flat_map(|entry| entry.documents(entries).into_iter().map(move |document| (entry, document)))
        .map(|(entry, document)| {
            let hole = hole(&document).unwrap_or_else(|| panic!("{}: no hole in {document}", entry.node));
            let (path, schema) = resolve(root(crd), &hole);
            let list = match hole.split_last() {
                Some((Step::Item(_), list)) => Some(resolve(root(crd), list).1),
                _ => None,
            };
            (entry, Place { document, hole, path, schema, list })
        })
        .collect()
}

impl Entry {
    fn pair(&self, check: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.check.as_deref() == Some(check))
    }

    fn documents(&self, entries: &[Entry]) -> Vec<Value> {
        let Some(parent) = &self.parent else { return self.at.clone() };
        let parent = entries.iter().find(|entry| &entry.node == parent).unwrap_or_else(|| panic!("no node {parent}"));
        let outer = parent.documents(entries);
        outer
            .iter()
            .flat_map(|outer| self.at.iter().map(move |inner| fill(outer, &hole(outer).unwrap(), inner)))
            .collect()
    }

    fn trials(&self, place: &Place) -> Vec<Trial> {
        checks(place.schema).into_iter().filter_map(|check| self.trial(place, check)).collect()
    }

    /// None where the table has nothing for it.
    fn trial(&self, place: &Place, check: Check) -> Option<Trial> {
        let schema = place.schema;
        let text = |length: i64| self.stretch.as_ref().map(|text| json!(stretched(text, length as usize)));
        let items =
            |count: i64| self.item.as_ref().map(|item| collection(schema, (1..=count).map(|n| numbered(item, n))));
        let mut field = place.field();
        let (accept, refuse, says) = match &check {
            Check::Rule(number, message) => {
                let pair =
                    self.pairs.iter().find(|pair| pair.rule.as_ref().is_some_and(|part| message.contains(part)))?;
                let rule = &schema.x_kubernetes_validations.as_ref()?[*number];
                field += rule.field_path.as_deref().unwrap_or_default();
                let says = rule.message.as_ref().or(pair.says.as_ref())?;
                (vec![pair.accept.clone()], pair.refuse.clone(), says.clone())
            }
            Check::Format(format) => {
                let pair = self.pair(format)?;
                (vec![pair.accept.clone()], pair.refuse.clone(), pair.says.clone()?)
            }
            Check::Value(value) => {
                if self.values.as_ref().is_some_and(|values| !values.contains(value)) {
                    return None;
                }
                let listed: Vec<_> = schema.enum_.iter().flatten().map(|value| value.0.to_string()).collect();
                let supported = listed.join(", ");
                (
                    vec![json!(value)],
                    json!("Nonsense"),
                    format!("Unsupported value: \"Nonsense\": supported values: {supported}"),
                )
            }
            Check::Minimum => {
                let least = schema.minimum? as i64;
                (vec![json!(least)], json!(least - 1), format!("should be greater than or equal to {least}"))
            }
            Check::Maximum => {
                let most = schema.maximum? as i64;
                (vec![json!(most)], json!(most + 1), format!("should be less than or equal to {most}"))
            }
            Check::MinLength => {
                let least = schema.min_length?;
                (vec![text(least)?], text(least - 1)?, format!("should be at least {least} chars long"))
            }
            Check::MaxLength => {
                let most = schema.max_length?;
                (vec![text(most)?], text(most + 1)?, format!("Too long: may not be more than {most} bytes"))
            }
            Check::MaxItems => {
                let most = schema.max_items?;
                (
                    vec![items(most)?],
                    items(most + 1)?,
                    format!("Too many: {}: must have at most {most} items", most + 1),
                )
            }
            Check::MaxProperties => {
                let most = schema.max_properties?;
                (
                    vec![items(most)?],
                    items(most + 1)?,
                    format!("Too many: {}: must have at most {most} items", most + 1),
                )
            }
            Check::Unique => {
                let says = "duplicate entries for key".into();
                match (&self.item, self.pair("unique")) {
                    (Some(item), _) => (vec![items(2)?], json!([numbered(item, 1), numbered(item, 1)]), says),
                    (None, Some(pair)) => (vec![pair.accept.clone()], pair.refuse.clone(), says),
                    (None, None) => return None,
                }
            }
            Check::Required(name) => {
                let full = self.required.clone()?;
                let mut without = full.clone();
                without.as_object_mut()?.remove(name)?;
                let keys = place.list.and_then(|list| list.x_kubernetes_list_map_keys.as_ref());
                if keys.is_some_and(|keys| keys.contains(name)) {
                    field.truncate(field.len() - "[0]".len());
                    let says = format!(
                        "element 0: associative list with keys has an element that omits all key fields [\"{name}\"]"
                    );
                    (vec![full], without, says)
                } else {
                    field = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                    (vec![full], without, "Required value".into())
                }
            }
            Check::Unexpected(_) => return None,
        };
        Some(Trial {
            path: place.path.clone(),
            check,
            accept: accept.iter().map(|value| place.filled(value)).collect(),
            refuse: place.filled(&refuse),
            field,
            says,
        })
    }
}

impl Place<'_> {
    fn filled(&self, value: &Value) -> Value {
        fill(&self.document, &self.hole, value)
    }

    /// As the API server names it.
    fn field(&self) -> String {
        let mut name = String::new();
        for step in &self.hole {
            match step {
                Step::Field(field) if name.is_empty() => name += field,
                Step::Field(field) => name += &format!(".{field}"),
                Step::Item(number) => name += &format!("[{number}]"),
            }
        }
        name
    }
}

fn has(trials: &[Trial], which: impl Fn(&Check) -> bool) -> bool {
    trials.iter().any(|trial| which(&trial.check))
}
