//! AuthorizeSecurityGroupIngress and -Egress: what a rule is, how it is held, and what is refused.

use super::{
    super::{Behaviour, behaviour, behaviour::Source::Page},
    rule::in_words,
    scene::Scene,
};

const AUTHORIZE: &str = "EC2 API Reference, AuthorizeSecurityGroupIngress";

const DESCRIPTION: &str = "EC2 API Reference, IpRange, Description";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        host_bits_are_cleared(),
        protocol_numbers_become_names(),
        protocol_58_is_icmpv6(),
        all_traffic_has_no_ports(),
        icmp_type_and_code_are_kept(),
        other_protocols_keep_their_number(),
        tcp_needs_ports(),
        inline_permissions_have_no_ids(),
        authorize_answers_all(),
        descriptions_have_255_characters(),
        descriptions_have_few_characters(),
    ]
}

fn host_bits_are_cleared() -> Behaviour<Scene> {
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
        ])
}

fn protocol_numbers_become_names() -> Behaviour<Scene> {
    behaviour("protocol-numbers-become-names", "EC2 holds 6, 17 and 1 as tcp, udp and icmp.", Page(AUTHORIZE))
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            let rules =
                ["ingress 6 80 from 10.0.0.0/8", "ingress 17 53 from 10.0.0.0/8", "ingress 1 8/0 from 10.0.0.0/8"];
            scene.authorize("GROUP", &rules).await;
            scene.ingress("GROUP").await;
        })
        .expect(&[
            "authorize ingress 6 80 from 10.0.0.0/8; ingress 17 53 from 10.0.0.0/8; ingress 1 \
             8/0 from 10.0.0.0/8 -> ok",
            "  ingress icmp 8/0 from 10.0.0.0/8",
            "  ingress tcp 80 from 10.0.0.0/8",
            "  ingress udp 53 from 10.0.0.0/8",
        ])
}

fn protocol_58_is_icmpv6() -> Behaviour<Scene> {
    behaviour("protocol-58-is-icmpv6", "EC2 holds 58 as icmpv6.", Page(AUTHORIZE))
        .observe(|scene: Scene| async move {
            scene.group("GROUP").await;
            scene.authorize("GROUP", &["ingress 58 -1/-1 from 2001:db8::/32"]).await;
            scene.authorize("GROUP", &["ingress icmpv6 -1/-1 from 2001:db8::/32"]).await;
            scene.ingress("GROUP").await;
        })
        .expect(&[
            "authorize ingress 58 -1/-1 from 2001:db8::/32 -> ok",
            "authorize ingress icmpv6 -1/-1 from 2001:db8::/32 -> error \
             InvalidPermission.Duplicate",
            "  ingress icmpv6 -1/-1 from 2001:db8::/32",
        ])
}

fn all_traffic_has_no_ports() -> Behaviour<Scene> {
    behaviour(
        "all-traffic-has-no-ports",
        "Protocol -1 holds -1 in place of both ports, whatever was given.",
        Page(AUTHORIZE),
    )
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
    ])
}

fn icmp_type_and_code_are_kept() -> Behaviour<Scene> {
    behaviour(
        "icmp-type-and-code-are-kept",
        "ICMP's type and code stand in place of ports.",
        Page("EC2 API Reference, IpPermission"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let rules = ["ingress icmp 3/4 from 10.0.0.0/8", "ingress icmp 8/-1 from 10.0.0.0/8"];
        scene.authorize("GROUP", &rules).await;
        scene.ingress("GROUP").await;
    })
    .expect(&[
        "authorize ingress icmp 3/4 from 10.0.0.0/8; ingress icmp 8/-1 from 10.0.0.0/8 -> \
         ok",
        "  ingress icmp 3/4 from 10.0.0.0/8",
        "  ingress icmp 8/-1 from 10.0.0.0/8",
    ])
}

fn other_protocols_keep_their_number() -> Behaviour<Scene> {
    behaviour(
        "other-protocols-keep-their-number",
        "A protocol without a name is held by its number, without ports.",
        Page(AUTHORIZE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress 47 none from 10.0.0.0/8"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&["authorize ingress 47 none from 10.0.0.0/8 -> ok", "  ingress 47 -1:-1 from 10.0.0.0/8"])
}

fn tcp_needs_ports() -> Behaviour<Scene> {
    behaviour(
        "tcp-needs-ports",
        "A rule of TCP or UDP without ports is refused.",
        Page("EC2 API Reference, IpPermission, FromPort"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.authorize("GROUP", &["ingress tcp none from 10.0.0.0/8"]).await;
        scene.ingress("GROUP").await;
    })
    .expect(&["authorize ingress tcp none from 10.0.0.0/8 -> error InvalidParameterValue", "  no ingress rules"])
}

fn inline_permissions_have_no_ids() -> Behaviour<Scene> {
    behaviour(
        "inline-permissions-have-no-ids",
        "DescribeSecurityGroups returns rules inline: peers and descriptions, -1 without \
         ports.",
        Page("EC2 API Reference, IpPermission"),
    )
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
    ])
}

fn authorize_answers_all() -> Behaviour<Scene> {
    behaviour(
        "authorize-answers-all",
        "Authorize answers with every rule that it made, and with its tags.",
        Page(AUTHORIZE),
    )
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
    ])
}

fn descriptions_have_255_characters() -> Behaviour<Scene> {
    behaviour(
        "descriptions-have-255-characters",
        "A description of 256 characters is refused, one of 255 is kept.",
        Page(DESCRIPTION),
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
    .expect(&["255 characters -> ok", "256 characters -> error InvalidParameterValue", "255 characters are kept"])
}

fn descriptions_have_few_characters() -> Behaviour<Scene> {
    behaviour(
        "descriptions-have-few-characters",
        "A description has letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* only.",
        Page(DESCRIPTION),
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
        "authorize ingress tcp 4 from 10.0.0.0/8 saying größe -> error \
         InvalidParameterValue",
        "authorize ingress tcp 5 from 10.0.0.0/8 saying a\"b -> error InvalidParameterValue",
        "authorize ingress tcp 6 from 10.0.0.0/8 saying <a> -> error InvalidParameterValue",
        "  ingress tcp 1 from 10.0.0.0/8 saying aZ09 ._-:/()#,@[]+=&;{}!$*",
    ])
}
