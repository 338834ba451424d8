//! A real account, by an explicit switch: `SGBIND_CONFORMANCE_AWS` names a VPC, and that VPC must carry a tag.
//!
//! Everything that a run makes carries [`RUN_TAG`] from the creating call on, and nothing else is ever deleted. What is
//! left of a run that was killed goes with the next one.

use std::{
    collections::BTreeMap,
    env, fs,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_types::SdkConfig;
use serde_json::{Value, json};

use super::{
    super::{Behaviour, Findings, Observed, behaviour::Need, suite},
    ACCOUNT, behaviours,
    cloud::Cloud,
    observe,
    scene::{Scene, filter, must},
    sweep::sweep,
};

/// Must be on the VPC, with the value `allowed`.
pub const ALLOWING: &str = "sgbind.dev/conformance";

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/conformance/recorded/account.json");

/// For so long reads may lag behind writes on a real account.
const LAG: Duration = Duration::from_secs(3);

/// What a run is told.
pub struct Asked {
    pub vpc: String,
    pub load_balancers: bool,
    pub lag: Duration,
}

/// Runs the suite in a VPC that is there. `Err`: it was refused, before any write.
pub async fn run(
    config: &SdkConfig,
    asked: &Asked,
    behaviours: &Arc<Vec<Behaviour<Scene>>>,
) -> Result<Findings, String> {
    let ec2 = aws_sdk_ec2::Client::new(config);
    let found = must(&asked.vpc, ec2.describe_vpcs().filters(filter("vpc-id", &[&asked.vpc])).send().await);
    let Some(vpc) = found.vpcs().first() else { return Err(format!("there is no VPC {}", asked.vpc)) };
    let allows = |tag: &aws_sdk_ec2::types::Tag| tag.key() == Some(ALLOWING) && tag.value() == Some("allowed");
    if !vpc.tags().iter().any(allows) {
        return Err(format!(
            "{vpc} does not carry the tag {ALLOWING}=allowed, and so nothing is written in it. \
             If it may be: aws ec2 create-tags --resources {vpc} --tags \
             Key={ALLOWING},Value=allowed",
            vpc = asked.vpc
        ));
    }
    let default_vpc = (vpc.is_default() == Some(true)).then(|| asked.vpc.clone());
    let cloud = Cloud::new(config, &asked.vpc, default_vpc, new_run(), asked.lag).await;
    if cloud.estate.subnets.len() < 1 + usize::from(asked.load_balancers) {
        return Err(format!("{} needs a subnet, and for load balancers subnets in two zones", asked.vpc));
    }
    let mut lacks = cloud.lacks();
    if !asked.load_balancers {
        lacks.push(Need::LoadBalancers);
    }
    sweep(&cloud).await?;
    let cloud = Arc::new(cloud);
    let findings = observe(Arc::clone(&cloud), behaviours, &lacks).await;
    sweep(&cloud).await?;
    Ok(findings)
}

/// No run has the name of another.
fn new_run() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("sgbc-{seconds:x}")
}

/// What was observed on a real account, the last time that someone recorded it.
pub fn recorded(behaviours: &[Behaviour<Scene>]) -> Option<Findings> {
    let text = fs::read_to_string(RECORD).ok()?;
    let mut record: BTreeMap<String, Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{RECORD}: {error}"));
    let lines = |value: Value| serde_json::from_value(value).unwrap_or_else(|error| panic!("{RECORD}: {error}"));
    let known = behaviours.iter().filter_map(|each| Some((each.id, Observed::Lines(lines(record.remove(each.id)?)))));
    Some(known.collect())
}

fn record(findings: &Findings) {
    let seen = findings.iter().filter_map(|(id, observed)| match observed {
        Observed::Lines(lines) => Some(((*id).to_owned(), json!(lines))),
        Observed::Lacking(_) => None,
    });
    let seen: BTreeMap<String, Value> = seen.collect();
    let text = serde_json::to_string_pretty(&seen).expect("strings");
    fs::write(RECORD, text + "\n").unwrap_or_else(|error| panic!("{RECORD}: {error}"));
}

#[tokio::test]
#[ignore = "writes to an AWS account: docs/conformance.md says how"]
async fn account_behaves_as_documented() {
    let vpc = env::var("SGBIND_CONFORMANCE_AWS").expect("SGBIND_CONFORMANCE_AWS names the VPC to run in");
    let load_balancers = env::var("SGBIND_CONFORMANCE_LOAD_BALANCERS").is_ok_and(|value| value == "1");
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let behaviours = behaviours();
    let findings = run(&config, &Asked { vpc, load_balancers, lag: LAG }, &behaviours).await;
    let findings = findings.unwrap_or_else(|refusal| panic!("{refusal}"));
    if env::var_os("SGBIND_UPDATE_DOCS").is_some() {
        record(&findings);
    }
    let faults = suite::faults(&behaviours, ACCOUNT, &findings);
    assert!(faults.is_empty(), "{faults}");
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::behaviour, MOTO, Moto},
        *,
    };
    use crate::conformance::behaviour::Source::Page;
    use aws_sdk_ec2::types::TagDescription;

    /// Everything that could be left: ids of all that is there, whoever made it.
    async fn inventory(config: &SdkConfig) -> Vec<String> {
        let ec2 = aws_sdk_ec2::Client::new(config);
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
        let mut ids: Vec<Option<String>> = Vec::new();
        let groups = must("groups", ec2.describe_security_groups().send().await).security_groups.unwrap_or_default();
        ids.extend(groups.into_iter().map(|each| each.group_id));
        let rules = must("rules", ec2.describe_security_group_rules().send().await);
        ids.extend(rules.security_group_rules.unwrap_or_default().into_iter().map(|each| each.security_group_rule_id));
        let interfaces = must("interfaces", ec2.describe_network_interfaces().send().await);
        ids.extend(interfaces.network_interfaces.unwrap_or_default().into_iter().map(|each| each.network_interface_id));
        let lists = must("lists", ec2.describe_managed_prefix_lists().send().await).prefix_lists.unwrap_or_default();
        ids.extend(lists.into_iter().map(|each| each.prefix_list_id));
        let balancers = must("load balancers", elb.describe_load_balancers().send().await);
        ids.extend(balancers.load_balancers.unwrap_or_default().into_iter().map(|each| each.load_balancer_arn));
        let targets = must("target groups", elb.describe_target_groups().send().await).target_groups;
        ids.extend(targets.unwrap_or_default().into_iter().map(|each| each.target_group_arn));
        let mut ids: Vec<String> = ids.into_iter().flatten().collect();
        // Tags of what is there; moto goes on listing those of interfaces and prefix lists that are gone.
        let tags = must("tags", ec2.describe_tags().send().await).tags.unwrap_or_default();
        let of = |tag: &TagDescription| tag.resource_id.clone().unwrap_or_default();
        let tags = tags.iter().filter(|tag| of(tag).starts_with("vpc-") || ids.contains(&of(tag)));
        let tags: Vec<_> = tags.map(|tag| format!("{} {:?}={:?}", of(tag), tag.key, tag.value)).collect();
        ids.extend(tags);
        ids.sort();
        ids
    }

    fn asked(cloud: &Cloud) -> Asked {
        Asked { vpc: cloud.estate.vpc.clone(), load_balancers: true, lag: Duration::ZERO }
    }

    /// As the owner of the VPC would.
    async fn allow(cloud: &Cloud, value: &str) {
        let tag = aws_sdk_ec2::types::Tag::builder().key(ALLOWING).value(value).build();
        must("the tag", cloud.ec2.create_tags().resources(&cloud.estate.vpc).tags(tag).send().await);
    }

    #[tokio::test]
    async fn nothing_is_written_where_nobody_allowed_it() {
        let moto = Moto::start().await;
        let cloud = Cloud::with_own_vpc(&moto.config).await;
        allow(&cloud, "forbidden").await;
        let before = inventory(&moto.config).await;
        let refusal = run(&moto.config, &asked(&cloud), &behaviours()).await.expect_err("it is refused");
        let command = format!("aws ec2 create-tags --resources {}", cloud.estate.vpc);
        assert!(refusal.contains(&command), "{refusal}");
        assert_eq!(inventory(&moto.config).await, before);
    }

    #[tokio::test]
    async fn what_a_run_makes_it_removes_also_after_a_panic() {
        let moto = Moto::start().await;
        let cloud = Cloud::with_own_vpc(&moto.config).await;
        allow(&cloud, "allowed").await;
        // Someone else's, which looks much like ours.
        let theirs = cloud.ec2.create_security_group().group_name("sgbc-0-theirs").description("theirs");
        must("their group", theirs.vpc_id(&cloud.estate.vpc).send().await);
        let before = inventory(&moto.config).await;
        // Left by a run that was killed.
        let killed = Cloud::new(&moto.config, &cloud.estate.vpc, None, "sgbc-killed".into(), Duration::ZERO).await;
        let killed = Scene::new(&Arc::new(killed), "killed");
        killed.group("GROUP").await;
        killed.interface("INTERFACE", &["GROUP"], &[]).await;
        let mut all = Arc::into_inner(behaviours()).expect("nobody else has them");
        let panicking = behaviour("panics-in-the-middle", "It panics.", Page("none"));
        all.push(
            panicking
                .observe(|scene: Scene| async move {
                    scene.application("panic").await;
                    scene.made("RULE", "GROUP", "ingress tcp 80 from GROUP", &[]).await;
                    panic!("in the middle");
                })
                .expect(&["panic: in the middle"]),
        );
        let all = Arc::new(all);
        let findings = run(&moto.config, &asked(&cloud), &all).await.expect("it is allowed");
        assert_eq!(inventory(&moto.config).await, before);
        let ran = findings.values().filter(|observed| matches!(observed, Observed::Lines(_))).count();
        assert_eq!(ran, all.len() - 1, "all but what needs the default VPC");
        let faults = suite::faults(&all, MOTO, &findings);
        assert!(faults.is_empty(), "{faults}");
    }
}
