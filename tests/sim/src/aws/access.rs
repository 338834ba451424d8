//! Whose call it is, and whether it may be made.

use super::query::Api;
use super::{Call, Failure, Scope, World};

/// The account of access keys that nobody declared.
pub const HOME_ACCOUNT: &str = "123456789012";

impl World {
    /// Makes a key for an account, and answers its id and secret.
    pub fn add_account(&mut self, account: &str) -> (String, String) {
        self.new_key("AKIA", account)
    }

    /// Declares a role that can be assumed, by its ARN: `arn:aws:iam::ACCOUNT:role/NAME`.
    pub fn add_role(&mut self, arn: &str) {
        self.roles.insert(arn.to_owned());
    }

    /// From now on the role trusts nobody. Who has assumed it goes on until the credentials end.
    pub fn remove_role(&mut self, arn: &str) {
        self.roles.remove(arn);
    }

    /// The account and Region of a request, by its header `Authorization`.
    ///
    /// Sources: "Create a signed AWS API request" in the IAM user guide; signatures are not checked. "Common Errors" in
    /// the STS API reference, for credentials that have ended.
    pub fn scope_of(&self, authorization_header: &str) -> Result<Scope, Failure> {
        let incomplete =
            |what: &str| Failure::new("IncompleteSignature", format!("The Authorization header has no valid {what}"));
        let rest = authorization_header.trim().strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| {
            let message = "Request is missing Authentication Token";
            Failure::new("MissingAuthenticationToken", message).with_status(403)
        })?;
        let mut parts = rest.split(',').map(str::trim);
        let credential =
            parts.find_map(|part| part.strip_prefix("Credential=")).ok_or_else(|| incomplete("Credential"))?;
        let [key, _date, region, _service, "aws4_request"] = credential.split('/').collect::<Vec<_>>()[..] else {
            return Err(incomplete("credential scope"));
        };
        if key.is_empty() || region.is_empty() {
            return Err(incomplete("credential scope"));
        }
        if self.ends_by_key.get(key).is_some_and(|end| *end <= self.now) {
            let message = "The security token included in the request is expired";
            return Err(Failure::new("ExpiredToken", message).with_status(403));
        }
        let account = self.accounts_by_key.get(key).map_or(HOME_ACCOUNT, String::as_str);
        Ok(Scope { account: account.to_owned(), region: region.to_owned() })
    }

    /// Takes the permission for an action, such as `CreateTags`, from everyone in an account.
    pub fn deny(&mut self, account: &str, action: &str) {
        self.denied.insert((account.to_owned(), action.to_owned()));
    }

    /// Gives it back.
    pub fn allow(&mut self, account: &str, action: &str) {
        self.denied.remove(&(account.to_owned(), action.to_owned()));
    }

    /// A call that tags what it makes needs the permission to tag, too.
    ///
    /// Source: "Grant permission to tag Amazon EC2 resources during creation" in the EC2 user guide.
    pub(super) fn check_permission(&self, call: &Call) -> Result<(), Failure> {
        let is_denied = |action: &str| self.denied.contains(&(call.scope.account.clone(), action.to_owned()));
        let tags = call.api() == Some(Api::Ec2) && !call.items("TagSpecification").is_empty();
        let tagging = tags.then_some("CreateTags");
        let mut needed = [Some(call.action.as_str()), tagging].into_iter().flatten();
        // Source: "You do not need permissions to call GetCallerIdentity" in the STS API reference.
        match needed.find(|action| is_denied(action)).filter(|action| *action != "GetCallerIdentity") {
            Some(action) => Err(denial(call, action)),
            None => Ok(()),
        }
    }

    /// A key's id and secret.
    pub(super) fn new_key(&mut self, prefix: &str, account: &str) -> (String, String) {
        let letters = |chance: &mut fastrand::Rng, count: usize| {
            std::iter::repeat_with(|| chance.alphanumeric()).take(count).collect::<String>()
        };
        let id = format!("{prefix}{}", letters(&mut self.chance, 16).to_uppercase());
        let secret = letters(&mut self.chance, 40);
        self.accounts_by_key.insert(id.clone(), account.to_owned());
        (id, secret)
    }
}

fn denial(call: &Call, action: &str) -> Failure {
    let account = &call.scope.account;
    let (service, code) = match call.api() {
        Some(Api::Elb) => ("elasticloadbalancing", "AccessDenied"),
        Some(Api::Sts) => ("sts", "AccessDenied"),
        Some(Api::Quotas) => ("servicequotas", "AccessDeniedException"),
        _ => ("ec2", "UnauthorizedOperation"),
    };
    let user = format!("User: arn:aws:iam::{account}:user/simulated");
    let message = format!(
        "{user} is not authorized to perform: {service}:{action} because no identity-based policy allows the \
         {service}:{action} action"
    );
    let opening =
        if code == "UnauthorizedOperation" { "You are not authorized to perform this operation. " } else { "" };
    // Source: Smithy's JSON protocols answer all of the caller's errors with 400.
    let status = if call.api() == Some(Api::Quotas) { 400 } else { 403 };
    Failure::new(code, format!("{opening}{message}")).with_status(status)
}
