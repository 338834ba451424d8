//! Deleting: at once, or by a mark if finalizers keep an object. Source: "Finalizers", "Kubernetes API Concepts".

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::Answer;
use super::failure::Failure;
use super::metadata;
use super::read::{list_text, written};
use super::resources::{Generation, Resource};
use super::route::Parameters;
use super::select::Selector;
use super::store::Key;
use super::world::World;
use super::write::count;

impl World {
    pub fn delete(
        &mut self,
        number: usize,
        key: &Key,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        let options = DeleteOptions::parse(parameters, body)?;
        let Some(live) = self.store.get(number, key).cloned() else {
            return Err(Failure::not_found(resource, &key.1));
        };
        options.check(resource, &live)?;
        let is_namespace = resource.plural == "namespaces" && resource.group.is_empty();
        if is_namespace && ["default", "kube-system"].contains(&key.1.as_str()) {
            return Err(Failure::forbidden(resource, &key.1, "this namespace may not be deleted"));
        }
        match self.doom(number, key, &live, options.dry_run) {
            Some(doomed) => Ok(Answer::ok(written(&doomed, parameters))),
            None => {
                let mut details = json!({
                    "name": key.1, "kind": resource.plural, "uid": metadata::text(&live, "uid"),
                });
                if !resource.group.is_empty() {
                    details["group"] = resource.group.as_str().into();
                }
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
                });
                Ok(Answer::ok(status.to_string()))
            }
        }
    }

    pub fn delete_all(
        &mut self,
        number: usize,
        namespace: &str,
        parameters: &Parameters,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        if resource.plural == "namespaces" && resource.group.is_empty() {
            return Err(Failure::method_not_allowed());
        }
        let options = DeleteOptions::parse(parameters, body)?;
        let selector = Selector::parse(parameters.get("labelSelector"), parameters.get("fieldSelector"))?;
        let found: Vec<(Key, Arc<Value>)> = self
            .store
            .list(number, namespace)
            .filter(|(_, object)| selector.matches(object))
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        for (_, object) in &found {
            options.check(resource, object)?;
        }
        let metadata = json!({"resourceVersion": self.store.version().to_string()});
        for (key, object) in &found {
            self.doom(number, key, object, options.dry_run);
        }
        let objects = found.iter().map(|(_, object)| &**object);
        Ok(Answer::ok(list_text(resource, &metadata, objects, parameters)))
    }

    /// Deletes an object, or marks it if finalizers keep it: then that is what is answered.
    fn doom(&mut self, number: usize, key: &Key, live: &Arc<Value>, dry_run: bool) -> Option<Arc<Value>> {
        let resources = self.resources.clone();
        let resource = resources.get(number);
        let is_namespace = resource.plural == "namespaces" && resource.group.is_empty();
        if metadata::finalizers(live).is_empty() && !is_namespace {
            if !dry_run {
                self.store.remove(number, key, (**live).clone());
                self.end_namespace(&key.0);
            }
            return None;
        }
        if metadata::is_being_deleted(live) {
            return Some(live.clone());
        }
        let mut doomed = (**live).clone();
        doomed["metadata"]["deletionTimestamp"] = self.now().into();
        if is_namespace {
            doomed["status"]["phase"] = "Terminating".into();
        } else {
            doomed["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        }
        if resource.generation == Generation::Counted {
            count(&mut doomed);
        }
        if dry_run {
            return Some(Arc::new(doomed));
        }
        let doomed = self.store.put(number, key.clone(), doomed);
        if is_namespace {
            self.empty_namespace(&key.1);
        }
        Some(doomed)
    }

    /// What the namespace controller does, at once: deletes all that is in a namespace.
    fn empty_namespace(&mut self, namespace: &str) {
        let resources = self.resources.clone();
        for number in resources.namespaced() {
            let found: Vec<(Key, Arc<Value>)> =
                self.store.list(number, namespace).map(|(key, object)| (key.clone(), object.clone())).collect();
            for (key, object) in found {
                self.doom(number, &key, &object, false);
            }
        }
        self.end_namespace(namespace);
    }

    /// Removes a namespace that is being deleted, once nothing is in it.
    pub fn end_namespace(&mut self, namespace: &str) {
        let Some(number) = self.resources.by_plural("namespaces") else { return };
        let key = (String::new(), namespace.to_owned());
        let Some(live) = self.store.get(number, &key).cloned() else { return };
        let empty = self.resources.namespaced().all(|number| self.store.list(number, namespace).next().is_none());
        if metadata::is_being_deleted(&live) && empty && metadata::finalizers(&live).is_empty() {
            self.store.remove(number, &key, (*live).clone());
        }
    }
}

/// What a DELETE may say, in its body or its query.
struct DeleteOptions {
    dry_run: bool,
    uid: Option<String>,
    version: Option<String>,
}

impl DeleteOptions {
    fn parse(parameters: &Parameters, body: &Bytes) -> Result<Self, Failure> {
        let options: Value = match body.as_ref() {
            [] => Value::Null,
            text => serde_json::from_slice(text).map_err(|error| Failure::bad_request(error.to_string()))?,
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let policy = text(&options["propagationPolicy"]).unwrap_or_else(|| parameters.get("propagationPolicy").into());
        if !["", "Background"].contains(&policy.as_str()) {
            return Err(Failure::bad_request(format!("propagationPolicy {policy} is not simulated")));
        }
        Ok(Self {
            dry_run: parameters.is_dry_run()? || options["dryRun"].as_array().is_some_and(|list| !list.is_empty()),
            uid: text(&options["preconditions"]["uid"]),
            version: text(&options["preconditions"]["resourceVersion"]),
        })
    }

    fn check(&self, resource: &Resource, live: &Value) -> Result<(), Failure> {
        let name = metadata::text(live, "name");
        let (uid, version) = (metadata::text(live, "uid"), metadata::text(live, "resourceVersion"));
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != uid) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might \
                 have been deleted and then recreated"
            );
            return Err(Failure::precondition(resource, name, why));
        }
        if let Some(wanted) = self.version.as_deref().filter(|wanted| *wanted != version) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
                 ({version}). The object might have been modified"
            );
            return Err(Failure::precondition(resource, name, why));
        }
        Ok(())
    }
}
