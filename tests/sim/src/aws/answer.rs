//! XML goes out, and JSON where that came in.

use std::fmt::{self, Write};

use serde_json::json;

use super::Call;
use super::query::Api;

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// An error of AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status: 400 for the caller's errors, 403 for missing permission, 503 for throttling by EC2.
    pub status: u16,
    /// Such as `InvalidGroup.NotFound`.
    pub code: String,
    pub message: String,
}

impl Failure {
    /// One of the caller's making.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

impl Answer {
    /// The form of success of the API that was called; `inner` is XML, or JSON for Service Quotas.
    pub fn success(call: &Call, inner: &str) -> Self {
        let action = &call.action;
        let body = match call.api() {
            Some(Api::Quotas) => inner.to_owned(),
            Some(Api::Elb | Api::Sts) => format!(
                "<{action}Response><{action}Result>{inner}</{action}Result><ResponseMetadata><RequestId>simulated\
                 </RequestId></ResponseMetadata></{action}Response>"
            ),
            _ => format!("<{action}Response><requestId>simulated</requestId>{inner}</{action}Response>"),
        };
        Self { status: 200, body }
    }

    /// The form of failure of the API that was called.
    ///
    /// Sources: "Error responses" of the EC2 API reference; "Common Errors" of the Elastic Load Balancing one.
    pub fn failure(call: &Call, failure: &Failure) -> Self {
        let error = Xml::new().text("Code", &failure.code).text("Message", &failure.message);
        let body = match call.api() {
            Some(Api::Quotas) => json!({"__type": failure.code, "message": failure.message}).to_string(),
            Some(Api::Elb | Api::Sts) => format!(
                "<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>simulated</RequestId></ErrorResponse>"
            ),
            _ => {
                format!("<Response><Errors><Error>{error}</Error></Errors><RequestID>simulated</RequestID></Response>")
            }
        };
        Self { status: failure.status, body }
    }
}

/// Elements, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Xml(String);

impl Xml {
    pub fn new() -> Self {
        Self::default()
    }

    /// `<name>value</name>`, escaped.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        self.open(name);
        for character in value.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                other => self.0.push(other),
            }
        }
        self.close(name)
    }

    /// The same where there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// `<name>` around other elements.
    #[must_use]
    pub fn nested(mut self, name: &str, inner: Xml) -> Self {
        self.open(name);
        self.0.push_str(&inner.0);
        self.close(name)
    }

    /// A list: `<name>` around an `<item>` (EC2) or `<member>` (ELBv2) for each.
    #[must_use]
    pub fn list(mut self, name: &str, item: &str, items: impl IntoIterator<Item = Xml>) -> Self {
        self.open(name);
        for each in items {
            self = self.nested(item, each);
        }
        self.close(name)
    }

    fn open(&mut self, name: &str) {
        let _ = write!(self.0, "<{name}>");
    }

    fn close(mut self, name: &str) -> Self {
        let _ = write!(self.0, "</{name}>");
        self
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_escaped() {
        let xml =
            Xml::new().text("a", "1 < 2 & 3").maybe("b", None::<u8>).list("set", "item", [Xml::new().text("c", 1)]);
        assert_eq!(xml.to_string(), "<a>1 &lt; 2 &amp; 3</a><set><item><c>1</c></item></set>");
    }
}
