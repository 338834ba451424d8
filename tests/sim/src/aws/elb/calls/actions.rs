//! Actions and conditions in a form.
//!
//! Sources: `Action` and the pages of its configurations, `RuleCondition`.

use crate::aws::elb::Tree;
use crate::aws::elb::failures::{invalid, not_simulated};
use crate::aws::elb::model::{Action, ActionKind, Deed, Forward};
use crate::aws::{Call, Failure};

use super::read::{flag, number, required};

/// A type of action: its name, that of its configuration, the fields that must be there, and the others with what they
/// are by default (empty: nothing).
struct Shape {
    kind: ActionKind,
    name: &'static str,
    config: &'static str,
    required: &'static [&'static str],
    optional: &'static [(&'static str, &'static str)],
}

const SHAPES: &[Shape] = &[
    Shape {
        kind: ActionKind::Redirect,
        name: "redirect",
        config: "RedirectConfig",
        required: &["StatusCode"],
        optional: &[
            ("Protocol", "#{protocol}"),
            ("Port", "#{port}"),
            ("Host", "#{host}"),
            ("Path", "/#{path}"),
            ("Query", "#{query}"),
        ],
    },
    Shape {
        kind: ActionKind::FixedResponse,
        name: "fixed-response",
        config: "FixedResponseConfig",
        required: &["StatusCode"],
        optional: &[("MessageBody", ""), ("ContentType", "")],
    },
    Shape {
        kind: ActionKind::AuthenticateOidc,
        name: "authenticate-oidc",
        config: "AuthenticateOidcConfig",
        required: &["Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"],
        optional: &[
            ("ClientSecret", ""),
            ("UseExistingClientSecret", ""),
            ("SessionCookieName", "AWSELBAuthSessionCookie"),
            ("Scope", "openid"),
            ("SessionTimeout", "604800"),
            ("AuthenticationRequestExtraParams", ""),
            ("OnUnauthenticatedRequest", "authenticate"),
        ],
    },
    Shape {
        kind: ActionKind::AuthenticateCognito,
        name: "authenticate-cognito",
        config: "AuthenticateCognitoConfig",
        required: &["UserPoolArn", "UserPoolClientId", "UserPoolDomain"],
        optional: &[
            ("SessionCookieName", "AWSELBAuthSessionCookie"),
            ("Scope", "openid"),
            ("SessionTimeout", "604800"),
            ("AuthenticationRequestExtraParams", ""),
            ("OnUnauthenticatedRequest", "authenticate"),
        ],
    },
    Shape {
        kind: ActionKind::JwtValidation,
        name: "jwt-validation",
        config: "JwtValidationConfig",
        required: &["JwksEndpoint", "Issuer"],
        optional: &[("AdditionalClaims", "")],
    },
];

impl ActionKind {
    pub fn as_str(self) -> &'static str {
        self.shape().map_or("", |shape| shape.name)
    }

    /// The name of the field that its configuration stands in.
    pub fn config_name(self) -> &'static str {
        self.shape().map_or("", |shape| shape.config)
    }

    fn shape(self) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| shape.kind == self)
    }
}

/// A list of actions.
pub fn actions(call: &Call, name: &str) -> Result<Vec<Action>, Failure> {
    call.items(name).iter().map(|item| action(call, item)).collect()
}

/// The same, or `None` where the list is not in the request.
pub fn maybe_actions(call: &Call, name: &str) -> Result<Option<Vec<Action>>, Failure> {
    Ok(Some(actions(call, name)?).filter(|actions| !actions.is_empty()))
}

fn action(call: &Call, item: &str) -> Result<Action, Failure> {
    let order = number(call, &format!("{item}.Order"))?;
    let kind = required(call, &format!("{item}.Type"))?;
    if kind == "forward" {
        return Ok(Action { order, deed: Deed::Forward(forward(call, item)?) });
    }
    let shape = SHAPES.iter().find(|shape| shape.name == kind);
    let shape = shape.ok_or_else(|| invalid(format!("Action type '{kind}' must be one of the known ones")))?;
    let mut config = Tree::read(call, &format!("{item}.{}", shape.config)).unwrap_or_default();
    if let Some(missing) = shape.required.iter().find(|field| config.text(field).is_none()) {
        return Err(invalid(format!("{missing} must be specified for actions of type {kind}")));
    }
    let is_known =
        |field: &str| shape.required.contains(&field) || shape.optional.iter().any(|(name, _)| *name == field);
    if let Some(unknown) = config.names().find(|field| !is_known(field)) {
        return Err(not_simulated(format_args!("{unknown} of actions of type {kind}")));
    }
    for (field, default) in shape.optional.iter().filter(|(_, default)| !default.is_empty()) {
        config.fill(field, default);
    }
    // Secrets go in and don't come out.
    config.remove("ClientSecret");
    config.remove("UseExistingClientSecret");
    Ok(Action { order, deed: Deed::Other { kind: shape.kind, config } })
}

/// In either form; where both are there they say the same. Without a weight it is 1.
fn forward(call: &Call, item: &str) -> Result<Forward, Failure> {
    let single = call.text(&format!("{item}.TargetGroupArn")).map(|arn| (arn.to_owned(), 1));
    let config = format!("{item}.ForwardConfig");
    let tuple = |item: &String| {
        let weight = number(call, &format!("{item}.Weight"))?.unwrap_or(1);
        Ok((required(call, &format!("{item}.TargetGroupArn"))?.to_owned(), weight))
    };
    let items = call.items(&format!("{config}.TargetGroups"));
    let tuples: Vec<(String, u32)> = items.iter().map(tuple).collect::<Result<_, Failure>>()?;
    let stickiness = format!("{config}.TargetGroupStickinessConfig");
    let duration = number(call, &format!("{stickiness}.DurationSeconds"))?;
    let sticky = match (flag(call, &format!("{stickiness}.Enabled"))?, duration) {
        (Some(true), None) => return Err(invalid("DurationSeconds must be specified where stickiness is enabled")),
        (Some(true), duration) => duration,
        _ => None,
    };
    let target_groups = match (single, tuples.as_slice()) {
        (None, []) => return Err(invalid("A target group ARN must be specified for actions of type forward")),
        (Some(single), []) => vec![single],
        (Some((arn, _)), [(other, _)]) if arn != *other => {
            return Err(invalid("TargetGroupArn and ForwardConfig of an action must be about the same target group"));
        }
        (Some(_), [_, _, ..]) => {
            return Err(invalid("TargetGroupArn can't be specified with several target groups in ForwardConfig"));
        }
        _ => tuples,
    };
    Ok(Forward { target_groups, sticky })
}

/// A list of conditions, kept as they are.
pub fn conditions(call: &Call) -> Result<Vec<Tree>, Failure> {
    let condition = |item: &String| {
        let field = required(call, &format!("{item}.Field"))?;
        let config = match field {
            "path-pattern" => "PathPatternConfig",
            "host-header" => "HostHeaderConfig",
            "http-header" => "HttpHeaderConfig",
            "http-request-method" => "HttpRequestMethodConfig",
            "query-string" => "QueryStringConfig",
            "source-ip" => "SourceIpConfig",
            other => return Err(invalid(format!("Condition field '{other}' must be one of the known ones"))),
        };
        let tree = Tree::read(call, item).unwrap_or_default();
        let may_have_values = ["path-pattern", "host-header"].contains(&field);
        let is_known = |name: &str| name == "Field" || name == config || (name == "Values" && may_have_values);
        if let Some(unknown) = tree.names().find(|name| !is_known(name)) {
            return Err(not_simulated(format_args!("{unknown} of conditions on {field}")));
        }
        if tree.names().count() < 2 {
            return Err(invalid(format!("A condition value must be specified for {field}")));
        }
        Ok(tree)
    };
    call.items("Conditions").iter().map(condition).collect()
}
