//! What a runtime consists of: a root with glibc and Python, and Lambda's client and SDK. Both are made once and kept.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::room;
use crate::error::invalid;
use crate::files;
use crate::model::{Arch, Sha256};
use crate::process;
use crate::smoke::layer::Layer;
use crate::smoke::sandbox::machine::Machine;
use crate::smoke::sandbox::python::{Python, install_needs};
use crate::smoke::sandbox::tree;
use crate::ui::Ui;

/// What is installed beside Python.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Part of every folder's name: raise it when folders are made in another way.
const FORMAT: u32 = 1;

/// A runtime.
#[derive(Debug)]
pub struct System {
    /// The root.
    pub root: PathBuf,
    /// What goes to /var/runtime.
    pub runtime: PathBuf,
    /// The interpreter.
    pub python: Python,
}

impl System {
    /// Finds this machine's Python, and makes a runtime of it below `cache`, if that has not been done yet.
    ///
    /// # Errors
    /// Where Python or pip are missing, or the packages cannot be had.
    pub fn prepare(arch: Arch, cache: &Path, ui: &Ui) -> Result<System> {
        let machine = Machine::find(arch, None)?;
        let python = Python::find(&machine)?;
        let program = machine.outside(&python.program);
        let about = fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?;
        let version = (about.len(), about.mtime(), &python.program);
        let key = Sha256::of(format!("{FORMAT} {version:?} {REQUIREMENTS}")).short();
        let runtime = kept(&cache.join(format!("runtime-{key}")), |folder| install(&program, folder, ui))?;
        let root = kept(&cache.join(format!("system-{key}")), |folder| {
            let _progress = ui.busy("making a root with glibc and Python");
            furnish(&machine, &python, &runtime, folder)
        })?;
        Ok(System { root, runtime, python })
    }
}

/// What goes to /opt: the layers, unpacked one over the other, as Lambda does it.
///
/// # Errors
/// Where one of them cannot be read or is no layer.
pub fn merge(layers: &[PathBuf], cache: &Path) -> Result<PathBuf> {
    let mut digests = String::new();
    for layer in layers {
        let bytes = fs::read(layer).map_err(|error| invalid(format!("cannot read {}: {error}", layer.display())))?;
        digests.push_str(&Sha256::of(&bytes).to_string());
    }
    kept(&cache.join(format!("opt-{}", Sha256::of(digests).short())), |folder| {
        for layer in layers {
            let layer = Layer::open(layer).map_err(|error| invalid(error.to_string()))?;
            tree::copy_tree(layer.folder(), folder, &|_| true)?;
        }
        Ok(())
    })
}

/// The folder, made by `make` if it is not there: beside it first, then renamed, so that it is there whole or not at
/// all.
fn kept(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if folder.is_dir() {
        return Ok(folder.to_owned());
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let made = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent)?;
    make(made.path())?;
    files::normalize(made.path())?;
    match fs::rename(made.path(), folder) {
        // Another run was faster.
        Err(_) if folder.is_dir() => {}
        renamed => renamed.with_context(|| format!("cannot make {}", folder.display()))?,
    }
    Ok(folder.to_owned())
}

fn install(python: &Path, folder: &Path, ui: &Ui) -> Result<()> {
    let _progress = ui.busy("installing Lambda's runtime client and the SDK");
    let list = folder.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).with_context(|| format!("cannot write {}", list.display()))?;
    let (folder, list) = (folder.display().to_string(), list.display().to_string());
    let words = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", &folder, "--requirement", &list];
    let output = process::output(python, words).with_context(|| format!("cannot run {}", python.display()))?;
    if !output.status.success() {
        bail!(
            "pip cannot install Lambda's runtime client: {}\n\nhint: it needs pip (`python3-pip` on Debian) and a package index",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn furnish(machine: &Machine, python: &Python, runtime: &Path, root: &Path) -> Result<()> {
    machine.install_glibc(root)?;
    python.install(machine, root, &|_| true)?;
    for entry in walk(runtime)? {
        if entry.to_string_lossy().ends_with(".so") {
            install_needs(machine, &entry, root)?;
        }
    }
    let (folders, files) = room::mount_points();
    for folder in folders {
        fs::create_dir_all(root.join(&folder)).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    for file in files {
        tree::write(&root.join(file), b"")?;
    }
    tree::write(&root.join("etc/nsswitch.conf"), b"hosts: files dns\n")?;
    tree::write(&root.join("etc/passwd"), b"sbx_user1051:x:993:993::/home/sbx_user1051:/sbin/nologin\n")
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(tree::listing(folder, Path::new(""))?.into_iter().map(|path| folder.join(path)).collect())
}
