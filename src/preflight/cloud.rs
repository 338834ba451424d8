//! Asks AWS: who we are, and for each permission of the controller. Nothing is changed by that.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;

use crate::aws::{AwsError, Cloud, Clouds, Dates, Permission, RulesRead, SecurityGroup, Specimen, Verdict};
use crate::model::{ClusterName, Direction, Scope};

use super::groups::is_opted_in;
use super::report::Section;
use super::{Subject, clock};

/// Questions under way at once.
const AT_ONCE: usize = 6;
/// So many groups are looked at for rules on which writes can be tried.
const LOOKED_AT: usize = 50;
/// Value of the tag that is tried; it is never written.
const TAG_VALUE: &str = "sgbind-check";
const AWS_CLOCK: &str = "AWS's";

/// Our own account first, then those in which a role is assumed.
pub fn all(clouds: &Clouds) -> Vec<Arc<Cloud>> {
    let home = clouds.home();
    let accounts: BTreeSet<_> = clouds.assumed().map(|role| role.account()).collect();
    let others = accounts.into_iter().filter(|account| **account != home.account);
    let scopes = others.map(|account| Scope { account: account.clone(), region: home.region.clone() });
    // Each has a role, or is our own.
    [home.clone()].into_iter().chain(scopes).filter_map(|scope| clouds.scope(&scope).ok()).collect()
}

/// The section of one account, and the groups with the cluster's tag there, if they are known.
pub async fn section(subject: &Subject, cloud: &Cloud, dates: &Dates) -> (Section, Option<Vec<SecurityGroup>>) {
    let scope = cloud.scope();
    let mut section = Section::new(format!("AWS {scope}"));
    match cloud.caller().await {
        Ok(caller) => section.ok(
            "identity",
            format!("AWS knows us as {}: the permissions below are this identity's, not the controller's", caller.arn),
        ),
        Err(error) => {
            section.fail("identity", error.to_string(), "docs/operations.md, \"Other accounts\", says how roles trust");
            clock::judge(&mut section, AWS_CLOCK, dates.ahead());
            section.skip("permissions", "what may be done there", "AWS does not say who we are");
            return (section, None);
        }
    }
    clock::judge(&mut section, AWS_CLOCK, dates.ahead());
    let groups = cloud.groups_with_tag(&subject.cluster.tag_key()).await.ok();
    let specimen = specimen(&subject.cluster, cloud, groups.as_deref().unwrap_or_default()).await;
    let trials = futures::stream::iter(Permission::all())
        .map(async |permission| (permission, cloud.try_permission(permission, specimen.as_ref()).await));
    let verdicts: Vec<_> = trials.buffered(AT_ONCE).collect().await;
    for (permission, verdict) in verdicts {
        judge(&mut section, &subject.cluster, permission, verdict);
    }
    (section, groups)
}

/// The section where AWS does not even say who we are.
pub fn unreachable(error: &AwsError, dates: &Dates) -> Section {
    let mut section = Section::new("AWS");
    let hint = "see that `aws sts get-caller-identity` works with the same profile, Region and environment";
    section.fail("identity", error.to_string(), hint);
    clock::judge(&mut section, AWS_CLOCK, dates.ahead());
    let because = "AWS does not say who we are";
    section.skip("permissions", "the permissions in AWS", because);
    section.skip("groups", "the security groups that opted in", because);
    section
}

fn judge(section: &mut Section, cluster: &ClusterName, permission: Permission, verdict: Verdict) {
    let action = permission.action();
    let line = format!("permission/{action}");
    let grant = format!("sgbind iam-policy --cluster-name {cluster} prints the policy that permits it");
    match verdict {
        Verdict::Permitted => section.ok(line, format!("{action} is permitted")),
        Verdict::Denied(error) if permission == Permission::ReadQuota => section.warn(
            line,
            format!("{action} is denied: AWS's default of 60 rules counts, or --rule-quota ({error})"),
            format!("{grant}; it is optional"),
        ),
        Verdict::Denied(error) => section.fail(line, format!("{action} is denied: {error}"), grant),
        Verdict::Unknown(error) => section.warn(
            line,
            format!("skipped: whether {action} is permitted is not known: {error}"),
            "run the check again; if it stays, see whether AWS can be reached from here",
        ),
        Verdict::Untried => section.skip(
            line,
            &format!("whether {action} is permitted"),
            "there is no security group that opted in, with a rule, to try it on",
        ),
    }
}

async fn specimen(cluster: &ClusterName, cloud: &Cloud, groups: &[SecurityGroup]) -> Option<Specimen> {
    let opted_in = groups.iter().filter(|group| is_opted_in(cluster, &group.tags)).take(LOOKED_AT);
    let read = futures::future::join_all(opted_in.map(async |group| {
        // Without the rules there is still the group.
        (group, cloud.rules(&group.key.id).await.unwrap_or_default())
    }));
    choose(cluster, &read.await)
}

/// The group that allows most to be tried.
fn choose(cluster: &ClusterName, groups: &[(&SecurityGroup, RulesRead)]) -> Option<Specimen> {
    let specimens = groups.iter().map(|(group, read)| {
        let of =
            |direction| read.rules.iter().find(|rule| rule.spec.direction == direction).map(|rule| rule.id.clone());
        Specimen {
            group: group.key.id.clone(),
            ingress: of(Direction::Ingress),
            egress: of(Direction::Egress),
            tag: (cluster.tag_key(), TAG_VALUE.into()),
        }
    });
    specimens.max_by_key(|specimen| usize::from(specimen.ingress.is_some()) + usize::from(specimen.egress.is_some()))
}
