//! A Python that can be copied into a root: its program, its standard library, the libraries both need.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::machine::{Machine, Unavailable};
use super::tree;
use crate::process::bounded;

/// Folders of the standard library that importing a module from a layer never needs.
const LEFT_OUT: [&str; 11] = [
    "__pycache__",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
];

/// Libraries that a layer must not find by way of Python: they know TLS, as the beginnings of their sonames.
pub const HIDDEN: [&str; 5] = ["libcrypto", "libcurl", "libgnutls", "libnss3", "libssl"];

/// A Python interpreter of a [`Machine`].
#[derive(Debug, Clone)]
pub struct Python {
    /// The program, as a path inside the machine's system.
    pub program: PathBuf,
    /// Its standard library, likewise.
    library: PathBuf,
}

impl Python {
    /// Finds the Python of a machine, under its usual name.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub fn find(machine: &Machine) -> Result<Python, Unavailable> {
        Python::find_as(machine, "python3")
    }

    /// Finds a Python of a machine by its name, such as `python3.13`.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub fn find_as(machine: &Machine, name: &str) -> Result<Python, Unavailable> {
        let unavailable = |reason: String| Unavailable {
            reason,
            remedy: match machine.emulator {
                None => "install python3".to_owned(),
                Some(_) => "make a root that has it with `ci/arm64-root FOLDER`".to_owned(),
            },
        };
        let found = match machine.emulator {
            None => bounded::find_program(name),
            Some(_) => machine.real_path(&Path::new("/usr/bin").join(name)),
        };
        let system = machine.system.display();
        let program = found.ok_or_else(|| unavailable(format!("there is no {name} in {system}")))?;
        let question = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.__file__))";
        // What `python3` leads to may be a script that looks for the real one with the help of these.
        let mut command = machine.command(&program, &["-I", "-S", "-c", question]);
        for name in ["HOME", "PATH"] {
            command.env.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        let output = bounded::run(&command).map_err(|error| unavailable(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.lines().collect::<Vec<_>>()[..] {
            [program, library] if output.success() => {
                Ok(Python { program: machine.inside(Path::new(program)), library: machine.inside(Path::new(library)) })
            }
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(unavailable(format!("{} does not work: {}: {}", program.display(), output.ending(), said.trim())))
            }
        }
    }

    /// The interpreter at a path, in a system that is not copied from.
    pub fn at(program: &str) -> Python {
        Python { program: PathBuf::from(program), library: PathBuf::new() }
    }

    /// The folder of its standard library, such as `python3.13`.
    pub fn folder(&self) -> String {
        self.library.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Copies the interpreter into a root, at its own paths, with the modules whose libraries are all `wanted`.
    pub fn install(&self, machine: &Machine, root: &Path, wanted: &dyn Fn(&Path) -> bool) -> anyhow::Result<()> {
        let program = machine.outside(&self.program);
        tree::copy_file(&program, &below(root, &self.program))?;
        let library = machine.outside(&self.library);
        tree::copy_tree(&library, &below(root, &self.library), &|path| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            !LEFT_OUT.contains(&name) && !name.starts_with("config-") && !is_module(path)
        })?;
        let mut needed = needs(machine, &program)?.unwrap_or_default();
        let modules = library.join("lib-dynload");
        for entry in std::fs::read_dir(&modules).into_iter().flatten().flatten() {
            let module = entry.path();
            if !is_module(&module) {
                continue;
            }
            // A module without its libraries could not be imported, so it need not be there.
            let Some(libraries) = needs(machine, &module)? else { continue };
            if !libraries.iter().all(|library| wanted(library)) {
                continue;
            }
            needed.extend(libraries);
            tree::copy_file(&module, &below(root, &machine.inside(&module)))?;
        }
        install_libraries(machine, needed, root)
    }
}

/// Copies into a root, at their own paths, the libraries that a module needs from outside of `folder`, which holds it, if
/// all of them are there.
pub fn install_needs(machine: &Machine, folder: &Path, module: &Path, root: &Path) -> anyhow::Result<()> {
    let mut needed = needs(machine, &folder.join(module))?.unwrap_or_default();
    needed.retain(|library| !library.starts_with(folder));
    install_libraries(machine, needed, root)
}

fn install_libraries(machine: &Machine, mut needed: Vec<PathBuf>, root: &Path) -> anyhow::Result<()> {
    needed.sort();
    needed.dedup();
    for library in needed {
        // The loader's listing names paths inside the system.
        if let Some(real) = machine.real_path(&library) {
            tree::copy_file(&real, &below(root, &library))?;
        }
    }
    Ok(())
}

/// Modules that are compiled: they are copied one by one, if what they need may be seen.
fn is_module(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("so"))
}

/// Whether a file could serve a layer that should have brought its own: a library that knows TLS, or certificates.
pub fn knows_tls(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let certificates = matches!(path.extension().and_then(OsStr::to_str), Some("pem" | "crt"));
    HIDDEN.iter().any(|hidden| name.starts_with(hidden)) || (certificates && !path.starts_with("tmp"))
}

fn below(root: &Path, inside: &Path) -> PathBuf {
    root.join(inside.strip_prefix("/").unwrap_or(inside))
}

/// The libraries a file needs, in full, as paths inside the system: the loader itself is asked, so that every way of
/// finding them counts. Nothing where one of them is missing.
fn needs(machine: &Machine, file: &Path) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let Some(loader) = machine.loader() else { return Ok(None) };
    let output = bounded::run(&machine.command(&loader, &["--list", &file.to_string_lossy()]))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = |line: &str| {
        let path = line.split_once(" => ")?.1.split(" (").next()?.trim();
        path.starts_with('/').then(|| machine.inside(Path::new(path)))
    };
    Ok((output.success() && !text.contains("not found")).then(|| text.lines().filter_map(found).collect()))
}
