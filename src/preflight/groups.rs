//! Judges the security groups that carry the cluster's tag.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::names::NAMESPACES_TAG;
use crate::aws::SecurityGroup;
use crate::model::{ClusterName, Consent, Namespaces, Scope, Tags, Us};

use super::report::Section;

/// So many groups are named, not more.
const NAMED: usize = 5;

fn consent(cluster: &ClusterName, tags: &Tags) -> Consent {
    let us = Us { cluster: cluster.clone(), identity: String::new(), take_over: BTreeSet::new() };
    Consent::read(&us, tags)
}

/// Whether the group's tags permit writing.
pub fn is_opted_in(cluster: &ClusterName, tags: &Tags) -> bool {
    consent(cluster, tags) != Consent::Refused
}

/// `groups` are all that carry the tag; `None` if they could not be read. `namespaces` are those of the cluster.
pub fn section(
    cluster: &ClusterName,
    scope: &Scope,
    groups: Option<&[SecurityGroup]>,
    namespaces: &Result<BTreeSet<String>, String>,
) -> Section {
    let mut section = Section::new(format!("Security groups {scope}"));
    let Some(groups) = groups else {
        section.skip("opted-in", "the security groups that opted in", "AWS does not tell of them, see above");
        return section;
    };
    let judged: Vec<_> = groups.iter().map(|group| (group, consent(cluster, &group.tags))).collect();
    judge_number(&mut section, cluster, &judged);
    judge_values(&mut section, cluster, &judged);
    judge_namespaces_tag(&mut section, &judged);
    judge_namespaces(&mut section, &judged, namespaces);
    section
}

type Judged<'a> = [(&'a SecurityGroup, Consent)];

fn judge_number(section: &mut Section, cluster: &ClusterName, groups: &Judged) {
    let shared = groups.iter().filter(|(_, consent)| matches!(consent, Consent::Given { shared: true, .. })).count();
    let owned = groups.iter().filter(|(_, consent)| matches!(consent, Consent::Given { shared: false, .. })).count();
    if owned + shared > 0 {
        section.ok("opted-in", format!("security groups that opted in: {owned} owned, {shared} shared"));
    } else {
        let key = cluster.tag_key();
        section.warn(
            "opted-in",
            format!("no security group carries the tag {key}: nothing would be written"),
            format!(
                "aws ec2 create-tags --resources sg-… --tags Key={key},Value=owned Key={NAMESPACES_TAG},Value=NAMESPACE"
            ),
        );
    }
}

fn judge_values(section: &mut Section, cluster: &ClusterName, groups: &Judged) {
    let wrong = groups.iter().filter(|(_, consent)| *consent == Consent::Refused);
    let wrong: Vec<&SecurityGroup> = wrong.map(|(group, _)| *group).collect();
    let key = cluster.tag_key();
    if wrong.is_empty() {
        section.ok("tag-values", format!("no group has another value than owned or shared for {key}"));
    } else {
        let hint = format!("aws ec2 create-tags --resources {} --tags Key={key},Value=owned", ids(&wrong, " "));
        let message = format!("not opted in, as {key} is neither owned nor shared: {}", ids(&wrong, ", "));
        section.warn("tag-values", message, hint);
    }
}

fn judge_namespaces_tag(section: &mut Section, groups: &Judged) {
    let names_none = |consent: &Consent| matches!(consent, Consent::Given { namespaces: Namespaces::These(names), .. } if names.is_empty());
    let bare: Vec<&SecurityGroup> =
        groups.iter().filter(|(_, consent)| names_none(consent)).map(|(group, _)| *group).collect();
    if bare.is_empty() {
        section.ok("namespaces-tag", format!("each of them names namespaces in {NAMESPACES_TAG}"));
    } else {
        let tag = format!("Key={NAMESPACES_TAG},Value=\"NAMESPACE NAMESPACE\"");
        section.warn(
            "namespaces-tag",
            format!("no object may write them, as {NAMESPACES_TAG} names no namespace: {}", ids(&bare, ", ")),
            format!("aws ec2 create-tags --resources {} --tags {tag}", ids(&bare, " ")),
        );
    }
}

fn judge_namespaces(section: &mut Section, groups: &Judged, namespaces: &Result<BTreeSet<String>, String>) {
    const LINE: &str = "namespaces";
    let known = match namespaces {
        Ok(known) => known,
        Err(error) => return section.skip(LINE, "whether the namespaces that they name exist", error),
    };
    let mut absent: BTreeMap<&str, Vec<&SecurityGroup>> = BTreeMap::new();
    for (group, consent) in groups {
        if let Consent::Given { namespaces: Namespaces::These(names), .. } = consent {
            for name in names.iter().filter(|name| !known.contains(*name)) {
                absent.entry(name).or_default().push(group);
            }
        }
    }
    if absent.is_empty() {
        section.ok(LINE, "the namespaces that they name exist");
    } else {
        let told: Vec<String> =
            absent.iter().map(|(name, groups)| format!("{name} (in {})", ids(groups, ", "))).collect();
        let hint = "create the namespace, or take its name out of the tag: whoever creates it may write these groups";
        section.warn(LINE, format!("they name namespaces that do not exist: {}", told.join(", ")), hint);
    }
}

fn ids(groups: &[&SecurityGroup], between: &str) -> String {
    let named: Vec<&str> = groups.iter().take(NAMED).map(|group| group.key.id.as_str()).collect();
    let more = groups.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!("{between}… ({more} more)") } else { String::new() };
    named.join(between) + &rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GroupKey;
    use crate::preflight::Status;

    fn scope() -> Scope {
        Scope { account: "123456789012".into(), region: "eu-central-1".into() }
    }

    fn group(id: &str, value: &str, namespaces: Option<&str>) -> SecurityGroup {
        let consent = [("sgbind.dev/cluster/prod".to_owned(), value.to_owned())];
        let names = namespaces.map(|names| (NAMESPACES_TAG.to_owned(), names.to_owned()));
        let tags = consent.into_iter().chain(names).collect();
        SecurityGroup { key: GroupKey { scope: scope(), id: id.into() }, name: id.into(), vpc: None, tags }
    }

    fn told(groups: Option<&[SecurityGroup]>, namespaces: Result<&[&str], &str>) -> Vec<String> {
        let namespaces = namespaces.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let section = section(&"prod".parse().unwrap(), &scope(), groups, &namespaces.map_err(str::to_owned));
        let sign = |status| match status {
            Status::Ok => "√",
            Status::Warning => "!",
            Status::Failed => "×",
        };
        section.checks.iter().map(|check| format!("{} {}", sign(check.status), check.message)).collect()
    }

    const VALUES: &str = "√ no group has another value than owned or shared for sgbind.dev/cluster/prod";
    const TAGGED: &str = "√ each of them names namespaces in sgbind.dev/namespaces";
    const EXIST: &str = "√ the namespaces that they name exist";

    #[test]
    fn groups_that_opted_in_are_counted() {
        let groups = [group("sg-1", "owned", Some("a b")), group("sg-2", "shared", Some("*"))];
        let counted = "√ security groups that opted in: 1 owned, 1 shared";
        assert_eq!(told(Some(&groups), Ok(&["a", "b"])), [counted, VALUES, TAGGED, EXIST]);
        let none = "! no security group carries the tag sgbind.dev/cluster/prod: nothing would be written";
        assert_eq!(told(Some(&[]), Ok(&["a", "b"])), [none, VALUES, TAGGED, EXIST]);
    }

    #[test]
    fn each_mistake_has_its_line() {
        let groups =
            [group("sg-1", "yes", Some("a")), group("sg-2", "owned", None), group("sg-3", "owned", Some("a z"))];
        assert_eq!(
            told(Some(&groups), Ok(&["a"])),
            [
                "√ security groups that opted in: 2 owned, 0 shared",
                "! not opted in, as sgbind.dev/cluster/prod is neither owned nor shared: sg-1",
                "! no object may write them, as sgbind.dev/namespaces names no namespace: sg-2",
                "! they name namespaces that do not exist: z (in sg-3)",
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_skipped() {
        let skipped = "! skipped: the security groups that opted in: AWS does not tell of them, see above";
        assert_eq!(told(None, Ok(&[])), [skipped]);
        let groups = [group("sg-1", "owned", Some("a"))];
        let skipped = "! skipped: whether the namespaces that they name exist: forbidden";
        assert_eq!(told(Some(&groups), Err("forbidden"))[3], skipped);
    }

    #[test]
    fn many_are_not_all_named() {
        let groups: Vec<SecurityGroup> = (1..=7).map(|number| group(&format!("sg-{number}"), "owned", None)).collect();
        let line = &told(Some(&groups), Ok(&[]))[2];
        assert!(line.ends_with(": sg-1, sg-2, sg-3, sg-4, sg-5, … (2 more)"), "{line}");
    }
}
