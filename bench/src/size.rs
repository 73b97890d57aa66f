//! How large what one downloads is: our layers beside every peer's own package.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use libdeflater::{CompressionLvl, Compressor};
use serde::Serialize;

use crate::debian::Installed;
use crate::digest;
use crate::peers::Pinned;
use crate::registry::{self, Registry};
use crate::subjects::layers;
use crate::workshop::Workshop;
use xtask::error::invalid;
use xtask::model::{Arch, Sha256};
use xtask::ui::Ui;

/// Every size.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sizes {
    /// 1.
    pub format: u32,
    /// What was called.
    pub command: String,
    /// One entry for each thing that can be downloaded, the smallest first.
    pub downloads: Vec<Download>,
}

/// Something that can be downloaded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Download {
    /// Its name in results.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Whether it is one of our layers.
    pub ours: bool,
    /// Bytes of the file or files.
    pub size: u64,
    /// How many files.
    pub files: usize,
    /// Of the file; where there are several, they are named in `packages`.
    pub sha256: Option<Sha256>,
    /// Names, versions and digests of Debian's packages.
    pub packages: Vec<String>,
    /// Bytes of the program or library alone, compressed as in our zips: what a layer with nothing else would have.
    pub program: Option<u64>,
}

/// What every runtime has, so that a function would not bring it.
const IN_EVERY_RUNTIME: [&str; 3] = ["libc6", "libgcc-s1", "gcc-12-base"];

/// Measures everything.
pub fn measure(dist: &Path, cache: &Path, ui: &Ui) -> Result<Sizes> {
    let workshop = Workshop::open(cache)?;
    let mut downloads = Vec::new();
    for layer in layers(dist, workshop.arch) {
        let (sha256, size) = digest::of_file(&layer.path)?;
        let title = "layer, with licences, SBOM and certificates".to_owned();
        downloads.push(Download { size, sha256: Some(sha256), ..Download::new(layer.name, title, true) });
    }
    if downloads.is_empty() {
        return Err(invalid(format!(
            "`{}` has no layer for {}\n\nhint: build one with `cargo xtask build-layer mediainfo`",
            dist.display(),
            workshop.arch
        )));
    }
    let debian = workshop.debian(ui)?;
    for peer in &workshop.peers.debian {
        let title = format!("Debian {} {}, with all it needs but libc", peer.package, debian.version(&peer.package));
        downloads.push(closure(&debian.installed, &peer.package, Download::new(peer.name.clone(), title, false))?);
    }
    if workshop.arch == Arch::X86_64 {
        let pinned = [(Registry::Pypi, &workshop.peers.pypi), (Registry::Npm, &workshop.peers.npm)];
        for (registry, peer) in pinned.iter().flat_map(|(registry, list)| list.iter().map(|peer| (*registry, peer))) {
            downloads.push(package(registry, peer, &workshop, ui)?);
        }
    }
    downloads.sort_by(|a, b| (a.size, &a.name).cmp(&(b.size, &b.name)));
    Ok(Sizes { format: 1, command: "cargo xtask bench size".to_owned(), downloads })
}

impl Download {
    fn new(name: String, title: String, ours: bool) -> Download {
        Download { name, title, ours, size: 0, files: 1, sha256: None, packages: Vec::new(), program: None }
    }
}

fn package(registry: Registry, peer: &Pinned, workshop: &Workshop, ui: &Ui) -> Result<Download> {
    let file = registry::fetch(registry, peer, &workshop.folder.join("archives"), ui)?;
    let program = registry::install(peer, &file, &workshop.folder.join("peers"))?;
    let _progress = ui.busy(&format!("compressing the program of {}", peer.name));
    let title = format!("{} {} {}", registry.title(), peer.package, peer.version);
    Ok(Download {
        size: peer.size,
        sha256: Some(peer.sha256),
        program: Some(compressed(&program)?),
        ..Download::new(peer.name.clone(), title, false)
    })
}

/// The packages that `package` needs, beyond what every runtime has.
fn closure(installed: &Installed, package: &str, mut download: Download) -> Result<Download> {
    let names = installed.closures.get(package).with_context(|| format!("nothing is known of Debian's `{package}`"))?;
    download.files = 0;
    for name in names.iter().filter(|name| !IN_EVERY_RUNTIME.contains(&name.as_str())) {
        let package = installed.packages.get(name).with_context(|| format!("apt did not bring `{name}`"))?;
        download.size += package.size;
        download.files += 1;
        download.packages.push(format!("{name} {} {}", package.version, package.sha256));
    }
    ensure!(download.files > 0, "apt names nothing that Debian's `{package}` needs");
    Ok(download)
}

/// How many bytes a file has once compressed as our zips are.
fn compressed(file: &Path) -> Result<u64> {
    let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut out = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let size = compressor.deflate_compress(&bytes, &mut out).context("cannot compress it")?;
    Ok(size as u64)
}

impl Sizes {
    /// The table for a reader.
    pub fn to_markdown(&self) -> Result<String> {
        let mut text = format!(
            "# Downloads\n\nMade by `{}`. \"Program alone\" is the program or library by itself, compressed ",
            self.command
        );
        text += "as our zips are: what is left when a peer's package holds more than one would deploy.\n\n";
        text += "| download | what | MB | files | program alone, MB |\n|---|---|---:|---:|---:|\n";
        for download in &self.downloads {
            let name = if download.ours { format!("**{}**", download.name) } else { download.name.clone() };
            let megabytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1e6);
            let program = download.program.map_or_else(|| "–".to_owned(), megabytes);
            writeln!(
                text,
                "| {name} | {} | {} | {} | {program} |",
                download.title,
                megabytes(download.size),
                download.files
            )?;
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debian::Package;

    #[test]
    fn a_closure_counts_all_but_what_is_there() {
        let package = |size| Package { version: "1".to_owned(), size, sha256: Sha256::of("") };
        let packages = [("a", 10), ("b", 20), ("libc6", 40)].map(|(name, size)| (name.to_owned(), package(size)));
        let closures = [("a".to_owned(), ["a", "b", "libc6"].map(str::to_owned).to_vec())].into();
        let installed = Installed { asked: vec![], packages: packages.into(), closures };
        let empty = || Download::new("debian-a".to_owned(), "Debian a 1".to_owned(), false);
        let download = closure(&installed, "a", empty()).expect("known");
        assert_eq!((download.size, download.files, download.packages.len()), (30, 2, 2));
        assert!(closure(&installed, "x", empty()).is_err());
    }

    #[test]
    fn the_table_marks_what_is_ours() {
        let ours = Download { size: 3_256_930, ..Download::new("mediainfo-1".to_owned(), "layer".to_owned(), true) };
        let peer = Download {
            size: 6_001_553,
            program: Some(5_900_000),
            ..Download::new("p".to_owned(), "PyPI p 1".to_owned(), false)
        };
        let sizes = Sizes { format: 1, command: "cargo xtask bench size".to_owned(), downloads: vec![ours, peer] };
        let table = sizes.to_markdown().expect("rendered");
        assert!(
            table.ends_with("| **mediainfo-1** | layer | 3.26 | 1 | – |\n| p | PyPI p 1 | 6.00 | 1 | 5.90 |\n"),
            "{table}"
        );
    }
}
