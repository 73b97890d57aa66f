//! Two builds, byte for byte: the first file of each package that differs, and where.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::Trial;
use crate::compile::PackageCache;
use crate::model::Sha256;
use crate::pack::{Manifest, Release};
use crate::plan::{Plan, PlannedZip};
use crate::source::Tree;
use crate::ui::Ui;

/// A package or zip that is not the same in two builds.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The package or zip.
    pub what: String,
    /// The first file that differs, by path in it; for a zip whose files are all the same, the zip's own name.
    pub file: String,
    /// How it differs.
    pub how: FileDifference,
    /// How many files differ.
    pub files: usize,
    /// The file in both builds.
    #[serde(skip)]
    pub places: [PathBuf; 2],
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileDifference {
    /// Its bytes do, first at this offset.
    Offset(u64),
    /// Its mode or kind does, with equal bytes.
    Mode,
    /// Only one build has it.
    Missing,
}

/// What differs between two builds of `plan`: packages in the order in which they were built, so that the first is the
/// nearest to the cause, and then zips.
pub fn builds(plan: &Plan, one: &Trial, other: &Trial, ui: &Ui) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    let caches = [PackageCache::open(&one.packages()?)?, PackageCache::open(&other.packages()?)?];
    for package in &plan.packages {
        let label = package.label();
        let find = |cache: &PackageCache| {
            cache
                .find(package.key, &label, ui)?
                .with_context(|| format!("{label} is not in {}", cache.root().display()))
        };
        differences.extend(folders(&label, &find(&caches[0])?, &find(&caches[1])?)?);
    }
    for zip in &plan.zips {
        differences.extend(zips_differ(zip, one, other)?);
    }
    Ok(differences)
}

/// The digests of the zips of a build.
pub fn zips(plan: &Plan, build: &Trial) -> Result<Vec<Release>> {
    plan.zips.iter().map(|zip| release(zip, build)).collect()
}

fn folders(what: &str, one: &Path, other: &Path) -> Result<Option<Difference>> {
    let found = Tree::read(one)?.differences(&Tree::read(other)?);
    let Some(file) = found.first().and_then(|line| line.get(2..)) else { return Ok(None) };
    let places = [one.join(file), other.join(file)];
    let how = how(&places)?;
    Ok(Some(Difference { what: what.to_owned(), file: file.to_owned(), how, files: found.len(), places }))
}

fn zips_differ(zip: &PlannedZip, one: &Trial, other: &Trial) -> Result<Option<Difference>> {
    let places = [one, other].map(|build| build.checkout.join("dist").join(&zip.file));
    if Sha256::of(read(&places[0])?) == Sha256::of(read(&places[1])?) {
        return Ok(None);
    }
    let (ours, theirs) = (release(zip, one)?.manifest, release(zip, other)?.manifest);
    let changed = changed_files(&ours, &theirs);
    let file = changed.first().cloned().unwrap_or_else(|| zip.file.clone());
    let how = how(&places)?;
    Ok(Some(Difference { what: zip.file.clone(), file, how, files: changed.len(), places }))
}

fn changed_files(one: &Manifest, other: &Manifest) -> Vec<String> {
    let new = one.files.iter().filter(|file| !other.files.contains(file));
    let gone = other.files.iter().filter(|file| !one.files.iter().any(|ours| ours.path == file.path));
    let mut paths: Vec<String> = new.chain(gone).map(|file| file.path.to_string()).collect();
    paths.sort();
    paths
}

fn release(zip: &PlannedZip, build: &Trial) -> Result<Release> {
    let record = build.checkout.join("dist").join(&zip.file).with_extension("json");
    Release::from_json(&String::from_utf8_lossy(&read(&record)?))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn how(places: &[PathBuf; 2]) -> Result<FileDifference> {
    let state = |path: &PathBuf| fs::symlink_metadata(path).ok().map(|metadata| metadata.file_type());
    match (state(&places[0]), state(&places[1])) {
        (Some(one), Some(other)) if one.is_file() && other.is_file() => {
            Ok(first_difference(&places[0], &places[1])?.map_or(FileDifference::Mode, FileDifference::Offset))
        }
        (Some(one), Some(other)) if one == other => Ok(FileDifference::Offset(0)),
        (Some(_), Some(_)) => Ok(FileDifference::Mode),
        _ => Ok(FileDifference::Missing),
    }
}

/// Where two files begin to differ; nowhere if they are equal. The end of the shorter one is a difference too.
fn first_difference(one: &Path, other: &Path) -> Result<Option<u64>> {
    let open = |path: &Path| File::open(path).map(BufReader::new);
    let both = || format!("cannot compare {} and {}", one.display(), other.display());
    let (mut one, mut other) = (open(one).with_context(both)?.bytes(), open(other).with_context(both)?.bytes());
    let mut offset = 0;
    loop {
        let (our, their) = (one.next().transpose()?, other.next().transpose()?);
        match (our, their) {
            (None, None) => return Ok(None),
            (our, their) if our != their => return Ok(Some(offset)),
            _ => offset += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path
        };
        let one = write("one", "same, then 1");
        for (text, expected) in
            [("same, then 1", None), ("same, then 2", Some(11)), ("same", Some(4)), ("same, then 10", Some(12))]
        {
            assert_eq!(first_difference(&one, &write("other", text)).expect("read"), expected, "{text}");
        }
    }
}
