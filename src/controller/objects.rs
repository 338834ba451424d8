//! Tells an object of what was found and done: its status, its finalizer, its events.

use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use crate::api::names::{FIELD_MANAGER, FINALIZER};
use crate::api::{ALBTargetBinding, SecurityGroupAccess, Status};
use crate::model::{Declaration, Facts, Kind, Object, ObjectRef, Problem, Resolution, Stance, Thing};
use crate::observe;
use crate::validate;

use super::Context;
use super::events::News;
use super::index::Farewell;
use super::queue::{Outcome, Priority};

/// The finalizer has a field manager of its own, so that applying it says nothing about the status.
const FINALIZER_MANAGER: &str = "sgbind-finalizer";

impl Context {
    /// Looks up what one object names.
    pub(super) async fn look_up(&self, object: ObjectRef) -> Outcome {
        let started = Instant::now();
        let Some((declaration, previous, gone)) = self.index().to_resolve(&object, started) else {
            return Outcome::Done;
        };
        let resolution = self.resolve(&declaration, previous, gone).await;
        self.metrics.stage_took("observe", started.elapsed());
        if !resolution.complete {
            tracing::info!(object = %object, problems = ?resolution.problems, "not everything was found");
        }
        let groups = self.index().resolved(&declaration, resolution, started);
        for group in groups {
            self.groups.push(group, Priority::Declared, Duration::ZERO);
        }
        self.reports.push(object.clone(), Priority::Declared, Duration::ZERO);
        let rediscover = self.rediscover();
        let next = self.index().next_resolve(&object, Instant::now(), rediscover);
        Outcome::Again(Priority::Routine, self.jitter.spread(next, 0.1))
    }

    async fn resolve(
        &self,
        declaration: &Declaration,
        previous: Facts,
        gone: std::collections::BTreeSet<Thing>,
    ) -> Resolution {
        match self.clouds.scope(&declaration.scope) {
            Ok(cloud) => {
                let cluster = observe::Cluster::new(self.client.clone());
                observe::object(&cloud, &cluster, &self.us, declaration, &previous, &gone).await
            }
            Err(error) => Resolution {
                facts: previous,
                problems: vec![Problem::new(observe::reason(error.class()), error.to_string())],
                complete: false,
                absent: Default::default(),
            },
        }
    }

    /// How often to look everything up: as often as its share of ELBv2's rate allows.
    fn rediscover(&self) -> Duration {
        /// ELBv2's describes refill at 10 a second, of which half is ours. Source: facts in `aws::pacing`.
        const CALLS_A_SECOND: u32 = 5;
        let calls = u32::try_from(self.index().calls_to_resolve_all()).unwrap_or(u32::MAX);
        let round = Duration::from_secs((calls / CALLS_A_SECOND).into());
        round.clamp(Duration::from_secs(30).min(self.settings.rediscover), self.settings.rediscover)
    }

    /// Brings one object's status and finalizer up to date.
    pub(super) async fn report(&self, object: ObjectRef) -> Outcome {
        if !self.leadership.is_held() {
            return Outcome::Failed;
        }
        match self.try_report(&object).await {
            Ok(()) => Outcome::Done,
            // It has been deleted, or changed in this moment: the watch tells.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Outcome::Done,
            Err(error) => {
                tracing::warn!(%object, %error, "the status could not be written");
                Outcome::Failed
            }
        }
    }

    async fn try_report(&self, reference: &ObjectRef) -> Result<(), kube::Error> {
        let farewell = self.index().farewell(reference);
        let Some((object, status)) = self.index().status(reference, self.clock.now_wall()) else { return Ok(()) };
        let api = api(&self.client, reference);
        let has_finalizer = object.has_finalizer(FINALIZER);
        let mut version = object.metadata().resource_version.clone();
        match farewell {
            Some(_) if !has_finalizer => return Ok(()),
            Some(Farewell::Go { left }) => {
                if !left.is_empty() {
                    let rules: Vec<String> = left.into_iter().collect();
                    let note = format!("consent was withdrawn, so these rules stay: {}", rules.join("; "));
                    self.tell(reference, News { warning: true, reason: "RulesLeft", action: "Delete", note: &note });
                }
                return self.set_finalizer(&api, &object, false).await.map(drop);
            }
            Some(Farewell::Wait) | None => {}
        }
        if farewell.is_none()
            && validate::stance(&object) == Stance::Enforce
            && !has_finalizer
            && !self.settings.read_only
        {
            version = self.set_finalizer(&api, &object, true).await?;
        }
        if self.index().is_catching_up(reference) {
            return Ok(());
        }
        write_status(&api, &object, version.as_deref(), &status).await
    }

    /// Gives back the version of the object that has been written.
    async fn set_finalizer(
        &self,
        api: &Api<DynamicObject>,
        object: &Object,
        wanted: bool,
    ) -> Result<Option<String>, kube::Error> {
        let finalizers = if wanted { vec![FINALIZER] } else { vec![] };
        let ApiResource { api_version, kind, .. } = resource(object.kind());
        let patch = json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": { "uid": object.metadata().uid, "finalizers": finalizers },
        });
        let params = PatchParams::apply(FINALIZER_MANAGER).force();
        let written = api.patch(&object.reference().name, &params, &Patch::Apply(patch)).await?;
        Ok(written.resource_version())
    }
}

/// The kind as the API server knows it.
pub(super) fn resource(kind: Kind) -> ApiResource {
    match kind {
        Kind::AlbTargetBinding => ApiResource::erase::<ALBTargetBinding>(&()),
        Kind::SecurityGroupAccess => ApiResource::erase::<SecurityGroupAccess>(&()),
    }
}

/// The objects of the reference's kind and namespace, whatever the kind.
pub(super) fn api(client: &kube::Client, reference: &ObjectRef) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), &reference.namespace, &resource(reference.kind))
}

/// Writes a status, unless it is the one that is there. `version` is that of the object that the status was made for.
///
/// # Errors
/// 409 if the object has changed since it was read.
pub(super) async fn write_status(
    api: &Api<DynamicObject>,
    object: &Object,
    version: Option<&str>,
    status: &Status,
) -> Result<(), kube::Error> {
    if object.status() == Some(status) {
        return Ok(());
    }
    let ApiResource { api_version, kind, .. } = resource(object.kind());
    let patch = json!({
        "apiVersion": api_version,
        "kind": kind,
        // A status that is late must not come upon another object of the same name, nor upon a newer status. The API
        // server does not compare the uid here, but it does compare the version.
        "metadata": { "resourceVersion": version },
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch_status(&object.reference().name, &params, &Patch::Apply(patch)).await.map(drop)
}
