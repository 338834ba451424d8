//! The health of targets, around the time in which foreign rules are taken away.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::{join_all, try_join_all};

use crate::aws::{AwsError, Cloud, ErrorClass};
use crate::defect::Defect;
use crate::model::{ElbArn, Health, HealthRead, TargetRef, Watched};

/// Beyond the time in which health checks notice: for answers that lag.
const GRACE: Duration = Duration::from_secs(30);
/// State and reason of a target whose health checks are not answered. Source: `TargetHealth` in the ELBv2 API reference.
const UNHEALTHY: &str = "unhealthy";
const TIMEOUT: &str = "Target.Timeout";
const HEALTHY: &str = "healthy";

/// The target groups of these load balancers, and those that are declared, with how long it takes them to notice, `least`
/// at the least.
///
/// # Errors
/// They could not be read.
pub async fn whom_to_watch(
    cloud: &Cloud,
    load_balancers: &BTreeSet<ElbArn>,
    declared: &BTreeSet<ElbArn>,
    least: Duration,
) -> Result<Watched, AwsError> {
    let of_load_balancers = join_all(load_balancers.iter().map(|arn| cloud.target_groups_of(arn))).await;
    let mut found = Vec::new();
    for answer in of_load_balancers {
        match answer {
            // The load balancer is gone, and with it whoever depended on the rules.
            Err(error) if error.class() == ErrorClass::NotFound => {}
            answer => found.extend(answer?),
        }
    }
    let missing: Vec<&ElbArn> = declared.iter().filter(|arn| found.iter().all(|group| group.arn != **arn)).collect();
    found.extend(
        try_join_all(missing.into_iter().map(|arn| cloud.target_group_by_arn(arn))).await?.into_iter().flatten(),
    );
    found.retain(|group| group.health_check_enabled);
    let noticed = found.iter().map(|group| group.unhealthy_within).max();
    let noticed = if Defect::WatchTooShort.is_on() { noticed.and(Some(Duration::ZERO)) } else { noticed };
    let lasts = noticed.map(|noticed| (noticed + GRACE).max(least)).unwrap_or_default();
    Ok(Watched { target_groups: found.into_iter().map(|group| group.arn).collect(), lasts })
}

/// The health of all targets of these groups.
///
/// # Errors
/// That of a group could not be read.
pub async fn health_of(cloud: &Cloud, target_groups: &BTreeSet<ElbArn>) -> Result<HealthRead, AwsError> {
    let mut read = HealthRead::new();
    for (arn, answer) in target_groups.iter().zip(join_all(target_groups.iter().map(|arn| cloud.targets(arn))).await) {
        let targets = match answer {
            Err(error) if error.class() == ErrorClass::NotFound => Vec::new(),
            Err(_) if Defect::TakeInTheDark.is_on() => Vec::new(),
            answer => answer?,
        };
        read.extend(targets.into_iter().map(|target| {
            let health = match (target.state.as_str(), target.reason.as_deref()) {
                (HEALTHY, _) => Health::Healthy,
                (UNHEALTHY, Some(TIMEOUT)) => Health::TimesOut,
                _ => Health::Other,
            };
            (TargetRef { target_group: arn.clone(), id: target.id, port: target.port }, health)
        }));
    }
    Ok(read)
}
