//! What to tell whoever writes a group that has not consented.

use crate::api::names::NAMESPACES_TAG;
use crate::model::{Consent, GroupKey, ObjectRef, Problem, Reason, Tags, Us};

use super::Input;

/// Names the command that would give consent.
pub(super) fn refusal(input: &Input<'_>, consent: &Consent, object: &ObjectRef) -> Problem {
    let key = &input.group.key;
    let (id, namespace) = (&key.id, &object.namespace);
    let command = command(input.us, key, &input.group.tags, namespace);
    match consent {
        Consent::Refused => Problem::new(
            Reason::SecurityGroupNotOptedIn,
            format!(
                "security group {id} has not opted in to be written by cluster {}. If it may be: {command}",
                input.us.cluster,
            ),
        ),
        Consent::Given { .. } => Problem::new(
            Reason::NamespaceNotAllowed,
            format!("security group {id} may not be written for namespace {namespace}. If it may be: {command}"),
        ),
    }
}

/// The command by which a group with these tags would let objects of this namespace write it; `None` if it does.
pub fn opt_in(us: &Us, key: &GroupKey, tags: &Tags, namespace: &str) -> Option<String> {
    let allowed = Consent::read(us, tags).allows(namespace);
    (!allowed).then(|| command(us, key, tags, namespace))
}

fn command(us: &Us, key: &GroupKey, tags: &Tags, namespace: &str) -> String {
    let owned = match Consent::read(us, tags) {
        Consent::Refused => format!("Key={},Value=owned ", us.cluster.tag_key()),
        Consent::Given { .. } => String::new(),
    };
    let namespaces = namespaces_with(tags, namespace);
    format!("aws ec2 create-tags --region {} --resources {} --tags {owned}{namespaces}", key.scope.region, key.id)
}

/// The tag, as the AWS CLI takes it, that allows one namespace more and takes consent from none.
fn namespaces_with(tags: &Tags, namespace: &str) -> String {
    let listed = tags.get(NAMESPACES_TAG).map(String::as_str).unwrap_or_default();
    let mut names: Vec<&str> = listed.split_whitespace().collect();
    if !names.contains(&"*") && !names.contains(&namespace) {
        names.push(namespace);
    }
    let value = names.join(" ");
    // What a shell would split or expand.
    let quote = if value.contains([' ', '*']) { "'" } else { "" };
    format!("{quote}Key={NAMESPACES_TAG},Value={value}{quote}")
}
