//! What a cloud is told about a zip.

use std::collections::BTreeSet;

use xtask::catalog::Catalog;
use xtask::pack::Release;

use super::Selection;
use super::limits::Limits;
use crate::model::version::description;
use crate::order::Terms;

/// The terms, and remarks for a human.
#[derive(Debug)]
pub struct Remarked {
    /// What the cloud is told.
    pub terms: Terms,
    /// What a human should know.
    pub remarks: Vec<String>,
}

/// The terms of a zip.
pub fn of(release: &Release, selection: &Selection<'_>, catalog: &Catalog) -> Remarked {
    let manifest = &release.manifest;
    let (mut runtimes, left_out) = runtimes(release, selection, catalog);
    runtimes.sort();
    let mut remarks = Vec::new();
    if !left_out.is_empty() {
        let most = Limits::of(selection.cloud).runtimes;
        remarks.push(format!("runs on {} too, but a layer can list at most {most} runtimes", left_out.join(", ")));
    }
    let skipped = release.checks.as_ref().map_or(0, |checks| checks.smoke_skipped.len());
    if skipped > 0 {
        remarks.push(format!("{skipped} smoke checks could not be made where it was built"));
    }
    let terms = Terms {
        name: selection.template.fill(&manifest.layer, &manifest.version, manifest.arch),
        description: description(&manifest.summary, manifest.version.as_str(), release.zip.sha256),
        license: license(release),
        runtimes,
    };
    Remarked { terms, remarks }
}

/// The runtimes of the targets that it was audited for, newest system first, as many as the cloud takes; and the rest.
fn runtimes(release: &Release, selection: &Selection<'_>, catalog: &Catalog) -> (Vec<String>, Vec<String>) {
    let manifest = &release.manifest;
    let targets = catalog.targets.targets.iter().rev();
    let fitting = targets.filter(|target| {
        target.cloud == selection.cloud
            && target.architectures.contains(&manifest.arch)
            && manifest.targets.contains(&target.name)
    });
    let mut runtimes: Vec<String> = Vec::new();
    for runtime in fitting.flat_map(|target| &target.runtimes) {
        if !runtimes.contains(runtime) {
            runtimes.push(runtime.clone());
        }
    }
    let left_out = runtimes.split_off(runtimes.len().min(Limits::of(selection.cloud).runtimes));
    (runtimes, left_out)
}

/// The terms of all that is in the zip, as one SPDX expression.
fn license(release: &Release) -> String {
    let all: BTreeSet<_> = release.manifest.recipes.iter().map(|recipe| recipe.license.as_str()).collect();
    let several = all.len() > 1;
    let part = |text: &&str| if several && text.contains(" OR ") { format!("({text})") } else { (*text).to_owned() };
    all.iter().map(part).collect::<Vec<_>>().join(" AND ")
}
