//! What must be true of a zip.

use std::path::Path;

use anyhow::Result;
use xtask::catalog::Catalog;
use xtask::inspect::inspect;
use xtask::lock::{Comparison, Lock};
use xtask::model::target::Cloud;
use xtask::pack::Release;

use super::Selection;

/// Whether the zip is what its record and its own manifest say, file by file.
pub fn bytes(release: &Release, path: &Path) -> Vec<String> {
    match compare(release, path) {
        Ok(findings) => findings,
        Err(error) => vec![format!("{error:#}")],
    }
}

fn compare(release: &Release, path: &Path) -> Result<Vec<String>> {
    // The lock is compared below, where it can be told what to do about it.
    let found = inspect(path, &Lock::default())?;
    if found.sha256 != release.zip.sha256 {
        return Ok(vec![format!("its digest is {}, and its record says {}", found.sha256, release.zip.sha256)]);
    }
    let mut findings = found.findings;
    let manifest = &release.manifest;
    let same = (&found.layer, &found.version, found.arch) == (&manifest.layer, &manifest.version, manifest.arch)
        && (found.pinned, &found.recipes) == (manifest.pinned, &manifest.recipes);
    if !same || found.size != release.zip.size {
        findings.push("its record describes another zip".to_owned());
    }
    Ok(findings)
}

/// Whether anybody else would get the same bytes from the same commit.
pub fn origin(release: &Release, lock: &Lock, selection: &Selection<'_>) -> Option<String> {
    match lock.compare(&release.manifest, release.zip.sha256) {
        Comparison::Same => None,
        Comparison::Different { expected } => {
            Some(format!("its digest is {}, and layers/digests.toml says {expected}", release.zip.sha256))
        }
        Comparison::Unknown if selection.allow_unlocked => None,
        Comparison::Unknown => Some(
            "there is no digest of it in layers/digests.toml: `build-layer --update-digests` records one, and \
             `--allow-unlocked` publishes it without"
                .to_owned(),
        ),
        Comparison::Unpinned if selection.allow_unpinned => None,
        Comparison::Unpinned => Some(
            "it was made from sources that are not pinned, so nobody can make it again: `--allow-unpinned` publishes \
             it anyway"
                .to_owned(),
        ),
    }
}

/// Whether it was audited for the cloud's targets, and has run.
pub fn proof(release: &Release, cloud: Cloud, catalog: &Catalog) -> Vec<String> {
    let Some(checks) = &release.checks else {
        return vec!["its record has no audit and no smoke test; build it again".to_owned()];
    };
    let mut findings = Vec::new();
    for target in &catalog.targets.targets {
        let concerned = target.cloud == cloud && target.architectures.contains(&release.manifest.arch);
        if concerned && !checks.audited.contains(&target.name) {
            findings.push(format!("it was not audited for {}; build it again", target.title));
        }
    }
    if checks.smoke_passed == 0 {
        findings.push(
            "it has never run: no smoke check could run on the machine that built it; build it on a machine that can run it".to_owned(),
        );
    }
    findings
}
