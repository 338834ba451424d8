//! YAML with comments. Keys stand in the order of the reference, small maps in one line.

use serde_json::{Map, Value};

use crate::api::{ALBTargetBinding, Aspect};

use super::{Notes, words};

/// In this order keys stand where they stand in one map.
const ORDER: [&str; 26] = [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "region",
    "port",
    "arn",
    "id",
    "name",
    "accountID",
    "namespace",
    "ref",
    "loadBalancer",
    "securityGroup",
    "clients",
    "listeners",
    "targetGroups",
    "ports",
    "healthCheckPort",
    "securityGroups",
    "addresses",
    "identityProviders",
    "pathMTUDiscovery",
    "manage",
    "enforcement",
    "foreignRules",
];

/// The object without what is as it would be by default.
pub(super) fn small(binding: &ALBTargetBinding) -> Value {
    let mut object = serde_json::to_value(binding).unwrap_or_default();
    let all = [Aspect::ListenerIngress, Aspect::TargetEgress, Aspect::TargetIngress];
    let defaults = [
        ("pathMTUDiscovery", Value::Bool(false)),
        ("manage", serde_json::to_value(all).unwrap_or_default()),
        ("enforcement", "Enforce".into()),
        ("deletionPolicy", "Revoke".into()),
    ];
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        for (key, default) in defaults {
            if spec.get(key) == Some(&default) {
                spec.remove(key);
            }
        }
    }
    object
}

/// The whole document, with a line end at its end.
pub(super) fn render(binding: &ALBTargetBinding, notes: &Notes) -> String {
    let mut writer = Writer { notes, text: String::new() };
    notes.head.iter().for_each(|line| writer.comment(0, line));
    if let Value::Object(object) = small(binding) {
        writer.map(0, "", &object);
    }
    notes.foot.iter().for_each(|line| writer.comment(0, line));
    writer.text
}

struct Writer<'a> {
    notes: &'a Notes,
    text: String,
}

impl Writer<'_> {
    fn comment(&mut self, indent: usize, line: &str) {
        let line = words::in_one_line(line);
        self.line(indent, format!("# {line}").trim_end());
    }

    fn line(&mut self, indent: usize, line: &str) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The comment that stands on the field's own line.
    fn beside(&self, path: &str) -> String {
        let note = self.notes.beside.get(path);
        note.map(|text| format!(" # {}", words::in_one_line(text))).unwrap_or_default()
    }

    fn above(&mut self, indent: usize, path: &str) {
        for line in self.notes.above.get(path).into_iter().flatten() {
            self.comment(indent, line);
        }
    }

    fn map(&mut self, indent: usize, path: &str, map: &Map<String, Value>) {
        let unordered = map.keys().map(String::as_str).filter(|key| !ORDER.contains(key));
        for key in ORDER.into_iter().chain(unordered) {
            let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            // A field that is left out may have a comment, too.
            self.above(indent, &path);
            if let Some(value) = map.get(key) {
                self.field(indent, &path, key, value);
            }
        }
    }

    fn field(&mut self, indent: usize, path: &str, key: &str, value: &Value) {
        let beside = self.beside(path);
        match (in_one_line(value), value) {
            (Some(text), _) => self.line(indent, &format!("{key}: {text}{beside}")),
            (None, Value::Object(map)) => {
                self.line(indent, &format!("{key}:{beside}"));
                self.map(indent + 2, path, map);
            }
            (None, Value::Array(items)) => {
                self.line(indent, &format!("{key}:{beside}"));
                for (index, item) in items.iter().enumerate() {
                    self.item(indent, &format!("{path}[{index}]"), item);
                }
            }
            (None, _) => {}
        }
    }

    /// An item of a list: a map, whose first field stands beside the dash.
    fn item(&mut self, indent: usize, path: &str, item: &Value) {
        let Value::Object(map) = item else { return };
        let mut inner = Writer { notes: self.notes, text: String::new() };
        inner.map(indent + 2, path, map);
        let beside = self.beside(path);
        let mut dash = Some(());
        for line in inner.text.lines() {
            let is_field = !line.trim_start().starts_with('#');
            match dash.filter(|()| is_field) {
                Some(()) => {
                    dash = None;
                    let field = line.trim_start();
                    self.line(indent, &format!("- {field}{beside}"));
                }
                None => self.line(0, line),
            }
        }
    }
}

/// What fits into a line: a scalar, a list of scalars, or a map of scalars.
fn in_one_line(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Object(map) => {
            let unordered = map.keys().map(String::as_str).filter(|key| !ORDER.contains(key));
            let keys = ORDER.into_iter().chain(unordered);
            let field = |(key, value): (&str, &Value)| scalar(value).map(|value| format!("{key}: {value}"));
            let fields: Option<Vec<String>> =
                keys.filter_map(|key| map.get(key).map(|value| (key, value))).map(field).collect();
            Some(format!("{{{}}}", fields?.join(", ")))
        }
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(string(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null => Some("null".into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Plain where every YAML reader takes it for just this text, else in double quotes.
fn string(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let quoted: String = text.chars().map(escaped).collect();
    format!("\"{quoted}\"")
}

fn is_plain(text: &str) -> bool {
    // Source: YAML 1.1, "bool" and "null" types; 1.2 knows fewer.
    const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let simple = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '/');
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(simple);
    let is_reserved = RESERVED.contains(&text.to_ascii_lowercase().as_str());
    (is_word && !is_reserved) || text.parse::<ipnet::Ipv4Net>().is_ok()
}

/// Source: YAML 1.2, "5.7. Escaped characters".
fn escaped(char: char) -> String {
    match char {
        '"' | '\\' => format!("\\{char}"),
        ' '..='~' => char.to_string(),
        _ if char.is_alphanumeric() => char.to_string(),
        _ if u32::from(char) <= 0xffff => format!("\\u{:04x}", u32::from(char)),
        _ => format!("\\U{:08x}", u32::from(char)),
    }
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn texts_are_plain_only_where_every_reader_takes_them_for_texts() {
        for plain in ["shop", "team-shop", "com.amazonaws.global.cloudfront.origin-facing", "10.0.0.0/8", "no-one"] {
            assert_eq!(string(plain), plain);
        }
        for quoted in
            ["yes", "No", "off", "null", "123456789012", "1e3", "::/0", "2001:db8::/32", "a b", "a,b", "", "-", "~"]
        {
            assert_eq!(string(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(string("\"\\\n\u{202e}é\u{1f512}"), "\"\\\"\\\\\\u000a\\u202eé\\U0001f512\"");
    }
}
