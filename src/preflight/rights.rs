//! Asks the API server what the controller's service account may do.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use super::kubernetes::{Reached, answered};
use super::report::Section;
use super::role::{self, Reach, Right};

/// Questions under way at once.
const AT_ONCE: usize = 8;

/// Looks at every rule of the roles that `deploy/` ships.
pub async fn judge(section: &mut Section, reached: &Reached, namespace: &str, account: &str) {
    let who = format!("service account {namespace}/{account}");
    let rules = match role::rules() {
        Ok(rules) => rules,
        Err(error) => return section.fail("rbac", error.to_string(), "use another build of sgbind"),
    };
    for rule in rules {
        let line = format!("rbac/{}", rule.name());
        let (place, within) = match rule.reach {
            Reach::Everywhere => (None, String::new()),
            Reach::OwnNamespace => (Some(namespace), format!(" in {namespace}")),
        };
        let reviews = futures::stream::iter(rule.rights()).map(async |right| {
            let allowed = is_allowed(reached, namespace, account, place, &right).await?;
            Ok::<_, String>((!allowed).then(|| right.to_string()))
        });
        let lacking: Result<Vec<Option<String>>, String> = reviews.buffered(AT_ONCE).try_collect().await;
        match lacking.map(|lacking| lacking.into_iter().flatten().collect::<Vec<_>>()) {
            Ok(lacking) if lacking.is_empty() => section.ok(line, format!("{who} may {rule}{within}")),
            Ok(lacking) => section.fail(
                line,
                format!("{who} may not {}{within}", lacking.join(", ")),
                "apply the roles of this version: kubectl apply --server-side -k deploy (or your installation made from it)",
            ),
            // The same would be said of each.
            Err(error) => {
                let message = format!("skipped: what {who} may do can't be asked: {error}");
                let hint = format!(
                    "run this as somebody who may create subjectaccessreviews.authorization.k8s.io, or look yourself: \
                     kubectl auth can-i --list --as=system:serviceaccount:{namespace}:{account}"
                );
                return section.warn("rbac", message, hint);
            }
        }
    }
}

async fn is_allowed(
    reached: &Reached,
    namespace: &str,
    account: &str,
    place: Option<&str>,
    right: &Right,
) -> Result<bool, String> {
    let attributes = ResourceAttributes {
        namespace: place.map(str::to_owned),
        verb: Some(right.verb.clone()),
        group: Some(right.group.clone()),
        resource: Some(right.resource.clone()),
        subresource: right.subresource.clone(),
        name: right.name.clone(),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:{namespace}:{account}")),
        // Source: "Service account tokens" in the Kubernetes documentation, "Authenticating".
        groups: Some(vec![
            "system:serviceaccounts".into(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".into(),
        ]),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let reviews = Api::<SubjectAccessReview>::all(reached.client.clone());
    let answer = answered(reviews.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
