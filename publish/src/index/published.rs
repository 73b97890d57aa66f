//! `layers/published.json`: every layer version that was published and not deleted.
//!
//! Nobody can list another account's layers, so whoever wants to use them needs this list.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use xtask::error::invalid;
use xtask::files::lock_folder;
use xtask::model::target::Cloud;
use xtask::model::{Arch, LayerName, Sha256, Version};
use xtask::pack::landing::{check_landing, land_text};

use crate::apply::report::{Published, Report};
use crate::clock::now;
use crate::order::Order;

/// Where the index is, from the root of the checkout.
pub const FILE: &str = "layers/published.json";
/// The version of the format. A reader refuses others.
const FORMAT: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    format: u32,
    /// Sorted as [`Entry`] is, without two of one ARN.
    layers: Vec<Entry>,
}

/// One layer version. The order of the fields is the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The layer.
    pub layer: LayerName,
    /// The version of what is in it.
    pub version: Version,
    /// What its programs run on.
    pub arch: Arch,
    /// Where.
    pub cloud: Cloud,
    /// Where there.
    pub region: String,
    /// The number that the cloud gave it.
    pub number: u64,
    /// Its name in the cloud.
    pub arn: String,
    /// Of the zip.
    pub sha256: Sha256,
    /// Bytes of the zip.
    pub size: u64,
    /// The runtimes it is offered for.
    pub runtimes: Vec<String>,
    /// The day on which it was recorded first: `2026-11-20`.
    pub date: String,
}

impl Default for Index {
    fn default() -> Index {
        Index { format: FORMAT, layers: Vec::new() }
    }
}

impl Index {
    /// Reads the index of the checkout at `root`; one that is not there is empty.
    ///
    /// # Errors
    /// If it cannot be read or is not an index.
    pub fn load(root: &Path) -> Result<Index> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Index::default()),
            other => other.with_context(|| format!("cannot read {}", path.display()))?,
        };
        Index::parse(&text).map_err(|error| invalid(format!("in {}: {error:#}", path.display())))
    }

    /// Reads an index.
    ///
    /// # Errors
    /// If the text is not one.
    pub fn parse(text: &str) -> Result<Index> {
        let index: Index = serde_json::from_str(text)?;
        ensure!(index.format == FORMAT, "its format is {}, and this tool knows {FORMAT}", index.format);
        Ok(index)
    }

    /// Sees to it that [`Index::update`] will be able to read and write the file.
    ///
    /// # Errors
    /// If it will not.
    pub fn check(root: &Path) -> Result<()> {
        Index::load(root)?;
        check_landing(&root.join(FILE)).context("what is published could not be recorded, so nothing was sent")
    }

    /// Records in the checkout at `root` what `report` says of `orders`, and drops what was deleted. Runs that record at
    /// once wait for each other, so that nobody's entries are lost.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn update(root: &Path, orders: &[Order], report: &Report) -> Result<()> {
        let file = root.join(FILE);
        let _held = lock_folder(file.parent().unwrap_or(root))?;
        let before = Index::load(root)?;
        let mut index = before.clone();
        index.merge(orders, report, now().get(..10).unwrap_or_default());
        if index == before { Ok(()) } else { land_text(&file, &index.to_json()?) }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// None that can happen.
    pub fn to_json(&self) -> Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Every layer version, sorted.
    pub fn entries(&self) -> &[Entry] {
        &self.layers
    }

    /// The newest version of every layer, version, architecture and region, sorted.
    pub fn newest(&self) -> Vec<&Entry> {
        let key = |entry: &Entry| {
            (
                entry.layer.clone(),
                entry.version.clone(),
                entry.arch,
                entry.cloud,
                entry.region.clone(),
                name(&entry.arn),
            )
        };
        let mut newest: Vec<&Entry> = Vec::new();
        for entry in &self.layers {
            match newest.last_mut() {
                // Numbers rise within a region.
                Some(last) if key(last) == key(entry) => *last = entry,
                _ => newest.push(entry),
            }
        }
        newest
    }

    fn merge(&mut self, orders: &[Order], report: &Report, today: &str) {
        for (region, layer) in report.layers() {
            let order = orders.iter().find(|order| order.name == layer.name);
            let (Ok(published), Some(order)) = (&layer.result, order) else { continue };
            let gone: BTreeSet<&str> = published.deleted.iter().map(|version| version.arn.as_str()).collect();
            let known = self.layers.iter().find(|entry| entry.arn == published.arn);
            let date = known.map_or_else(|| today.to_owned(), |entry| entry.date.clone());
            self.layers.retain(|entry| entry.arn != published.arn && !gone.contains(entry.arn.as_str()));
            self.layers.push(entry(order, report.cloud, region, published, date));
        }
        self.layers.sort();
    }
}

/// An ARN without the number of the version.
fn name(arn: &str) -> String {
    arn.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
}

fn entry(order: &Order, cloud: Cloud, region: &str, published: &Published, date: String) -> Entry {
    Entry {
        layer: order.layer.clone(),
        version: order.version.clone(),
        arch: order.arch,
        cloud,
        region: region.to_owned(),
        number: published.number,
        arn: published.arn.clone(),
        sha256: order.sha256,
        size: order.size,
        runtimes: order.runtimes.clone(),
        date,
    }
}
