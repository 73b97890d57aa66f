//! A running container: nothing in it but an image, read-only, and what is mounted.
//!
//! It lives as long as somebody holds a pipe open, which is mounted into it. Its first process only reads from that
//! pipe, and with its first process a container ends, whatever else runs in it. So when this process is killed, nothing
//! goes on, and no engine is needed for that: one that was killed itself is noticed here, and the pipe is closed. (The
//! standard input would not do: whoever keeps it open when an engine is killed does not close it.) What an engine could
//! not tidy up is known by a label and removed by the next run.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::engine::{Engine, User};
use super::failure::Failure;
use super::image::Image;
use crate::process::bounded::Command;

/// The label of our containers. It names a file that is locked for as long as somebody wants the container.
const LABEL: &str = "media-layers.owner";

/// Where the pipe is inside.
const TETHER: &str = "/run/media-layers-tether";

/// The first process: waits for the end of what the pipe says. To open a pipe that nobody writes to would block for
/// ever, so it is opened for both at first, and a writer that has gone meanwhile is noticed at once.
const FIRST_PROCESS: &str = r#"trap 'exit 0' TERM INT; exec 4<>"$0" 3<"$0" 4>&-; while read -r _ <&3; do :; done"#;

/// How long a container may take to start. An engine that unpacks an image first is slow.
const PATIENCE: Duration = Duration::from_secs(300);

/// A file or folder of this machine that can be seen inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is.
    pub from: PathBuf,
    /// Where it can be seen.
    pub to: PathBuf,
    /// Whether it can be written to.
    pub writable: bool,
}

/// What a container is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Nothing.
    None,
    /// What this machine is connected to.
    Machine,
}

/// What kind of container is wanted.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// What it is made of.
    pub image: &'a Image,
    /// What it is called; nobody else may use the name meanwhile.
    pub name: String,
    /// A file that the caller holds locked for as long as the container is wanted. The pipe goes beside it.
    pub owner: &'a Path,
    /// As whom its programs run.
    pub user: User,
    /// What can be seen inside.
    pub mounts: Vec<Mount>,
    /// What it is connected to.
    pub network: Network,
}

/// A container that runs until this is dropped or this process ends.
#[derive(Debug)]
pub struct Container {
    engine: Engine,
    name: String,
    /// The pipe that keeps it alive.
    _tether: File,
}

impl Container {
    /// Starts a container.
    pub fn start(engine: &Engine, order: &Order<'_>) -> Result<Container, Failure> {
        let path = order.owner.with_file_name("tether");
        if let Some(mount) = order.mounts.iter().find(|mount| !can_be_named(mount)) {
            let from = mount.from.display();
            let said = format!(
                "`{from}` cannot be mounted: its name would be read as options\n\nhint: name another place with TMPDIR"
            );
            return Err(engine.failure("run", &said));
        }
        let tether = pipe(&path).map_err(|error| engine.failure("run", &format!("{}: {error}", path.display())))?;
        let command = Command { timeout: PATIENCE, ..engine.command(arguments(order, &path)) };
        engine.answer(&command)?;
        Ok(Container { engine: engine.clone(), name: order.name.clone(), _tether: tether })
    }

    /// Arguments for the engine's program that run `argv` inside, in the folder `cwd` and with nothing in its
    /// environment but `env`.
    pub fn arguments<'s>(
        &'s self,
        argv: impl IntoIterator<Item = &'s str>,
        cwd: &'s str,
        env: &BTreeMap<String, String>,
        stdin: Stdin,
    ) -> Vec<String> {
        let open = (stdin == Stdin::Open).then_some("--interactive");
        let head = ["exec"].into_iter().chain(open).chain(["--workdir", cwd, &self.name, "env", "-i"]);
        let variables = env.iter().map(|(name, value)| format!("{name}={value}"));
        head.map(str::to_owned).chain(variables).chain(argv.into_iter().map(str::to_owned)).collect()
    }

    /// The engine it runs in.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        let state = self.engine.output(["inspect", "--format", "{{.State.Running}}", &self.name]);
        state.is_ok_and(|output| output.stdout.trim_ascii() == b"true")
    }

    /// Whether it ends, or has ended, before that time is up.
    pub fn ends_within(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while self.runs() {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(100));
        }
        true
    }

    /// A call of the engine's program that runs `argv` inside, in an environment with `env` alone; it can be given
    /// something to read.
    pub fn command<'s>(&'s self, argv: impl IntoIterator<Item = &'s str>, env: &BTreeMap<String, String>) -> Command {
        self.engine.command(self.arguments(argv, "/", env, Stdin::Open))
    }
}

/// Whether a program inside is given something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// It is.
    Open,
    /// There is nothing.
    Closed,
}

impl Drop for Container {
    fn drop(&mut self) {
        // It fails where the container has ended already.
        let _ = self.engine.output(["rm", "--force", &self.name]);
    }
}

/// Removes containers of ours that nobody wants any more, as their owners were killed. Only those are looked at whose
/// owners' files are below `folders`: of others it cannot be told, as an engine may serve more than this machine's user.
pub fn remove_leftovers(engine: &Engine, folders: &[&Path]) -> Result<(), Failure> {
    let filter = format!("label={LABEL}");
    let output = engine.output(["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter])?;
    for id in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        let format = format!("{{{{index .Config.Labels \"{LABEL}\"}}}}");
        // One that ends by itself at this moment needs no help.
        let Ok(output) = engine.output(["inspect", "--format", &format, id]) else { continue };
        let owner = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let is_free = match File::open(&owner) {
            Ok(owner) => owner.try_lock().is_ok(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if is_free && folders.iter().any(|folder| owner.starts_with(folder)) {
            let _ = engine.output(["rm", "--force", id]);
        }
    }
    Ok(())
}

/// Whether the engine reads the paths of a mount as paths: what it is told is a list with commas.
fn can_be_named(mount: &Mount) -> bool {
    let plain = |path: &Path| {
        path.to_str().is_some_and(|text| !text.contains(|c: char| c == ',' || c == '"' || c.is_control()))
    };
    plain(&mount.from) && plain(&mount.to)
}

/// Makes a pipe with a name, which everybody may use who sees it, and opens it.
fn pipe(path: &Path) -> std::io::Result<File> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    if path.exists() {
        fs::remove_file(path)?;
    }
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    // For both, as opening one end waits for the other.
    OpenOptions::new().read(true).write(true).open(path)
}

fn arguments(order: &Order<'_>, tether: &Path) -> Vec<String> {
    let network = match order.network {
        Network::None => "none",
        Network::Machine => "host",
    };
    let label = format!("{LABEL}={}", order.owner.display());
    let mut arguments: Vec<String> = [
        "run",
        "--rm",
        "--detach",
        "--name",
        &order.name,
        "--label",
        &label,
        "--network",
        network,
        "--read-only",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        // Where there is SELinux, it would keep what is mounted from being read.
        "--security-opt",
        "label=disable",
        "--log-driver",
        "none",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(order.user.options.iter().cloned());
    let tether = Mount { from: tether.to_owned(), to: TETHER.into(), writable: true };
    for mount in order.mounts.iter().chain([&tether]) {
        let (from, to) = (mount.from.display(), mount.to.display());
        let access = if mount.writable { "" } else { ",readonly" };
        arguments.extend(["--mount".to_owned(), format!("type=bind,source={from},target={to}{access}")]);
    }
    if !order.mounts.iter().any(|mount| mount.to == Path::new("/tmp")) {
        arguments.extend(["--tmpfs", "/tmp:rw,exec,mode=1777"].map(str::to_owned));
    }
    arguments.extend(["--entrypoint", "/bin/sh", &order.image.id, "-c", FIRST_PROCESS, TETHER].map(str::to_owned));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_folder_is_no_option() {
        let can = |from: &str| can_be_named(&Mount { from: from.into(), to: "/opt".into(), writable: false });
        assert!(can("/tmp/a b=c"));
        for from in ["/tmp/a,readonly=false", "/tmp/a,source=/etc", "/tmp/\"a", "/tmp/a\nb"] {
            assert!(!can(from), "{from}");
        }
    }

    #[test]
    fn a_container_sees_what_is_mounted_and_can_do_nothing() {
        let image = Image { reference: "x".to_owned(), id: "sha256:12".to_owned(), digests: Vec::new() };
        let user = User { options: vec!["--user".to_owned(), "1000:1000".to_owned()], lent_to: None };
        let mounts = vec![
            Mount { from: "/c/packages/a".into(), to: "/build-layer/packages/a".into(), writable: false },
            Mount { from: "/c/work/b".into(), to: "/build-layer/work/b".into(), writable: true },
        ];
        let owner = Path::new("/c/work/b/owner");
        let name = "media-layers-b".to_owned();
        let order = Order { image: &image, name, owner, user, mounts, network: Network::None };
        insta::assert_snapshot!(arguments(&order, Path::new("/c/work/b/tether")).join("\n"));
    }
}
