//! What a YAML document holds, with the line of each field.

use serde_json::{Map, Number};

/// One value, and the line on which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Fields(Vec<Field>),
}

/// A field of an object; its line is that of its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub line: usize,
    pub name: String,
    pub node: Node,
}

impl Node {
    pub fn field(&self, name: &str) -> Option<&Field> {
        match &self.value {
            Value::Fields(fields) => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    /// The text of a field, where it is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.field(name)?.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Fields(fields) => {
                let fields = fields.iter().map(|field| (field.name.clone(), field.node.to_json()));
                fields.collect::<Map<_, _>>().into()
            }
        }
    }

    /// The line of a field such as `spec.listeners[0].clients[1].cidr`, or `spec.tags[example.com/part]`; where there is
    /// no such field, that of the nearest one which would hold it.
    pub fn position(&self, path: &str) -> usize {
        self.descend(path).unwrap_or(self.line)
    }

    /// None where the path leads to nothing in here.
    fn descend(&self, path: &str) -> Option<usize> {
        match &self.value {
            Value::List(items) => {
                let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(number.parse::<usize>().ok()?)?;
                Some(item.descend(rest).unwrap_or(item.line))
            }
            Value::Fields(fields) => {
                let (field, rest) = fields
                    .iter()
                    .filter_map(|field| Some((field, after(path, &field.name)?)))
                    // Names may hold dots, as keys of tags do.
                    .max_by_key(|(field, _)| field.name.len())?;
                Some(field.node.descend(rest).unwrap_or(field.line))
            }
            _ => None,
        }
    }
}

/// What follows the name at the begin of a path, if the path begins with it.
fn after<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    if let Some(rest) =
        path.strip_prefix('[').and_then(|path| path.strip_prefix(name)).and_then(|p| p.strip_prefix(']'))
    {
        return Some(rest);
    }
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}
