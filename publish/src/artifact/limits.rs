//! The limits of each cloud.

use xtask::model::target::Cloud;
use xtask::pack::{MAX_UNPACKED, MAX_ZIP, Release};

use crate::order::Terms;

/// What a cloud takes. Where the numbers come from says the documentation of its interface.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Characters of a layer's name.
    name: usize,
    /// Characters of a description.
    description: usize,
    /// Characters of a licence.
    license: usize,
    /// Bytes of a zip in a request.
    inline: u64,
    /// Bytes of a zip in a bucket.
    by_bucket: u64,
    /// Bytes of everything in a zip.
    unpacked: u64,
}

const AWS: Limits = Limits {
    name: 140,
    description: 256,
    license: 512,
    inline: MAX_ZIP,
    by_bucket: MAX_UNPACKED,
    unpacked: MAX_UNPACKED,
};

/// A request may have 100 MB, of which base64 takes a third.
const ALIYUN: Limits =
    Limits { name: 64, description: 256, license: 512, inline: 70 << 20, by_bucket: 500 << 20, unpacked: 500 << 20 };

impl Limits {
    /// What `cloud` takes.
    pub fn of(cloud: Cloud) -> Limits {
        match cloud {
            Cloud::Aws => AWS,
            Cloud::Aliyun => ALIYUN,
        }
    }

    /// All that `cloud` would not take.
    pub fn check(&self, release: &Release, terms: &Terms, by_bucket: bool) -> Vec<String> {
        let mut findings = Vec::new();
        let mut most = |what: &str, is: u64, most: u64, remedy: &str| {
            if is > most {
                findings.push(format!("{what} is {is}, and the cloud takes at most {most}{remedy}"));
            }
        };
        let length = |text: &str| text.chars().count() as u64;
        most("the length of its name", length(&terms.name), self.name as u64, "; see `--name-template`");
        most("the length of its description", length(&terms.description), self.description as u64, "");
        most("the length of its licence", length(&terms.license), self.license as u64, "");
        match by_bucket {
            true => most("its size in bytes", release.zip.size, self.by_bucket, ""),
            false => most("its size in bytes", release.zip.size, self.inline, " in a request; see `--bucket`"),
        }
        most("its unpacked size in bytes", release.zip.unpacked_size, self.unpacked, "");
        if terms.runtimes.is_empty() {
            findings.push("no runtime of that cloud can use it".to_owned());
        }
        if !terms.name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            findings.push(format!("its name `{}` does not begin with a letter", terms.name));
        }
        findings
    }
}
