//! An order: one zip, and the name, description and runtimes that it gets in the cloud.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use xtask::model::{Arch, LayerName, Sha256, Version};

/// One zip, and the name, description and runtimes that it gets in the cloud. The same in every region.
#[derive(Debug)]
pub struct Order {
    /// The layer's name in the cloud.
    pub name: String,
    /// The layer.
    pub layer: LayerName,
    /// Its version.
    pub version: Version,
    /// What its programs run on.
    pub arch: Arch,
    /// Of the zip.
    pub sha256: Sha256,
    /// Bytes of the zip.
    pub size: u64,
    /// Ends in the digest of the zip; see [`crate::model::version::description`].
    pub description: String,
    /// SPDX.
    pub license: String,
    /// The cloud's names of the runtimes it is for, sorted.
    pub runtimes: Vec<String>,
    /// The zip.
    pub path: PathBuf,
    body: OnceCell<Bytes>,
}

/// What an [`Order`] says about a zip.
#[derive(Debug, Clone)]
pub struct Terms {
    /// See [`Order::name`].
    pub name: String,
    /// See [`Order::description`].
    pub description: String,
    /// See [`Order::license`].
    pub license: String,
    /// See [`Order::runtimes`].
    pub runtimes: Vec<String>,
}

impl Order {
    /// An order for the zip that `release` describes and that lies at `path`.
    pub fn new(release: &xtask::pack::Release, path: PathBuf, terms: Terms) -> Order {
        let Terms { name, description, license, runtimes } = terms;
        Order {
            name,
            layer: release.manifest.layer.clone(),
            version: release.manifest.version.clone(),
            arch: release.manifest.arch,
            sha256: release.zip.sha256,
            size: release.zip.size,
            description,
            license,
            runtimes,
            path,
            body: OnceCell::new(),
        }
    }

    /// The zip.
    ///
    /// # Errors
    /// If it cannot be read or has changed since it was checked.
    pub fn zip(&self) -> Result<Vec<u8>> {
        let bytes = std::fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        ensure!(Sha256::of(&bytes) == self.sha256, "{} has changed since it was checked", self.path.display());
        Ok(bytes)
    }

    /// The body of the request that makes a version, written by `write` when it is first asked for.
    ///
    /// It is the same in every region, and every region sends this one copy: a body for each would cost several hundred
    /// megabytes.
    ///
    /// # Errors
    /// Those of [`Order::zip`] and of `write`.
    pub fn body(&self, write: impl FnOnce(&Order, Vec<u8>) -> Result<Bytes>) -> Result<Bytes> {
        if self.body.get().is_none() {
            let body = write(self, self.zip()?)?;
            // Nobody else has set it: all of this is one thread, and nothing above waits.
            let _ = self.body.set(body);
        }
        self.body.get().cloned().context("the body was not kept")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::version::description;

    /// An order for a zip of `content`, which need not be at `path`.
    pub fn order(path: PathBuf, content: &[u8]) -> Order {
        let sha256 = Sha256::of(content);
        Order {
            name: "tool-x86_64".to_owned(),
            layer: "tool".parse().expect("a name"),
            version: "1.2".parse().expect("a version"),
            arch: Arch::X86_64,
            sha256,
            size: content.len() as u64,
            description: description("a tool", "1.2", sha256),
            license: "MIT".to_owned(),
            runtimes: vec!["python3.12".to_owned()],
            path,
            body: OnceCell::new(),
        }
    }

    #[test]
    fn a_zip_that_changed_is_not_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.zip");
        std::fs::write(&path, "one").expect("written");
        let order = order(path.clone(), b"one");
        assert_eq!(order.zip().expect("read"), b"one");
        std::fs::write(&path, "two").expect("written");
        let error = order.body(|_, zip| Ok(zip.into())).expect_err("changed").to_string();
        assert_eq!(error, format!("{} has changed since it was checked", path.display()));
    }
}
