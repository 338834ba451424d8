//! RevokeSecurityGroupIngress, and the quota of rules.

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::{
            Need,
            Source::{Page, Unverified},
        },
    },
    scene::Scene,
};

const REVOKE: &str = "EC2 API Reference, RevokeSecurityGroupIngress";
const QUOTA: &str = "Amazon VPC User Guide, Amazon VPC quotas, security groups";

/// One that is there, and one that is not.
const RULES: [&str; 2] = ["ingress tcp 80 from 10.0.0.0/8", "ingress tcp 81 from 10.0.0.0/8"];

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        revoke_by_id(),
        revoke_with_an_unknown_id_revokes_nothing(),
        revoke_by_id_of_another_group(),
        revoke_by_permission(),
        revoke_mismatch(),
        revoke_mismatch_in_default_vpc(),
        quota_counts_each_family(),
        over_quota_changes_nothing(),
        quota_counts_references_in_both_families(),
        quota_counts_most_entries_of_a_prefix_list(),
    ]
}

fn revoke_by_id() -> Behaviour<Scene> {
    behaviour("revoke-by-id", "Rules are revoked by their ids, and are then unknown.", Page(REVOKE))
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
            scene.made("OTHER", "GROUP", "ingress tcp 443 from 10.0.0.0/8", &[]).await;
            scene.revoke_by_id("GROUP", &["RULE"]).await;
            scene.ingress("GROUP").await;
            scene.revoke_by_id("GROUP", &["RULE"]).await;
            scene.rule("RULE").await;
        })
        .expect(&[
            "revoke RULE -> ok",
            "  ingress tcp 443 from 10.0.0.0/8",
            "revoke RULE -> error InvalidSecurityGroupRuleId.NotFound",
            "  RULE: error InvalidSecurityGroupRuleId.NotFound",
        ])
}

fn revoke_with_an_unknown_id_revokes_nothing() -> Behaviour<Scene> {
    behaviour(
        "revoke-with-an-unknown-id-revokes-nothing",
        "One unknown id fails the call, and the other rules stay.",
        Page("EC2 API Reference, Error codes, InvalidSecurityGroupRuleId.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        scene.revoke_by_id("GROUP", &["RULE", "sgr-0000000000000abcd"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "revoke RULE, sgr-0000000000000abcd -> error InvalidSecurityGroupRuleId.NotFound",
        "  ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn revoke_by_id_of_another_group() -> Behaviour<Scene> {
    behaviour(
        "revoke-by-id-of-another-group",
        "A rule's id counts in its own group only.",
        Unverified("assumed to be unknown there"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("OTHER").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        scene.revoke_by_id("OTHER", &["RULE"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&["revoke RULE -> error InvalidSecurityGroupRuleId.NotFound", "  ingress tcp 80 from 10.0.0.0/8"])
}

fn revoke_by_permission() -> Behaviour<Scene> {
    behaviour("revoke-by-permission", "A rule is revoked by what it allows, without its description.", Page(REVOKE))
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            scene.group("PEER").await;
            let rules = ["ingress tcp 80 from 10.0.0.0/8 saying why", "ingress tcp 80 from PEER saying why"];
            scene.authorize("GROUP", &rules).await;
            scene.revoke("GROUP", &["ingress 6 80 from 10.1.2.3/8", "ingress tcp 80 from PEER"]).await;
            scene.ingress("GROUP").await;
        })
        .expect(&[
            "authorize ingress tcp 80 from 10.0.0.0/8 saying why; ingress tcp 80 from PEER \
             saying why -> ok",
            "revoke ingress 6 80 from 10.1.2.3/8; ingress tcp 80 from PEER -> ok",
            "  no ingress rules",
        ])
}

fn revoke_mismatch() -> Behaviour<Scene> {
    behaviour(
        "revoke-mismatch",
        "In a VPC that is no default one, a permission that matches no rule fails the call, \
         and none is revoked.",
        Page(REVOKE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &RULES[..1]).await;
        scene.revoke("GROUP", &RULES).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 -> ok",
        "revoke ingress tcp 80 from 10.0.0.0/8; ingress tcp 81 from 10.0.0.0/8 -> error \
         InvalidPermission.NotFound",
        "  ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn revoke_mismatch_in_default_vpc() -> Behaviour<Scene> {
    behaviour(
        "revoke-mismatch-in-default-vpc",
        "In the default VPC it is answered as unknown, and the others are revoked.",
        Page(REVOKE),
    )
    .needs(Need::DefaultVpc)
    .observe(|scene: Scene| async move {
        let vpc = scene.cloud.estate.default_vpc.clone().unwrap_or_default();
        scene.group_in(&vpc, "GROUP").await;
        scene.authorize("GROUP", &RULES[..1]).await;
        scene.revoke("GROUP", &RULES).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 -> ok",
        "revoke ingress tcp 80 from 10.0.0.0/8; ingress tcp 81 from 10.0.0.0/8 -> ok",
        "  unknown: ingress tcp 81 from 10.0.0.0/8",
        "  no ingress rules",
    ])
}

/// So many rules of this family, from this port on.
async fn fill(scene: &Scene, what: &str, ports: std::ops::Range<u16>, peer: &str) {
    let rules: Vec<String> = ports.map(|port| format!("ingress tcp {port} from {peer}")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let made = scene.authorized("GROUP", &rules, &[]).await;
    scene.say(format!("{} {what} -> {}", rules.len(), made.map_or_else(|error| error, |_| "ok".into())));
}

async fn count(scene: &Scene) {
    let rules = scene.described("GROUP").await;
    scene.say(format!("{} rules", rules.iter().filter(|rule| rule.is_egress() == Some(false)).count()));
}

fn quota_counts_each_family() -> Behaviour<Scene> {
    behaviour(
        "quota-counts-each-family",
        "60 rules of IPv4 and 60 of IPv6 are allowed in each direction, and no more.",
        Page(QUOTA),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        fill(&scene, "of IPv4", 1..61, "10.0.0.0/8").await;
        fill(&scene, "of IPv6", 1..61, "2001:db8::/32").await;
        fill(&scene, "of IPv4", 61..62, "10.0.0.0/8").await;
        fill(&scene, "of IPv6", 61..62, "2001:db8::/32").await;
        scene.authorize("GROUP", &["egress tcp 1 to 10.0.0.0/8"]).await;
        count(&scene).await;
    })
    .expect(&[
        "60 of IPv4 -> ok",
        "60 of IPv6 -> ok",
        "1 of IPv4 -> error RulesPerSecurityGroupLimitExceeded",
        "1 of IPv6 -> error RulesPerSecurityGroupLimitExceeded",
        "authorize egress tcp 1 to 10.0.0.0/8 -> ok",
        "120 rules",
    ])
}

fn over_quota_changes_nothing() -> Behaviour<Scene> {
    behaviour(
        "over-quota-changes-nothing",
        "A call that would exceed the quota makes none of its rules.",
        Unverified("assumed all or nothing"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        fill(&scene, "of IPv4", 1..59, "10.0.0.0/8").await;
        fill(&scene, "of IPv4", 59..62, "10.0.0.0/8").await;
        count(&scene).await;
        fill(&scene, "of IPv4", 59..61, "10.0.0.0/8").await;
        count(&scene).await;
    })
    .expect(&[
        "58 of IPv4 -> ok",
        "3 of IPv4 -> error RulesPerSecurityGroupLimitExceeded",
        "58 rules",
        "2 of IPv4 -> ok",
        "60 rules",
    ])
}

fn quota_counts_references_in_both_families() -> Behaviour<Scene> {
    behaviour(
        "quota-counts-references-in-both-families",
        "A rule whose peer is a group counts 1 of IPv4 and 1 of IPv6.",
        Unverified("assumed as it was documented once"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        fill(&scene, "of PEER", 1..31, "PEER").await;
        fill(&scene, "of IPv4", 1..31, "10.0.0.0/8").await;
        fill(&scene, "of IPv6", 1..31, "2001:db8::/32").await;
        fill(&scene, "of IPv4", 31..32, "10.0.0.0/8").await;
        fill(&scene, "of IPv6", 31..32, "2001:db8::/32").await;
        fill(&scene, "of PEER", 31..32, "PEER").await;
        count(&scene).await;
    })
    .expect(&[
        "30 of PEER -> ok",
        "30 of IPv4 -> ok",
        "30 of IPv6 -> ok",
        "1 of IPv4 -> error RulesPerSecurityGroupLimitExceeded",
        "1 of IPv6 -> error RulesPerSecurityGroupLimitExceeded",
        "1 of PEER -> error RulesPerSecurityGroupLimitExceeded",
        "90 rules",
    ])
}

fn quota_counts_most_entries_of_a_prefix_list() -> Behaviour<Scene> {
    behaviour(
        "quota-counts-most-entries-of-a-prefix-list",
        "A customer's prefix list counts its maximum of entries, for its own family.",
        Page(QUOTA),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.prefix_list("LIST", 20).await;
        fill(&scene, "of LIST", 1..3, "LIST").await;
        fill(&scene, "of IPv4", 1..21, "10.0.0.0/8").await;
        fill(&scene, "of IPv4", 21..22, "10.0.0.0/8").await;
        fill(&scene, "of LIST", 3..4, "LIST").await;
        fill(&scene, "of IPv6", 1..61, "2001:db8::/32").await;
        count(&scene).await;
    })
    .expect(&[
        "2 of LIST -> ok",
        "20 of IPv4 -> ok",
        "1 of IPv4 -> error RulesPerSecurityGroupLimitExceeded",
        "1 of LIST -> error RulesPerSecurityGroupLimitExceeded",
        "60 of IPv6 -> ok",
        "82 rules",
    ])
}
