//! What is recorded of a call.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

/// One call, as it was asked and answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub action: String,
    /// The access key that signed it.
    pub caller: String,
    /// The form's fields, decoded.
    pub parameters: BTreeMap<String, String>,
    /// What AWS answered; `None` if it was not asked, or not yet.
    pub answered: Option<Answer>,
    /// What the caller was told; `None` if nothing, or not yet.
    pub told: Option<Answer>,
    pub began: Instant,
    pub ended: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        self.status == 200
    }
}

impl Call {
    /// `target` names the action where the protocol is JSON: `ServiceQuotasV20190624.GetServiceQuota`.
    pub(super) fn arrived(
        parameters: BTreeMap<String, String>,
        target: Option<&str>,
        caller: String,
        began: Instant,
    ) -> Self {
        let named = target.and_then(|target| Some(target.rsplit_once('.')?.1.to_owned()));
        let action = parameters.get("Action").cloned().or(named).unwrap_or_default();
        Self { action, caller, parameters, answered: None, told: None, began, ended: None }
    }

    /// Whether the call changes something, if it is permitted to.
    pub fn is_write(&self) -> bool {
        let reads = ["Describe", "Get", "List", "AssumeRole"];
        !reads.iter().any(|prefix| self.action.starts_with(prefix)) && self.parameter("DryRun") != Some("true")
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether AWS did it.
    pub fn took_effect(&self) -> bool {
        self.answered.as_ref().is_some_and(Answer::is_success)
    }

    /// The security group that is written.
    pub fn group(&self) -> Option<&str> {
        self.parameter("GroupId")
    }

    pub fn is_authorize(&self) -> bool {
        self.action.starts_with("AuthorizeSecurityGroup")
    }

    pub fn is_revoke(&self) -> bool {
        self.action.starts_with("RevokeSecurityGroup")
    }

    /// The ids of rules in what AWS answered.
    pub fn rules_answered(&self) -> BTreeSet<String> {
        self.answered.as_ref().map(|answer| rule_ids(&answer.body)).unwrap_or_default()
    }

    /// The ids of rules in what the caller was told.
    pub fn rules_told(&self) -> BTreeSet<String> {
        self.told.as_ref().map(|answer| rule_ids(&answer.body)).unwrap_or_default()
    }

    /// The values of parameters whose names begin so, such as `SecurityGroupRuleId.`.
    pub fn values(&self, prefix: &str) -> BTreeSet<&str> {
        self.parameters.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value.as_str()).collect()
    }

    /// An error in the form of the service that was called.
    ///
    /// Sources: "Error responses" of the EC2 API reference; "Common Errors" of the Elastic Load Balancing one.
    pub(super) fn refusal(&self, status: u16, code: &str, message: &str) -> Answer {
        let error = format!("<Code>{code}</Code><Message>{message}</Message>");
        let body = if self.parameter("Version") == Some("2016-11-15") {
            format!("<Response><Errors><Error>{error}</Error></Errors><RequestID>injected</RequestID></Response>")
        } else {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>injected</RequestId></ErrorResponse>"
            )
        };
        Answer { status, body }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        let boring = |name: &str| name == "Action" || name == "Version" || name.starts_with("TagSpecification");
        for (name, value) in self.parameters.iter().filter(|(name, _)| !boring(name)) {
            write!(f, " {name}={value}")?;
        }
        let told = |answer: &Option<Answer>| answer.as_ref().map_or("none".into(), |answer| answer.status.to_string());
        write!(f, " -> answered {}, told {}", told(&self.answered), told(&self.told))
    }
}

/// Calls in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct Calls(pub Vec<Call>);

impl Calls {
    /// Those that change something.
    pub fn writes(&self) -> Calls {
        self.only(Call::is_write)
    }

    pub fn only(&self, wanted: impl Fn(&Call) -> bool) -> Calls {
        Calls(self.0.iter().filter(|call| wanted(call)).cloned().collect())
    }

    pub fn of(&self, action: &str) -> Calls {
        self.only(|call| call.action == action)
    }

    pub fn revokes(&self) -> Calls {
        self.only(Call::is_revoke)
    }

    pub fn authorizes(&self) -> Calls {
        self.only(Call::is_authorize)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(number, call)| writeln!(f, "{number:4} {call}"))
    }
}

fn rule_ids(body: &str) -> BTreeSet<String> {
    body.match_indices("sgr-")
        .map(|(at, _)| {
            let end = body[at + 4..].find(|c: char| !c.is_ascii_hexdigit()).map_or(body.len(), |end| at + 4 + end);
            body[at..end].to_owned()
        })
        .collect()
}

/// The fields of a form. Source: the URL Standard, `application/x-www-form-urlencoded`.
pub fn decode(form: &str) -> BTreeMap<String, String> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn text(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        (rest, _) = match (first, escaped) {
            (b'%', Some(byte)) => (&after[2..], bytes.push(byte)),
            (b'+', _) => (after, bytes.push(b' ')),
            (other, _) => (after, bytes.push(*other)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
