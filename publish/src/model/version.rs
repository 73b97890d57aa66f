//! Versions of layers, as clouds report them.

use std::collections::BTreeSet;

use serde::Serialize;
use xtask::model::Sha256;
use xtask::ui::foreign::foreign;

/// What precedes the digest in a description.
const MARK: &str = "sha256:";
/// The most characters of a version's name: those of the longest parts that AWS allows, and some to spare.
const LONGEST_NAME: usize = 300;

/// One version in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its number; a cloud never gives one twice.
    pub number: u64,
    /// Its name in the cloud.
    pub arn: String,
    /// What it was published with.
    pub description: String,
}

/// A version as no cloud would name one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a version that is named `{}`", foreign(.0))]
pub struct InvalidName(String);

impl Version {
    /// A version as a cloud tells of it. Its name is printed, recorded and becomes part of pages, so it must be one.
    ///
    /// # Errors
    /// If it is not.
    pub fn new(number: u64, arn: &str, description: &str) -> Result<Version, InvalidName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/_.-".contains(&byte);
        if arn.is_empty() || arn.len() > LONGEST_NAME || !arn.bytes().all(plain) {
            return Err(InvalidName(arn.to_owned()));
        }
        Ok(Version { number, arn: arn.to_owned(), description: description.to_owned() })
    }

    /// The digest of its zip, as far as its description tells one.
    pub fn claims(&self) -> Option<Sha256> {
        let (_, after) = self.description.rsplit_once(MARK)?;
        after.get(..64)?.parse().ok()
    }
}

/// One version, read on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What a list has of it too.
    pub version: Version,
    /// Of its zip, if the cloud tells.
    pub sha256: Option<Sha256>,
    /// Bytes of its zip.
    pub size: u64,
    /// The runtimes it is offered for.
    pub runtimes: BTreeSet<String>,
    /// The architectures it is offered for, if the cloud knows more than one.
    pub architectures: Option<BTreeSet<String>>,
    /// Its licence.
    pub license: String,
}

/// A description that ends in the digest of the zip, by which a version is recognised: lists of versions have the
/// description, and not the digest that the cloud itself computes.
pub fn description(summary: &str, version: &str, sha256: Sha256) -> String {
    format!("{summary}; {version}; {MARK}{sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(description: &str) -> Version {
        Version { number: 1, arn: String::new(), description: description.to_owned() }
    }

    #[test]
    fn a_description_tells_the_digest() {
        let digest = Sha256::of("abc");
        assert_eq!(version(&description("a sha256:x tool", "1.2", digest)).claims(), Some(digest));
        assert_eq!(version(&format!("by hand, sha256:{digest} of it")).claims(), Some(digest));
        for text in ["", "sha256:", "sha256:12", &format!("sha256:{}", "G".repeat(64)), &digest.to_string()] {
            assert_eq!(version(text).claims(), None, "{text}");
        }
    }
}
