use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::model::{Kind, Problem, Stance};

use super::{Input, Summary, blue_green_is_ready, observes};

/// A condition as it should be, before it is known when it became so.
struct Verdict {
    kind: &'static str,
    /// `None` stands for `Unknown`.
    status: Option<bool>,
    reason: String,
    message: String,
}

impl Verdict {
    fn new(kind: &'static str, status: Option<bool>, reason: &str, message: impl Into<String>) -> Self {
        Self { kind, status, reason: reason.into(), message: message.into() }
    }
}

/// Writes all conditions, each with the time at which its status last changed.
pub(super) fn write(input: &Input<'_>, summary: &Summary) -> Vec<Condition> {
    let in_sync = in_sync(input, summary);
    let resolved = resolved(input, summary);
    let ready = ready(input, summary, &in_sync, &resolved);
    let mut verdicts = vec![reconciling(input, summary, &ready), stalled(summary, input), resolved, in_sync];
    verdicts.extend(blue_green_ready(input, summary));
    verdicts.insert(0, ready);
    verdicts.into_iter().map(|verdict| condition(input, verdict)).collect()
}

fn condition(input: &Input<'_>, verdict: Verdict) -> Condition {
    let status = match verdict.status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let before = input.object.status().into_iter().flat_map(|status| &status.conditions);
    let same = before.into_iter().find(|before| before.type_ == verdict.kind && before.status == status);
    Condition {
        type_: verdict.kind.into(),
        status: status.into(),
        reason: verdict.reason,
        message: verdict.message,
        observed_generation: input.object.metadata().generation,
        last_transition_time: same.map_or(Time(input.now), |before| before.last_transition_time.clone()),
    }
}

/// What is wrong with the object itself, as text.
fn findings(input: &Input<'_>) -> Option<String> {
    let findings = input.declaration.err()?;
    Some(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn resolved(input: &Input<'_>, summary: &Summary) -> Verdict {
    const KIND: &str = "Resolved";
    if let Some(findings) = findings(input) {
        return Verdict::new(KIND, Some(false), "Invalid", findings);
    }
    if input.declaration.is_ok_and(|declaration| matches!(declaration.stance, Stance::Leaving(_))) {
        return Verdict::new(KIND, Some(true), "Resolved", "the object is being deleted");
    }
    let Some(resolution) = input.resolution else {
        return Verdict::new(KIND, None, "Applying", "looking up what the object names");
    };
    match summary.problems.iter().find(|problem| problem.reason.is_about_resolution()) {
        Some(problem) => Verdict::new(KIND, Some(false), problem.reason.word(), &problem.message),
        None if resolution.complete => Verdict::new(
            KIND,
            Some(true),
            "Resolved",
            match input.object.kind() {
                Kind::AlbTargetBinding => "load balancer, target groups, security groups and peers were found",
                Kind::SecurityGroupAccess => "the security group and all peers were found",
            },
        ),
        None => {
            let (reason, message) = first(resolution.problems.first());
            Verdict::new(KIND, None, &reason, message)
        }
    }
}

fn first(problem: Option<&Problem>) -> (String, String) {
    match problem {
        Some(problem) => (problem.reason.word().into(), problem.message.clone()),
        None => ("Applying".into(), "not everything has been read yet".into()),
    }
}

fn in_sync(input: &Input<'_>, summary: &Summary) -> Verdict {
    const KIND: &str = "InSync";
    let counts = summary.counts();
    if input.declaration.is_err() {
        return Verdict::new(KIND, None, "Invalid", "the object is malformed, so it is not known which rules it needs");
    }
    let complete = input.resolution.is_some_and(|resolution| resolution.complete);
    if complete && summary.is_in_place() {
        let (reason, message) = in_sync_reason(input, summary);
        return Verdict::new(KIND, Some(true), reason, message);
    }
    if observes(input) && summary.current && complete {
        let message = format!("{} steps would be done; see status.plan", summary.pending.len());
        return Verdict::new(KIND, Some(false), "Planned", message);
    }
    if let Some(problem) = summary.problems.first() {
        return Verdict::new(KIND, Some(false), problem.reason.word(), &problem.message);
    }
    if let Some(step) = summary.waits_for.as_ref().filter(|_| summary.current) {
        return Verdict::new(KIND, Some(false), "Held", step);
    }
    let message = if summary.current {
        format!("{} of {} rules are in place, {} are to be revoked", counts.in_sync, counts.desired, counts.surplus)
    } else {
        "the security groups are being read".to_owned()
    };
    Verdict::new(KIND, Some(false), "Applying", message)
}

/// Why an object that is in sync may still want a look. But for `ForeignRulesKept` only a binding does.
fn in_sync_reason(input: &Input<'_>, summary: &Summary) -> (&'static str, String) {
    let rules = format!("all {} rules were seen in AWS", summary.counts().desired);
    if !input.desired.targets_outside.is_empty() {
        let outside: Vec<String> = input.desired.targets_outside.iter().map(ToString::to_string).collect();
        let message = format!(
            "{rules}; targets outside the VPC ({}) must admit the load balancer on their own side",
            outside.join(", ")
        );
        return ("TargetsOutsideVpc", message);
    }
    if summary.any(|standing| standing.outvoted) {
        return (
            "ForeignRulesKept",
            format!("{rules}; foreign rules stay, because the group is shared or another object keeps them"),
        );
    }
    if input.desired.clients_not_declared {
        let left = if summary.any(|standing| standing.left_to_foreign) {
            "ports that foreign rules cover were left as they are"
        } else {
            "they were derived from the load balancer"
        };
        return ("ClientsNotDeclared", format!("{rules}; no clients are declared, {left}: write spec.clients"));
    }
    ("InSync", rules)
}

fn ready(input: &Input<'_>, summary: &Summary, in_sync: &Verdict, resolved: &Verdict) -> Verdict {
    const KIND: &str = "Ready";
    if let Some(problem) = summary.problems.first() {
        return Verdict::new(KIND, Some(false), problem.reason.word(), all_messages(summary));
    }
    if resolved.status != Some(true) {
        return Verdict::new(KIND, Some(false), &resolved.reason, &resolved.message);
    }
    let planned = observes(input) && in_sync.reason == "Planned";
    let status = planned || in_sync.status == Some(true);
    Verdict::new(KIND, Some(status), &in_sync.reason, &in_sync.message)
}

fn all_messages(summary: &Summary) -> String {
    summary.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn stalls(summary: &Summary, input: &Input<'_>) -> bool {
    input.declaration.is_err() || summary.problems.iter().any(|problem| problem.reason.stalls())
}

fn reconciling(input: &Input<'_>, summary: &Summary, ready: &Verdict) -> Verdict {
    const KIND: &str = "Reconciling";
    let reconciles = ready.status != Some(true) && !stalls(summary, input);
    let message = if reconciles { ready.message.as_str() } else { "" };
    Verdict::new(KIND, Some(reconciles), if reconciles { &ready.reason } else { "Settled" }, message)
}

fn stalled(summary: &Summary, input: &Input<'_>) -> Verdict {
    const KIND: &str = "Stalled";
    if let Some(findings) = findings(input) {
        return Verdict::new(KIND, Some(true), "Invalid", findings);
    }
    match summary.problems.iter().find(|problem| problem.reason.stalls()) {
        Some(problem) => Verdict::new(KIND, Some(true), problem.reason.word(), &problem.message),
        None => Verdict::new(KIND, Some(false), "NotStalled", ""),
    }
}

fn blue_green_ready(input: &Input<'_>, summary: &Summary) -> Option<Verdict> {
    const KIND: &str = "BlueGreenReady";
    let ready = blue_green_is_ready(input, input.declaration.ok()?, summary)?;
    Some(if ready {
        Verdict::new(KIND, Some(true), "InSync", "the rules of both target groups were seen: traffic may be shifted")
    } else {
        Verdict::new(
            KIND,
            Some(false),
            "Applying",
            "the rules of both target groups are not all known and in place yet",
        )
    })
}
