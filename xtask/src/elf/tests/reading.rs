//! Facts of real files.

use super::super::file::{Kind, Stack, StaticGlibc};
use super::*;
use crate::model::Arch;

const MAIN: &str = "int main(void) { return 0; }";

#[test]
fn what_is_no_elf_file_is_not_read() {
    for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\n", b"PK\x03\x04"] {
        assert_eq!(read(bytes), Ok(None));
    }
}

#[test]
fn a_hardened_program() {
    let file = Workshop::new().facts(MAIN, &["-fPIE", "-pie", "-s", "-Wl,-z,now,-z,relro,-z,noexecstack"]);
    assert_eq!(file.kind, Kind::Program);
    assert_eq!(file.arch, Arch::of_this_machine());
    assert_eq!(file.interpreter.as_deref(), file.arch.map(policy::loader_path));
    assert_eq!(file.needed, ["libc.so.6"]);
    assert_eq!(file.soname, None);
    assert_eq!(file.search, file::Search::default());
    let hardening = file.hardening;
    assert!(hardening.dynamic && hardening.relro && hardening.bind_now);
    assert!(!hardening.text_relocations && !hardening.writable_code);
    assert_eq!(hardening.stack, Stack::Data);
    assert_eq!(file.leftovers, file::Leftovers::default());
    assert_eq!(file.static_glibc, None);
    assert!(file.needs_glibc().is_some(), "every program needs `__libc_start_main`");
    let start = file.versions.iter().flat_map(|need| &need.symbols).any(|symbol| symbol == "__libc_start_main");
    assert!(start, "{:?}", file.versions);
    assert!(file.exports.is_empty(), "{:?}", file.exports);
}

#[test]
fn a_careless_program() {
    let flags = ["-no-pie", "-fno-pie", "-g", "-Wl,-z,lazy,-z,norelro,-z,execstack", "-Wl,-rpath,/a:$ORIGIN/../b::"];
    let file = Workshop::new().facts(MAIN, &[&flags[..], &["-Wl,--disable-new-dtags"]].concat());
    assert_eq!(file.kind, Kind::FixedProgram);
    assert_eq!(file.search.rpath, ["/a", "$ORIGIN/../b", "", ""]);
    assert!(!file.hardening.relro && !file.hardening.bind_now);
    assert_eq!(file.hardening.stack, Stack::Executable);
    assert!(file.leftovers.symbols && file.leftovers.debug);

    let file = Workshop::new().facts(MAIN, &["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib"]);
    assert!(file.search.rpath.is_empty());
    assert_eq!(file.search.runpath, ["$ORIGIN/../lib"]);
    assert_eq!(file.search.effective(), file.search.runpath);
}

#[test]
fn a_library_with_both_hash_tables_or_one() {
    let source = "
        extern int printf(const char *, ...);
        extern int taken_from_anybody(void);
        int shown(void) { return printf(\"x\") + taken_from_anybody(); }
        int weakly(void) __attribute__((weak));
        int weakly(void) { return 1; }
        int guarded(void) __attribute__((visibility(\"protected\")));
        int guarded(void) { return 2; }
        int hidden(void) __attribute__((visibility(\"hidden\")));
        int hidden(void) { return 3; }
        static int local(void) { return hidden(); }
        int (*const keep)(void) = local;";
    for hash in ["sysv", "gnu", "both"] {
        let style = format!("-Wl,--hash-style={hash},-soname,libfacts.so.1");
        let file = Workshop::new().facts(source, &["-shared", "-fPIC", "-nostartfiles", &style]);
        assert_eq!(file.kind, Kind::SharedLibrary);
        assert_eq!(file.soname.as_deref(), Some("libfacts.so.1"));
        assert_eq!(file.exports, ["guarded", "keep", "shown", "weakly"], "{hash}");
        assert_eq!(file.unversioned, ["taken_from_anybody"], "{hash}");
        let printf = file.versions.iter().find(|need| need.symbols.iter().any(|symbol| symbol == "printf"));
        let printf = printf.expect("printf has a version");
        assert_eq!(printf.library, "libc.so.6");
        assert!(printf.version.starts_with("GLIBC_2.") && !printf.weak, "{printf:?}");
    }
}

#[test]
fn a_library_that_only_takes_has_an_empty_gnu_hash_table() {
    let source = "extern void *malloc(unsigned long); static void *f(void) { return malloc(1); } \
                  __attribute__((constructor)) static void g(void) { f(); }";
    let file = Workshop::new().facts(source, &["-shared", "-fPIC", "-nostartfiles", "-O0", "-Wl,--hash-style=gnu"]);
    assert!(file.exports.is_empty());
    assert_eq!(file.versions.len(), 1, "{:?}", file.versions);
    assert_eq!(file.versions[0].symbols, ["malloc"]);
}

#[test]
fn versions_a_library_defines_are_not_exports() {
    let shop = Workshop::new();
    shop.write("map", "FAKE_1.0 { global: f; local: *; }; FAKE_2.0 { global: g; } FAKE_1.0;");
    let source = "int f(void) { return 1; } int g(void) { return 2; }";
    shop.cc("libfake.so", source, &[CLEAN, &["-Wl,--version-script,map,-soname,libfake.so.1"]].concat());
    assert_eq!(facts(&shop.path("libfake.so")).exports, ["f", "g"]);

    let user = "extern int f(void), g(void); int h(void) { return f() + g(); }";
    let file = shop.facts(user, &[CLEAN, &["libfake.so"]].concat());
    assert_eq!(file.needed, ["libfake.so.1"]);
    let needs: Vec<_> = file.versions.iter().map(|need| (&*need.version, need.symbols.concat())).collect();
    assert!(
        needs.contains(&("FAKE_1.0", "f".to_owned())) && needs.contains(&("FAKE_2.0", "g".to_owned())),
        "{needs:?}"
    );
    assert!(file.versions.iter().all(|need| need.library == "libfake.so.1"));
    assert_eq!(file.exports, ["h"]);
}

#[test]
fn a_copied_variable_is_taken_and_not_exported() {
    let source = "#include <stdio.h>\nint main(void) { return fputs(\"x\", stdout); }";
    let file = Workshop::new().facts(source, &["-no-pie", "-fno-pie"]);
    let taken = file.versions.iter().flat_map(|need| &need.symbols).any(|symbol| symbol == "stdout");
    assert!(taken, "{:?}", file.versions);
    assert!(!file.exports.iter().any(|symbol| symbol == "stdout"), "{:?}", file.exports);
}

#[test]
fn a_static_program_shows_its_glibc() {
    let shop = Workshop::new();
    for (flags, kind) in [(["-static", "-s"], Kind::FixedProgram), (["-static-pie", "-s"], Kind::Program)] {
        let file = shop.facts(MAIN, &flags);
        assert_eq!((file.kind, file.interpreter, file.needed.len()), (kind, None, 0));
        assert_eq!(file.static_glibc, Some(StaticGlibc::NoResolver));
    }
    let source =
        "#include <netdb.h>\nint main(int n, char **a) { struct addrinfo *i; return getaddrinfo(a[n - 1], 0, 0, &i); }";
    // The linker warns of the very thing.
    let file = shop.facts(source, &["-static", "-s", "-w"]);
    assert_eq!(file.static_glibc, Some(StaticGlibc::Resolver));
    let source = "const char *const signs[] = {\"GCONV_PATH\", \"gconv-modules\"}; int main(void) { return 0; }";
    assert_eq!(shop.facts(source, &[]).static_glibc, None, "glibc is not in a program only because its strings are");
    let file = shop.facts("void _start(void) { for (;;); }", &["-static", "-s", "-nostdlib"]);
    assert_eq!((file.kind, file.static_glibc), (Kind::FixedProgram, None));
}

#[test]
fn object_files_are_not_for_loaders() {
    let file = Workshop::new().facts(MAIN, &["-c"]);
    assert_eq!(file.kind, Kind::NotLoadable);
    assert!(file.leftovers.symbols);
}

#[test]
fn code_that_can_be_written_is_seen() {
    let shop = Workshop::new();
    let file = shop.facts("int f(void) { return 1; }", &["-shared", "-fPIC", "-nostdlib", "-Wl,-N"]);
    assert!(file.hardening.writable_code);
    // A relocation in read-only code.
    let source = "extern int x; __asm__(\".text\\n.global f\\nf: .quad x\\n\");";
    let file = shop.facts(source, &["-shared", "-fPIC", "-nostdlib", "-Wl,-z,notext"]);
    assert!(file.hardening.text_relocations);
    assert_eq!(file.unversioned, ["x"]);
}

#[test]
fn a_file_of_another_machine_has_no_architecture() {
    let shop = Workshop::new();
    let mut bytes = fs::read(shop.cc("x", MAIN, &["-s"])).expect("a file");
    bytes[18] = 3;
    let file = read(&bytes).expect("sound").expect("an ELF file");
    if cfg!(target_arch = "x86_64") {
        assert_eq!((file.arch, file.machine.as_str()), (None, "32-bit i386"));
        bytes[18] = 0xb7;
        assert_eq!(read(&bytes).expect("sound").expect("an ELF file").arch, Some(Arch::Arm64));
    }
}
