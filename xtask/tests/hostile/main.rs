//! What a determined attacker hands over: source archives to `build-layer`, zips to `audit`, `inspect` and `smoke`.
//!
//! Every one is made here, byte by byte, and has one right answer. The program runs with little memory and little
//! time: what fills a memory before it is refused, or reads the same bytes again and again, does not get to its answer.

#[path = "../checkout/mod.rs"]
mod checkout;

mod archives;
mod layers;
mod tarring;
mod zipping;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use checkout::Checkout;
use layers::Said;
use xtask::model::Sha256;

/// KiB of address space that the program gets, its code and the stacks of its threads included.
const MEMORY: u64 = 400 << 10;
/// Seconds of a processor that it gets.
const TIME: u64 = 60;

/// Runs the program within its bounds.
fn run(arguments: &[&str]) -> Output {
    bounded(MEMORY, arguments)
}

fn bounded(memory: u64, arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().expect("a folder");
    let limits = format!("ulimit -v {memory} && ulimit -t {TIME} && exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limits, "sh", env!("CARGO_BIN_EXE_xtask")]).args(arguments);
    command.env("MEDIA_LAYERS_CACHE", cache.path()).env("RUST_BACKTRACE", "0").output().expect("it starts")
}

/// What was said. Nothing of it steers a terminal, and nothing is so long that it fills a screen.
fn said(output: &Output) -> String {
    let said = [&output.stderr[..], &output.stdout].concat();
    let said = String::from_utf8(said).expect("text");
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    assert!(said.len() < 4000, "{said}");
    said
}

/// Builds a layer in `checkout` from an archive in its folder `mirror`, packs it, and does not run it.
fn build(checkout: &Checkout) -> Output {
    let mirror = checkout.path().join("mirror");
    let arguments = ["build-layer", "app", "--arch", "x86_64", "--offline", "--mirror-dir", &mirror.to_string_lossy()];
    let order = serde_json::json!({
        "checkout": checkout.path(),
        "cache": checkout.cache(),
        "reversed": false,
        "arguments": arguments,
    });
    checkout.write("order.json", &order.to_string());
    run(&["verify-build", &checkout.path().join("order.json").to_string_lossy()])
}

/// A checkout whose layer is a text out of an archive, which nothing compiles.
fn checkout(ending: &str, bytes: &[u8]) -> Checkout {
    let checkout = Checkout::new();
    checkout.write("Cargo.lock", "");
    checkout.write("xtask/src/lib.rs", "");
    checkout.write_recipe("app", "platform = \"any\"\n");
    let recipe = "recipes/app/recipe.toml";
    checkout.replace(recipe, "root = \"app-1.0\"", "root = \".\"");
    // What is left out is checked all the same, and fills no disk.
    checkout.replace(recipe, "[[versions.sources]]", "[[versions.sources]]\nomit = [\"bulk\"]");
    checkout.replace(recipe, "app-1.0.tar.gz", &format!("app-1.0.{ending}"));
    let pins = |sha256: &str, size: usize| format!("size = {size}\nsha256 = \"{sha256}\"");
    checkout.replace(recipe, &pins(&"a".repeat(64), 1), &pins(&Sha256::of(bytes).to_string(), bytes.len()));
    checkout.replace(
        "layers/app.toml",
        "from = \"bin/app\", to = \"bin/app\"",
        "from = \"app.txt\", to = \"share/app.txt\"",
    );
    fs::create_dir(checkout.path().join("mirror")).expect("a folder");
    fs::write(checkout.path().join(format!("mirror/app-1.0.{ending}")), bytes).expect("a file");
    checkout
}

#[test]
fn a_layer_of_texts_alone_is_built() {
    for (ending, bytes) in [
        ("tar", archives::sound()),
        ("tar.gz", tarring::gzip(&archives::sound())),
        (
            "zip",
            zipping::zip(&[zipping::file("LICENSE", b"do what you like\n"), zipping::file("app.txt", b"nothing\n")]),
        ),
    ] {
        let checkout = checkout(ending, &bytes);
        let output = build(&checkout);
        assert!(output.status.success(), "{ending}: {}", said(&output));
        let zip = checkout.path().join("dist/app-1.0-x86_64.zip");
        let inspected = run(&["inspect", &zip.to_string_lossy()]);
        let text = said(&inspected);
        assert!(text.contains("compiler     none: nothing in it is compiled"), "{text}");
        assert!(text.contains("but layers/digests.toml has no digest of app 1.0 for x86_64"), "{text}");
        assert!(!text.contains("no findings"), "{text}");
        assert_eq!(inspected.status.code(), Some(0), "{text}");
    }
}

#[test]
fn hostile_archives_are_refused_by_build_layer() {
    let archives = archives::all();
    assert!(archives.len() >= 66, "{}", archives.len());
    let mut wrong = Vec::new();
    for (number, archive) in archives.iter().enumerate() {
        let checkout = checkout(archive.ending, &archive.bytes);
        let output = build(&checkout);
        let text = said(&output);
        let named = format!("cannot unpack `app-1.0.{}`", archive.ending);
        if output.status.code() != Some(1) || !text.contains(&archive.said) || !text.contains(&named) {
            wrong.push(format!("{number}: expected `{}`, got {}: {text}", archive.said, output.status));
        }
        let left = fs::read_dir(checkout.cache().join("packages")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{number}: a package was made");
        assert!(!checkout.path().join("evil").exists(), "{number}");
        // The folder itself was made to see that it can be written.
        let dist = fs::read_dir(checkout.path().join("dist"));
        let made: Vec<_> = dist.into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
        assert!(!made.iter().any(|name| name.to_string_lossy().starts_with("app")), "{number}: {made:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_zips_are_refused_or_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layer.zip");
    let path = path.to_string_lossy();
    let layers = layers::all();
    assert!(layers.len() >= 52, "{}", layers.len());
    let mut wrong = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        fs::write(&*path, &layer.bytes).expect("a file");
        let mut check = |command: &str, code: i32, expected: &str| {
            let output = run(&[command, &path]);
            let text = said(&output);
            if output.status.code() != Some(code) || !text.contains(expected) {
                wrong.push(format!("{command} {number}: expected `{expected}`, got {}: {text}", output.status));
            }
        };
        match &layer.said {
            Said::Unreadable(said) => {
                check("audit", 2, said);
                check("inspect", 2, said);
                check("smoke", 2, said);
            }
            Said::Found(rule, smoke) => {
                check("audit", 1, rule);
                check("inspect", 2, "it has no manifest");
                check("smoke", 2, smoke);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A sound layer is none of these.
#[test]
fn a_sound_zip_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layer.zip");
    fs::write(&path, layers::sound()).expect("a file");
    let output = run(&["audit", &path.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// A file of a layer may be larger than the memory: it is read as it comes.
#[test]
fn reading_a_large_file_takes_little_memory() {
    const SIZE: u64 = 500 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.zip");
    let mut entry = zipping::stored("share/large", b"");
    let mut sum = flate2::Crc::new();
    (0..SIZE >> 20).for_each(|_| sum.update(&[0; 1 << 20]));
    let size = u32::try_from(SIZE).expect("small");
    entry = entry.both(|record| (record.packed, record.size, record.crc32) = (size, size, sum.sum()));
    let (start, at) = (entry.bytes(), entry.bytes().len() as u64 + SIZE);
    let parts = zipping::Parts { entries: Vec::new(), list: entry.line(0), count: 1 };
    let mut file = File::create(&path).expect("a file");
    file.write_all(&start).expect("written");
    // The zeros are a hole.
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at)).expect("a place");
    let list = [&parts.list[..], &parts.end(usize::try_from(at).expect("small"), b"")].concat();
    file.write_all(&list).expect("written");
    let path = path.to_string_lossy();
    let output = run(&["inspect", &path]);
    assert!(said(&output).contains("it has no manifest"), "{}", said(&output));
    assert!(said(&run(&["audit", &path])).contains("zip-too-large"));
}

/// Whatever the caller's umask is, nobody else may change what a cache holds.
#[test]
fn a_cache_belongs_to_its_owner_under_any_umask() {
    let checkout = checkout("tar", &archives::sound());
    assert!(build(&checkout).status.success());
    for mask in ["000", "002"] {
        fs::remove_dir_all(checkout.cache()).expect("the cache");
        let order = checkout.path().join("order.json");
        let script = format!("umask {mask} && exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_xtask"), "verify-build"]).arg(order);
        assert!(command.output().expect("it starts").status.success());
        let mut seen = 0;
        closed_to_others(&checkout.cache(), &mut seen);
        closed_to_others(&checkout.path().join("dist"), &mut seen);
        assert!(seen > 10, "{seen}");
    }
}

fn closed_to_others(path: &Path, seen: &mut usize) {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    if metadata.is_symlink() {
        return;
    }
    *seen += 1;
    assert_eq!(metadata.permissions().mode() & 0o002, 0, "{} can be written by everybody", path.display());
    if metadata.is_dir() {
        fs::read_dir(path).expect("a folder").flatten().for_each(|entry| closed_to_others(&entry.path(), seen));
    }
}
