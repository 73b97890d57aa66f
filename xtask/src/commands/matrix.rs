//! `cargo xtask matrix`: what a release builds, for a pipeline to read.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{Outcome, json};
use crate::catalog::Catalog;
use crate::lock::Lock;
use crate::model::{Arch, LayerName, Version};
use crate::session::Session;

/// The builder that compiles on the machine itself.
const HOST: &str = "host";

/// Print every locked zip with every builder that can make it, as JSON: `fromJSON` of GitHub Actions takes it.
///
/// Every version is named, the newest of a layer first. A pipeline builds what is named, so nothing falls back.
#[derive(Debug, Args)]
pub struct MatrixCommand {}

/// What a job is made for, each.
#[derive(Debug, Serialize)]
pub struct Matrix {
    include: Vec<MatrixEntry>,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixEntry {
    /// The layer.
    pub layer: LayerName,
    /// Its version.
    pub version: Version,
    /// What its programs run on. All are built on one kind of machine: the compiler compiles for any.
    pub arch: Arch,
    /// `host`, or the target in whose container it is built.
    pub builder: String,
}

impl MatrixCommand {
    /// Prints the matrix.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let lock = Lock::load(&session.catalog.root)?;
        session.ui.data(&json(&Matrix { include: cells(&session.catalog, &lock) })?)?;
        Ok(Outcome::Done)
    }
}

/// Every locked zip with every builder: the host, and the images that exist for its architecture. A zip is in a release
/// as soon as it has a digest in the lock, and not before, so that nothing is released that nobody has built.
pub fn cells(catalog: &Catalog, lock: &Lock) -> Vec<MatrixEntry> {
    let mut cells = Vec::new();
    for zip in lock.zips() {
        let images = catalog.targets.targets.iter().filter(|target| target.image.is_some());
        let images = images.filter(|target| target.architectures.contains(&zip.arch)).map(|target| &*target.name);
        cells.extend([HOST].into_iter().chain(images).map(|builder| MatrixEntry {
            layer: zip.layer.clone(),
            version: zip.version.clone(),
            arch: zip.arch,
            builder: builder.to_owned(),
        }));
    }
    cells.sort_by(|a, b| {
        let newest_first = b.version.compare_age(&a.version);
        a.layer.cmp(&b.layer).then(newest_first).then_with(|| (a.arch, &a.builder).cmp(&(b.arch, &b.builder)))
    });
    cells
}
