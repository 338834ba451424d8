//! The project's CRD: each of its checks accepts and refuses what the real server accepts and refuses.

use serde_json::{Value, json};

use super::table::{Trial, trials};
use super::*;

#[tokio::test(start_paused = true)]
async fn every_check_of_the_crd_accepts_and_refuses() {
    let mut client = Client::new(&server());
    client.post(BINDINGS, &binding("present")).await;
    let crd = crd();
    let trials = trials(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
    let mut wrong = Vec::new();
    for trial in &trials {
        for accept in &trial.accept {
            let (code, answer) = apply(&mut client, accept).await;
            if code >= 300 {
                wrong.push(format!("{}: refused: {accept}\n    {}", trial.check, answer["message"]));
            }
        }
        let (code, answer) = apply(&mut client, &trial.refuse).await;
        if code < 300 {
            wrong.push(format!("{}: accepted: {}", trial.check, trial.refuse));
        } else if !is_refused_for(&answer, trial) {
            let Trial { check, field, says, refuse, .. } = trial;
            wrong.push(format!("{check}: not by\n    {field}: {says}\n    {}\n    {refuse}", answer["message"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), trials.len(), wrong.join("\n"));
    assert!(trials.len() > 180, "only {} trials", trials.len());
}

/// As the tests against a real server do: without storing anything. Status can be applied only to what is there.
async fn apply(client: &mut Client, document: &Value) -> (u16, Value) {
    let of_status = document.get("status").is_some();
    let (name, path) = if of_status { ("present", "present/status") } else { ("absent", "absent") };
    let query = "&force=true&dryRun=All&fieldValidation=Strict";
    client.apply(&format!("{BINDINGS}/{path}"), "test", query, &partial(name, document.clone())).await
}

/// For that one reason, and for no other.
fn is_refused_for(answer: &Value, trial: &Trial) -> bool {
    let causes = answer["details"]["causes"].as_array().cloned().unwrap_or_default();
    let mut causes = causes.iter().filter(|cause| !text(&cause["message"]).contains("rules were not checked"));
    match (causes.next(), causes.next()) {
        // What can't be merged is refused before it is validated, and items are named by their keys.
        (None, _) => {
            let field = trial.field.rsplit('.').next().unwrap_or_default();
            text(&answer["message"]).contains(&format!(".{field}: {}", trial.says))
        }
        (Some(cause), None) => text(&cause["field"]) == trial.field && text(&cause["message"]).ends_with(&trial.says),
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_binding_is_accepted() {
    let networks: Vec<_> = (0..60).map(|n| format!("2001:0db8:0000:0000:0000:{n:04x}:0000:0000/128")).collect();
    let peers: Vec<_> = networks.iter().map(|network| json!({"cidr": network})).collect();
    let document = json!({"spec": {
        "loadBalancer": {"name": "shop"},
        "clients": peers,
        "listeners": (1..=60).map(|port| json!({"port": port, "clients": peers})).collect::<Vec<_>>(),
        "targetGroups": (0..50).map(|n| json!({
            "name": format!("group-{n}"), "ref": {"name": "shop"}, "ports": (1..=60).collect::<Vec<_>>(),
            "addresses": networks,
        })).collect::<Vec<_>>(),
    }});
    let (code, answer) = apply(&mut Client::new(&server()), &document).await;
    assert_eq!(code, 201, "{}", answer["message"]);
}
