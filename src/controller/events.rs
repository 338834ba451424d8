//! Events: what a person sees under `kubectl describe`. They are told on the side: no work waits for them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::sync::mpsc;

use crate::api::names::FIELD_MANAGER;
use crate::clock::Clock;
use crate::model::{Action, Object, ObjectRef, Step};

use super::Context;
use super::objects::resource;

/// As many events as may wait to be written; more are dropped, as they are news and no record.
const WAITING: usize = 1000;
/// The API server's limit on a note. Source: `Event` in the Kubernetes API reference (events.k8s.io/v1).
const NOTE_LIMIT: usize = 1024;

/// Takes events for writing.
#[derive(Clone)]
pub(super) struct Sender(mpsc::Sender<Event>);

/// Writes events until all senders are gone. Returns the sender and the work.
pub(super) fn channel(client: kube::Client) -> (Sender, impl Future<Output = ()>) {
    let (sender, mut receiver) = mpsc::channel::<Event>(WAITING);
    let work = async move {
        while let Some(event) = receiver.recv().await {
            let namespace = event.metadata.namespace.clone().unwrap_or_default();
            let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
            if let Err(error) = api.create(&PostParams::default(), &event).await {
                tracing::debug!(%error, "an event could not be written");
            }
        }
    };
    (Sender(sender), work)
}

/// One piece of news about an object.
#[derive(Clone, Copy)]
pub(super) struct News<'a> {
    /// A person should look at it.
    pub warning: bool,
    /// CamelCase word.
    pub reason: &'a str,
    /// What was done.
    pub action: &'a str,
    pub note: &'a str,
}

impl Sender {
    pub(super) fn send(&self, clock: &Clock, reporter: &str, object: &Object, news: News<'_>) {
        let mut note = news.note.to_owned();
        if note.len() > NOTE_LIMIT {
            let end = (0..=NOTE_LIMIT - 3).rev().find(|end| note.is_char_boundary(*end)).unwrap_or(0);
            note.truncate(end);
            note.push_str("...");
        }
        let reference = object.reference();
        let event = Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", reference.name)),
                namespace: Some(reference.namespace.clone()),
                ..ObjectMeta::default()
            },
            type_: Some(if news.warning { "Warning" } else { "Normal" }.into()),
            reason: Some(news.reason.into()),
            action: Some(news.action.into()),
            note: Some(note),
            event_time: Some(MicroTime(clock.now_wall())),
            reporting_controller: Some(FIELD_MANAGER.into()),
            reporting_instance: Some(reporter.into()),
            regarding: Some(ObjectReference {
                api_version: Some(resource(reference.kind).api_version),
                kind: Some(reference.kind.name().into()),
                name: Some(reference.name),
                namespace: Some(reference.namespace),
                uid: object.metadata().uid.clone(),
                ..ObjectReference::default()
            }),
            ..Event::default()
        };
        // Full means that thousands of changes are being told already.
        let _ = self.0.try_send(event);
    }
}

impl Context {
    pub(super) fn tell(&self, object: &ObjectRef, news: News<'_>) {
        if let Some(object) = self.index().object(object) {
            self.events.send(&self.clock, &self.settings.identity, &object, news);
        }
    }

    /// Tells every object what was done on its account, one event for each kind of step.
    pub(super) fn tell_of_steps(&self, done: &[Step], repairs: &[&Step]) {
        let mut news: BTreeMap<(&ObjectRef, &'static str), Vec<String>> = BTreeMap::new();
        for step in done {
            let reason = match &step.action {
                Action::Authorize { .. } if repairs.contains(&step) => "DriftRepaired",
                Action::Authorize { .. } => "RulesAuthorized",
                Action::Restore { .. } => "RulesRestored",
                Action::Adopt { .. } => "RulesAdopted",
                Action::Release { .. } => "RulesReleased",
                Action::Revoke { .. } => "RulesRevoked",
                Action::Describe { .. } => continue,
            };
            for object in &step.objects {
                news.entry((object, reason)).or_default().push(format!("{} {}", step.group.id, step.spec));
            }
        }
        for ((object, reason), rules) in news {
            let news = News { warning: reason == "DriftRepaired", reason, action: reason, note: &rules.join("; ") };
            self.tell(object, news);
        }
    }
}
