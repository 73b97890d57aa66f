//! The entries of a layer, wherever they come from, and how many of them we are ready to read.

use std::io::Read;

use anyhow::{Result, bail};

/// One entry of a folder or a zip.
pub struct Entry<'a> {
    /// Below the layer's root, with `/` between its parts and none at its end.
    pub path: String,
    /// The permission bits, where the entry has any.
    pub mode: Option<u32>,
    /// What it is.
    pub content: Content<'a>,
}

/// What an entry is.
pub enum Content<'a> {
    /// A folder. What is in it comes as entries of its own.
    Folder,
    /// A symbolic link.
    Link,
    /// A file of that many bytes.
    File {
        /// As the entry says.
        size: u64,
        /// Its bytes, which may be fewer.
        bytes: &'a mut dyn Read,
    },
    /// A device, a socket, a pipe.
    Special,
}

/// Bounds for input that may have been made to hurt.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries in all.
    pub entries: usize,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// Far beyond what a cloud takes, and well within what a machine can read.
pub const LIMITS: Limits = Limits { entries: 65_000, file: 1 << 30, total: 2 << 30 };

/// Counts entries and bytes against the limits.
pub struct Tally {
    limits: Limits,
    /// Entries so far.
    pub entries: usize,
    /// Bytes so far.
    pub bytes: u64,
}

impl Tally {
    /// Has counted nothing yet.
    pub fn new(limits: Limits) -> Tally {
        Tally { limits, entries: 0, bytes: 0 }
    }

    /// Counts an entry that has or claims to have `size` bytes.
    ///
    /// # Errors
    /// It is one too many, too large, or makes the whole too large.
    pub fn count(&mut self, path: &str, size: u64) -> Result<()> {
        let Limits { entries, file, total } = self.limits;
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > entries {
            bail!("there are more than {entries} entries, which is too many for a layer");
        }
        if size > file {
            bail!("entry `{path}` has {size} bytes; no file above {file} is read");
        }
        if self.bytes > total {
            bail!("with entry `{path}` there are {} bytes; no more than {total} are read", self.bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_kept_and_its_entry_named() {
        let limits = Limits { entries: 2, file: 10, total: 15 };
        let mut tally = Tally::new(limits);
        tally.count("a", 10).expect("within all limits");
        assert!(tally.count("b", 6).expect_err("total").to_string().starts_with("with entry `b` there are 16 bytes"));
        assert!(tally.count("c", 0).expect_err("entries").to_string().contains("more than 2 entries"));
        let error = Tally::new(limits).count("d", 11).expect_err("file").to_string();
        assert!(error.starts_with("entry `d` has 11 bytes"), "{error}");
        assert!(Tally::new(limits).count("e", u64::MAX).is_err());
    }
}
