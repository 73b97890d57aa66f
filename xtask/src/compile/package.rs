//! Builds one package: unpack, patch, run, copy, and into the cache.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};

use super::cache::PackageCache;
use super::patch;
use super::places::Places;
use super::runner::{HostRunner, Room, Runner};
use crate::catalog::Catalog;
use crate::files::{self, quoted};
use crate::plan::{Key, Package, PlannedStep};
use crate::process::Isolated;
use crate::ui::Ui;

/// How many lines of a log are shown when a build fails.
const SHOWN_LOG_LINES: usize = 30;

/// Brings the source tree of a package to a folder.
pub trait Sources: Sync {
    /// Puts the source tree of `package` into the empty folder `into`.
    fn unpack(&self, package: &Package, into: &Path) -> Result<()>;
}

/// A package whose building has begun: what programs that go on with it need.
#[derive(Debug)]
pub struct Begun {
    /// Its folders.
    pub places: Places,
    /// The environment of its steps, with the wrappers and tools on `PATH`.
    pub env: BTreeMap<String, String>,
}

/// Everything that builds share.
pub struct Builder<'a> {
    /// Where recipes' own files are read from.
    pub catalog: &'a Catalog,
    /// Where results go.
    pub cache: &'a PackageCache,
    /// Where sources come from.
    pub sources: &'a dyn Sources,
    /// Who runs programs.
    pub runner: &'a dyn Runner,
    /// How many things a step may do at once.
    pub jobs: usize,
    /// Where progress is shown.
    pub ui: &'a Ui,
}

impl Builder<'_> {
    /// Builds `package`, whose needs and tools are at `ready`, unless the cache has it. Returns where its files are.
    pub fn build(&self, package: &Package, ready: &BTreeMap<Key, PathBuf>) -> Result<PathBuf> {
        let label = package.label();
        if let Some(files) = self.cache.find(package.key, &label, self.ui)? {
            return Ok(files);
        }
        let _lock = self.cache.lock(package.key, &label, self.ui)?;
        if let Some(files) = self.cache.find(package.key, &label, self.ui)? {
            return Ok(files);
        }
        let work = self.cache.work(package.key)?;
        let places = self.places(package, work.path(), ready)?;
        let mut room = self.runner.open(&places)?;
        let seen = room.places().clone();
        self.take_steps(package, &package.steps, &places, room.as_mut(), &package.slug())?;
        room.close()?;
        self.cache.land(package.key, &work, &places.out(), &seen.work)
    }

    /// Takes the steps of `package` on this machine up to the first that `ends` names, and hands over to `then`. Nothing
    /// is kept of it.
    pub fn begin<T>(
        &self,
        package: &Package,
        ready: &BTreeMap<Key, PathBuf>,
        ends: &dyn Fn(&PlannedStep) -> bool,
        then: impl FnOnce(&Begun) -> Result<T>,
    ) -> Result<T> {
        let work = self.cache.work(package.key)?;
        let places = self.places(package, work.path(), ready)?;
        let mut room = HostRunner.open(&places)?;
        let end = package.steps.iter().position(ends).unwrap_or(package.steps.len());
        let name = format!("{}-begun", package.slug());
        self.take_steps(package, &package.steps[..end], &places, room.as_mut(), &name)?;
        let env = self.environment(package, &BTreeMap::new(), &places)?;
        then(&Begun { places, env })
    }

    /// Makes the folders and takes `steps`. What the programs print goes to the log called `name`.
    fn take_steps(
        &self,
        package: &Package,
        steps: &[PlannedStep],
        places: &Places,
        room: &mut dyn Room,
        name: &str,
    ) -> Result<()> {
        let label = package.label();
        let progress = self.ui.busy(&label);
        self.prepare(package, places, &room.places().clone())?;
        let log_path = self.cache.log(name);
        let log = File::create(&log_path).with_context(|| format!("cannot write the log {}", log_path.display()))?;
        for (number, step) in steps.iter().enumerate() {
            progress.say(format!("{label}: step {} of {}, {}", number + 1, package.steps.len(), summary(step)));
            self.step(package, step, places, room, &log).map_err(|error| {
                anyhow!(
                    "{label} failed in step {} of {}: {error:#}\n\n{}\nthe whole log: {}",
                    number + 1,
                    package.steps.len(),
                    tail(&log_path),
                    log_path.display()
                )
            })?;
        }
        Ok(())
    }

    fn places(&self, package: &Package, work: &Path, ready: &BTreeMap<Key, PathBuf>) -> Result<Places> {
        let find = |keys: &BTreeMap<_, Key>| {
            keys.iter()
                .map(|(name, key)| {
                    let path = ready.get(key).with_context(|| format!("`{name}` is needed before it is built"))?;
                    Ok((Clone::clone(name), path.clone()))
                })
                .collect::<Result<BTreeMap<_, _>>>()
        };
        let compiler = package.tools.get(&self.catalog.toolchain.compiler.name);
        Ok(Places {
            work: work.to_owned(),
            cache: self.cache.root().to_owned(),
            toolchain_cache: self.cache.toolchain(*compiler.unwrap_or(&package.key)),
            needs: find(&package.needs)?,
            tools: find(&package.tools)?,
            jobs: self.jobs,
        })
    }

    /// Makes the folders, the wrapper scripts and the copies of the recipe's own files, for programs to whom the places
    /// are at `seen`.
    fn prepare(&self, package: &Package, places: &Places, seen: &Places) -> Result<()> {
        for folder in [
            places.src(),
            places.build(),
            places.out(),
            places.recipe(),
            places.bin(),
            places.work.join("home"),
            places.work.join("tmp"),
        ] {
            fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let known = &self.catalog.recipe(&package.recipe)?.files;
        for name in package.files.keys() {
            let file =
                known.get(name).with_context(|| format!("the plan has a file `{name}` that the recipe lacks"))?;
            files::copy(&file.path, &places.recipe().join(name))?;
        }
        for (name, argv) in &package.wrappers {
            let path = places.bin().join(name);
            let words = argv.iter().map(|word| Ok(quoted(&seen.map(word)?))).collect::<Result<Vec<_>>>()?;
            fs::write(&path, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")))
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        for (name, text) in &package.wrapper_files {
            let path = places.bin().join(name);
            fs::write(&path, seen.map(text)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn step(
        &self,
        package: &Package,
        step: &PlannedStep,
        places: &Places,
        room: &mut dyn Room,
        log: &File,
    ) -> Result<()> {
        match step {
            PlannedStep::Unpack => self.sources.unpack(package, &places.src()),
            PlannedStep::Patch(name) => {
                let mut log = log;
                for moved in patch::apply(&places.recipe().join(name), &places.src())? {
                    writeln!(log, "{name}: {moved}")?;
                }
                Ok(())
            }
            PlannedStep::Copy(step) => {
                files::copy(Path::new(&places.map(&step.from)?), Path::new(&places.map(&step.to)?))
            }
            PlannedStep::Run(run) => {
                let seen = room.places();
                let argv = run.argv.iter().map(|word| seen.map(word)).collect::<Result<Vec<_>>>()?;
                let cwd = PathBuf::from(seen.map(&run.cwd)?);
                let env = self.environment(package, &run.env, seen)?;
                let mut head = log;
                writeln!(head, "\n$ {}", argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))?;
                room.run(&Isolated { argv: &argv, cwd: &cwd, env: &env }, log)
            }
        }
    }

    /// What a program of a step finds in its environment; `own` is what the step adds.
    fn environment(
        &self,
        package: &Package,
        own: &BTreeMap<String, String>,
        seen: &Places,
    ) -> Result<BTreeMap<String, String>> {
        let mut env = BTreeMap::new();
        for (name, value) in package.env.iter().chain(own) {
            env.insert(name.clone(), seen.map(value)?);
        }
        env.insert("PATH".to_owned(), self.search_path(seen)?);
        Ok(env)
    }

    /// The wrappers, then the pinned tools, then what every POSIX system has in these two folders.
    fn search_path(&self, places: &Places) -> Result<String> {
        let mut folders = vec![places.bin()];
        for (name, tool) in &places.tools {
            for program in &self.catalog.recipe(name)?.recipe.programs {
                folders.push(tool.join(program).parent().unwrap_or(tool).to_owned());
            }
        }
        folders.extend(["/usr/bin", "/bin"].map(PathBuf::from));
        folders.dedup();
        Ok(folders.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>().join(":"))
    }
}

/// What a step is, in a few words.
fn summary(step: &PlannedStep) -> String {
    match step {
        PlannedStep::Unpack => "unpacking".to_owned(),
        PlannedStep::Patch(name) => name.clone(),
        PlannedStep::Run(run) => run.argv.first().cloned().unwrap_or_default(),
        PlannedStep::Copy(_) => "copying".to_owned(),
    }
}

/// The end of a log, which holds what went wrong more often than not.
fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<_> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
    shown.iter().map(|line| format!("    {line}\n")).collect()
}
