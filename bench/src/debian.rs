//! Programs of Debian in a folder of their own: apt finds and checks the packages, and nothing is installed.
//!
//! apt is told that nothing at all is installed, so that it names everything the packages need, down to glibc. The
//! programs are then run by the loader in that folder with the libraries in that folder, so that results do not
//! depend on the machine. A folder that is complete is used until it is removed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::peers::Peers;
use xtask::model::{Arch, Sha256};
use xtask::pack::landing::land_text;
use xtask::process::bounded::{self, Command};
use xtask::ui::Ui;

/// The packages in their folder.
#[derive(Debug, Clone)]
pub struct Debian {
    root: PathBuf,
    arch: Arch,
    libraries: Vec<PathBuf>,
    /// What was installed.
    pub installed: Installed,
}

/// What was installed, beside the folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Installed {
    /// What was asked for.
    pub asked: Vec<String>,
    /// Every package, by name.
    pub packages: BTreeMap<String, Package>,
    /// For each package of a peer, what it needs, itself included.
    pub closures: BTreeMap<String, Vec<String>>,
}

/// A package file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Package {
    /// Debian's version.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Sha256,
}

/// How long downloading may take.
const DOWNLOAD: Duration = Duration::from_secs(900);

impl Debian {
    /// Uses the packages that `folder` holds, or downloads and unpacks them.
    pub fn install(folder: &Path, peers: &Peers, arch: Arch, ui: &Ui) -> Result<Debian> {
        let (root, record) = (folder.join("root"), folder.join("installed.json"));
        let asked = peers.debian_packages();
        let known = fs::read_to_string(&record).ok().and_then(|text| serde_json::from_str::<Installed>(&text).ok());
        if let Some(installed) = known.filter(|installed| installed.asked == asked) {
            return Debian::open(root, arch, installed);
        }
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
        }
        let apt = Apt::new(folder, arch)?;
        let _progress = ui.busy("downloading Debian's packages with apt-get");
        // Before anything is downloaded, as what is there is not named again.
        let closures = peers.debian.iter().map(|peer| Ok((peer.package.clone(), apt.closure(&peer.package)?)));
        let closures = closures.collect::<Result<_>>()?;
        let asked_names = asked.iter().map(String::as_str);
        apt.install(["--download-only"].into_iter().chain(asked_names), DOWNLOAD)?;
        let mut packages = BTreeMap::new();
        let _progress = ui.busy("unpacking Debian's packages");
        for file in apt.files()? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (name, version) = parse_name(&name).with_context(|| format!("apt left `{name}`"))?;
            let (sha256, size) = digest::of_file(&file)?;
            unpack(&file, &root)?;
            packages.insert(name, Package { version, size, sha256 });
        }
        apt.remove_files()?;
        compile_python(&root, arch)?;
        let installed = Installed { asked, packages, closures };
        land_text(&record, &format!("{}\n", serde_json::to_string_pretty(&installed)?))?;
        Debian::open(root, arch, installed)
    }

    fn open(root: PathBuf, arch: Arch, installed: Installed) -> Result<Debian> {
        let mut libraries = Vec::new();
        for top in ["lib", "usr/lib"] {
            let folder = root.join(top).join(format!("{}-linux-gnu", arch.gnu()));
            // Some packages keep libraries one level deeper and rely on scripts of theirs to link them.
            libraries.extend(
                ["blas", "lapack", "pulseaudio"].map(|name| folder.join(name)).into_iter().filter(|it| it.is_dir()),
            );
            libraries.push(folder);
        }
        let debian = Debian { root, arch, libraries, installed };
        ensure!(
            debian.loader().is_file(),
            "`{}` is missing\n\nhint: remove the folder `{}`, and it is made again",
            debian.loader().display(),
            debian.root.parent().unwrap_or(&debian.root).display()
        );
        Ok(debian)
    }

    fn loader(&self) -> PathBuf {
        self.root.join(format!("lib/{}-linux-gnu", self.arch.gnu())).join(self.arch.loader())
    }

    /// A path in the folder.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// What runs a program of the folder: its loader, told where libraries are.
    pub fn argv(&self, program: &str) -> Vec<OsString> {
        let libraries: Vec<_> = self.libraries.iter().map(|path| path.display().to_string()).collect();
        let program = self.path(program).into_os_string();
        vec![
            self.loader().into(),
            "--library-path".into(),
            libraries.join(":").into(),
            "--argv0".into(),
            program.clone(),
            program,
        ]
    }

    /// A program of the folder and the libraries it is started with, without those that every runtime has.
    pub fn files_of(&self, program: &str) -> Result<Vec<PathBuf>> {
        let mut argv = self.argv(program);
        argv.insert(1, "--list".into());
        let output = bounded::run(&Command::new(argv))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.success(),
            "the loader cannot list what `{program}` needs ({}): {}",
            output.ending(),
            said.trim()
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let paths = text.lines().filter_map(|line| line.split_once(" => ")?.1.split(" (").next());
        let own = paths.map(PathBuf::from).filter(|path| path.starts_with(&self.root) && !is_in_every_runtime(path));
        Ok(std::iter::once(self.path(program)).chain(own).collect())
    }

    /// The version of an installed package.
    pub fn version(&self, package: &str) -> String {
        self.installed.packages.get(package).map_or_else(|| "unknown".to_owned(), |package| package.version.clone())
    }
}

/// Whether a library belongs to glibc or to the compiler's run-time, which programs in any runtime have in memory.
fn is_in_every_runtime(library: &Path) -> bool {
    let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = ["libc", "libm", "libdl", "libpthread", "librt", "libresolv", "libgcc_s"];
    names.iter().any(|known| name.starts_with(&format!("{known}.so")))
}

/// Makes the byte code of Python's standard library, which its package makes when it is installed.
fn compile_python(root: &Path, arch: Arch) -> Result<()> {
    let debian = Debian::open(root.to_owned(), arch, Installed::default())?;
    let mut argv = debian.argv("usr/bin/python3");
    let entries = fs::read_dir(debian.path("usr/lib")).context("Debian's packages have no libraries")?;
    let library = entries.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("python3."));
    let library = library.context("Debian's Python has no library")?.path();
    argv.extend(["-I", "-S", "-m", "compileall", "-qq"].map(OsString::from));
    argv.push(library.into());
    let mut command = Command { timeout: DOWNLOAD, ..Command::new(argv) };
    command.env.insert("PYTHONHOME".into(), debian.path("usr").into());
    let output = bounded::run(&command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.success(), "cannot compile Python's library ({}): {}", output.ending(), said.trim());
    Ok(())
}

/// apt with a state of its own, in which nothing is installed.
struct Apt {
    folder: PathBuf,
    arch: Arch,
}

impl Apt {
    fn new(folder: &Path, arch: Arch) -> Result<Apt> {
        let apt = Apt { folder: folder.to_owned(), arch };
        for wanted in [apt.archives().join("partial"), folder.join("root")] {
            fs::create_dir_all(&wanted).with_context(|| format!("cannot make `{}`", wanted.display()))?;
        }
        fs::write(folder.join("status"), "").with_context(|| format!("cannot write into `{}`", folder.display()))?;
        Ok(apt)
    }

    fn archives(&self) -> PathBuf {
        self.folder.join("archives")
    }

    /// The names of everything a package needs, itself included.
    fn closure(&self, package: &str) -> Result<Vec<String>> {
        let text = self.install(["--print-uris", "--quiet=2", package], Duration::from_secs(300))?;
        let files = text.lines().filter_map(|line| parse_name(line.split(' ').nth(1)?));
        let mut names: Vec<_> = files.map(|(name, _)| name).collect();
        names.sort();
        Ok(names)
    }

    /// Runs `apt-get install` with these arguments; what it says.
    fn install<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, timeout: Duration) -> Result<String> {
        let Some(program) = bounded::find_program("apt-get") else {
            bail!("the benchmark needs `apt-get` to get Debian's packages: run it on Debian or a system made from it");
        };
        let arch = match self.arch {
            Arch::X86_64 => "amd64",
            Arch::Arm64 => "arm64",
        };
        let options = [
            format!("APT::Architecture={arch}"),
            format!("Dir::State::status={}", self.folder.join("status").display()),
            format!("Dir::Cache::archives={}", self.archives().display()),
            "Dir::Cache::pkgcache=".to_owned(),
            "Dir::Cache::srcpkgcache=".to_owned(),
            "Dir::Log=/dev/null".to_owned(),
            // Nothing of the system's is changed, so it need not be locked either.
            "Debug::NoLocking=1".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
        ];
        let mut argv: Vec<OsString> =
            vec![program.into(), "install".into(), "--yes".into(), "--no-install-recommends".into()];
        argv.extend(options.into_iter().flat_map(|option| ["-o".into(), option.into()]));
        argv.extend(arguments.into_iter().map(Into::into));
        let mut command = Command { timeout, ..Command::new(argv) };
        for name in ["PATH", "http_proxy", "https_proxy", "no_proxy", "APT_CONFIG"] {
            command.env.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        let output = bounded::run(&command)?;
        if !output.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "apt-get cannot get Debian's packages ({}): {}\n\nhint: `apt-get update` may help",
                output.ending(),
                said.trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let archives = self.archives();
        let entries = fs::read_dir(&archives).with_context(|| format!("cannot read `{}`", archives.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
        files.sort();
        Ok(files)
    }

    fn remove_files(&self) -> Result<()> {
        let archives = self.archives();
        fs::remove_dir_all(&archives).with_context(|| format!("cannot remove `{}`", archives.display()))
    }
}

/// Name and version in the name that apt gives a package's file: `NAME_VERSION_ARCH.deb`, with `%3a` for a colon.
fn parse_name(file: &str) -> Option<(String, String)> {
    let mut parts = file.strip_suffix(".deb")?.split('_');
    let (name, version, _arch) = (parts.next()?, parts.next()?, parts.next()?);
    Some((name.to_owned(), version.replace("%3a", ":")))
}

fn unpack(package: &Path, root: &Path) -> Result<()> {
    let Some(program) = bounded::find_program("dpkg-deb") else {
        bail!("the benchmark needs `dpkg-deb` to unpack Debian's packages: install dpkg");
    };
    let mut command = Command::new([program.as_os_str(), "-x".as_ref(), package.as_os_str(), root.as_os_str()]);
    command.env.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
    let output = bounded::run(&command)?;
    ensure!(
        output.success(),
        "cannot unpack `{}` ({}): {}",
        package.display(),
        output.ending(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_has_glibc_and_nothing_else() {
        assert!(is_in_every_runtime(Path::new("/lib/libm.so.6")));
        assert!(!is_in_every_runtime(Path::new("/lib/libmediainfo.so.0")));
    }

    #[test]
    fn names_of_package_files() {
        let parsed = parse_name("ffmpeg_7%3a5.1.9-0+deb12u1_amd64.deb");
        assert_eq!(parsed, Some(("ffmpeg".to_owned(), "7:5.1.9-0+deb12u1".to_owned())));
        assert_eq!(parse_name("partial"), None);
        assert_eq!(parse_name("a_1.deb"), None);
    }
}
