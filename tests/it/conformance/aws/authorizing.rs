//! AuthorizeSecurityGroupIngress and -Egress: what a rule is, how it is held, and what is refused.

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::Source::{Page, Unverified},
    },
    rule::in_words,
    scene::Scene,
};

const AUTHORIZE: &str = "EC2 API Reference, AuthorizeSecurityGroupIngress";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    [forms(), identity(), descriptions(), peers()].into_iter().flatten().collect()
}

fn forms() -> Vec<Behaviour<Scene>> {
    vec![
        behaviour("host-bits-are-cleared", "EC2 clears the host bits of a CIDR.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress tcp 80 from 100.68.0.18/18"]).await;
                scene.authorize("GROUP", &["ingress tcp 80 from 2001:db8::1/32"]).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress tcp 80 from 100.68.0.18/18 -> ok",
                "authorize ingress tcp 80 from 2001:db8::1/32 -> ok",
                "  ingress tcp 80 from 100.68.0.0/18",
                "  ingress tcp 80 from 2001:db8::/32",
            ]),
        behaviour("protocol-numbers-become-names", "EC2 holds 6, 17 and 1 as tcp, udp and icmp.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                let rules =
                    ["ingress 6 80 from 10.0.0.0/8", "ingress 17 53 from 10.0.0.0/8", "ingress 1 8/0 from 10.0.0.0/8"];
                scene.authorize("GROUP", &rules).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress 6 80 from 10.0.0.0/8; ingress 17 53 from 10.0.0.0/8; ingress 1 8/0 from 10.0.0.0/8 -> ok",
                "  ingress icmp 8/0 from 10.0.0.0/8",
                "  ingress tcp 80 from 10.0.0.0/8",
                "  ingress udp 53 from 10.0.0.0/8",
            ]),
        behaviour("protocol-58-is-icmpv6", "EC2 holds 58 as icmpv6.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress 58 -1/-1 from 2001:db8::/32"]).await;
                scene.authorize("GROUP", &["ingress icmpv6 -1/-1 from 2001:db8::/32"]).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress 58 -1/-1 from 2001:db8::/32 -> ok",
                "authorize ingress icmpv6 -1/-1 from 2001:db8::/32 -> error InvalidPermission.Duplicate",
                "  ingress icmpv6 -1/-1 from 2001:db8::/32",
            ]),
        behaviour("all-traffic-has-no-ports", "Protocol -1 holds -1 in place of both ports, whatever was given.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress -1 none from 10.0.0.0/8"]).await;
                scene.authorize("GROUP", &["ingress -1 80 from 172.16.0.0/12"]).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress -1 none from 10.0.0.0/8 -> ok",
                "authorize ingress -1 80 from 172.16.0.0/12 -> ok",
                "  ingress -1 -1:-1 from 10.0.0.0/8",
                "  ingress -1 -1:-1 from 172.16.0.0/12",
            ]),
        behaviour("icmp-type-and-code-are-kept", "ICMP's type and code stand in place of ports.", Page("EC2 API Reference, IpPermission"))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                let rules = ["ingress icmp 3/4 from 10.0.0.0/8", "ingress icmp 8/-1 from 10.0.0.0/8"];
                scene.authorize("GROUP", &rules).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress icmp 3/4 from 10.0.0.0/8; ingress icmp 8/-1 from 10.0.0.0/8 -> ok",
                "  ingress icmp 3/4 from 10.0.0.0/8",
                "  ingress icmp 8/-1 from 10.0.0.0/8",
            ]),
        behaviour("other-protocols-keep-their-number", "A protocol without a name is held by its number, without ports.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress 47 none from 10.0.0.0/8"]).await;
                scene.ingress("GROUP").await;
            })
            .expect(&["authorize ingress 47 none from 10.0.0.0/8 -> ok", "  ingress 47 -1:-1 from 10.0.0.0/8"]),
        behaviour("tcp-needs-ports", "A rule of TCP or UDP without ports is refused.", Page("EC2 API Reference, IpPermission, FromPort"))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress tcp none from 10.0.0.0/8"]).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress tcp none from 10.0.0.0/8 -> error InvalidParameterValue",
                "  no ingress rules",
            ]),
        behaviour("inline-permissions-have-no-ids", "DescribeSecurityGroups returns rules inline: peers and descriptions, -1 without ports.", Page("EC2 API Reference, IpPermission"))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.group("PEER").await;
                scene.prefix_list("LIST", 3).await;
                let rules = [
                    "ingress tcp 80 from 10.0.0.0/8 saying network",
                    "ingress tcp 80 from 2001:db8::/32 saying network 6",
                    "ingress tcp 80 from PEER saying group",
                    "ingress tcp 80 from LIST saying list",
                    "ingress -1 none from 10.0.0.0/8",
                ];
                scene.authorized("GROUP", &rules, &[]).await.expect("the rules are made");
                scene.inline("GROUP").await;
            })
            .expect(&[
                "  ingress -1 none from 10.0.0.0/8",
                "  ingress tcp 80 from 10.0.0.0/8 saying network",
                "  ingress tcp 80 from 2001:db8::/32 saying network 6",
                "  ingress tcp 80 from LIST saying list",
                "  ingress tcp 80 from PEER saying group",
            ]),
    ]
}

fn identity() -> Vec<Behaviour<Scene>> {
    vec![
        behaviour("duplicate-after-canonicalising", "A rule that is there already is a duplicate, also written with host bits.", Page("EC2 API Reference, Error codes, InvalidPermission.Duplicate"))
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
            ]),
        behaviour("same-rule-twice-in-a-call", "The same rule twice in one call is InvalidParameterValue.", Unverified("so it was seen; the public reference names no code"))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                let twins = ["ingress tcp 80 from 100.68.0.0/18", "ingress tcp 80 from 100.68.0.18/18"];
                scene.authorize("GROUP", &twins).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress tcp 80 from 100.68.0.0/18; ingress tcp 80 from 100.68.0.18/18 -> error InvalidParameterValue",
                "  no ingress rules",
            ]),
        behaviour("refused-authorize-changes-nothing", "A call of several rules with one duplicate makes none of them.", Unverified("assumed all or nothing, as Revoke is documented to be"))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                scene.authorize("GROUP", &["ingress tcp 80 from 10.0.0.0/8"]).await;
                let with_duplicate = ["ingress tcp 443 from 10.0.0.0/8", "ingress tcp 80 from 10.0.0.0/8"];
                scene.authorize("GROUP", &with_duplicate).await;
                scene.ingress("GROUP").await;
            })
            .expect(&[
                "authorize ingress tcp 80 from 10.0.0.0/8 -> ok",
                "authorize ingress tcp 443 from 10.0.0.0/8; ingress tcp 80 from 10.0.0.0/8 -> error InvalidPermission.Duplicate",
                "  ingress tcp 80 from 10.0.0.0/8",
            ]),
        behaviour("description-is-no-identity", "A rule with another description is a duplicate, whatever its peer.", Page("EC2 API Reference, RevokeSecurityGroupIngress"))
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
                "authorize ingress tcp 80 from 10.0.0.0/8 saying two -> error InvalidPermission.Duplicate",
                "authorize ingress tcp 80 from PEER saying one -> ok",
                "authorize ingress tcp 80 from PEER -> error InvalidPermission.Duplicate",
                "  ingress tcp 80 from 10.0.0.0/8 saying one",
                "  ingress tcp 80 from PEER saying one",
            ]),
        behaviour("directions-are-apart", "The same traffic may be allowed in and out.", Page("EC2 API Reference, SecurityGroupRule"))
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
            ]),
        behaviour("authorize-answers-all", "Authorize answers with every rule that it made, and with its tags.", Page(AUTHORIZE))
            .observe(|scene: Scene| async move {
                scene.group("GROUP").await;
                let rules = ["ingress tcp 80 from 10.0.0.0/8", "ingress tcp 443 from 2001:db8::/32 saying why"];
                let made = scene.authorized("GROUP", &rules, &[("KEY", "value")]).await.expect("they are made");
                let mut lines: Vec<_> = made.iter().map(in_words).collect();
                lines.sort();
                lines.iter().for_each(|line| scene.say(line));
                let all = scene.described("GROUP").await;
                let known = |id: Option<&str>| all.iter().any(|rule| rule.security_group_rule_id() == id);
                let true_ids = made.iter().filter(|rule| known(rule.security_group_rule_id())).count();
                scene.say(format!("{true_ids} ids of the answer are those of rules"));
            })
            .expect(&[
                "ingress tcp 443 from 2001:db8::/32 saying why {KEY=value}",
                "ingress tcp 80 from 10.0.0.0/8 {KEY=value}",
                "2 ids of the answer are those of rules",
            ]),
    ]
}

fn descriptions() -> Vec<Behaviour<Scene>> {
    let page = Page("EC2 API Reference, IpRange, Description");
    vec![
        behaviour(
            "descriptions-have-255-characters",
            "A description of 256 characters is refused, one of 255 is kept.",
            page,
        )
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            for length in [255, 256] {
                let rule = format!("ingress tcp {length} from 10.0.0.0/8 saying {}", "x".repeat(length));
                let made = scene.authorized("GROUP", &[&rule], &[]).await;
                scene.say(format!("{length} characters -> {}", made.map_or_else(|error| error, |_| "ok".into())));
            }
            for rule in scene.described("GROUP").await.iter().filter(|rule| rule.is_egress() == Some(false)) {
                scene.say(format!("{} characters are kept", rule.description().unwrap_or_default().len()));
            }
        })
        .expect(&[
            "255 characters -> ok",
            "256 characters -> error InvalidParameterValue",
            "255 characters are kept",
        ]),
        behaviour(
            "descriptions-have-few-characters",
            "A description has letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* only.",
            page,
        )
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            for (port, description) in
                [(1, "aZ09 ._-:/()#,@[]+=&;{}!$*"), (2, "it's"), (3, "a|b"), (4, "größe"), (5, "a\"b"), (6, "<a>")]
            {
                let rule = format!("ingress tcp {port} from 10.0.0.0/8 saying {description}");
                scene.authorize("GROUP", &[&rule]).await;
            }
            scene.ingress("GROUP").await;
        })
        .expect(&[
            "authorize ingress tcp 1 from 10.0.0.0/8 saying aZ09 ._-:/()#,@[]+=&;{}!$* -> ok",
            "authorize ingress tcp 2 from 10.0.0.0/8 saying it's -> error InvalidParameterValue",
            "authorize ingress tcp 3 from 10.0.0.0/8 saying a|b -> error InvalidParameterValue",
            "authorize ingress tcp 4 from 10.0.0.0/8 saying größe -> error InvalidParameterValue",
            "authorize ingress tcp 5 from 10.0.0.0/8 saying a\"b -> error InvalidParameterValue",
            "authorize ingress tcp 6 from 10.0.0.0/8 saying <a> -> error InvalidParameterValue",
            "  ingress tcp 1 from 10.0.0.0/8 saying aZ09 ._-:/()#,@[]+=&;{}!$*",
        ]),
    ]
}

fn peers() -> Vec<Behaviour<Scene>> {
    vec![
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
        ]),
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
            "authorize ingress tcp 80 from pl-0000000000000abcd -> error InvalidPrefixListID.NotFound",
            "  no ingress rules",
        ]),
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
        ]),
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
        .expect(&[
            "authorize ingress tcp 80 from GROUP -> ok",
            "  ingress tcp 80 from GROUP",
            "delete GROUP -> ok",
        ]),
    ]
}
