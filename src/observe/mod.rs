//! I/O: what an object names is looked up in AWS, and in the cluster. What can't be read or found is told, and what was last
//! known stands in for it.

mod access;
mod cluster;
mod groups;
mod health;
mod load_balancer;
mod security_group;
mod targets;

pub use cluster::{Addressed, Cluster};
pub use groups::usage;
pub use health::{health_of, whom_to_watch};
pub use security_group::{Found, list_weights, lists_of, security_group};
pub use targets::{groups_of_interfaces, while_registered};

use std::collections::BTreeSet;

use crate::aws::{AwsError, Cloud, ErrorClass};
use crate::model::{Binding, Declaration, Facts, Problem, Reason, Resolution, Thing, Us, Wants};

/// Looks up everything that an object names.
///
/// `previous` is what was last known; `gone` is what has been missing for so long that it no longer counts.
pub async fn object(
    cloud: &Cloud,
    cluster: &Cluster,
    us: &Us,
    declaration: &Declaration,
    previous: &Facts,
    gone: &BTreeSet<Thing>,
) -> Resolution {
    let mut resolving = Resolving {
        cloud,
        cluster,
        us,
        vpc_by: vpc_by(&declaration.wants),
        previous,
        gone,
        facts: Facts::default(),
        problems: Vec::new(),
        complete: true,
        absent: BTreeSet::new(),
    };
    match &declaration.wants {
        Wants::Binding(binding) => resolving.binding(binding).await,
        Wants::Access(access) => resolving.access(access).await,
    }
    let Resolving { facts, mut problems, complete, absent, .. } = resolving;
    problems.sort();
    problems.dedup();
    Resolution { facts, problems, complete, absent }
}

/// The field that says in which VPC groups are looked up by name or tags.
fn vpc_by(wants: &Wants) -> &'static str {
    match wants {
        Wants::Access(_) => "spec.vpcID",
        // Names hold in the load balancer's VPC; where there is none, in that of the group that is written.
        Wants::Binding(_) => "spec.loadBalancer",
    }
}

/// A resolution under way.
struct Resolving<'a> {
    cloud: &'a Cloud,
    cluster: &'a Cluster,
    us: &'a Us,
    vpc_by: &'static str,
    previous: &'a Facts,
    gone: &'a BTreeSet<Thing>,
    facts: Facts,
    problems: Vec<Problem>,
    complete: bool,
    absent: BTreeSet<Thing>,
}

impl Resolving<'_> {
    async fn binding(&mut self, binding: &Binding) {
        let forwards = self.load_balancer(binding).await;
        let of_targets = binding.target_groups.iter().flatten().flat_map(|group| group.groups.iter().flatten());
        let (peers, groups): (Vec<_>, Vec<_>) = (binding.peers().collect(), of_targets.collect());
        let vpc = self.facts.vpc.as_ref().map(|vpc| vpc.id.clone());
        self.named_peers(&peers, &groups, vpc.as_ref()).await;
        self.target_groups(binding, &forwards).await;
    }

    /// Something is wrong, and what follows from it is not known.
    fn unknown(&mut self, reason: Reason, message: impl Into<String>) {
        self.problems.push(Problem::new(reason, message));
        self.complete = false;
    }

    /// The answer, or `None` with the failure told.
    fn answer<T>(&mut self, result: Result<T, AwsError>) -> Option<T> {
        result.map_err(|error| self.unknown(reason(error.class()), error.to_string())).ok()
    }

    /// Something that AWS says is not there: unknown at first, and gone when it has been missing for long.
    fn absent(&mut self, thing: Thing, reason: Reason, message: String) {
        if self.gone.contains(&thing) {
            self.problems.push(Problem::new(reason, message));
        } else {
            self.unknown(reason, message);
        }
        self.absent.insert(thing);
    }
}

/// What a failed call says to whoever waits for it.
pub fn reason(class: ErrorClass) -> Reason {
    match class {
        ErrorClass::Throttled => Reason::Throttled,
        ErrorClass::Denied => Reason::AccessDenied,
        ErrorClass::Quota => Reason::RuleQuotaExceeded,
        ErrorClass::NotFound => Reason::SecurityGroupNotFound,
        ErrorClass::Duplicate => Reason::Applying,
        ErrorClass::Invalid | ErrorClass::Transient => Reason::AwsUnavailable,
    }
}
