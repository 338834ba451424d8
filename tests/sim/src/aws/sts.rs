//! The Security Token Service: who a caller is, and how it becomes another.
//!
//! Sources: `GetCallerIdentity`, `AssumeRole` in the STS API reference.

use std::time::Duration;

use super::answer::Xml;
use super::{Call, Failure, World};

/// After so many seconds the credentials of a role end, unless the call says otherwise. Source: `AssumeRole`.
const SECONDS: u32 = 3600;

pub fn handle(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    match call.action.as_str() {
        "GetCallerIdentity" => Ok(identity(call)),
        "AssumeRole" => assume_role(world, call),
        other => Err(Failure::new("InvalidAction", format!("{other} is not simulated"))),
    }
}

/// A call is known by its account only, so callers with an assumed role are told to be users too.
fn identity(call: &Call) -> Xml {
    let account = &call.scope.account;
    Xml::new()
        .text("Arn", format!("arn:aws:iam::{account}:user/simulated"))
        .text("UserId", "AIDASIMULATED")
        .text("Account", account)
}

fn assume_role(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let (role, session) = (required(call, "RoleArn")?, required(call, "RoleSessionName")?);
    let allowed = ["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"];
    if let Some(other) = call.parameters.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(invalid(format!("the parameter {other} of AssumeRole is not simulated")));
    }
    let seconds = call.number::<u32>("DurationSeconds")?;
    if seconds.is_some_and(|seconds| !(900..=43_200).contains(&seconds)) {
        return Err(invalid("DurationSeconds must be from 900 to 43200".into()));
    }
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, name] = parts[..] else {
        return Err(invalid(format!("{role} is invalid")));
    };
    let Some(name) = name.strip_prefix("role/").filter(|_| world.roles.contains(role)) else {
        let user = format!("arn:aws:iam::{}:user/simulated", call.scope.account);
        let message = format!("User: {user} is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(Failure::new("AccessDenied", message).with_status(403));
    };
    // A role's path is no part of what its sessions are called.
    let name = name.rsplit('/').next().unwrap_or_default();
    let (key, secret) = world.new_key("ASIA", account);
    let end = world.now + Duration::from_secs(seconds.unwrap_or(SECONDS).into());
    world.ends_by_key.insert(key.clone(), end);
    // To the second, as AWS tells it; never later than the end.
    let expiration = world.beginning.saturating_add(Duration::from_secs(end.as_secs())).unwrap_or(world.beginning);
    let credentials = Xml::new()
        .text("AccessKeyId", &key)
        .text("SecretAccessKey", secret)
        .text("SessionToken", format!("session-of-{key}"))
        .text("Expiration", expiration);
    let assumed = Xml::new()
        .text("AssumedRoleId", format!("AROASIMULATED:{session}"))
        .text("Arn", format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}"));
    Ok(Xml::new().nested("Credentials", credentials).nested("AssumedRoleUser", assumed))
}

fn required<'a>(call: &'a Call, name: &str) -> Result<&'a str, Failure> {
    call.text(name).ok_or_else(|| invalid(format!("{name} is required")))
}

fn invalid(message: String) -> Failure {
    Failure::new("ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Answer, Scope};

    const ROLE: &str = "arn:aws:iam::444455556666:role/teams/sgbind";

    fn ask(world: &mut World, form: &str) -> Answer {
        let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
        world.answer(&Call::read(format!("Version=2011-06-15&{form}").as_bytes(), scope), Duration::ZERO)
    }

    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(found, _)| found)
    }

    #[test]
    fn the_key_of_an_assumed_role_is_of_the_roles_account() {
        let mut world = World::new(1);
        world.beginning = "2030-01-01T00:00:00Z".parse().unwrap();
        world.add_role(ROLE);
        let answer = ask(&mut world, &format!("Action=AssumeRole&RoleSessionName=s&RoleArn={ROLE}"));
        let (key, secret) = (
            between(&answer.body, "<AccessKeyId>", "</AccessKeyId>").to_owned(),
            between(&answer.body, "<SecretAccessKey>", "</SecretAccessKey>").to_owned(),
        );
        let expected = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>\
             {secret}</SecretAccessKey><SessionToken>session-of-{key}</SessionToken><Expiration>2030-01-01T01:00:00Z\
             </Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROASIMULATED:s</AssumedRoleId><Arn>arn:aws:sts\
             ::444455556666:assumed-role/sgbind/s</Arn></AssumedRoleUser></AssumeRoleResult><ResponseMetadata>\
             <RequestId>simulated</RequestId></ResponseMetadata></AssumeRoleResponse>"
        );
        assert_eq!((answer.status, answer.body), (200, expected));
        let header = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/ec2/aws4_request, SignedHeaders=a");
        let scope = Scope { account: "444455556666".into(), region: "us-east-1".into() };
        assert_eq!(world.scope_of(&header), Ok(scope.clone()));
        world.advance(Duration::from_secs(3599));
        assert_eq!(world.scope_of(&header), Ok(scope));
        world.advance(Duration::from_secs(3600));
        assert_eq!(world.scope_of(&header).map_err(|failure| failure.code), Err("ExpiredToken".into()));
    }

    #[test]
    fn a_role_that_trusts_nobody_any_more_can_not_be_assumed() {
        let mut world = World::new(1);
        world.add_role(ROLE);
        world.remove_role(ROLE);
        let answer = ask(&mut world, &format!("Action=AssumeRole&RoleSessionName=s&RoleArn={ROLE}"));
        assert_eq!((answer.status, between(&answer.body, "<Code>", "</Code>")), (403, "AccessDenied"));
    }

    #[test]
    fn a_role_that_nobody_declared_can_not_be_assumed() {
        let answer = ask(&mut World::new(1), &format!("Action=AssumeRole&RoleSessionName=s&RoleArn={ROLE}"));
        let expected = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
             arn:aws:iam::123456789012:user/simulated is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::444455556666:role/teams/sgbind</Message></Error><RequestId>simulated</RequestId></ErrorResponse>";
        assert_eq!((answer.status, answer.body.as_str()), (403, expected));
    }

    #[test]
    fn a_caller_is_told_its_account() {
        let answer = ask(&mut World::new(1), "Action=GetCallerIdentity");
        assert_eq!(between(&answer.body, "<Account>", "</Account>"), "123456789012");
    }

    #[test]
    fn an_unknown_key_is_of_the_home_account_and_a_bad_header_is_refused() {
        let mut world = World::new(1);
        let (key, _) = world.add_account("111122223333");
        let scope_of = |key: &str| {
            let header = format!("AWS4-HMAC-SHA256 SignedHeaders=a, Credential={key}/20260101/r/ec2/aws4_request");
            world.scope_of(&header).map(|scope| (scope.account, scope.region)).map_err(|failure| failure.code)
        };
        assert_eq!(scope_of(&key), Ok(("111122223333".into(), "r".into())));
        assert_eq!(scope_of("AKIAOTHER"), Ok(("123456789012".into(), "r".into())));
        assert_eq!(scope_of(""), Err("IncompleteSignature".into()));
        assert_eq!(world.scope_of("Bearer x").map_err(|it| (it.status, it.code)).unwrap_err().0, 403);
    }
}
