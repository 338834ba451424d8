//! Creating and replacing: what all writes of objects have in common.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::decode::{check_names, decode, undeclared};
use super::failure::{Failure, FieldError, FieldReason};
use super::fields::{Managers, Operation, Writer};
use super::metadata;
use super::read::written;
use super::resources::{Generation, Origin, Resource, Status, Updates};
use super::route::{Parameters, Part};
use super::store::Key;
use super::world::World;

/// Who writes, and how what they own is found.
pub enum Writing {
    /// All that differs is theirs.
    Update(Writer),
    /// Server-side apply has said whose it is.
    Applied(Managers),
}

impl World {
    pub fn create(
        &mut self,
        number: usize,
        namespace: &str,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        let mut object = decode(resource, body)?;
        let warnings = undeclared(resource, &mut object, parameters)?;
        metadata::normalize(&mut object);
        match (metadata::text(&object, "namespace"), namespace) {
            (_, "") => {}
            ("", namespace) => object["metadata"]["namespace"] = namespace.into(),
            (given, namespace) if given == namespace => {}
            _ => {
                let message = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(Failure::bad_request(message));
            }
        }
        if !metadata::text(&object, "resourceVersion").is_empty() {
            return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
        }
        let writer = self.writer(resource, parameters, Operation::Update, Part::Object);
        let created = self.add(number, namespace, object, Writing::Update(writer), parameters)?;
        Ok(Answer::created(written(&created, parameters)).warning(warnings))
    }

    /// Puts a new object into the store.
    pub fn add(
        &mut self,
        number: usize,
        namespace: &str,
        mut object: Value,
        writing: Writing,
        parameters: &Parameters,
    ) -> Result<Arc<Value>, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        let generate = metadata::text(&object, "generateName").to_owned();
        if metadata::text(&object, "name").is_empty() && !generate.is_empty() {
            object["metadata"]["name"] = format!("{generate}{}", self.suffix()).into();
        }
        let key = (namespace.to_owned(), metadata::text(&object, "name").to_owned());
        self.check_namespace(resource, namespace, &key.1)?;
        metadata::disown(&mut object);
        if resource.status == Status::Subresource
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("status");
        }
        resource.schema.fill_in(&mut object);
        let now = self.now();
        let managers = match writing {
            Writing::Applied(managers) => managers,
            Writing::Update(writer) => {
                let nothing = json!({"metadata": {}});
                Managers::default().update(&resource.schema, &nothing, &object, writer, &now)
            }
        };
        let errors = resource.schema.refusals(&self.evaluator, &object, None, metadata::refusals(&object, None));
        if !errors.is_empty() {
            return Err(Failure::invalid(&resource.group, &resource.kind, &key.1, &errors));
        }
        if self.store.get(number, &key).is_some() {
            return Err(Failure::already_exists(resource, &key.1));
        }
        object["metadata"]["uid"] = self.uid().into();
        object["metadata"]["creationTimestamp"] = now.into();
        object["metadata"]["managedFields"] = managers.to_value();
        if resource.generation == Generation::Counted {
            object["metadata"]["generation"] = 1.into();
        }
        if resource.plural == "namespaces" && resource.group.is_empty() {
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = key.1.as_str().into();
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"]["phase"] = "Active".into();
        }
        metadata::normalize(&mut object);
        if parameters.is_dry_run()? { Ok(Arc::new(object)) } else { Ok(self.store.put(number, key, object)) }
    }

    pub fn replace(
        &mut self,
        number: usize,
        key: &Key,
        part: Part,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        let mut object = decode(resource, body)?;
        let warnings = undeclared(resource, &mut object, parameters)?;
        metadata::normalize(&mut object);
        check_names(&object, key)?;
        let Some(live) = self.store.get(number, key).cloned() else {
            return Err(Failure::not_found(resource, &key.1));
        };
        let (given, uid) = (metadata::text(&object, "uid"), metadata::text(&live, "uid"));
        if !given.is_empty() && given != uid {
            let prefix = if resource.origin == Origin::Custom { format!("{}/", resource.group) } else { String::new() };
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{prefix}{}/{}/{}, ResourceVersion: 0, \
                 AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {uid}",
                resource.plural, key.0, key.1
            );
            return Err(Failure::conflict(resource, &key.1, why));
        }
        if metadata::text(&object, "resourceVersion").is_empty() && resource.updates == Updates::OfAVersion {
            let why = "Invalid value: 0: must be specified for an update";
            let error = FieldError::new(FieldReason::Invalid, "metadata.resourceVersion", why);
            return Err(Failure::invalid(&resource.group, &resource.plural, &key.1, &[error]));
        }
        let writer = self.writer(resource, parameters, Operation::Update, part);
        let updated = self.update(number, key, &live, object, part, Writing::Update(writer), parameters)?;
        Ok(Answer::ok(written(&updated, parameters)).warning(warnings))
    }

    /// Puts a new state of an object into the store, unless that changes nothing.
    #[allow(clippy::too_many_arguments, reason = "all writes of objects come together here")]
    pub fn update(
        &mut self,
        number: usize,
        key: &Key,
        live: &Arc<Value>,
        mut object: Value,
        part: Part,
        writing: Writing,
        parameters: &Parameters,
    ) -> Result<Arc<Value>, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        metadata::normalize(&mut object);
        let version = metadata::text(&object, "resourceVersion");
        if !version.is_empty() && version != metadata::text(live, "resourceVersion") {
            return Err(Failure::modified(resource, &key.1));
        }
        let uid = metadata::text(&object, "uid");
        if part == Part::Object && !uid.is_empty() && uid != metadata::text(live, "uid") {
            let error = FieldError::invalid("metadata.uid", &uid.into(), "field is immutable");
            return Err(Failure::invalid(&resource.group, &resource.kind, &key.1, &twice(resource, vec![error])));
        }
        let mut object = composed(resource, live, object, part);
        resource.schema.prune(&mut object);
        resource.schema.fill_in(&mut object);
        let managers = match writing {
            Writing::Applied(managers) => managers,
            Writing::Update(writer) => Managers::of(live).update(&resource.schema, live, &object, writer, &self.now()),
        };
        let errors = metadata::refusals(&object, Some(live));
        let errors = resource.schema.refusals(&self.evaluator, &object, Some(live), twice(resource, errors));
        if !errors.is_empty() {
            return Err(Failure::invalid(&resource.group, &resource.kind, &key.1, &errors));
        }
        object["metadata"]["managedFields"] = managers.to_value();
        if resource.generation == Generation::Counted && wanted(resource, &object) != wanted(resource, live) {
            count(&mut object);
        }
        metadata::normalize(&mut object);
        let gone = metadata::is_being_deleted(live) && metadata::finalizers(&object).is_empty();
        if parameters.is_dry_run()? {
            return Ok(Arc::new(object));
        }
        if gone && resource.plural != "namespaces" {
            self.store.remove(number, key, object.clone());
            self.end_namespace(&key.0);
            return Ok(Arc::new(object));
        }
        if object == **live { Ok(live.clone()) } else { Ok(self.store.put(number, key.clone(), object)) }
    }
}

/// The object as it would be: what the request can write, and the rest as it is.
fn composed(resource: &Resource, live: &Value, object: Value, part: Part) -> Value {
    if resource.status == Status::Field {
        return kept(live, object);
    }
    let (mut base, status) = match part {
        Part::Object => (object, live.get("status").cloned()),
        Part::Status => (live.clone(), object.get("status").cloned()),
    };
    if let Some(fields) = base.as_object_mut() {
        match status {
            Some(status) => fields.insert("status".into(), status),
            None => fields.remove("status"),
        };
    }
    kept(live, base)
}

/// The real server looks at the metadata of custom objects twice, and tells twice what is wrong.
fn twice(resource: &Resource, errors: Vec<FieldError>) -> Vec<FieldError> {
    if resource.origin == Origin::Custom { [errors.clone(), errors].concat() } else { errors }
}

fn kept(live: &Value, mut object: Value) -> Value {
    metadata::keep(&mut object, live);
    for field in ["apiVersion", "kind"] {
        object[field] = live[field].clone();
    }
    object
}

/// What `metadata.generation` counts the changes of.
fn wanted<'a>(resource: &Resource, object: &'a Value) -> Map<String, Value> {
    let of_others = |field: &str| field == "metadata" || (field == "status" && resource.status == Status::Subresource);
    let fields = object.as_object().into_iter().flatten().filter(|(field, _): &(&'a String, &Value)| !of_others(field));
    fields.map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// Counts a change of what is wanted.
pub fn count(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_u64().unwrap_or(0);
    object["metadata"]["generation"] = (generation + 1).into();
}
