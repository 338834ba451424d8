//! The plan for machines. Names and meanings are fixed: fields may come, none goes.

use serde::Serialize;

use crate::aws::has_no_id;
use crate::model::{Action, Direction, HoldReason, ObjectProblem, Peer, Step};
use crate::once::{Forecast, Survey};

/// What `plan -o json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// In the order in which they would be carried out.
    pub steps: Vec<StepDocument>,
    pub held: Vec<HeldDocument>,
    pub problems: Vec<ProblemDocument>,
    /// What could not be found out.
    pub unknown: Vec<String>,
    pub summary: Summary,
}

/// A rule.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDocument {
    pub security_group: String,
    pub direction: &'static str,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or a number.
    pub protocol: String,
    /// Of ICMP: the type. `null` where the protocol has no ports.
    pub from_port: Option<i32>,
    /// Of ICMP: the code. `null` where the protocol has no ports.
    pub to_port: Option<i32>,
    pub peer: PeerDocument,
}

/// The other end of a rule.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PeerDocument {
    Cidr(String),
    SecurityGroup(String),
    PrefixList(String),
}

/// A step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepDocument {
    pub action: &'static str,
    pub account: String,
    pub region: String,
    #[serde(flatten)]
    pub rule: RuleDocument,
    /// The id of the rule, if it is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Account of the peer group, of what makes a rule, where it is not the group's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_account: Option<String>,
    /// The objects on whose account it is done.
    #[serde(rename = "for")]
    pub objects: Vec<String>,
    pub reason: String,
    /// What the rule's description is to be, of what makes or describes one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub interrupts_untracked: bool,
}

/// A step that waits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldDocument {
    /// Its `reason` is the one for which it waits.
    #[serde(flatten)]
    pub step: StepDocument,
    /// For what it waits, in words.
    pub message: String,
    /// Why it would be done.
    pub step_reason: String,
}

/// What is wrong with an object.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemDocument {
    pub object: String,
    pub reason: &'static str,
    pub message: String,
}

/// Numbers of rules.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub authorize: usize,
    pub revoke: usize,
    /// Needed, and there already.
    pub in_sync: usize,
    /// In what the objects govern, made by no sgbind and needed by nobody.
    pub foreign: usize,
}

/// The plan as JSON.
pub fn json(survey: &Survey, forecast: &Forecast) -> PlanDocument {
    let count = |word: &str| forecast.steps.iter().filter(|step| step.action.word() == word).count();
    PlanDocument {
        steps: forecast.steps.iter().map(StepDocument::from).collect(),
        held: forecast.held.iter().map(|held| self::held(&held.step, &held.reason)).collect(),
        problems: forecast.problems.iter().map(ProblemDocument::from).collect(),
        unknown: survey.unknown.clone(),
        summary: Summary {
            authorize: count("authorize"),
            revoke: count("revoke"),
            in_sync: forecast.in_sync.len(),
            foreign: forecast.foreign.len(),
        },
    }
}

fn held(step: &Step, reason: &HoldReason) -> HeldDocument {
    let mut document = StepDocument::from(step);
    let step_reason = std::mem::replace(&mut document.reason, reason.word().to_owned());
    HeldDocument { step: document, message: reason.meaning(), step_reason }
}

impl RuleDocument {
    pub fn new(group: &crate::model::SecurityGroupId, spec: &crate::model::RuleSpec) -> Self {
        let ports = spec.traffic.ports();
        Self {
            security_group: group.to_string(),
            direction: match spec.direction {
                Direction::Ingress => "ingress",
                Direction::Egress => "egress",
            },
            protocol: spec.traffic.protocol(),
            from_port: ports.map(|(from, _)| from),
            to_port: ports.map(|(_, to)| to),
            peer: PeerDocument::from(&spec.peer),
        }
    }
}

impl From<&Step> for StepDocument {
    fn from(step: &Step) -> Self {
        Self {
            action: step.action.word(),
            account: step.group.scope.account.to_string(),
            region: step.group.scope.region.to_string(),
            rule: RuleDocument::new(&step.group.id, &step.spec),
            rule_id: step.action.rule().filter(|id| !has_no_id(id)).map(ToString::to_string),
            peer_account: match &step.action {
                Action::Authorize { peer_account } | Action::Restore { peer_account, .. } => {
                    peer_account.as_ref().map(ToString::to_string)
                }
                _ => None,
            },
            objects: step.objects.iter().map(ToString::to_string).collect(),
            reason: step.reason.clone(),
            description: step.description.clone(),
            interrupts_untracked: step.interrupts_untracked,
        }
    }
}

impl From<&Peer> for PeerDocument {
    fn from(peer: &Peer) -> Self {
        match peer {
            Peer::Cidr(cidr) => Self::Cidr(cidr.to_string()),
            Peer::SecurityGroup(id) => Self::SecurityGroup(id.to_string()),
            Peer::PrefixList(id) => Self::PrefixList(id.to_string()),
        }
    }
}

impl From<&ObjectProblem> for ProblemDocument {
    fn from(problem: &ObjectProblem) -> Self {
        Self {
            object: problem.object.to_string(),
            reason: problem.problem.reason.word(),
            message: problem.problem.message.clone(),
        }
    }
}
