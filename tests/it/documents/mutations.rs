//! Documents that are right, with something changed at random, the same in every run.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::Kept;

const SEED: u64 = 7;

pub fn mutations(documents: &[Kept], count: usize) -> Vec<Kept> {
    let mut random = Rng::with_seed(SEED);
    (0..count)
        .map(|number| {
            let original = &documents[number % documents.len()];
            let mut value = original.value.clone();
            let spec = value["spec"].as_object().cloned().unwrap_or_default();
            let mut spec = Value::Object(spec);
            let changes: Vec<String> = (0..random.usize(1..=2)).map(|_| change(&mut spec, &mut random)).collect();
            value["spec"] = spec;
            let name = format!("{} with {}", original.name, changes.join(" and "));
            Kept { name, text: value.to_string(), value }
        })
        .collect()
}

/// Changes one place, and says how.
fn change(value: &mut Value, random: &mut Rng) -> String {
    let deeper = random.u8(..4) != 0;
    match value {
        Value::Object(fields) if deeper && fields.values().any(is_deep) => {
            let names: Vec<String> =
                fields.iter().filter(|(_, value)| is_deep(value)).map(|(name, _)| name.clone()).collect();
            let name = &names[random.usize(..names.len())];
            format!("{name}.{}", change(&mut fields[name], random))
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let number = random.usize(..items.len());
            format!("[{number}]{}", change(&mut items[number], random))
        }
        Value::Object(fields) if !fields.is_empty() => of_fields(fields, random),
        Value::Array(items) => of_items(items, random),
        other => {
            *other = another(other, random);
            format!(" {other}")
        }
    }
}

fn is_deep(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn of_fields(fields: &mut Map<String, Value>, random: &mut Rng) -> String {
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = names[random.usize(..names.len())].clone();
    match random.u8(..5) {
        0 => {
            fields.remove(&name);
            format!("{name} left out")
        }
        1 => {
            let value = fields.remove(&name).unwrap_or_default();
            let other = misspelt(&name, random);
            fields.insert(other.clone(), value);
            format!("{name} as {other}")
        }
        _ => {
            let other = another(&fields[&name], random);
            fields.insert(name.clone(), other.clone());
            format!("{name}: {other}")
        }
    }
}

fn of_items(items: &mut Vec<Value>, random: &mut Rng) -> String {
    match random.u8(..4) {
        0 => {
            items.clear();
            "emptied".into()
        }
        1 if !items.is_empty() => {
            items.push(items[0].clone());
            "the first again".into()
        }
        2 if !items.is_empty() => {
            items.truncate(1);
            "only the first".into()
        }
        _ => {
            items.push(json!("10.0.0.0/8"));
            "one more".into()
        }
    }
}

fn misspelt(name: &str, random: &mut Rng) -> String {
    match random.u8(..4) {
        0 => format!("{name}s"),
        1 => name.to_lowercase(),
        2 => name.chars().skip(1).collect(),
        _ => name.to_uppercase(),
    }
}

/// Another value: of another type, or one that is near to what may stand there.
fn another(value: &Value, random: &mut Rng) -> Value {
    let near = match value {
        Value::String(text) => vec![
            json!(format!("{text}x")),
            json!(text.to_lowercase()),
            json!(format!(" {text}")),
            json!(format!("{text}\n")),
            json!(text.repeat(20)),
            json!(""),
        ],
        Value::Number(_) => {
            vec![json!(0), json!(-1), json!(65_536), json!(80.5), json!(80.0), json!(5_000_000_000_i64)]
        }
        Value::Bool(value) => vec![json!(!value)],
        _ => vec![],
    };
    let any = [
        Value::Null,
        json!(true),
        json!(443),
        json!("443"),
        json!([]),
        json!({}),
        json!([{}]),
        json!([null]),
        json!({"id": "sg-0a1b2c3d"}),
        json!("::ffff:10.0.0.0/104"),
        json!("fe80::1%eth0/64"),
        json!("10.0.0.0/08"),
        json!("2001:DB8::/32"),
    ];
    if !near.is_empty() && random.bool() {
        return near[random.usize(..near.len())].clone();
    }
    any[random.usize(..any.len())].clone()
}
