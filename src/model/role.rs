use std::collections::BTreeMap;
use std::fmt;

use super::{AccountId, is_account};

/// A role that may be assumed, and the account to work in by it. Written `ACCOUNT=ROLE-ARN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRole {
    account: AccountId,
    arn: String,
}

/// Why a text is not such a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAccountRole {
    #[error(
        "{0:?} is not an account's role: expected ACCOUNT=ROLE-ARN, such as \
         123456789012=arn:aws:iam::123456789012:role/sgbind"
    )]
    Form(String),
    #[error("{0:?} is not an AWS account: expected 12 digits, before the '='")]
    Account(String),
    #[error("{0:?} is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME")]
    Arn(String),
    #[error("the role {arn} is not of account {account}, but of {owner}: expected the account that has the role")]
    OtherAccount { account: String, arn: String, owner: String },
}

impl std::str::FromStr for AccountRole {
    type Err = NotAnAccountRole;

    fn from_str(text: &str) -> Result<Self, NotAnAccountRole> {
        let text = text.trim();
        let (account, arn) = text.split_once('=').ok_or_else(|| NotAnAccountRole::Form(text.to_owned()))?;
        if !is_account(account) {
            return Err(NotAnAccountRole::Account(account.to_owned()));
        }
        match owner_of(arn) {
            None => Err(NotAnAccountRole::Arn(arn.to_owned())),
            Some(owner) if owner != account => {
                Err(NotAnAccountRole::OtherAccount { account: account.into(), arn: arn.into(), owner: owner.into() })
            }
            Some(_) => Ok(Self { account: account.into(), arn: arn.to_owned() }),
        }
    }
}

/// The account of a role's ARN, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
///
/// Source: "IAM identifiers" and "IAM and AWS STS quotas" in the IAM user guide, for the letters of names and paths.
fn owner_of(arn: &str) -> Option<&str> {
    let ["arn", partition, "iam", "", account, resource] = arn.splitn(6, ':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let path_and_name = resource.strip_prefix("role/")?;
    let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    let is_role = (1..=64).contains(&name.len()) && name.bytes().all(is_name);
    let is_path = path.bytes().all(|byte| byte.is_ascii_graphic());
    let is_partition = partition == "aws" || partition.starts_with("aws-");
    (is_partition && is_account(account) && is_role && is_path).then_some(account)
}

impl AccountRole {
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    pub fn arn(&self) -> &str {
        &self.arn
    }
}

impl fmt::Display for AccountRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.account, self.arn)
    }
}

/// The roles that may be assumed: one at the most for each account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRoles(BTreeMap<AccountId, AccountRole>);

/// Two roles were given for one account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account {account} is given twice, with {first} and {second}: expected one role for each account")]
pub struct TwoRoles {
    account: AccountId,
    first: String,
    second: String,
}

impl AccountRoles {
    /// # Errors
    /// An account is given twice, be it with the same role.
    pub fn new(roles: impl IntoIterator<Item = AccountRole>) -> Result<Self, TwoRoles> {
        let mut of_accounts = BTreeMap::new();
        for role in roles {
            if let Some(AccountRole { account, arn: first }) = of_accounts.insert(role.account.clone(), role.clone()) {
                return Err(TwoRoles { account, first, second: role.arn });
            }
        }
        Ok(Self(of_accounts))
    }

    pub fn iter(&self) -> impl Iterator<Item = &AccountRole> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Result<AccountRole, String> {
        text.parse().map_err(|error: NotAnAccountRole| error.to_string())
    }

    #[test]
    fn roles_are_read_with_their_account() {
        for arn in [
            "arn:aws:iam::111122223333:role/sgbind",
            "arn:aws:iam::111122223333:role/teams/network/sgbind.prod@eu",
            "arn:aws-cn:iam::111122223333:role/sgbind",
        ] {
            let role = role(&format!(" 111122223333={arn}")).unwrap();
            assert_eq!((role.account().as_str(), role.arn()), ("111122223333", arn));
            assert_eq!(role.to_string(), format!("111122223333={arn}"));
        }
    }

    #[test]
    fn what_is_no_role_is_refused_with_what_was_expected() {
        let arn = "arn:aws:iam::111122223333:role/sgbind";
        let example = "expected ACCOUNT=ROLE-ARN, such as 123456789012=arn:aws:iam::123456789012:role/sgbind";
        assert_eq!(role("").unwrap_err(), format!("\"\" is not an account's role: {example}"));
        assert_eq!(role(arn).unwrap_err(), format!("{arn:?} is not an account's role: {example}"));
        for account in ["", "11112222333", "1111222233334", "11112222333x"] {
            let expected = format!("{account:?} is not an AWS account: expected 12 digits, before the '='");
            assert_eq!(role(&format!("{account}={arn}")).unwrap_err(), expected);
        }
        for arn in [
            "",
            "sgbind",
            "arn:aws:iam::111122223333:user/sgbind",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/teams/",
            "arn:aws:iam::111122223333:role/sg bind",
            "arn:aws:iam::11112222333:role/sgbind",
            "arn:aws:iam:eu-central-1:111122223333:role/sgbind",
            "arn:aws:sts::111122223333:assumed-role/sgbind/session",
            "arn:other:iam::111122223333:role/sgbind",
        ] {
            let expected = format!("{arn:?} is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME");
            assert_eq!(role(&format!("111122223333={arn}")).unwrap_err(), expected);
        }
        let other = "arn:aws:iam::444455556666:role/sgbind";
        let expected = format!(
            "the role {other} is not of account 111122223333, but of 444455556666: expected the account that has the role"
        );
        assert_eq!(role(&format!("111122223333={other}")).unwrap_err(), expected);
    }

    #[test]
    fn an_account_has_one_role() {
        let one = role("111122223333=arn:aws:iam::111122223333:role/one").unwrap();
        let two = role("111122223333=arn:aws:iam::111122223333:role/two").unwrap();
        let other = role("444455556666=arn:aws:iam::444455556666:role/one").unwrap();
        let roles = AccountRoles::new([other.clone(), one.clone()]).unwrap();
        assert_eq!(roles.iter().collect::<Vec<_>>(), [&one, &other]);
        let error = AccountRoles::new([one.clone(), other, two]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "account 111122223333 is given twice, with arn:aws:iam::111122223333:role/one and \
             arn:aws:iam::111122223333:role/two: expected one role for each account"
        );
        assert!(AccountRoles::new([one.clone(), one]).is_err());
    }
}
