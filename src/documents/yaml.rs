//! Texts of YAML, or JSON, which is YAML too, become trees with positions.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::scalar::resolve;
use super::tree::{Field, Node, Value};

/// Values in one document, those that aliases repeat included: an alias of aliases would soon fill the memory. A list of
/// 10,000 objects has fewer.
const MOST_VALUES: usize = 2_000_000;
/// Objects and lists in each other, aliases followed. Ours need 10.
const DEEPEST: usize = 100;

/// A part of a text that may hold a document: parts are read apart, so that an error in one hides no other.
pub(super) struct Part<'a> {
    /// On which line of the text it begins.
    line: usize,
    pub text: &'a str,
}

/// A document, and what can't be read as it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Tree {
    pub root: Node,
    pub problems: Vec<Problem>,
}

/// What is wrong with a text, whatever it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub line: usize,
    /// Empty where no field can be told.
    pub field: String,
    pub message: String,
}

/// Splits a text at the lines that begin documents.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut begin, mut line) = (0, 1);
    let mut at = 0;
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        let begins =
            content.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if begins && at > begin {
            parts.push(Part { line, text: &text[begin..at] });
            (begin, line) = (at, number);
        }
        at += content.len();
    }
    parts.push(Part { line, text: &text[begin..] });
    // Directives such as %YAML stand before the line that begins their document; none changes what is read.
    let is_bare = |line: &str| line.trim().is_empty() || line.starts_with(['%', '#']);
    parts.retain(|part| !part.text.lines().all(is_bare));
    parts
}

impl Part<'_> {
    /// The documents of this part: one, or none, or several where `...` ends them.
    ///
    /// # Errors
    /// It is not YAML, or has more values than any sensible text.
    pub fn trees(&self) -> Result<Vec<Tree>, Problem> {
        let mut reader = Reader::new(self);
        let mut trees = Vec::new();
        loop {
            match reader.next()? {
                (Event::StreamEnd, _) => return Ok(trees),
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, line) => {
                    reader.begin();
                    let root = reader.node(event, line)?;
                    trees.push(Tree { root, problems: std::mem::take(&mut reader.problems) });
                }
            }
        }
    }

    /// Why it can't be read.
    fn failure(&self, line: usize, what: &str) -> Problem {
        let message = match self.text.contains("{{") {
            true => {
                "this is a template, not YAML: render it first, as with helm template, and give the result".to_owned()
            }
            false => format!("this is not YAML: {what}"),
        };
        Problem { line, field: String::new(), message }
    }
}

/// What an alias stands for.
struct Anchor {
    node: Node,
    values: usize,
    depth: usize,
}

struct Reader<'a> {
    part: &'a Part<'a>,
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Anchor>,
    problems: Vec<Problem>,
    values: usize,
    /// The steps to the value that is being read.
    path: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(part: &'a Part<'a>) -> Self {
        Self {
            part,
            parser: Parser::new_from_str(part.text),
            anchors: BTreeMap::new(),
            problems: Vec::new(),
            values: 0,
            path: Vec::new(),
        }
    }

    /// Anchors and bounds are those of one document.
    fn begin(&mut self) {
        self.anchors.clear();
        self.values = 0;
    }

    fn next(&mut self) -> Result<(Event<'a>, usize), Problem> {
        let line_of = |line: usize| self.part.line + line.max(1) - 1;
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, line_of(span.start.line()))),
                Some(Err(error)) => return Err(self.part.failure(line_of(error.marker().line()), &error.info())),
                None => return Ok((Event::StreamEnd, self.part.line)),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Node, Problem> {
        self.count(line, 1)?;
        if self.path.len() > DEEPEST {
            return Err(self.part.failure(line, "objects and lists are nested more than a hundred deep"));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (Node { line, value: scalar(&text, style, tag.as_deref()) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Node { line, value: Value::List(self.items()?) }, anchor),
            Event::MappingStart(_, anchor, _) => (Node { line, value: Value::Fields(self.fields()?) }, anchor),
            Event::Alias(id) => return self.aliased(id, line),
            _ => return Err(self.part.failure(line, "a value was expected")),
        };
        if anchor != 0 {
            let (values, depth) = extent(&node);
            self.count(line, values)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), values, depth });
        }
        Ok(node)
    }

    fn count(&mut self, line: usize, values: usize) -> Result<(), Problem> {
        self.values += values;
        if self.values > MOST_VALUES {
            return Err(self.part.failure(line, &format!("more than {MOST_VALUES} values in one document")));
        }
        Ok(())
    }

    fn aliased(&mut self, id: usize, line: usize) -> Result<Node, Problem> {
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(self.part.failure(line, "an alias stands for what holds it"));
        };
        let (values, depth) = (anchor.values, anchor.depth);
        if self.path.len() + depth > DEEPEST {
            return Err(self.part.failure(line, "aliases are nested more than a hundred deep"));
        }
        self.count(line, values)?;
        // Counted, so it is there.
        self.anchors.get(&id).map(|anchor| anchor.node.clone()).ok_or_else(|| self.part.failure(line, "unknown alias"))
    }

    fn items(&mut self) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            self.path.push(format!("[{}]", items.len()));
            items.push(self.node(event, line)?);
            self.path.pop();
        }
    }

    fn fields(&mut self) -> Result<Vec<Field>, Problem> {
        let (mut fields, mut merged) = (Vec::<Field>::new(), Vec::new());
        let mut names = BTreeMap::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                // What is written has precedence over what << brings.
                merged.retain(|field: &Field| !names.contains_key(&field.name));
                fields.extend(merged);
                return Ok(fields);
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, line)?;
            let name = self.name(&key);
            self.path.push(name.clone().unwrap_or_default());
            let (event, value_line) = self.next()?;
            let node = self.node(event, value_line)?;
            self.path.pop();
            let Some(name) = name else { continue };
            if is_merge {
                merged.extend(merge(node));
            } else if let Some(first) = names.get(&name) {
                self.path.push(name);
                self.problem(line, format!("stands twice, first on line {first}: leave one of them"));
                self.path.pop();
            } else {
                names.insert(name.clone(), line);
                fields.push(Field { line, name, node });
            }
        }
    }

    /// The name of a field, which in YAML may be of any type.
    fn name(&mut self, key: &Node) -> Option<String> {
        match &key.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::List(_) | Value::Fields(_) => {
                let hint = if self.part.text.contains("{{") {
                    "braces in braces are a template: render it first, as with helm template, and give the result"
                } else {
                    "the name of a field is a text"
                };
                self.problem(key.line, hint.to_owned());
                None
            }
        }
    }

    fn problem(&mut self, line: usize, message: String) {
        let mut field = String::new();
        for step in &self.path {
            if !field.is_empty() && !step.starts_with('[') {
                field.push('.');
            }
            field.push_str(step);
        }
        self.problems.push(Problem { line, field, message });
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let plain = match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => matches!(tag.core_suffix(), Some("int" | "float" | "bool" | "null")),
    };
    if plain { resolve(text) } else { Value::Text(text.to_owned()) }
}

/// The fields that `<<` brings: of one object, or of several, of which the first has precedence.
fn merge(node: Node) -> Vec<Field> {
    match node.value {
        Value::Fields(fields) => fields,
        Value::List(items) => {
            let mut fields = Vec::<Field>::new();
            for field in items.into_iter().flat_map(merge) {
                if !fields.iter().any(|earlier| earlier.name == field.name) {
                    fields.push(field);
                }
            }
            fields
        }
        _ => Vec::new(),
    }
}

/// How many values it is, and how deep.
fn extent(node: &Node) -> (usize, usize) {
    let below: Vec<(usize, usize)> = match &node.value {
        Value::List(items) => items.iter().map(extent).collect(),
        Value::Fields(fields) => fields.iter().map(|field| extent(&field.node)).collect(),
        _ => Vec::new(),
    };
    let values = below.iter().map(|(values, _)| values).sum::<usize>() + 1;
    (values, below.iter().map(|(_, depth)| depth + 1).max().unwrap_or_default())
}

#[cfg(test)]
mod tests;
