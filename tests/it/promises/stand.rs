//! Where a promise is tried: with real parts, or in virtual time, with a defect or without.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use sgbind::defect::Defect;

use crate::control_plane::OfItsOwn;
use crate::simulation::Stage;
use crate::world::{Estate, WithDefect, World};

/// With a defect what is waited for does not come, so it is not waited for as long.
const PATIENCE_WITH_DEFECT: Duration = Duration::from_secs(15);

/// Things are looked up each five minutes or so, and kept for five more.
const PATIENCE_IN_VIRTUAL_TIME: Duration = Duration::from_secs(14 * 60);
const PAUSE_IN_VIRTUAL_TIME: Duration = Duration::from_secs(2);

/// What a scenario gets to be played on.
#[derive(Clone, Default)]
pub struct Stand {
    defect: Option<Defect>,
    /// Whether the scenario has got as far as to its own subject.
    begun: Arc<AtomicBool>,
}

impl Stand {
    /// The real API server and moto. Controllers that are started there have the defect.
    pub async fn moto(&self, estate: Estate) -> World {
        let world = World::new().await;
        self.built(world, estate).await
    }

    /// The real API server and the simulated AWS, where target health follows from the rules, and which costs less.
    pub async fn served(&self, estate: Estate) -> World {
        let world = World::served().await;
        self.built(world, estate).await
    }

    async fn built(&self, mut world: World, estate: Estate) -> World {
        if let Some(defect) = self.defect {
            let (name, begun) = (name(defect), Arc::clone(&self.begun));
            world.controllers_have(WithDefect { name, patience: PATIENCE_WITH_DEFECT, begun });
        }
        world.build(estate).await;
        world
    }

    /// Kubernetes and AWS simulated, in virtual time.
    pub async fn simulated(&self, estate: Estate) -> Stage {
        let mut stage = Stage::with(1, estate).await;
        stage.world.be_patient_for(PATIENCE_IN_VIRTUAL_TIME, PAUSE_IN_VIRTUAL_TIME);
        stage
    }

    /// AWS simulated, and a real API server that no other test uses. A controller runs in this process.
    pub async fn with_api_server(&self, api_server: &OfItsOwn, estate: Estate) -> Stage {
        Stage::on(api_server.client.clone(), estate).await
    }

    /// To be called by each scenario when it has come to its own subject: the controller runs, and what the scenario
    /// starts from is there. What fails before says nothing about the promise.
    pub fn begins(&self) {
        self.begun.store(true, Ordering::SeqCst);
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    fn play<F: Future<Output = ()>>(&self, paused: bool, scenario: fn(Self) -> F) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
        let _defect = self.defect.map(Defect::in_this_thread);
        runtime.expect("a runtime").block_on(scenario(self.clone()));
    }
}

/// Plays the scenario; `paused`: in virtual time.
pub fn holds<F: Future<Output = ()>>(paused: bool, scenario: fn(Stand) -> F) {
    let stand = Stand::default();
    stand.play(paused, scenario);
    assert!(stand.has_begun(), "the scenario does not say when it begins");
}

/// Plays the scenario with the defect, and fails if it does not.
pub fn notices<F: Future<Output = ()>>(paused: bool, scenario: fn(Stand) -> F, defect: Defect) {
    let stand = Stand { defect: Some(defect), ..Stand::default() };
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| stand.play(paused, scenario))) else {
        panic!("the scenario holds although the defect {:?} is switched on", name(defect))
    };
    if !stand.has_begun() {
        // It has failed before it came to its subject.
        resume_unwind(panic);
    }
}

/// The name by which a process of its own is told of a defect.
pub fn name(defect: Defect) -> String {
    defect.to_possible_value().expect("no variant is skipped").get_name().to_owned()
}
