//! `bench start`: what a program wants of the disk before it sends its first byte, page by page.
//!
//! A layer is put on a small disk of its own that reads nothing ahead ([`room`]), so that the kernel's memory holds what the
//! program has touched and no more. When the server receives the first byte, the program is stopped, and the kernel says
//! which of its pages are in memory ([`pages`]). None of this depends on how busy the machine is.

pub mod pages;
pub mod room;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use xtask::error::invalid;
use xtask::model::{Arch, Sha256};
use xtask::process::guard::TemporaryFolder;
use xtask::smoke::layer::Layer;
use xtask::ui::Ui;

use self::pages::Pages;
use self::room::Job;
use crate::peers::Kind;
use crate::subjects::layers;
use crate::{digest, room as closed_room};

/// Every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Starts {
    /// 1.
    pub format: u32,
    /// What was called.
    pub command: String,
    /// Whose code.
    pub arch: Arch,
    /// Our programs.
    pub programs: Vec<Program>,
}

/// How one program of a layer starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Program {
    /// Its name.
    pub name: Kind,
    /// The layer's name and version.
    pub layer: String,
    /// Of the layer's zip.
    pub sha256: Sha256,
    /// What it has touched.
    pub touched: Touched,
}

/// What a program has touched of its layer until its first byte was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Touched {
    /// Addresses that the loader filled in, of the program and the libraries of the layer.
    pub relocations: u64,
    /// Pages of 4 KiB, by what is in them.
    pub pages: Pages,
    /// How often it waited for the disk.
    pub major_faults: u64,
}

/// Measures the programs of the layers in `dist`.
///
/// # Errors
/// Where there is no layer, or this machine allows no disk of our own.
pub fn measure(dist: &Path, arch: Arch, command: String, ui: &Ui) -> Result<Starts> {
    let zips = layers(dist, arch);
    if zips.is_empty() {
        let hint = "hint: build one with `cargo xtask build-layer mediainfo`";
        return Err(invalid(format!("`{}` has no layer for {arch}\n\n{hint}", dist.display())));
    }
    let folder = TemporaryFolder::new("bench").context("cannot make a folder")?;
    let mut programs = Vec::new();
    for zip in zips {
        let layer = Layer::open(&zip.path).map_err(|error| invalid(error.to_string()))?;
        let (sha256, _) = digest::of_file(&zip.path)?;
        for name in [Kind::Ffprobe, Kind::Mediainfo] {
            let program = format!("bin/{name}");
            if !layer.folder().join(&program).is_file() {
                continue;
            }
            let _progress = ui.busy(&format!("starting {name} of {}", zip.name));
            let job = Job { layer: layer.folder().to_owned(), program, folder: folder.path().to_owned() };
            let touched = in_the_room(&job)?;
            let layer = zip.name.strip_suffix(&format!("-{arch}")).unwrap_or(&zip.name).to_owned();
            programs.push(Program { name, layer, sha256, touched });
        }
    }
    Ok(Starts { format: 1, command, arch, programs })
}

fn in_the_room(job: &Job) -> Result<Touched> {
    let path = job.folder.join("job.json");
    fs::write(&path, serde_json::to_vec(job)?).with_context(|| format!("cannot write `{}`", path.display()))?;
    closed_room::enter(room::WORD, &path)?;
    let path = job.folder.join("findings.json");
    let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_slice(&text).context("the findings are broken")
}

impl Starts {
    /// The table for people.
    pub fn to_markdown(&self) -> Result<String> {
        let mut text =
            format!("# What a program touches before it sends its first byte\n\nMade by `{}`.\n\n", self.command);
        let heads = ["relocations", "their tables", "what they fill", "code", "constants", "other data", "all pages"];
        writeln!(text, "| {} | {} | waits for the disk |", self.arch, heads.join(" | "))?;
        writeln!(text, "|---|{}", "---:|".repeat(heads.len() + 1))?;
        for Program { name, layer, touched, .. } in &self.programs {
            let Pages { relocation_tables, relocated, code, constants, data } = touched.pages;
            writeln!(
                text,
                "| {layer}: {name} | {} | {relocation_tables} | {relocated} | {code} | {constants} | {data} | {} | {} |",
                touched.relocations,
                touched.pages.all(),
                touched.major_faults
            )?;
        }
        text += "\nPages of 4 KiB of the program and of the layer's libraries, with nothing of them in memory before. \
                 The disk reads nothing ahead, so that every page counts that was wanted, and no other; a real disk reads \
                 ahead and waits less often. The program probes an https URL and is stopped when the server receives the \
                 first byte. glibc's own pages, which every runtime has in memory, are not counted.\n";
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_pages_up() {
        let pages = Pages { relocation_tables: 122, relocated: 125, code: 113, constants: 69, data: 2 };
        let touched = Touched { relocations: 20_837, pages, major_faults: 431 };
        let program =
            Program { name: Kind::Ffprobe, layer: "ffprobe-9".to_owned(), sha256: Sha256::of("zip"), touched };
        let starts = Starts { format: 1, command: "x".to_owned(), arch: Arch::X86_64, programs: vec![program] };
        let table = starts.to_markdown().expect("rendered");
        assert!(table.contains("| ffprobe-9: ffprobe | 20837 | 122 | 125 | 113 | 69 | 2 | 431 | 431 |\n"), "{table}");
    }
}
