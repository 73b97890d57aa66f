//! What must be true of a zip.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use xtask::catalog::Catalog;
use xtask::lock::{Comparison, Lock};
use xtask::model::Sha256;
use xtask::model::target::Cloud;
use xtask::pack::manifest::Manifest;
use xtask::pack::{MAX_UNPACKED, Release};

use super::Selection;

/// Whether the zip is what its record and its own manifest say, file by file.
pub fn bytes(release: &Release, path: &Path) -> Vec<String> {
    match compare(release, path) {
        Ok(findings) => findings,
        Err(error) => vec![format!("{error:#}")],
    }
}

fn compare(release: &Release, path: &Path) -> Result<Vec<String>> {
    let whole = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let digest = Sha256::of(&whole);
    if digest != release.zip.sha256 {
        return Ok(vec![format!("its digest is {digest}, and its record says {}", release.zip.sha256)]);
    }
    drop(whole);
    let mut findings = Vec::new();
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(path)?)).context("it is not a zip")?;
    let manifest_path = format!("share/media-layers/{}/manifest.json", release.manifest.layer);
    let mut expected: BTreeMap<String, Sha256> =
        release.manifest.files.iter().map(|file| (file.path.to_string(), file.sha256)).collect();
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let mut content = Vec::new();
        entry.take(MAX_UNPACKED).read_to_end(&mut content).with_context(|| format!("`{name}`"))?;
        if name == manifest_path {
            let text = String::from_utf8(content).context("its manifest is not text")?;
            if Manifest::from_json(&text)? != release.manifest {
                findings.push("its manifest is not the one in its record".to_owned());
            }
            continue;
        }
        match expected.remove(&name) {
            Some(sha256) if sha256 == Sha256::of(&content) => {}
            Some(_) => findings.push(format!("`{name}` is not what its manifest says")),
            None => findings.push(format!("`{name}` is not in its manifest")),
        }
    }
    findings.extend(expected.into_keys().map(|name| format!("`{name}` is in its manifest and not in the zip")));
    Ok(findings)
}

/// Whether anybody else would get the same bytes from the same commit.
pub fn origin(release: &Release, lock: &Lock, selection: &Selection<'_>) -> Option<String> {
    match lock.compare(release) {
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
             it nevertheless"
                .to_owned(),
        ),
    }
}

/// Whether it was audited for the cloud's targets, and has run.
pub fn proof(release: &Release, cloud: Cloud, catalog: &Catalog) -> Vec<String> {
    let Some(checks) = &release.checks else {
        return vec!["its record tells of no audit and no smoke test; build it again".to_owned()];
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
            "it has never run: no smoke check could be made where it was built; build it where one can".to_owned(),
        );
    }
    findings
}
