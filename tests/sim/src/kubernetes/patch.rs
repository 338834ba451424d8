//! Patching: merge patch (RFC 7386), JSON patch (RFC 6902), and server-side apply.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::decode::{check_names, check_type, undeclared};
use super::failure::{Failure, FieldError, FieldReason};
use super::fields::{Managers, Operation, check};
use super::metadata;
use super::read::written;
use super::resources::{Resource, Status};
use super::route::{Parameters, Part};
use super::store::Key;
use super::world::World;
use super::write::Writing;

impl World {
    pub fn patch(
        &mut self,
        number: usize,
        key: &Key,
        part: Part,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        match parameters.content_type() {
            "application/apply-patch+yaml" => return self.apply(number, key, part, parameters, body),
            "application/merge-patch+json" | "application/json-patch+json" => {}
            _ => return Err(Failure::unsupported_patch(resource)),
        }
        let patch: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
        let Some(live) = self.store.get(number, key).cloned() else {
            return Err(Failure::not_found(resource, &key.1));
        };
        let mut object = (*live).clone();
        if parameters.content_type() == "application/merge-patch+json" {
            merge(&mut object, &patch);
        } else {
            object = json_patch(object, &patch)?;
        }
        if !object.is_object() {
            return Err(Failure::unfit_patch());
        }
        check_type(resource, &object)?;
        check_names(&object, key)?;
        let warnings = undeclared(resource, &mut object, parameters)?;
        let writer = self.writer(resource, parameters, Operation::Update, part);
        let patched = self.update(number, key, &live, object, part, Writing::Update(writer), parameters)?;
        Ok(Answer::ok(written(&patched, parameters)).warning(warnings))
    }

    fn apply(
        &mut self,
        number: usize,
        key: &Key,
        part: Part,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        if parameters.get("fieldManager").is_empty() {
            let says = "Required value: is required for apply patch";
            let error = FieldError::new(FieldReason::Required, "fieldManager", says);
            return Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
        }
        let mut config = configuration(resource, body)?;
        let live = self.store.get(number, key).cloned();
        if live.is_none() && part == Part::Status {
            return Err(Failure::not_found(resource, &key.1));
        }
        let uid = metadata::text(&config, "uid");
        if live.is_none() && !uid.is_empty() {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(Failure::conflict(resource, &key.1, why));
        }
        let version = metadata::text(&config, "resourceVersion");
        let differs = |live: &Arc<Value>| !version.is_empty() && version != metadata::text(live, "resourceVersion");
        if live.as_ref().is_some_and(differs) {
            return Err(Failure::modified(resource, &key.1));
        }
        check_names(&config, key)?;
        check_declared(resource, &config)?;
        restrict(&mut config, resource, part);
        let now = self.now();
        let writer = self.writer(resource, parameters, Operation::Apply, part);
        let force = parameters.is_set("force");
        let base: Arc<Value> = live.clone().unwrap_or_else(|| Arc::new(json!({"metadata": {}})));
        let applied = Managers::of(&base).apply(&resource.schema, &base, &config, writer, force, &now)?;
        let mut object = applied.object;
        metadata::normalize(&mut object);
        let writing = Writing::Applied(applied.managers);
        match live {
            Some(live) => {
                let updated = self.update(number, key, &live, object, part, writing, parameters)?;
                Ok(Answer::ok(written(&updated, parameters)))
            }
            None => {
                object["metadata"]["name"] = key.1.as_str().into();
                if !key.0.is_empty() {
                    object["metadata"]["namespace"] = key.0.as_str().into();
                }
                let created = self.add(number, &key.0, object, writing, parameters)?;
                Ok(Answer::created(written(&created, parameters)))
            }
        }
    }
}

/// What is to be applied. It is YAML; what clients send is JSON, which is YAML too.
fn configuration(resource: &Resource, body: &Bytes) -> Result<Value, Failure> {
    let config: Value = serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("YAML that is not JSON is not simulated: {error}")))?;
    let text = |field: &str| config.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version.is_empty() || kind.is_empty() || !config.is_object() {
        let group_version = if api_version.is_empty() { "/" } else { api_version };
        return Err(Failure::bad_request(format!("invalid object type: {group_version}, Kind={kind}")));
    }
    check_type(resource, &config)?;
    if config["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    Ok(config)
}

/// Unlike other writes, apply refuses what is not declared whatever `fieldValidation` says.
fn check_declared(resource: &Resource, config: &Value) -> Result<(), Failure> {
    let errors = check(&resource.schema, config);
    let what = match errors.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("errors:\n{}", many.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")),
    };
    let (namespace, name) = (metadata::text(config, "namespace"), metadata::text(config, "name"));
    let api_version = resource.api_version();
    Err(Failure::internal(format!(
        "failed to create typed patch object ({namespace}/{name}; {api_version}, Kind={}): {what}",
        resource.kind
    )))
}

/// Takes away what a write to this part does not write.
fn restrict(config: &mut Value, resource: &Resource, part: Part) {
    let Some(fields) = config.as_object_mut() else { return };
    match part {
        Part::Object if resource.status == Status::Subresource => drop(fields.remove("status")),
        Part::Object => {}
        Part::Status => fields.retain(|field, _| ["apiVersion", "kind", "status"].contains(&field.as_str())),
    }
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// RFC 6902, all operations or none. As the real server's library, it lets `replace` add a field.
fn json_patch(mut object: Value, patch: &Value) -> Result<Value, Failure> {
    let operations = patch.as_array().ok_or_else(|| Failure::bad_request("error decoding patch: not a list"))?;
    for operation in operations {
        operate(&mut object, operation).ok_or_else(Failure::unfit_patch)?;
    }
    Ok(object)
}

fn operate(object: &mut Value, operation: &Value) -> Option<()> {
    let path = operation.get("path")?.as_str()?;
    let from = || operation.get("from")?.as_str();
    match operation.get("op")?.as_str()? {
        "add" => put(object, path, operation.get("value")?.clone(), Existing::MovesOn),
        "replace" => put(object, path, operation.get("value")?.clone(), Existing::Goes),
        "remove" => take(object, path).map(drop),
        "move" => {
            let value = take(object, from()?)?;
            put(object, path, value, Existing::MovesOn)
        }
        "copy" => {
            let value = object.pointer(from()?)?.clone();
            put(object, path, value, Existing::MovesOn)
        }
        "test" => {
            let expected = operation.get("value").unwrap_or(&Value::Null);
            (object.pointer(path).unwrap_or(&Value::Null) == expected).then_some(())
        }
        _ => None,
    }
}

/// What becomes of the item of a list at the place of a new one.
#[derive(Clone, Copy, PartialEq)]
enum Existing {
    MovesOn,
    Goes,
}

fn put(object: &mut Value, path: &str, value: Value, existing: Existing) -> Option<()> {
    if path.is_empty() {
        *object = value;
        return Some(());
    }
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(fields) => {
            fields.insert(unescaped(last), value);
        }
        Value::Array(items) => match (last, existing) {
            ("-", _) => items.push(value),
            (number, Existing::Goes) => *items.get_mut(number.parse::<usize>().ok()?)? = value,
            (number, Existing::MovesOn) => {
                let number = number.parse::<usize>().ok().filter(|number| *number <= items.len())?;
                items.insert(number, value);
            }
        },
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(fields) => fields.remove(&unescaped(last)),
        Value::Array(items) => {
            let number = last.parse::<usize>().ok().filter(|number| *number < items.len())?;
            Some(items.remove(number))
        }
        _ => None,
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
