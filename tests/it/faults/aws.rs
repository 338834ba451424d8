//! AWS as a person would change it: calls of the test's own, past the proxy.

use std::process::Child;

use axum::{body::Bytes, http::Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::task::spawn_blocking;

use crate::{
    proxy::{Answer, stale::group_of, xml},
    world::aws::launch,
};

pub use crate::world::aws::REGION;

/// A moto of its own; it ends with this.
pub struct Aws {
    pub url: String,
    process: Child,
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Aws {
    pub async fn start() -> Self {
        let (process, url) = spawn_blocking(launch).await.expect("the AWS stand-in starts");
        Self { url, process }
    }

    pub async fn ask(&self, service: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let request = Request::post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=test/20300101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
                ),
            )
            .body(Full::new(Bytes::from(form.join("&"))))
            .expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let answer = client.request(request).await.expect("moto answers");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("moto answers").to_bytes();
        Answer { status, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub async fn ec2(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let all = [&[("Action", action), ("Version", "2016-11-15")], fields].concat();
        let answer = self.ask("ec2", &all).await;
        assert!(answer.is_success(), "{action} {fields:?}: {}", answer.body);
        answer.body
    }

    pub async fn elb(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let all = [&[("Action", action), ("Version", "2015-12-01")], fields].concat();
        let answer = self.ask("elasticloadbalancing", &all).await;
        assert!(answer.is_success(), "{action} {fields:?}: {}", answer.body);
        answer.body
    }

    pub async fn tag(&self, resource: &str, key: &str, value: &str) {
        self.ec2("CreateTags", &[("ResourceId.1", resource), ("Tag.1.Key", key), ("Tag.1.Value", value)]).await;
    }

    /// All rules, as DescribeSecurityGroupRules answers.
    pub async fn rules_answer(&self) -> String {
        self.ec2("DescribeSecurityGroupRules", &[]).await
    }

    /// The rules of a group, with their ids.
    pub async fn rules_of(&self, group: &str) -> Vec<Rule> {
        let answer = self.rules_answer().await;
        let set = xml::element(&answer, "securityGroupRuleSet").unwrap_or_default();
        let mut rules: Vec<Rule> =
            xml::items(set, "item").into_iter().filter(|rule| group_of(rule) == Some(group)).map(Rule::read).collect();
        rules.sort_by(|one, other| one.text.cmp(&other.text));
        rules
    }

    /// Makes a rule, as someone else.
    pub async fn authorize(&self, group: &str, direction: &str, protocol: &str, port: u16, peer: &str) {
        let (port, action) = (port.to_string(), format!("AuthorizeSecurityGroup{direction}"));
        let peer_field = match peer {
            id if id.starts_with("sg-") => "IpPermissions.1.Groups.1.GroupId",
            _ => "IpPermissions.1.IpRanges.1.CidrIp",
        };
        let fields = [
            ("GroupId", group),
            ("IpPermissions.1.IpProtocol", protocol),
            ("IpPermissions.1.FromPort", &port),
            ("IpPermissions.1.ToPort", &port),
            (peer_field, peer),
        ];
        self.ec2(&action, &fields).await;
    }

    pub async fn revoke(&self, group: &str, direction: &str, rule: &str) {
        let action = format!("RevokeSecurityGroup{direction}");
        self.ec2(&action, &[("GroupId", group), ("SecurityGroupRuleId.1", rule)]).await;
    }
}

/// One rule as it stands in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    /// `ingress tcp 80 10.0.0.0/8`, and ` ours` where it carries a cluster's tag.
    pub text: String,
}

impl Rule {
    fn read(item: &str) -> Self {
        let field = |name| xml::field(item, name).unwrap_or("");
        let peer = xml::element(item, "referencedGroupInfo")
            .and_then(|peer| xml::field(peer, "groupId"))
            .or_else(|| ["cidrIpv4", "cidrIpv6", "prefixListId"].iter().find_map(|name| xml::field(item, name)))
            .unwrap_or("?");
        let direction = if field("isEgress") == "true" { "egress" } else { "ingress" };
        let ports = match (field("fromPort"), field("toPort")) {
            (from, to) if from == to => from.to_owned(),
            (from, to) => format!("{from}-{to}"),
        };
        let ours = if item.contains("sgbind.dev/cluster/") { " ours" } else { "" };
        let text = format!("{direction} {} {ports} {peer}{ours}", field("ipProtocol"));
        Self { id: field("securityGroupRuleId").to_owned(), text }
    }
}
