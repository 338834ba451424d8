//! What is to be authorized as resources of Terraform's AWS provider, in the form of `terraform fmt`.

use std::fmt::Write as _;

use crate::model::{Action, Peer, Scope, Step, Us};
use crate::once::{Forecast, Survey};

use super::{comment, remarks, scopes, title};

/// A file of `aws_vpc_security_group_ingress_rule` and `…_egress_rule`. Terraform makes resources, so what is to be taken
/// away, tagged or described stands in comments.
///
/// Source: these two resources in the documentation of Terraform's AWS provider.
pub fn terraform(survey: &Survey, forecast: &Forecast) -> String {
    let (made, other): (Vec<&Step>, Vec<&Step>) =
        forecast.steps.iter().partition(|step| matches!(step.action, Action::Authorize { .. }));
    let scopes = scopes(made.iter().copied());
    let by_alias = scopes.len() > 1;
    let mut paragraphs = Vec::new();
    if by_alias {
        let what = "Each resource needs the provider of its account and Region: declare those that are named here, by their alias";
        paragraphs.push(vec![comment(what)]);
    }
    paragraphs.extend(made.iter().map(|step| {
        let provider = by_alias.then(|| alias(&step.group.scope));
        resource(survey, step, provider)
    }));
    if !other.is_empty() {
        let what = "Terraform does not do what follows to rules that it did not make: sgbind apply does, or the commands of -o aws-cli";
        paragraphs.push([comment(what)].into_iter().chain(other.iter().map(|step| of_rule(step))).collect());
    }
    paragraphs.push(remarks(survey, forecast));
    let paragraphs = paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n") + "\n");
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// What is to be done with a rule that is there, as a comment.
fn of_rule(step: &Step) -> String {
    let id = step.action.rule().map(|id| format!(" ({id})")).unwrap_or_default();
    comment(&format!("{step}{id}: {}", step.reason))
}

/// The configuration of the provider that works there.
fn alias(scope: &Scope) -> String {
    let words = format!("aws.{}_{}", scope.region, scope.account);
    words.replace('-', "_")
}

fn resource(survey: &Survey, step: &Step, provider: Option<String>) -> Vec<String> {
    let mut arguments = Vec::from_iter(provider.map(|provider| ("provider", provider)));
    arguments.push(("security_group_id", string(step.group.id.as_str())));
    if !step.description.is_empty() {
        arguments.push(("description", string(&step.description)));
    }
    arguments.push(("ip_protocol", string(&step.spec.traffic.protocol())));
    if let Some((from, to)) = step.spec.traffic.ports() {
        arguments.push(("from_port", from.to_string()));
        arguments.push(("to_port", to.to_string()));
    }
    arguments.push(match &step.spec.peer {
        Peer::Cidr(cidr) if cidr.net().addr().is_ipv4() => ("cidr_ipv4", string(&cidr.to_string())),
        Peer::Cidr(cidr) => ("cidr_ipv6", string(&cidr.to_string())),
        Peer::PrefixList(id) => ("prefix_list_id", string(id.as_str())),
        Peer::SecurityGroup(id) => ("referenced_security_group_id", string(&referenced(step, id.as_str()))),
    });
    let width = arguments.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut lines = vec![comment(&format!("{}, {}: {}", title(survey, &step.group), step.group.scope, step.reason))];
    let kind = format!("aws_vpc_security_group_{}_rule", step.spec.direction);
    lines.push(format!("resource \"{kind}\" \"{}\" {{", name(step)));
    lines.extend(arguments.iter().map(|(name, value)| format!("  {name:width$} = {value}")));
    lines.extend(tags(&survey.us));
    lines.push("}".to_owned());
    lines
}

/// A group of another account is written with it.
fn referenced(step: &Step, id: &str) -> String {
    match &step.action {
        Action::Authorize { peer_account: Some(account) } => format!("{account}/{id}"),
        _ => id.to_owned(),
    }
}

/// By which the rule is ours, and not foreign, for the next plan.
fn tags(us: &Us) -> [String; 3] {
    let tag = format!("    {} = {}", string(&us.cluster.tag_key()), string(&us.identity));
    ["  tags = {".to_owned(), tag, "  }".to_owned()]
}

/// A name that Terraform takes, and that no other rule has.
fn name(step: &Step) -> String {
    let peer = match &step.spec.peer {
        // `:` and `::` would look the same.
        Peer::Cidr(cidr) => cidr.to_string().replace("::", "_x_"),
        peer => peer.to_string(),
    };
    let spec = format!("{} {} {} {peer}", step.group.id, step.spec.direction, step.spec.traffic);
    spec.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// A quoted template without interpolation. Source: "Template Expressions" in HCL's native syntax specification.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                quoted.push(c);
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
