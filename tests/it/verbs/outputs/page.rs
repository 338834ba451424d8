//! What `docs/cli/plan.md` shows was printed.

use regex::Regex;

use super::scenes::access;
use crate::document;
use crate::verbs::stage::Folder;
use crate::world::{World, estate, group};

const NOW: &str = "
securityGroup: {id: $orders-db}
ingress:
- services: [PostgreSQL]
  from: [{cidr: 10.20.0.0/16}]
  description: orders app";
const FORMER: &str = "
securityGroup: {id: $orders-db}
ingress: [{services: [MySQL], from: [{cidr: 10.20.0.0/16}]}]";

#[tokio::test]
async fn the_page_shows_what_was_printed() {
    let world = World::with(estate().group(group("orders-db").rule("orders-db in tcp 22 <- 0.0.0.0/0"))).await;
    let folder = Folder::new();
    let file = folder.file("orders-db.yaml");
    folder.write("orders-db.yaml", &world.filled_in(&access("orders-db", FORMER)));
    let run = world.verb("apply", &file, &["--yes"]).await;
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    folder.write("orders-db.yaml", &world.filled_in(&access("orders-db", NOW)));
    let mut wrong = Vec::new();
    for (form, fence) in [("table", "text"), ("aws-cli", "sh"), ("terraform", "hcl"), ("json", "json")] {
        let run = world.verb("plan", &file, &["-o", form]).await;
        let printed = for_readers(&world, &run.raw);
        let command = match form {
            "table" => "$ sgbind plan -f orders-db.yaml --namespace team-orders --cluster-name prod\n",
            _ => "",
        };
        let text = format!("```{fence}\n{command}{printed}```\n");
        wrong.extend(document::compare("cli/plan.md", form, |_| text).err());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Ids, names and accounts as they could be.
fn for_readers(world: &World, printed: &str) -> String {
    let rule = Regex::new("sgr-[0-9a-f]+").expect("a pattern");
    let printed = rule.replace_all(printed, "sgr-0a9b8c7d6e5f43210");
    let printed = printed.replace(&world.id("orders-db"), "sg-0a1b2c3d4e5f67890");
    let cluster = printed.replace(&format!("sgbind.dev/cluster/{}", world.cluster()), "sgbind.dev/cluster/prod");
    let cluster = cluster.replace(&format!("sgbind {}:", world.cluster()), "sgbind prod:");
    cluster.replace(world.namespace(), "team-orders")
}
