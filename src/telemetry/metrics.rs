//! Metrics, in Prometheus form under the prefix `sgbind_`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// A security group as labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub struct Group {
    /// Account id of the owner.
    pub account: String,
    /// Region, such as `eu-central-1`.
    pub region: String,
    /// Group id, such as `sg-0a1b2c3d4e5f67890`.
    pub security_group: String,
}

/// How many rules of a group are in which state, both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Declared or derived.
    pub desired: u32,
    /// Desired, and not there.
    pub missing: u32,
    /// Ours, and not desired.
    pub surplus: u32,
    /// Not ours.
    pub foreign: u32,
}

impl RuleCounts {
    fn by_state(self) -> [(&'static str, u32); 4] {
        [("desired", self.desired), ("missing", self.missing), ("surplus", self.surplus), ("foreign", self.foreign)]
    }
}

/// Direction of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the members of the group.
    Ingress,
    /// Out of the members of the group.
    Egress,
}

impl Direction {
    fn label(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    action: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    account: String,
    region: String,
    security_group: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    security_group: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HeadroomLabels {
    security_group: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

type Seconds = Counter<f64, AtomicU64>;
/// Held steps of each group by reason, so that a group's share can be replaced in the sum.
type HeldByGroup = BTreeMap<Group, BTreeMap<String, u32>>;

/// All metrics of the process. Series of a group live until [`Metrics::forget_group`].
pub struct Metrics {
    registry: Registry,
    reconcile_duration: Family<StageLabels, Histogram, fn() -> Histogram>,
    reconciles: Family<OutcomeLabels, Counter>,
    aws_calls: Family<CallLabels, Counter>,
    aws_throttle_wait: Family<ActionLabels, Seconds>,
    rules: Family<RuleLabels, Gauge>,
    drift_repairs: Family<GroupLabels, Counter>,
    contested_rules: Family<GroupLabels, Gauge>,
    held_steps: Family<ReasonLabels, Gauge>,
    held_by_group: Mutex<HeldByGroup>,
    quota_headroom: Family<HeadroomLabels, Gauge>,
    leader: Gauge,
    last_full_pass: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that nothing was reported to yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sgbind");
        let build = add(
            &mut registry,
            "build_info",
            "Always 1; the label tells the version of sgbind",
            Family::<BuildLabels, Gauge>::default(),
        );
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        let durations =
            Family::new_with_constructor((|| Histogram::new(exponential_buckets(0.005, 2.0, 15))) as fn() -> _);
        Self {
            reconcile_duration: add(
                &mut registry,
                "reconcile_duration_seconds",
                "Time that a stage of a reconcile of one security group took",
                durations,
            ),
            reconciles: add(
                &mut registry,
                "reconcile",
                "Reconciles of one security group by their outcome",
                Family::default(),
            ),
            aws_calls: add(
                &mut registry,
                "aws_calls",
                "Requests to AWS, each retry counted, by API action and HTTP status class, timeout or error",
                Family::default(),
            ),
            aws_throttle_wait: add(
                &mut registry,
                "aws_throttle_wait_seconds",
                "Time that requests waited for our own rate limits, summed over the requests",
                Family::default(),
            ),
            rules: add(
                &mut registry,
                "rules",
                "Rules of a security group: desired, missing of these, surplus of ours, foreign",
                Family::default(),
            ),
            drift_repairs: add(
                &mut registry,
                "drift_repairs",
                "Repairs of a security group that something else had changed",
                Family::default(),
            ),
            contested_rules: add(
                &mut registry,
                "contested_rules",
                "Rules of a security group that someone keeps undoing",
                Family::default(),
            ),
            held_steps: add(
                &mut registry,
                "held_steps",
                "Steps that wait, by the reason for which they are held",
                Family::default(),
            ),
            held_by_group: Mutex::default(),
            quota_headroom: add(
                &mut registry,
                "quota_headroom",
                "Rules that a security group may still take in",
                Family::default(),
            ),
            leader: add(&mut registry, "leader", "1 if this replica leads, else 0", Gauge::default()),
            last_full_pass: add(
                &mut registry,
                "last_full_pass_timestamp_seconds",
                "Unix time at which all groups had last been compared with AWS, 0 before the first",
                Gauge::default(),
            ),
            registry,
        }
    }

    /// A stage of a reconcile, such as `observe` or `apply`, took so long.
    pub fn stage_took(&self, stage: &'static str, time: Duration) {
        self.reconcile_duration.get_or_create(&StageLabels { stage }).observe(time.as_secs_f64());
    }

    /// A reconcile of one group ended.
    pub fn reconciled(&self, outcome: &'static str) {
        self.reconciles.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// A request to AWS was answered (`2xx` … `5xx`), or was not (`timeout`, `error`).
    pub fn aws_called(&self, action: &str, outcome: &'static str) {
        self.aws_calls.get_or_create(&CallLabels { action: action.into(), outcome }).inc();
    }

    /// A request to AWS was kept waiting by our own rate limit.
    pub fn aws_waited(&self, action: &str, time: Duration) {
        self.aws_throttle_wait.get_or_create(&ActionLabels { action: action.into() }).inc_by(time.as_secs_f64());
    }

    /// The rules of a group are these now.
    pub fn set_rules(&self, group: &Group, counts: RuleCounts) {
        for (state, count) in counts.by_state() {
            self.rules.get_or_create(&rule_labels(group, state)).set(count.into());
        }
    }

    /// Drift of a group was repaired.
    pub fn drift_repaired(&self, group: &Group) {
        self.drift_repairs.get_or_create(&group_labels(group)).inc();
    }

    /// So many rules of a group are contested now.
    pub fn set_contested(&self, group: &Group, rules: usize) {
        if rules > 0 {
            self.contested_rules.get_or_create(&group_labels(group)).set(i64::try_from(rules).unwrap_or(i64::MAX));
        } else {
            self.contested_rules.remove(&group_labels(group));
        }
    }

    /// So many steps of a group are held now, by reason; replaces what was said of the group before.
    pub fn set_held(&self, group: &Group, held: BTreeMap<String, u32>) {
        let mut by_group = self.held_by_group.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |reason: &str| self.held_steps.get_or_create_owned(&ReasonLabels { reason: reason.into() });
        for (reason, steps) in &held {
            count(reason).inc_by((*steps).into());
        }
        let before = if held.is_empty() { by_group.remove(group) } else { by_group.insert(group.clone(), held) };
        for (reason, steps) in before.into_iter().flatten() {
            count(&reason).dec_by(steps.into());
        }
    }

    /// So many more rules fit into a group; negative where it holds more than its quota.
    pub fn set_quota_headroom(&self, group: &Group, direction: Direction, rules: i64) {
        self.quota_headroom.get_or_create(&headroom_labels(group, direction)).set(rules);
    }

    /// Whether this replica leads.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// All groups have been compared with AWS at this time.
    pub fn full_pass_ended(&self, at: Timestamp) {
        self.last_full_pass.set(at.as_duration().as_secs_f64());
    }

    /// Removes the series of a group that no object names any more.
    pub fn forget_group(&self, group: &Group) {
        for (state, _) in RuleCounts::default().by_state() {
            self.rules.remove(&rule_labels(group, state));
        }
        self.drift_repairs.remove(&group_labels(group));
        self.contested_rules.remove(&group_labels(group));
        for direction in [Direction::Ingress, Direction::Egress] {
            self.quota_headroom.remove(&headroom_labels(group, direction));
        }
        self.set_held(group, BTreeMap::new());
    }

    /// All metrics in the OpenMetrics text format.
    ///
    /// # Errors
    /// If a value can't be written as text; none of those that are reported here is such.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn rule_labels(group: &Group, state: &'static str) -> RuleLabels {
    let Group { account, region, security_group } = group.clone();
    RuleLabels { account, region, security_group, state }
}

fn group_labels(group: &Group) -> GroupLabels {
    GroupLabels { security_group: group.security_group.clone() }
}

fn headroom_labels(group: &Group, direction: Direction) -> HeadroomLabels {
    HeadroomLabels { security_group: group.security_group.clone(), direction: direction.label() }
}

#[cfg(test)]
mod tests;
