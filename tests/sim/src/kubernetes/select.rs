//! Which objects are asked for: label and field selectors.
//!
//! Source: "Labels and Selectors", "Field Selectors".

use serde_json::Value;

use super::failure::Failure;

/// What objects must be like. All requirements must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<(String, Requirement)>,
    /// Field, value, and whether it must differ.
    fields: Vec<(Field, String, Sign)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Name,
    Namespace,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Equal,
    Different,
}

impl Selector {
    /// From the parameters `labelSelector` and `fieldSelector`.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        let mut selector = Self::default();
        for requirement in split(labels) {
            selector.labels.push(label(requirement.trim())?);
        }
        for requirement in fields.split(',').filter(|requirement| !requirement.is_empty()) {
            selector.fields.push(field(requirement)?);
        }
        Ok(selector)
    }

    pub fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let labels = self.labels.iter().all(|(key, requirement)| {
            let value = metadata["labels"].get(key).and_then(Value::as_str);
            match requirement {
                Requirement::Exists => value.is_some(),
                Requirement::Absent => value.is_none(),
                Requirement::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
                Requirement::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            }
        });
        let fields = self.fields.iter().all(|(field, wanted, sign)| {
            let value = match field {
                Field::Name => metadata["name"].as_str(),
                Field::Namespace => metadata["namespace"].as_str(),
            };
            (value.unwrap_or_default() == wanted) == (*sign == Sign::Equal)
        });
        labels && fields
    }
}

/// At commas outside of parentheses.
fn split(labels: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut depth) = (0, 0_usize);
    for (at, character) in labels.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&labels[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&labels[from..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn label(requirement: &str) -> Result<(String, Requirement), Failure> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let words: Vec<_> = requirement.split_whitespace().collect();
    let (key, requirement) = if let Some((key, value)) = requirement.split_once("!=") {
        (key, Requirement::NotIn(one(value)))
    } else if let Some((key, value)) = requirement.split_once("==") {
        (key, Requirement::In(one(value)))
    } else if let Some((key, value)) = requirement.split_once('=') {
        (key, Requirement::In(one(value)))
    } else if let Some(key) = requirement.strip_prefix('!') {
        (key, Requirement::Absent)
    } else if let Some((key, "in", values)) = set(requirement) {
        (key, Requirement::In(values))
    } else if let Some((key, "notin", values)) = set(requirement) {
        (key, Requirement::NotIn(values))
    } else if let [key] = words.as_slice() {
        (*key, Requirement::Exists)
    } else {
        let found = words.get(1).copied().unwrap_or_default();
        let message = format!("unable to parse requirement: found '{found}', expected: in, notin, =, ==, !=, gt, lt");
        return Err(Failure::bad_request(message));
    };
    Ok((key.trim().to_owned(), requirement))
}

/// `key in (a, b)`.
fn set(requirement: &str) -> Option<(&str, &str, Vec<String>)> {
    let (before, values) = requirement.strip_suffix(')')?.split_once('(')?;
    let (key, operator) = before.trim().split_once(char::is_whitespace)?;
    Some((key, operator.trim(), values.split(',').map(|value| value.trim().to_owned()).collect()))
}

fn field(requirement: &str) -> Result<(Field, String, Sign), Failure> {
    let (name, value, sign) = if let Some((name, value)) = requirement.split_once("!=") {
        (name, value, Sign::Different)
    } else if let Some((name, value)) = requirement.split_once("==") {
        (name, value, Sign::Equal)
    } else if let Some((name, value)) = requirement.split_once('=') {
        (name, value, Sign::Equal)
    } else {
        let message = format!("invalid selector: '{requirement}'; can't understand '{requirement}'");
        return Err(Failure::bad_request(message));
    };
    let field = match name {
        "metadata.name" => Field::Name,
        "metadata.namespace" => Field::Namespace,
        _ => return Err(Failure::bad_request(format!("field label not supported: {name}"))),
    };
    Ok((field, value.to_owned(), sign))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Selector;

    #[test]
    fn all_requirements_of_labels_must_hold() {
        let object = json!({"metadata": {"name": "x", "labels": {"a": "1", "b": "2"}}});
        for (labels, wanted) in [
            ("", true),
            ("a", true),
            ("a=1,b==2", true),
            ("a=1,b=3", false),
            ("!c", true),
            ("!a", false),
            ("a!=2,c!=2", true),
            ("a in (0, 1),b notin (3)", true),
            ("a notin (1)", false),
            ("c in (1)", false),
        ] {
            assert_eq!(Selector::parse(labels, "").unwrap().matches(&object), wanted, "{labels}");
        }
    }

    #[test]
    fn only_name_and_namespace_can_be_selected_as_fields() {
        let object = json!({"metadata": {"name": "x", "namespace": "y"}});
        for (fields, wanted) in
            [("metadata.name=x,metadata.namespace=y", true), ("metadata.name!=x", false), ("metadata.name==z", false)]
        {
            assert_eq!(Selector::parse("", fields).unwrap().matches(&object), wanted, "{fields}");
        }
        let refused = Selector::parse("", "spec.x=1").unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (400, "field label not supported: spec.x"));
    }
}
