//! The kind SecurityGroupAccess: what it comes to, and how it lives. Its roles are rows of `patterns`.

mod life;
mod peers;
mod stored;
mod traffic;

use crate::world::{Controller, Estate, World, estate, group};

/// Consenting groups without rules.
fn groups(names: &[&str]) -> Estate {
    names.iter().fold(estate(), |estate, name| estate.group(group(name)))
}

/// A world with this in AWS, a controller, and the access `sga/db`.
async fn applied(estate: Estate, spec: &str) -> (World, Controller) {
    let world = World::with(estate).await;
    let controller = world.controller(&[]).await;
    world.apply("sga/db", spec).await;
    (world, controller)
}
