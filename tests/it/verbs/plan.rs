//! `sgbind plan`: what is shown, and that nothing is changed.

use super::stage::{Folder, binding};
use crate::world::{World, estate};

const SMALLEST: &str = "loadBalancer: {name: shop}";

fn shop() -> crate::world::Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

#[tokio::test]
async fn the_smallest_binding_is_shown_as_a_diff() {
    let world = World::with(shop()).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", SMALLEST));
    let run = world.verb("plan", &folder.path(), &[]).await;
    println!("{}\n{}", run.out, run.err);
    let run2 = world.verb("plan", &folder.path(), &["-o", "json"]).await;
    println!("{}\n{}", run2.out, run2.err);
    let run2 = world.verb("plan", &folder.path(), &["-o", "aws-cli"]).await;
    println!("{}\n{}", run2.out, run2.err);
    let run2 = world.verb("plan", &folder.path(), &["-o", "terraform"]).await;
    println!("{}\n{}", run2.out, run2.err);
    let run2 = world.verb("apply", &folder.path(), &["--yes"]).await;
    println!("{}\n{}", run2.out, run2.err);
    let run2 = world.verb("plan", &folder.path(), &[]).await;
    println!("{}\n{}", run2.out, run2.err);
    panic!("{}", run.code);
}
