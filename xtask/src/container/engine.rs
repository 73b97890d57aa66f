//! The container engine of this machine, found by asking who answers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::failure::{Failure, words};
use crate::process::Isolated;
use crate::process::bounded::{self, Command, Output};

/// The programs of engines that are looked for on `PATH`, in this order. The first one whose engine answers is taken.
const PROGRAMS: [&str; 2] = ["docker", "podman"];

/// What the programs read from the environment: where the engine is, and how the user has configured it.
const VARIABLES: [&str; 13] = [
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "PATH",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];

/// How long a question to the engine may take; a start of a container may on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine that answers.
#[derive(Debug, Clone)]
pub struct Engine {
    program: PathBuf,
    /// What it says about itself, for messages.
    description: String,
    /// Where it keeps images.
    folder: String,
    owner: Owner,
    env: BTreeMap<String, String>,
}

/// Whom of this machine the engine's root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// This machine's root: numbers of users are the same inside and outside.
    Root,
    /// The caller, who is root inside and nobody else.
    Caller,
    /// The caller, who can keep the number inside.
    CallerWithNumber,
}

/// The user as whom programs run inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Options of the engine's program.
    pub options: Vec<String>,
    /// The user and group outside to whom files must belong that the programs are to write, if that is not the caller.
    pub lent_to: Option<(u32, u32)>,
}

/// A user without rights, for a caller who has all of them: `nobody` everywhere.
const NOBODY: u32 = 65534;

/// What both engines answer to `info`, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
struct Info {
    #[serde(default, rename = "SecurityOptions")]
    security_options: Option<Vec<String>>,
    #[serde(default, rename = "DockerRootDir")]
    docker_root_dir: Option<String>,
    #[serde(default, rename = "ServerVersion")]
    server_version: Option<String>,
    #[serde(default, rename = "ServerErrors")]
    server_errors: Option<Vec<String>>,
    #[serde(default)]
    host: Option<InfoHost>,
    #[serde(default)]
    store: Option<InfoStore>,
    #[serde(default)]
    version: Option<InfoVersion>,
}

#[derive(Debug, Deserialize)]
struct InfoHost {
    security: InfoSecurity,
}

#[derive(Debug, Deserialize)]
struct InfoSecurity {
    rootless: bool,
}

#[derive(Debug, Deserialize)]
struct InfoStore {
    #[serde(rename = "graphRoot")]
    graph_root: String,
}

#[derive(Debug, Deserialize)]
struct InfoVersion {
    #[serde(rename = "Version")]
    version: String,
}

impl Engine {
    /// Finds an engine that answers.
    ///
    /// # Errors
    /// Why none does: what the first program that is installed says.
    pub fn find() -> Result<Engine, Failure> {
        let variable = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        Engine::find_in(VARIABLES.into_iter().filter_map(variable).collect())
    }

    /// The same in a given environment.
    fn find_in(env: BTreeMap<String, String>) -> Result<Engine, Failure> {
        let path = env.get("PATH").cloned().unwrap_or_default();
        let mut first = None;
        for name in PROGRAMS {
            let mut places = std::env::split_paths(OsStr::new(&path)).map(|folder| folder.join(name));
            let Some(program) = places.find(|place| place.is_file()) else { continue };
            match Engine::ask(program, env.clone()) {
                Ok(engine) => return Ok(engine),
                Err(failure) => {
                    first.get_or_insert(failure);
                }
            }
        }
        Err(first.unwrap_or(Failure::NoEngine))
    }

    fn ask(program: PathBuf, env: BTreeMap<String, String>) -> Result<Engine, Failure> {
        let description = program.display().to_string();
        let mut engine = Engine { program, description, folder: String::new(), owner: Owner::Root, env };
        let output = engine.output(["info", "--format", "{{json .}}"])?;
        let strange = |said: String| Failure::Other { program: engine.name(), what: "info".to_owned(), said };
        let info: Info = serde_json::from_slice(&output.stdout).map_err(|error| strange(error.to_string()))?;
        if let Some(error) = info.server_errors.as_ref().and_then(|errors| errors.first()) {
            return Err(Failure::of(&engine.name(), "", "info", error));
        }
        let version = info.version.map(|version| version.version).or(info.server_version);
        engine.description = format!("{} {}", engine.program.display(), version.unwrap_or_default());
        engine.folder = info.store.map(|store| store.graph_root).or(info.docker_root_dir).unwrap_or_default();
        let options = info.security_options.unwrap_or_default();
        engine.owner = match info.host {
            Some(host) if host.security.rootless => Owner::CallerWithNumber,
            None if options.iter().any(|option| option.contains("rootless")) => Owner::Caller,
            _ => Owner::Root,
        };
        Ok(engine)
    }

    /// What it is, for the user.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The name of its program.
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// As whom build steps run: as somebody without rights whose files belong to the caller.
    pub fn unprivileged(&self) -> User {
        let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let as_user = |user: u32, group: u32| vec!["--user".to_owned(), format!("{user}:{group}")];
        match self.owner {
            Owner::Root if user == 0 => User { options: as_user(NOBODY, NOBODY), lent_to: Some((NOBODY, NOBODY)) },
            Owner::Root => User { options: as_user(user, group), lent_to: None },
            Owner::Caller => User { options: as_user(0, 0), lent_to: None },
            Owner::CallerWithNumber => {
                let options = ["--userns".to_owned(), "keep-id".to_owned()].into_iter().chain(as_user(user, group));
                User { options: options.collect(), lent_to: None }
            }
        }
    }

    /// Whether the machine's network, shared with a container, is the one that this process sees.
    pub fn shares_network(&self) -> bool {
        self.owner != Owner::Caller
    }

    /// A call of its program.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<str>>(&self, args: I) -> Command {
        let mut command = Command::new(self.argv(args));
        command.env = self.env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Command { timeout: PATIENCE, ..command }
    }

    /// Runs its program and collects what it says.
    pub fn output<I: IntoIterator<Item = S>, S: AsRef<str>>(&self, args: I) -> Result<Output, Failure> {
        self.answer(&self.command(args))
    }

    /// Runs a call of its program and collects what it says.
    pub fn answer(&self, command: &Command) -> Result<Output, Failure> {
        let what = command.argv.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let fails = |said: &str| Failure::of(&self.name(), &self.folder, &what, said);
        let output = bounded::run(command).map_err(|error| fails(&error.to_string()))?;
        if output.success() { Ok(output) } else { Err(fails(&words(&output))) }
    }

    /// Runs its program for as long as it takes, with what it says in the file `log`.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<str>>(&self, args: I, log: &Path) -> Result<(), Failure> {
        let argv = self.argv(args);
        let what = argv.get(1).cloned().unwrap_or_default();
        let fails = |said: &str| Failure::of(&self.name(), &self.folder, &what, said);
        let run = || {
            let file = File::create(log)?;
            Isolated { argv: &argv, cwd: Path::new("/"), env: &self.env }.run(&file)
        };
        match run() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(fails(&fs::read_to_string(log).unwrap_or_default())),
            Err(error) => Err(fails(&error.to_string())),
        }
    }

    /// Its program with arguments.
    pub fn argv<I: IntoIterator<Item = S>, S: AsRef<str>>(&self, args: I) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        std::iter::once(program).chain(args.into_iter().map(|arg| arg.as_ref().to_owned())).collect()
    }

    /// The environment of its program.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// What it means that its program said this while it was to do `what`.
    pub fn failure(&self, what: &str, said: &str) -> Failure {
        Failure::of(&self.name(), &self.folder, what, said)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Engines that say what the scripts say, first on PATH.
    fn find(scripts: &[(&str, &str)]) -> Result<Engine, Failure> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, script) in scripts {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        Engine::find_in(BTreeMap::from([("PATH".to_owned(), folder.path().to_string_lossy().into_owned())]))
    }

    const DOCKER: &str =
        r#"echo '{"ServerVersion":"20.10.24","DockerRootDir":"/var/lib/docker","SecurityOptions":["name=seccomp"]}'"#;
    const DEAD: &str =
        "echo 'Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?' >&2; exit 1";
    const PODMAN: &str = r#"echo '{"host":{"security":{"rootless":true}},"store":{"graphRoot":"/home/u/.local"},"version":{"Version":"5.0"}}'"#;

    #[test]
    fn the_one_that_answers_is_taken() {
        let engine = find(&[("docker", DEAD), ("podman", PODMAN)]).expect("an engine");
        assert!(engine.description().ends_with("/podman 5.0"), "{}", engine.description());
        assert_eq!(engine.unprivileged().options[..2], ["--userns", "keep-id"]);
        // Some systems have podman under the other name.
        let engine = find(&[("docker", PODMAN)]).expect("an engine");
        assert_eq!(engine.owner, Owner::CallerWithNumber);
        let engine = find(&[("docker", DOCKER), ("podman", "exit 1")]).expect("an engine");
        assert_eq!((engine.name().as_str(), engine.owner), ("docker", Owner::Root));
        assert_ne!(engine.unprivileged().options, ["--user", "0:0"], "steps have no rights, whoever calls");
    }

    #[test]
    fn without_one_the_reason_is_said() {
        assert_eq!(find(&[]).expect_err("none"), Failure::NoEngine);
        assert!(matches!(find(&[("docker", DEAD)]), Err(Failure::NotRunning { .. })));
        let denied = "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1";
        assert!(matches!(find(&[("docker", denied)]), Err(Failure::NoPermission { .. })));
        // Newer programs answer for themselves, with the engine's error inside.
        let inside = r#"echo '{"ServerErrors":["Cannot connect to the Docker daemon at unix:///x.sock"]}'"#;
        assert!(matches!(find(&[("docker", inside)]), Err(Failure::NotRunning { .. })));
        assert!(matches!(find(&[("docker", "echo nonsense")]), Err(Failure::Other { .. })));
    }

    #[test]
    fn out_of_disk_is_told_from_the_rest() {
        let full =
            format!("if [ $1 = info ]; then {DOCKER}; else echo 'mkdir x: no space left on device' >&2; exit 1; fi");
        let folder = tempfile::tempdir().expect("a folder");
        let engine = {
            let path = folder.path().join("docker");
            fs::write(&path, format!("#!/bin/sh\n{full}\n")).expect("a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
            Engine::find_in(BTreeMap::from([("PATH".to_owned(), folder.path().to_string_lossy().into_owned())]))
        }
        .expect("an engine");
        let failure = engine.run(["build", "."], &folder.path().join("log")).expect_err("full");
        assert!(failure.to_string().contains("its files are in /var/lib/docker"), "{failure}");
    }
}
