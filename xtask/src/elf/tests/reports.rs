//! How reports look, to humans and to programs.

use super::super::protections::Presence;
use super::*;
use crate::model::{Arch, Protection};

/// A library with everything, or a program with nothing.
fn hardening(kind: file::Kind) -> report::Hardened {
    let is_hard = kind == file::Kind::SharedLibrary;
    let presence = if is_hard { Presence::Present } else { Presence::Unknown };
    report::Hardened {
        position_independent: is_hard,
        relro: if is_hard { report::Relro::Full } else { report::Relro::Partial },
        executable_stack: !is_hard,
        stack_protector: presence,
        fortify: presence,
        checked_functions: if is_hard { vec!["__memcpy_chk".to_owned(), "__read_chk".to_owned()] } else { Vec::new() },
        branches: if is_hard { vec![Protection::SignedReturns, Protection::BranchTargets] } else { Vec::new() },
    }
}

/// A report with one of everything that the text shows.
fn sample() -> Report {
    let finding = |path: &str, rule: Rule, target: Option<&str>, message: &str| Finding {
        path: path.to_owned(),
        rule,
        target: target.map(str::to_owned),
        message: message.to_owned(),
        hint: rule.hint(),
    };
    let findings = vec![
        finding(".", Rule::ZipTooLarge, None, "is a zip of 52428801 bytes; a request may have 52428800"),
        finding("bin/x", Rule::GlibcTooNew, Some("al2"), "needs glibc 2.34 for `f@GLIBC_2.34`; it has 2.26"),
        finding("bin/x", Rule::NotPie, None, "is a program that is always loaded at the same address"),
        finding("share/\u{1b}[2J", Rule::Symlink, None, "is a symbolic link"),
    ];
    let mut targets = targets();
    targets.targets.retain(|target| matches!(&*target.name, "al2" | "al2023" | "alinux2"));
    let audited = |path: &str, kind, glibc: Option<&str>| report::Audited {
        path: path.to_owned(),
        kind,
        machine: "arm64".to_owned(),
        glibc: glibc.map(|glibc| glibc.parse().expect("a version")),
        needed: vec!["libc.so.6".to_owned()],
        hardening: hardening(kind),
    };
    Report {
        input: "layer.zip".to_owned(),
        kind: Input::Zip,
        arch: Some(Arch::Arm64),
        entries: 3,
        unpacked: 60_000_000,
        files: vec![
            audited("bin/x", file::Kind::FixedProgram, Some("2.34")),
            audited("lib/libx.so.1", file::Kind::SharedLibrary, None),
        ],
        verdicts: targets
            .targets
            .iter()
            .map(|target| report::Verdict::new(target, Some(Arch::Arm64), &findings))
            .collect(),
        findings,
    }
}

#[test]
fn the_text_is_for_humans() {
    insta::assert_snapshot!(text::render(&sample()), @r"
    layer.zip: zip, arm64, 2 ELF files of 3 entries, 60000000 bytes

    the layer as a whole
      zip-too-large  is a zip of 52428801 bytes; a request may have 52428800
                     hint: leave out what the function does not use, or upload through a bucket

    bin/x: program at a fixed address, arm64, needs glibc 2.34
      glibc-too-new  al2: needs glibc 2.34 for `f@GLIBC_2.34`; it has 2.26
                     hint: build against the oldest glibc among the targets, as `build-layer` does
      not-pie        is a program that is always loaded at the same address
                     hint: compile with `-fPIE` and link with `-pie`

    lib/libx.so.1: shared library, arm64
      ok

    share/\u{1b}[2J
      symlink  is a symbolic link
               hint: put the file itself there: several tools and one cloud flatten links

    hardening      PIE  RELRO    stack  canary  fortify      BTI, PAC
    bin/x          no   partial  code   hidden  hidden       no
    lib/libx.so.1  yes  full     data   yes     2 functions  PAC, BTI

    4 findings in 3 places
    alinux2 (glibc 2.17): not concerned: there is none for arm64
    al2 (glibc 2.26):     4 findings
    al2023 (glibc 2.34):  3 findings
    ");
}

#[test]
fn the_json_is_for_programs() {
    let report = sample();
    let json = report.to_json().expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["kind"], "zip");
    assert_eq!(value["files"][0]["kind"], "fixed-program");
    assert_eq!(value["files"][0]["hardening"]["stack-protector"], "unknown");
    assert_eq!(value["files"][0]["hardening"]["relro"], "partial");
    assert_eq!(value["files"][1]["hardening"]["checked-functions"][1], "__read_chk");
    assert_eq!(value["files"][1]["hardening"]["branches"][0], "signed-returns");
    assert_eq!(value["findings"][1]["rule"], "glibc-too-new");
    assert_eq!(value["findings"][1]["target"], "al2");
    assert!(value["findings"][0]["target"].is_null());
    assert_eq!(value["verdicts"][0]["outcome"], "other-architecture");
    assert_eq!(value["verdicts"][1]["findings"], 4);
    assert_eq!(value["verdicts"][2]["findings"], 3);
}
