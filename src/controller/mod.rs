//! The loop: watches, queues and workers that carry the stages out, again and again.
//!
//! ```text
//! watch ─► index ─► queue of objects to look up ─► observe ─┐
//!            ▲      queue of groups ─► desired, plan, check, apply, read back
//!            │      queue of objects to tell of ─► status, finalizer
//!            └──────────────── what came of it ─────────────┘
//! ```

mod connection;
mod ending;
mod events;
mod fresh;
mod groups;
mod history;
mod index;
pub mod leader;
mod objects;
pub mod queue;
mod references;
mod run;
mod tightening;
mod telling;
mod strays;
mod waiting;
mod watch;

pub use connection::with_time_limit;
pub use index::Patience;
pub use run::{Settings, Surroundings, run};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::Clouds;
use crate::clock::{Clock, Jitter};
use crate::model::{GroupKey, ObjectRef, Us};
use crate::telemetry::metrics::Metrics;

use index::{Index, Touched};
use leader::Leadership;
use queue::{Priority, Queue};

/// What every worker needs.
struct Context {
    us: Us,
    client: kube::Client,
    clouds: Clouds,
    clock: Clock,
    jitter: Jitter,
    metrics: Arc<Metrics>,
    leadership: Leadership,
    events: events::Sender,
    fresh_objects: fresh::FreshObjects,
    listed: watch::Listed,
    settings: Settings,
    index: Mutex<Index>,
    referred: references::Referred,
    /// Objects to look up.
    lookups: Queue<ObjectRef>,
    /// Groups to compare and repair.
    groups: Queue<GroupKey>,
    /// Objects whose status and finalizer are to be brought up to date.
    reports: Queue<ObjectRef>,
}

impl Context {
    fn index(&self) -> MutexGuard<'_, Index> {
        // Nothing panics while it holds the lock; if it did, the next watch event would mend the index.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object has changed.
    fn touched(&self, object: &ObjectRef, touched: Touched) {
        if touched.resolve {
            self.lookups.push(object.clone(), Priority::Declared, Duration::ZERO);
        }
        for group in touched.groups {
            self.groups.push(group, Priority::Declared, Duration::ZERO);
        }
        self.reports.push(object.clone(), Priority::Declared, Duration::ZERO);
    }
}
