//! Tests on real files, made by this machine's own compiler, and on files made to hurt.

mod hostile;
mod layers;
mod protections;
mod reading;
mod reports;
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::model::Targets;

/// Flags for a library that breaks no rule.
const CLEAN: &[&str] = &["-shared", "-fPIC", "-s", "-nostdlib", "-Wl,-z,now,-z,relro,-z,noexecstack"];

/// A folder that compiles C and goes away with everything in it.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Workshop {
        Workshop { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the folder is writable");
        path
    }

    /// Compiles `source` to `name`. Arguments are relative to the folder.
    fn cc(&self, name: &str, source: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is writable");
        let source = self.write("source.c", source);
        let output = Command::new("cc")
            .current_dir(self.folder.path())
            .arg(source)
            .args(arguments)
            .arg("-o")
            .arg(&path)
            .output()
            .expect("`cc` is a prerequisite");
        assert!(output.status.success(), "cc {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        path
    }

    /// Compiles `source` and reads the facts of the result.
    fn facts(&self, source: &str, arguments: &[&str]) -> ElfFile {
        facts(&self.cc("facts", source, arguments))
    }
}

fn facts(path: &Path) -> ElfFile {
    read(&fs::read(path).expect("a file")).expect("a sound file").expect("an ELF file")
}

/// The project's own targets.
fn targets() -> Targets {
    toml::from_str(include_str!("../../../../docker/targets.toml")).expect("targets.toml")
}

/// One target, for both architectures, whose glibc is `version`.
fn one_target(version: &str) -> Targets {
    let mut targets = targets();
    targets.targets.truncate(1);
    targets.targets[0].name = "only".to_owned();
    targets.targets[0].glibc = version.parse().expect("a version");
    targets.targets[0].architectures = crate::model::Arch::ALL.to_vec();
    targets
}

fn rules(findings: &[Finding]) -> Vec<Rule> {
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}
