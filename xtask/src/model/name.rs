//! Names of recipes and layers, and versions: short, safe in a path and in a URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidText;
use crate::{string_conversions, text_type};

const EXPECTED_NAME: &str = "1 to 40 of `a` to `z`, digits and `-`, beginning with a letter";

text_type! {
    /// The name of a recipe: its folder below `recipes/`.
    RecipeName, "a recipe name", is_name, EXPECTED_NAME
}
text_type! {
    /// The name of a layer: its file below `layers/` and the beginning of its zip's name.
    LayerName, "a layer name", is_name, EXPECTED_NAME
}
text_type! {
    /// An upstream version, exactly as upstream writes it.
    Version, "a version", is_version, "1 to 40 of letters, digits, `.`, `+` and `-`, beginning with a digit"
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
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<RecipeRef, InvalidText> {
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

string_conversions!(RecipeRef);

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
