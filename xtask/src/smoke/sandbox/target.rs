//! The image of a target to run a layer in: what a function finds there, but nothing that only the image has.
//!
//! The root is the image's and read-only. What the checks put into it is mounted: the layer, certificates, a hosts file
//! and /tmp. The machine's network is shared, so that a server on the loopback can be reached by the name `localhost`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::machine::Unavailable;
use super::python::{HIDDEN, Python};
use crate::container::{Container, Engine, Image, Mount, Network, Order, User};
use crate::process::bounded::{self, Command};

/// The user as whom Lambda runs functions.
const USER: &str = "993:993";

/// The folders of the root whose content is ours, and whether a program may write there.
const FOLDERS: [(&str, bool); 5] =
    [("opt", false), ("var/task", false), ("etc/pki", false), ("etc/ssl", false), ("tmp", true)];

/// The files of the root that are ours.
const FILES: [&str; 2] = ["etc/hosts", "etc/nsswitch.conf"];

/// Images often have libraries that the runtimes made from them have not. Only libcrypto stays: the coreutils of some
/// need it, and without libssl it gives nobody TLS.
const KEPT: &str = "libcrypto";

/// Prints the files that a loader could find and that begin like the arguments. What is empty is hidden already.
const FIND: &str = r#"for name in "$@"; do
    for folder in /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /usr/local/lib64 /lib/*-linux-gnu /usr/lib/*-linux-gnu; do
        for file in "$folder/$name"*.so*; do
            if [ -s "$file" ]; then readlink -f "$file"; fi
        done
    done
done"#;

/// The image of a target and who runs it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Who makes containers.
    pub engine: Engine,
    /// What the target's functions run on.
    pub image: Image,
    /// The target's name.
    pub name: String,
}

/// A container with a layer.
#[derive(Debug)]
pub struct TargetContainer {
    container: Container,
    image: String,
    target: String,
    /// Locked for as long as the container is wanted.
    _owner: File,
}

impl TargetContainer {
    /// Starts a container whose folders are those of `root`, which becomes readable for everybody.
    pub fn start(target: &Target, root: &Path) -> anyhow::Result<TargetContainer> {
        if !target.engine.shares_network() {
            bail!(
                "containers of {} do not see this machine's loopback, as it has no rights\n\nhint: use podman, or Docker with rights; or run the checks on this machine, without `--in`",
                target.engine.description()
            );
        }
        let make = |path: PathBuf, mode: u32| {
            fs::create_dir_all(&path)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
                .with_context(|| format!("cannot make {}", path.display()))
        };
        for (folder, writable) in FOLDERS {
            make(root.join(folder), if writable { 0o1777 } else { 0o755 })?;
        }
        let owner = root.join("owner");
        let lock = File::create(&owner).with_context(|| format!("cannot make {}", owner.display()))?;
        lock.lock().with_context(|| format!("cannot lock {}", owner.display()))?;
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let order = |name: String, mounts: Vec<Mount>, network| Order {
            image: &target.image,
            name,
            owner: &owner,
            user: User { options: vec!["--user".to_owned(), USER.to_owned()], lent_to: None },
            mounts,
            network,
        };
        let bare = Container::start(&target.engine, &order(format!("{name}-bare"), Vec::new(), Network::None))?;
        let hidden = find(&bare)?;
        drop(bare);
        let nothing = root.join("nothing");
        fs::write(&nothing, "").with_context(|| format!("cannot write {}", nothing.display()))?;
        let ours = FOLDERS.into_iter().chain(FILES.map(|file| (file, false)));
        let mut mounts: Vec<Mount> = ours
            .map(|(path, writable)| Mount { from: root.join(path), to: Path::new("/").join(path), writable })
            .collect();
        let hide = |path: &String| Mount { from: nothing.clone(), to: path.into(), writable: false };
        mounts.extend(hidden.iter().map(hide));
        let container = Container::start(&target.engine, &order(name, mounts, Network::Machine))?;
        let image = target.image.reference.clone();
        Ok(TargetContainer { container, image, target: target.name.clone(), _owner: lock })
    }

    /// Where the checks run, in words.
    pub fn place(&self) -> String {
        format!("container of {} for {}, read-only, as user {USER}", self.image, self.target)
    }

    /// Libraries that could serve a layer that should have brought its own.
    pub fn foreign_files(&self) -> anyhow::Result<Vec<String>> {
        find(&self.container)
    }

    /// A call that runs `argv` inside.
    pub fn command(&self, argv: &[String], env: &BTreeMap<String, String>) -> Command {
        self.container.command(argv.iter().map(String::as_str), env)
    }

    /// The image's own Python.
    ///
    /// # Errors
    /// Says that there is none.
    pub fn python(&self) -> Result<Python, Unavailable> {
        let found = self.ask(&["sh", "-c", "command -v python3"]).unwrap_or_default();
        if found.starts_with('/') {
            return Ok(Python::at(found.trim()));
        }
        Err(Unavailable {
            reason: format!("the image {} has no python3", self.image),
            remedy: "run the checks without `--in`, with this machine's Python".to_owned(),
        })
    }

    fn ask(&self, argv: &[&str]) -> Option<String> {
        let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let output = bounded::run(&self.container.command(argv.iter().copied(), &env)).ok()?;
        output.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for TargetContainer {
    fn drop(&mut self) {
        // What its user has made there may be more than ours can remove.
        let _ = self.ask(&["sh", "-c", "rm -rf /tmp/*"]);
    }
}

/// Makes a path readable for whoever runs in the container, and writable below /tmp, whatever the umask.
pub fn show(root: &Path, path: &Path) -> anyhow::Result<()> {
    let tmp = root.join("tmp");
    let open = || -> std::io::Result<()> {
        for path in path.ancestors().take_while(|path| *path != root && *path != tmp) {
            let mode = match (path.is_dir(), path.starts_with(&tmp)) {
                (true, true) => 0o777,
                (true, false) => 0o755,
                (false, _) => 0o644,
            };
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    open().with_context(|| format!("cannot make {} readable", path.display()))
}

/// Libraries of the image that know TLS.
fn find(container: &Container) -> anyhow::Result<Vec<String>> {
    let names = HIDDEN.into_iter().filter(|name| *name != KEPT);
    let argv = ["sh", "-c", FIND, "find"].into_iter().chain(names);
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let output = bounded::run(&container.command(argv, &env))?;
    if !output.success() {
        bail!("cannot look for libraries in the image: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut found: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    found.sort();
    found.dedup();
    Ok(found)
}
