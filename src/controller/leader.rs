//! Leader election: of several replicas only one writes.
//!
//! A `coordination.k8s.io/v1` Lease names the holder, who renews it. The rules are client-go's
//! (`k8s.io/client-go/tools/leaderelection`), so that other tools read the Lease as they expect:
//! - Every write carries the resourceVersion that was read, so of two candidates one is refused.
//! - Another's lease ends when its record has not changed for its duration *by our own monotonic
//!   clock*; the times written in it are for people and may come from a wrong clock.
//! - The holder stops [`Timing::renew_deadline`] after it *began* the last renewal that succeeded,
//!   before anybody else may start.
//!
//! Whether we hold the lease is computed from the clock in each [`Leadership::is_held`], never stored by a task:
//! a process that was stopped for a while sees it lost at its first look. The one exception is a
//! machine whose monotonic clock stands still while it is suspended as a whole.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::names::FIELD_MANAGER;
use crate::clock::{Clock, Jitter};
use crate::defect::Defect;

/// By what share of itself the wait between two attempts may be longer, at random.
const RETRY_JITTER: f64 = 0.2;

/// The times of an election, all in proportion to the lease's duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    seconds: u16,
}

impl Timing {
    /// Times for a lease of so many seconds (1 at least).
    pub fn of_lease(seconds: u16) -> Self {
        Self { seconds: seconds.max(1) }
    }

    /// How long others wait, after they last saw the record change, before they take it.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// How long the holder counts itself as such after it began a successful renewal: two thirds of the lease.
    pub fn renew_deadline(&self) -> Duration {
        self.lease() * 2 / 3
    }

    /// Wait between two attempts, of the holder and of candidates, before jitter.
    pub fn retry(&self) -> Duration {
        self.lease() * 2 / 15
    }

    /// Longest time that one attempt, with all of its requests, may take.
    pub fn attempt(&self) -> Duration {
        self.lease() / 3
    }
}

impl Default for Timing {
    /// client-go's defaults: a lease of 15 s, 10 s to renew it, an attempt every 2 s.
    fn default() -> Self {
        Self::of_lease(15)
    }
}

/// What is stood for, and as whom.
#[derive(Clone, Debug)]
pub struct Candidacy {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who we are. Must differ for each process, not only for each pod: a record with our identity counts as ours.
    pub identity: String,
    /// How long a lease lasts.
    pub timing: Timing,
}

/// Tells whether this process leads. Clones tell the same.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Tenure>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenure {
    None,
    Until(Instant),
    Always,
}

impl Tenure {
    fn is_held(self) -> bool {
        match self {
            Tenure::None => false,
            Tenure::Until(end) => Instant::now() < end,
            Tenure::Always => true,
        }
    }
}

impl Leadership {
    /// Leadership without an election, for a replica that is known to be alone.
    pub fn always() -> Self {
        Self(watch::channel(Tenure::Always).1)
    }

    /// Whether this process leads at this moment, by the monotonic clock.
    pub fn is_held(&self) -> bool {
        self.0.borrow().is_held() || Defect::IgnoreLease.is_on()
    }

    /// Waits until this process leads; for ever, once the [`Elector`] is gone.
    pub async fn acquired(&self) {
        let mut tenure = self.0.clone();
        while !tenure.borrow_and_update().is_held() {
            if tenure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until this process does not lead, whether another does or the lease was not renewed in time.
    pub async fn lost(&self) {
        let mut tenure = self.0.clone();
        loop {
            let current = *tenure.borrow_and_update();
            match current {
                _ if Defect::IgnoreLease.is_on() => std::future::pending().await,
                Tenure::None => return,
                Tenure::Always => std::future::pending().await,
                Tenure::Until(end) => tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(end) => {
                        // A renewal at the last moment may have moved the end.
                        if !self.is_held() {
                            return;
                        }
                    }
                    Ok(()) = tenure.changed() => {}
                },
            }
        }
    }
}

/// Stands for election, renews and releases; [`Leadership`] tells the result.
#[derive(Debug)]
pub struct Elector {
    leases: Api<Lease>,
    candidacy: Candidacy,
    clock: Clock,
    jitter: Jitter,
    tenure: watch::Sender<Tenure>,
    seen: Option<Seen>,
}

/// The Lease as it was last read or written.
#[derive(Debug)]
struct Seen {
    lease: Lease,
    /// When its record was first seen as it is.
    since: Instant,
}

/// Why an attempt or the release came to nothing. All of them are tried again.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the API server refused a request for the lease")]
    Api(#[from] kube::Error),
}

impl Error {
    /// Whether the Lease is no longer what was read: written, created or deleted by someone else, or
    /// by a request of ours whose answer was lost.
    fn is_outdated(&self) -> bool {
        matches!(self, Error::Api(kube::Error::Api(status)) if matches!(status.code, 404 | 409))
    }
}

impl Elector {
    /// A candidate, and the handle that tells whether it was elected. Nothing happens until [`Elector::run`].
    pub fn new(client: kube::Client, candidacy: Candidacy, clock: Clock, jitter: Jitter) -> (Self, Leadership) {
        let (tenure, leadership) = watch::channel(Tenure::None);
        let leases = Api::namespaced(client, &candidacy.namespace);
        (Self { leases, candidacy, clock, jitter, tenure, seen: None }, Leadership(leadership))
    }

    /// Stands for election and renews until `stop` fires, then releases the lease.
    ///
    /// Cancel `stop` only after the work that needs the lease has ended: another replica may start at
    /// once. Returns within three attempts of that. Errors are logged and tried again.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let limit = self.candidacy.timing.attempt();
            let result = tokio::time::timeout(limit, self.attempt()).await.unwrap_or(Err(Error::Timeout(limit)));
            self.conclude(result);
            let pause = self.jitter.spread(self.candidacy.timing.retry(), RETRY_JITTER);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.tenure.send_replace(Tenure::None);
        self.resign().await;
    }

    /// Renews the lease if it is ours, takes it if it is free.
    async fn attempt(&mut self) -> Result<Tenure, Error> {
        // Renewing what we know saves a request; if it is outdated, it is read.
        if let Some(lease) = self.own_lease() {
            match self.claim(Some(lease)).await {
                Err(error) if error.is_outdated() => {}
                result => return result,
            }
        }
        let found = self.leases.get_opt(&self.candidacy.name).await?;
        if let Some(lease) = &found {
            self.see(lease.clone());
            if self.is_taken() {
                return Ok(Tenure::None);
            }
        }
        self.claim(found).await
    }

    /// Writes ourselves into the Lease: `found`, or a new one.
    async fn claim(&mut self, found: Option<Lease>) -> Result<Tenure, Error> {
        let began = Instant::now();
        let spec = self.claimed(found.as_ref().and_then(|lease| lease.spec.clone()));
        let written = match found {
            Some(lease) => self.replace(Lease { spec: Some(spec), ..lease }).await?,
            None => {
                let metadata = ObjectMeta { name: Some(self.candidacy.name.clone()), ..ObjectMeta::default() };
                self.leases.create(&post(), &Lease { metadata, spec: Some(spec) }).await?
            }
        };
        self.see(written);
        Ok(Tenure::Until(began + self.candidacy.timing.renew_deadline()))
    }

    /// The record by which we hold the lease, after `old`.
    fn claimed(&self, old: Option<LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(self.clock.now_wall());
        let transitions = old.as_ref().map_or(-1, |old| old.lease_transitions.unwrap_or(0));
        let old = old.unwrap_or_default();
        let renewed = old.holder_identity.as_ref() == Some(&self.candidacy.identity);
        LeaseSpec {
            holder_identity: Some(self.candidacy.identity.clone()),
            lease_duration_seconds: Some(self.candidacy.timing.seconds.into()),
            acquire_time: old.acquire_time.filter(|_| renewed).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions.saturating_add(i32::from(!renewed))),
            ..old
        }
    }

    async fn replace(&self, lease: Lease) -> Result<Lease, Error> {
        Ok(self.leases.replace(&self.candidacy.name, &post(), &lease).await?)
    }

    /// Remembers the Lease, and since when its record is as it is.
    fn see(&mut self, lease: Lease) {
        let since = match &self.seen {
            Some(seen) if seen.lease.spec == lease.spec => seen.since,
            _ => Instant::now(),
        };
        self.seen = Some(Seen { lease, since });
    }

    /// The Lease as we know it, if its record names us.
    fn own_lease(&self) -> Option<Lease> {
        let lease = &self.seen.as_ref()?.lease;
        (holder(lease)? == self.candidacy.identity).then(|| lease.clone())
    }

    /// Whether another holds the lease, and has changed its record lately enough.
    fn is_taken(&self) -> bool {
        let Some(Seen { lease, since }) = &self.seen else { return false };
        let duration = lease
            .spec
            .as_ref()
            .and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok())
            .map_or(self.candidacy.timing.lease(), Duration::from_secs);
        holder(lease).is_some_and(|holder| holder != self.candidacy.identity) && since.elapsed() < duration
    }

    /// Publishes what an attempt led to. One that failed ends nothing before its time.
    fn conclude(&mut self, result: Result<Tenure, Error>) {
        let before = *self.tenure.borrow();
        let after = result.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, leading = before.is_held(), "could not renew or take the lease; trying again");
            if before.is_held() { before } else { Tenure::None }
        });
        let identity = &self.candidacy.identity;
        match (before, after) {
            (Tenure::None, Tenure::Until(_)) => tracing::info!(%identity, "leading"),
            (Tenure::Until(_), Tenure::None) => {
                let holder = self.seen.as_ref().and_then(|seen| holder(&seen.lease));
                tracing::warn!(%identity, holder, "no longer leading");
            }
            _ => {}
        }
        self.tenure.send_replace(after);
    }

    /// Empties the record if it names us. A failure only makes others wait for the lease to end.
    async fn resign(&mut self) {
        let limit = self.candidacy.timing.attempt();
        // A lost answer to our last renewal leaves an outdated version behind: hence a second time.
        for _ in 0..2 {
            match tokio::time::timeout(limit, self.release()).await.unwrap_or(Err(Error::Timeout(limit))) {
                Ok(()) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "could not release the lease");
                }
            }
        }
    }

    async fn release(&mut self) -> Result<(), Error> {
        let Some(lease) = self.own_lease() else { return Ok(()) };
        let now = MicroTime(self.clock.now_wall());
        let spec = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            ..lease.spec.unwrap_or_default()
        };
        let result = self.replace(Lease { spec: Some(spec), ..lease }).await;
        if result.as_ref().is_err_and(Error::is_outdated)
            && let Some(lease) = self.leases.get_opt(&self.candidacy.name).await?
        {
            self.see(lease);
        }
        result.map(|released| {
            tracing::info!("released the lease");
            self.see(released);
        })
    }
}

/// Who holds the lease by its record; a released one has no holder, or an empty one.
fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

fn post() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() }
}

#[cfg(test)]
mod tests;
