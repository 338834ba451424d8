//! What is to be authorized as resources of Terraform's AWS provider, in the form of `terraform fmt`.

use std::fmt::Write as _;

use crate::model::{Action, Direction, Peer, Step, Us};
use crate::once::{Forecast, Survey};

use super::{calls, tame, title};

/// A file of `aws_vpc_security_group_ingress_rule` and `…_egress_rule`. Terraform makes resources, so what is to be taken
/// away, tagged or described stands in comments.
///
/// Source: these two resources in the documentation of Terraform's AWS provider.
pub fn terraform(survey: &Survey, forecast: &Forecast) -> String {
    let mut text = String::new();
    for steps in calls(&forecast.steps) {
        for step in steps {
            if !text.is_empty() {
                text.push('\n');
            }
            match step.action {
                Action::Authorize { .. } => resource(&mut text, survey, step),
                _ => comment(&mut text, &format!("{step}{}", rule_id(step))),
            }
        }
    }
    for held in &forecast.held {
        comment(&mut text, &format!("held, {}: {}", held.reason, held.step));
    }
    for problem in &forecast.problems {
        let (object, problem) = (&problem.object, &problem.problem);
        comment(&mut text, &format!("{object}: {}: {}", problem.reason.word(), problem.message));
    }
    if text.is_empty() {
        comment(&mut text, "nothing to do");
    }
    text
}

fn rule_id(step: &Step) -> String {
    step.action.rule().map(|id| format!(" ({id})")).unwrap_or_default()
}

fn comment(text: &mut String, words: &str) {
    let _ = writeln!(text, "# {}", tame(words));
}

fn resource(text: &mut String, survey: &Survey, step: &Step) {
    let direction = match step.spec.direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    };
    comment(text, &format!("{}, {}: {}", title(survey, &step.group), step.group.scope, step.reason));
    let _ = writeln!(text, "resource \"aws_vpc_security_group_{direction}_rule\" \"{}\" {{", name(step));
    let mut arguments = vec![("security_group_id", string(step.group.id.as_str()))];
    arguments.push(("description", string(&step.description)));
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
    for (name, value) in arguments {
        let _ = writeln!(text, "  {name:width$} = {value}");
    }
    tags(text, &survey.us);
    text.push_str("}\n");
}

/// A group of another account is written with it.
fn referenced(step: &Step, id: &str) -> String {
    match &step.action {
        Action::Authorize { peer_account: Some(account) } => format!("{account}/{id}"),
        _ => id.to_owned(),
    }
}

/// By which the rule is ours, and not foreign, for the next plan.
fn tags(text: &mut String, us: &Us) {
    let _ = writeln!(text, "  tags = {{\n    {} = {}\n  }}", string(&us.cluster.tag_key()), string(&us.identity));
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
