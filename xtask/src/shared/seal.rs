//! Seals: statements of what a package consists of, which only a machine with the secret can make.

use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::error::invalid;
use crate::model::Sha256;
use crate::plan::Key;

/// The version of the format; an entry of another is of no use and is replaced.
const FORMAT: u32 = 1;

/// The fewest bytes of a secret: as many as 128 random bits have in base64.
const SHORTEST: usize = 22;

/// What the machines that share a cache have in common, and nobody else.
pub struct Secret(hmac::Key);

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose result it is.
    pub key: Key,
    /// The digest of its files.
    pub tree: Sha256,
    /// Of the archive that holds them.
    pub archive: Sha256,
    /// Bytes of the archive.
    pub size: u64,
}

/// `packages/<key>.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    format: u32,
    key: Key,
    tree: Sha256,
    archive: Sha256,
    size: u64,
    /// HMAC-SHA256 of all the others.
    seal: Sha256,
}

impl Secret {
    /// A secret of these characters.
    ///
    /// # Errors
    /// It is too short to be one.
    pub fn new(text: &str) -> Result<Secret> {
        if text.len() < SHORTEST {
            return Err(invalid(format!(
                "the secret of the shared cache has fewer than {SHORTEST} characters\n\nhint: make one with `head -c 24 /dev/urandom | base64`, and give it to every machine that shares the cache"
            )));
        }
        Ok(Secret(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Entry {
    /// The name of its archive in the store.
    pub fn archive_name(&self) -> String {
        format!("archives/{}.tar.gz", self.archive)
    }

    /// The text that only somebody with the secret can write.
    pub fn sealed(&self, secret: &Secret) -> Result<String> {
        let tag = hmac::sign(&secret.0, self.message().as_bytes());
        let mut seal = [0; 32];
        seal.copy_from_slice(tag.as_ref());
        let Entry { key, tree, archive, size } = self.clone();
        let sealed = Sealed { format: FORMAT, key, tree, archive, size, seal: Sha256::from_bytes(seal) };
        Ok(serde_json::to_string_pretty(&sealed)? + "\n")
    }

    /// Reads what [`Entry::sealed`] wrote, for the package of that key.
    ///
    /// # Errors
    /// It was written by somebody else, changed since, or is another package's.
    pub fn open(text: &str, key: Key, secret: &Secret) -> Result<Entry> {
        let sealed: Sealed = serde_json::from_str(text).context("its entry is not one of ours")?;
        if sealed.format != FORMAT {
            bail!("its entry has format {}, and this tool reads {FORMAT}", sealed.format);
        }
        let entry = Entry { key: sealed.key, tree: sealed.tree, archive: sealed.archive, size: sealed.size };
        hmac::verify(&secret.0, entry.message().as_bytes(), sealed.seal.as_bytes())
            .map_err(|_| anyhow::anyhow!("its entry was changed, or sealed with another secret"))?;
        ensure!(entry.key == key, "its entry is that of another package, {}", entry.key);
        Ok(entry)
    }

    fn message(&self) -> String {
        format!("media-layers package {FORMAT}\n{}\n{}\n{}\n{}\n", self.key, self.tree, self.archive, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text).expect("long enough")
    }

    #[test]
    fn what_was_changed_or_sealed_by_others_is_refused() {
        let [key, tree, archive] = ["key", "tree", "archive"].map(Sha256::of);
        let entry = Entry { key, tree, archive, size: 12 };
        let ours = secret("a secret of the tests, 1");
        let text = entry.sealed(&ours).expect("JSON");
        assert_eq!(Entry::open(&text, key, &ours).expect("ours"), entry);
        let refused =
            |text: &str, key, secret: &Secret| Entry::open(text, key, secret).expect_err("refused").to_string();
        let changed = "its entry was changed, or sealed with another secret";
        for (from, to) in [
            (key.to_string(), Sha256::of("another").to_string()),
            (tree.to_string(), Sha256::of("another").to_string()),
            (archive.to_string(), Sha256::of("another").to_string()),
            ("\"size\": 12".to_owned(), "\"size\": 13".to_owned()),
        ] {
            assert_eq!(refused(&text.replace(&from, &to), key, &ours), changed, "{from}");
        }
        assert_eq!(refused(&text, key, &secret("another secret of the tests")), changed);
        assert!(refused(&text, tree, &ours).starts_with("its entry is that of another package"));
        assert_eq!(refused("{}", key, &ours), "its entry is not one of ours");
        assert!(refused(&text.replace("\"format\": 1", "\"format\": 2"), key, &ours).contains("has format 2"));
        assert!(Secret::new("short").is_err());
    }
}
