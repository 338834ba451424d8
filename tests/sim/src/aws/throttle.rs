//! Token buckets: for each account, Region and action, as AWS has them.
//!
//! Sources: "Request throttling for the Amazon EC2 API" in the EC2 developer guide; "Request throttling" in the Elastic
//! Load Balancing API reference. Of ELBv2 only the rates of Describe calls are known; others pass.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Api, Call, Failure, Scope};

/// How many calls may come at once, and how many more a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    burst: u64,
    per_second: u64,
}

/// Describe calls of EC2, with filters or pages.
const EC2_READ: Rate = Rate { burst: 100, per_second: 20 };

/// Some Describe calls of EC2 with neither.
const EC2_READ_ALL: Rate = Rate { burst: 50, per_second: 10 };

const EC2_WRITE: Rate = Rate { burst: 50, per_second: 5 };

const ELB_READ: Rate = Rate { burst: 40, per_second: 10 };

/// What costs more if it asks for all there is.
const COSTLY: [&str; 3] = ["DescribeSecurityGroups", "DescribeInstances", "DescribeNetworkInterfaces"];

/// A call takes one from its bucket.
#[derive(Debug, Default)]
pub struct Buckets(BTreeMap<(Scope, String), Bucket>);

#[derive(Debug)]
struct Bucket {
    /// Billionths of a call: a refill of n a second adds n of these each nanosecond.
    billionths: u64,
    /// As of when.
    at: Duration,
}

const ONE: u64 = 1_000_000_000;

impl Buckets {
    /// Refuses the call if its bucket is empty.
    pub fn take(&mut self, call: &Call, now: Duration) -> Result<(), Failure> {
        let Some((name, rate)) = bucket_of(call) else { return Ok(()) };
        let full = rate.burst * ONE;
        let key = (call.scope.clone(), name);
        let bucket = self.0.entry(key).or_insert(Bucket { billionths: full, at: now });
        let passed = u64::try_from(now.saturating_sub(bucket.at).as_nanos()).unwrap_or(u64::MAX);
        bucket.billionths = bucket.billionths.saturating_add(passed.saturating_mul(rate.per_second)).min(full);
        bucket.at = bucket.at.max(now);
        match bucket.billionths.checked_sub(ONE) {
            Some(rest) => {
                bucket.billionths = rest;
                Ok(())
            }
            None if call.api() == Some(Api::Elb) => Err(Failure::new("Throttling", "Rate exceeded")),
            None => Err(Failure::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503)),
        }
    }
}

/// The bucket's name, and how it fills. STS and Service Quotas are not limited here.
fn bucket_of(call: &Call) -> Option<(String, Rate)> {
    let action = call.action.clone();
    match call.api()? {
        Api::Ec2 if !call.is_read() => Some((action, EC2_WRITE)),
        Api::Ec2 if COSTLY.contains(&call.action.as_str()) && !is_narrowed(call) => {
            Some((format!("{action} of all"), EC2_READ_ALL))
        }
        Api::Ec2 => Some((action, EC2_READ)),
        Api::Elb if call.is_read() => Some((action, ELB_READ)),
        Api::Elb | Api::Sts | Api::Quotas => None,
    }
}

fn is_narrowed(call: &Call) -> bool {
    ["MaxResults", "NextToken"].iter().any(|name| call.text(name).is_some()) || !call.items("Filter").is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(version: &str, form: &str, region: &str) -> Call {
        let scope = Scope { account: "111122223333".into(), region: region.into() };
        Call::read(format!("Version={version}&{form}").as_bytes(), scope)
    }

    /// How many of these calls pass at an instant.
    fn passing(buckets: &mut Buckets, call: &Call, at: u64) -> usize {
        (0..1000).take_while(|_| buckets.take(call, Duration::from_millis(at)).is_ok()).count()
    }

    #[test]
    fn each_action_has_its_burst_and_its_refill() {
        let table = [
            ("2016-11-15", "Action=DescribeSecurityGroupRules", 100, 20),
            ("2016-11-15", "Action=DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1=v", 100, 20),
            ("2016-11-15", "Action=DescribeInstances&MaxResults=5", 100, 20),
            ("2016-11-15", "Action=DescribeSecurityGroups", 50, 10),
            ("2016-11-15", "Action=DescribeNetworkInterfaces", 50, 10),
            ("2016-11-15", "Action=AuthorizeSecurityGroupIngress", 50, 5),
            ("2016-11-15", "Action=CreateTags", 50, 5),
            ("2015-12-01", "Action=DescribeListeners", 40, 10),
            ("2015-12-01", "Action=RegisterTargets", 1000, 1000),
            ("2011-06-15", "Action=GetCallerIdentity", 1000, 1000),
        ];
        for (version, form, burst, refill) in table {
            let mut buckets = Buckets::default();
            let call = call(version, form, "eu-central-1");
            let passed = [0, 0, 1000, 61_000].map(|at| passing(&mut buckets, &call, at));
            let nothing = if burst == 1000 { 1000 } else { 0 };
            assert_eq!(passed, [burst, nothing, refill, burst], "{form}");
        }
    }

    #[test]
    fn a_part_of_a_call_is_kept_until_there_is_a_whole_one() {
        let mut buckets = Buckets::default();
        let call = call("2016-11-15", "Action=CreateTags", "eu-central-1");
        assert_eq!([0, 150, 300, 400].map(|at| passing(&mut buckets, &call, at)), [50, 0, 1, 1]);
    }

    #[test]
    fn regions_and_actions_have_buckets_of_their_own() {
        let mut buckets = Buckets::default();
        assert_eq!(passing(&mut buckets, &call("2016-11-15", "Action=CreateTags", "eu-central-1"), 0), 50);
        assert_eq!(passing(&mut buckets, &call("2016-11-15", "Action=CreateTags", "us-east-1"), 0), 50);
        assert_eq!(passing(&mut buckets, &call("2016-11-15", "Action=DeleteTags", "eu-central-1"), 0), 50);
    }

    #[test]
    fn each_api_says_it_in_its_own_way() {
        let refusal = |version: &str, form: &str| {
            let mut buckets = Buckets::default();
            let call = call(version, form, "eu-central-1");
            passing(&mut buckets, &call, 0);
            buckets.take(&call, Duration::ZERO).map_err(|failure| (failure.status, failure.code, failure.message))
        };
        let ec2 = (503, "RequestLimitExceeded".into(), "Request limit exceeded.".into());
        assert_eq!(refusal("2016-11-15", "Action=CreateTags"), Err(ec2));
        let elb = (400, "Throttling".into(), "Rate exceeded".into());
        assert_eq!(refusal("2015-12-01", "Action=DescribeTags"), Err(elb));
    }
}
