//! A behaviour: what is done, what is documented to be seen, and where a backend is known to differ.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use super::Transcript;

/// What a behaviour is observed on: a handle to a backend, with a transcript of its own.
pub trait Stand: Clone + Send + 'static {
    fn transcript(&self) -> &Transcript;
}

type Observing<S> = Box<dyn Fn(S) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One thing that AWS or Kubernetes does.
pub struct Behaviour<S> {
    /// In kebab-case; for ever the same.
    pub id: &'static str,
    /// A sentence: what is done by whom.
    pub says: &'static str,
    pub source: Source,
    /// What it costs, or needs, that not every backend gives.
    pub needs: Vec<Need>,
    pub observe: Observing<S>,
    /// The lines that the source lets expect.
    pub expected: Vec<String>,
    /// By backend.
    pub differences: BTreeMap<&'static str, Difference>,
}

/// Where it is written.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A page of the documents, by its name.
    Page(&'static str),
    /// No document says it, and a server that everyone may run does it; which one.
    Observed(&'static str),
    /// No document settles it; this is what the project assumes.
    Unverified(&'static str),
}

/// What a backend may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Load balancers, which take minutes and money on a real account.
    LoadBalancers,
    /// The default VPC of a Region.
    DefaultVpc,
    /// A VPC with an IPv6 block.
    Ipv6,
}

impl Need {
    pub fn words(self) -> &'static str {
        match self {
            Self::LoadBalancers => "load balancers were not asked for",
            Self::DefaultVpc => "no default VPC to run in",
            Self::Ipv6 => "the VPC has no IPv6",
        }
    }
}

/// What a backend is known to show instead.
pub struct Difference {
    pub lines: Vec<String>,
    /// Who is right, by which source.
    pub because: &'static str,
}

/// Begins one; what it needs, observes and expects follows.
pub fn behaviour<S: Stand>(id: &'static str, says: &'static str, source: Source) -> Behaviour<S> {
    let observe: Observing<S> = Box::new(|_| Box::pin(async {}));
    Behaviour { id, says, source, needs: vec![], observe, expected: vec![], differences: BTreeMap::new() }
}

impl<S: Stand> Behaviour<S> {
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    pub fn observe<F: Future<Output = ()> + Send + 'static>(
        mut self,
        observe: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self {
        self.observe = Box::new(move |stand| Box::pin(observe(stand)));
        self
    }

    pub fn expect(mut self, lines: &[&str]) -> Self {
        self.expected = lines.iter().map(|line| (*line).to_owned()).collect();
        self
    }

    pub fn differs(mut self, backend: &'static str, because: &'static str, lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.differences.insert(backend, Difference { lines, because });
        self
    }
}
