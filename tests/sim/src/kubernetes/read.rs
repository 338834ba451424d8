//! Getting and listing. Source: "Kubernetes API Concepts", Retrieving large results sets in chunks, Resource versions.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Answer;
use super::failure::Failure;
use super::resources::Resource;
use super::route::Parameters;
use super::select::Selector;
use super::store::Key;
use super::world::World;

impl World {
    pub fn get(&self, resource: usize, key: &Key, parameters: &Parameters) -> Result<Answer, Failure> {
        let found = self.store.get(resource, key);
        let found = found.ok_or_else(|| Failure::not_found(self.resources.get(resource), &key.1))?;
        Ok(Answer::ok(written(found, parameters)))
    }

    pub fn list(&self, number: usize, namespace: &str, parameters: &Parameters) -> Result<Answer, Failure> {
        let selector = Selector::parse(parameters.get("labelSelector"), parameters.get("fieldSelector"))?;
        let chunk = self.chunk(parameters)?;
        let resource = self.resources.get(number);
        let mut found: Vec<(Key, Arc<Value>)> = if chunk.version == self.store.version() {
            self.store.list(number, namespace).map(|(key, object)| (key.clone(), object.clone())).collect()
        } else {
            self.store.snapshot(number, namespace, chunk.version).into_iter().collect()
        };
        found.retain(|(key, object)| chunk.after.as_ref().is_none_or(|after| key > after) && selector.matches(object));
        let limit =
            parameters.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let mut metadata = json!({"resourceVersion": chunk.version.to_string()});
        if let Some(limit) = limit.filter(|limit| *limit < found.len()) {
            metadata["remainingItemCount"] = (found.len() - limit).into();
            found.truncate(limit);
            if let Some(((namespace, name), _)) = found.last() {
                metadata["continue"] = format!("{}/{namespace}/{name}", chunk.version).into();
            }
        }
        let objects = found.iter().map(|(_, object)| &**object);
        Ok(Answer::ok(list_text(resource, &metadata, objects, parameters)))
    }

    fn chunk(&self, parameters: &Parameters) -> Result<Chunk, Failure> {
        let current = self.store.version();
        let token = parameters.get("continue");
        if !token.is_empty() {
            let chunk = Chunk::parse(token)
                .ok_or_else(|| Failure::bad_request(format!("invalid continue token: {token:?} is not valid")))?;
            return if chunk.version < self.store.compacted() { Err(Failure::expired_continue()) } else { Ok(chunk) };
        }
        let asked = parameters.number("resourceVersion")?.unwrap_or(0);
        if asked > current {
            return Err(Failure::too_large_version(asked, current));
        }
        match parameters.get("resourceVersionMatch") {
            "Exact" if asked < self.store.compacted() => Err(Failure::expired(asked, self.store.compacted())),
            "Exact" => Ok(Chunk { version: asked, after: None }),
            "" | "NotOlderThan" => Ok(Chunk { version: current, after: None }),
            other => Err(Failure::bad_request(format!("resourceVersionMatch: Unsupported value: {other:?}"))),
        }
    }
}

/// Where a list goes on, and as of which version.
struct Chunk {
    version: u64,
    after: Option<Key>,
}

impl Chunk {
    fn parse(token: &str) -> Option<Self> {
        let (version, key) = token.split_once('/')?;
        let (namespace, name) = key.split_once('/')?;
        Some(Self { version: version.parse().ok()?, after: Some((namespace.to_owned(), name.to_owned())) })
    }
}

/// A list's text, without a copy of all objects.
pub fn list_text<'a>(
    resource: &Resource,
    metadata: &Value,
    objects: impl Iterator<Item = &'a Value>,
    parameters: &Parameters,
) -> String {
    let (api_version, kind) = if parameters.metadata_only {
        ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned())
    } else {
        (resource.api_version(), format!("{}List", resource.kind))
    };
    let items: Vec<_> = objects.map(|object| written(object, parameters)).collect();
    format!(r#"{{"apiVersion":"{api_version}","items":[{}],"kind":"{kind}","metadata":{metadata}}}"#, items.join(","))
}

/// An object as it was asked for: whole, or only its metadata.
pub fn written(object: &Value, parameters: &Parameters) -> String {
    if !parameters.metadata_only {
        return object.to_string();
    }
    let metadata = &object["metadata"];
    format!(r#"{{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{metadata}}}"#)
}
