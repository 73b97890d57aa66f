//! Which subjects there are: our layers, the user's stock builds and the peers of every registry.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::debian::Debian;
use crate::digest;
use crate::peers::{Kind, Peers};
use crate::registry::{self, Registry};
use crate::subject::{Call, Candidate, Role, Subject};
use xtask::error::{did_you_mean, invalid};
use xtask::model::Arch;
use xtask::smoke::layer::Layer;
use xtask::ui::Ui;

/// A program built without our patches, as `--stock NAME=PATH` names it.
#[derive(Debug, Clone)]
pub struct Stock {
    kind: Kind,
    path: PathBuf,
}

impl Stock {
    /// What it is a build of.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl std::str::FromStr for Stock {
    type Err = String;

    fn from_str(text: &str) -> Result<Stock, String> {
        let hint = "expected `mediainfo=PATH`, `pymediainfo=FOLDER` or `ffprobe=PATH`";
        let (name, path) = text.split_once('=').ok_or(hint)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.to_string() == name).ok_or(hint)?;
        let path = fs::canonicalize(path).map_err(|error| format!("`{path}`: {error}"))?;
        Ok(Stock { kind, path })
    }
}

/// A layer's zip in `dist/`.
#[derive(Debug, Clone)]
pub struct LayerZip {
    /// The zip.
    pub path: PathBuf,
    /// Its name without its ending: `mediainfo-23.04-x86_64`.
    pub name: String,
}

/// The zips in `dist` for one architecture, by name.
pub fn layers(dist: &Path, arch: Arch) -> Vec<LayerZip> {
    let ending = format!("-{arch}.zip");
    let paths = fs::read_dir(dist).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut zips: Vec<_> = paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let ours = ["mediainfo-", "ffprobe-", "ffmpeg-"].iter().any(|layer| name.starts_with(layer));
            let name = name.strip_suffix(".zip").filter(|_| ours && name.ends_with(&ending))?.to_owned();
            Some(LayerZip { path, name })
        })
        .collect();
    zips.sort_by(|a, b| a.name.cmp(&b.name));
    zips
}

/// Everything that can be measured, and what must be kept for as long as it is.
#[derive(Debug)]
pub struct Subjects {
    /// The subjects; their versions are not known yet.
    pub list: Vec<Candidate>,
    _unpacked: Vec<Layer>,
}

impl Subjects {
    /// Subjects from our layers.
    ///
    /// # Errors
    /// Where `dist` has none, or one that cannot be unpacked.
    pub fn ours(dist: &Path, arch: Arch, debian: &Debian) -> Result<Subjects> {
        let mut subjects = Subjects { list: Vec::new(), _unpacked: Vec::new() };
        let zips = layers(dist, arch);
        let several = |name: &str| zips.iter().filter(|zip| zip.name.split('-').next() == Some(name)).count() > 1;
        for zip in &zips {
            let layer = Layer::open(&zip.path).map_err(|error| invalid(error.to_string()))?;
            let (sha256, _) = digest::of_file(&zip.path)?;
            let mut add = |kind: Kind, call| {
                // The ffmpeg layer has an ffprobe too.
                let name = zip.name.strip_suffix(&format!("-{arch}")).unwrap_or(&zip.name);
                let (recipe, version) = name.split_once('-').unwrap_or((name, ""));
                let (mut name, title) = match recipe {
                    "ffmpeg" => (format!("{kind}-of-ffmpeg"), format!("layer {name}: {kind}")),
                    _ => (kind.to_string(), format!("layer {name}")),
                };
                if several(recipe) {
                    name += &format!("-{version}");
                }
                let subject = Subject { name, kind, role: Role::Ours, title, version: String::new(), sha256 };
                subjects.add(call, subject, vec![layer.folder().to_owned()]);
            };
            for kind in [Kind::Mediainfo, Kind::Ffprobe] {
                let program = layer.folder().join(format!("bin/{kind}"));
                if program.is_file() {
                    add(kind, Call::program(kind, vec![program.into()]));
                }
            }
            if layer.folder().join("python/pymediainfo").is_dir() {
                add(Kind::Pymediainfo, Call::python(&layer.folder().join("python"), debian));
            }
            subjects._unpacked.push(layer);
        }
        if subjects.list.is_empty() {
            return Err(invalid(format!(
                "`{}` has no layer for {arch}\n\nhint: build one with `cargo xtask build-layer mediainfo`",
                dist.display()
            )));
        }
        Ok(subjects)
    }

    /// Adds the user's own builds.
    pub fn add_stock(&mut self, stock: &[Stock], debian: &Debian) -> Result<()> {
        for Stock { kind, path } in stock {
            let (call, program) = match kind {
                Kind::Pymediainfo => (Call::python(path, debian), path.join("pymediainfo/libmediainfo.so.0")),
                _ if path.is_dir() => {
                    let program = path.join(format!("bin/{kind}"));
                    (Call::program(*kind, vec![program.clone().into()]), program)
                }
                _ => (Call::program(*kind, vec![path.clone().into()]), path.clone()),
            };
            let (sha256, _) = digest::of_file(&program)?;
            let (name, title) = (format!("stock-{kind}"), format!("stock {kind}"));
            let subject = Subject { name, kind: *kind, role: Role::Stock, title, version: String::new(), sha256 };
            self.add(call, subject, vec![program]);
        }
        Ok(())
    }

    /// Adds every peer for `arch`, and installs those that are not there.
    pub fn add_peers(&mut self, peers: &Peers, folder: &Path, arch: Arch, debian: &Debian, ui: &Ui) -> Result<()> {
        for peer in &peers.debian {
            let package = debian.installed.packages.get(&peer.package);
            let package = package.with_context(|| format!("apt did not bring `{}`", peer.package))?;
            let subject = Subject {
                name: peer.name.clone(),
                kind: peer.kind,
                role: Role::Peer,
                title: format!("Debian {} {}", peer.package, package.version),
                version: String::new(),
                sha256: package.sha256,
            };
            let brings = debian.files_of(&peer.program)?;
            self.add(Call::program(peer.kind, debian.argv(&peer.program)), subject, brings);
        }
        // What is pinned is for x86_64.
        if arch != Arch::X86_64 {
            return Ok(());
        }
        let pinned = [(Registry::Pypi, &peers.pypi), (Registry::Npm, &peers.npm)];
        for (registry, peer) in pinned.iter().flat_map(|(registry, list)| list.iter().map(|peer| (*registry, peer))) {
            let file = registry::fetch(registry, peer, &folder.join("archives"), ui)?;
            let program = registry::install(peer, &file, &folder.join("peers"))?;
            let call = match peer.kind {
                Kind::Pymediainfo => {
                    let module = program.parent().and_then(Path::parent);
                    Call::python(module.context("a module without a folder")?, debian)
                }
                kind => Call::program(kind, vec![OsString::from(&program)]),
            };
            let subject = Subject {
                name: peer.name.clone(),
                kind: peer.kind,
                role: Role::Peer,
                title: format!("{} {} {}", registry.title(), peer.package, peer.version),
                version: String::new(),
                sha256: peer.sha256,
            };
            self.add(call, subject, vec![folder.join("peers").join(&peer.name)]);
        }
        Ok(())
    }

    fn add(&mut self, call: Call, subject: Subject, brings: Vec<PathBuf>) {
        self.list.push(Candidate { subject, call, brings });
    }

    /// Leaves only the named subjects, if any are named, and puts the rest in the order of their kinds.
    ///
    /// # Errors
    /// A name is not known, or two subjects have the same.
    pub fn select(&mut self, names: &[String]) -> Result<()> {
        let known: Vec<_> = self.list.iter().map(|candidate| candidate.subject.name.clone()).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
            let near = did_you_mean(unknown, known.iter().map(String::as_str));
            return Err(invalid(format!(
                "there is no subject `{unknown}`\n\nhint: {near}there are {}",
                known.join(", ")
            )));
        }
        if let Some(twice) = known.iter().find(|name| known.iter().filter(|other| other == name).count() > 1) {
            bail!("two subjects are called `{twice}`");
        }
        self.list.retain(|candidate| names.is_empty() || names.contains(&candidate.subject.name));
        self.list.sort_by_key(|candidate| (candidate.subject.kind, candidate.subject.role));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_from_other_files_by_their_names() {
        let dist = tempfile::tempdir().expect("a folder");
        for name in [
            "mediainfo-23.04-x86_64.zip",
            "mediainfo-23.04-arm64.zip",
            "ffmpeg-9.0.2-x86_64.zip",
            "x-1-x86_64.zip",
            "ffmpeg-9.0.2-x86_64.json",
        ] {
            fs::write(dist.path().join(name), "").expect("written");
        }
        let found = layers(dist.path(), Arch::X86_64);
        assert_eq!(
            found.iter().map(|zip| &*zip.name).collect::<Vec<_>>(),
            ["ffmpeg-9.0.2-x86_64", "mediainfo-23.04-x86_64"]
        );
    }

    #[test]
    fn stock_builds_are_named_by_kind() {
        assert!("ffprobe=/bin/sh".parse::<Stock>().is_ok());
        for wrong in ["ffprobe", "ffplay=/bin/sh", "ffprobe=/nonexistent"] {
            assert!(wrong.parse::<Stock>().is_err(), "{wrong}");
        }
    }
}
