//! Versions of glibc, as they appear in symbol versions such as `GLIBC_2.17`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::string_conversions;

/// A glibc release, ordered as releases are (2.4 < 2.17 < 2.34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GlibcVersion {
    major: u16,
    minor: u16,
    patch: u16,
}

impl GlibcVersion {
    /// `major.minor`, as every glibc since 2.0 is named, bar a few `2.x.y` symbol versions.
    pub const fn new(major: u16, minor: u16) -> GlibcVersion {
        GlibcVersion { major, minor, patch: 0 }
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch != 0 {
            write!(f, ".{}", self.patch)?;
        }
        Ok(())
    }
}

/// The text is not a glibc version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a glibc version: expected something like 2.17")]
pub struct InvalidGlibcVersion(String);

impl FromStr for GlibcVersion {
    type Err = InvalidGlibcVersion;

    fn from_str(text: &str) -> Result<GlibcVersion, InvalidGlibcVersion> {
        let parts: Option<Vec<u16>> = text.split('.').map(|part| part.parse().ok()).collect();
        match parts.as_deref() {
            Some(&[major, minor]) => Ok(GlibcVersion { major, minor, patch: 0 }),
            Some(&[major, minor, patch]) => Ok(GlibcVersion { major, minor, patch }),
            _ => Err(InvalidGlibcVersion(text.to_owned())),
        }
    }
}

string_conversions!(GlibcVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_releases_do() {
        let versions = ["2.2.5", "2.4", "2.17", "2.34"].map(|text| text.parse::<GlibcVersion>().expect(text));
        assert!(versions.is_sorted());
        assert_eq!(versions[0].to_string(), "2.2.5");
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "2", "2.x", "PRIVATE", "2.17.1.1", "-2.17"] {
            assert!(text.parse::<GlibcVersion>().is_err(), "{text}");
        }
    }
}
