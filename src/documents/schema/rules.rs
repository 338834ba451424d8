//! `x-kubernetes-validations`, by the CEL interpreter of `kube-cel`.
//!
//! Its own walk of a schema is not used: it visits fields in any order, and compiles each rule anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use kube_cel::KubeCelExt;
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, Program, Value as Cel};
use serde_json::Value;

use super::{Schema, Type, functions};
use crate::validate::Finding;

/// One rule, compiled.
pub(super) struct Rule {
    own: ValidationRule,
    program: Program,
    message: Option<Program>,
    /// It compares with what was there before, so that it says nothing of what is new.
    is_transition: bool,
}

impl Rule {
    /// The rules of our own CRDs compile, as a test says.
    pub(super) fn new(own: ValidationRule) -> Self {
        let compile = |text: &str| Program::compile(text).unwrap_or_else(|error| panic!("the rule {text}: {error}"));
        let program = compile(&own.rule);
        let is_transition = program.references().has_variable("oldSelf");
        Self { message: own.message_expression.as_deref().map(compile), program, is_transition, own }
    }

    fn finding(&self, path: &str, scope: &Context, why: Option<String>) -> Finding {
        let explained = self.message.as_ref().and_then(|program| match program.execute(scope) {
            Ok(Cel::String(text)) if !text.trim().is_empty() => Some(text.to_string()),
            _ => None,
        });
        let message = why.or(explained).or_else(|| self.own.message.clone());
        let place = self.own.field_path.as_deref().unwrap_or_default();
        let field = format!("{path}{place}").trim_start_matches('.').to_owned();
        Finding { field, message: message.unwrap_or_else(|| format!("does not fulfil {}", self.own.rule)) }
    }
}

/// Evaluates rules; registering functions takes longer than most rules, so one serves all.
pub(super) struct Evaluator {
    context: Context<'static>,
}

impl Evaluator {
    pub(super) fn new() -> Self {
        let mut context = Context::default().with_all();
        functions::register(&mut context);
        Self { context }
    }

    /// What the rules say of an object, except of what holds something in which a finding was made.
    pub(super) fn findings(&self, schema: &Schema, object: &Value, found: &[Finding]) -> Vec<Finding> {
        let mut walk = Walk { evaluator: self, spoilt: spoilt(found), findings: Vec::new() };
        walk.value(schema, object, "");
        walk.findings
    }
}

/// The paths of what was found wrong, and of all that holds it.
fn spoilt(found: &[Finding]) -> BTreeSet<&str> {
    let mut paths = BTreeSet::new();
    for finding in found {
        let mut path = finding.field.as_str();
        while paths.insert(path) {
            path = path.rfind(['.', '[']).map_or("", |end| &path[..end]);
        }
    }
    paths
}

struct Walk<'a> {
    evaluator: &'a Evaluator,
    spoilt: BTreeSet<&'a str>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &Schema, value: &Value, path: &str) {
        if !schema.ruled || value.is_null() {
            return;
        }
        if !schema.rules.is_empty() && !self.spoilt.contains(path) {
            self.ask(schema, value, path);
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let Some(below) = schema.field(name) {
                        self.value(below, value, &schema.path(path, name));
                    }
                }
            }
            Value::Array(items) => {
                let Some(below) = &schema.items else { return };
                for (number, item) in schema.judged(items).iter().enumerate() {
                    self.value(below, item, &format!("{path}[{number}]"));
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, schema: &Schema, value: &Value, path: &str) {
        let mut scope = self.evaluator.context.new_inner_scope();
        scope.add_variable_from_value("self", cel(Some(schema), value));
        for rule in schema.rules.iter().filter(|rule| !rule.is_transition) {
            let finding = match rule.program.execute(&scope) {
                Ok(Cel::Bool(true)) => continue,
                Ok(_) => rule.finding(path, &scope, None),
                Err(error) => {
                    let why = format!("can't be compared with the rule {}: {error}", rule.own.rule);
                    rule.finding(path, &scope, Some(why))
                }
            };
            self.findings.push(finding);
        }
    }
}

/// A value as rules see it.
fn cel(schema: Option<&Schema>, value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if schema.is_none_or(|schema| schema.kind != Type::Number) => Cel::Int(whole),
            _ => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => {
            let below = schema.and_then(|schema| schema.items.as_deref());
            Cel::List(Arc::new(items.iter().map(|item| cel(below, item)).collect()))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let below = schema.and_then(|schema| schema.field(name));
                // Keys of maps are data and stay as they are.
                let is_declared = schema.is_some_and(|schema| schema.fields.contains_key(name));
                let key = if is_declared { escaped(name) } else { name.clone() };
                (Key::String(Arc::new(key)), cel(below, value))
            });
            Cel::Map(Map { map: Arc::new(fields.collect::<HashMap<_, _>>()) })
        }
    }
}

/// How rules name a field. Source: "Accessible property names are escaped according to the following rules", in the
/// documentation of validation rules.
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
    let name = name.replace("__", "__underscores__");
    name.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
