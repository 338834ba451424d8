//! What the API server says of all objects at this moment, not what the watch has told so far.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use futures::FutureExt;
use kube::api::{Api, ListParams};

use crate::api::ALBTargetBinding;
use crate::batch::{Batch, WINDOW};
use crate::model::{Kind, ObjectRef};

use super::Context;
use super::groups::Stop;
use super::index::{Fingerprint, GroupView, fingerprint};

/// Lists all objects; those who ask at the same moment share a list, which is begun after they asked.
pub(super) type FreshObjects = Batch<(), Fingerprint, kube::Error>;

pub(super) fn objects(api: Api<ALBTargetBinding>) -> FreshObjects {
    Batch::new(NonZeroUsize::MIN, WINDOW, move |_| {
        let api = api.clone();
        async move { Ok(BTreeMap::from([((), list(api).await?)])) }.boxed()
    })
}

async fn list(api: Api<ALBTargetBinding>) -> Result<Fingerprint, kube::Error> {
    // Without a resource version the list is read from etcd, not from the API server's cache.
    let list = api.list_metadata(&ListParams::default()).await?;
    let print = |metadata: &kube::api::ObjectMeta| {
        let reference = ObjectRef {
            kind: Kind::AlbTargetBinding,
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        };
        (reference, fingerprint(metadata))
    };
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
        if same { Ok(()) } else { Err(Stop::Outdated) }
    }
}
