//! What EC2 and Elastic Load Balancing do.

use std::{process::Child, sync::Arc, time::Duration};

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_types::SdkConfig;
use tokio::{runtime::Builder, task::spawn_blocking};

use super::{
    Behaviour, Findings,
    behaviour::Need,
    document::{Column, compare},
    suite,
};
use crate::world::aws::{config, launch};
use cloud::Cloud;
use scene::Scene;

mod account;
mod authorizing;
mod balancers;
mod cloud;
mod interfaces;
mod listeners;
mod modifying;
mod reading;
mod refusing;
mod revoking;
mod rule;
mod scene;
mod sweep;
mod targets;

/// On everything that a run makes, with the run's name as its value.
pub const RUN_TAG: &str = "sgbind.dev/conformance-run";

pub const SIMULATION: &str = "simulation";
pub const MOTO: &str = "moto";
pub const ACCOUNT: &str = "real account";

/// They don't disturb each other, but a real account throttles.
const AT_ONCE: usize = 8;

/// For one behaviour. In the simulation it is virtual time.
const PATIENCE: Duration = Duration::from_secs(600);

fn behaviours() -> Arc<Vec<Behaviour<Scene>>> {
    let all = [
        authorizing::behaviours(),
        refusing::behaviours(),
        revoking::behaviours(),
        modifying::behaviours(),
        reading::behaviours(),
        interfaces::behaviours(),
        balancers::behaviours(),
        listeners::behaviours(),
        targets::behaviours(),
    ];
    Arc::new(all.into_iter().flatten().collect())
}

async fn observe(cloud: Arc<Cloud>, behaviours: &Arc<Vec<Behaviour<Scene>>>, lacks: &[Need]) -> Findings {
    suite::run(behaviours, lacks, PATIENCE, AT_ONCE, |behaviour| Scene::new(&cloud, behaviour)).await
}

/// On the simulation, in a runtime of its own whose time is virtual: what waits for minutes takes none.
fn simulated(behaviours: &Arc<Vec<Behaviour<Scene>>>) -> Findings {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let aws = sgbind_sim::Aws::new(1);
        let sleep = SharedAsyncSleep::new(TokioSleep::new());
        let cloud = Cloud::with_own_vpc(&config().http_client(aws.http_client()).sleep_impl(sleep).build()).await;
        // It has no default VPC.
        observe(Arc::new(cloud), behaviours, &[Need::DefaultVpc]).await
    })
}

/// moto as mended: a process, and how to reach it.
struct Moto {
    server: Child,
    config: SdkConfig,
}

impl Moto {
    async fn start() -> Self {
        let (server, url) = spawn_blocking(launch).await.expect("the AWS stand-in starts");
        Self { server, config: config().endpoint_url(url).build() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn aws_behaves_as_documented() {
    let behaviours = behaviours();
    let wrong = suite::malformed(&behaviours, &[SIMULATION, MOTO, ACCOUNT]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let server = Moto::start().await;
    let cloud = Cloud::with_own_vpc(&server.config).await;
    let simulation = {
        let behaviours = Arc::clone(&behaviours);
        spawn_blocking(move || simulated(&behaviours))
    };
    let moto = observe(Arc::new(cloud), &behaviours, &[]).await;
    let simulation = simulation.await.expect("the simulation ends");
    let mut faults = suite::faults(&behaviours, SIMULATION, &simulation);
    faults += &suite::faults(&behaviours, MOTO, &moto);
    let columns = [
        Column { backend: SIMULATION, findings: Some(simulation) },
        Column { backend: MOTO, findings: Some(moto) },
        Column { backend: ACCOUNT, findings: account::recorded(&behaviours) },
    ];
    if faults.is_empty() {
        faults = compare("AWS", &behaviours, &columns);
    }
    assert!(faults.is_empty(), "{faults}");
}
