//! What happens to rules that are there: modified, described, tagged.

use aws_sdk_ec2::types::{SecurityGroupRuleDescription, SecurityGroupRuleUpdate, Tag};

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::Source::{Page, Unverified},
    },
    rule::Written,
    scene::{Scene, outcome},
};

const MODIFY: &str = "EC2 API Reference, ModifySecurityGroupRules";
const UPDATE: &str = "EC2 API Reference, UpdateSecurityGroupRuleDescriptionsIngress";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        modify_keeps_the_id(),
        modify_changes_any_peer(),
        modify_keeps_the_kind_of_peer(),
        modify_into_a_duplicate(),
        modify_unknown_rule(),
        modify_without_a_description(),
        descriptions_are_updated_by_permission(),
        descriptions_are_updated_by_id(),
        description_of_an_unknown_permission(),
        tags_are_set_in_authorize(),
        rules_are_tagged_later(),
        tags_are_deleted_where_equal(),
        tags_of_an_unknown_rule(),
    ]
}

impl Scene {
    /// Makes another rule of one that is there.
    async fn modify(&self, group: &str, changes: &[(&str, &str)]) {
        let update = |(name, rule): &(&str, &str)| {
            let request = Written::read(rule, &self.transcript).request();
            let update = SecurityGroupRuleUpdate::builder().security_group_rule_id(self.id(name));
            update.security_group_rule(request).build()
        };
        let updates = changes.iter().map(update).collect();
        let call = self.cloud.ec2.modify_security_group_rules().group_id(self.id(group));
        let result = call.set_security_group_rules(Some(updates)).send().await;
        let words: Vec<_> = changes.iter().map(|(name, rule)| format!("{name} to {rule}")).collect();
        self.say(format!("modify {} -> {}", words.join("; "), outcome(&result)));
    }

    /// Gives rules, named by what they allow, the descriptions that they say.
    async fn describe(&self, group: &str, rules: &[&str]) {
        let permissions = rules.iter().map(|rule| Written::read(rule, &self.transcript).permission()).collect();
        let call = self.cloud.ec2.update_security_group_rule_descriptions_ingress().group_id(self.id(group));
        let result = call.set_ip_permissions(Some(permissions)).send().await;
        self.say(format!("describe {} -> {}", rules.join("; "), outcome(&result)));
    }

    async fn describe_by_id(&self, group: &str, rules: &[(&str, Option<&str>)]) {
        let named = |(name, said): &(&str, Option<&str>)| {
            let named = SecurityGroupRuleDescription::builder().security_group_rule_id(self.id(name));
            named.set_description(said.map(str::to_owned)).build()
        };
        let call = self.cloud.ec2.update_security_group_rule_descriptions_ingress().group_id(self.id(group));
        let call = call.set_security_group_rule_descriptions(Some(rules.iter().map(named).collect()));
        self.say(format!("describe by id -> {}", outcome(&call.send().await)));
    }

    async fn tag(&self, rule: &str, tags: &[(&str, &str)]) {
        let made = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        let result = self.cloud.ec2.create_tags().resources(self.id(rule)).set_tags(Some(made)).send().await;
        let words: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.say(format!("tag {rule} {} -> {}", words.join(", "), outcome(&result)));
    }

    async fn untag(&self, rule: &str, key: &str, value: Option<&str>) {
        let tag = Tag::builder().key(key).set_value(value.map(str::to_owned)).build();
        let result = self.cloud.ec2.delete_tags().resources(self.id(rule)).tags(tag).send().await;
        let word = value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
        self.say(format!("untag {rule} {word} -> {}", outcome(&result)));
    }
}

fn modify_keeps_the_id() -> Behaviour<Scene> {
    behaviour("modify-keeps-the-id", "A rule is changed in place: it keeps its id and its tags.", Page(MODIFY))
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8 saying one", &[("KEY", "value")]).await;
            scene.modify("GROUP", &[("RULE", "ingress 17 53 from 100.68.0.18/18 saying two")]).await;
            scene.rule("RULE").await;
        })
        .expect(&[
            "modify RULE to ingress 17 53 from 100.68.0.18/18 saying two -> ok",
            "  RULE: ingress udp 53 from 100.68.0.0/18 saying two {KEY=value}",
        ])
}

fn modify_changes_any_peer() -> Behaviour<Scene> {
    behaviour("modify-changes-any-peer", "Peers of each kind are changed to others of that kind.", Page(MODIFY))
        .observe(|scene: Scene| async move {
            for name in ["GROUP", "ONE", "TWO"] {
                scene.group(name).await;
            }
            scene.prefix_list("LIST1", 2).await;
            scene.prefix_list("LIST2", 2).await;
            scene.made("A", "GROUP", "ingress tcp 80 from 2001:db8::/32", &[]).await;
            scene.made("B", "GROUP", "ingress tcp 80 from ONE", &[]).await;
            scene.made("C", "GROUP", "ingress tcp 80 from LIST1", &[]).await;
            scene.modify("GROUP", &[("A", "ingress tcp 80 from 2001:db8:1::1/48")]).await;
            scene.modify("GROUP", &[("B", "ingress tcp 80 from TWO"), ("C", "ingress tcp 80 from LIST2")]).await;
            scene.ingress("GROUP").await;
        })
        .expect(&[
            "modify A to ingress tcp 80 from 2001:db8:1::1/48 -> ok",
            "modify B to ingress tcp 80 from TWO; C to ingress tcp 80 from LIST2 -> ok",
            "  ingress tcp 80 from 2001:db8:1::/48",
            "  ingress tcp 80 from LIST2",
            "  ingress tcp 80 from TWO",
        ])
}

fn modify_keeps_the_kind_of_peer() -> Behaviour<Scene> {
    behaviour(
        "modify-keeps-the-kind-of-peer",
        "A rule's kind of peer can't be changed.",
        Unverified(
            "that it is so is documented at ModifySecurityGroupRules; the code \
             InvalidParameterValue is assumed",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        scene.modify("GROUP", &[("RULE", "ingress tcp 80 from PEER")]).await;
        scene.modify("GROUP", &[("RULE", "ingress tcp 80 from 2001:db8::/32")]).await;
        scene.rule("RULE").await;
    })
    .expect(&[
        "modify RULE to ingress tcp 80 from PEER -> error InvalidParameterValue",
        "modify RULE to ingress tcp 80 from 2001:db8::/32 -> error InvalidParameterValue",
        "  RULE: ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn modify_into_a_duplicate() -> Behaviour<Scene> {
    behaviour(
        "modify-into-a-duplicate",
        "A rule can't become one that is there.",
        Unverified("assumed InvalidPermission.Duplicate, as at Authorize"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        scene.made("OTHER", "GROUP", "ingress tcp 81 from 10.0.0.0/8", &[]).await;
        scene.modify("GROUP", &[("RULE", "ingress tcp 81 from 10.0.0.0/8")]).await;
        scene.rule("RULE").await;
    })
    .expect(&[
        "modify RULE to ingress tcp 81 from 10.0.0.0/8 -> error InvalidPermission.Duplicate",
        "  RULE: ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn modify_unknown_rule() -> Behaviour<Scene> {
    behaviour(
        "modify-unknown-rule",
        "An unknown id fails the call, and nothing is changed.",
        Page("EC2 API Reference, Error codes, InvalidSecurityGroupRuleId.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        let changes =
            [("RULE", "ingress tcp 81 from 10.0.0.0/8"), ("sgr-0000000000000abcd", "ingress tcp 82 from 10.0.0.0/8")];
        scene.modify("GROUP", &changes).await;
        scene.rule("RULE").await;
    })
    .expect(&[
        "modify RULE to ingress tcp 81 from 10.0.0.0/8; sgr-0000000000000abcd to ingress \
             tcp 82 from 10.0.0.0/8 -> error InvalidSecurityGroupRuleId.NotFound",
        "  RULE: ingress tcp 80 from 10.0.0.0/8",
    ])
}

fn modify_without_a_description() -> Behaviour<Scene> {
    behaviour(
        "modify-without-a-description",
        "A description that Modify leaves out stays.",
        Unverified("assumed to stay"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8 saying why", &[]).await;
        scene.modify("GROUP", &[("RULE", "ingress tcp 81 from 10.0.0.0/8")]).await;
        scene.rule("RULE").await;
    })
    .expect(&[
        "modify RULE to ingress tcp 81 from 10.0.0.0/8 -> ok",
        "  RULE: ingress tcp 81 from 10.0.0.0/8 saying why",
    ])
}

fn descriptions_are_updated_by_permission() -> Behaviour<Scene> {
    behaviour(
        "descriptions-are-updated-by-permission",
        "Many descriptions are changed in a call, whatever the peers are.",
        Page(UPDATE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        scene.prefix_list("LIST", 2).await;
        let peers = ["10.0.0.0/8", "2001:db8::/32", "PEER", "LIST"];
        let rules = peers.map(|peer| format!("ingress tcp 80 from {peer} saying one"));
        scene.authorized("GROUP", &rules.each_ref().map(String::as_str), &[]).await.expect("they are made");
        let rules = peers.map(|peer| format!("ingress tcp 80 from {peer} saying two"));
        scene.describe("GROUP", &rules.each_ref().map(String::as_str)).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "describe ingress tcp 80 from 10.0.0.0/8 saying two; ingress tcp 80 from \
             2001:db8::/32 saying two; ingress tcp 80 from PEER saying two; ingress tcp 80 from \
             LIST saying two -> ok",
        "  ingress tcp 80 from 10.0.0.0/8 saying two",
        "  ingress tcp 80 from 2001:db8::/32 saying two",
        "  ingress tcp 80 from LIST saying two",
        "  ingress tcp 80 from PEER saying two",
    ])
}

fn descriptions_are_updated_by_id() -> Behaviour<Scene> {
    behaviour(
        "descriptions-are-updated-by-id",
        "Descriptions are changed by the rules' ids; one that is left out is removed.",
        Page(UPDATE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        scene.made("A", "GROUP", "ingress tcp 80 from 10.0.0.0/8 saying one", &[]).await;
        scene.made("B", "GROUP", "ingress tcp 80 from PEER saying one", &[]).await;
        scene.made("C", "GROUP", "ingress tcp 81 from 10.0.0.0/8 saying one", &[]).await;
        scene.describe_by_id("GROUP", &[("A", Some("two")), ("B", Some("two")), ("C", None)]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "describe by id -> ok",
        "  ingress tcp 80 from 10.0.0.0/8 saying two",
        "  ingress tcp 80 from PEER saying two",
        "  ingress tcp 81 from 10.0.0.0/8",
    ])
}

fn description_of_an_unknown_permission() -> Behaviour<Scene> {
    behaviour(
        "description-of-an-unknown-permission",
        "Describing what is not there is InvalidPermission.NotFound.",
        Unverified("assumed the code of Revoke"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.describe("GROUP", &["ingress tcp 80 from 10.0.0.0/8 saying why"]).await;
    })
    .expect(&["describe ingress tcp 80 from 10.0.0.0/8 saying why -> error \
             InvalidPermission.NotFound"])
}

fn tags_are_set_in_authorize() -> Behaviour<Scene> {
    behaviour(
        "tags-are-set-in-authorize",
        "Authorize tags the rules that it makes, and DescribeSecurityGroupRules tells the \
             tags.",
        Page("EC2 API Reference, AuthorizeSecurityGroupIngress, TagSpecification"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[("a", "1"), ("b", "")]).await;
        scene.rule("RULE").await;
    })
    .expect(&["  RULE: ingress tcp 80 from 10.0.0.0/8 {a=1, b=}"])
}

fn rules_are_tagged_later() -> Behaviour<Scene> {
    behaviour(
        "rules-are-tagged-later",
        "CreateTags adds tags to a rule, and replaces values.",
        Page("Amazon EC2 User Guide, Tag your Amazon EC2 resources"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[("a", "1")]).await;
        scene.tag("RULE", &[("a", "2"), ("b", "3")]).await;
        scene.rule("RULE").await;
    })
    .expect(&["tag RULE a=2, b=3 -> ok", "  RULE: ingress tcp 80 from 10.0.0.0/8 {a=2, b=3}"])
}

fn tags_are_deleted_where_equal() -> Behaviour<Scene> {
    behaviour(
        "tags-are-deleted-where-equal",
        "DeleteTags with a value deletes a tag only if it has this value, without one in \
             any case, and never fails for lack of a tag.",
        Page("EC2 API Reference, DeleteTags"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[("a", "1"), ("b", "2"), ("c", "3")]).await;
        scene.untag("RULE", "a", Some("other")).await;
        scene.rule("RULE").await;
        scene.untag("RULE", "a", Some("1")).await;
        scene.untag("RULE", "b", None).await;
        scene.untag("RULE", "absent", None).await;
        scene.rule("RULE").await;
    })
    .expect(&[
        "untag RULE a=other -> ok",
        "  RULE: ingress tcp 80 from 10.0.0.0/8 {a=1, b=2, c=3}",
        "untag RULE a=1 -> ok",
        "untag RULE b -> ok",
        "untag RULE absent -> ok",
        "  RULE: ingress tcp 80 from 10.0.0.0/8 {c=3}",
    ])
}

fn tags_of_an_unknown_rule() -> Behaviour<Scene> {
    behaviour(
        "tags-of-an-unknown-rule",
        "Tagging a rule that is not there fails.",
        Unverified("assumed InvalidSecurityGroupRuleId.NotFound"),
    )
    .observe(|scene: Scene| async move {
        scene.tag("sgr-0000000000000abcd", &[("a", "1")]).await;
    })
    .expect(&["tag sgr-0000000000000abcd a=1 -> error InvalidSecurityGroupRuleId.NotFound"])
}
