//! The place where a function runs: a root of its own, read-only but for /tmp, as Lambda's is.
//!
//! It is made in namespaces that need no rights. This program starts itself once more in them, mounts what the function
//! shall see, and becomes the function. Mounts, processes and files of the root end with the namespaces.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::StatVfsMountFlags;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, mount_remount, unmount};
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};

use crate::process::background::Background;
use crate::process::become_isolated;
use crate::process::bounded::find_program;

/// The word that makes this program the one in the room.
pub const WORD: &str = "invoke-room";

/// The user and group as which Lambda runs functions.
const USER: &str = "993";

/// Bytes of /tmp: Lambda's default.
const TMP: &CStr = c"size=512m,mode=1777";

/// The devices that a function sees.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Folders of the root that hold what is mounted.
const MOUNTED: [&str; 6] = ["opt", "var/task", "code", "var/runtime", "var/packages", "etc"];

/// Enters the groups of processes before `--`, and becomes what is behind it.
const JOIN: &str = r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@""#;

/// What a function sees, and what is run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Room {
    /// The root, which is not changed.
    pub system: PathBuf,
    /// An empty folder to mount the root on.
    pub place: PathBuf,
    /// Folders and files, and where in the root they go, read-only.
    pub mounts: Vec<(PathBuf, PathBuf)>,
    /// The program, as the root has it, and its arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub cwd: PathBuf,
}

impl Room {
    /// Starts the program in the room, as a member of the control groups in `groups`. It ends with this process, however
    /// that ends. What it says goes to `log`.
    pub fn start(&self, groups: &[PathBuf], log: &File) -> Result<Background> {
        let mut process = Background::start(&command(groups)?, log).context("cannot start the function")?;
        // Not as an argument: everybody may read those, and the environment holds credentials.
        process.tell(&format!("{}\n", serde_json::to_string(self)?)).context("cannot start the function")?;
        Ok(process)
    }

    /// Mounts everything and makes it the root of this process.
    fn enter(&self) -> Result<()> {
        let place = &self.place;
        read_only(&self.system, place)?;
        for (from, to) in &self.mounts {
            read_only(from, &place.join(to))?;
        }
        for device in DEVICES {
            let (from, to) = (Path::new("/dev").join(device), place.join("dev").join(device));
            mount_bind_recursive(&from, &to).with_context(|| format!("cannot mount {}", from.display()))?;
        }
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", place.join("tmp"), "tmpfs", flags, TMP).context("cannot mount /tmp")?;
        mount("proc", place.join("proc"), "proc", flags | MountFlags::NOEXEC, None::<&CStr>)
            .context("cannot mount /proc")?;
        let pivot = || -> rustix::io::Result<()> {
            rustix::process::chdir(place)?;
            // The old root comes to lie on the new one, and is taken away from there.
            rustix::process::pivot_root(".", ".")?;
            unmount(".", UnmountFlags::DETACH)?;
            rustix::process::chdir(&self.cwd)?;
            // Without these the program has no rights but those of its user.
            let none = CapabilitySet::empty();
            let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
            rustix::thread::set_capabilities(None, sets)?;
            rustix::thread::set_no_new_privs(true)
        };
        pivot().context("cannot enter the function's root")
    }
}

/// The command that makes the namespaces, with this program in them.
fn command(groups: &[PathBuf]) -> Result<Vec<String>> {
    let [shell, setpriv, unshare] = ["sh", "setpriv", "unshare"].map(|name| {
        find_program(name)
            .map(|path| path.display().to_string())
            .with_context(|| format!("running a function needs `{name}`\n\nhint: install util-linux"))
    });
    let own = std::env::current_exe().context("cannot tell where this program is")?.display().to_string();
    let map = [format!("--map-user={USER}"), format!("--map-group={USER}")];
    let mut argv = vec![shell?, "-c".to_owned(), JOIN.to_owned(), "sh".to_owned()];
    argv.extend(groups.iter().map(|folder| folder.display().to_string()));
    argv.extend(["--".to_owned(), setpriv?, "--pdeathsig".to_owned(), "KILL".to_owned(), unshare?]);
    argv.extend(map);
    let words = ["--keep-caps", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"];
    argv.extend(words.map(str::to_owned));
    argv.extend([own, WORD.to_owned()]);
    Ok(argv)
}

/// The work in the namespaces: becomes the program, or says why not.
pub fn main() -> Result<()> {
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).context("cannot read the order")?;
    let room: Room = serde_json::from_str(&order).context("the order is broken")?;
    room.enter()?;
    Err(become_isolated(&room.argv, &room.env)).with_context(|| format!("cannot run {}", room.argv[0]))
}

/// Mounts a folder or file where nothing can write to it.
fn read_only(from: &Path, to: &Path) -> Result<()> {
    let bind = || -> rustix::io::Result<()> {
        mount_bind_recursive(from, to)?;
        // Without rights of one's own, what restricts a mount cannot be taken off it, so it must be said again.
        let now = rustix::fs::statvfs(to)?.f_flag;
        let kept = [
            (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
            (StatVfsMountFlags::NODEV, MountFlags::NODEV),
            (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
            (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
            (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
            (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
        ];
        let kept = kept.into_iter().filter(|(is, _)| now.contains(*is)).map(|(_, flag)| flag);
        let flags = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |all, flag| all | flag);
        mount_remount(to, flags, CString::default().as_c_str())
    };
    bind().with_context(|| format!("cannot mount {} on {}", from.display(), to.display()))
}

/// The places of the root that a room mounts something on.
pub fn mount_points() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let folders = MOUNTED.into_iter().chain(["tmp", "proc", "dev"]).map(PathBuf::from).collect();
    let devices = DEVICES.into_iter().map(|device| Path::new("dev").join(device));
    (folders, devices.chain(["etc/hosts", "etc/resolv.conf"].map(PathBuf::from)).collect())
}
