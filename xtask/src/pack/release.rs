//! The end of packing: the zip in `dist/`, and the record beside it.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::MAX_ZIP;
use super::landing::{land, land_text};
use super::manifest::{FORMAT, Manifest, check_format, pretty};
use super::staged::Staged;
use super::zip::{self, Written};
use crate::model::{Arch, LayerName, Sha256, Version};

/// `dist/<layer>-<version>-<arch>.json`: a zip, described for whoever publishes or checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Release {
    /// [`FORMAT`].
    pub format: u32,
    /// The zip.
    pub zip: ReleaseZip,
    /// The key of the plan that built it.
    pub plan_key: Sha256,
    /// What was found out about it before it was packed; none where it was packed only to compare its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// What is in it: equal to the manifest inside.
    pub manifest: Manifest,
}

/// What was found out about a layer before it was packed. A layer with a finding or a failed check is not packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Checks {
    /// The targets whose audit found nothing.
    pub audited: Vec<String>,
    /// Where it was run, and how well it was kept from seeing the machine.
    pub smoke_place: String,
    /// How many smoke checks passed.
    pub smoke_passed: usize,
    /// The smoke checks that could not be made on the building machine.
    pub smoke_skipped: Vec<String>,
}

/// The zip of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleaseZip {
    /// The name of the file, which is beside the record.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Bytes of all files in it, once unpacked.
    pub unpacked_size: u64,
    /// Of the zip.
    pub sha256: Sha256,
    /// The same digest as Lambda's `CodeSha256` gives it: base64 of the raw bytes.
    pub code_sha256: String,
}

impl Release {
    fn new(staged: &Staged, written: Written, plan_key: Sha256, checks: Option<Checks>) -> Release {
        let manifest = staged.manifest().clone();
        let zip = ReleaseZip {
            name: file_name(&manifest.layer, &manifest.version, manifest.arch, "zip"),
            size: written.size,
            unpacked_size: staged.unpacked_size(),
            sha256: written.sha256,
            code_sha256: code_sha256(&written.sha256),
        };
        Release { format: FORMAT, zip, plan_key, checks, manifest }
    }

    /// The text of the file.
    pub fn to_json(&self) -> Result<String> {
        pretty(self)
    }

    /// Reads a release record.
    ///
    /// # Errors
    /// As [`Manifest::from_json`], and if `CodeSha256` is not that of the digest.
    pub fn from_json(text: &str) -> Result<Release> {
        check_format(text, "release record")?;
        let release: Release = serde_json::from_str(text).context("this is not a release record of a layer")?;
        release.manifest.check().context("the manifest in the release record contradicts itself")?;
        ensure!(
            release.zip.code_sha256 == code_sha256(&release.zip.sha256),
            "the release record contradicts itself: `code-sha256` is not that of `sha256`"
        );
        Ok(release)
    }
}

/// A digest as AWS Lambda writes it.
pub fn code_sha256(digest: &Sha256) -> String {
    BASE64.encode(digest.as_bytes())
}

/// The name of a file in `dist/` that belongs to a layer: `mediainfo-23.04-x86_64.zip`.
pub fn file_name(layer: &LayerName, version: &Version, arch: Arch, extension: &str) -> String {
    format!("{layer}-{version}-{arch}.{extension}")
}

/// How the name of a zip's provenance statement ends.
pub const PROVENANCE: &str = "provenance.json";

/// Writes the zip of `staged` and its record into `dist`, which is made if it is not there.
///
/// # Errors
/// If the zip would be larger than [`MAX_ZIP`], a staged file is gone or changed, or the disk fails.
/// What was in `dist` then stays, save that an older record never stands beside a newer zip.
pub fn write_layer(
    staged: &Staged,
    plan_key: Sha256,
    checks: Option<Checks>,
    dist: &Path,
    threads: NonZeroUsize,
) -> Result<Release> {
    let manifest = staged.manifest();
    let name = |extension| file_name(&manifest.layer, &manifest.version, manifest.arch, extension);
    let (zip, record) = (dist.join(name("zip")), dist.join(name("json")));
    let written = land_zip(staged, &zip, &[&record, &dist.join(name(PROVENANCE))], MAX_ZIP, threads)?;
    let release = Release::new(staged, written, plan_key, checks);
    land_text(&record, &release.to_json()?)?;
    Ok(release)
}

fn land_zip(staged: &Staged, zip: &Path, about: &[&Path], limit: u64, threads: NonZeroUsize) -> Result<Written> {
    land(zip, |out| {
        let written = zip::write(staged.files(), threads, out)?;
        check_size(written.size, limit)?;
        // Several renames cannot be one, so a crash between them must leave a zip without what is said about it.
        for file in about {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot replace `{}`", file.display()));
                }
                _ => {}
            }
        }
        Ok(written)
    })
}

fn check_size(size: u64, limit: u64) -> Result<()> {
    ensure!(
        size <= limit,
        "the zip has {size} bytes, and a layer may have at most {limit}, which is what AWS Lambda takes in a request: \
         leave files out of the layer, or split it in two"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn threads() -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    #[test]
    fn the_record_tells_of_the_zip_beside_it() {
        let packages = sample::Packages::new();
        let staged = packages.staged();
        let dist = packages.root().join("dist");
        let release = write_layer(&staged, Sha256::of("plan"), sample::checks(), &dist, threads()).expect("written");

        let zip = fs::read(dist.join("sample-1.2-x86_64.zip")).expect("the zip");
        assert_eq!(release.zip.name, "sample-1.2-x86_64.zip");
        assert_eq!((release.zip.size, release.zip.sha256), (zip.len() as u64, Sha256::of(&zip)));
        assert_eq!(release.zip.unpacked_size, staged.files().iter().map(|file| file.size()).sum::<u64>());
        let record = fs::read_to_string(dist.join("sample-1.2-x86_64.json")).expect("the record");
        assert_eq!(Release::from_json(&record).expect("read"), release);
    }

    #[test]
    fn lambda_gives_digests_in_base64() {
        // The digest of nothing, as `aws lambda` would show it.
        assert_eq!(code_sha256(&Sha256::of("")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let packages = sample::Packages::new();
        let release = write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), packages.root(), threads())
            .expect("written");
        let text = release.to_json().expect("JSON").replace(&release.zip.code_sha256, &code_sha256(&Sha256::of("")));
        let error = Release::from_json(&text).expect_err("refused").to_string();
        assert_eq!(error, "the release record contradicts itself: `code-sha256` is not that of `sha256`");
    }

    #[test]
    fn a_second_build_replaces_both_and_leaves_nothing_else() {
        let packages = sample::Packages::new();
        let dist = packages.root().join("dist");
        let first =
            write_layer(&packages.staged(), Sha256::of("one"), sample::checks(), &dist, threads()).expect("written");
        let second = write_layer(&packages.staged(), Sha256::of("two"), sample::checks(), &dist, threads())
            .expect("written again");
        assert_eq!(first.zip, second.zip);
        assert_ne!(first.plan_key, second.plan_key);
        assert_eq!(fs::read_dir(&dist).expect("dist").count(), 2);
    }

    #[test]
    fn a_failed_build_leaves_the_old_zip_with_its_record() {
        let packages = sample::Packages::new();
        let dist = packages.root().join("dist");
        write_layer(&packages.staged(), Sha256::of("one"), sample::checks(), &dist, threads()).expect("written");
        let before = fs::read(dist.join("sample-1.2-x86_64.zip")).expect("the zip");
        let staged = packages.staged();
        packages.overwrite("program/bin/tool", "changed after it was staged");
        let error = format!(
            "{:#}",
            write_layer(&staged, Sha256::of("two"), sample::checks(), &dist, threads()).expect_err("changed")
        );
        assert!(error.contains("cannot pack `bin/tool`: ") && error.contains("changed while"), "{error}");
        assert!(fs::read(dist.join("sample-1.2-x86_64.zip")).expect("the zip") == before);
        assert!(dist.join("sample-1.2-x86_64.json").exists());
        assert_eq!(fs::read_dir(&dist).expect("dist").count(), 2);
    }

    #[test]
    fn a_zip_above_the_limit_is_refused() {
        check_size(52_428_800, MAX_ZIP).expect("fits");
        let error = check_size(52_428_801, MAX_ZIP).expect_err("refused").to_string();
        assert!(error.starts_with("the zip has 52428801 bytes, and a layer may have at most 52428800, "), "{error}");

        let packages = sample::Packages::new();
        let (zip, record) = (packages.root().join("dist/a.zip"), packages.root().join("dist/a.json"));
        let land = |limit| land_zip(&packages.staged(), &zip, &[&record], limit, threads());
        let size = land(MAX_ZIP).expect("written").size;
        fs::remove_file(&zip).expect("removed");
        let error = format!("{:#}", land(size - 1).expect_err("refused"));
        assert!(error.contains(&format!("the zip has {size} bytes")), "{error}");
        assert_eq!(fs::read_dir(packages.root().join("dist")).expect("dist").count(), 0);
    }

    #[test]
    fn an_older_record_is_never_beside_a_newer_zip() {
        let packages = sample::Packages::new();
        let (zip, record) = (packages.root().join("a.zip"), packages.root().join("a.json"));
        fs::write(&record, "of an older zip").expect("written");
        land_zip(&packages.staged(), &zip, &[&record], MAX_ZIP, threads()).expect("written");
        assert!(zip.exists() && !record.exists());
    }
}
