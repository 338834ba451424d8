//! `x-kubernetes-validations`, by the CEL interpreter of `kube-cel`.
//!
//! Its own walk of a schema is not used: it visits fields in the order of a hash map, and relates the items of lists to
//! the old ones by position. Here each rule is compiled once, when the CRD is read.
//! Source: "Extend the Kubernetes API with CustomResourceDefinitions", Validation rules.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kube_cel::KubeCelExt;
use kube_cel::cel::extractors::This;
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, ExecutionError, Program, Value as Cel};
use regex::Regex;
use serde_json::Value;

use super::{Kind, ListType, Path, Schema};
use crate::kubernetes::failure::{FieldError, FieldReason};

/// One rule, compiled.
pub(super) struct Rule {
    program: Program,
    /// As written, for those without a message.
    text: String,
    message: Option<String>,
    message_program: Option<Program>,
    reason: FieldReason,
    /// Appended to the place, such as `.region`.
    field_path: String,
    /// Speaks of `oldSelf`, so that it holds of nothing new.
    transition: bool,
    optional_old_self: bool,
}

/// Evaluates rules; registering the functions of Kubernetes takes longer than most rules, so one serves all.
pub struct Evaluator {
    context: Context<'static>,
    timestamp: Option<Program>,
}

pub(super) fn parse(rules: Option<&Value>, place: &str) -> Result<Vec<Rule>, String> {
    rules.and_then(Value::as_array).into_iter().flatten().map(|rule| Rule::parse(rule, place)).collect()
}

pub(super) fn compile(expression: &str, place: &str) -> Result<Program, String> {
    Program::compile(expression).map_err(|error| format!("{place}: {expression}: {error}"))
}

impl Rule {
    /// Speaks of `oldSelf`, and so of what did not change as well.
    pub(super) fn is_transition(&self) -> bool {
        self.transition
    }

    fn parse(rule: &Value, place: &str) -> Result<Self, String> {
        let part = |name: &str| rule.get(name).and_then(Value::as_str).map(str::to_owned);
        let text = part("rule").ok_or_else(|| format!("{place}: a rule without rule"))?;
        let program = compile(&text, place)?;
        let transition = program.references().has_variable("oldSelf");
        Ok(Self {
            transition,
            program,
            message: part("message"),
            message_program: part("messageExpression").map(|expression| compile(&expression, place)).transpose()?,
            reason: match part("reason").as_deref() {
                None | Some("FieldValueInvalid") => FieldReason::Invalid,
                Some("FieldValueForbidden") => FieldReason::Forbidden,
                Some("FieldValueRequired") => FieldReason::Required,
                Some("FieldValueDuplicate") => FieldReason::Duplicate,
                Some(other) => return Err(format!("{place}: no reason {other}")),
            },
            field_path: part("fieldPath").unwrap_or_default(),
            optional_old_self: rule.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or_default(),
            text,
        })
    }

    fn says(&self, context: &Context) -> String {
        let dynamic = self.message_program.as_ref().and_then(|program| match program.execute(context) {
            Ok(Cel::String(text)) if !text.trim().is_empty() && !text.contains('\n') => Some(text.to_string()),
            _ => None,
        });
        dynamic.or_else(|| self.message.clone()).unwrap_or_else(|| format!("failed rule: {}", self.text.trim()))
    }

    fn error(&self, path: &Path, value: &Value, why: &str) -> FieldError {
        let field = format!("{path}{}", self.field_path);
        let message = match (self.reason, value) {
            (FieldReason::Forbidden, _) => format!("Forbidden: {why}"),
            (FieldReason::Required, _) => format!("Required value: {why}"),
            (FieldReason::Duplicate, Value::Object(_) | Value::Array(_)) => "Duplicate value".to_owned(),
            (FieldReason::Duplicate, _) => format!("Duplicate value: {value}"),
            // Of lists and maps the real server does not repeat the value.
            (_, Value::Object(_) | Value::Array(_)) => format!("Invalid value: {why}"),
            _ => format!("Invalid value: {value}: {why}"),
        };
        FieldError::new(self.reason, field, message)
    }
}

impl Default for Evaluator {
    fn default() -> Self {
        let mut context = Context::default().with_all();
        // kube-cel lets leading zeros pass: 010.0.0.0/8.
        context.add_function("isCIDR", |text: Arc<String>| network(&text).is_some());
        context.add_function("isCIDRv4", |text: Arc<String>| network(&text).is_some_and(|ip| ip.is_ipv4()));
        context.add_function("isCIDRv6", |text: Arc<String>| network(&text).is_some_and(|ip| ip.is_ipv6()));
        // The one of the interpreter compiles the expression anew each time, which is most of what a write costs.
        let compiled = Mutex::new(BTreeMap::new());
        context.add_function("matches", move |This(text): This<Arc<String>>, pattern: Arc<String>| {
            matches(&compiled, &text, &pattern)
        });
        Self { context, timestamp: Program::compile("timestamp(self)").ok() }
    }
}

impl Evaluator {
    /// What rules say of a value, and of all that is in it. `old` is what stood at the same place before, if the two
    /// can be related: rules that speak of `oldSelf` need it, and what did not change is not tried anew.
    pub fn refusals(&self, schema: &Schema, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.walk(schema, value, old, &Path::ROOT, &mut errors);
        errors
    }

    pub(super) fn matches(&self, pattern: &(String, Program), text: &str) -> bool {
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", string(text));
        scope.add_variable_from_value("pattern", string(&pattern.0));
        matches!(pattern.1.execute(&scope), Ok(Cel::Bool(true)))
    }

    fn walk(&self, schema: &Schema, value: &Value, old: Option<&Value>, path: &Path, errors: &mut Vec<FieldError>) {
        let untouched = old == Some(value) && !schema.transitions;
        if !schema.ruled || untouched || (value.is_null() && schema.nullable) {
            return;
        }
        if !schema.rules.is_empty() {
            self.evaluate(schema, value, old, path, errors);
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let Some(below) = schema.field(name).filter(|below| below.ruled) else { continue };
                    let old = old.and_then(|old| old.get(name));
                    let path = if schema.names(name) { path.field(name) } else { path.key(name) };
                    self.walk(below, value, old, &path, errors);
                }
            }
            Value::Array(items) => {
                let Some(below) = schema.items.as_deref().filter(|below| below.ruled) else { return };
                for (number, item) in items.iter().enumerate() {
                    let old = old.and_then(|old| same_item(&schema.list, old, item));
                    self.walk(below, item, old, &path.item(number), errors);
                }
            }
            _ => {}
        }
    }

    fn evaluate(&self, schema: &Schema, value: &Value, old: Option<&Value>, path: &Path, errors: &mut Vec<FieldError>) {
        let unchanged = old == Some(value);
        let due = |rule: &Rule| if rule.transition { old.is_some() || rule.optional_old_self } else { !unchanged };
        if !schema.rules.iter().any(due) {
            return;
        }
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", self.cel(schema, value));
        match old {
            Some(old) if schema.rules.iter().any(|rule| rule.transition) => {
                scope.add_variable_from_value("oldSelf", self.cel(schema, old));
            }
            _ => scope.add_variable_from_value("oldSelf", Cel::Null),
        }
        for rule in schema.rules.iter().filter(|rule| due(rule)) {
            match rule.program.execute(&scope) {
                Ok(Cel::Bool(true)) => {}
                Ok(Cel::Bool(false)) => errors.push(rule.error(path, value, &rule.says(&scope))),
                Ok(_) => errors.push(rule.error(path, value, "the rule is not a condition")),
                Err(error) => {
                    errors.push(rule.error(path, value, &format!("rule evaluation error: {error}: {}", rule.text)));
                }
            }
        }
    }

    /// The value as rules see it: texts with a format are times, numbers are as the schema says.
    fn cel(&self, schema: &Schema, value: &Value) -> Cel {
        match value {
            Value::Null => Cel::Null,
            Value::Bool(value) => Cel::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) if schema.kind != Some(Kind::Number) => Cel::Int(whole),
                _ => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) if schema.limits.format.as_deref() == Some("date-time") => self.timestamp(text),
            Value::String(text) => string(text),
            Value::Array(items) => {
                let below = schema.items.as_deref();
                Cel::List(Arc::new(items.iter().map(|item| self.below(below, item)).collect()))
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| {
                    // Keys of maps are data and stay as they are.
                    let key = if schema.values.is_some() { name.clone() } else { escaped(name) };
                    (Key::String(Arc::new(key)), self.below(schema.field(name), value))
                });
                Cel::Map(Map { map: Arc::new(fields.collect::<HashMap<_, _>>()) })
            }
        }
    }

    fn below(&self, schema: Option<&Schema>, value: &Value) -> Cel {
        match schema {
            Some(schema) => self.cel(schema, value),
            None => self.cel(&Schema::default(), value),
        }
    }

    fn timestamp(&self, text: &str) -> Cel {
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", string(text));
        let parsed = self.timestamp.as_ref().and_then(|program| program.execute(&scope).ok());
        parsed.unwrap_or_else(|| string(text))
    }
}

/// The item of the old list that is the same as this one; items of atomic lists and sets can't be related.
pub(super) fn same_item<'a>(list: &ListType, old: &'a Value, item: &Value) -> Option<&'a Value> {
    let ListType::Map(keys) = list else { return None };
    old.as_array()?.iter().find(|old| keys.iter().all(|key| old.get(key) == item.get(key)))
}

fn matches(compiled: &Mutex<BTreeMap<String, Regex>>, text: &str, pattern: &str) -> Result<bool, ExecutionError> {
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled.get(pattern) {
        return Ok(regex.is_match(text));
    }
    let regex = Regex::new(pattern).map_err(|error| ExecutionError::function_error("matches", error.to_string()))?;
    let matches = regex.is_match(text);
    compiled.insert(pattern.to_owned(), regex);
    Ok(matches)
}

/// The address of a network in CIDR notation, as strictly as Go's `netip.ParsePrefix` and Kubernetes: without leading
/// zeros, zones, and IPv4 addresses written as IPv6.
fn network(text: &str) -> Option<IpAddr> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u8 = length.parse().ok().filter(|bits: &u8| bits.to_string() == length)?;
    match address {
        IpAddr::V4(_) => bits <= 32,
        IpAddr::V6(address) => bits <= 128 && address.to_ipv4_mapped().is_none(),
    }
    .then_some(address)
}

fn string(text: &str) -> Cel {
    Cel::String(Arc::new(text.to_owned()))
}

/// How a field is named in rules. Source: as above, "Accessible property names are escaped according to the following
/// rules".
fn escaped(name: &str) -> String {
    const RESERVED: [&str; 19] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
    ];
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['.', '-', '/']) && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
