//! Origins: places that serve the exact pinned bytes of an archive.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::string_conversions;

/// Where an archive comes from. Which host serves Debian's or PyPI's files is
/// the machine's business ([`crate::source::mirror`]), not the recipe's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Origin {
    /// `https://…`: upstream's own address.
    Https(String),
    /// `debian:pool/main/…`: a path below a Debian archive's root.
    Debian(String),
    /// `pypi:PROJECT/FILE`: a file of a project in a Python package index.
    Pypi {
        /// The project, normalised as PEP 503 says.
        project: String,
        /// The file's name: a wheel or an sdist.
        file: String,
    },
}

impl Origin {
    /// The name of the file, the last part of every origin.
    pub fn file_name(&self) -> &str {
        match self {
            Origin::Https(url) => url.rsplit('/').next().unwrap_or_default(),
            Origin::Debian(path) => path.rsplit('/').next().unwrap_or_default(),
            Origin::Pypi { file, .. } => file,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Https(url) => f.write_str(url),
            Origin::Debian(path) => write!(f, "debian:{path}"),
            Origin::Pypi { project, file } => write!(f, "pypi:{project}/{file}"),
        }
    }
}

/// The text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin: expected `https://…`, `debian:pool/…` or `pypi:project/file`")]
pub struct InvalidOrigin(String);

/// A relative path that stays where it is: no empty, `.` or `..` part, nothing a URL would read otherwise.
fn is_plain_path(path: &str) -> bool {
    path.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+~".contains(&byte))
    })
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Origin, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        if let Some(rest) = text.strip_prefix("https://") {
            let (host, path) = rest.split_once('/').ok_or_else(invalid)?;
            if is_plain_path(host) && is_plain_path(path) {
                return Ok(Origin::Https(text.to_owned()));
            }
        } else if let Some(path) = text.strip_prefix("debian:") {
            if path.starts_with("pool/") && is_plain_path(path) {
                return Ok(Origin::Debian(path.to_owned()));
            }
        } else if let Some((project, file)) = text.strip_prefix("pypi:").and_then(|rest| rest.split_once('/'))
            && is_plain_path(project)
            && is_plain_path(file)
            && !file.contains('/')
        {
            return Ok(Origin::Pypi { project: project.to_owned(), file: file.to_owned() });
        }
        Err(invalid())
    }
}

string_conversions!(Origin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_read_back_and_know_their_file() {
        for (text, file) in [
            ("https://curl.se/download/curl-8.21.0.tar.gz", "curl-8.21.0.tar.gz"),
            ("debian:pool/main/z/zlib/zlib_1.3.dfsg+really1.3.2.orig.tar.gz", "zlib_1.3.dfsg+really1.3.2.orig.tar.gz"),
            ("pypi:ziglang/ziglang-0.15.2-py3-none-any.whl", "ziglang-0.15.2-py3-none-any.whl"),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.to_string(), text);
            assert_eq!(origin.file_name(), file);
        }
    }

    #[test]
    fn refuses_what_is_not_pinned_or_not_safe() {
        for text in [
            "http://example.org/a.tar.gz",
            "https://example.org",
            "https://user:secret@example.org/a",
            "https://example.org/../a",
            "https://example.org/a?b",
            "debian:/etc/passwd",
            "debian:pool/../x",
            "pypi:ziglang",
            "pypi:a/b/c",
            "ftp://example.org/a",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
