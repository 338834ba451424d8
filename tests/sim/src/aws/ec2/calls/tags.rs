//! Calls about tags.

use super::super::tags::Untag;
use super::{Operation, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, World};

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "CreateTags", parameters: &[&["ResourceId", "Tag.Key", "Tag.Value"]], run: create },
    Operation { action: "DeleteTags", parameters: &[&["ResourceId", "Tag.Key", "Tag.Value"]], run: delete },
];

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let resources = forms::some(call, "ResourceId")?;
    let tags = forms::tags(call, "Tag")?;
    if tags.is_empty() {
        return Err(Failure::new("MissingParameter", "The request must contain the parameter Tag"));
    }
    world.create_tags(&call.scope, &resources, &tags)?;
    Ok(forms::done())
}

fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let resources = forms::some(call, "ResourceId")?;
    let mut untag = Vec::new();
    for item in call.items("Tag") {
        let key = call.required(&format!("{item}.Key"))?.to_owned();
        untag.push(Untag { key, value: call.parameters.get(&format!("{item}.Value")).cloned() });
    }
    world.delete_tags(&call.scope, &resources, &untag)?;
    Ok(forms::done())
}
