//! What a Kubernetes API server does.

use std::{sync::Arc, time::Duration};

use kube::Client;
use sgbind_sim::Kubernetes;
use sgbind_sim::kubernetes::Kinds;
use tokio::{runtime::Builder, task::spawn_blocking};

use super::{
    Behaviour, Findings,
    document::{Column, compare},
    suite,
};
use crate::control_plane;
use stage::Stage;

mod applying;
mod lives;
mod reading;
mod stage;
mod validating;

pub const SIMULATION: &str = "simulation";
pub const API_SERVER: &str = "API server";

/// All: one waits for seconds for a bookmark.
const AT_ONCE: usize = 64;

/// For one behaviour.
const PATIENCE: Duration = Duration::from_secs(60);

fn behaviours() -> Arc<Vec<Behaviour<Stage>>> {
    let all = [applying::behaviours(), lives::behaviours(), reading::behaviours(), validating::behaviours()];
    Arc::new(all.into_iter().flatten().collect())
}

/// On the simulation, in a runtime of its own whose time is virtual.
fn simulated(behaviours: &Arc<Vec<Behaviour<Stage>>>) -> Findings {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let crds: Vec<_> = sgbind::api::crds().iter().map(|crd| serde_json::to_value(crd).expect("JSON")).collect();
        let kinds = Kinds::new(&crds).expect("CRDs that it understands");
        let beginning = "2030-01-01T00:00:00Z".parse().expect("a time");
        // One for each: what one forgets, others must remember.
        let stand = |_| {
            let kubernetes = Kubernetes::new(1, beginning, &kinds);
            let client = Client::new(kubernetes.service(), "default");
            Stage::new(client).forgetting(Arc::new(move || kubernetes.compact()))
        };
        suite::run(behaviours, &[], PATIENCE, AT_ONCE, stand).await
    })
}

#[tokio::test]
async fn kubernetes_behaves_as_documented() {
    let behaviours = behaviours();
    let wrong = suite::malformed(&behaviours, &[SIMULATION, API_SERVER]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let client = control_plane::client().await;
    let simulation = {
        let behaviours = Arc::clone(&behaviours);
        spawn_blocking(move || simulated(&behaviours))
    };
    let server = suite::run(&behaviours, &[], PATIENCE, AT_ONCE, |_| Stage::new(client.clone())).await;
    let simulation = simulation.await.expect("the simulation ends");
    let mut faults = suite::faults(&behaviours, SIMULATION, &simulation);
    faults += &suite::faults(&behaviours, API_SERVER, &server);
    let columns = [
        Column { backend: SIMULATION, findings: Some(simulation) },
        Column { backend: API_SERVER, findings: Some(server) },
    ];
    if faults.is_empty() {
        faults = compare("Kubernetes", &behaviours, &columns);
    }
    assert!(faults.is_empty(), "{faults}");
}
