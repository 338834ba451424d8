//! The AWS CLI's JSON, checked against the table of shapes. What the table does not name is left out.

use serde_json::{Map, Value};

use super::calls::Call;
use super::shapes::{Field, Shape};

/// Something in a file that is not as the AWS CLI writes it: where, and what.
pub type Fault = (String, String);

/// The items of a file: of one output, or of a list of several.
///
/// # Errors
/// All that is wrong.
pub fn items(call: &Call, file: Value) -> Result<Vec<Value>, Vec<Fault>> {
    let mut faults = Vec::new();
    let outputs = match file {
        Value::Array(outputs) => outputs,
        // Said of the only output, so that no index stands in what a person is told.
        output => return output_items(call, output, "", &mut faults).filter(|_| faults.is_empty()).ok_or(faults),
    };
    let mut items = Vec::new();
    let last = outputs.len().saturating_sub(1);
    for (index, mut output) in outputs.into_iter().enumerate() {
        if let (true, Some(output)) = (index < last, output.as_object_mut()) {
            // The next page follows.
            TOKENS.iter().for_each(|token| drop(output.remove(*token)));
        }
        items.extend(output_items(call, output, &format!("[{index}]"), &mut faults).unwrap_or_default());
    }
    if faults.is_empty() { Ok(distinct(call, items)) } else { Err(faults) }
}

/// By these an output says that there is more.
const TOKENS: [&str; 2] = ["NextToken", "NextMarker"];

fn output_items(call: &Call, output: Value, at: &str, faults: &mut Vec<Fault>) -> Option<Vec<Value>> {
    let mut fault = |place: String, what: String| -> Option<Vec<Value>> {
        faults.push((place, what));
        None
    };
    let Value::Object(mut output) = output else {
        return fault(at.to_owned(), format!("{}, expected an object with {}", found(&output), call.list.json));
    };
    if let Some(token) = TOKENS.iter().find(|token| output.get(**token).is_some_and(|token| !token.is_null())) {
        let what = "there is more than this file holds: take all pages, without --max-items and --no-paginate";
        return fault(joined(at, token), what.into());
    }
    if let (Some(_), "DescribeTags") = (output.get("Tags"), call.action) {
        // `aws ec2 describe-tags` says nothing of load balancers; what EC2's own things carry stands with them.
        return Some(Vec::new());
    }
    let Some(list) = output.remove(call.list.json) else {
        let command = format!("aws {} {}", call.service.command(), call.command());
        return fault(at.to_owned(), format!("no {}, expected what `{command}` prints", call.list.json));
    };
    if let (None, Value::Array(list)) = (call.beside, &list) {
        let nameless = list.iter().enumerate().filter(|(_, item)| texts(item, call.id).is_empty() && !is_empty(item));
        faults.extend(nameless.map(|(index, _)| {
            let at = joined(at, call.list.json);
            (format!("{at}[{index}]"), format!("no {}, by which they are told apart", call.id))
        }));
    }
    let list = checked(&call.list.shape, list, &joined(at, call.list.json), faults)?;
    match (call.beside, list) {
        (Some(beside), list) => {
            with_its_name(call, beside, list, output.remove(beside), at, faults).map(|item| vec![item])
        }
        (None, Value::Array(list)) => Some(list.into_iter().flat_map(one_instance_each).collect()),
        (None, _) => None,
    }
}

/// An output as an item, with what it was asked about.
fn with_its_name(
    call: &Call,
    beside: &str,
    list: Value,
    name: Option<Value>,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Option<Value> {
    let Some(name) = name else {
        let what = format!(
            "no {beside}: the output of {} does not say what it was asked about. Expected a list of the outputs, with \
             {beside} beside each: [{{\"{beside}\": \"arn:…\", \"{}\": […]}}, …]",
            call.command(),
            call.list.json
        );
        faults.push((at.to_owned(), what));
        return None;
    };
    let name = checked(&Shape::Text, name, &joined(at, beside), faults)?;
    Some(Value::Object(Map::from_iter([(beside.to_owned(), name), (call.list.json.to_owned(), list)])))
}

/// `None` where it is not as expected, which is told.
fn checked(shape: &Shape, value: Value, at: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    match (shape, value) {
        (Shape::Text, Value::String(text)) => Some(Value::String(text)),
        (Shape::Truth, Value::Bool(truth)) => Some(Value::Bool(truth)),
        (Shape::Number, Value::Number(number)) if number.is_i64() => Some(Value::Number(number)),
        (Shape::List(item), Value::Array(list)) => {
            let each = |(index, value)| checked(item, value, &format!("{at}[{index}]"), faults);
            Some(Value::Array(list.into_iter().enumerate().filter_map(each).collect()))
        }
        (Shape::Structure(fields), Value::Object(object)) => Some(structure(fields, object, at, faults)),
        (_, value) => {
            faults.push((at.to_owned(), format!("{}, expected {}", found(&value), shape.expected())));
            None
        }
    }
}

fn structure(fields: &[Field], mut object: Map<String, Value>, at: &str, faults: &mut Vec<Fault>) -> Value {
    let mut known = Map::new();
    for field in fields {
        let Some(value) = object.remove(field.json).filter(|value| !value.is_null()) else { continue };
        if let Some(value) = checked(&field.shape, value, &joined(at, field.json), faults) {
            known.insert(field.json.to_owned(), value);
        }
    }
    Value::Object(known)
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

fn joined(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

const INSTANCES: &str = "Instances";

/// A reservation holds instances that were launched together; requests select them one by one.
fn one_instance_each(mut item: Value) -> Vec<Value> {
    let Some(Value::Array(instances)) = item.get_mut(INSTANCES).map(Value::take) else { return vec![item] };
    let with = |instance| {
        let mut of_one = item.clone();
        of_one[INSTANCES] = Value::Array(vec![instance]);
        of_one
    };
    instances.into_iter().map(with).collect()
}

/// A reservation of which no instance is left.
fn is_empty(item: &Value) -> bool {
    item.get(INSTANCES).and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Calls that were merged may have answered with the same thing: the last one counts.
fn distinct(call: &Call, items: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    let mut kept: Vec<Value> = items.into_iter().rev().filter(|item| seen.insert(texts(item, call.id))).collect();
    kept.reverse();
    kept
}

/// What stands at a path such as `Groups.GroupId`, in all lists on the way, as requests write it.
pub fn texts(item: &Value, path: &str) -> Vec<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (item, rest) {
        (Value::Array(items), _) => items.iter().flat_map(|item| texts(item, path)).collect(),
        (Value::Object(object), Some(rest)) => object.get(first).map(|value| texts(value, rest)).unwrap_or_default(),
        (Value::Object(object), None) => object.get(first).map(plain).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn plain(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(values) => values.iter().flat_map(plain).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}
