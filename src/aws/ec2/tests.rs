mod names;
mod tagged;

use std::collections::BTreeSet;

use crate::aws::testing::{Answer, Form, cloud, cloud_without_credentials, scope};
use crate::aws::{AwsError, ErrorClass, NewRule};
use crate::model::{
    Cidr, Direction, InstanceId, Peer, PortRange, RuleId, RuleSpec, SecurityGroupId, Tags, Traffic, Unreadable, VpcId,
};

fn group() -> SecurityGroupId {
    "sg-1".into()
}

fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn rule_item(id: &str, inner: &str) -> String {
    format!(
        "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress>\
         <ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort>{inner}</item>"
    )
}

fn rules(items: &str, next: &str) -> Answer {
    let set = format!("<securityGroupRuleSet>{items}</securityGroupRuleSet><nextToken>{next}</nextToken>");
    Answer::ec2("DescribeSecurityGroupRules", &set)
}

#[tokio::test]
async fn rules_of_all_pages_are_read_and_bad_ones_kept_out() {
    let good = "<cidrIpv4>10.0.0.0/8</cidrIpv4><description>x</description>\
                <tagSet><item><key>a</key><value>b</value></item></tagSet>";
    let (cloud, seen) = cloud(move |form| match form.get("NextToken") {
        None => rules(&(rule_item("sgr-1", good) + &rule_item("sgr-2", "<cidrIpv4>10.0.0.0</cidrIpv4>")), "t1"),
        Some(_) => rules(&rule_item("sgr-3", "<prefixListId>pl-1</prefixListId>"), ""),
    });
    let read = cloud.rules(&group()).await.unwrap();
    let ids: Vec<&str> = read.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["sgr-1", "sgr-3"]);
    assert_eq!(read.rules[0].tags, Tags::from([("a".into(), "b".into())]));
    assert_eq!(read.unreadable, Unreadable { ingress: 1, egress: 0 });
    let requests = seen.all();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0]["Filter.1.Name"], "group-id");
    assert_eq!(requests[0]["Filter.1.Value.1"], "sg-1");
    assert_eq!(requests[0]["MaxResults"], "1000");
    assert_eq!(requests[1]["NextToken"], "t1");
}

#[tokio::test]
async fn a_page_that_fails_fails_the_read() {
    let (cloud, _) = cloud(|form| match form.get("NextToken") {
        None => rules(&rule_item("sgr-1", "<cidrIpv4>10.0.0.0/8</cidrIpv4>"), "t1"),
        Some(_) => Answer::ec2_error(400, "InvalidParameterValue", "no"),
    });
    assert_eq!(cloud.rules(&group()).await.unwrap_err().class(), ErrorClass::Invalid);
}

#[tokio::test]
async fn a_token_that_comes_again_is_no_end() {
    let (cloud, _) = cloud(|_| rules(&rule_item("sgr-1", "<cidrIpv4>10.0.0.0/8</cidrIpv4>"), "t1"));
    let error = cloud.rules(&group()).await.unwrap_err();
    assert!(matches!(error, AwsError::Malformed { .. }), "{error}");
    assert_eq!(error.class(), ErrorClass::Transient);
}

#[tokio::test]
async fn answers_that_are_cut_or_foreign_are_errors() {
    let whole = "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet></securityGroupRuleSet>";
    let bodies = [
        "<html>Bad gateway</html>".to_owned(),
        "<DescribeSecurityGroupRulesResponse><requestId>r</requestId></DescribeSecurityGroupRulesResponse>".to_owned(),
        String::new(),
        "{}".to_owned(),
        format!("{}{}", "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet>", rule_item("sgr-1", "")),
        "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet><item><groupId>sg-1".to_owned(),
        whole.replace("</securityGroupRuleSet>", "<item><groupId>sg-1</groupId></item></securityGroupRuleSet>"),
    ];
    for body in bodies {
        let text = body.clone();
        let (cloud, _) = cloud(move |_| Answer::Body(200, body.clone()));
        let result = cloud.rules(&group()).await;
        assert_eq!(result.as_ref().map_err(AwsError::class), Err(ErrorClass::Transient), "{text}: {result:?}");
    }
}

#[tokio::test]
async fn errors_have_class_and_words() {
    let denied = "You are not authorized. User: x is not authorized to perform: ec2:CreateTags on resource: y. \
                  Encoded authorization failure message: AbCd";
    type Case = (fn() -> Answer, ErrorClass, &'static str, usize);
    let cases: [Case; 7] = [
        (
            || Answer::ec2_error(503, "RequestLimitExceeded", "Request limit exceeded."),
            ErrorClass::Throttled,
            "RequestLimitExceeded: Request limit exceeded.",
            3,
        ),
        (
            || Answer::ec2_error(403, "UnauthorizedOperation", "You are not authorized."),
            ErrorClass::Denied,
            "UnauthorizedOperation: You are not authorized. (the controller's role lacks the IAM action \
             ec2:AuthorizeSecurityGroupIngress)",
            1,
        ),
        (
            || Answer::ec2_error(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
            ErrorClass::Denied,
            "AuthFailure: AWS was not able to validate the provided access credentials (AWS does not accept the \
             controller's credentials)",
            1,
        ),
        (
            || Answer::ec2_error(400, "InvalidPermission.Duplicate", "the rule already exists"),
            ErrorClass::Duplicate,
            "InvalidPermission.Duplicate: the rule already exists",
            1,
        ),
        (|| Answer::Timeout, ErrorClass::Transient, "no answer in time: timeout: too slow", 3),
        (
            || Answer::ConnectionRefused,
            ErrorClass::Transient,
            "AWS could not be reached: io error: connection refused",
            3,
        ),
        (|| Answer::Body(502, "<html>".into()), ErrorClass::Transient, "HTTP status 502", 3),
    ];
    for (answer, class, words, attempts) in cases {
        let (cloud, seen) = cloud(move |_| answer());
        let error = cloud.authorize(&group(), Direction::Ingress, &[any_rule()], &Tags::new()).await.unwrap_err();
        let start = "ec2:AuthorizeSecurityGroupIngress for sg-1 in 123456789012/eu-central-1 failed: ";
        assert_eq!((error.class(), error.to_string()), (class, format!("{start}{words}")));
        assert_eq!(seen.all().len(), attempts, "{words}");
    }
    let (cloud, _) = cloud(move |_| Answer::ec2_error(403, "UnauthorizedOperation", denied));
    let error = cloud.authorize(&group(), Direction::Ingress, &[any_rule()], &Tags::new()).await.unwrap_err();
    assert!(error.to_string().ends_with("on resource: y. (the controller's role lacks the IAM action ec2:CreateTags)"));
    assert_eq!(error.request_id(), Some("r-1"));
    assert_eq!(error.code(), Some("UnauthorizedOperation"));
}

#[tokio::test]
async fn missing_credentials_are_said_so() {
    let error = cloud_without_credentials().vpc_cidrs(&"vpc-1".into()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied, "{error:?}");
    assert!(error.to_string().contains("no usable AWS credentials"), "{error}");
}

fn any_rule() -> NewRule {
    new_rule(Traffic::tcp(80), Peer::anywhere_v4())
}

fn new_rule(traffic: Traffic, peer: Peer) -> NewRule {
    NewRule { spec: RuleSpec::ingress(traffic, peer), peer_account: None, description: "sgbind prod: alb/a/b".into() }
}

#[tokio::test]
async fn authorize_says_exactly_this() {
    let (cloud, seen) = cloud(|_| Answer::ec2("AuthorizeSecurityGroupIngress", "<return>true</return>"));
    let network = |text: &str| Peer::Cidr(Cidr::new(text.parse().unwrap()));
    let rules = [
        new_rule(Traffic::Tcp(PortRange::new(8000, 8010).unwrap()), network("10.0.0.0/8")),
        new_rule(Traffic::udp(53), network("2001:db8::/32")),
        NewRule {
            peer_account: Some("111122223333".into()),
            ..new_rule(Traffic::tcp(443), Peer::SecurityGroup("sg-2".into()))
        },
        new_rule(Traffic::All, Peer::PrefixList("pl-1".into())),
        new_rule(Traffic::Icmp(Some(3), Some(4)), network("0.0.0.0/0")),
        NewRule { description: String::new(), ..new_rule(Traffic::IcmpV6(None, None), network("::/0")) },
    ];
    let tags = Tags::from([("sgbind.dev/cluster/prod".into(), "uid-1".into())]);
    cloud.authorize(&group(), Direction::Ingress, &rules, &tags).await.unwrap();
    let text = "sgbind prod: alb/a/b";
    assert_eq!(
        seen.only(),
        form(&[
            ("Action", "AuthorizeSecurityGroupIngress"),
            ("GroupId", "sg-1"),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "8000"),
            ("IpPermissions.1.ToPort", "8010"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
            ("IpPermissions.1.IpRanges.1.Description", text),
            ("IpPermissions.2.IpProtocol", "udp"),
            ("IpPermissions.2.FromPort", "53"),
            ("IpPermissions.2.ToPort", "53"),
            ("IpPermissions.2.Ipv6Ranges.1.CidrIpv6", "2001:db8::/32"),
            ("IpPermissions.2.Ipv6Ranges.1.Description", text),
            ("IpPermissions.3.IpProtocol", "tcp"),
            ("IpPermissions.3.FromPort", "443"),
            ("IpPermissions.3.ToPort", "443"),
            ("IpPermissions.3.Groups.1.GroupId", "sg-2"),
            ("IpPermissions.3.Groups.1.UserId", "111122223333"),
            ("IpPermissions.3.Groups.1.Description", text),
            ("IpPermissions.4.IpProtocol", "-1"),
            ("IpPermissions.4.PrefixListIds.1.PrefixListId", "pl-1"),
            ("IpPermissions.4.PrefixListIds.1.Description", text),
            ("IpPermissions.5.IpProtocol", "icmp"),
            ("IpPermissions.5.FromPort", "3"),
            ("IpPermissions.5.ToPort", "4"),
            ("IpPermissions.5.IpRanges.1.CidrIp", "0.0.0.0/0"),
            ("IpPermissions.5.IpRanges.1.Description", text),
            ("IpPermissions.6.IpProtocol", "icmpv6"),
            ("IpPermissions.6.FromPort", "-1"),
            ("IpPermissions.6.ToPort", "-1"),
            ("IpPermissions.6.Ipv6Ranges.1.CidrIpv6", "::/0"),
            ("TagSpecification.1.ResourceType", "security-group-rule"),
            ("TagSpecification.1.Tag.1.Key", "sgbind.dev/cluster/prod"),
            ("TagSpecification.1.Tag.1.Value", "uid-1"),
        ])
    );
}

#[tokio::test]
async fn revoke_tags_and_descriptions_go_by_rule_ids() {
    let (cloud, seen) = cloud(|form| Answer::ec2(&form["Action"], "<return>true</return>"));
    let ids: [RuleId; 2] = ["sgr-1".into(), "sgr-2".into()];
    cloud.revoke(&group(), Direction::Egress, &ids).await.unwrap();
    cloud.untag_rules(&ids[..1], "key", "ours").await.unwrap();
    cloud.describe_rules(&group(), Direction::Ingress, &[("sgr-1".into(), "text".into())]).await.unwrap();
    let forms = seen.all();
    let plain = |index: usize| {
        let mut form = forms[index].clone();
        form.remove("Version");
        form
    };
    assert_eq!(
        plain(0),
        form(&[
            ("Action", "RevokeSecurityGroupEgress"),
            ("GroupId", "sg-1"),
            ("SecurityGroupRuleId.1", "sgr-1"),
            ("SecurityGroupRuleId.2", "sgr-2"),
        ])
    );
    assert_eq!(
        plain(1),
        form(&[("Action", "DeleteTags"), ("ResourceId.1", "sgr-1"), ("Tag.1.Key", "key"), ("Tag.1.Value", "ours")])
    );
    assert_eq!(
        plain(2),
        form(&[
            ("Action", "UpdateSecurityGroupRuleDescriptionsIngress"),
            ("GroupId", "sg-1"),
            ("SecurityGroupRuleDescription.1.SecurityGroupRuleId", "sgr-1"),
            ("SecurityGroupRuleDescription.1.Description", "text"),
        ])
    );
}

#[tokio::test]
async fn nothing_to_do_is_no_call() {
    let (cloud, seen) = cloud(|_| Answer::Timeout);
    cloud.authorize(&group(), Direction::Ingress, &[], &Tags::new()).await.unwrap();
    cloud.revoke(&group(), Direction::Ingress, &[]).await.unwrap();
    cloud.tag_rules(&[], "a", "b").await.unwrap();
    cloud.untag_rules(&[], "a", "b").await.unwrap();
    cloud.describe_rules(&group(), Direction::Egress, &[]).await.unwrap();
    assert!(cloud.interfaces_of_instances(&"vpc-1".into(), &BTreeSet::new()).await.unwrap().is_empty());
    assert!(cloud.prefix_lists_by_id(&BTreeSet::new()).await.unwrap().is_empty());
    assert!(seen.all().is_empty());
}

#[tokio::test]
async fn groups_by_name_are_compared_exactly() {
    let item = |id: &str, name: &str| {
        format!("<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>vpc-1</vpcId><tagSet/></item>")
    };
    let set = format!("<securityGroupInfo>{}{}</securityGroupInfo>", item("sg-1", "web*"), item("sg-2", "website"));
    let (cloud, _) = cloud(move |_| Answer::ec2("DescribeSecurityGroups", &set));
    let found = cloud.groups_named(&"vpc-1".into(), "web*").await.unwrap();
    assert_eq!(found.iter().map(|group| group.key.id.as_str()).collect::<Vec<_>>(), ["sg-1"]);
    assert_eq!(found[0].key.scope, scope());
    assert_eq!(cloud.group(&"sg-9".into()).await.unwrap(), None);
}

const INTERFACE: &str = "<item><networkInterfaceId>eni-1</networkInterfaceId><vpcId>vpc-1</vpcId>\
    <groupSet><item><groupId>sg-1</groupId></item></groupSet><privateIpAddress>10.0.0.5</privateIpAddress>\
    <privateIpAddressesSet><item><privateIpAddress>10.0.0.5</privateIpAddress></item>\
    <item><privateIpAddress>10.0.0.6</privateIpAddress></item></privateIpAddressesSet>\
    <ipv4PrefixSet><item><ipv4Prefix>10.0.1.16/28</ipv4Prefix></item></ipv4PrefixSet>\
    <attachment><instanceId>i-1</instanceId><deviceIndex>0</deviceIndex></attachment></item>";

fn interfaces(items: &str) -> Answer {
    Answer::ec2("DescribeNetworkInterfaces", &format!("<networkInterfaceSet>{items}</networkInterfaceSet>"))
}

#[tokio::test]
async fn filters_hold_200_values() {
    let (cloud, seen) = cloud(|_| interfaces(""));
    let ids: BTreeSet<InstanceId> = (0..450).map(|number| InstanceId::new(format!("i-{number}"))).collect();
    cloud.interfaces_of_instances(&"vpc-1".into(), &ids).await.unwrap();
    let values = |form: &Form| form.keys().filter(|key| key.starts_with("Filter.2.Value.")).count();
    assert_eq!(seen.all().iter().map(values).collect::<Vec<_>>(), [200, 200, 50]);
    assert!(seen.all().iter().all(|form| form["Filter.1.Name"] == "vpc-id" && form["Filter.1.Value.1"] == "vpc-1"));
}

#[tokio::test]
async fn addresses_are_found_by_list_and_by_prefix() {
    let by_address = |form: &Form| form.get("Filter.2.Value.1").is_some_and(|value| value == "10.0.0.6");
    let (cloud, seen) = cloud(move |form| {
        interfaces(if by_address(form) || !form.contains_key("Filter.2.Name") { INTERFACE } else { "" })
    });
    let vpc: VpcId = "vpc-1".into();
    let find = |text: &str| BTreeSet::from([text.parse().unwrap()]);
    let found = cloud.interfaces_of_addresses(&vpc, &find("10.0.0.6")).await.unwrap();
    assert_eq!((found.len(), seen.all().len()), (1, 1), "listed: no second look");
    assert_eq!(found[0].instance, Some("i-1".into()));
    assert_eq!(found[0].groups, BTreeSet::from([group()]));
    let found = cloud.interfaces_of_addresses(&vpc, &find("10.0.1.17")).await.unwrap();
    assert_eq!(found.len(), 1, "in a delegated prefix");
    assert!(cloud.interfaces_of_addresses(&vpc, &find("10.0.1.32")).await.unwrap().is_empty());
    assert!(cloud.interfaces_of_addresses(&vpc, &find("2001:db8::1")).await.unwrap().is_empty());
    assert!(
        seen.all()
            .iter()
            .any(|form| form.get("Filter.2.Name").is_some_and(|name| name == "ipv6-addresses.ipv6-address"))
    );
}

#[tokio::test]
async fn only_associated_blocks_of_a_vpc_count() {
    let block = |name: &str, cidr: &str, state: &str| {
        format!("<item><{name}>{cidr}</{name}><{name}State><state>{state}</state></{name}State></item>")
    };
    let v4 = block("cidrBlock", "10.0.0.0/16", "associated") + &block("cidrBlock", "10.1.0.0/16", "disassociating");
    let v6 = block("ipv6CidrBlock", "2001:db8::/56", "associated");
    let vpc = format!(
        "<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlockAssociationSet>{v4}</cidrBlockAssociationSet>\
         <ipv6CidrBlockAssociationSet>{v6}</ipv6CidrBlockAssociationSet></item></vpcSet>"
    );
    let (cloud, _) = cloud(move |_| Answer::ec2("DescribeVpcs", &vpc));
    let blocks = cloud.vpc_cidrs(&"vpc-1".into()).await.unwrap();
    assert_eq!(blocks.iter().map(Cidr::to_string).collect::<Vec<_>>(), ["10.0.0.0/16", "2001:db8::/56"]);
    assert!(cloud.vpc_cidrs(&"vpc-2".into()).await.is_err());
}

#[tokio::test]
async fn prefix_lists_weigh_their_most_entries_or_what_aws_publishes() {
    let item = |id: &str, name: &str, owner: &str, most: &str| {
        format!(
            "<item><prefixListId>{id}</prefixListId><prefixListName>{name}</prefixListName>\
             <ownerId>{owner}</ownerId>{most}</item>"
        )
    };
    let lists =
        item("pl-1", "office", "123456789012", "<maxEntries>20</maxEntries><addressFamily>IPv6</addressFamily>")
            + &item(
                "pl-2",
                "com.amazonaws.global.cloudfront.origin-facing",
                "AWS",
                "<addressFamily>IPv4</addressFamily>",
            )
            + &item("pl-3", "com.amazonaws.eu-central-1.novelty", "AWS", "");
    let (cloud, _) =
        cloud(move |_| Answer::ec2("DescribeManagedPrefixLists", &format!("<prefixListSet>{lists}</prefixListSet>")));
    let ids = ["pl-1", "pl-2", "pl-3"].into_iter().map(Into::into).collect();
    let lists = cloud.prefix_lists_by_id(&ids).await.unwrap();
    let told = lists.iter().map(|list| (list.id.as_str(), list.family, list.weight)).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            ("pl-1", Some(crate::model::Family::V6), Some(20)),
            ("pl-2", Some(crate::model::Family::V4), Some(55)),
            ("pl-3", None, None)
        ]
    );
    let named = cloud.prefix_lists_by_name(&["office".to_owned()].into()).await.unwrap();
    assert_eq!(named, lists[..1]);
}
