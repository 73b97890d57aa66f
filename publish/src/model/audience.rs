//! Who may use a layer, besides the account that owns it.

use std::fmt;

use serde::{Deserialize, Serialize};
use xtask::text_type;

/// Somebody a layer version is shared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Every account.
    Public,
    /// Every account of an AWS organisation.
    Organization(OrganizationId),
    /// One AWS account.
    Account(AccountId),
}

impl Audience {
    /// The name of the statement that grants it, which is the same every time.
    pub fn statement(&self) -> String {
        match self {
            Audience::Public => "media-layers-public".to_owned(),
            Audience::Organization(id) => format!("media-layers-{id}"),
            Audience::Account(id) => format!("media-layers-account-{id}"),
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Audience::Public => f.write_str("everyone"),
            Audience::Organization(id) => write!(f, "organization {id}"),
            Audience::Account(id) => write!(f, "account {id}"),
        }
    }
}

text_type! {
    /// The identifier of an AWS organisation.
    OrganizationId, "an AWS organization", is_organization, "`o-` and 10 to 32 of `a` to `z` and digits"
}
text_type! {
    /// The number of an AWS account.
    AccountId, "an AWS account", is_account, "12 digits"
}

fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|rest| {
        (10..=32).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_checked() {
        assert!("o-a1b2c3d4e5".parse::<OrganizationId>().is_ok());
        assert!("123456789012".parse::<AccountId>().is_ok());
        for text in ["", "o-", "O-A1B2C3D4E5", "o-a1b2c3d4e", "a1b2c3d4e5", "o-a1b2c3d4e5*"] {
            assert!(text.parse::<OrganizationId>().is_err(), "{text}");
        }
        let error = "12345678901".parse::<AccountId>().expect_err("short").to_string();
        assert_eq!(error, "`12345678901` is not an AWS account: expected 12 digits");
    }
}
