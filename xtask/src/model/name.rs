//! Names of recipes and layers, and versions: short, safe in a path and in a URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name or version that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: expected {expected}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    expected: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:ident, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<$type, InvalidName> {
                if $check(text) {
                    Ok($type(text.to_owned()))
                } else {
                    Err(InvalidName { what: $what, text: text.to_owned(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<$type, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

const EXPECTED_NAME: &str = "1 to 40 of `a` to `z`, digits and `-`, beginning with a letter";

name_type! {
    /// The name of a recipe: its folder below `recipes/`.
    RecipeName, "recipe name", is_name, EXPECTED_NAME
}
name_type! {
    /// The name of a layer: its file below `layers/` and the beginning of its zip's name.
    LayerName, "layer name", is_name, EXPECTED_NAME
}
name_type! {
    /// An upstream version, exactly as upstream writes it.
    Version, "version", is_version, "1 to 40 of letters, digits, `.`, `+` and `-`, beginning with a digit"
}

fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_version(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte))
}

/// A recipe, and optionally one of its versions: `curl` or `curl@8.21.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecipeRef {
    /// Which recipe.
    pub name: RecipeName,
    /// Which version; the newest where none is named.
    pub version: Option<Version>,
}

impl FromStr for RecipeRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<RecipeRef, InvalidName> {
        Ok(match text.split_once('@') {
            Some((name, version)) => RecipeRef { name: name.parse()?, version: Some(version.parse()?) },
            None => RecipeRef { name: text.parse()?, version: None },
        })
    }
}

impl fmt::Display for RecipeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl TryFrom<String> for RecipeRef {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<RecipeRef, InvalidName> {
        text.parse()
    }
}

impl From<RecipeRef> for String {
    fn from(reference: RecipeRef) -> String {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_back() {
        for text in ["curl", "curl@8.21.0", "zlib@1.3.dfsg+really1.3.2"] {
            assert_eq!(text.parse::<RecipeRef>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn names_that_could_leave_a_folder_are_refused() {
        for text in ["", "..", "a/b", "Curl", "a b", "-a", "curl@", "curl@../x", "@1", &"a".repeat(41)] {
            assert!(text.parse::<RecipeRef>().is_err(), "{text}");
        }
        assert_eq!(
            "Curl".parse::<RecipeName>().expect_err("upper case").to_string(),
            "`Curl` is not a recipe name: expected 1 to 40 of `a` to `z`, digits and `-`, beginning with a letter"
        );
    }
}
