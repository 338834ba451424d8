//! All objects, their versions, and the history of changes that watches read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use serde_json::Value;
use tokio::sync::watch;

/// Namespace (empty for objects of the cluster) and name.
pub type Key = (String, String);

/// One change of one object.
#[derive(Clone)]
pub struct Change {
    /// The version of the whole store after it.
    pub version: u64,
    /// Of the resource, in [`super::resources::Resources`].
    pub resource: usize,
    pub key: Key,
    /// The object before; None for a new one.
    pub before: Option<Arc<Value>>,
    /// The object after it; None for one that is gone.
    pub after: Option<Arc<Value>>,
    /// The last state of one that is gone, with the version of its end.
    pub last: Option<Arc<Value>>,
}

/// What wakes watches: the store's version, and how often all watches were closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    pub version: u64,
    pub closed: u64,
}

/// The objects, as etcd keeps them.
pub struct Store {
    objects: BTreeMap<usize, BTreeMap<Key, Arc<Value>>>,
    version: u64,
    /// Changes up to this version are forgotten for new watches.
    compacted: u64,
    history: VecDeque<Change>,
    /// How far each open watch has read: what they have not read is kept, as the real server has sent it already.
    readers: Vec<Weak<AtomicU64>>,
    pulse: watch::Sender<Pulse>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            version: 1,
            compacted: 0,
            history: VecDeque::new(),
            readers: Vec::new(),
            pulse: watch::Sender::new(Pulse { version: 1, closed: 0 }),
        }
    }
}

impl Store {
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Versions before this one can't be watched from.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    pub fn get(&self, resource: usize, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(&resource)?.get(key)
    }

    /// Objects of a namespace, or of all, from one key on.
    pub fn list(&self, resource: usize, namespace: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let from = (namespace.to_owned(), String::new());
        let namespace = namespace.to_owned();
        self.objects
            .get(&resource)
            .into_iter()
            .flat_map(move |objects| objects.range(from.clone()..))
            .take_while(move |(key, _)| namespace.is_empty() || key.0 == namespace)
    }

    /// Puts an object in place, gives it the next version, and tells watches.
    pub fn put(&mut self, resource: usize, key: Key, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(object);
        let before = self.objects.entry(resource).or_default().insert(key.clone(), object.clone());
        self.tell(Change { version: self.version, resource, key, before, after: Some(object.clone()), last: None });
        object
    }

    /// Takes an object away; `last` is what its watches see of it.
    pub fn remove(&mut self, resource: usize, key: &Key, mut last: Value) {
        let Some(objects) = self.objects.get_mut(&resource) else { return };
        let Some(before) = objects.remove(key) else { return };
        self.version += 1;
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let last = Some(Arc::new(last));
        let key = key.clone();
        self.tell(Change { version: self.version, resource, key, before: Some(before), after: None, last });
    }

    fn tell(&mut self, change: Change) {
        self.history.push_back(change);
        self.pulse.send_modify(|pulse| pulse.version = self.version);
    }

    /// The changes after a version, in order.
    pub fn changes_after(&self, version: u64) -> impl Iterator<Item = &Change> {
        let from = self.history.partition_point(|change| change.version <= version);
        self.history.range(from..)
    }

    /// Objects of a namespace, or of all, as they were at a version that is not forgotten.
    pub fn snapshot(&self, resource: usize, namespace: &str, version: u64) -> BTreeMap<Key, Arc<Value>> {
        let mut objects: BTreeMap<Key, Arc<Value>> =
            self.list(resource, namespace).map(|(key, object)| (key.clone(), object.clone())).collect();
        let from = self.history.partition_point(|change| change.version <= version);
        let undone = self.history.range(from..).rev().filter(|change| change.resource == resource);
        for change in undone.filter(|change| namespace.is_empty() || change.key.0 == namespace) {
            match &change.before {
                Some(before) => objects.insert(change.key.clone(), before.clone()),
                None => objects.remove(&change.key),
            };
        }
        objects
    }

    /// Forgets the history, except what open watches have yet to read.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.readers.retain(|reader| reader.strong_count() > 0);
        let unread = self.readers.iter().filter_map(Weak::upgrade).map(|read| read.load(Ordering::Relaxed)).min();
        let forgotten = unread.unwrap_or(self.version);
        self.history.retain(|change| change.version > forgotten);
    }

    /// Ends all open watches.
    pub fn close_watches(&mut self) {
        self.pulse.send_modify(|pulse| pulse.closed += 1);
    }

    /// A new watch, which has read up to a version.
    pub fn reader(&mut self, version: u64) -> (Arc<AtomicU64>, watch::Receiver<Pulse>) {
        let read = Arc::new(AtomicU64::new(version));
        self.readers.retain(|reader| reader.strong_count() > 0);
        self.readers.push(Arc::downgrade(&read));
        (read, self.pulse.subscribe())
    }
}
