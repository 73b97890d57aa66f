//! The audit of a file, a folder or a zip: every ELF file in it, and the layer as a whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::archive::entry::{Content, Entry, LIMITS};
use crate::archive::layer as zipped;
use crate::model::{Arch, ByArch, Protection, Targets};

use super::audit::{audit as audit_file, build_paths};
use super::context::{AllowedExports, CarriedLibraries, Context, Place};
use super::file::{BrokenElf, ElfFile, Kind};
use super::finding::{Finding, Findings, Rule};
use super::input::Input;
use super::report::{Audited, Report, Verdict};
use super::{folder, policy, read};

/// What the audit cannot see in its input.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The layer's architecture. Where it is not given it is that of most of the files.
    pub arch: Option<Arch>,
    /// Paths of the building machine, which must not appear in any byte.
    pub build_paths: Vec<String>,
    /// For paths below the layer's root, the only symbols that file may export.
    pub exports: BTreeMap<String, AllowedExports>,
    /// What protects every program and library of our own layers, which are known by their manifest.
    pub own_protections: ByArch<Protection>,
}

/// Audits what is at `path` against all of `targets`.
///
/// # Errors
/// It cannot be read, is no ELF file, folder or zip, is a single ELF file that is broken, or is a
/// zip that could do harm when it is unpacked. The error names the input and the entry.
pub fn audit(path: &Path, targets: &Targets, options: &Options) -> Result<Report> {
    let failed = || format!("cannot audit `{}`", path.display());
    let input = Input::of(path).with_context(failed)?;
    let mut survey = Survey::default();
    let visit = &mut |entry: Entry<'_>| survey.visit(entry, input, options);
    match input {
        Input::File => file(path, visit),
        Input::Folder => folder::each(path, LIMITS, visit),
        Input::Zip => File::open(path).map_err(Into::into).and_then(|file| zipped::each(file, LIMITS, visit)),
    }
    .with_context(failed)?;
    if input == Input::File
        && let Some((_, Err(error))) = survey.files.first()
    {
        return Err(error.clone()).with_context(failed);
    }
    if input == Input::Zip {
        let size = fs::metadata(path).with_context(failed)?.len();
        if size > policy::MAX_ZIP {
            let message = format!("is a zip of {size} bytes; a request may have {}", policy::MAX_ZIP);
            survey.add(".", |findings| findings.add(Rule::ZipTooLarge, message));
        }
    }
    Ok(survey.report(path.display().to_string(), input, targets, options))
}

/// Shows one file as if it were the only entry of a layer.
fn file(path: &Path, visit: &mut dyn FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > LIMITS.file {
        bail!("it has {size} bytes; the audit reads no file above {}", LIMITS.file);
    }
    visit(Entry { path: name, mode: None, content: Content::File { size, bytes: &mut file } })
}

/// What a look at every entry has shown. Only afterwards is it known what the layer carries.
#[derive(Default)]
struct Survey {
    is_own: bool,
    entries: usize,
    unpacked: u64,
    files: Vec<(String, Result<ElfFile, BrokenElf>)>,
    carried: CarriedLibraries,
    findings: Vec<Finding>,
}

impl Survey {
    fn visit(&mut self, entry: Entry<'_>, input: Input, options: &Options) -> Result<()> {
        let Entry { path, mode, content } = entry;
        self.entries += 1;
        self.is_own |= path.starts_with(policy::OWN_FOLDER) && path.ends_with(policy::OWN_MANIFEST);
        if input != Input::File && !matches!(content, Content::Link) {
            let needed = if matches!(content, Content::Folder) { 0o005 } else { 0o004 };
            self.add(&path, |findings| permissions(mode, needed, Rule::NotReadable, "the function's user", findings));
        }
        // Folders on a machine often hand their group on; in a zip nobody puts that.
        if input == Input::Zip || matches!(content, Content::File { .. }) {
            self.add(&path, |findings| special_permissions(mode, findings));
        }
        match content {
            Content::Folder => {}
            Content::Special => self.add(&path, |list| list.add(Rule::SpecialFile, "is neither a file nor a folder")),
            Content::Link => {
                self.carried.add(&path, None);
                self.add(&path, |list| list.add(Rule::Symlink, "is a symbolic link"));
            }
            Content::File { size, bytes } => {
                self.unpacked = self.unpacked.saturating_add(size);
                let failed = || format!("entry `{path}` cannot be read");
                let mut start = Vec::new();
                bytes.take(4).read_to_end(&mut start).with_context(failed)?;
                // What is no ELF file is only read to look for paths in it.
                if start == b"\x7fELF" || !options.build_paths.is_empty() {
                    start.reserve_exact(usize::try_from(size).unwrap_or_default().saturating_sub(start.len()));
                    bytes.take(size).read_to_end(&mut start).with_context(failed)?;
                    self.findings.extend(build_paths(&path, &start, &options.build_paths));
                    self.file(path, mode.filter(|_| input != Input::File), &start);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, mode: Option<u32>, bytes: &[u8]) {
        let facts = match read::read(bytes) {
            Ok(None) => return,
            Ok(Some(facts)) => Ok(facts),
            Err(error) => Err(error),
        };
        if let Ok(facts) = &facts {
            if facts.kind == Kind::SharedLibrary {
                self.carried.add(&path, facts.soname.as_deref());
            }
            if facts.kind.is_program() && mode.is_some() {
                self.add(&path, |findings| permissions(mode, 0o001, Rule::NotExecutable, "the function", findings));
            }
        }
        self.files.push((path, facts));
    }

    fn add(&mut self, path: &str, fill: impl FnOnce(&mut Findings<'_>)) {
        let mut findings = Findings::of(path);
        fill(&mut findings);
        self.findings.extend(findings.finish());
    }

    /// The architecture of most of the files; the first of the two where they are as many.
    fn arch(&self) -> Option<Arch> {
        let count =
            |arch| self.files.iter().flat_map(|(_, facts)| facts).filter(|file| file.arch == Some(arch)).count();
        Arch::ALL.into_iter().rev().max_by_key(|arch| count(*arch)).filter(|arch| count(*arch) > 0)
    }

    fn report(mut self, name: String, input: Input, targets: &Targets, options: &Options) -> Report {
        if input != Input::File && self.unpacked > policy::MAX_UNPACKED {
            let message =
                format!("unpacks to {} bytes; a function may have {} in all", self.unpacked, policy::MAX_UNPACKED);
            self.add(".", |findings| findings.add(Rule::UnpackedTooLarge, message));
        }
        let arch = options.arch.or_else(|| self.arch());
        let place = if input == Input::File { Place::Alone } else { Place::Layer };
        let nothing = ByArch::default();
        let protections = if self.is_own { &options.own_protections } else { &nothing };
        let mut files = Vec::new();
        for (path, facts) in std::mem::take(&mut self.files) {
            match facts {
                Ok(file) => {
                    let exports = options.exports.get(&path);
                    let context = Context { path: &path, place, arch, carried: &self.carried, exports, protections };
                    self.findings.extend(audit_file(&file, &context, targets));
                    files.push(Audited::new(path, &file));
                }
                Err(error) => self.add(&path, |list| list.add(Rule::BrokenElf, format!("is a {error}"))),
            }
        }
        files.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        self.findings.sort_unstable();
        self.findings.dedup();
        let verdicts = targets.targets.iter().map(|target| Verdict::new(target, arch, &self.findings)).collect();
        Report {
            input: name,
            kind: input,
            arch,
            entries: self.entries,
            unpacked: self.unpacked,
            files,
            findings: self.findings,
            verdicts,
        }
    }
}

/// Checks that an entry has the permissions it needs.
fn permissions(mode: Option<u32>, needed: u32, rule: Rule, who: &str, findings: &mut Findings<'_>) {
    match mode {
        Some(mode) if mode & needed == needed => {}
        Some(mode) => findings.add(rule, format!("has mode {mode:04o}, so that {who} cannot use it")),
        None => findings.add(rule, "has no permissions in the zip, which was not made for unix"),
    }
}

/// Finds what an unpacker may keep, so that the file acts with rights of others.
fn special_permissions(mode: Option<u32>, findings: &mut Findings<'_>) {
    if let Some(mode) = mode.filter(|mode| mode & SPECIAL != 0) {
        findings.add(Rule::SpecialPermissions, format!("has mode {mode:04o}, with bits for setuid, setgid or sticky"));
    }
}

/// setuid, setgid, sticky.
const SPECIAL: u32 = 0o7000;
