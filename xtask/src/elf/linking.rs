//! The rules on what a file needs from others: machine, loader, libraries, versions, folders.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Arch, Target, Targets};

use super::context::{Context, Place};
use super::file::{ElfFile, VersionNeed};
use super::finding::{Findings, Rule};
use super::policy;
use super::runpath;

/// So many symbols are named in a message; the rest are counted.
const NAMED_SYMBOLS: usize = 8;

/// Checks the machine. The other rules have nothing to say on a file of another one.
pub(super) fn machine(file: &ElfFile, context: &Context<'_>, targets: &Targets, findings: &mut Findings<'_>) {
    let Some(arch) = file.arch else {
        findings.add(Rule::WrongMachine, format!("is for {}, which no function runs on", file.machine));
        return;
    };
    match context.arch {
        Some(expected) if expected != arch => {
            findings.add(Rule::WrongMachine, format!("is for {arch}, in a layer for {expected}"));
        }
        _ if !targets.targets.iter().any(|target| target.architectures.contains(&arch)) => {
            findings.add(Rule::WrongMachine, format!("is for {arch}, which none of the targets has"));
        }
        _ => {}
    }
}

/// Checks the loader a program asks for.
pub(super) fn loader(file: &ElfFile, arch: Arch, findings: &mut Findings<'_>) {
    let expected = policy::loader_path(arch);
    if let Some(asked) = file.interpreter.as_deref().filter(|asked| *asked != expected) {
        findings.add(Rule::WrongLoader, format!("asks for the loader `{asked}`, and the runtimes have `{expected}`"));
    }
}

/// Checks that every needed library is promised by the runtimes, or is in the layer and found there.
pub(super) fn libraries(
    file: &ElfFile,
    arch: Arch,
    context: &Context<'_>,
    targets: &Targets,
    findings: &mut Findings<'_>,
) {
    let folders: BTreeSet<String> = file
        .search
        .effective()
        .iter()
        .filter_map(|entry| runpath::resolve(entry, context.path).ok())
        .map(|folder| if folder.is_empty() { folder } else { folder + "/" })
        .chain([policy::LIBRARY_FOLDER.to_owned()])
        .collect();
    for name in &file.needed {
        if targets.libraries.allow(arch, name) {
            continue;
        }
        if !context.carried.has(name) {
            let message = format!(
                "needs `{name}`, which is not in the layer and which the runtimes do not promise: \
                 an image of a runtime can have it while the runtime itself does not"
            );
            findings.add(Rule::NeedsLibrary, message);
        } else if !context.carried.find(name).any(|path| folders.contains(folder_of(path))) {
            let places: Vec<_> = context.carried.find(name).map(|path| format!("`{path}`")).collect();
            let message = format!("needs `{name}`, which is at {}, where the loader does not look", places.join(", "));
            findings.add(Rule::LibraryOutOfReach, message);
        }
    }
}

/// The folder of a path, with the slash at its end; empty for the layer's root.
fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

/// Checks symbol versions: glibc's against each target, all others against what is carried.
pub(super) fn versions(
    file: &ElfFile,
    arch: Arch,
    context: &Context<'_>,
    targets: &Targets,
    findings: &mut Findings<'_>,
) {
    for target in targets.targets.iter().filter(|target| target.architectures.contains(&arch)) {
        glibc(file, target, findings);
        let packed = file.packed_relocations
            || file.versions.iter().any(|need| need.version == policy::PACKED_RELOCATIONS_VERSION);
        if packed && target.glibc < policy::PACKED_RELOCATIONS_SINCE {
            let message = format!("has packed relative relocations (DT_RELR), unknown to glibc {}", target.glibc);
            findings.add_for(&target.name, Rule::PackedRelocations, message);
        }
    }
    let mut unknown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for need in &file.versions {
        if policy::glibc_version(&need.version).is_none() && !context.carried.has(&need.library) {
            unknown.entry(&need.library).or_default().insert(&need.version);
        }
    }
    for (library, versions) in unknown {
        let versions: Vec<_> = versions.into_iter().map(|version| format!("`{version}`")).collect();
        let message = format!("needs {} of `{library}`, which the runtimes do not promise", versions.join(", "));
        findings.add(Rule::UnknownSymbolVersion, message);
    }
}

fn glibc(file: &ElfFile, target: &Target, findings: &mut Findings<'_>) {
    let mut newer: Vec<_> = file
        .versions
        .iter()
        // A weak version may be missing, and packed relocations have a rule of their own.
        .filter(|need| !need.weak && need.version != policy::PACKED_RELOCATIONS_VERSION)
        .filter_map(|need| policy::glibc_version(&need.version).map(|version| (version, need)))
        .filter(|(version, _)| *version > target.glibc)
        .collect();
    newer.sort_by(|(left, _), (right, _)| right.cmp(left));
    let Some((highest, _)) = newer.first() else { return };
    let mut symbols: Vec<String> = newer.iter().flat_map(|(_, need)| named(need)).collect();
    let more = symbols.len().saturating_sub(NAMED_SYMBOLS);
    symbols.truncate(NAMED_SYMBOLS);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("needs glibc {highest} for {}{rest}; it has {}", symbols.join(", "), target.glibc);
    findings.add_for(&target.name, Rule::GlibcTooNew, message);
}

/// The symbols of a needed version, as linkers write them.
fn named(need: &VersionNeed) -> Vec<String> {
    match need.symbols.as_slice() {
        [] => vec![format!("`{}` of `{}`", need.version, need.library)],
        symbols => symbols.iter().map(|symbol| format!("`{symbol}@{}`", need.version)).collect(),
    }
}

/// Checks the folders in which the file looks for libraries.
pub(super) fn folders(file: &ElfFile, context: &Context<'_>, findings: &mut Findings<'_>) {
    for (name, entries) in [("RPATH", &file.search.rpath), ("RUNPATH", &file.search.runpath)] {
        for entry in entries {
            let way = match context.place {
                Place::Layer => runpath::resolve(entry, context.path).map(drop),
                // Nobody knows how deep in a layer a file on its own will be.
                Place::Alone => runpath::below_origin(entry).map(drop),
            };
            if let Err(why) = way {
                findings.add(Rule::Runpath, format!("has the {name} entry `{entry}`, which {why}"));
            }
        }
    }
}
