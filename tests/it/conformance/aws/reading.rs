//! Describe calls on groups and rules: filters, pages, dry runs.

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::Source::{Page, Unverified},
    },
    MOTO,
    rule::in_words,
    scene::{Scene, filter, must, outcome},
};

const RULES: &str = "EC2 API Reference, DescribeSecurityGroupRules";
const GROUPS: &str = "EC2 API Reference, DescribeSecurityGroups";
/// A tag key that only behaviours use; the values tell them apart.
const KEY: &str = "sgbind.dev/conformance-test";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        rules_are_filtered_by_group(),
        rules_are_filtered_by_tag(),
        groups_are_filtered(),
        unknown_ids_are_errors_and_filters_are_not(),
        malformed_group_ids(),
        unknown_filters_are_refused(),
        filters_have_200_values(),
        rules_come_in_pages(),
        pages_have_5_to_1000(),
        dry_runs_do_nothing(),
    ]
}

impl Scene {
    /// Says which rules a filter on the tag of this test finds.
    async fn found_by(&self, name: &str, values: &[&str]) {
        self.settle().await;
        let values: Vec<String> = values.iter().map(|value| self.id(value)).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let call = self.cloud.ec2.describe_security_group_rules().filters(filter(name, &values));
        let rules = must(name, call.send().await).security_group_rules.unwrap_or_default();
        let ingress = rules.iter().filter(|rule| rule.is_egress() == Some(false));
        // Without the tags, whose values are different in each run.
        let mut words: Vec<_> =
            ingress.map(in_words).map(|words| words.split(" {").next().unwrap_or_default().to_owned()).collect();
        words.sort();
        self.say(format!("{name} {}: {}", values.join(", "), words.join("; ")));
    }
}

fn rules_are_filtered_by_group() -> Behaviour<Scene> {
    behaviour("rules-are-filtered-by-group", "The filter group-id finds the rules of several groups.", Page(RULES))
        .observe(|scene: Scene| async move {
            for (name, port) in [("ONE", 1), ("TWO", 2), ("OTHER", 3)] {
                scene.group(name).await;
                scene.made("", name, &format!("ingress tcp {port} from 10.0.0.0/8"), &[]).await;
            }
            scene.found_by("group-id", &["ONE", "TWO"]).await;
            scene.found_by("group-id", &["ONE"]).await;
        })
        .expect(&[
            "group-id ONE, TWO: ingress tcp 1 from 10.0.0.0/8; ingress tcp 2 from 10.0.0.0/8",
            "group-id ONE: ingress tcp 1 from 10.0.0.0/8",
        ])
}

fn rules_are_filtered_by_tag() -> Behaviour<Scene> {
    behaviour(
        "rules-are-filtered-by-tag",
        "The filter tag:KEY finds rules by the value, with * and ? as wildcards and nothing \
         else.",
        Page("Amazon EC2 User Guide, List and filter using the CLI and API"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let value = scene.unique("value");
        scene.transcript.name("VALUE", &value);
        for (port, end) in [(1, "a.c"), (2, "abc"), (3, "abcd")] {
            let rule = format!("ingress tcp {port} from 10.0.0.0/8");
            scene.made("", "GROUP", &rule, &[(KEY, &format!("{value}-{end}"))]).await;
        }
        let by_tag = format!("tag:{KEY}");
        for end in ["-a.c", "-a?c", "-ab*", "", "*", "-AB*"] {
            scene.found_by(&by_tag, &[&format!("{value}{end}")]).await;
        }
    })
    .expect(&[
        "tag:sgbind.dev/conformance-test VALUE-a.c: ingress tcp 1 from 10.0.0.0/8",
        "tag:sgbind.dev/conformance-test VALUE-a?c: ingress tcp 1 from 10.0.0.0/8; ingress \
         tcp 2 from 10.0.0.0/8",
        "tag:sgbind.dev/conformance-test VALUE-ab*: ingress tcp 2 from 10.0.0.0/8; ingress \
         tcp 3 from 10.0.0.0/8",
        "tag:sgbind.dev/conformance-test VALUE: ",
        "tag:sgbind.dev/conformance-test VALUE*: ingress tcp 1 from 10.0.0.0/8; ingress tcp \
         2 from 10.0.0.0/8; ingress tcp 3 from 10.0.0.0/8",
        "tag:sgbind.dev/conformance-test VALUE-AB*: ",
    ])
}

fn groups_are_filtered() -> Behaviour<Scene> {
    behaviour("groups-are-filtered", "Groups are found by VPC, name, tag; all filters must match.", Page(GROUPS))
        .observe(|scene: Scene| async move {
            scene.group("ONE").await;
            scene.group("TWO").await;
            scene.settle().await;
            let vpc = scene.cloud.estate.vpc.clone();
            let (one, any) = (scene.unique("ONE"), scene.unique("*"));
            for (words, filters) in [
                ("group-name ONE", vec![filter("group-name", &[&one])]),
                ("group-name * vpc-id", vec![filter("group-name", &[&any]), filter("vpc-id", &[&vpc])]),
                (
                    "group-name * another vpc-id",
                    vec![filter("group-name", &[&any]), filter("vpc-id", &["vpc-0000000000000abcd"])],
                ),
                (
                    "group-name * tag",
                    vec![filter("group-name", &[&any]), filter("tag:sgbind.dev/conformance-run", &[&scene.cloud.run])],
                ),
                ("group-name * tag-key", vec![filter("group-name", &[&any]), filter("tag-key", &["absent"])]),
            ] {
                let call = scene.cloud.ec2.describe_security_groups().set_filters(Some(filters));
                let found = must(words, call.send().await).security_groups.unwrap_or_default();
                let mut ids: Vec<_> =
                    found.iter().map(|group| scene.transcript.named(group.group_id().unwrap_or_default())).collect();
                ids.sort();
                scene.say(format!("{words}: {}", ids.join(", ")));
            }
        })
        .expect(&[
            "group-name ONE: ONE",
            "group-name * vpc-id: ONE, TWO",
            "group-name * another vpc-id: ",
            "group-name * tag: ONE, TWO",
            "group-name * tag-key: ",
        ])
}

fn unknown_ids_are_errors_and_filters_are_not() -> Behaviour<Scene> {
    behaviour(
        "unknown-ids-are-errors-and-filters-are-not",
        "An unknown id among GroupIds fails the call; in a filter it finds nothing.",
        Page(GROUPS),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.settle().await;
        let (known, unknown) = (scene.id("GROUP"), "sg-0000000000000abcd");
        let groups = || scene.cloud.ec2.describe_security_groups();
        scene.say(format!("GroupIds -> {}", outcome(&groups().group_ids(&known).group_ids(unknown).send().await)));
        for values in [vec![unknown], vec![unknown, &known]] {
            let found = must("groups", groups().filters(filter("group-id", &values)).send().await);
            scene.say(format!("filter of {} -> {} groups", values.len(), found.security_groups().len()));
        }
        let rules = scene.cloud.ec2.describe_security_group_rules().filters(filter("group-id", &[unknown]));
        let found = rules.send().await.map(|answer| answer.security_group_rules.unwrap_or_default());
        let words = found.as_ref().map_or_else(|_| outcome(&found), |found| format!("{} rules", found.len()));
        scene.say(format!("filter of rules -> {words}"));
    })
    .expect(&[
        "GroupIds -> error InvalidGroup.NotFound",
        "filter of 1 -> 0 groups",
        "filter of 2 -> 1 groups",
        "filter of rules -> 0 rules",
    ])
}

fn malformed_group_ids() -> Behaviour<Scene> {
    behaviour(
        "malformed-group-ids",
        "What is no group's id is InvalidGroupId.Malformed.",
        Page("EC2 API Reference, Error codes, InvalidGroupId.Malformed"),
    )
    .observe(|scene: Scene| async move {
        let groups = scene.cloud.ec2.describe_security_groups().group_ids("group");
        scene.say(format!("GroupIds -> {}", outcome(&groups.send().await)));
    })
    .expect(&["GroupIds -> error InvalidGroupId.Malformed"])
    .differs(
        MOTO,
        "moto takes it for an unknown group; EC2's list of error codes has one for each",
        &["GroupIds -> error InvalidGroup.NotFound"],
    )
}

fn unknown_filters_are_refused() -> Behaviour<Scene> {
    behaviour(
        "unknown-filters-are-refused",
        "A filter that does not exist is InvalidParameterValue.",
        Page("EC2 API Reference, Error codes, InvalidParameterValue"),
    )
    .observe(|scene: Scene| async move {
        let rules = scene.cloud.ec2.describe_security_group_rules().filters(filter("no-such-filter", &["a"]));
        scene.say(format!("no-such-filter -> {}", outcome(&rules.send().await)));
    })
    .expect(&["no-such-filter -> error InvalidParameterValue"])
}

fn filters_have_200_values() -> Behaviour<Scene> {
    behaviour(
        "filters-have-200-values",
        "A filter of 201 values is refused.",
        Unverified(
            "the limit is documented in the Amazon EC2 User Guide, the code FilterLimitExceeded \
             is assumed",
        ),
    )
    .observe(|scene: Scene| async move {
        let ids: Vec<String> = (0..201).map(|n| format!("sg-{n:017x}")).collect();
        for count in [200, 201] {
            let values: Vec<&str> = ids.iter().take(count).map(String::as_str).collect();
            let rules = scene.cloud.ec2.describe_security_group_rules().filters(filter("group-id", &values));
            scene.say(format!("{count} values -> {}", outcome(&rules.send().await)));
        }
    })
    .expect(&["200 values -> ok", "201 values -> error FilterLimitExceeded"])
}

fn rules_come_in_pages() -> Behaviour<Scene> {
    behaviour(
        "rules-come-in-pages",
        "MaxResults limits a page, and NextToken leads on until all were told once.",
        Page(RULES),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let rules: Vec<String> = (1..13).map(|port| format!("ingress tcp {port} from 10.0.0.0/8")).collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        scene.authorized("GROUP", &rules, &[]).await.expect("they are made");
        scene.settle().await;
        let (mut token, mut ids, mut pages, mut largest) = (None, std::collections::BTreeSet::new(), 0, 0);
        loop {
            let call = scene.cloud.ec2.describe_security_group_rules().set_next_token(token);
            let call = call.filters(filter("group-id", &[&scene.id("GROUP")])).max_results(5);
            let page = must("a page", call.send().await);
            pages += 1;
            largest = largest.max(page.security_group_rules().len());
            let ingress = page.security_group_rules().iter().filter(|rule| rule.is_egress() == Some(false));
            ids.extend(ingress.filter_map(|rule| rule.security_group_rule_id.clone()));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        scene.say(format!("{} rules in several pages: {}, of at most 5: {}", ids.len(), pages >= 3, largest <= 5));
    })
    .expect(&["12 rules in several pages: true, of at most 5: true"])
}

fn pages_have_5_to_1000() -> Behaviour<Scene> {
    behaviour("pages-have-5-to-1000", "MaxResults below 5 or above 1,000 is refused.", Page(RULES))
        .observe(|scene: Scene| async move {
            for most in [4, 5, 1000, 1001] {
                let call = scene.cloud.ec2.describe_security_group_rules().max_results(most);
                scene.say(format!("rules, {most} -> {}", outcome(&call.send().await)));
                let call = scene.cloud.ec2.describe_security_groups().max_results(most);
                scene.say(format!("groups, {most} -> {}", outcome(&call.send().await)));
            }
        })
        .expect(&[
            "rules, 4 -> error InvalidParameterValue",
            "groups, 4 -> error InvalidParameterValue",
            "rules, 5 -> ok",
            "groups, 5 -> ok",
            "rules, 1000 -> ok",
            "groups, 1000 -> ok",
            "rules, 1001 -> error InvalidParameterValue",
            "groups, 1001 -> error InvalidParameterValue",
        ])
}

fn dry_runs_do_nothing() -> Behaviour<Scene> {
    behaviour(
        "dry-runs-do-nothing",
        "With DryRun, a call that would be allowed is DryRunOperation, and nothing is done.",
        Page("EC2 API Reference, Common parameters, DryRun"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from 10.0.0.0/8", &[]).await;
        let (ec2, group, rule) = (&scene.cloud.ec2, scene.id("GROUP"), scene.id("RULE"));
        let permission = super::rule::Written::read("ingress tcp 81 from 10.0.0.0/8", &scene.transcript).permission();
        let call = ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(permission);
        scene.say(format!("authorize -> {}", outcome(&call.dry_run(true).send().await)));
        let call = ec2.revoke_security_group_ingress().group_id(&group).security_group_rule_ids(&rule);
        scene.say(format!("revoke -> {}", outcome(&call.dry_run(true).send().await)));
        let tag = aws_sdk_ec2::types::Tag::builder().key("a").value("1").build();
        let call = ec2.create_tags().resources(&rule).tags(tag).dry_run(true);
        scene.say(format!("tag -> {}", outcome(&call.send().await)));
        let call = ec2.describe_security_groups().dry_run(true);
        scene.say(format!("describe groups -> {}", outcome(&call.send().await)));
        let call = ec2.describe_security_group_rules().dry_run(true);
        scene.say(format!("describe rules -> {}", outcome(&call.send().await)));
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize -> error DryRunOperation",
        "revoke -> error DryRunOperation",
        "tag -> error DryRunOperation",
        "describe groups -> error DryRunOperation",
        "describe rules -> error DryRunOperation",
        "  ingress tcp 80 from 10.0.0.0/8",
    ])
}
