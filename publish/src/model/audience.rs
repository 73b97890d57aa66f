//! Who may use a layer, besides the account that owns it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an {what}: expected {expected}")]
pub struct InvalidId {
    text: String,
    what: &'static str,
    expected: &'static str,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $expected:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<$type, InvalidId> {
                if $check(text) {
                    Ok($type(text.to_owned()))
                } else {
                    Err(InvalidId { text: text.to_owned(), what: $what, expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<$type, InvalidId> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0
            }
        }
    };
}

id_type! {
    /// The identifier of an AWS organisation.
    OrganizationId, "AWS organization", "`o-` and 10 to 32 of `a` to `z` and digits", is_organization
}
id_type! {
    /// The number of an AWS account.
    AccountId, "AWS account", "12 digits", is_account
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
