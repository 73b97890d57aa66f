//! A checkout made by a test: small recipes that a fake runner "compiles".

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use xtask::model::Sha256;

/// A checkout in a temporary folder.
pub struct Checkout {
    folder: tempfile::TempDir,
}

/// A tool, a library that is compiled with it, a program that needs the library, and a layer with the program.
const RECIPES: [(&str, &str); 3] = [
    (
        "zig",
        r#"
platform = "builder"
programs = ["zig"]
"#,
    ),
    (
        "lib",
        r#"
platform = "target"
steps = [{ run = { argv = ["make", "lib", "{out}/lib.a", "-j{jobs}"] } }]
"#,
    ),
    (
        "app",
        r#"
platform = "target"
needs = ["lib"]
steps = [{ run = { argv = ["make", "app", "{out}/bin/app", "{needs:lib}/lib.a"] } }]
"#,
    ),
];

/// What [`Checkout::real`] compiles with.
pub const COMPILE: &str = r#"["gcc", "-Wno-error=date-time", "-Werror", "-c", "{src}/lib.c", "-o", "{out}/lib.a"]"#;

const LICENSE: (&str, &str) = ("LICENSE", "do what you like\n");

/// The source tree of each recipe, as names and texts.
pub const SOURCES: [(&str, &[(&str, &str)]); 3] = [
    ("zig", &[("zig", "#!/bin/sh\n"), LICENSE]),
    ("lib", &[("lib.c", "const char *built(void) { return \"once\"; }\n"), LICENSE]),
    ("app", &[("app.txt", "nothing\n"), LICENSE]),
];

impl Checkout {
    /// A checkout whose catalog loads.
    pub fn new() -> Checkout {
        let checkout = Checkout { folder: tempfile::tempdir().expect("a folder") };
        for (name, body) in RECIPES {
            checkout.write_recipe(name, body);
        }
        checkout.write("recipes/toolchain.toml", TOOLCHAIN);
        checkout.write("docker/targets.toml", TARGETS);
        checkout.write("layers/app.toml", LAYER);
        checkout
    }

    /// A checkout whose packages are really made from [`SOURCES`], by the machine's own compiler.
    pub fn real() -> Checkout {
        let checkout = Checkout::new();
        checkout.write("Cargo.lock", "");
        checkout.write("xtask/src/lib.rs", "");
        let make = |argv: &str| format!("platform = \"target\"\nsteps = [{{ run = {{ argv = {argv} }} }}]\n");
        checkout.write_recipe("lib", &make(COMPILE));
        let link = r#"["sh", "-c", "mkdir {out}/bin && cp {needs:lib}/lib.a {out}/bin/app"]"#;
        checkout.write_recipe("app", &format!("needs = [\"lib\"]\n{}", make(link)));
        checkout
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of the test's own.
    pub fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// Writes a file of the checkout.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Replaces a part of a file that must be there.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(name)).expect("the file");
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Makes the archive of a recipe that [`Checkout::write_recipe`] wrote, and pins it there. Its digest and place.
    pub fn pack(&self, recipe: &str, files: &[(&str, &str)]) -> (Sha256, PathBuf) {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o755);
            let name = format!("{recipe}-1.0/{name}");
            tar.append_data(&mut header, name, text.as_bytes()).expect("an entry");
        }
        let bytes = tar.into_inner().and_then(|gz| gz.finish()).expect("an archive");
        let place = self.path().join(format!("{recipe}.tar.gz"));
        fs::write(&place, &bytes).expect("a file");
        let sha256 = Sha256::of(&bytes);
        let pins = |sha256: &str, size: usize| format!("size = {size}\nsha256 = \"{sha256}\"");
        let file = format!("recipes/{recipe}/recipe.toml");
        self.replace(&file, &pins(&"a".repeat(64), 1), &pins(&sha256.to_string(), bytes.len()));
        (sha256, place)
    }

    /// Writes a recipe with the given platform, needs and steps.
    pub fn write_recipe(&self, name: &str, body: &str) {
        let digest = "a".repeat(64);
        self.write(
            &format!("recipes/{name}/recipe.toml"),
            &format!(
                r#"name = "{name}"
summary = "for tests"
homepage = "https://example.org"
license = {{ spdx = "MIT", files = ["LICENSE"] }}
{body}
[[versions]]
version = "1.0"

[[versions.sources]]
[[versions.sources.archives]]
root = "{name}-1.0"
size = 1
sha256 = "{digest}"
origins = ["https://example.org/{name}-1.0.tar.gz"]
"#
            ),
        );
    }
}

const TOOLCHAIN: &str = r#"
compiler = "zig"
pip = "zig"
[wrappers]
cc = ["zig", "cc", "-target", "{gnu-arch}-linux-gnu.{glibc}"]
[files]
[env]
HOME = "{work}/home"
"#;

const TARGETS: &str = r#"
floor = "2.17"
[libraries]
any = ["libc.so.6"]
x86_64 = ["ld-linux-x86-64.so.2"]
arm64 = ["ld-linux-aarch64.so.1"]
[[target]]
name = "al2"
title = "Amazon Linux 2"
cloud = "aws"
glibc = "2.26"
architectures = ["x86_64", "arm64"]
runtimes = [{ name = "provided.al2" }]
"#;

const LAYER: &str = r#"
name = "app"
summary = "for tests"
recipe = "app"
smoke = "mediainfo"
files = [{ recipe = "app", from = "bin/app", to = "bin/app" }]
"#;
