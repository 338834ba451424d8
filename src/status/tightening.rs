//! Foreign rules that are being taken away, as the status tells them, and back: after a crash it says what to put back.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::api::{RemovedRuleStatus, Status, TargetStatus, TighteningStatus};
use crate::model::{
    Cidr, Direction, ElbArn, GroupKey, Peer, Problem, Reason, RuleSpec, Scope, TakenRule, TargetRef, Traffic,
};

/// As many targets as a status lists.
pub const MOST_TARGETS: usize = 200;

/// What is told of the removal of foreign rules from one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TighteningReport {
    pub group: GroupKey,
    /// Generation of the object by which they go.
    pub generation: i64,
    pub rules: Vec<TakenRule>,
    /// `None` before they were seen to be gone.
    pub watch_until: Option<Timestamp>,
    pub timed_out_before: BTreeSet<TargetRef>,
    /// The targets for whose sake the rules are put back.
    pub fallen: BTreeSet<TargetRef>,
    /// The rules were seen to be there again.
    pub rolled_back: bool,
}

/// What is to be told of foreign rules that are taken away on an object's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tightened {
    /// Nobody knows yet: what the status tells stays.
    Unknown,
    Nothing,
    UnderWay {
        report: Box<TighteningReport>,
        /// The value of the annotation `sgbind.dev/retry-tightening` that has been acted on.
        acknowledged: Option<String>,
    },
}

impl Tightened {
    pub(super) fn problem(&self) -> Option<Problem> {
        match self {
            Self::UnderWay { report, .. } => report.problem(),
            Self::Unknown | Self::Nothing => None,
        }
    }
}

pub(super) fn write(status: &mut Status, tightened: &Tightened) {
    match tightened {
        Tightened::Unknown => {}
        Tightened::Nothing => status.tightening = None,
        Tightened::UnderWay { report, acknowledged } => {
            status.tightening = Some(report.write());
            if acknowledged.is_some() {
                status.acknowledged.get_or_insert_default().retry_tightening.clone_from(acknowledged);
            }
        }
    }
}

impl TighteningReport {
    /// For the status.
    pub fn write(&self) -> TighteningStatus {
        TighteningStatus {
            security_group: self.group.id.to_string(),
            account_id: self.group.scope.account.to_string(),
            region: self.group.scope.region.to_string(),
            generation: self.generation,
            removed: self.rules.iter().map(removed).collect(),
            watch_until: self.watch_until.map(|time| time.to_string()),
            timed_out_before: self.timed_out_before.iter().take(MOST_TARGETS).map(target).collect(),
            rolled_back: self.rolled_back,
            unhealthy: self.fallen.iter().take(MOST_TARGETS).map(target).collect(),
        }
    }

    /// From a status. What can't be understood is left out; `None` if nothing is left.
    pub fn read(status: &TighteningStatus) -> Option<Self> {
        let rules: Vec<TakenRule> = status.removed.iter().filter_map(taken).collect();
        let targets = |targets: &[TargetStatus]| targets.iter().filter_map(target_ref).collect();
        let scope = Scope { account: status.account_id.as_str().into(), region: status.region.as_str().into() };
        (!rules.is_empty() && !status.security_group.is_empty()).then(|| Self {
            group: GroupKey { scope, id: status.security_group.as_str().into() },
            generation: status.generation,
            rules,
            watch_until: status.watch_until.as_deref().and_then(|time| time.parse().ok()),
            timed_out_before: targets(&status.timed_out_before),
            fallen: targets(&status.unhealthy),
            rolled_back: status.rolled_back,
        })
    }

    /// What a person must see to.
    fn problem(&self) -> Option<Problem> {
        /// Names of each kind in the message; the status lists more.
        const NAMED: usize = 5;
        if self.fallen.is_empty() {
            return None;
        }
        let some = |texts: Vec<String>| {
            let more = texts.len().saturating_sub(NAMED);
            let named = texts.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{named} and {more} more") } else { named }
        };
        let rules = some(self.rules.iter().map(|rule| rule.spec.to_string()).collect());
        let targets = some(self.fallen.iter().map(ToString::to_string).collect());
        let now = if self.rolled_back { "were put back" } else { "are being put back" };
        let message = format!(
            "foreign rules of {} were taken away ({rules}), targets that had been healthy timed out ({targets}), and the \
             rules {now}. Declare what these targets need, or, to try once more, set the annotation \
             sgbind.dev/retry-tightening to a new value",
            self.group.id
        );
        Some(Problem::new(Reason::TighteningRolledBack, message))
    }
}

fn removed(rule: &TakenRule) -> RemovedRuleStatus {
    let ports = rule.spec.traffic.ports();
    RemovedRuleStatus {
        rule: rule.spec.to_string(),
        direction: rule.spec.direction.to_string(),
        protocol: rule.spec.traffic.protocol(),
        from_port: ports.map(|(from, _)| from),
        to_port: ports.map(|(_, to)| to),
        peer: rule.spec.peer.to_string(),
        peer_account_id: rule.peer_account.as_ref().map(ToString::to_string),
        description: rule.description.clone(),
        tags: rule.tags.clone(),
    }
}

fn taken(status: &RemovedRuleStatus) -> Option<TakenRule> {
    let direction =
        [Direction::Ingress, Direction::Egress].into_iter().find(|each| each.to_string() == status.direction)?;
    let traffic = Traffic::from_ec2(&status.protocol, status.from_port, status.to_port).ok()?;
    Some(TakenRule {
        spec: RuleSpec { direction, traffic, peer: peer(&status.peer)? },
        peer_account: status.peer_account_id.as_deref().map(Into::into),
        description: status.description.clone(),
        tags: status.tags.clone(),
    })
}

fn peer(text: &str) -> Option<Peer> {
    match text {
        _ if text.starts_with("sg-") => Some(Peer::SecurityGroup(text.into())),
        _ if text.starts_with("pl-") => Some(Peer::PrefixList(text.into())),
        _ => text.parse().ok().map(|net| Peer::Cidr(Cidr::new(net))),
    }
}

fn target(target: &TargetRef) -> TargetStatus {
    TargetStatus { target_group: target.target_group.to_string(), id: target.id.clone(), port: target.port }
}

fn target_ref(status: &TargetStatus) -> Option<TargetRef> {
    Some(TargetRef { target_group: ElbArn::parse(&status.target_group)?, id: status.id.clone(), port: status.port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{key, spec, tags};

    fn target(id: &str) -> TargetRef {
        let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123";
        TargetRef { target_group: ElbArn::parse(arn).expect("an ARN"), id: id.into(), port: Some(8000) }
    }

    fn report(rules: &[&str]) -> TighteningReport {
        let rule = |text: &&str| TakenRule {
            spec: spec(text),
            peer_account: text.contains("sg-").then(|| "210987654321".into()),
            description: "made by hand".into(),
            tags: tags(&[("team", "shop")]),
        };
        TighteningReport {
            group: key("sg-1"),
            generation: 3,
            rules: rules.iter().map(rule).collect(),
            watch_until: Some("2030-01-01T00:00:00Z".parse().expect("a time")),
            timed_out_before: [target("i-1")].into(),
            fallen: [target("i-2")].into(),
            rolled_back: true,
        }
    }

    #[test]
    fn what_a_status_tells_is_read_back_whole() {
        let report = report(&[
            "egress all to 0.0.0.0/0",
            "ingress tcp 22 from 10.0.0.0/8",
            "ingress udp 1000-2000 from ::/0",
            "ingress icmp type 3 code 4 from pl-1",
            "ingress icmpv6 type 2 code 0 from sg-2",
        ]);
        assert_eq!(TighteningReport::read(&report.write()), Some(report));
    }

    #[test]
    fn what_no_one_can_understand_is_left_out() {
        let mut status = report(&["ingress tcp 22 from 10.0.0.0/8", "ingress tcp 23 from 10.0.0.0/8"]).write();
        status.removed[0].peer = "nowhere".into();
        let read = TighteningReport::read(&status).expect("one is left");
        assert_eq!(
            read.rules.iter().map(|rule| rule.spec.clone()).collect::<Vec<_>>(),
            [spec("ingress tcp 23 from 10.0.0.0/8")]
        );
        status.removed.truncate(1);
        assert_eq!(TighteningReport::read(&status), None);
    }

    #[test]
    fn the_problem_names_rules_and_targets() {
        let problem = report(&["ingress tcp 22 from 10.0.0.0/8"]).problem().expect("it was rolled back");
        for part in
            ["sg-1", "ingress tcp 22 from 10.0.0.0/8", "i-2 of target group app (port 8000)", "retry-tightening"]
        {
            assert!(problem.message.contains(part), "{part}: {}", problem.message);
        }
    }
}
