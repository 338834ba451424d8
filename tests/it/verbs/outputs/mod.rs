//! The machine forms of a plan. In two equal worlds each scene is played: in the one the commands are run that
//! `-o aws-cli` prints, in the other `sgbind apply`, and what they come to is the same. The resources that `-o terraform`
//! prints say what the JSON says, and pass `terraform fmt` and their schema.

mod aws_cli;
mod codes;
mod json;
mod page;
mod scenes;
mod terraform;
mod words;

use rstest::rstest;
use serde_json::Value;

use scenes::Scene;

use super::stage::Folder;
use crate::world::{World, aws::Aws, expect_lines};

/// What a plan of a scene is called with.
struct Played {
    world: World,
    folder: Folder,
    scene: Scene,
}

impl Played {
    async fn verb(&self, verb: &str, arguments: &[&str]) -> super::stage::Run {
        let arguments = [arguments, self.scene.arguments].concat();
        self.world.verb(verb, &self.folder.path(), &arguments).await
    }

    /// The plan in this form.
    async fn plan(&self, form: &str) -> String {
        self.verb("plan", &["-o", form]).await.raw
    }

    async fn json(&self) -> Value {
        let run = self.verb("plan", &["-o", "json"]).await;
        serde_json::from_str(&run.raw).unwrap_or_else(|_| panic!("no JSON: {}", run.err))
    }
}

/// Everything is there as the scene begins.
async fn play(world: World, scene: Scene) -> Played {
    let played = Played { world, folder: Folder::new(), scene };
    (scene.before)(&played).await;
    played.folder.write("objects.yaml", &played.world.filled_in(&(scene.documents)(&played.world)));
    played
}

#[rstest]
#[case(scenes::PATTERN)]
#[case(scenes::PEERS)]
#[case(scenes::LIFE)]
#[case(scenes::PROBLEMS)]
#[tokio::test]
async fn every_form_says_the_same(#[case] scene: Scene) {
    let one = World::new().await;
    let other = one.elsewhere(Aws::start_without(&[]).await).await;
    let (one, other) = (play(one, scene).await, play(other, scene).await);

    let document = one.json().await;
    json::expect_keys(&document);
    json::expect_actions(&document, scene.actions);
    terraform::expect_same(&document, &one.plan("terraform").await);
    codes::expect(&one, scene.code).await;

    aws_cli::run(&one.world, &one.plan("aws-cli").await).await;
    let applied = other.verb("apply", &["--yes"]).await;
    assert_eq!(applied.code, i32::from(scene.code == 1), "{}\n{}", applied.out, applied.err);

    let by_apply = other.world.rules_and_owners().await;
    let expected: Vec<&str> = by_apply.iter().map(String::as_str).collect();
    expect_lines("rules that the commands made", &one.world.rules_and_owners().await, &expected);
    for played in [&one, &other] {
        codes::expect(played, if scene.code == 2 { 0 } else { scene.code }).await;
        json::expect_actions(&played.json().await, &[]);
    }
}
