//! What a runtime consists of: a root with glibc and Python, what calls the function, and the packages that the function
//! asks for. All are made once and kept.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::room;
use super::settings::Order;
use crate::error::invalid;
use crate::files;
use crate::model::{Arch, Cloud, Sha256};
use crate::process;
use crate::process::guard::TemporaryFolder;
use crate::smoke::layer::Layer;
use crate::smoke::sandbox::machine::Machine;
use crate::smoke::sandbox::python::{Python, install_needs};
use crate::smoke::sandbox::tree;
use crate::ui::Ui;

/// What Lambda's runtime has beside Python: the client of the Runtime API, and the SDK.
const LAMBDA: &str = include_str!("lambda-requirements.txt");

/// What calls functions as Function Compute does.
const FUNCTION_COMPUTE: &str = include_str!("fc_runtime.py");

/// The packages that a function needs beyond its runtime, in its folder, where the clouds' own tools look too.
const REQUIREMENTS: &str = "requirements.txt";

/// Part of every folder's name: raise it when folders are made in another way.
const FORMAT: u32 = 2;

/// A runtime.
#[derive(Debug)]
pub struct System {
    /// The root.
    pub root: PathBuf,
    /// What goes to /var/runtime.
    pub runtime: PathBuf,
    /// What goes to /var/packages, if the function asks for packages.
    pub packages: Option<PathBuf>,
    /// The interpreter.
    pub python: Python,
}

impl System {
    /// Finds the Python that the function is for, or else this machine's usual one, and makes a runtime of it below
    /// `cache`, if that has not been done yet.
    ///
    /// # Errors
    /// Where Python or pip are missing, or the packages cannot be fetched.
    pub fn prepare(arch: Arch, order: &Order<'_>, cache: &Path, ui: &Ui) -> Result<System> {
        let machine = Machine::find(arch, None)?;
        let python = Python::find_as(&machine, &order.function.runtime).or_else(|_| Python::find(&machine))?;
        let program = machine.outside(&python.program);
        let about = fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?;
        let version = format!("{FORMAT} {} {} {}", about.len(), about.mtime(), program.display());
        let key = |what: &str| Sha256::of(format!("{version} {what}")).short();
        let runtime = match order.function.cloud {
            Cloud::Aws => kept(&cache.join(format!("runtime-{}", key(LAMBDA))), |folder| {
                let _progress = ui.busy("installing Lambda's runtime client and the SDK");
                install(&program, LAMBDA, folder)
            })?,
            Cloud::Aliyun => kept(&cache.join(format!("runtime-{}", key(FUNCTION_COMPUTE))), |folder| {
                tree::write(&folder.join("fc_runtime.py"), FUNCTION_COMPUTE.as_bytes())
            })?,
        };
        let list = order.folder.join(REQUIREMENTS);
        let packages = match fs::read_to_string(&list) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            text => {
                let text = text.with_context(|| format!("cannot read {}", list.display()))?;
                Some(kept(&cache.join(format!("packages-{}", key(&text))), |folder| {
                    let _progress = ui.busy(&format!("installing what {} lists", list.display()));
                    install(&program, &text, folder)
                })?)
            }
        };
        let folders: Vec<_> = [Some(&runtime), packages.as_ref()].into_iter().flatten().collect();
        let root = kept(&cache.join(format!("system-{}", key(&format!("{folders:?}")))), |folder| {
            let _progress = ui.busy("making a root with glibc and Python");
            furnish(&machine, &python, &folders, folder)
        })?;
        Ok(System { root, runtime, packages, python })
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
    let made = TemporaryFolder::beside(parent, "partial")?;
    make(made.path())?;
    files::normalize(made.path())?;
    match fs::rename(made.path(), folder) {
        // Another run was faster.
        Err(_) if folder.is_dir() => {}
        renamed => renamed.with_context(|| format!("cannot make {}", folder.display()))?,
    }
    Ok(folder.to_owned())
}

/// Lets pip put into `folder` what `text`, a list of requirements, names.
fn install(python: &Path, text: &str, folder: &Path) -> Result<()> {
    let list = folder.join(REQUIREMENTS);
    tree::write(&list, text.as_bytes())?;
    let (folder, list) = (folder.display().to_string(), list.display().to_string());
    let words = ["-m", "pip", "install", "--quiet", "--target", &folder, "--requirement", &list];
    let output = process::output(python, words).with_context(|| format!("cannot run {}", python.display()))?;
    if !output.status.success() {
        bail!(
            "pip cannot install what the function needs: {}\n\nhint: it needs pip (`python3-pip` on Debian) and a package index",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Puts glibc, Python and what the compiled modules in `folders` need into a root, and what a room mounts on.
fn furnish(machine: &Machine, python: &Python, folders: &[&PathBuf], root: &Path) -> Result<()> {
    machine.install_glibc(root)?;
    python.install(machine, root, &|_| true)?;
    for folder in folders {
        for module in
            tree::listing(folder, Path::new(""))?.iter().filter(|path| path.extension() == Some("so".as_ref()))
        {
            install_needs(machine, folder, module, root)?;
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
