//! Files that are not there.

use std::fs;

use sgbind::aws::Clouds;
use sgbind::model::Reason;
use sgbind::observe;

use super::{files, look, offline, taken};
use crate::world::{Estate, World, estate, group};

fn small() -> Estate {
    estate()
        .internet_facing("shop")
        .tag("app", "shop")
        .forward(80, "app")
        .path("/api/*", "pods")
        .network("front")
        .in_groups(&["NLB-SG"])
        .forward(443, "app-tcp")
        .target_group("app", 8000)
        .instance("APP-SG")
        .target_group("pods", 9000)
        .interface("10.0.0.50", "POD-SG")
        .target_group("app-tcp", 8000)
        .over("TCP")
        .instance("APP-SG")
        .group(group("EXTRA-SG").tag("team", "extra"))
}

/// What is unknown without a file: objects, and what is read of the group of `shop`.
const UNKNOWN_WITHOUT: [(&str, &[&str]); 16] = [
    ("describe-instances.json", &[]),
    ("describe-listeners.json", &["by-name", "by-tags", "network"]),
    ("describe-load-balancer-attributes.json", &[]),
    ("describe-load-balancers.json", &["by-name", "by-tags", "network"]),
    ("describe-managed-prefix-lists.json", &["by-tags"]),
    ("describe-network-acls.json", &[]),
    ("describe-network-interfaces.json", &["by-name", "by-tags", "network", "its use"]),
    ("describe-route-tables.json", &[]),
    ("describe-rules.json", &["by-name", "by-tags"]),
    // Rules come from the groups then.
    ("describe-security-group-rules.json", &[]),
    ("describe-security-groups.json", &["extra", "its consent"]),
    ("describe-subnets.json", &[]),
    ("describe-tags.json", &["by-tags"]),
    ("describe-target-groups.json", &["by-name", "by-tags", "network"]),
    ("describe-target-health.json", &["by-name", "by-tags", "network"]),
    ("describe-vpcs.json", &["by-name", "by-tags", "extra", "network"]),
];

/// What is read of a group before it is written, and can't be.
async fn unknown_of_group(world: &World, clouds: &Clouds, file: &str) -> Vec<String> {
    let (cloud, id) = (clouds.scope(clouds.home()).expect("our own account"), world.id("ALB-SG").as_str().into());
    let answers = [
        ("its consent", cloud.group(&id).await.map(drop)),
        ("its rules", cloud.rules(&id).await.map(drop)),
        ("its use", observe::usage(&cloud, &id, &[].into()).await.map(drop)),
    ];
    let mut unknown = Vec::new();
    for (what, answer) in answers {
        if let Err(error) = answer {
            assert!(error.to_string().contains(&format!("{file} is not in the snapshot")), "{error}");
            unknown.push(what.to_owned());
        }
    }
    unknown
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_a_file_that_is_absent_is_unknown() {
    let (world, dir) = taken(small()).await;
    let all: Vec<&str> = UNKNOWN_WITHOUT.iter().map(|(file, _)| *file).collect();
    assert_eq!(files(dir.path()), all);
    let mut told = Vec::new();
    for file in all {
        let (path, aside) = (dir.path().join(file), dir.path().join("aside"));
        fs::rename(&path, &aside).expect("it was there");
        let clouds = offline(dir.path(), &world).await;
        let seen = super::resolutions(&world, &clouds).await;
        let mut unknown = Vec::new();
        for (object, resolution) in seen {
            if resolution.complete {
                assert_eq!(resolution.problems, [], "{object} without {file}");
                continue;
            }
            unknown.push(object);
            for problem in &resolution.problems {
                assert_eq!(problem.reason, Reason::AwsUnavailable, "{problem:?}");
                let says = problem.message.contains(&format!("{file} is not in the snapshot"));
                assert!(says && problem.message.contains("take it by `sgbind snapshot`"), "{}", problem.message);
            }
            assert!(!resolution.problems.is_empty());
        }
        unknown.extend(unknown_of_group(&world, &clouds, file).await);
        told.push((file, unknown));
        fs::rename(&aside, &path).expect("it is there again");
    }
    assert_eq!(
        told,
        UNKNOWN_WITHOUT.map(|(file, objects)| (file, objects.iter().map(|name| (*name).to_owned()).collect()))
    );
    // With all of them, nothing is.
    let seen = look(&world, &offline(dir.path(), &world).await).await;
    assert!(seen.objects.values().all(|resolution| resolution.complete));
}
