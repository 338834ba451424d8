//! Which objects refer to what in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ObjectRef, Referent, ReferentKind};

use super::Index;

/// By what they refer to.
#[derive(Default)]
pub(super) struct Referrers(BTreeMap<Referent, BTreeSet<ObjectRef>>);

impl Referrers {
    /// Notes to what an object refers now, in the place of what it referred to before.
    pub(super) fn change(&mut self, object: &ObjectRef, before: Option<Referent>, after: Option<Referent>) {
        if let Some(before) = before
            && let Some(objects) = self.0.get_mut(&before)
        {
            objects.remove(object);
            if objects.is_empty() {
                self.0.remove(&before);
            }
        }
        if let Some(after) = after {
            self.0.entry(after).or_default().insert(object.clone());
        }
    }

    fn any(&self, kind: ReferentKind) -> bool {
        let first = Referent { kind, namespace: String::new(), name: String::new() };
        self.0.range(first..).next().is_some_and(|(referent, _)| referent.kind == kind)
    }
}

impl Index {
    /// The objects that refer to this one.
    pub fn referrers(&self, referent: &Referent) -> Vec<ObjectRef> {
        self.referrers.0.get(referent).into_iter().flatten().cloned().collect()
    }

    /// The kinds to which any object refers.
    pub fn referred_kinds(&self) -> BTreeSet<ReferentKind> {
        ReferentKind::ALL.into_iter().filter(|kind| self.referrers.any(*kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::api::ALBTargetBinding;
    use crate::controller::index::Patience;
    use crate::model::Object;
    use crate::testing;

    fn binding(name: &str, uid: &str, load_balancer: serde_json::Value) -> Object {
        let metadata = json!({"name": name, "namespace": testing::NAMESPACE, "uid": uid});
        let object = json!({
            "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding",
            "metadata": metadata, "spec": {"loadBalancer": load_balancer},
        });
        serde_json::from_value::<ALBTargetBinding>(object).expect("a binding").into()
    }

    fn referent(kind: ReferentKind, name: &str) -> Referent {
        Referent { kind, namespace: testing::NAMESPACE.into(), name: name.into() }
    }

    #[test]
    fn who_refers_to_what_is_known_as_long_as_it_does() {
        let patience = Patience { revocation_delay: Duration::ZERO, gone_after: Duration::ZERO };
        let mut index = Index::new(testing::scope(), patience);
        let (web, db) = (referent(ReferentKind::Ingress, "web"), referent(ReferentKind::Service, "db"));
        index.upsert(binding("two", "2", json!({"ingress": {"name": "web"}})));
        index.upsert(binding("one", "1", json!({"ingress": {"name": "web"}})));
        index.upsert(binding("named", "3", json!({"name": "shop"})));
        assert_eq!(index.referrers(&web), [testing::object("one"), testing::object("two")]);
        assert_eq!(index.referred_kinds(), BTreeSet::from([ReferentKind::Ingress]));

        index.upsert(binding("one", "1", json!({"service": {"name": "db"}})));
        assert_eq!(
            (index.referrers(&web), index.referrers(&db)),
            (vec![testing::object("two")], vec![testing::object("one")])
        );
        assert_eq!(index.referred_kinds(), BTreeSet::from([ReferentKind::Ingress, ReferentKind::Service]));

        // Made anew under the same name.
        index.upsert(binding("two", "4", json!({"name": "shop"})));
        index.remove(&testing::object("one"));
        assert!(index.referrers(&web).is_empty() && index.referrers(&db).is_empty());
        assert!(index.referred_kinds().is_empty());
    }
}
