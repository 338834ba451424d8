//! Between the XML of AWS's answers and the CLI's JSON, by the table of shapes.

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_smithy_xml::encode::{ScopeWriter, XmlWriter};
use serde_json::{Map, Number, Value};

use super::calls::{Call, Service};
use super::shapes::Shape;

/// An answer that holds these items.
pub fn answer(call: &Call, list: &Value) -> String {
    let (root, result) = (format!("{}Response", call.action), format!("{}Result", call.action));
    let mut text = String::new();
    let mut writer = XmlWriter::new(&mut text);
    let mut root = writer.start_el(&root).finish();
    match call.service {
        Service::Ec2 => write(&mut root, call.service, call.list.xml, &call.list.shape, list),
        Service::Elb => {
            let mut result = root.start_el(&result).finish();
            write(&mut result, call.service, call.list.xml, &call.list.shape, list);
            result.finish();
        }
    }
    root.finish();
    text
}

/// AWS's way of refusing a call.
pub fn refusal(service: Service, code: &str, message: &str) -> String {
    let path: &[&str] = match service {
        Service::Ec2 => &["Response", "Errors", "Error"],
        Service::Elb => &["ErrorResponse", "Error"],
    };
    let mut text = String::new();
    let mut writer = XmlWriter::new(&mut text);
    let fields = [("Code", code), ("Message", message)];
    nested(writer.start_el(path[0]).finish(), &path[1..], &fields);
    text
}

/// Who the caller is. Source: `GetCallerIdentity` in the STS API reference.
pub fn identity(account: &str) -> String {
    let mut text = String::new();
    let mut writer = XmlWriter::new(&mut text);
    let root = writer.start_el("GetCallerIdentityResponse").finish();
    let arn = format!("arn:aws:sts::{account}:snapshot");
    nested(root, &["GetCallerIdentityResult"], &[("Account", account), ("Arn", &arn)]);
    text
}

fn nested(mut scope: ScopeWriter<'_, '_>, path: &[&str], fields: &[(&str, &str)]) {
    match path.split_first() {
        Some((first, rest)) => nested(scope.start_el(first).finish(), rest, fields),
        None => fields.iter().for_each(|(name, value)| leaf(&mut scope, name, value)),
    }
    scope.finish();
}

fn leaf(scope: &mut ScopeWriter<'_, '_>, name: &str, value: &str) {
    let mut element = scope.start_el(name).finish();
    element.data(value);
    element.finish();
}

/// Values were checked against the shapes when they were read: what does not fit is not there.
fn write(scope: &mut ScopeWriter<'_, '_>, service: Service, name: &str, shape: &Shape, value: &Value) {
    match (shape, value) {
        (Shape::List(item), Value::Array(values)) => {
            let mut list = scope.start_el(name).finish();
            values.iter().for_each(|value| write(&mut list, service, service.item(), item, value));
            list.finish();
        }
        (Shape::Structure(fields), Value::Object(object)) => {
            let mut structure = scope.start_el(name).finish();
            for field in *fields {
                if let Some(value) = object.get(field.json) {
                    write(&mut structure, service, field.xml, &field.shape, value);
                }
            }
            structure.finish();
        }
        (_, Value::String(text)) => leaf(scope, name, text),
        (_, Value::Number(number)) => leaf(scope, name, &number.to_string()),
        (_, Value::Bool(truth)) => leaf(scope, name, &truth.to_string()),
        _ => {}
    }
}

/// The list of an answer, as the CLI writes it.
///
/// # Errors
/// It is no answer to the call, or a field holds what it can't.
pub fn list(call: &Call, text: &str) -> Result<Value, XmlDecodeError> {
    let mut document = Document::new(text);
    let mut root = document.root_element()?;
    let lacks = || XmlDecodeError::custom(format!("no {}", call.list.xml));
    match call.service {
        Service::Ec2 => in_scope(call, &mut root)?.ok_or_else(lacks),
        Service::Elb => {
            while let Some(mut result) = root.next_tag() {
                if let Some(list) = in_scope(call, &mut result)? {
                    return Ok(list);
                }
            }
            Err(lacks())
        }
    }
}

fn in_scope(call: &Call, scope: &mut ScopedDecoder<'_, '_>) -> Result<Option<Value>, XmlDecodeError> {
    while let Some(mut element) = scope.next_tag() {
        if element.start_el().matches(call.list.xml) {
            return read(&mut element, call.service, &call.list.shape).map(Some);
        }
    }
    Ok(None)
}

fn read(element: &mut ScopedDecoder<'_, '_>, service: Service, shape: &Shape) -> Result<Value, XmlDecodeError> {
    match shape {
        Shape::Text => Ok(Value::String(try_data(element)?.into_owned())),
        Shape::Number => {
            let text = try_data(element)?;
            let number: i64 = text.trim().parse().map_err(XmlDecodeError::unhandled)?;
            Ok(Value::Number(Number::from(number)))
        }
        Shape::Truth => {
            let text = try_data(element)?;
            text.trim().parse().map(Value::Bool).map_err(XmlDecodeError::unhandled)
        }
        Shape::List(item) => {
            let mut values = Vec::new();
            while let Some(mut member) = element.next_tag() {
                if member.start_el().matches(service.item()) {
                    values.push(read(&mut member, service, item)?);
                }
            }
            Ok(Value::Array(values))
        }
        Shape::Structure(fields) => {
            let mut object = Map::new();
            while let Some(mut member) = element.next_tag() {
                let field = fields.iter().find(|field| member.start_el().matches(field.xml));
                if let Some(field) = field {
                    object.insert(field.json.to_owned(), read(&mut member, service, &field.shape)?);
                }
            }
            Ok(Value::Object(object))
        }
    }
}
