//! What the schema of a CRD checks, and where.

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use super::documents::Step;

/// What a schema checks at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A CEL rule, by its number at the place and its own message.
    Rule(usize, String),
    Format(String),
    /// One value of an enum.
    Value(String),
    Minimum,
    Maximum,
    MinLength,
    MaxLength,
    MaxItems,
    MaxProperties,
    Unique,
    Required(String),
    /// A CEL rule can do it with a better message.
    Unexpected(&'static str),
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

pub fn root(crd: &CustomResourceDefinition) -> &JSONSchemaProps {
    let schema = crd.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    schema.expect("a schema")
}

pub fn checks(schema: &JSONSchemaProps) -> Vec<Check> {
    let mut checks = Vec::new();
    for (number, rule) in schema.x_kubernetes_validations.iter().flatten().enumerate() {
        let message = rule.message.as_ref().or(rule.message_expression.as_ref()).unwrap_or(&rule.rule);
        checks.push(Check::Rule(number, message.clone()));
    }
    if schema.type_.as_deref() == Some("string") {
        checks.extend(schema.format.clone().map(Check::Format));
    }
    checks.extend(
        schema.enum_.iter().flatten().map(|value| Check::Value(value.0.as_str().expect("enums of texts").to_owned())),
    );
    let list_type = schema.x_kubernetes_list_type.as_deref();
    for (present, check) in [
        (schema.minimum.is_some(), Check::Minimum),
        (schema.maximum.is_some(), Check::Maximum),
        (schema.min_length.is_some(), Check::MinLength),
        (schema.max_length.is_some(), Check::MaxLength),
        (schema.max_items.is_some(), Check::MaxItems),
        (schema.max_properties.is_some(), Check::MaxProperties),
        (matches!(list_type, Some("set" | "map")), Check::Unique),
        (schema.pattern.is_some(), Check::Unexpected("pattern")),
        (schema.min_items.is_some(), Check::Unexpected("minItems")),
        (schema.min_properties.is_some(), Check::Unexpected("minProperties")),
        (schema.multiple_of.is_some(), Check::Unexpected("multipleOf")),
        (schema.exclusive_minimum.is_some(), Check::Unexpected("exclusiveMinimum")),
        (schema.exclusive_maximum.is_some(), Check::Unexpected("exclusiveMaximum")),
        (schema.all_of.is_some(), Check::Unexpected("allOf")),
        (schema.any_of.is_some(), Check::Unexpected("anyOf")),
        (schema.one_of.is_some(), Check::Unexpected("oneOf")),
        (schema.not.is_some(), Check::Unexpected("not")),
    ] {
        checks.extend(present.then_some(check));
    }
    checks.extend(schema.required.iter().flatten().cloned().map(Check::Required));
    checks
}

pub fn for_each_schema(path: &str, schema: &JSONSchemaProps, visit: &mut impl FnMut(&str, &JSONSchemaProps)) {
    visit(path, schema);
    for (name, property) in schema.properties.iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        for_each_schema(&path, property, visit);
    }
    if let Some(values) = values(schema) {
        for_each_schema(&format!("{path}{{}}"), values, visit);
    }
    if let Some(items) = items(schema) {
        for_each_schema(&format!("{path}[]"), items, visit);
    }
}

fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        _ => None,
    }
}

fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items),
        Some(JSONSchemaPropsOrArray::Schemas(_)) => panic!("not structural"),
        None => None,
    }
}

pub fn resolve<'a>(root: &'a JSONSchemaProps, hole: &[Step]) -> (String, &'a JSONSchemaProps) {
    let (mut path, mut schema) = (String::new(), root);
    for step in hole {
        let within =
            |found: Option<&'a JSONSchemaProps>| found.unwrap_or_else(|| panic!("the schema ends at {path:?}"));
        (schema, path) = match step {
            Step::Item(_) => (within(items(schema)), format!("{path}[]")),
            Step::Field(_) if values(schema).is_some() => (within(values(schema)), format!("{path}{{}}")),
            Step::Field(name) => {
                let property = within(schema.properties.as_ref().and_then(|properties| properties.get(name)));
                (property, if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
            }
        };
    }
    (path, schema)
}
