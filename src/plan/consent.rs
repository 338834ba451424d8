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
    quoted(&format!("Key={NAMESPACES_TAG},Value={value}"))
}

/// As a shell takes it for one word: whoever may tag a group may have written anything into its tags.
fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./,=:@+".contains(char);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{key, tags, us};

    #[test]
    fn the_command_is_one_that_a_shell_takes_as_it_is_meant() {
        let command =
            |namespaces: &str| opt_in(&us(), &key("sg-1"), &tags(&[(NAMESPACES_TAG, namespaces)]), "team-shop");
        let tagged = |word: &str| {
            let begin = "aws ec2 create-tags --region ap-northeast-2 --resources sg-1 --tags Key=sgbind.dev/cluster/prod,Value=owned";
            Some(format!("{begin} {word}"))
        };
        assert_eq!(command(""), tagged("Key=sgbind.dev/namespaces,Value=team-shop"));
        assert_eq!(command("other"), tagged("'Key=sgbind.dev/namespaces,Value=other team-shop'"));
        assert_eq!(command("*"), tagged("'Key=sgbind.dev/namespaces,Value=*'"));
        assert_eq!(
            command("x';reboot;' $(y)"),
            tagged("'Key=sgbind.dev/namespaces,Value=x'\\'';reboot;'\\'' $(y) team-shop'")
        );
    }

    #[test]
    fn who_may_write_already_needs_no_command() {
        let opted_in = crate::testing::opted_in("owned", "team-shop");
        assert_eq!(opt_in(&us(), &key("sg-1"), &opted_in, "team-shop"), None);
    }
}
