//! Before AWS has said who we are, nothing can be looked up; the objects are told why.

use jiff::Timestamp;
use kube::api::{Api, ListParams};

use crate::api::ALBTargetBinding;
use crate::aws::AwsError;
use crate::model::{Problem, Resolution, Scope};
use crate::observe;
use crate::status;
use crate::validate;

use super::leader::Leadership;
use super::objects::write_status;

/// Writes the failure into the status of every object, if this process leads.
pub(super) async fn tell_all(api: Api<ALBTargetBinding>, leadership: Leadership, error: AwsError, now: Timestamp) {
    if !leadership.is_held() {
        return;
    }
    let objects = match api.list(&ListParams::default()).await {
        Ok(objects) => objects,
        Err(error) => return tracing::warn!(%error, "the ALBTargetBindings could not be listed"),
    };
    let problem = Problem::new(observe::reason(error.class()), error.to_string());
    for object in objects {
        let status = stuck(&object, &problem, now);
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let api = Api::namespaced(api.clone().into_client(), &namespace);
        if let Err(error) = write_status(&api, &object, &status).await {
            tracing::warn!(%error, "a status could not be written");
        }
    }
}

/// The status of an object for which nothing could be looked up: what was known stays.
fn stuck(object: &ALBTargetBinding, problem: &Problem, now: Timestamp) -> crate::api::Status {
    // Where an object's things are does not matter, as nobody looks.
    let nowhere = Scope { account: "".into(), region: "".into() };
    let declaration = validate::binding(object, &nowhere);
    let facts = object.status.as_ref().and_then(status::facts_of).unwrap_or_default();
    let resolution = Resolution { facts, problems: vec![problem.clone()], complete: false, absent: Default::default() };
    status::binding(&status::Input {
        object,
        reference: &validate::object_ref(object),
        declaration: declaration.as_ref().map_err(Vec::as_slice),
        resolution: Some(&resolution),
        desired: &Default::default(),
        groups: &Default::default(),
        drift: None,
        now,
    })
}
