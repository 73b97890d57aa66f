//! The rules: from facts to findings.

use crate::model::Targets;

use super::context::Context;
use super::file::{ElfFile, Kind, Stack, StaticGlibc};
use super::finding::{Finding, Findings, Rule};
use super::linking;
use super::policy;
use super::protections::Presence;
use crate::ui::counted;

/// So many exports are named in a message; the rest are counted.
const NAMED_EXPORTS: usize = 8;

/// So much of the text around a forbidden path is shown, in bytes.
const SHOWN: usize = 120;

/// Holds one file against the targets. A target that does not exist for the file's architecture is
/// not concerned. The findings are sorted, and each is there once.
pub fn audit(file: &ElfFile, context: &Context<'_>, targets: &Targets) -> Vec<Finding> {
    let mut findings = Findings::of(context.path);
    if file.kind == Kind::NotLoadable {
        return findings.finish();
    }
    linking::machine(file, context, targets, &mut findings);
    if let Some(arch) = file.arch {
        linking::loader(file, arch, &mut findings);
        linking::libraries(file, arch, context, targets, &mut findings);
        linking::versions(file, arch, context, targets, &mut findings);
    }
    linking::folders(file, context, &mut findings);
    static_glibc(file, &mut findings);
    names(file, context, &mut findings);
    exports(file, context, &mut findings);
    hardening(file, &mut findings);
    protections(file, context, &mut findings);
    findings.finish()
}

fn static_glibc(file: &ElfFile, findings: &mut Findings<'_>) {
    let what = match file.static_glibc {
        None => return,
        Some(StaticGlibc::Resolver) => {
            "is linked with glibc statically: its resolver crashes on host names wherever the runtime's glibc is another"
        }
        Some(StaticGlibc::NoResolver) => {
            "is linked with glibc statically: it crashes where it loads the runtime's character conversions"
        }
    };
    findings.add(Rule::StaticGlibc, what);
}

/// Checks that no library in the folder that every program searches has a name of the system's.
fn names(file: &ElfFile, context: &Context<'_>, findings: &mut Findings<'_>) {
    let Some(file_name) = context.path.strip_prefix(policy::LIBRARY_FOLDER).filter(|name| !name.contains('/')) else {
        return;
    };
    for name in [Some(file_name), file.soname.as_deref()].into_iter().flatten() {
        if policy::is_system_library(name) {
            let message = format!(
                "has the name of a system library, `{name}`, in a folder where the runtime's own programs look for it"
            );
            findings.add(Rule::SystemLibraryName, message);
        }
    }
}

fn exports(file: &ElfFile, context: &Context<'_>, findings: &mut Findings<'_>) {
    let Some(allowed) = context.exports else { return };
    let extra: Vec<_> = file.exports.iter().filter(|symbol| !allowed.allow(symbol)).collect();
    if extra.is_empty() {
        return;
    }
    let named: Vec<_> = extra.iter().take(NAMED_EXPORTS).map(|symbol| format!("`{symbol}`")).collect();
    let more = extra.len() - named.len();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("exports {}{rest}, beyond {}", named.join(", "), allowed.globs().join(", "));
    findings.add(Rule::Exports, message);
}

fn hardening(file: &ElfFile, findings: &mut Findings<'_>) {
    let facts = &file.hardening;
    if file.kind == Kind::FixedProgram {
        findings.add(Rule::NotPie, "is a program that is always loaded at the same address");
    }
    // A static program at a fixed address has no dynamic section, and nothing that is relocated.
    if facts.dynamic && !facts.relro {
        findings.add(Rule::NoRelro, "keeps relocated data writable (no GNU_RELRO)");
    }
    // A static program that can be loaded anywhere has one, and nobody to bind to.
    let is_bound = facts.dynamic && (file.interpreter.is_some() || file.kind == Kind::SharedLibrary);
    if is_bound && !facts.bind_now {
        findings.add(Rule::NoBindNow, "binds symbols while it runs (no BIND_NOW)");
    }
    match facts.stack {
        Stack::Data => {}
        Stack::Executable => findings.add(Rule::ExecutableStack, "asks for an executable stack"),
        Stack::Unsaid => findings.add(Rule::ExecutableStack, "has no GNU_STACK header, so its stack may be executable"),
    }
    if facts.text_relocations {
        findings.add(Rule::TextRelocations, "has code that is written to when it is loaded (TEXTREL)");
    }
    if facts.writable_code {
        findings.add(Rule::WritableCode, "has a segment that is writable and executable");
    }
    match (file.leftovers.symbols, file.leftovers.debug) {
        (false, false) => {}
        (true, false) => findings.add(Rule::NotStripped, "carries its full symbol table"),
        (false, true) => findings.add(Rule::NotStripped, "carries debug information"),
        (true, true) => findings.add(Rule::NotStripped, "carries its full symbol table and debug information"),
    }
}

fn protections(file: &ElfFile, context: &Context<'_>, findings: &mut Findings<'_>) {
    let Some(arch) = file.arch else { return };
    for protection in context.protections.on(arch) {
        match file.protections.presence(*protection) {
            Presence::Present => {}
            Presence::Absent => findings.add(Rule::Unprotected, policy::lack(*protection)),
            Presence::Unknown => findings.add(
                Rule::Unprotected,
                format!("takes nothing from a library, so whether it has `{protection}` cannot be seen"),
            ),
        }
    }
}

/// Looks for paths of the machine that built a file, which make its bytes depend on that machine.
pub(super) fn build_paths(path: &str, bytes: &[u8], forbidden: &[String]) -> Vec<Finding> {
    let mut findings = Findings::of(path);
    for text in forbidden.iter().filter(|text| !text.is_empty()) {
        let mut places = memchr::memmem::find_iter(bytes, text.as_bytes());
        let Some(first) = places.next() else { continue };
        let rest = &bytes[first..bytes.len().min(first + SHOWN)];
        let end = rest.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(rest.len());
        // A path with spaces in it is shown at least as far as it was looked for.
        let shown = String::from_utf8_lossy(&rest[..end.max(text.len().min(rest.len()))]);
        let more = match places.count() {
            0 => String::new(),
            more => format!(" and {} more", counted(more, "time")),
        };
        findings.add(Rule::BuildPath, format!("holds the build path `{shown}` at byte {first}{more}"));
    }
    findings.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_paths_are_found_anywhere() {
        let forbidden = ["/home/me/src".to_owned(), String::new(), "/nowhere".to_owned()];
        let bytes = b"\0\0/home/me/src/a.c\0/home/me/src/b.c\0";
        let findings = build_paths("bin/x", bytes, &forbidden);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].rule, Rule::BuildPath);
        assert_eq!(findings[0].message, "holds the build path `/home/me/src/a.c` at byte 2 and 1 time more");
        assert!(build_paths("bin/x", b"/usr/lib", &forbidden).is_empty());
    }
}
