//! What tells a rule from another, and which ones Authorize refuses.

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::Source::{Page, Unverified},
    },
    scene::Scene,
};

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        duplicate_after_canonicalising(),
        same_rule_twice_in_a_call(),
        refused_authorize_changes_nothing(),
        description_is_no_identity(),
        directions_are_apart(),
        unknown_peer_group(),
        unknown_prefix_list(),
        unknown_group(),
        group_may_name_itself(),
    ]
}

fn duplicate_after_canonicalising() -> Behaviour<Scene> {
    behaviour(
        "duplicate-after-canonicalising",
        "A rule that is there already is a duplicate, also written with host bits.",
        Page("EC2 API Reference, Error codes, InvalidPermission.Duplicate"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from 100.68.0.0/18"]).await;
        scene.authorize("GROUP", &["ingress 6 80 from 100.68.0.18/18"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 100.68.0.0/18 -> ok",
        "authorize ingress 6 80 from 100.68.0.18/18 -> error InvalidPermission.Duplicate",
        "  ingress tcp 80 from 100.68.0.0/18",
    ])
}

fn same_rule_twice_in_a_call() -> Behaviour<Scene> {
    behaviour(
        "same-rule-twice-in-a-call",
        "The same rule twice in one call is InvalidParameterValue.",
        Unverified("so it was seen; the public reference names no code"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let twins = ["ingress tcp 80 from 100.68.0.0/18", "ingress tcp 80 from 100.68.0.18/18"];
        scene.authorize("GROUP", &twins).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 100.68.0.0/18; ingress tcp 80 from 100.68.0.18/18 -> \
         error InvalidParameterValue",
        "  no ingress rules",
    ])
}

fn refused_authorize_changes_nothing() -> Behaviour<Scene> {
    behaviour(
        "refused-authorize-changes-nothing",
        "A call of several rules with one duplicate makes none of them.",
        Unverified("assumed all or nothing, as Revoke is documented to be"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from 10.0.0.0/8"]).await;
        let with_duplicate = ["ingress tcp 443 from 10.0.0.0/8", "ingress tcp 80 from 10.0.0.0/8"];
        scene.authorize("GROUP", &with_duplicate).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 -> ok",
        "authorize ingress tcp 443 from 10.0.0.0/8; ingress tcp 80 from 10.0.0.0/8 -> error \
         InvalidPermission.Duplicate",
        "  ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn description_is_no_identity() -> Behaviour<Scene> {
    behaviour(
        "description-is-no-identity",
        "A rule with another description is a duplicate, whatever its peer.",
        Page("EC2 API Reference, RevokeSecurityGroupIngress"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        scene.authorize("GROUP", &["ingress tcp 80 from 10.0.0.0/8 saying one"]).await;
        scene.authorize("GROUP", &["ingress tcp 80 from 10.0.0.0/8 saying two"]).await;
        scene.authorize("GROUP", &["ingress tcp 80 from PEER saying one"]).await;
        scene.authorize("GROUP", &["ingress tcp 80 from PEER"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 saying one -> ok",
        "authorize ingress tcp 80 from 10.0.0.0/8 saying two -> error \
         InvalidPermission.Duplicate",
        "authorize ingress tcp 80 from PEER saying one -> ok",
        "authorize ingress tcp 80 from PEER -> error InvalidPermission.Duplicate",
        "  ingress tcp 80 from 10.0.0.0/8 saying one",
        "  ingress tcp 80 from PEER saying one",
    ])
}

fn directions_are_apart() -> Behaviour<Scene> {
    behaviour(
        "directions-are-apart",
        "The same traffic may be allowed in and out.",
        Page("EC2 API Reference, SecurityGroupRule"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from 10.0.0.0/8"]).await;
        scene.authorize("GROUP", &["egress tcp 80 to 10.0.0.0/8"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 -> ok",
        "authorize egress tcp 80 to 10.0.0.0/8 -> ok",
        "  ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn unknown_peer_group() -> Behaviour<Scene> {
    behaviour(
        "unknown-peer-group",
        "A peer group must exist.",
        Page("EC2 API Reference, Error codes, InvalidGroup.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from sg-0000000000000abcd"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from sg-0000000000000abcd -> error InvalidGroup.NotFound",
        "  no ingress rules",
    ])
}

fn unknown_prefix_list() -> Behaviour<Scene> {
    behaviour(
        "unknown-prefix-list",
        "A prefix list must exist.",
        Page("EC2 API Reference, Error codes, InvalidPrefixListID.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from pl-0000000000000abcd"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress tcp 80 from pl-0000000000000abcd -> error \
         InvalidPrefixListID.NotFound",
        "  no ingress rules",
    ])
}

fn unknown_group() -> Behaviour<Scene> {
    behaviour(
        "unknown-group",
        "Rules of a group that does not exist are InvalidGroup.NotFound.",
        Page("EC2 API Reference, Error codes, InvalidGroup.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.authorize("sg-0000000000000abcd", &["ingress tcp 80 from 10.0.0.0/8"]).await;
        scene.revoke("sg-0000000000000abcd", &["ingress tcp 80 from 10.0.0.0/8"]).await;
    })
    .expect(&[
        "authorize ingress tcp 80 from 10.0.0.0/8 -> error InvalidGroup.NotFound",
        "revoke ingress tcp 80 from 10.0.0.0/8 -> error InvalidGroup.NotFound",
    ])
}

fn group_may_name_itself() -> Behaviour<Scene> {
    behaviour(
        "group-may-name-itself",
        "A group may be its own rule's peer, and is deleted with it.",
        Page("EC2 API Reference, DeleteSecurityGroup"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp 80 from GROUP"]).await;
        scene.ingress("GROUP").await;
        scene.delete_group("GROUP").await;
    })
    .expect(&["authorize ingress tcp 80 from GROUP -> ok", "  ingress tcp 80 from GROUP", "delete GROUP -> ok"])
}
