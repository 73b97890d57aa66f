//! A small layer for the tests: three packages, made anew for each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::facts::{Compiler, LayerFacts, PackedRecipe, Patch};
use super::file::{Mode, PackedFile};
use super::release::Checks;
use super::stage::Stage;
use super::staged::Staged;
use crate::model::recipe::{Archive, Run, Source, Step};
use crate::model::{Arch, GlibcVersion, RecipeName, Sha256};

/// What was found out before packing: nothing bad.
pub fn checks() -> Option<Checks> {
    Some(Checks {
        audited: vec!["al2".to_owned()],
        smoke_place: "here".to_owned(),
        smoke_passed: 3,
        smoke_skipped: Vec::new(),
    })
}

/// A plain file that no recipe provides.
pub fn file(path: &str, bytes: &[u8]) -> PackedFile {
    PackedFile::from_bytes(path.parse().expect("a path"), Mode::Plain, None, bytes.to_vec())
}

/// Files of every kind that a zip may hold. Their bytes never change: a golden digest depends on them.
pub fn files() -> Vec<PackedFile> {
    let tool = PackedFile::from_bytes("bin/tool".parse().expect("a path"), Mode::Executable, None, program(150_000));
    vec![
        tool,
        file("empty", b""),
        file("lib/libtool.so.0", &program(40_000)),
        file("python/tool/__init__.py", b"import ctypes\n"),
        file("share/noise", &noise(3_000)),
        file("share/\u{e9}t\u{e9} 100%+.txt", &b"again and ".repeat(90)),
        file("zero", &[0; 70_000]),
    ]
}

/// Bytes that no compressor makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u32 = 2_463_534_242;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Bytes that repeat themselves as a program does: near, far, and with differences.
fn program(length: usize) -> Vec<u8> {
    let words: Vec<Vec<u8>> =
        noise(4096).chunks(16).map(|word| word[..3 + usize::from(word[0] % 13)].to_vec()).collect();
    let picks = noise(length);
    let mut bytes = Vec::with_capacity(length + 16);
    for pick in picks {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(&words[usize::from(pick % 61) * usize::from(pick % 7) % words.len()]);
        bytes.push(pick);
    }
    bytes.truncate(length);
    bytes
}

/// A source of one archive.
pub fn source(sha256: &str, origins: &[&str]) -> Source {
    let archive = Archive {
        root: "root".to_owned(),
        size: Some(1234),
        note: None,
        sha256: sha256.parse().expect("a digest"),
        origins: origins.iter().map(|origin| origin.parse().expect("an origin")).collect(),
    };
    Source { builder: None, tree: None, keep: vec![], omit: vec![], executable: vec![], archives: vec![archive] }
}

/// The packages of the sample layer, on disk for as long as this lives.
pub struct Packages {
    folder: TempDir,
}

impl Packages {
    pub fn new() -> Packages {
        let packages = Packages { folder: tempfile::tempdir().expect("a folder") };
        for (path, mode, text) in [
            ("bundle/certs.pem", 0o644, "certificates"),
            ("bundle/LICENSE", 0o644, "terms of the bundle"),
            ("engine/COPYING", 0o755, "terms of the engine"),
            ("engine/third/COPYING", 0o644, "terms of what is in the engine"),
            ("program/bin/tool", 0o700, "a program"),
            ("program/lib/libtool.so.0.1", 0o755, "a library"),
            ("program/python/tool/__init__.py", 0o600, "import ctypes"),
            ("program/python/tool/data/table", 0o644, "a table"),
            ("program/LICENSE.txt", 0o644, "terms of the program"),
            ("secret", 0o644, "outside of every package"),
        ] {
            packages.overwrite(path, text);
            fs::set_permissions(packages.root().join(path), fs::Permissions::from_mode(mode)).expect("mode set");
        }
        packages.link("libtool.so.0.1", "program/lib/libtool.so.0");
        packages
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn overwrite(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    pub fn link(&self, to: &str, path: &str) {
        std::os::unix::fs::symlink(to, self.root().join(path)).expect("linked");
    }

    pub fn facts(&self) -> LayerFacts {
        let mut engine = self.recipe("engine", "MIT OR Apache-2.0", &["COPYING", "third/COPYING"]);
        engine.sources =
            vec![source(&"b".repeat(64), &["https://github.com/Org/Engine/archive/refs/tags/v1.2.tar.gz"])];
        engine.cpes =
            ["example", "former"].map(|vendor| format!("cpe:2.3:a:{vendor}:engine:1.2:*:*:*:*:*:*:*")).to_vec();
        engine.patches = vec![Patch { file: "0001-quiet.patch".to_owned(), sha256: Sha256::of("a patch") }];
        let mut program = self.recipe("program", "BSD-2-Clause", &["LICENSE.txt"]);
        program.sources = vec![source(
            &"c".repeat(64),
            &["https://example.org/program-1.2.tar.gz", "debian:pool/main/p/program/program_1.2.orig.tar.gz"],
        )];
        program.needs = vec![name("engine"), name("bundle")];
        LayerFacts {
            name: "sample".parse().expect("a name"),
            version: "1.2".parse().expect("a version"),
            summary: "a layer for tests".to_owned(),
            arch: Arch::X86_64,
            glibc: GlibcVersion::new(2, 17),
            compiler: Some(Compiler { name: name("zig"), version: "0.15.2".parse().expect("a version") }),
            targets: vec!["al2023".to_owned(), "al2".to_owned()],
            recipes: vec![self.recipe("bundle", "MPL-2.0", &["LICENSE"]), engine, program],
        }
    }

    pub fn recipe(&self, recipe: &str, spdx: &str, licenses: &[&str]) -> PackedRecipe {
        let argv = vec!["make".to_owned(), "install".to_owned()];
        PackedRecipe {
            name: name(recipe),
            version: "1.2".parse().expect("a version"),
            summary: format!("the {recipe} of the sample"),
            homepage: format!("https://example.org/{recipe}"),
            cpes: vec![],
            purl: None,
            spdx: spdx.to_owned(),
            pinned: true,
            needs: vec![],
            sources: vec![source(&"a".repeat(64), &[&format!("pypi:{recipe}/{recipe}-1.2.tar.gz")])],
            patches: vec![],
            steps: vec![Step::Run(Run { argv, cwd: "{build}".to_owned(), env: [].into() })],
            key: Sha256::of(recipe),
            out_dir: self.root().join(recipe),
            license_dir: self.root().join(recipe),
            license_files: licenses.iter().map(|&file| file.to_owned()).collect(),
        }
    }

    /// A stage that holds all files of the layer.
    pub fn stage(&self) -> Stage {
        let mut stage = Stage::new(self.facts()).expect("a stage");
        for (recipe, from, to) in [
            ("program", "python/tool", "python/tool"),
            ("program", "bin/tool", "bin/tool"),
            ("program", "lib/libtool.so.0", "lib/libtool.so.0"),
            ("bundle", "certs.pem", "share/media-layers/sample/certs.pem"),
        ] {
            stage.add(&name(recipe), from, &to.parse().expect("a path")).expect("added");
        }
        stage
    }

    pub fn staged(&self) -> Staged {
        self.stage().finish().expect("staged")
    }
}

pub fn name(text: &str) -> RecipeName {
    text.parse().expect("a name")
}
