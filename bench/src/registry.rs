//! Peers from PyPI and npm, fetched by name with the registries' own clients and checked against their pins.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::digest;
use crate::peers::Pinned;
use xtask::model::Origin;
use xtask::model::recipe::{Archive, Source};
use xtask::process::bounded::{self, Command};
use xtask::process::guard::TemporaryFolder;
use xtask::source::unpack;
use xtask::ui::Ui;

/// How long one download may take.
const DOWNLOAD: Duration = Duration::from_secs(600);

/// A registry that carries peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// Python's.
    Pypi,
    /// Node's.
    Npm,
}

impl Registry {
    /// What it is called in results.
    pub fn title(self) -> &'static str {
        match self {
            Registry::Pypi => "PyPI",
            Registry::Npm => "npm",
        }
    }

    fn client(self) -> (&'static str, &'static str) {
        match self {
            Registry::Pypi => ("python3", "install python3 and python3-pip"),
            Registry::Npm => ("npm", "install npm"),
        }
    }

    /// The command that leaves `peer`'s file in `folder`.
    fn arguments(self, peer: &Pinned, folder: &Path) -> Vec<OsString> {
        let (mut arguments, last): (Vec<OsString>, _) = match self {
            Registry::Pypi => {
                let words = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
                let words = words.into_iter().chain(["--only-binary", ":all:", "--dest"]);
                (words.map(OsString::from).collect(), format!("{}=={}", peer.package, peer.version))
            }
            Registry::Npm => {
                let words = ["pack", "--loglevel=error", "--pack-destination"];
                (words.map(OsString::from).to_vec(), format!("{}@{}", peer.package, peer.version))
            }
        };
        arguments.extend([folder.into(), last.into()]);
        arguments
    }
}

/// The file of a peer, in `archives`; fetched if it is not there.
pub fn fetch(registry: Registry, peer: &Pinned, archives: &Path, ui: &Ui) -> Result<PathBuf> {
    let file = archives.join(&peer.file);
    if file.exists() && check(peer, &file).is_ok() {
        return Ok(file);
    }
    let _progress = ui.busy(&format!("downloading {} {} from {}", peer.package, peer.version, registry.title()));
    fs::create_dir_all(archives).with_context(|| format!("cannot make `{}`", archives.display()))?;
    let partial = TemporaryFolder::beside(archives, "peer").context("cannot make a folder")?;
    let (client, remedy) = registry.client();
    // Whatever decides where the user's client looks for packages must reach it, so it sees the whole environment.
    let mut argv: Vec<OsString> = vec![client.into()];
    argv.extend(registry.arguments(peer, partial.path()));
    let mut command = Command { timeout: DOWNLOAD, cwd: Some(partial.path().to_owned()), ..Command::new(argv) };
    command.env.extend(std::env::vars_os());
    let output = bounded::run(&command).with_context(|| format!("cannot fetch `{}`: {remedy}", peer.package))?;
    if !output.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{client} cannot fetch `{}` {} ({}): {}", peer.package, peer.version, output.ending(), said.trim());
    }
    let fetched = partial.path().join(&peer.file);
    check(peer, &fetched)?;
    fs::rename(&fetched, &file).with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(file)
}

/// What is needed of a peer, unpacked below `folder`; the path of its program.
pub fn install(peer: &Pinned, file: &Path, folder: &Path) -> Result<PathBuf> {
    let (into, complete) = (folder.join(&peer.name), folder.join(format!("{}.complete", peer.name)));
    let program = into.join(&peer.program);
    if fs::read_to_string(&complete).is_ok_and(|digest| digest == peer.sha256.to_string()) && program.is_file() {
        return Ok(program);
    }
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| format!("cannot remove `{}`", into.display()))?;
    }
    // Only the file's name counts of the origin: it says how the archive is packed.
    let origin = Origin::Pypi { project: peer.package.clone(), file: peer.file.clone() };
    let (size, sha256, origins) = (Some(peer.size), peer.sha256, vec![origin]);
    let archive = Archive { root: ".".to_owned(), size, sha256, origins, note: None };
    let keep = if peer.keep.is_empty() { vec![peer.program.clone()] } else { peer.keep.clone() };
    let executable = vec![peer.program.clone()];
    let source = Source { builder: None, tree: None, keep, omit: vec![], executable, archives: vec![] };
    unpack(file, &archive, &source, &into)?;
    fs::write(&complete, peer.sha256.to_string()).with_context(|| format!("cannot write `{}`", complete.display()))?;
    Ok(program)
}

fn check(peer: &Pinned, file: &Path) -> Result<()> {
    let (sha256, size) = digest::of_file(file)?;
    if (sha256, size) != (peer.sha256, peer.size) {
        bail!(
            "{} {} is not what it was: expected {} ({} bytes), got {sha256} ({size} bytes)\n\nhint: if that is right, \
             change its pin in `bench/peers.toml`",
            peer.package,
            peer.version,
            peer.sha256,
            peer.size
        );
    }
    Ok(())
}
