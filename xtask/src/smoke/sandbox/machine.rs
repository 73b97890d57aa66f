//! What runs programs of an architecture: this machine itself, or an emulator with a system of that architecture.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use object::elf::{FileHeader64, PT_INTERP};
use object::endian::Endianness;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::tree;
use crate::model::Arch;
use crate::process::bounded::{self, Command};

/// What glibc loads: by every program, or by itself to find a host by name. Newer ones have most of it in libc.
const GLIBC: [&str; 9] = [
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libnss_dns.so.2",
    "libnss_files.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// Something that runs programs of one architecture.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The architecture.
    pub arch: Arch,
    /// The root folder of a system with that architecture's glibc: `/`, or one for the emulator.
    pub system: PathBuf,
    /// What runs its programs, where this machine cannot.
    pub emulator: Option<Emulator>,
}

/// A qemu that runs single programs.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// Its path on this machine.
    pub program: PathBuf,
    /// Whether it needs shared libraries, which a minimal root of another architecture has not.
    pub linkage: Linkage,
}

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkage {
    /// It needs nothing.
    Static,
    /// It needs a loader and libraries.
    Dynamic,
}

/// Programs of the architecture cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub struct Unavailable {
    /// What is missing.
    pub reason: String,
    /// How to get it.
    pub remedy: String,
}

impl Machine {
    /// Finds what runs `arch`. For another architecture than this machine's, `emulated_root` is the system the
    /// emulator is given; where it is absent, Debian's folder for cross compilers is tried.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub fn find(arch: Arch, emulated_root: Option<&Path>) -> Result<Machine, Unavailable> {
        if Arch::of_this_machine() == Some(arch) {
            let machine = Machine { arch, system: PathBuf::from("/"), emulator: None };
            return machine.with_glibc("run the checks on a system with glibc, such as Debian, Fedora or Amazon Linux");
        }
        let gnu = arch.gnu();
        let names = [format!("qemu-{gnu}-static"), format!("qemu-{gnu}")];
        let Some(program) = names.iter().find_map(|name| bounded::find_program(name)) else {
            return Err(Unavailable {
                reason: format!("qemu-{gnu} is not installed, so {arch} programs cannot be run here"),
                remedy:
                    "install it: `apt-get install qemu-user-static` on Debian, `dnf install qemu-user-static` on Fedora"
                        .to_owned(),
            });
        };
        let linkage = linkage(&program);
        let cross = PathBuf::from(format!("/usr/{gnu}-linux-gnu"));
        let system = emulated_root.map_or(cross, Path::to_owned);
        let machine = Machine { arch, system, emulator: Some(Emulator { program, linkage }) };
        machine.with_glibc(&format!("run `ci/arm64-root`, or `apt-get install libc6-{arch}-cross`"))
    }

    fn with_glibc(self, remedy: &str) -> Result<Machine, Unavailable> {
        if self.loader().is_some() {
            return Ok(self);
        }
        let (arch, system) = (self.arch, self.system.display());
        Err(Unavailable { reason: format!("there is no glibc for {arch} in {system}"), remedy: remedy.to_owned() })
    }

    /// Where programs expect the dynamic loader.
    pub fn loader_path(&self) -> PathBuf {
        let folder = match self.arch {
            Arch::X86_64 => "/lib64",
            Arch::Arm64 => "/lib",
        };
        Path::new(folder).join(self.arch.loader())
    }

    /// The file that is the dynamic loader, as a path of this machine. The rest of glibc stands beside it.
    pub fn loader(&self) -> Option<PathBuf> {
        self.real_path(&self.loader_path())
    }

    /// The path on this machine of a path inside the system.
    pub fn outside(&self, inside: &Path) -> PathBuf {
        self.system.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// The path inside the system of a path on this machine.
    pub fn inside(&self, outside: &Path) -> PathBuf {
        Path::new("/").join(outside.strip_prefix(&self.system).unwrap_or(outside))
    }

    /// Follows the links of a path inside the system without ever leaving it; gives the file's path on this machine.
    pub fn real_path(&self, inside: &Path) -> Option<PathBuf> {
        let mut todo: Vec<OsString> = parts(inside);
        let (mut real, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = todo.pop() {
            if part == ".." {
                real.pop();
                continue;
            }
            real.push(part);
            if let Ok(target) = fs::read_link(self.outside(&real)) {
                links += 1;
                if links > 40 {
                    return None;
                }
                real.pop();
                if target.is_absolute() {
                    real = PathBuf::from("/");
                }
                todo.extend(parts(&target));
            }
        }
        let real = self.outside(&real);
        real.exists().then_some(real)
    }

    /// Copies glibc into a root, at its own paths.
    pub fn install_glibc(&self, root: &Path) -> anyhow::Result<()> {
        let Some(loader) = self.loader() else {
            anyhow::bail!("there is no glibc for {} in {}", self.arch, self.system.display());
        };
        let below = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        tree::copy_file(&loader, &below(&self.loader_path()))?;
        let folder = loader.parent().unwrap_or(Path::new("/"));
        for name in GLIBC {
            let library = self.inside(&folder.join(name));
            if let Some(real) = self.real_path(&library) {
                tree::copy_file(&real, &below(&library))?;
            }
        }
        Ok(())
    }

    /// A command that runs a program of the system where it stands, with the system's libraries.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut argv: Vec<OsString> = Vec::new();
        if let Some(emulator) = &self.emulator {
            argv.extend([emulator.program.as_os_str(), "-L".as_ref(), self.system.as_os_str()].map(Into::into));
        }
        argv.push(program.into());
        argv.extend(arguments.iter().map(Into::into));
        Command::new(argv)
    }
}

/// The parts of a path without its root, last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let plain = |part: Component<'_>| !matches!(part, Component::RootDir | Component::CurDir);
    path.components().rev().filter(|part| plain(*part)).map(|part| part.as_os_str().to_owned()).collect()
}

/// A program without an interpreter needs nothing; one that cannot be read is taken to need something.
fn linkage(program: &Path) -> Linkage {
    let interpreted = || -> Option<bool> {
        let bytes = fs::read(program).ok()?;
        let header = FileHeader64::<Endianness>::parse(bytes.as_slice()).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, bytes.as_slice()).ok()?;
        Some(segments.iter().any(|segment| segment.p_type(endian) == PT_INTERP))
    };
    if interpreted() == Some(false) { Linkage::Static } else { Linkage::Dynamic }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn this_machine_runs_its_own_architecture() {
        let arch = Arch::of_this_machine().expect("a known architecture");
        let machine = Machine::find(arch, None).expect("found");
        assert!(machine.emulator.is_none());
        let loader = machine.loader().expect("a loader");
        assert!(loader.parent().expect("a folder").join("libc.so.6").exists(), "{loader:?}");
    }

    #[test]
    fn a_root_without_glibc_is_said_with_the_remedy() {
        let other = Arch::ALL.into_iter().find(|arch| Some(*arch) != Arch::of_this_machine()).expect("another");
        let unavailable = Machine::find(other, Some(Path::new("/nonexistent"))).expect_err("not there");
        // Without qemu the text is about qemu; both name what to install.
        assert!(unavailable.to_string().contains("install"), "{unavailable}");
    }

    #[test]
    fn links_of_a_system_never_lead_out_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = Machine { arch: Arch::Arm64, system: folder.path().to_owned(), emulator: None };
        fs::create_dir_all(folder.path().join("usr/lib/gnu")).expect("folders");
        fs::write(folder.path().join("usr/lib/gnu/ld-2.31.so"), "").expect("a file");
        symlink("usr/lib", folder.path().join("lib")).expect("a link");
        symlink("/lib/gnu/ld-2.31.so", folder.path().join("usr/lib/absolute")).expect("a link");
        symlink("../../../../lib/gnu/ld-2.31.so", folder.path().join("usr/lib/upwards")).expect("a link");
        symlink("loop", folder.path().join("usr/lib/loop")).expect("a link");
        let real = folder.path().join("usr/lib/gnu/ld-2.31.so");
        for name in ["absolute", "upwards"] {
            assert_eq!(machine.real_path(&Path::new("/lib").join(name)), Some(real.clone()), "{name}");
        }
        assert_eq!(machine.real_path(Path::new("/lib/loop")), None);
        assert_eq!(machine.inside(&real), Path::new("/usr/lib/gnu/ld-2.31.so"));
    }
}
