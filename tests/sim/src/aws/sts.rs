//! The Security Token Service: who a caller is.

use super::answer::Xml;
use super::{Call, Failure, World};

/// Source: `GetCallerIdentity` in the STS API reference.
pub fn handle(_world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let account = &call.scope.account;
    match call.action.as_str() {
        "GetCallerIdentity" => Ok(Xml::new()
            .text("Arn", format!("arn:aws:iam::{account}:user/simulated"))
            .text("UserId", "AIDASIMULATED")
            .text("Account", account)),
        other => Err(Failure::new("InvalidAction", format!("{other} is not simulated"))),
    }
}
