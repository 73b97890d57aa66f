//! The finished layers of `dist/`, which `cargo xtask build-layer NAME --arch all` must have made for every layer.
//!
//! Run with `--ignored`; `ci/test` does, after building them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::model::{Arch, GlibcVersion, Sha256};
use xtask::pack::Release;
use xtask::smoke::layer::Layer;
use xtask::smoke::sandbox::machine::Machine;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

/// A layer that must be in `dist/`, for both architectures.
struct Made {
    layer: &'static str,
    version: &'static str,
    /// How many ELF files it holds.
    programs: usize,
    /// Bytes of the x86_64 zip.
    most: u64,
    /// What prints the properties of a file as JSON: the program in the layer and its arguments before the file.
    report: &'static [&'static str],
}

const FFPROBE_REPORT: [&str; 7] =
    ["bin/ffprobe", "-loglevel", "error", "-print_format", "json", "-show_format", "-show_streams"];

const MADE: [Made; 3] = [
    Made {
        layer: "mediainfo",
        version: "23.04",
        programs: 2,
        most: 4_300_000,
        report: &["bin/mediainfo", "--Output=JSON", "--Full"],
    },
    Made { layer: "ffprobe", version: "9.0.2", programs: 1, most: 5_800_000, report: &FFPROBE_REPORT },
    Made { layer: "ffmpeg", version: "9.0.2", programs: 2, most: 7_600_000, report: &FFPROBE_REPORT },
];

fn finished(made: &Made, arch: &str) -> (Release, PathBuf) {
    let zip = root().join(format!("dist/{}-{}-{arch}.zip", made.layer, made.version));
    let record = fs::read_to_string(zip.with_extension("json")).expect("a record: build the layer first");
    (Release::from_json(&record).expect("a record"), zip)
}

/// This tool, in some checkout and with some cache.
fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}\n{said}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
#[ignore = "needs the finished layers"]
fn the_zips_are_what_their_records_say_and_small() {
    for made in &MADE {
        let sizes = ["x86_64", "arm64"].map(|arch| {
            let (release, zip) = finished(made, arch);
            let bytes = fs::read(&zip).expect("the zip");
            assert_eq!(Sha256::of(&bytes), release.zip.sha256);
            assert!(release.manifest.pinned);
            eprintln!("{}: {} bytes, sha256 {}", release.zip.name, bytes.len(), release.zip.sha256);
            bytes.len() as u64
        });
        assert!(sizes[0] <= made.most, "{}: {} bytes, at most {}", made.layer, sizes[0], made.most);
        assert!(sizes[1] * 100 <= sizes[0] * 108, "{}: arm64 is more than 8 % larger: {sizes:?}", made.layer);
    }
}

#[test]
#[ignore = "needs the finished layers"]
fn the_audit_finds_only_what_is_allowed() {
    let allowed = ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"];
    for made in &MADE {
        for (arch, loader) in [("x86_64", "ld-linux-x86-64.so.2"), ("arm64", "ld-linux-aarch64.so.1")] {
            let (_, zip) = finished(made, arch);
            let text = stdout(&mut tool(&["audit", &zip.to_string_lossy(), "--format", "json"]));
            let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let files = report["files"].as_array().expect("files");
            assert_eq!(files.len(), made.programs, "{}: the programs and libraries", made.layer);
            for file in files {
                for needed in file["needed"].as_array().expect("needs").iter().filter_map(|name| name.as_str()) {
                    let known = allowed.contains(&needed) || needed == loader || needed == "libmediainfo.so.0";
                    assert!(known, "{arch}: {} needs {needed}", file["path"]);
                }
                let glibc: GlibcVersion = file["glibc"].as_str().expect("a version").parse().expect("a version");
                assert!(glibc <= GlibcVersion::new(2, 17), "{arch}: {} needs glibc {glibc}", file["path"]);
            }
        }
    }
}

#[test]
#[ignore = "needs the finished layers"]
fn both_architectures_report_the_same() {
    let emulated_root = std::env::var_os("MEDIA_LAYERS_ARM64_ROOT").map(PathBuf::from);
    let media = root().join("xtask/fixtures");
    for made in &MADE {
        let reports = [Arch::X86_64, Arch::Arm64].map(|arch| {
            let (_, zip) = finished(made, &arch.to_string());
            let layer = Layer::open(&zip).expect("a layer");
            let machine = Machine::find(arch, emulated_root.as_deref()).expect("`ci/setup` was run");
            let mut texts = BTreeMap::new();
            for entry in fs::read_dir(&media).expect("the fixtures") {
                let name = entry.expect("an entry").file_name().into_string().expect("a name");
                if ["sh", "toml"].iter().any(|other| name.ends_with(other)) {
                    continue;
                }
                let program = layer.folder().join(made.report[0]);
                let mut command = match &machine.emulator {
                    None => Command::new(program),
                    Some(emulator) => {
                        let mut command = Command::new(&emulator.program);
                        command.arg("-L").arg(&machine.system).arg(program);
                        command
                    }
                };
                command.args(&made.report[1..]).arg(&name).current_dir(&media);
                texts.insert(name, stdout(&mut command));
            }
            texts
        });
        assert!(reports[0].len() > 5 && reports[0].values().all(|text| text.len() > 200), "{reports:?}");
        assert_eq!(reports[0], reports[1], "{}", made.layer);
    }
}

#[test]
#[ignore = "needs the finished layers"]
fn a_build_with_nothing_changed_builds_nothing() {
    let output = tool(&["build-layer", "mediainfo", "--arch", "all", "--offline"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "nothing has changed since the last build\n");
}

#[test]
#[ignore = "needs the finished layers"]
fn the_newest_version_is_planned_and_can_be_named() {
    let text = stdout(&mut tool(&["plan", "mediainfo@26.05", "--arch", "all", "--format", "json"]));
    let plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(plan["version"], "26.05");
    assert_eq!(plan["pinned"], true);
    let versions: BTreeMap<&str, &str> = plan["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| (package["recipe"].as_str().expect("a name"), package["version"].as_str().expect("a version")))
        .collect();
    assert_eq!((versions["mediainfo"], versions["mediainfolib"]), ("26.05", "26.05"));
}

/// Ends a process as `kill -9` does, its children too late to matter.
fn kill_after(command: &mut Command, time: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let end = Instant::now() + time;
    while Instant::now() < end && child.try_wait().expect("a state").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    child.wait().expect("its end");
}

#[test]
#[ignore = "needs the finished layers and compiles for minutes"]
fn killed_runs_and_another_machine_give_the_same_zip() {
    let (release, zip) = finished(&MADE[0], "x86_64");
    let elsewhere = tempfile::Builder::new().prefix("another-checkout-with-a-longer-name").tempdir().expect("a folder");
    let stamp = stamp(&release);
    if stamp.is_file() {
        eprintln!("skipped: {} was built twice before and came out the same ({})", release.zip.name, stamp.display());
        return;
    }
    let checkout = elsewhere.path().join("checkout");
    let files = stdout(Command::new("git").arg("-C").arg(root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    for name in files.lines().filter(|name| root().join(name).is_file()) {
        let to = checkout.join(name);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        fs::copy(root().join(name), to).expect("a copy");
    }
    // Compiled there, because the tool knows its checkout; with another home, umask, time zone and locale.
    let home = elsewhere.path().join("home");
    fs::create_dir(&home).expect("a home");
    let cache = elsewhere.path().join("cache");
    let cargo = |arguments: &str| {
        let mut command = Command::new("sh");
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let own = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
        let rustup = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let own_rustup = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup"));
        command
            .args(["-c", &format!("umask 077 && exec {arguments}")])
            .current_dir(&checkout)
            .env("CARGO_HOME", cargo_home.or(own).expect("cargo's folder"))
            .env("RUSTUP_HOME", rustup.or(own_rustup).expect("rustup's folder"))
            .env("CARGO_TARGET_DIR", elsewhere.path().join("target"))
            .env("HOME", &home)
            .env("TZ", "Asia/Shanghai")
            .env("LC_ALL", "de_DE.UTF-8")
            .env("MEDIA_LAYERS_CACHE", &cache)
            .stdin(Stdio::null());
        command
    };
    stdout(&mut cargo("cargo build --quiet --package xtask"));
    // Killed while fetching, while unpacking tools, and while compiling.
    for time in [1, 3, 8, 25] {
        kill_after(&mut cargo("cargo xtask build-layer mediainfo --arch x86_64 --jobs 3"), Duration::from_secs(time));
    }
    stdout(&mut cargo("cargo xtask build-layer mediainfo --arch x86_64 --jobs 3"));
    // Killed while staging, running and packing, with everything compiled: a record never stands beside another zip.
    for time in [2, 4, 6, 8, 9, 10] {
        let _ = fs::remove_dir_all(checkout.join("dist"));
        kill_after(&mut cargo("cargo xtask build-layer mediainfo --arch x86_64"), Duration::from_secs(time));
        let record = checkout.join("dist").join(&release.zip.name).with_extension("json");
        if let Ok(text) = fs::read_to_string(record) {
            let bytes = fs::read(checkout.join("dist").join(&release.zip.name)).expect("a zip beside its record");
            assert_eq!(Sha256::of(bytes), Release::from_json(&text).expect("a record").zip.sha256);
        }
    }
    stdout(&mut cargo("cargo xtask build-layer mediainfo --arch x86_64"));
    let other = checkout.join("dist").join(zip.file_name().expect("a name"));
    let bytes = fs::read(&other).expect("the other zip");
    assert_eq!(Sha256::of(&bytes), release.zip.sha256, "the zips differ: {} and {}", zip.display(), other.display());
    fs::create_dir_all(stamp.parent().expect("a parent")).expect("a folder");
    fs::write(&stamp, "").expect("a stamp");
}

/// Says that a zip was built twice; so a warm run of the tests does not compile it again.
fn stamp(release: &Release) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    target.join("built-twice").join(release.zip.sha256.to_string())
}
