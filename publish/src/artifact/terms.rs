//! What a zip's version says about itself in the cloud.

use std::collections::BTreeSet;

use xtask::catalog::Catalog;
use xtask::model::Target;
use xtask::pack::Release;
use xtask::plan::runtimes::{Listed, MOST, listed};

use super::Selection;
use crate::model::version::description;
use crate::order::Terms;

/// The terms, and remarks for a human.
#[derive(Debug)]
pub struct TermsWithRemarks {
    /// The text that the cloud shows.
    pub terms: Terms,
    /// What a human should know.
    pub remarks: Vec<String>,
}

/// The terms of a zip.
pub fn of(release: &Release, selection: &Selection<'_>, catalog: &Catalog) -> TermsWithRemarks {
    let manifest = &release.manifest;
    let audited = |target: &Target| manifest.targets.contains(&target.name);
    let Listed { listed: mut runtimes, no_place, .. } =
        listed(&catalog.targets, selection.cloud, manifest.arch, &audited, selection.today);
    runtimes.sort();
    let mut remarks = Vec::new();
    if !no_place.is_empty() {
        remarks.push(format!("runs on {} too, but a layer can list at most {MOST} runtimes", no_place.join(", ")));
    }
    let skipped = release.checks.as_ref().map_or(0, |checks| checks.smoke_skipped.len());
    if skipped > 0 {
        remarks.push(format!("{skipped} smoke checks could not run on the machine that built it"));
    }
    let terms = Terms {
        name: selection.template.fill(&manifest.layer, &manifest.version, manifest.arch),
        description: description(&manifest.summary, manifest.version.as_str(), release.zip.sha256),
        license: license(release),
        runtimes,
    };
    TermsWithRemarks { terms, remarks }
}

/// The terms of all that is in the zip, as one SPDX expression.
fn license(release: &Release) -> String {
    let all: BTreeSet<_> = release.manifest.recipes.iter().map(|recipe| recipe.license.as_str()).collect();
    let several = all.len() > 1;
    let part = |text: &&str| if several && text.contains(" OR ") { format!("({text})") } else { (*text).to_owned() };
    all.iter().map(part).collect::<Vec<_>>().join(" AND ")
}
