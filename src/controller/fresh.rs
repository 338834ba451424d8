//! What the API server says of all objects at this moment, not what the watch has told so far.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use futures::FutureExt;
use futures::future::try_join_all;
use kube::api::{Api, DynamicObject, ListParams};

use crate::batch::{Batch, WINDOW};
use crate::defect::Defect;
use crate::model::{Kind, ObjectRef};

use super::Context;
use super::groups::Stop;
use super::index::{Fingerprint, GroupView, fingerprint};
use super::objects::resource;

/// Lists all objects; those who ask at the same moment share a list, which is begun after they asked.
pub(super) type FreshObjects = Batch<(), Fingerprint, kube::Error>;

pub(super) fn objects(client: &kube::Client, namespace: Option<&str>) -> FreshObjects {
    let api = |kind| match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource(kind)),
        None => Api::all_with(client.clone(), &resource(kind)),
    };
    let apis: [(Kind, Api<DynamicObject>); 2] = Kind::ALL.map(|kind| (kind, api(kind)));
    Batch::new(NonZeroUsize::MIN, WINDOW, move |_| {
        let apis = apis.clone();
        async move {
            let lists = try_join_all(apis.iter().map(|(kind, api)| list(*kind, api))).await?;
            Ok(BTreeMap::from([((), lists.into_iter().flatten().collect())]))
        }
        .boxed()
    })
}

async fn list(kind: Kind, api: &Api<DynamicObject>) -> Result<Fingerprint, kube::Error> {
    // Without a resource version the list is read from etcd, not from the API server's cache.
    let list = api.list_metadata(&ListParams::default()).await?;
    let print = |metadata: &kube::api::ObjectMeta| (ObjectRef::of(kind, metadata), fingerprint(metadata));
    Ok(list.items.iter().map(|object| print(&object.metadata)).collect())
}

impl Context {
    /// Whether all objects are as the plan took them to be: a revoke that rests on what has changed since is not
    /// carried out.
    pub(super) async fn objects_are_as_known(&self, view: &GroupView) -> Result<(), Stop> {
        let fresh = match self.fresh_objects.get(()).await {
            Ok(fresh) => fresh.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "objects could not be read before a revoke");
                return Err(Stop::Outdated);
            }
        };
        let index = self.index();
        let same = fresh == index.fingerprint() && index.needs_the_same(&view.revisions);
        if !self.leadership.is_held() {
            return Err(Stop::NotLeading);
        }
        if same || Defect::TrustCachedObjects.is_on() { Ok(()) } else { Err(Stop::Outdated) }
    }
}
