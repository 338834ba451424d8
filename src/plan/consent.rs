//! What to tell whoever writes a group that has not consented.

use crate::api::names::NAMESPACES_TAG;
use crate::model::{Consent, ObjectRef, Problem, Reason};

use super::Input;

/// Names the command that would give consent.
pub(super) fn refusal(input: &Input<'_>, consent: &Consent, object: &ObjectRef) -> Problem {
    let key = &input.group.key;
    let (id, region) = (&key.id, &key.scope.region);
    let namespace = &object.namespace;
    let namespaces = namespaces_with(input, namespace);
    match consent {
        Consent::Refused => Problem::new(
            Reason::SecurityGroupNotOptedIn,
            format!(
                "security group {id} has not opted in to be written by cluster {}. If it may be: aws ec2 create-tags --region \
                 {region} --resources {id} --tags Key={},Value=owned {namespaces}",
                input.us.cluster,
                input.us.cluster.tag_key()
            ),
        ),
        Consent::Given { .. } => Problem::new(
            Reason::NamespaceNotAllowed,
            format!(
                "security group {id} may not be written for namespace {namespace}. If it may be: aws ec2 create-tags --region \
                 {region} --resources {id} --tags {namespaces}"
            ),
        ),
    }
}

/// The tag, as the AWS CLI takes it, that allows one namespace more and takes consent from none.
fn namespaces_with(input: &Input<'_>, namespace: &str) -> String {
    let listed = input.group.tags.get(NAMESPACES_TAG).map(String::as_str).unwrap_or_default();
    let mut names: Vec<&str> = listed.split_whitespace().collect();
    if !names.contains(&"*") && !names.contains(&namespace) {
        names.push(namespace);
    }
    let value = names.join(" ");
    // What a shell would split or expand.
    let quote = if value.contains([' ', '*']) { "'" } else { "" };
    format!("{quote}Key={NAMESPACES_TAG},Value={value}{quote}")
}
