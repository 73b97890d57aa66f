//! Whether files that are compiled together give the same code as each by itself.
//!
//! Several files in one translation unit take half the time, and what one of them defines reaches the next: a macro, an
//! overload, a constant. So every file is compiled to LLVM IR (`-O0`) alone and with its group, and all that they define
//! is compared. Which files are a group is what cmake wrote: files that do nothing but include others ([`unity`]).
//! [`ir`] reads what the compiler wrote, [`compare`] compares it.

mod compare;
mod ir;
mod unity;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

pub use self::compare::Difference;

use self::ir::Module;
use self::unity::Group;
use crate::compile::{Begun, Builder};
use crate::model::{RecipeName, Version};
use crate::plan::{Key, Package, PlannedStep};
use crate::process::Isolated;
use crate::ui::{Progress, counted};

/// What came of a comparison.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was compiled.
    pub recipe: RecipeName,
    /// In which version.
    pub version: Version,
    /// How many groups there are.
    pub groups: usize,
    /// How many files they have.
    pub files: usize,
    /// How many functions the groups define; one that several groups define counts for each.
    pub functions: usize,
    /// What is not the same.
    pub differences: Vec<Difference>,
}

/// Compiles the groups of `package`, whose needs and tools are at `ready`, in both ways and compares them.
pub fn check(builder: &Builder<'_>, package: &Package, ready: &BTreeMap<Key, PathBuf>) -> Result<Report> {
    let mut package = package.clone();
    package.env.insert("CMAKE_EXPORT_COMPILE_COMMANDS".to_owned(), "ON".to_owned());
    builder.begin(&package, ready, &compiles, |begun| {
        let groups = unity::groups(&begun.places.build())?;
        if groups.is_empty() {
            bail!("cmake made no file that includes others, so no files are compiled together");
        }
        let label = format!("{}: files together and alone", package.label());
        let progress = builder.ui.busy(&label);
        let mut report = Report {
            recipe: package.recipe.clone(),
            version: package.version.clone(),
            groups: groups.len(),
            files: groups.iter().map(|group| group.members.len()).sum(),
            functions: 0,
            differences: Vec::new(),
        };
        for (at, group) in groups.iter().enumerate() {
            progress.say(format!("{label}: group {} of {}", at + 1, groups.len()));
            let folder = begun.places.build().join(format!("ir-{at}"));
            compile(begun, group, &folder, builder.jobs, &progress)?;
            let (functions, differences) = compare_group(group, &folder)?;
            report.functions += functions;
            report.differences.extend(differences);
            fs::remove_dir_all(&folder).context("cannot remove what was compiled")?;
        }
        Ok(report)
    })
}

/// The step that would compile everything.
fn compiles(step: &PlannedStep) -> bool {
    matches!(step, PlannedStep::Run(run) if run.argv.iter().any(|word| word == "--build"))
}

/// Where the code of a group is, and that of its members.
fn code(folder: &Path, member: Option<usize>) -> PathBuf {
    folder.join(member.map_or("together.ll".to_owned(), |at| format!("{at}.ll")))
}

/// Compiles a group and each of its members into `folder`, a few at once.
fn compile(begun: &Begun, group: &Group, folder: &Path, jobs: usize, progress: &Progress) -> Result<()> {
    fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The group first: it takes longest.
    let alone = group.members.iter().enumerate().map(|(at, member)| (member, code(folder, Some(at))));
    let work: Vec<(&PathBuf, PathBuf)> = std::iter::once((&group.file, code(folder, None))).chain(alone).collect();
    let next = AtomicUsize::new(0);
    let one_by_one = || -> Result<()> {
        while let Some((source, to)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(begun, group, source, to)?;
            progress.advance(1);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(one_by_one)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn run(begun: &Begun, group: &Group, source: &Path, to: &Path) -> Result<()> {
    let path = to.with_extension("log");
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let argv = group.command(source, to);
    let status = Isolated { argv: &argv, cwd: &group.folder, env: &begun.env }.run(&log);
    if !status.with_context(|| format!("cannot start `{}`", argv[0]))?.success() {
        let said = fs::read(&path).unwrap_or_default();
        let said: String =
            String::from_utf8_lossy(&said).lines().take(10).map(|line| format!("    {line}\n")).collect();
        bail!("{} does not compile to LLVM IR:\n{said}", source.display());
    }
    Ok(())
}

fn compare_group(group: &Group, folder: &Path) -> Result<(usize, Vec<Difference>)> {
    let read = |member| {
        let path = code(folder, member);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let together = read(None)?;
    let alone: Vec<String> = (0..group.members.len()).map(|at| read(Some(at))).collect::<Result<_>>()?;
    let names =
        group.members.iter().map(|member| member.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let members: Vec<(String, Module<'_>)> = names.zip(alone.iter().map(|text| Module::read(text))).collect();
    let together = Module::read(&together);
    let differences = compare::compare(&group.name, &together, &members);
    Ok((together.functions(), differences))
}

impl Report {
    /// The result in a line.
    pub fn summary(&self) -> String {
        let functions = counted(self.functions, "function");
        let result = match self.differences.len() {
            0 => format!("all {functions} are the same as when each file is compiled alone"),
            differing => format!("{differing} of {functions} are not the same as when each file is compiled alone"),
        };
        format!("{} in {}: {result}", counted(self.files, "file"), counted(self.groups, "group"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {}", self.recipe, self.version, self.summary())?;
        for Difference { group, name, file, alone, together } in &self.differences {
            writeln!(f, "  {name}\n    in {file} and group {group}\n    alone     {alone}\n    together  {together}")?;
        }
        Ok(())
    }
}
