//! What EC2 and Elastic Load Balancing do.

use std::{process::Child, sync::Arc, time::Duration};

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_types::SdkConfig;

use super::{
    Behaviour, Findings,
    behaviour::Need,
    document::{Column, compare},
    suite,
};
use crate::world::aws::{KEY, REGION, SECRET, launch};
use cloud::Cloud;
use scene::Scene;

mod account;
mod authorizing;
mod balancers;
mod cloud;
mod interfaces;
mod modifying;
mod reading;
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

/// For one behaviour. In the simulation it is virtual time.
const PATIENCE: Duration = Duration::from_secs(600);

fn behaviours() -> Arc<Vec<Behaviour<Scene>>> {
    let all = [
        authorizing::behaviours(),
        revoking::behaviours(),
        modifying::behaviours(),
        reading::behaviours(),
        interfaces::behaviours(),
        balancers::behaviours(),
        targets::behaviours(),
    ];
    Arc::new(all.into_iter().flatten().collect())
}

/// The configuration of clients onto a stand-in.
fn config() -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(KEY, SECRET, None, None, "tests")))
}

async fn observe(cloud: Arc<Cloud>, behaviours: &Arc<Vec<Behaviour<Scene>>>, lacks: &[Need]) -> Findings {
    suite::run(behaviours, lacks, PATIENCE, |behaviour| Scene::new(&cloud, behaviour)).await
}

/// moto as mended: a process, and how to reach it.
struct Moto {
    server: Child,
    config: SdkConfig,
}

impl Moto {
    async fn start() -> Self {
        let (server, url) = tokio::task::spawn_blocking(launch).await.expect("the AWS stand-in starts");
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
    let moto = observe(Arc::new(cloud), &behaviours, &[]).await;
    let mut faults = suite::faults(&behaviours, MOTO, &moto);
    let columns = [
        Column { backend: MOTO, findings: Some(moto) },
        Column { backend: ACCOUNT, findings: account::recorded(&behaviours) },
    ];
    if faults.is_empty() {
        faults = compare("AWS", &behaviours, &columns);
    }
    assert!(faults.is_empty(), "{faults}");
}
