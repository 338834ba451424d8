//! Before AWS has said who we are, nothing can be looked up; the objects are told why.

use std::fmt::Debug;

use jiff::Timestamp;
use kube::Resource;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;

use crate::aws::AwsError;
use crate::model::{Object, Problem, Resolution, Scope};
use crate::observe;
use crate::status;
use crate::validate;

use super::leader::Leadership;
use super::objects::{api, write_status};

/// Writes the failure into the status of every object of a kind, if this process leads.
pub(super) async fn tell_all<K>(objects: Api<K>, leadership: &Leadership, error: &AwsError, now: Timestamp)
where
    K: Resource + Clone + DeserializeOwned + Debug + Into<Object>,
{
    if !leadership.is_held() {
        return;
    }
    let client = objects.clone().into_client();
    let list = match objects.list(&ListParams::default()).await {
        Ok(list) => list,
        Err(error) => return tracing::warn!(%error, path = objects.resource_url(), "the objects could not be listed"),
    };
    let problem = Problem::new(observe::reason(error.class()), error.to_string());
    for object in list {
        let object: Object = object.into();
        let status = stuck(&object, &problem, now);
        let version = object.metadata().resource_version.as_deref();
        if let Err(error) = write_status(&api(&client, &object.reference()), &object, version, &status).await {
            tracing::warn!(%error, "a status could not be written");
        }
    }
}

/// The status of an object for which nothing could be looked up: what was known stays.
fn stuck(object: &Object, problem: &Problem, now: Timestamp) -> crate::api::Status {
    // Where an object's things are does not matter, as nobody looks.
    let nowhere = Scope { account: "".into(), region: "".into() };
    let declaration = validate::object(object, &nowhere);
    let facts = object.status().and_then(status::facts_of).unwrap_or_default();
    let resolution = Resolution { facts, problems: vec![problem.clone()], complete: false, absent: Default::default() };
    status::of(&status::Input {
        object,
        reference: &object.reference(),
        declaration: declaration.as_ref().map_err(Vec::as_slice),
        resolution: Some(&resolution),
        desired: &Default::default(),
        recorded: &validate::recorded_groups(object, &nowhere),
        groups: &Default::default(),
        tightening: status::Tightened::Unknown,
        drift: None,
        gap_token: None,
        now,
    })
}
