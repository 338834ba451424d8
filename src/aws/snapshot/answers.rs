//! Requests answered out of the files.

use serde_json::Value;

use crate::model::Scope;

use super::calls::{self, Call, Missing, Service};
use super::place::{REGION, part};
use super::requests::{Api, Request};
use super::unanswered::{Unanswered, command, how_to_take};
use super::{Snapshot, json, xml};

/// What goes back to the SDK.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Found(String),
    Refused(String),
}

impl Snapshot {
    /// # Errors
    /// The snapshot does not say.
    pub fn answer(&self, request: &Request, scope: &Scope) -> Result<Answer, Unanswered> {
        let service = match request.api {
            Api::Sts if request.action == "GetCallerIdentity" => {
                return Ok(Answer::Found(xml::identity(scope.account.as_str())));
            }
            Api::Described(service) => service,
            Api::Sts | Api::Other => return Err(Unanswered::UnknownCall { action: request.action.clone() }),
        };
        let call = calls::named(service, &request.action);
        let call = call.ok_or_else(|| Unanswered::UnknownCall { action: request.action.clone() })?;
        let conditions = conditions(call, request)?;
        let items = self.items_of(call)?;
        let here: Vec<&Value> = items.iter().filter(|item| is_in(call, item, scope)).collect();
        for condition in &conditions {
            if let Some(refusal) = self.missing(call, condition, &here)? {
                return Ok(Answer::Refused(refusal));
            }
        }
        if let Some(about) = self.silent_about(call, request) {
            return Err(self.says_nothing(call, &about));
        }
        let found = here.into_iter().filter(|item| conditions.iter().all(|condition| condition.holds(item)));
        let list: Vec<Value> = match call.beside {
            // The list of the only one that was asked for.
            Some(_) => found.filter_map(|item| item.get(call.list.json)?.as_array().cloned()).flatten().collect(),
            None => found.cloned().collect(),
        };
        Ok(Answer::Found(xml::answer(call, &Value::Array(list))))
    }

    fn items_of(&self, call: &Call) -> Result<&[Value], Unanswered> {
        self.items.get(call.action).map(Vec::as_slice).ok_or_else(|| Unanswered::NoFile {
            file: call.file(),
            dir: self.dir.clone(),
            command: how_to_take(call),
        })
    }

    /// AWS's refusal, if something that was asked for is not there.
    fn missing(&self, call: &Call, condition: &Condition, items: &[&Value]) -> Result<Option<String>, Unanswered> {
        let is_there = |value: &&String| items.iter().any(|item| condition.texts(item).contains(*value));
        let Some(absent) = condition.values.iter().find(|value| !is_there(value)) else { return Ok(None) };
        match condition.missing {
            Missing::None => Ok(None),
            Missing::Unknown => Err(self.says_nothing(call, absent)),
            Missing::Refused(code) => {
                let message = format!("{absent} is not in {} of the snapshot {}", call.file(), self.dir.display());
                Ok(Some(xml::refusal(call.service, code, &message)))
            }
        }
    }

    fn says_nothing(&self, call: &Call, about: &str) -> Unanswered {
        let (file, dir) = (call.file(), self.dir.clone());
        Unanswered::NotIn { file, dir, about: about.to_owned(), command: format!("`{}`", command(call)) }
    }
}

/// What an item must have to be in the answer.
struct Condition {
    what: Looks,
    values: Vec<String>,
    missing: Missing,
}

/// At which values of an item.
enum Looks {
    At(&'static str),
    /// At the value of the tag of this key, in this list.
    AtTag(&'static str, String),
}

impl Condition {
    fn texts(&self, item: &Value) -> Vec<String> {
        match &self.what {
            Looks::At(field) => json::texts(item, field),
            Looks::AtTag(list, key) => {
                let keys = json::texts(item, &format!("{list}.Key"));
                let values = json::texts(item, &format!("{list}.Value"));
                keys.iter().zip(values).filter(|(each, _)| *each == key).map(|(_, value)| value).collect()
            }
        }
    }

    fn holds(&self, item: &Value) -> bool {
        self.texts(item).iter().any(|text| self.values.contains(text))
    }
}

/// # Errors
/// Something in the request is not known: to leave it out would answer with too much.
fn conditions(call: &'static Call, request: &Request) -> Result<Vec<Condition>, Unanswered> {
    let unknown = |field: String| {
        let parameters = call.parameters.iter().map(|parameter| parameter.name.to_owned());
        let filters = call.filters.iter().map(|(name, _)| format!("the filter {name}"));
        let known: Vec<String> = parameters.chain(filters).collect();
        Unanswered::UnknownField { action: request.action.clone(), field, known: known.join(", ") }
    };
    let of_field = |(name, values): (&String, &Vec<String>)| {
        let known = call.parameters.iter().find(|parameter| parameter.name == name);
        let known = known.ok_or_else(|| unknown(name.clone()))?;
        Ok(Condition { what: Looks::At(known.field), values: values.clone(), missing: known.missing })
    };
    let of_filter = |(name, values): &(String, Vec<String>)| {
        let known = call.filters.iter().find(|(known, _)| known == name).map(|(_, field)| Looks::At(field));
        let by_tag = || Some(Looks::AtTag(call.tags?, name.strip_prefix("tag:")?.to_owned()));
        let what = known.or_else(by_tag).ok_or_else(|| unknown(format!("the filter {name}")))?;
        Ok(Condition { what, values: values.clone(), missing: Missing::None })
    };
    request.fields.iter().map(of_field).chain(request.filters.iter().map(of_filter)).collect()
}

/// ARNs tell the Region of what belongs to load balancers. What EC2 has says none; its ids are unique over all Regions.
fn is_in(call: &Call, item: &Value, scope: &Scope) -> bool {
    call.service == Service::Ec2
        || json::texts(item, call.id)
            .iter()
            .all(|arn| part(arn, REGION).is_none_or(|region| region == scope.region.as_str()))
}
