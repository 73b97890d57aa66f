//! A place with nothing in it but glibc and a layer: what works here works in a runtime.
//!
//! The root holds copies only and nothing is mounted into it, or it is the root of a target's image (see [`target`]).
//! The network stays the machine's, so that a server on the loopback can be reached by the name `localhost`. It hides
//! the machine from honest programs and is no jail for hostile ones.

pub mod isolation;
pub mod machine;
pub mod python;
pub mod target;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use self::isolation::Isolation;
use self::machine::Unavailable;
use self::machine::{Linkage, Machine};
use self::python::Python;
use self::target::{Target, TargetContainer};
use crate::files;
use crate::process::bounded::{self, Command};
use crate::process::guard::TemporaryFolder;

/// Where the emulator stands in the root.
const EMULATOR: &str = "/qemu";

/// What goes into a sandbox.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    /// The folder that holds the layer.
    pub layer: &'a Path,
    /// Where the layer goes, such as `/opt`.
    pub at: &'a str,
    /// The program of the layer that will be run, as a path in the layer.
    pub program: &'a str,
    /// The hosts file.
    pub hosts: &'a str,
    /// The Python to bring along.
    pub python: Option<&'a Python>,
}

/// A root with a layer in it. It goes when dropped.
#[derive(Debug)]
pub struct Sandbox {
    // Before the root, as it goes first.
    inside: Option<TargetContainer>,
    root: TemporaryFolder,
    machine: Machine,
    isolation: Isolation,
}

impl Sandbox {
    /// Makes a root with `content`, and finds the best way to enter it among `ways`.
    ///
    /// # Errors
    /// Where there is no room for it, or no way works.
    pub fn build(machine: &Machine, content: &Content<'_>, ways: &[Isolation]) -> anyhow::Result<Sandbox> {
        let mut sandbox = Sandbox::empty(machine)?;
        machine.install_glibc(sandbox.root.path())?;
        sandbox.furnish(content)?;
        sandbox.link_program(content.at, content.program)?;
        let mut refusals = Vec::new();
        for &way in ways {
            sandbox.isolation = way;
            match sandbox.try_out() {
                Ok(()) => return Ok(sandbox),
                Err(refusal) => refusals.push(format!("{way}: {refusal}")),
            }
        }
        bail!(
            "no way to run a program in {} works ({}); TMPDIR may name a folder from which programs may run",
            sandbox.root.path().display(),
            refusals.join("; ")
        )
    }

    /// Puts `content` into a container of a target's image. It brings no Python: the image's own is used.
    ///
    /// # Errors
    /// Where the engine cannot run it.
    pub fn build_in(target: &Target, machine: &Machine, content: &Content<'_>) -> anyhow::Result<Sandbox> {
        let mut sandbox = Sandbox::empty(machine)?;
        sandbox.furnish(content)?;
        files::normalize(&sandbox.outside(content.at))?;
        sandbox.inside = Some(TargetContainer::start(target, sandbox.root.path())?);
        Ok(sandbox)
    }

    fn empty(machine: &Machine) -> anyhow::Result<Sandbox> {
        let root = TemporaryFolder::new("smoke");
        let root = root.context("cannot make a folder for the sandbox; TMPDIR may name another place")?;
        Ok(Sandbox { inside: None, root, machine: machine.clone(), isolation: Isolation::None })
    }

    /// Whether its programs see only what was put into its root, or what an image has.
    pub fn hides_the_machine(&self) -> bool {
        self.inside.is_some() || self.isolation.hides_the_machine()
    }

    /// How its programs are kept from seeing the machine, in words.
    pub fn place(&self) -> String {
        self.inside.as_ref().map_or_else(|| self.isolation.to_string(), TargetContainer::place)
    }

    /// What is in the root, outside of the layer at `at`, and could serve a layer that should have brought its own.
    pub fn foreign_files(&self, at: &str) -> anyhow::Result<Vec<String>> {
        if let Some(inside) = &self.inside {
            return inside.foreign_files();
        }
        let (layer, listing) = (Path::new(at.trim_start_matches('/')), self.listing()?);
        let foreign_files = listing.iter().filter(|path| !path.starts_with(layer) && python::knows_tls(path));
        Ok(foreign_files.map(|path| format!("/{}", path.display())).collect())
    }

    /// The Python that the image brings; nothing where no image is used.
    pub fn own_python(&self) -> Option<Result<Python, Unavailable>> {
        self.inside.as_ref().map(TargetContainer::python)
    }

    /// What a program in the sandbox must call the file that is at `inside` in the root.
    pub fn path(&self, inside: &str) -> String {
        if self.hides_the_machine() { inside.to_owned() } else { self.outside(inside).to_string_lossy().into_owned() }
    }

    /// Where a file of the root is on this machine.
    pub fn outside(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Moves the layer from one folder of the root to another, with nothing left behind.
    pub fn move_layer(&self, from: &str, to: &str, program: &str) -> anyhow::Result<()> {
        let target = self.outside(to);
        let rename = || -> std::io::Result<()> {
            std::fs::create_dir_all(&target)?;
            // The folder itself may be mounted, and then stays mounted where it was.
            for entry in std::fs::read_dir(self.outside(from))? {
                let entry = entry?;
                std::fs::rename(entry.path(), target.join(entry.file_name()))?;
            }
            Ok(())
        };
        rename().with_context(|| format!("cannot move {from} to {to} in the sandbox"))?;
        if self.inside.is_some() {
            return target::show(self.root.path(), &target);
        }
        let unlink =
            std::fs::remove_dir(self.outside(from)).and_then(|()| std::fs::remove_file(self.outside("/proc/self/exe")));
        unlink.with_context(|| format!("cannot clear {from} in the sandbox"))?;
        self.link_program(to, program)
    }

    /// The paths of all files and folders of the root, apart from /tmp, where programs may write.
    pub fn listing(&self) -> anyhow::Result<BTreeSet<PathBuf>> {
        tree::listing(self.root.path(), &self.outside("/tmp"))
    }

    /// Puts a file into the root.
    pub fn write(&self, inside: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = self.outside(inside);
        tree::write(&path, content)?;
        if self.inside.is_some() { target::show(self.root.path(), &path) } else { Ok(()) }
    }

    /// What a program in the sandbox must call the Python that was brought along.
    pub fn python(&self, python: &Python) -> String {
        if self.hides_the_machine() {
            return python.program.to_string_lossy().into_owned();
        }
        // It was copied without what knows TLS; the machine's own would be no better hidden.
        self.machine.outside(&python.program).to_string_lossy().into_owned()
    }

    /// A command that runs a program of the root, with nothing in its environment but `env`. `argv` is in the words of
    /// [`Self::path`].
    pub fn command<S: Into<String>>(
        &self,
        env: &BTreeMap<String, String>,
        argv: impl IntoIterator<Item = S>,
    ) -> Command {
        self.command_as(None, env, argv)
    }

    /// The same under another name as the program's path, which only an emulator can give it.
    pub fn command_as<S: Into<String>>(
        &self,
        name: Option<&str>,
        env: &BTreeMap<String, String>,
        argv: impl IntoIterator<Item = S>,
    ) -> Command {
        let argv = argv.into_iter().map(Into::into);
        if let Some(inside) = &self.inside {
            return inside.command(&argv.collect::<Vec<_>>(), env);
        }
        let mut whole = self.isolation.prefix(self.root.path()).unwrap_or_default();
        if let Some(emulator) = &self.machine.emulator {
            match self.isolation {
                Isolation::None => {
                    whole.extend([emulator.program.as_os_str(), "-L".as_ref()].map(OsString::from));
                    whole.push(self.machine.system.clone().into());
                }
                Isolation::UserNamespace | Isolation::Chroot => whole.push(EMULATOR.into()),
            }
            whole.extend(name.into_iter().flat_map(|name| ["-0", name]).map(OsString::from));
        }
        whole.extend(argv.map(OsString::from));
        let env = env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Command { cwd: Some(self.root.path().to_owned()), env, ..Command::new(whole) }
    }

    fn furnish(&self, content: &Content<'_>) -> anyhow::Result<()> {
        if let Some(emulator) = &self.machine.emulator {
            tree::copy_file(&emulator.program, &self.outside(EMULATOR))?;
        }
        if let Some(python) = content.python {
            python.install(&self.machine, self.root.path(), &|library| !python::knows_tls(library))?;
        }
        tree::copy_tree(content.layer, &self.outside(content.at), &|_| true)?;
        self.write("/etc/hosts", content.hosts.as_bytes())?;
        self.write("/etc/nsswitch.conf", b"hosts: files dns\n")?;
        std::fs::create_dir_all(self.outside("/tmp")).context("cannot make /tmp in the sandbox")
    }

    /// The loader asks `/proc/self/exe` where a program stands, to find what is beside it. Every runtime has a /proc;
    /// mounting one needs rights that a container seldom has, and one link of it is all that is wanted.
    fn link_program(&self, at: &str, program: &str) -> anyhow::Result<()> {
        let link = || {
            std::fs::create_dir_all(self.outside("/proc/self"))?;
            symlink(Path::new(at).join(program), self.outside("/proc/self/exe"))
        };
        link().context("cannot make /proc/self/exe in the sandbox")
    }

    /// Runs the loader in the sandbox, as a program that is there in any case, to check libc, which is too.
    fn try_out(&self) -> Result<(), String> {
        if self.isolation.prefix(self.root.path()).is_none() {
            return Err("its program is not installed".to_owned());
        }
        if self.machine.emulator.as_ref().is_some_and(|emulator| emulator.linkage == Linkage::Dynamic)
            && self.isolation.hides_the_machine()
        {
            return Err("this qemu needs libraries that are not in the root; qemu-user-static does not".to_owned());
        }
        let libc = self.machine.loader().and_then(|loader| Some(loader.parent()?.join("libc.so.6")));
        let libc = self.machine.inside(&libc.unwrap_or_default());
        let [loader, libc] = [self.machine.loader_path(), libc].map(|path| self.path(&path.to_string_lossy()));
        let output = bounded::run(&self.command(&BTreeMap::new(), [loader, "--verify".to_owned(), libc]))
            .map_err(|e| e.to_string())?;
        if output.success() {
            return Ok(());
        }
        Err(format!("{}: {}", output.ending(), String::from_utf8_lossy(&output.stderr).trim()))
    }
}

#[cfg(test)]
mod tests;
