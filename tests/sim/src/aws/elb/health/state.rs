//! What health checks come to as time passes.

use std::time::Duration;

use crate::aws::elb::model::HealthCheck;

/// Why a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// The packet, or its answer, was dropped.
    Timeout,
    /// Nothing listens.
    Refused,
    /// The answer's code is not one of those that pass.
    Code(u16),
}

/// Why a target is not checked. Source: `TargetHealth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// Nothing forwards to its group.
    GroupNotInUse,
    /// Its Availability Zone is not one of the load balancer's.
    ZoneNotEnabled,
    /// Its instance does not run.
    InvalidState,
    /// Its address is a load balancer's.
    IpUnusable,
}

/// How a target stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Unused(Unused),
    /// Health checks are disabled.
    Unavailable,
    /// `None`: a check that was made now would pass.
    Checked(Option<Ailment>),
}

/// How a target stands, since when, and what the checks before had come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    standing: Standing,
    /// Since when checks pass, or since when they fail.
    since: Duration,
    /// Since when it is checked.
    began: Duration,
    decided: Decided,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    NotYet,
    Healthy,
    Unhealthy(Ailment),
}

/// What `DescribeTargetHealth` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub state: &'static str,
    pub reason: Option<&'static str>,
    pub description: Option<String>,
}

impl History {
    pub fn begin(standing: Standing, now: Duration) -> Self {
        Self { standing, since: now, began: now, decided: Decided::NotYet }
    }

    /// From now on it stands so.
    pub fn turn(&mut self, standing: Standing, now: Duration, check: &HealthCheck) {
        match (self.standing, standing) {
            (old, new) if old == new => {}
            (Standing::Checked(old), Standing::Checked(new)) => {
                self.settle(now, check);
                if old.is_none() != new.is_none() {
                    self.since = now;
                }
                self.standing = standing;
            }
            _ => *self = Self::begin(standing, now),
        }
    }

    /// Writes down what the checks have come to, before something changes by which they are counted.
    pub fn settle(&mut self, now: Duration, check: &HealthCheck) {
        self.decided = self.decided_at(now, check);
    }

    pub fn is_checked(&self) -> bool {
        matches!(self.standing, Standing::Checked(_))
    }

    /// One check that passes is enough for a target that has never been decided about; a failing one takes as many as
    /// make a healthy one unhealthy. A check takes an interval, counted from the instant at which checks began to pass
    /// or to fail.
    ///
    /// Source: "Health checks for Application Load Balancer target groups" in the user guide.
    fn decided_at(&self, now: Duration, check: &HealthCheck) -> Decided {
        let have_passed = |checks: u32| now >= self.since + check.interval * checks;
        match (self.standing, self.decided) {
            (Standing::Checked(None), Decided::NotYet) if have_passed(1) => Decided::Healthy,
            (Standing::Checked(None), Decided::Unhealthy(_)) if have_passed(check.healthy_threshold) => {
                Decided::Healthy
            }
            (Standing::Checked(Some(ailment)), Decided::Unhealthy(_)) => Decided::Unhealthy(ailment),
            (Standing::Checked(Some(ailment)), _) if have_passed(check.unhealthy_threshold) => {
                Decided::Unhealthy(ailment)
            }
            (_, decided) => decided,
        }
    }

    pub fn state(&self, now: Duration, check: &HealthCheck) -> State {
        match self.standing {
            Standing::Unused(why) => State::unused(why),
            Standing::Unavailable => {
                let description = "Health checks are not enabled for this target";
                State::new("unavailable", "Target.HealthCheckDisabled", description)
            }
            Standing::Checked(_) => match self.decided_at(now, check) {
                Decided::Healthy => State { state: "healthy", reason: None, description: None },
                Decided::Unhealthy(ailment) => State::unhealthy(ailment),
                Decided::NotYet if now < self.began + check.interval => State::registering(),
                Decided::NotYet => {
                    State::new("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
                }
            },
        }
    }
}

impl State {
    fn new(state: &'static str, reason: &'static str, description: impl Into<String>) -> Self {
        Self { state, reason: Some(reason), description: Some(description.into()) }
    }

    pub fn registering() -> Self {
        Self::new("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
    }

    pub fn draining() -> Self {
        Self::new("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
    }

    /// Of a target that is asked for and not there.
    pub fn not_registered() -> Self {
        Self::new("unused", "Target.NotRegistered", "Target is not registered to the target group")
    }

    fn unused(why: Unused) -> Self {
        let (reason, description) = match why {
            Unused::GroupNotInUse => {
                ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
            }
            Unused::ZoneNotEnabled => {
                ("Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer")
            }
            Unused::InvalidState => ("Target.InvalidState", "Target is in the stopped state"),
            Unused::IpUnusable => ("Target.IpUnusable", "Target IP address is reserved for use by a load balancer"),
        };
        Self::new("unused", reason, description)
    }

    fn unhealthy(ailment: Ailment) -> Self {
        match ailment {
            Ailment::Timeout => Self::new("unhealthy", "Target.Timeout", "Request timed out"),
            Ailment::Refused => Self::new("unhealthy", "Target.FailedHealthChecks", "Health checks failed"),
            Ailment::Code(code) => {
                let description = format!("Health checks failed with these codes: [{code}]");
                Self::new("unhealthy", "Target.ResponseCodeMismatch", description)
            }
        }
    }
}
