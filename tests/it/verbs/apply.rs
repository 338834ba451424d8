//! `sgbind apply` as a person and a pipeline run it: what is asked, what is done, and how it ends.

use super::stage::{Folder, binding};
use super::terminal::END_OF_INPUT;
use crate::proxy::Proxy;
use crate::world::{Estate, World, estate};

const SPEC: &str = "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]";
const ON_9000: &str = "loadBalancer: {name: shop}\nclients: [{cidr: 0.0.0.0/0}]
targetGroups: [{name: app, ref: {name: app}, ports: [9000], healthCheckPort: 9000}]";
const RULES: [&str; 3] =
    ["ALB-SG in tcp 443 <- 0.0.0.0/0", "ALB-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- ALB-SG"];

fn shop() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

/// A world with a shop, and a folder with its binding.
pub async fn given() -> (World, Folder) {
    let world = World::served().await;
    world.build(shop()).await;
    let folder = Folder::new();
    folder.write("shop.yaml", &binding("shop", SPEC));
    (world, folder)
}

#[tokio::test]
async fn what_is_applied_is_there_and_ours_and_nothing_is_left_to_do() {
    let (world, folder) = given().await;
    let out = world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    assert!(out.contains("Plan: 3 to authorize, 0 to revoke") && out.ends_with("3 of 3 steps done.\n"), "{out}");
    let ours = RULES.map(|rule| format!("{rule} (ours, \"sgbind team: alb/team/shop\")"));
    world.rules_and_owners_become(ours.into()).await;
    let tag = format!("sgbind.dev/cluster/{}", world.cluster());
    for rule in RULES {
        world.expect_tags(rule, &[(&tag, "pipeline")]).await;
    }
    world.verb("plan", &folder.path(), &[]).await.printed(0);
    let ids = world.rule_ids().await;
    let again = world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    assert_eq!(again, "Plan: nothing to do, 3 in sync, 0 foreign\n");
    assert_eq!(world.rule_ids().await, ids);
}

#[tokio::test]
async fn machines_are_told_what_was_done_and_what_is_left() {
    let (world, folder) = given().await;
    let run = world.verb("apply", &folder.path(), &["--yes", "-o", "json"]).await;
    let text = run.printed(0);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut done: Vec<String> = document["done"].as_array().expect("steps").iter().map(in_words).collect();
    done.sort();
    let expected = ["authorize ALB-SG egress 8000", "authorize ALB-SG ingress 443", "authorize APP-SG ingress 8000"];
    assert_eq!(done, expected);
    let nothing = serde_json::json!({"steps": [], "held": [], "problems": [], "unknown": []});
    assert_eq!(document["left"], nothing);
    for (field, value) in
        [("refused", serde_json::json!([])), ("rolledBack", serde_json::json!([])), ("lost", serde_json::json!([]))]
    {
        assert_eq!(document[field], value, "{field}");
    }
    assert!(document["halted"].is_null());
}

fn in_words(step: &serde_json::Value) -> String {
    let text = |field: &str| step[field].as_str().unwrap_or_default();
    format!("{} {} {} {}", text("action"), text("securityGroup"), text("direction"), step["toPort"])
}

#[tokio::test]
async fn another_identity_is_what_rules_are_tagged_with() {
    let (world, folder) = given().await;
    world.verb("apply", &folder.path(), &["--yes", "--identity", "blue"]).await.printed(0);
    world.expect_tags(RULES[0], &[(&format!("sgbind.dev/cluster/{}", world.cluster()), "blue")]).await;
}

/// Who forgets the identity is told of it, and of the way out; nothing goes.
#[tokio::test]
async fn the_wrong_identity_is_told_and_changes_nothing() {
    let (world, folder) = given().await;
    world.verb("apply", &folder.path(), &["--yes", "--identity", "blue"]).await.printed(0);
    folder.write("shop.yaml", &binding("shop", ON_9000));
    let run = world.verb("plan", &folder.path(), &["-o", "json"]).await;
    let plan: serde_json::Value = serde_json::from_str(&run.printed(1)).expect("JSON");
    let reasons: Vec<&str> =
        plan["problems"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["IdentityConflict"; 2]);
    let message = plan["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("--identity blue") && message.contains("--take-over blue"), "{message}");
    let revokes: Vec<_> = plan["steps"].as_array().unwrap().iter().filter(|step| step["action"] == "revoke").collect();
    assert!(revokes.is_empty(), "{revokes:#?}");
    world.verb("apply", &folder.path(), &["--yes", "--identity", "blue"]).await.printed(0);
}

/// Nobody can be asked: nothing is even read.
#[tokio::test]
async fn without_a_terminal_and_a_yes_nothing_is_done() {
    let (world, folder) = given().await;
    let proxy = Proxy::start(&world.aws.url()).await;
    let run = world.through(&proxy, &["apply", "-f", &folder.path(), "--namespace", world.namespace()]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let said = "sgbind: nobody can be asked, as stdin is no terminal: look at the plan (sgbind plan), then run apply with --yes\n";
    assert_eq!(run.err, said);
    assert_eq!(proxy.calls().len(), 0);
    world.expect_rules(&[]).await;
}

#[tokio::test]
async fn only_yes_is_taken_for_it() {
    let (world, folder) = given().await;
    let arguments = ["apply", "-f", &folder.path(), "--namespace", world.namespace()];
    for answer in ["no\n", "y\n", "YES\n", "\n", END_OF_INPUT] {
        let run = world.on_terminal(&arguments, answer).await;
        assert_eq!(run.code, 1, "{answer:?}: {}", run.out);
        for shown in ["Plan:", "Carry out 3 steps? Only yes is taken for it:", "not confirmed: nothing was changed"] {
            assert!(run.out.contains(shown), "{answer:?}: {shown}: {}", run.out);
        }
        world.expect_rules(&[]).await;
    }
    let run = world.on_terminal(&arguments, "yes\n").await;
    assert_eq!(run.code, 0, "{}", run.out);
    world.expect_rules(&RULES).await;
    // Where nothing is to be done nobody is asked.
    let run = world.on_terminal(&arguments, "").await;
    assert!(run.code == 0 && !run.out.contains("Only yes"), "{}", run.out);
}

/// A person is asked with the number of rules that go.
#[tokio::test]
async fn the_question_tells_of_revokes() {
    let (world, folder) = given().await;
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    folder.write("shop.yaml", &binding("shop", ON_9000));
    let arguments = ["apply", "-f", &folder.path(), "--namespace", world.namespace()];
    let run = world.on_terminal(&arguments, "no\n").await;
    assert!(run.out.contains("Carry out 4 steps, 2 of them to revoke rules?"), "{}", run.out);
}

/// All that is needed is made, in all groups, and seen, before anything goes in any.
#[tokio::test]
async fn what_is_new_is_made_everywhere_before_anything_goes() {
    let (world, folder) = given().await;
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    folder.write("shop.yaml", &binding("shop", ON_9000));
    let proxy = Proxy::start(&world.aws.url()).await;
    let arguments = ["apply", "--yes", "-f", &folder.path(), "--namespace", world.namespace()];
    world.through(&proxy, &arguments).await.printed(0);
    let calls = proxy.calls();
    calls.assert_made_before_taken();
    assert_eq!((calls.authorizes().len(), calls.revokes().len(), calls.writes().len()), (2, 2, 4), "{calls}");
    world.expect_rules(&[RULES[0], "ALB-SG out tcp 9000 -> APP-SG", "APP-SG in tcp 9000 <- ALB-SG"]).await;
}

/// A mistake on the command line must not look like "there are changes".
#[tokio::test]
async fn a_mistake_on_the_command_line_is_an_error_and_no_change() {
    let world = World::served().await;
    let run = world.run(&["apply", "--yes"]).await;
    assert!(run.code == 1 && run.err.contains("name files or folders by -f PATH"), "{}", run.err);
    for verb in ["plan", "apply"] {
        let run = world.run(&[verb, "--prnue"]).await;
        assert_eq!(run.code, 1, "{}", run.err);
        let run = world.run(&[verb, "--help"]).await;
        assert_eq!(run.code, 0, "{}", run.err);
    }
}
