use std::path::PathBuf;

use super::calls::{Call, Service};

/// A call that a snapshot can't answer. What was asked for is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error(
        "{file} is not in the snapshot {dir}: take it by `sgbind snapshot`, or by {command}", dir = .dir.display()
    )]
    NoFile { file: String, dir: PathBuf, command: String },
    #[error("{file} in the snapshot {dir} says nothing of {about}: add it by {command}", dir = .dir.display())]
    NotIn { file: String, dir: PathBuf, about: String, command: String },
    #[error("the snapshot {dir} is of {of}, and says nothing of {asked}", dir = .dir.display())]
    Elsewhere { dir: PathBuf, of: String, asked: String },
    #[error("a snapshot can't answer {action} with {field}: it knows {known}")]
    UnknownField { action: String, field: String, known: String },
    #[error("a snapshot can't answer {action}: it holds what describe commands print")]
    UnknownCall { action: String },
}

/// What a person is told to do to get what a file lacks.
pub fn how_to_take(call: &Call) -> String {
    let (command, file) = (command(call), call.file());
    match call.beside {
        Some(beside) => format!("`{command}` for each, as a list of the outputs with {beside} beside each"),
        None => format!("`{command} > {file}`"),
    }
}

/// The AWS CLI's own command.
pub fn command(call: &Call) -> String {
    let service = call.service.command();
    let name = call.command();
    let about = match (call.service, call.action) {
        (Service::Ec2, _) | (Service::Elb, "DescribeLoadBalancers" | "DescribeTargetGroups") => "",
        (Service::Elb, "DescribeRules") => " --listener-arn ARN",
        (Service::Elb, "DescribeTargetHealth") => " --target-group-arn ARN",
        (Service::Elb, "DescribeTags") => " --resource-arns ARN…",
        (Service::Elb, _) => " --load-balancer-arn ARN",
    };
    format!("aws {service} {name}{about}")
}
