//! From forms to operations, and from what there is to XML.

mod acls;
mod forms;
mod groups;
mod instances;
mod interfaces;
mod network;
mod prefix_lists;
mod routes;
mod rules;
mod rules_xml;
mod tags;

use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, World};

/// A call that can be made.
struct Operation {
    action: &'static str,
    /// What it takes but DryRun, without the numbers of lists: `Filter.Value`. Others are refused.
    parameters: &'static [&'static [&'static str]],
    run: fn(&mut World, &Call) -> Result<Xml, Failure>,
}

/// All calls.
const OPERATIONS: [&[Operation]; 9] = [
    groups::OPERATIONS,
    rules::OPERATIONS,
    tags::OPERATIONS,
    network::OPERATIONS,
    interfaces::OPERATIONS,
    instances::OPERATIONS,
    prefix_lists::OPERATIONS,
    acls::OPERATIONS,
    routes::OPERATIONS,
];

const FILTERS: &[&str] = &["Filter.Name", "Filter.Value"];
const PAGES: &[&str] = &["MaxResults", "NextToken"];
const TAGS: &[&str] = &["TagSpecification.ResourceType", "TagSpecification.Tag.Key", "TagSpecification.Tag.Value"];

/// Carries out one call.
pub fn handle(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let mut all = OPERATIONS.iter().copied().flatten();
    let Some(operation) = all.find(|operation| operation.action == call.action) else {
        return Err(Failure::new("InvalidAction", format!("The action {} is not simulated", call.action)));
    };
    check_parameters(operation, call)?;
    if call.flag("DryRun") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Failure::new("DryRunOperation", message).with_status(412));
    }
    // Whether an id exists is looked up, as if the Region had always been there.
    world.region_mut(&call.scope);
    once(world, call, operation.run)
}

fn check_parameters(operation: &Operation, call: &Call) -> Result<(), Failure> {
    let known = |name: &str| name == "DryRun" || operation.parameters.iter().any(|some| some.contains(&name));
    let is_number = |part: &&str| part.bytes().all(|digit| digit.is_ascii_digit());
    for parameter in call.parameters.keys() {
        let name = parameter.split('.').filter(|part| !is_number(part)).collect::<Vec<_>>().join(".");
        if !known(&name) {
            let message = format!("The parameter {parameter} of {} is not recognized, or not simulated", call.action);
            return Err(Failure::new("UnknownParameter", message));
        }
    }
    Ok(())
}

/// A call that comes again with its token gets the answer that it got before.
///
/// Source: "Ensuring idempotency in Amazon EC2 API requests".
fn once(world: &mut World, call: &Call, run: fn(&mut World, &Call) -> Result<Xml, Failure>) -> Result<Xml, Failure> {
    let Some(token) = call.text("ClientToken") else { return run(world, call) };
    let key = (call.scope.clone(), call.action.clone(), token.to_owned());
    match world.answered.get(&key) {
        Some((parameters, answer)) if *parameters == call.parameters => Ok(answer.clone()),
        Some(_) => {
            let message = "The request uses the same client token as a previous, but non-identical request.";
            Err(Failure::new("IdempotentParameterMismatch", message))
        }
        None => {
            let answer = run(world, call)?;
            world.answered.insert(key, (call.parameters.clone(), answer.clone()));
            Ok(answer)
        }
    }
}
