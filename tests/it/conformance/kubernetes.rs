//! What a Kubernetes API server does.

use std::{sync::Arc, time::Duration};

use super::{
    Behaviour,
    document::{Column, compare},
    suite,
};
use crate::control_plane;
use stage::Stage;

mod applying;
mod reading;
mod stage;
mod validating;

pub const SIMULATION: &str = "simulation";
pub const API_SERVER: &str = "API server";

/// For one behaviour.
const PATIENCE: Duration = Duration::from_secs(60);

fn behaviours() -> Arc<Vec<Behaviour<Stage>>> {
    let all = [applying::behaviours(), reading::behaviours(), validating::behaviours()];
    Arc::new(all.into_iter().flatten().collect())
}

#[tokio::test]
async fn kubernetes_behaves_as_documented() {
    let behaviours = behaviours();
    let wrong = suite::malformed(&behaviours, &[SIMULATION, API_SERVER]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let client = control_plane::client().await;
    let server = suite::run(&behaviours, &[], PATIENCE, |_| Stage::new(client.clone())).await;
    let mut faults = suite::faults(&behaviours, API_SERVER, &server);
    let columns = [Column { backend: API_SERVER, findings: Some(server) }];
    if faults.is_empty() {
        faults = compare("Kubernetes", &behaviours, &columns);
    }
    assert!(faults.is_empty(), "{faults}");
}
