//! Container builders with a real engine and the images of `ci/stand-in-images`.
//!
//! Run with `--ignored --test-threads 1`; `ci/test` does, after `ci/engine`, `ci/stand-in-images` and the host's builds.

#[path = "../checkout/mod.rs"]
mod checkout;
mod cost;
mod kills;
mod layers;
mod room;
mod small;

use std::path::Path;
use std::process::{Command, Output};

use xtask::container::{Engine, Image};

/// Debian with glibc 2.31 and nothing else.
const BULLSEYE: &str = "media-layers-stand-in:bullseye";

/// Debian with glibc 2.36 and Python.
const BOOKWORM: &str = "media-layers-stand-in:bookworm";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

fn engine() -> Engine {
    Engine::find().expect("an engine: run ci/engine")
}

/// The image that a target's Dockerfile makes of a stand-in.
fn image(engine: &Engine, target: &str, base: &str) -> Image {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("image-{target}.log"));
    let base = Image::find(engine, base).expect("a stand-in: run ci/stand-in-images");
    let dockerfile = root().join("docker").join(target).join("Dockerfile");
    Image::build(engine, &dockerfile, &base, &format!("media-layers-test:{target}"), &log).expect("it builds")
}

/// What the engine's program says to a question.
fn ask(engine: &Engine, arguments: &[&str]) -> String {
    let output = engine.output(arguments.iter().copied()).expect("an answer");
    String::from_utf8(output.stdout).expect("text")
}

/// The containers, running or not, that were made for builds below a folder.
fn containers(engine: &Engine, folder: &Path) -> Vec<String> {
    let list = ask(engine, &["ps", "--all", "--quiet", "--filter", "label=media-layers.owner"]);
    let is_ours = |id: &&str| {
        let format = r#"{{index .Config.Labels "media-layers.owner"}}"#;
        // One that has gone meanwhile is nobody's.
        let owner = engine.output(["inspect", "--format", format, *id]);
        owner.is_ok_and(|owner| String::from_utf8_lossy(&owner.stdout).starts_with(&*folder.to_string_lossy()))
    };
    list.split_whitespace().filter(is_ours).map(str::to_owned).collect()
}

/// The tool, as a user calls it.
fn tool(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} ended with {}\n{said}", output.status);
    output
}
