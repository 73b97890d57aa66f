//! Each rule, on facts that break it and nothing else.

use super::super::file::{Hardening, Kind, Leftovers, Search, Stack, StaticGlibc, VersionNeed};
use super::super::protections::Protections;
use super::*;
use crate::model::{Arch, ByArch, Protection};

/// A program that breaks no rule.
fn clean() -> ElfFile {
    ElfFile {
        machine: "x86_64".to_owned(),
        arch: Some(Arch::X86_64),
        kind: Kind::Program,
        interpreter: Some("/lib64/ld-linux-x86-64.so.2".to_owned()),
        soname: None,
        needed: vec!["libc.so.6".to_owned(), "ld-linux-x86-64.so.2".to_owned()],
        search: Search { rpath: Vec::new(), runpath: vec!["$ORIGIN/../lib".to_owned()] },
        versions: vec![need("libc.so.6", "GLIBC_2.17", &["printf"])],
        exports: vec!["Api_Open".to_owned()],
        unversioned: Vec::new(),
        hardening: Hardening {
            dynamic: true,
            bind_now: true,
            relro: true,
            stack: Stack::Data,
            text_relocations: false,
            writable_code: false,
        },
        protections: Protections {
            seen: BTreeSet::from([Protection::StackProtector, Protection::Fortify]),
            checked_functions: vec!["__memcpy_chk".to_owned()],
            calls_hidden: false,
        },
        leftovers: Leftovers::default(),
        packed_relocations: false,
        static_glibc: None,
    }
}

fn need(library: &str, version: &str, symbols: &[&str]) -> VersionNeed {
    VersionNeed {
        library: library.to_owned(),
        version: version.to_owned(),
        weak: false,
        symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
    }
}

/// What is demanded of the files of a layer of ours.
fn demanded() -> ByArch<Protection> {
    ByArch {
        any: vec![Protection::StackProtector, Protection::Fortify],
        x86_64: Vec::new(),
        arm64: vec![Protection::SignedReturns],
    }
}

/// Audits a file of a layer for x86_64 that carries two libraries.
fn findings(path: &str, file: &ElfFile, targets: &Targets) -> Vec<Finding> {
    let mut carried = CarriedLibraries::new();
    carried.add("lib/libown.so.1.2", Some("libown.so.1"));
    carried.add("far/libfar.so.1", None);
    let exports = AllowedExports::new(&["Api_*".to_owned()]).expect("globs");
    let context = Context {
        path,
        place: Place::Layer,
        arch: Some(Arch::X86_64),
        carried: &carried,
        exports: Some(&exports),
        protections: &demanded(),
    };
    audit(file, &context, targets)
}

#[test]
fn a_clean_file_has_no_findings() {
    assert_eq!(findings("bin/x", &clean(), &targets()), []);
}

#[test]
fn every_rule_is_broken_alone() {
    type Break = fn(&mut ElfFile);
    let cases: &[(Rule, &str, Break)] = &[
        (Rule::WrongMachine, "is for arm64, in a layer for x86_64", |file| {
            (file.arch, file.interpreter) = (Some(Arch::Arm64), None);
            file.needed.clear();
            file.protections.seen.insert(Protection::SignedReturns);
        }),
        (Rule::WrongMachine, "is for 32-bit i386, which no", |file| {
            (file.arch, file.machine) = (None, "32-bit i386".to_owned());
        }),
        (Rule::WrongLoader, "asks for the loader `/lib/ld-musl-x86_64.so.1`", |file| {
            file.interpreter = Some("/lib/ld-musl-x86_64.so.1".to_owned());
        }),
        (Rule::NeedsLibrary, "an image of a runtime can have it while the runtime itself does not", |file| {
            file.needed.push("libcurl.so.4".to_owned());
        }),
        (Rule::NeedsLibrary, "needs `ld-linux-aarch64.so.1`", |file| {
            file.needed.push("ld-linux-aarch64.so.1".to_owned());
        }),
        (Rule::LibraryOutOfReach, "which is at `far/libfar.so.1`", |file| file.needed.push("libfar.so.1".to_owned())),
        (Rule::UnknownSymbolVersion, "needs `GLIBC_PRIVATE` of `libc.so.6`", |file| {
            file.versions.push(need("libc.so.6", "GLIBC_PRIVATE", &["__x"]));
        }),
        (Rule::UnknownSymbolVersion, "needs `GLIBCXX_3.4`, `GLIBCXX_3.4.9` of `libstdc++.so.6`", |file| {
            file.versions.push(need("libstdc++.so.6", "GLIBCXX_3.4.9", &["a"]));
            file.versions.push(need("libstdc++.so.6", "GLIBCXX_3.4", &["b"]));
        }),
        (Rule::StaticGlibc, "its resolver crashes on host names", |file| {
            file.static_glibc = Some(StaticGlibc::Resolver);
        }),
        (Rule::StaticGlibc, "character conversions", |file| file.static_glibc = Some(StaticGlibc::NoResolver)),
        (Rule::Runpath, "the RPATH entry `/usr/local/lib`, which does not begin with `$ORIGIN`", |file| {
            file.search.rpath.push("/usr/local/lib".to_owned());
        }),
        (Rule::Runpath, "the RUNPATH entry `$ORIGIN/../../..`, which leaves the layer", |file| {
            file.search.runpath.push("$ORIGIN/../../..".to_owned());
        }),
        (Rule::Runpath, "the RUNPATH entry ``, which is the current folder", |file| {
            file.search.runpath.push(String::new());
        }),
        (Rule::Exports, "exports `main`, beyond Api_*", |file| file.exports.push("main".to_owned())),
        (Rule::NotPie, "same address", |file| file.kind = Kind::FixedProgram),
        (Rule::NoRelro, "GNU_RELRO", |file| file.hardening.relro = false),
        (Rule::NoBindNow, "BIND_NOW", |file| file.hardening.bind_now = false),
        (Rule::ExecutableStack, "asks for an executable stack", |file| file.hardening.stack = Stack::Executable),
        (Rule::ExecutableStack, "no GNU_STACK", |file| file.hardening.stack = Stack::Unsaid),
        (Rule::TextRelocations, "TEXTREL", |file| file.hardening.text_relocations = true),
        (Rule::WritableCode, "writable and executable", |file| file.hardening.writable_code = true),
        (Rule::Unprotected, "no stack protector", |file| {
            file.protections.seen.remove(&Protection::StackProtector);
        }),
        (Rule::Unprotected, "no _FORTIFY_SOURCE", |file| {
            file.protections.seen.remove(&Protection::Fortify);
        }),
        (Rule::Unprotected, "whether it has `fortify` cannot be seen", |file| {
            file.protections.seen.remove(&Protection::Fortify);
            file.protections.calls_hidden = true;
        }),
        (Rule::NotStripped, "full symbol table", |file| file.leftovers.symbols = true),
        (Rule::NotStripped, "carries debug information", |file| file.leftovers.debug = true),
    ];
    for (rule, message, change) in cases {
        let mut file = clean();
        change(&mut file);
        let found = findings("bin/x", &file, &targets());
        assert_eq!(rules(&found), [*rule], "{found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains(message), "{}", found[0].message);
        assert_eq!((found[0].target.as_deref(), found[0].hint), (None, rule.hint()));
    }
}

#[test]
fn protections_are_demanded_by_architecture() {
    let mut file = clean();
    (file.arch, file.machine, file.interpreter) = (Some(Arch::Arm64), "arm64".to_owned(), None);
    file.needed = vec!["libc.so.6".to_owned()];
    file.search.runpath.clear();
    let carried = CarriedLibraries::new();
    let demanded = demanded();
    let context = Context {
        path: "x",
        place: Place::Layer,
        arch: None,
        carried: &carried,
        exports: None,
        protections: &demanded,
    };
    let found = audit(&file, &context, &targets());
    assert_eq!(rules(&found), [Rule::Unprotected]);
    assert_eq!(found[0].message, "does not sign return addresses (no PAC)");
    file.protections.seen.insert(Protection::SignedReturns);
    assert_eq!(audit(&file, &context, &targets()), []);
    // Of somebody else's file nothing of this is demanded.
    file.protections = Protections::default();
    assert_eq!(audit(&file, &Context { protections: &ByArch::default(), ..context }, &targets()), []);
}

#[test]
fn what_a_layer_carries_may_be_needed() {
    let mut file = clean();
    file.needed.push("libown.so.1".to_owned());
    file.versions.push(need("libown.so.1", "OWN_1", &["own"]));
    assert_eq!(findings("bin/x", &file, &targets()), []);
    file.search.runpath = vec!["$ORIGIN/../far".to_owned()];
    file.needed.push("libfar.so.1".to_owned());
    assert_eq!(findings("bin/x", &file, &targets()), []);
    // The same way leads elsewhere from another folder.
    assert_eq!(rules(&findings("python/a/x.so", &file, &targets())), [Rule::LibraryOutOfReach]);
}

#[test]
fn a_glibc_that_is_too_old_is_told_per_target() {
    let mut file = clean();
    file.versions.push(need("libc.so.6", "GLIBC_2.25", &["getrandom", "explicit_bzero"]));
    file.versions.push(need("libm.so.6", "GLIBC_2.27", &[]));
    file.versions.push(VersionNeed { weak: true, ..need("libc.so.6", "GLIBC_2.99", &["new"]) });
    let found = findings("bin/x", &file, &targets());
    assert_eq!(rules(&found), [Rule::GlibcTooNew]);
    let concerned: Vec<_> = found.iter().filter_map(|finding| finding.target.as_deref()).collect();
    assert_eq!(concerned, ["al2", "alinux2", "fc-debian9"]);
    assert_eq!(found[0].message, "needs glibc 2.27 for `GLIBC_2.27` of `libm.so.6`; it has 2.26");
    assert_eq!(
        found[1].message,
        "needs glibc 2.27 for `GLIBC_2.27` of `libm.so.6`, `getrandom@GLIBC_2.25`, `explicit_bzero@GLIBC_2.25`; it has 2.17"
    );
    assert_eq!(file.needs_glibc(), "2.27".parse().ok());
}

#[test]
fn many_symbols_are_counted_and_not_all_named() {
    let mut file = clean();
    let symbols: Vec<_> = (0..20).map(|number| format!("f{number}")).collect();
    file.versions = vec![need("libc.so.6", "GLIBC_2.34", &symbols.iter().map(String::as_str).collect::<Vec<_>>())];
    file.exports = symbols;
    let found = findings("bin/x", &file, &one_target("2.26"));
    assert_eq!(rules(&found), [Rule::GlibcTooNew, Rule::Exports]);
    assert!(found.iter().all(|finding| finding.message.contains(" and 12 more")), "{found:?}");
}

/// What is found in a file that belongs to no layer.
fn findings_alone(file: &ElfFile, targets: &Targets) -> Vec<Finding> {
    let carried = CarriedLibraries::new();
    let context = Context {
        path: "x",
        place: Place::Alone,
        arch: None,
        carried: &carried,
        exports: None,
        protections: &ByArch::default(),
    };
    audit(file, &context, targets)
}

#[test]
fn targets_of_another_architecture_are_not_concerned() {
    let mut file = clean();
    (file.arch, file.machine) = (Some(Arch::Arm64), "arm64".to_owned());
    file.interpreter = Some("/lib/ld-linux-aarch64.so.1".to_owned());
    file.needed = vec!["libc.so.6".to_owned(), "ld-linux-aarch64.so.1".to_owned()];
    file.versions.push(need("libc.so.6", "GLIBC_2.38", &["strlcpy"]));
    let found = findings_alone(&file, &targets());
    let concerned: BTreeSet<_> = found.iter().filter_map(|finding| finding.target.as_deref()).collect();
    assert_eq!(concerned, BTreeSet::from(["al2", "al2023"]));

    let mut others = targets();
    others.targets.retain(|target| target.name == "alinux2");
    let found = findings_alone(&file, &others);
    assert!(found.iter().any(|finding| finding.message == "is for arm64, which none of the targets has"), "{found:?}");
}

#[test]
fn packed_relocations_need_a_loader_that_knows_them() {
    let mut file = clean();
    file.packed_relocations = true;
    file.versions.push(need("libc.so.6", "GLIBC_ABI_DT_RELR", &[]));
    let found = findings("bin/x", &file, &targets());
    assert_eq!(rules(&found), [Rule::PackedRelocations]);
    assert_eq!(found.len(), targets().targets.len() - 1, "glibc 2.36 knows them: {found:?}");
    assert!(found.iter().all(|finding| finding.target.as_deref() != Some("fc-debian12")));
}

#[test]
fn names_of_system_libraries_are_for_the_system() {
    let mut file = clean();
    (file.kind, file.interpreter) = (Kind::SharedLibrary, None);
    for (path, soname, expected) in [
        ("lib/libcurl.so.4", None, 1),
        ("lib/libmine.so", Some("libssl.so.3"), 1),
        ("lib/libz.so.1", Some("libz.so.1"), 1),
        ("lib/libmediainfo.so.0", Some("libmediainfo.so.0"), 0),
        ("lib/mine/libcurl.so.4", Some("libcurl.so.4"), 0),
        ("python/libcurl.so.4", Some("libcurl.so.4"), 0),
    ] {
        file.soname = soname.map(str::to_owned);
        file.search.runpath = Vec::new();
        let found = findings(path, &file, &targets());
        assert_eq!(rules(&found), vec![Rule::SystemLibraryName; expected], "{path}");
    }
}

#[test]
fn a_file_alone_is_not_held_to_its_surroundings() {
    let mut file = clean();
    file.search.runpath = vec!["$ORIGIN/../../../lib".to_owned(), "/usr/lib".to_owned()];
    let found = findings_alone(&file, &targets());
    assert_eq!(rules(&found), [Rule::Runpath]);
    assert_eq!(found.len(), 1);
}

#[test]
fn static_programs_have_nothing_to_bind() {
    let mut file = clean();
    (file.interpreter, file.needed, file.versions) = (None, Vec::new(), Vec::new());
    file.hardening.bind_now = false;
    assert_eq!(findings("bin/x", &file, &targets()), []);
}

#[test]
fn what_no_loader_takes_is_not_audited() {
    let mut file = clean();
    file.kind = Kind::NotLoadable;
    file.leftovers.symbols = true;
    assert_eq!(findings("bin/x.o", &file, &targets()), []);
}
