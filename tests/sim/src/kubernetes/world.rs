//! The state behind the API, and where time and chance come from.

use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::failure::Failure;
use super::fields::{Operation, Writer};
use super::resources::{Resource, Resources};
use super::route::{Parameters, Part};
use super::schema::Evaluator;
use super::store::Store;

pub struct World {
    pub resources: Arc<Resources>,
    pub store: Store,
    pub evaluator: Evaluator,
    chance: fastrand::Rng,
    /// The calendar time at `epoch`.
    start: jiff::Timestamp,
    epoch: Instant,
}

impl World {
    pub fn new(seed: u64, start: jiff::Timestamp, resources: Arc<Resources>) -> Self {
        let mut world = Self {
            resources,
            store: Store::default(),
            evaluator: Evaluator::default(),
            chance: fastrand::Rng::with_seed(seed),
            start,
            epoch: Instant::now(),
        };
        let namespaces = world.resources.find("", "v1", "namespaces");
        for name in ["default", "kube-system"] {
            let namespace = json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {
                    "name": name, "uid": world.uid(), "creationTimestamp": world.now(),
                    "labels": {"kubernetes.io/metadata.name": name},
                },
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
            });
            if let Some(namespaces) = namespaces {
                world.store.put(namespaces, (String::new(), name.to_owned()), namespace);
            }
        }
        world
    }

    /// The calendar time, in seconds as Kubernetes writes it.
    pub fn now(&self) -> String {
        let elapsed = jiff::SignedDuration::try_from(self.epoch.elapsed()).unwrap_or(jiff::SignedDuration::MAX);
        let now = self.start.saturating_add(elapsed).unwrap_or(self.start);
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A random UUID (version 4).
    pub fn uid(&mut self) -> String {
        let bits = (self.chance.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let digits = format!("{bits:032x}");
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }

    /// What is appended to `metadata.generateName`. Source: apiserver/pkg/storage/names and apimachinery's rand.
    pub fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(LETTERS[self.chance.usize(..LETTERS.len())])).collect()
    }

    /// How long a watch without `timeoutSeconds` lasts, in seconds: between half an hour and an hour.
    pub fn watch_seconds(&mut self) -> u64 {
        self.chance.u64(1800..3600)
    }

    pub fn writer(&self, resource: &Resource, parameters: &Parameters, operation: Operation, part: Part) -> Writer {
        Writer {
            operation,
            manager: parameters.manager(),
            api_version: resource.api_version(),
            subresource: part.subresource().to_owned(),
        }
    }

    /// Whether objects can be made in a namespace.
    pub fn check_namespace(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), Failure> {
        if namespace.is_empty() {
            return Ok(());
        }
        let Some(namespaces) = self.resources.by_plural("namespaces") else { return Ok(()) };
        match self.store.get(namespaces, &(String::new(), namespace.to_owned())) {
            None => Err(Failure::not_found(self.resources.get(namespaces), namespace)),
            Some(found) if !found["metadata"]["deletionTimestamp"].is_null() => {
                let why =
                    format!("unable to create new content in namespace {namespace} because it is being terminated");
                Err(Failure::forbidden(resource, name, &why))
            }
            Some(_) => Ok(()),
        }
    }
}
