//! The zips of `dist/`, and every check that they must pass before anybody else gets them.

pub mod check;
pub mod limits;
pub mod terms;

use std::path::Path;

use anyhow::Result;
use xtask::catalog::Catalog;
use xtask::commands::selection::LayerRef;
use xtask::error::invalid;
use xtask::lock::Lock;
use xtask::model::target::Cloud;
use xtask::model::{Arch, Date, LayerName, Version};
use xtask::pack::Release;
use xtask::pack::release::file_name;

use self::limits::Limits;
use crate::model::Template;
use crate::order::Order;

/// What is published, and what is let pass.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Layers and their versions; the newest where none is named.
    pub layers: &'a [LayerRef],
    /// The architectures; all that the cloud has where none is named.
    pub architectures: &'a [Arch],
    /// Where.
    pub cloud: Cloud,
    /// What layers are called there.
    pub template: &'a Template,
    /// Whether zips go through a bucket.
    pub by_bucket: bool,
    /// Publish what was made from sources that are not pinned.
    pub allow_unpinned: bool,
    /// Publish what has no digest in the lock.
    pub allow_unlocked: bool,
    /// The day, which decides about runtimes.
    pub today: Date,
}

/// The checkout, as far as publishing is concerned.
#[derive(Debug)]
pub struct ZipsAndPins<'a> {
    /// Layers and targets.
    pub catalog: &'a Catalog,
    /// The digests that zips must have.
    pub lock: &'a Lock,
    /// Where the zips are.
    pub dist: &'a Path,
}

/// The orders, and remarks for a human; or all that is wrong.
pub type Outcome = std::result::Result<(Vec<Order>, Vec<String>), Vec<String>>;

/// Makes an order of every selected zip, or reports every problem.
///
/// # Errors
/// If something is selected that does not exist.
pub fn collect(shelf: &ZipsAndPins<'_>, selection: &Selection<'_>) -> Result<Outcome> {
    let (mut orders, mut remarks, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for LayerRef { name: layer, version } in selection.layers {
        let version = version_of(shelf.catalog, layer, version.as_ref())?;
        for arch in architectures(shelf.catalog, selection)? {
            let name = file_name(layer, &version, arch, "zip");
            match one(shelf, selection, layer, &version, arch) {
                Ok((order, more)) => {
                    orders.push(order);
                    remarks.extend(more.into_iter().map(|remark| format!("{name}: {remark}")));
                }
                Err(found) => findings.extend(found.into_iter().map(|finding| format!("{name}: {finding}"))),
            }
        }
    }
    for (index, order) in orders.iter().enumerate() {
        if let Some(other) = orders[..index].iter().find(|other| other.name == order.name) {
            return Err(invalid(format!(
                "{} {} {} and {} {} {} would both be published as `{}`\n\nhint: `--name-template` with `{{layer}}`, \
                 `{{version}}` and `{{arch}}` tells them apart",
                other.layer, other.version, other.arch, order.layer, order.version, order.arch, order.name
            )));
        }
    }
    Ok(if findings.is_empty() { Ok((orders, remarks)) } else { Err(findings) })
}

fn version_of(catalog: &Catalog, layer: &LayerName, version: Option<&Version>) -> Result<Version> {
    let recipe = &catalog.recipe(&catalog.layer(layer)?.recipe)?.recipe;
    let found = match version {
        Some(version) => recipe.version(version),
        None => recipe.newest(),
    };
    found.map(|found| found.version.clone()).ok_or_else(|| {
        let known: Vec<_> = recipe.newest_first().iter().map(|known| known.version.to_string()).collect();
        let wanted = version.map(|version| format!(" {version}")).unwrap_or_default();
        invalid(format!("layer `{layer}` has no version{wanted}\n\nhint: its versions are {}", known.join(", ")))
    })
}

fn architectures(catalog: &Catalog, selection: &Selection<'_>) -> Result<Vec<Arch>> {
    let runs = |arch: &Arch| {
        let targets = &catalog.targets.targets;
        targets.iter().any(|target| target.cloud == selection.cloud && target.architectures.contains(arch))
    };
    if let Some(wrong) = selection.architectures.iter().find(|arch| !runs(arch)) {
        return Err(invalid(format!("that cloud has no functions for {wrong}")));
    }
    let wanted = |arch: &Arch| selection.architectures.is_empty() || selection.architectures.contains(arch);
    Ok(Arch::ALL.into_iter().filter(|arch| wanted(arch) && runs(arch)).collect())
}

/// One zip.
fn one(
    shelf: &ZipsAndPins<'_>,
    selection: &Selection<'_>,
    layer: &LayerName,
    version: &Version,
    arch: Arch,
) -> std::result::Result<(Order, Vec<String>), Vec<String>> {
    let path = shelf.dist.join(file_name(layer, version, arch, "zip"));
    let build = format!("cargo xtask build-layer {layer}@{version} --arch {arch}");
    let record = path.with_extension("json");
    let text = std::fs::read_to_string(&record)
        .map_err(|error| vec![format!("cannot read {}: {error}; `{build}` makes it", record.display())])?;
    let release =
        Release::from_json(&text).map_err(|error| vec![format!("{}: {error:#}; `{build}`", record.display())])?;

    let terms = terms::of(&release, selection, shelf.catalog);
    let mut findings = check::bytes(&release, &path);
    findings.extend(check::origin(&release, shelf.lock, selection));
    findings.extend(
        check::proof(&release, selection.cloud, shelf.catalog).into_iter().map(|it| format!("{it}: `{build}`")),
    );
    findings.extend(Limits::of(selection.cloud).check(&release, &terms.terms, selection.by_bucket));
    if findings.is_empty() { Ok((Order::new(&release, path, terms.terms), terms.remarks)) } else { Err(findings) }
}
