//! Follows the objects of the API server.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::Resource;
use kube::api::Api;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::{WatchStreamExt, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Jitter;
use crate::model::{Kind, Object, ObjectRef};
use crate::telemetry::http::Readiness;

use super::Context;
use super::queue::{Backoff, Priority};

/// A watch that has failed is well again when it has not failed for so long.
const WATCH_RECOVERED: Duration = Duration::from_secs(2 * 60);

/// The kinds of which all objects were listed since the start. Before all kinds are, it is not known who needs what.
#[derive(Default)]
pub(super) struct Listed(watch::Sender<BTreeSet<Kind>>);

impl Listed {
    /// Tells whether all kinds are, now.
    fn add(&self, kind: Kind) -> bool {
        self.0.send_modify(|kinds| {
            kinds.insert(kind);
        });
        self.0.borrow().len() == Kind::ALL.len()
    }

    /// Waits until all kinds are.
    pub(super) async fn all(&self) {
        // It fails only if the sender is gone, which is here.
        let _ = self.0.subscribe().wait_for(|kinds| kinds.len() == Kind::ALL.len()).await;
    }
}

/// How long a watch that fails waits: as kube's own default does, but by the chance that was handed in.
pub(super) fn watch_backoff(jitter: &Jitter) -> ResetTimerBackoff<WatchBackoff> {
    ResetTimerBackoff::new(WatchBackoff::new(jitter.clone()), WATCH_RECOVERED)
}

pub(super) struct WatchBackoff {
    failures: u32,
    backoff: Backoff,
    jitter: Jitter,
}

impl WatchBackoff {
    fn new(jitter: Jitter) -> Self {
        let backoff = Backoff { base: Duration::from_millis(800), cap: Duration::from_secs(30), jitter: 1.0 };
        Self { failures: 0, backoff, jitter }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(self.jitter.spread(self.backoff.wait(self.failures), self.backoff.jitter))
    }
}

impl kube::runtime::utils::Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Context {
    /// Follows the objects of one kind.
    pub(super) async fn watch<K>(
        self: Arc<Self>,
        api: Api<K>,
        kind: Kind,
        readiness: Readiness,
        stop: CancellationToken,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + Into<Object> + 'static,
    {
        let mut stream = watcher(api, watcher::Config::default()).backoff(watch_backoff(&self.jitter)).boxed();
        let mut listed: Option<BTreeSet<ObjectRef>> = None;
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                event = stream.try_next() => event,
            };
            match event {
                Ok(Some(watcher::Event::Init)) => listed = Some(BTreeSet::new()),
                Ok(Some(watcher::Event::InitApply(object))) => {
                    let reference = self.take_in(object.into());
                    listed.get_or_insert_default().insert(reference);
                }
                Ok(Some(watcher::Event::InitDone)) => {
                    let listed = listed.take().unwrap_or_default();
                    let is_gone = |known: &&ObjectRef| known.kind == kind && !listed.contains(known);
                    let gone: Vec<ObjectRef> = self.index().objects().filter(is_gone).cloned().collect();
                    gone.iter().for_each(|object| self.drop_out(object));
                    if self.listed.add(kind) {
                        readiness.set_ready();
                    }
                }
                Ok(Some(watcher::Event::Apply(object))) => drop(self.take_in(object.into())),
                Ok(Some(watcher::Event::Delete(object))) => self.drop_out(&ObjectRef::of(kind, object.meta())),
                Ok(None) => return,
                Err(error) => tracing::warn!(
                    %error, kind = kind.name(),
                    "the watch failed; it goes on (are the CRDs of this version installed? `sgbind crds` prints them)"
                ),
            }
        }
    }

    fn take_in(&self, object: Object) -> ObjectRef {
        let reference = object.reference();
        let touched = self.index().upsert(object);
        self.touched(&reference, touched);
        self.note_references();
        reference
    }

    fn drop_out(&self, object: &ObjectRef) {
        let groups = self.index().remove(object);
        self.note_references();
        self.lookups.forget(object);
        self.reports.forget(object);
        for group in groups {
            self.groups.push(group, Priority::Declared, Duration::ZERO);
        }
    }
}
