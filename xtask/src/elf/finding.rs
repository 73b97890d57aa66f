//! Findings: what is wrong with a layer, as data.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong. Ordered by path, then rule, then target, as findings are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, below the layer's root; `.` for the layer as a whole.
    pub path: String,
    /// The rule it breaks.
    pub rule: Rule,
    /// The target it concerns; none where it concerns them all.
    pub target: Option<String>,
    /// What is wrong, beginning with a verb whose subject is the file.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $id:literal, $hint:literal;)*) => {
        /// The rules, in the order in which their findings are shown for one file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];

            /// The name in reports: stable, kebab-case.
            pub fn id(self) -> &'static str {
                match self {
                    $(Rule::$rule => $id,)*
                }
            }

            /// What to do about a file that breaks the rule.
            pub fn hint(self) -> &'static str {
                match self {
                    $(Rule::$rule => $hint,)*
                }
            }
        }
    };
}

rules! {
    /// It begins as an ELF file and cannot be read as one.
    BrokenElf = "broken-elf", "build or copy the file again";
    /// It cannot run on the layer's architecture.
    WrongMachine = "wrong-machine", "build it for the layer's architecture, or leave it out";
    /// The kernel would look for a loader that is not there.
    WrongLoader = "wrong-loader", "link it with the loader of glibc, at its usual path";
    /// A needed library is neither promised by the runtimes nor carried.
    NeedsLibrary = "needs-library", "link it in statically, or carry it in the layer and point to it with a RUNPATH below `$ORIGIN`";
    /// A needed library is carried where the loader does not look.
    LibraryOutOfReach = "library-out-of-reach", "give the file a RUNPATH below `$ORIGIN` that leads to the library";
    /// A symbol is newer than the runtime's glibc.
    GlibcTooNew = "glibc-too-new", "build against the oldest glibc among the targets, as `build-layer` does";
    /// A symbol version is not one of glibc's public ones, and its library is not carried.
    UnknownSymbolVersion = "unknown-symbol-version", "link the library in statically, or carry it in the layer";
    /// Its relative relocations are packed, which the runtime's loader cannot read.
    PackedRelocations = "packed-relocations", "link without `-z pack-relative-relocs`";
    /// glibc is linked in.
    StaticGlibc = "static-glibc", "link with glibc dynamically, against an old version of it";
    /// It looks for libraries outside the layer.
    Runpath = "runpath", "use folders below `$ORIGIN` only, or link without a RUNPATH";
    /// It would be taken for a library of the system.
    SystemLibraryName = "system-library-name", "link it in statically, or carry it in a folder of its own with a RUNPATH that leads there";
    /// It exports what is not its public interface.
    Exports = "exports", "hide the rest with a version script or `-fvisibility=hidden` and `--exclude-libs,ALL`";
    /// A path of the machine that built it is in the bytes.
    BuildPath = "build-path", "map the path with `-ffile-prefix-map`, and strip";
    /// It is loaded at a fixed address.
    NotPie = "not-pie", "compile with `-fPIE` and link with `-pie`";
    /// Its relocated data stays writable.
    NoRelro = "no-relro", "link with `-z relro`";
    /// It binds symbols while it runs, so that they must stay writable.
    NoBindNow = "no-bind-now", "link with `-z now`";
    /// Its stack may hold code.
    ExecutableStack = "executable-stack", "link with `-z noexecstack`, and end assembler files with a `.note.GNU-stack` section";
    /// Its code must be written to when it is loaded.
    TextRelocations = "text-relocations", "compile all of it with `-fPIC`";
    /// It has memory that is writable and executable at once.
    WritableCode = "writable-code", "do not join sections with `-N` or a linker script";
    /// A protection that all files of this project have is missing.
    Unprotected = "unprotected", "find what overrules the flags of recipes/toolchain.toml, such as a flag of the project's own";
    /// It carries symbols or debug information.
    NotStripped = "not-stripped", "link with `-s`, or run `strip`";
    /// It is a symbolic link.
    Symlink = "symlink", "put the file itself there: several tools and one cloud flatten links";
    /// It is neither a file nor a folder nor a link.
    SpecialFile = "special-file", "leave it out";
    /// Its permissions lend the rights of others.
    SpecialPermissions = "special-permissions", "pack it with mode 0644, or 0755 if it is run";
    /// The function's user cannot read it.
    NotReadable = "not-readable", "give files mode 0644 and folders mode 0755";
    /// It is a program without the run bit.
    NotExecutable = "not-executable", "give programs mode 0755";
    /// The layer unpacks to more than a function may have.
    UnpackedTooLarge = "unpacked-too-large", "leave out what the function does not use";
    /// The zip is larger than a request may be.
    ZipTooLarge = "zip-too-large", "leave out what the function does not use, or upload through a bucket";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// Collects the findings of one file.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    path: &'a str,
    list: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub fn of(path: &'a str) -> Findings<'a> {
        Findings { path, list: Vec::new() }
    }

    /// Adds a finding that concerns every target.
    pub fn add(&mut self, rule: Rule, message: impl Into<String>) {
        self.push(rule, None, message.into());
    }

    /// Adds a finding that concerns one target.
    pub fn add_for(&mut self, target: &str, rule: Rule, message: impl Into<String>) {
        self.push(rule, Some(target.to_owned()), message.into());
    }

    fn push(&mut self, rule: Rule, target: Option<String>, message: String) {
        self.list.push(Finding { path: self.path.to_owned(), rule, target, message, hint: rule.hint() });
    }

    /// The findings, each once, sorted.
    pub fn finish(mut self) -> Vec<Finding> {
        self.list.sort_unstable();
        self.list.dedup();
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_hint() {
        let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        for rule in Rule::ALL {
            assert!(rule.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{rule}");
            assert!(!rule.hint().is_empty() && !rule.hint().ends_with('.'), "{rule}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Rule::ALL.len());
    }

    #[test]
    fn findings_come_sorted_and_once() {
        let mut findings = Findings::of("bin/x");
        findings.add(Rule::NotPie, "b");
        findings.add_for("al2", Rule::GlibcTooNew, "c");
        findings.add(Rule::NotPie, "b");
        let list = findings.finish();
        assert_eq!(list.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [Rule::GlibcTooNew, Rule::NotPie]);
    }
}
