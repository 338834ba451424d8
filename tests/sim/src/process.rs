//! A process as the world sees it: a sequence of calls, each of which can go wrong in its own way.
//!
//! A crash is the loss of the network: from then on no call of the process arrives, and no answer does. What its tasks
//! still do reaches nothing; whoever runs it stops them when it suits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::trace::Trace;

/// What can befall a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused before it took effect: AWS permits the action no more, the API server has an internal error.
    Refused,
    /// Refused before it took effect because too much was asked for; the client tries again by itself.
    Throttled,
    /// Done, but the connection broke before the answer came.
    AnswerLost,
    /// Neither done nor answered.
    Hung,
    /// Held up on its way: done half a minute later, when its caller has long given up, and not answered.
    Late,
    /// The process ends before the call arrives.
    CrashBefore,
    /// The process ends when the call has been done, before the answer comes.
    CrashAfter,
}

impl Fault {
    pub const ALL: [Self; 7] =
        [Self::Refused, Self::Throttled, Self::AnswerLost, Self::Hung, Self::Late, Self::CrashBefore, Self::CrashAfter];

    /// Those that differ at a call. A call that changes nothing does not tell whether it was done: one that is late is
    /// as one that hangs, and a crash after it as one before it.
    pub fn at(site: &CallSite) -> impl Iterator<Item = Self> {
        let changes = site.changes;
        Self::ALL.into_iter().filter(move |fault| changes || !matches!(fault, Self::Late | Self::CrashAfter))
    }

    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }
}

/// One call of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSite {
    /// From 0, in the order in which the process began its calls.
    pub number: usize,
    /// What was asked: `ec2 AuthorizeSecurityGroupIngress`, `PATCH /apis/…`.
    pub what: String,
    /// Whether it was to change something.
    pub changes: bool,
}

/// Clones are the same process.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    name: String,
    began: Instant,
    trace: Trace,
    state: Mutex<State>,
    /// Whether it has crashed.
    crashed: watch::Sender<bool>,
    /// Whether the events of its watches are held up.
    deaf: watch::Sender<bool>,
}

struct State {
    sites: Vec<CallSite>,
    faults: BTreeMap<usize, Fault>,
    faults_by_name: Vec<(String, Fault)>,
    befallen: Vec<(usize, Fault)>,
    chance: fastrand::Rng,
    observer: Option<Observer>,
}

/// Is told of each call that has changed something, right after it has.
type Observer = Arc<dyn Fn(&CallSite) + Send + Sync>;

/// By how much [`Fault::Late`] is late: longer than an attempt of an AWS client may take.
const LATE: Duration = Duration::from_secs(30);

/// Half of a call's time on the wire is up to so long.
const LONGEST_TRAVEL: Duration = Duration::from_millis(10);

/// The connection broke before an answer came.
#[derive(Clone, Copy, Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed before the answer came")
    }
}

impl std::error::Error for Broken {}

/// How a call is carried out, and how it is refused.
pub struct Exchange<A, R> {
    /// As in [`CallSite::what`].
    pub what: String,
    pub changes: bool,
    /// All that was asked, for the trace.
    pub request: Vec<u8>,
    /// Does it, at once.
    pub carry_out: A,
    /// The answer to a call that is refused by [`Fault::Refused`] or [`Fault::Throttled`].
    pub refuse: R,
}

/// A call on its way.
struct Begun {
    site: CallSite,
    fault: Option<Fault>,
    there: Duration,
    back: Duration,
}

/// What comes back from a call.
pub trait Told {
    /// For the trace: a word for people, such as a status.
    fn summary(&self) -> String;
    /// For the trace: all of it.
    fn detail(&self) -> Vec<u8>;
}

impl Process {
    /// To be called in a tokio runtime; `began` is when the simulation did.
    pub(crate) fn new(name: impl Into<String>, began: Instant, trace: Trace, seed: u64) -> Self {
        let state = State {
            sites: Vec::new(),
            faults: BTreeMap::new(),
            faults_by_name: Vec::new(),
            befallen: Vec::new(),
            chance: fastrand::Rng::with_seed(seed),
            observer: None,
        };
        let (crashed, deaf) = (watch::channel(false).0, watch::channel(false).0);
        Self(Arc::new(Inner { name: name.into(), began, trace, state: Mutex::new(state), crashed, deaf }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Lets a fault befall the call of this number.
    pub fn inject(&self, number: usize, fault: Fault) {
        self.lock().faults.insert(number, fault);
    }

    /// Lets a fault befall the call that comes next.
    pub fn inject_next(&self, fault: Fault) {
        let mut state = self.lock();
        let next = state.sites.len();
        state.faults.insert(next, fault);
    }

    /// Lets a fault befall the next call whose name contains this.
    pub fn inject_into(&self, what: impl Into<String>, fault: Fault) {
        self.lock().faults_by_name.push((what.into(), fault));
    }

    /// Lets every call that changes something be followed by this, before anything else happens.
    pub fn observe(&self, observer: impl Fn(&CallSite) + Send + Sync + 'static) {
        self.lock().observer = Some(Arc::new(observer));
    }

    /// The calls so far.
    pub fn sites(&self) -> Vec<CallSite> {
        self.lock().sites.clone()
    }

    /// The faults that have befallen calls.
    pub fn befallen(&self) -> Vec<(usize, Fault)> {
        self.lock().befallen.clone()
    }

    /// Cuts the process off.
    pub fn crash(&self) {
        self.0.crashed.send_replace(true);
    }

    pub fn has_crashed(&self) -> bool {
        *self.0.crashed.borrow()
    }

    /// Waits until the process has crashed.
    pub async fn crashed(&self) {
        let mut crashed = self.0.crashed.subscribe();
        // The sender lives as long as this process does.
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Holds the events of its watches up, so that what it knows from them grows old.
    pub fn hold_events(&self) {
        self.0.deaf.send_replace(true);
    }

    /// Lets the events through that were held up, and those to come.
    pub fn release_events(&self) {
        self.0.deaf.send_replace(false);
    }

    /// Waits while events are held up; for ever, once the process has crashed.
    pub(crate) async fn lets_events_through(&self) {
        let mut deaf = self.0.deaf.subscribe();
        // The sender lives as long as this process does.
        let _ = deaf.wait_for(|deaf| !deaf).await;
        self.unless_crashed().await;
    }

    /// One call, from when it is begun to when its answer has come. A call that hangs, or whose process has crashed,
    /// never ends.
    pub(crate) async fn exchange<T, A, R>(&self, exchange: Exchange<A, R>) -> Result<T, Broken>
    where
        T: Told,
        A: FnOnce() -> T + Send + 'static,
        R: FnOnce(Fault) -> T,
    {
        let Exchange { what, changes, request, carry_out, refuse } = exchange;
        let Begun { site, fault, there, back } = self.begin(what, changes);
        tokio::time::sleep(there).await;
        self.unless_crashed().await;
        self.tell(&site, "->", &request);
        match fault {
            Some(Fault::Hung) => self.never(&site, Fault::Hung).await,
            Some(Fault::CrashBefore) => {
                self.crash();
                self.never(&site, Fault::CrashBefore).await
            }
            Some(fault @ (Fault::Refused | Fault::Throttled)) => {
                let told = refuse(fault);
                tokio::time::sleep(back).await;
                self.arrive(&site, told).await
            }
            Some(Fault::CrashAfter) => {
                self.carry_out(&site, carry_out);
                self.crash();
                self.never(&site, Fault::CrashAfter).await
            }
            Some(Fault::Late) => {
                let (process, late) = (self.clone(), site.clone());
                // It goes on after its caller has given up.
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    process.tell(&late, "arrives late", &[]);
                    process.carry_out(&late, carry_out);
                });
                self.never(&site, Fault::Late).await
            }
            Some(Fault::AnswerLost) => {
                self.carry_out(&site, carry_out);
                tokio::time::sleep(back).await;
                self.unless_crashed().await;
                self.tell(&site, "<- nothing", &[]);
                Err(Broken)
            }
            None => {
                let told = self.carry_out(&site, carry_out);
                tokio::time::sleep(back).await;
                self.arrive(&site, told).await
            }
        }
    }

    fn carry_out<T>(&self, site: &CallSite, carry_out: impl FnOnce() -> T) -> T {
        let told = carry_out();
        let observer = self.lock().observer.clone().filter(|_| site.changes);
        if let Some(observer) = observer {
            observer(site);
        }
        told
    }

    async fn arrive<T: Told>(&self, site: &CallSite, told: T) -> Result<T, Broken> {
        self.unless_crashed().await;
        self.tell(site, &format!("<- {}", told.summary()), &told.detail());
        Ok(told)
    }

    fn begin(&self, what: String, changes: bool) -> Begun {
        let mut state = self.lock();
        let site = CallSite { number: state.sites.len(), what, changes };
        state.sites.push(site.clone());
        let named = state.faults_by_name.iter().position(|(name, _)| site.what.contains(name));
        let by_name = named.map(|at| state.faults_by_name.remove(at).1);
        let fault = state.faults.remove(&site.number).or(by_name);
        state.befallen.extend(fault.map(|fault| (site.number, fault)));
        let longest = u64::try_from(LONGEST_TRAVEL.as_millis()).unwrap_or(u64::MAX);
        let mut travel = || Duration::from_millis(state.chance.u64(1..=longest));
        Begun { site, fault, there: travel(), back: travel() }
    }

    async fn unless_crashed(&self) {
        if self.has_crashed() {
            std::future::pending::<()>().await;
        }
    }

    async fn never<T>(&self, site: &CallSite, fault: Fault) -> T {
        self.tell(site, &format!("{fault:?}"), &[]);
        std::future::pending().await
    }

    fn tell(&self, site: &CallSite, event: &str, detail: &[u8]) {
        let line = format_args!("{} #{} {} {event}", self.0.name, site.number, site.what);
        self.0.trace.add(self.0.began.elapsed(), line, detail);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
