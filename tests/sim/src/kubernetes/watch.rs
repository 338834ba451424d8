//! Watching. Source: "Kubernetes API Concepts", Efficient detection of changes, Watch bookmarks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Kubernetes;
use super::answer::Answer;
use super::failure::{Failure, FieldError, FieldReason};
use super::read::written;
use super::route::Parameters;
use super::select::Selector;
use super::store::{Change, Pulse};
use super::world::World;

/// How often a watch that wants them gets bookmarks; and one more, this long before its end.
const BOOKMARKS: Duration = Duration::from_secs(60);
const LAST_BOOKMARK: Duration = Duration::from_secs(2);

/// An open watch.
struct Watch {
    server: Kubernetes,
    resource: usize,
    namespace: String,
    selector: Selector,
    parameters: Parameters,
    /// Up to which version it has read.
    read: Arc<AtomicU64>,
    pulse: watch::Receiver<Pulse>,
    /// How often all watches had been closed when it began.
    closed: u64,
    end: Instant,
    bookmark: Option<Instant>,
    /// Told first: the objects that are there, or why it can't begin.
    first: Option<Bytes>,
    refused: bool,
}

impl Kubernetes {
    pub(super) fn watch(&self, resource: usize, namespace: &str, parameters: &Parameters) -> Result<Answer, Failure> {
        if !parameters.get("sendInitialEvents").is_empty() {
            let why =
                "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            let error = FieldError::new(FieldReason::Forbidden, "sendInitialEvents", why);
            return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", &[error]));
        }
        let selector = Selector::parse(parameters.get("labelSelector"), parameters.get("fieldSelector"))?;
        let asked = parameters.number("resourceVersion")?.unwrap_or(0);
        let timeout = parameters.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        let mut world = self.world();
        let seconds = timeout.unwrap_or_else(|| world.watch_seconds());
        let compacted = world.store.compacted();
        let refused = asked > 0 && asked < compacted;
        let first = if refused {
            Some(event("ERROR", &Failure::expired(asked, compacted).status().to_string()))
        } else if asked == 0 {
            Some(initial(&world, resource, namespace, &selector, parameters))
        } else {
            None
        };
        let from = if asked == 0 { world.store.version() } else { asked };
        let (read, pulse) = world.store.reader(from);
        let closed = pulse.borrow().closed;
        drop(world);
        let now = Instant::now();
        let end = now + Duration::from_secs(seconds);
        let bookmark = parameters.is_set("allowWatchBookmarks").then(|| next_bookmark(now, end)).flatten();
        Ok(Answer::events(events(Watch {
            server: self.clone(),
            resource,
            namespace: namespace.to_owned(),
            selector,
            parameters: parameters.clone(),
            read,
            pulse,
            closed,
            end,
            bookmark,
            first: first.filter(|bytes| !bytes.is_empty()),
            refused,
        })))
    }
}

fn events(watch: Watch) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(watch, |mut watch| async move { watch.next().await.map(|bytes| (bytes, watch)) })
}

impl Watch {
    /// What is to be told next; None at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.refused {
            return None;
        }
        loop {
            if self.pulse.borrow_and_update().closed != self.closed {
                return None;
            }
            let news = self.news();
            if !news.is_empty() {
                return Some(news);
            }
            let bookmark = self.bookmark;
            let until = bookmark.map_or(self.end, |bookmark| bookmark.min(self.end));
            tokio::select! {
                biased;
                changed = self.pulse.changed() => changed.ok()?,
                () = sleep_until(until) => {
                    if until >= self.end {
                        return None;
                    }
                    self.bookmark = next_bookmark(until, self.end);
                    return Some(self.bookmark_event());
                }
            }
        }
    }

    /// Events of all that changed since it was last asked.
    fn news(&mut self) -> Bytes {
        let world = self.server.world();
        let mut lines = Vec::new();
        for change in world.store.changes_after(self.read.load(Ordering::Relaxed)) {
            let within = self.namespace.is_empty() || change.key.0 == self.namespace;
            if change.resource == self.resource && within {
                lines.extend(self.told(change));
            }
        }
        self.read.store(world.store.version(), Ordering::Relaxed);
        lines.concat().into()
    }

    /// A change as seen through the selector: what comes to match is added, what does not any more is deleted.
    fn told(&self, change: &Change) -> Option<Bytes> {
        let matches = |object: &Option<Arc<Value>>| object.as_ref().is_some_and(|object| self.selector.matches(object));
        let (kind, object) = match (matches(&change.before), matches(&change.after)) {
            (false, true) => ("ADDED", change.after.as_deref()?.clone()),
            (true, true) => ("MODIFIED", change.after.as_deref()?.clone()),
            (true, false) => {
                let mut last = change.last.as_deref().or(change.before.as_deref())?.clone();
                last["metadata"]["resourceVersion"] = change.version.to_string().into();
                ("DELETED", last)
            }
            (false, false) => return None,
        };
        Some(event(kind, &written(&object, &self.parameters)))
    }

    fn bookmark_event(&self) -> Bytes {
        let world = self.server.world();
        let resource = world.resources.get(self.resource);
        let version = self.read.load(Ordering::Relaxed).to_string();
        let bookmark = json!({
            "apiVersion": resource.api_version(), "kind": resource.kind,
            "metadata": {"resourceVersion": version, "creationTimestamp": null},
        });
        event("BOOKMARK", &written(&bookmark, &self.parameters))
    }
}

/// The objects that are there already.
fn initial(world: &World, resource: usize, namespace: &str, selector: &Selector, parameters: &Parameters) -> Bytes {
    let objects = world.store.list(resource, namespace).filter(|(_, object)| selector.matches(object));
    let lines: Vec<_> = objects.map(|(_, object)| event("ADDED", &written(object, parameters))).collect();
    lines.concat().into()
}

fn event(kind: &str, object: &str) -> Bytes {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into()
}

fn next_bookmark(now: Instant, end: Instant) -> Option<Instant> {
    let last = end.checked_sub(LAST_BOOKMARK).filter(|last| *last > now)?;
    Some(last.min(now + BOOKMARKS))
}
