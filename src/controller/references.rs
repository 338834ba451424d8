//! Follows the Ingresses, Gateways and Services that bindings refer to. What the watch says decides nothing: where an
//! object changed, those who refer to it are looked up anew, and the look-up reads it from the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::{Referent, ReferentKind};
use crate::observe::Addressed;

use super::Context;
use super::queue::Priority;
use super::watch::watch_backoff;

/// The kinds to which any binding refers.
pub(super) type Referred = watch::Sender<BTreeSet<ReferentKind>>;

/// The host names of the objects that someone refers to, as they were last seen; nothing of any other.
#[derive(Default)]
struct Seen {
    hosts: BTreeMap<Referent, BTreeSet<String>>,
    /// What was listed, while a list comes in.
    listed: Option<BTreeSet<Referent>>,
}

impl Seen {
    /// Takes an event in. Tells which objects, of those that are referred to, it changed, made or deleted.
    fn changed(
        &mut self,
        event: watcher::Event<Addressed>,
        kind: ReferentKind,
        is_referred: impl Fn(&Referent) -> bool,
    ) -> Vec<Referent> {
        match event {
            watcher::Event::Init => {
                self.listed = Some(BTreeSet::new());
                Vec::new()
            }
            watcher::Event::InitApply(object) => {
                let referent = referent(kind, &object);
                if is_referred(&referent) {
                    self.listed.get_or_insert_default().insert(referent.clone());
                }
                self.noted(referent, &object, is_referred)
            }
            watcher::Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let gone: Vec<Referent> = self.hosts.keys().filter(|known| !listed.contains(known)).cloned().collect();
                self.hosts.retain(|known, _| listed.contains(known));
                gone
            }
            watcher::Event::Apply(object) => self.noted(referent(kind, &object), &object, is_referred),
            watcher::Event::Delete(object) => {
                let referent = referent(kind, &object);
                self.hosts.remove(&referent);
                Vec::from_iter(Some(referent).filter(is_referred))
            }
        }
    }

    fn noted(
        &mut self,
        referent: Referent,
        object: &Addressed,
        is_referred: impl Fn(&Referent) -> bool,
    ) -> Vec<Referent> {
        if !is_referred(&referent) {
            self.hosts.remove(&referent);
            return Vec::new();
        }
        let hosts = object.hosts();
        if self.hosts.get(&referent) == Some(&hosts) {
            return Vec::new();
        }
        self.hosts.insert(referent.clone(), hosts);
        vec![referent]
    }
}

fn referent(kind: ReferentKind, object: &Addressed) -> Referent {
    Referent { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

impl Context {
    /// To be called when an object came, changed or went.
    pub(super) fn note_references(&self) {
        self.referred.send_if_modified(|known| {
            // Read within, as two watches come here: the later one must not tell what was so before.
            let kinds = self.index().referred_kinds();
            let differs = *known != kinds;
            *known = kinds;
            differs
        });
    }

    /// Follows each kind for as long as a binding refers to an object of it.
    pub(super) async fn follow_references(self: Arc<Self>, stop: CancellationToken) {
        let all = join_all(ReferentKind::ALL.map(|kind| self.follow_when_referred(kind)));
        stop.run_until_cancelled(all).await;
    }

    async fn follow_when_referred(&self, kind: ReferentKind) {
        let mut referred = self.referred.subscribe();
        let mut becomes = async |wanted: bool| referred.wait_for(|kinds| kinds.contains(&kind) == wanted).await.is_ok();
        while becomes(true).await {
            tracing::debug!(kind = kind.name(), "followed, as a binding refers to one");
            tokio::select! {
                biased;
                _ = becomes(false) => {}
                () = self.follow(kind) => {}
            }
        }
    }

    async fn follow(&self, kind: ReferentKind) {
        let client = self.client.clone();
        let api: Api<Addressed> = match &self.settings.watch_namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &kind),
            None => Api::all_with(client, &kind),
        };
        let mut stream = watcher(api, watcher::Config::default()).backoff(watch_backoff(&self.jitter)).boxed();
        let (mut seen, mut failed) = (Seen::default(), false);
        loop {
            match stream.try_next().await {
                Ok(Some(event)) => {
                    // An attempt begins with `Init`, before anything was answered.
                    failed &= matches!(event, watcher::Event::Init);
                    let is_referred = |referent: &Referent| !self.index().referrers(referent).is_empty();
                    for changed in seen.changed(event, kind, is_referred) {
                        self.look_up_referrers(&changed);
                    }
                }
                Ok(None) => return,
                // The kind may not be installed, and stay so.
                Err(error) if failed => tracing::debug!(kind = kind.name(), %error, "the watch failed again"),
                Err(error) => {
                    failed = true;
                    tracing::warn!(kind = kind.name(), %error, "the watch failed; it goes on");
                }
            }
        }
    }

    fn look_up_referrers(&self, changed: &Referent) {
        tracing::debug!(object = %changed, "changed");
        let referrers = self.index().referrers(changed);
        for object in referrers {
            self.lookups.push(object, Priority::Waiting, Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, host: &str) -> Addressed {
        let points = json!([{"hostname": host}]);
        let metadata = json!({"name": name, "namespace": "team-shop", "resourceVersion": "7"});
        serde_json::from_value(json!({"metadata": metadata, "status": {"loadBalancer": {"ingress": points}}}))
            .expect("an Ingress")
    }

    /// Names of the objects that changed, where someone refers to all but `other`.
    fn changed(seen: &mut Seen, event: watcher::Event<Addressed>) -> Vec<String> {
        let changed = seen.changed(event, ReferentKind::Ingress, |referent| referent.name != "other");
        changed.into_iter().map(|referent| format!("{}/{}", referent.namespace, referent.name)).collect()
    }

    #[test]
    fn what_came_changed_or_went_is_told_once_and_only_of_what_is_referred_to() {
        use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
        let mut seen = Seen::default();
        let none: [&str; 0] = [];
        assert_eq!(changed(&mut seen, Init), none);
        assert_eq!(changed(&mut seen, InitApply(object("web", "a.example"))), ["team-shop/web"]);
        assert_eq!(changed(&mut seen, InitApply(object("api", "a.example"))), ["team-shop/api"]);
        assert_eq!(changed(&mut seen, InitApply(object("other", "a.example"))), none);
        assert_eq!(changed(&mut seen, InitDone), none);

        assert_eq!(changed(&mut seen, Apply(object("web", "a.example"))), none, "nothing that counts");
        assert_eq!(changed(&mut seen, Apply(object("web", "b.example"))), ["team-shop/web"]);
        assert_eq!(changed(&mut seen, Apply(object("new", "b.example"))), ["team-shop/new"]);
        assert_eq!(changed(&mut seen, Apply(object("other", "b.example"))), none);
        assert_eq!(changed(&mut seen, Delete(object("new", "b.example"))), ["team-shop/new"]);
        assert_eq!(changed(&mut seen, Delete(object("other", "b.example"))), none);
        assert_eq!(seen.hosts.len(), 2, "nothing is kept of what is gone, or nobody refers to");

        // The watch begins anew: `web` is as it was, and `api` went meanwhile.
        assert_eq!(changed(&mut seen, Init), none);
        assert_eq!(changed(&mut seen, InitApply(object("web", "b.example"))), none);
        assert_eq!(changed(&mut seen, InitDone), ["team-shop/api"]);
        assert_eq!(seen.hosts.len(), 1);
    }
}
