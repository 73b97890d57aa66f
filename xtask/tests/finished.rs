//! The finished layers of `dist/`, which `cargo xtask build-layer NAME --arch all` must have made for every layer.
//!
//! Run with `--ignored`; `ci/test` does, after building them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::elf::read;
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
    /// What prints the properties of a file as JSON: the program in the layer, the name by which it is called, and its
    /// arguments before the file.
    report: (&'static str, &'static str, &'static [&'static str]),
}

/// Options of ffprobe that make it report as JSON.
const FFPROBE_REPORT: [&str; 6] = ["-loglevel", "error", "-print_format", "json", "-show_format", "-show_streams"];

const MADE: [Made; 4] = [
    Made {
        layer: "mediainfo",
        version: "23.04",
        programs: 2,
        most: 3_400_000,
        report: ("bin/mediainfo", "mediainfo", &["--Output=JSON", "--Full"]),
    },
    Made {
        layer: "ffprobe",
        version: "9.0.2",
        programs: 1,
        most: 5_850_000,
        report: ("bin/ffprobe", "ffprobe", &FFPROBE_REPORT),
    },
    // Without binfmt, the launcher in bin/ffprobe cannot start a program of another architecture.
    Made {
        layer: "ffmpeg",
        version: "9.0.2",
        programs: 2,
        most: 7_700_000,
        report: ("bin/ffmpeg", "ffprobe", &FFPROBE_REPORT),
    },
    NEWEST_MEDIAINFO,
];

const NEWEST_MEDIAINFO: Made = Made {
    layer: "mediainfo",
    version: "26.05",
    programs: 2,
    most: 4_100_000,
    report: ("bin/mediainfo", "mediainfo", &["--Output=JSON", "--Full"]),
};

/// What this machine could build: the newest MediaInfo only where its sources could be had.
fn all_made() -> impl Iterator<Item = &'static Made> {
    MADE.iter().filter(|made| {
        let here = made.version != NEWEST_MEDIAINFO.version || finished_zip(made, "x86_64").exists();
        if !here {
            eprintln!("NOT RUN for {} {}, which is not in dist/", made.layer, made.version);
        }
        here
    })
}

fn finished_zip(made: &Made, arch: &str) -> PathBuf {
    root().join(format!("dist/{}-{}-{arch}.zip", made.layer, made.version))
}

fn finished(made: &Made, arch: &str) -> (Release, PathBuf) {
    let zip = finished_zip(made, arch);
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
    for made in all_made() {
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
    for made in all_made() {
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
                for protection in ["stack-protector", "fortify"] {
                    assert_eq!(file["hardening"][protection], "present", "{arch}: {protection} of {}", file["path"]);
                }
            }
        }
    }
}

/// A compiler's runtime library has memory functions too, of which a linker silently takes those plain loops.
#[test]
#[ignore = "needs the finished layers"]
fn memory_functions_are_those_of_glibc() {
    for made in all_made() {
        for arch in ["x86_64", "arm64"] {
            let layer = Layer::open(&finished(made, arch).1).expect("a layer");
            let mut seen = 0;
            for file in ["bin/mediainfo", "bin/ffprobe", "bin/ffmpeg", "python/pymediainfo/libmediainfo.so.0"] {
                let Ok(bytes) = fs::read(layer.folder().join(file)) else { continue };
                // The launcher of the ffmpeg layer is small, and copies nothing.
                if bytes.len() < 100_000 {
                    continue;
                }
                let elf = read(&bytes[..]).expect("readable").expect("an ELF file");
                let taken: BTreeSet<_> = elf.versions.iter().flat_map(|version| &version.symbols).collect();
                for function in ["memcpy", "memset", "memmove"] {
                    assert!(taken.contains(&function.to_owned()), "{arch}: {file} has a {function} of its own");
                }
                seen += 1;
            }
            // All programs but that launcher.
            assert_eq!(seen, if made.layer == "ffmpeg" { 1 } else { made.programs }, "{arch}: {}", made.layer);
        }
    }
}

#[test]
#[ignore = "needs the finished layers"]
fn both_architectures_report_the_same() {
    let emulated_root = std::env::var_os("MEDIA_LAYERS_ARM64_ROOT").map(PathBuf::from);
    let media = root().join("xtask/fixtures");
    for made in all_made() {
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
                let (program, called, options) = made.report;
                let program = layer.folder().join(program);
                let mut command = match &machine.emulator {
                    None => {
                        let mut command = Command::new(program);
                        command.arg0(called);
                        command
                    }
                    Some(emulator) => {
                        let mut command = Command::new(&emulator.program);
                        command.arg("-L").arg(&machine.system).args(["-0", called]).arg(program);
                        command
                    }
                };
                command.args(options).arg(&name).current_dir(&media);
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
    let output = tool(&["build-layer", "mediainfo@23.04", "--arch", "all", "--offline"]).output().expect("it starts");
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

/// Every zip in dist/ is as the lock wants it, agrees with its manifest and its SBOM, has every licence text, and the
/// statement beside it is about it and names every recipe and patch.
#[test]
#[ignore = "needs the finished layers"]
fn the_zips_are_sound_and_their_provenance_is_told() {
    let mut zips = 0;
    for entry in fs::read_dir(root().join("dist")).expect("dist") {
        let zip = entry.expect("an entry").path();
        if zip.extension().is_none_or(|extension| extension != "zip") {
            continue;
        }
        zips += 1;
        let text = stdout(&mut tool(&["inspect", &zip.to_string_lossy(), "--format", "json"]));
        let layer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(layer["lock"], "same", "{}", zip.display());
        let statement = fs::read(zip.with_extension("provenance.json")).expect("a statement");
        let statement: serde_json::Value = serde_json::from_slice(&statement).expect("JSON");
        let subject = &statement["subject"][0];
        assert_eq!(subject["name"].as_str(), zip.file_name().and_then(|name| name.to_str()));
        assert_eq!(subject["digest"]["sha256"], layer["sha256"]);
        let materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().expect("a list");
        let names: BTreeSet<&str> = materials.iter().filter_map(|material| material["name"].as_str()).collect();
        let digests: BTreeSet<&str> =
            materials.iter().filter_map(|material| material["digest"]["sha256"].as_str()).collect();
        for recipe in layer["recipes"].as_array().expect("recipes") {
            let name = recipe["name"].as_str().expect("a name");
            assert!(names.contains(format!("recipes/{name}/recipe.toml").as_str()), "{name} in {}", zip.display());
            // What came as a folder is named by its tree.
            let used = recipe["sources"].as_array().expect("sources").iter().any(|source| {
                let archives = source["archives"].as_array().expect("archives").iter();
                let archives = archives.map(|archive| archive["sha256"].as_str().expect("a digest"));
                archives.chain(source["tree"].as_str()).any(|digest| digests.contains(digest))
            });
            assert!(used, "no source of {name} is named in the statement about {}", zip.display());
            for patch in recipe["patches"].as_array().expect("patches") {
                assert!(digests.contains(patch["sha256"].as_str().expect("a digest")), "{patch} of {name}");
            }
        }
    }
    assert!(zips >= 2, "only {zips} zips in dist/");
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
fn killed_runs_give_the_same_zip() {
    let (release, zip) = finished(&MADE[0], "x86_64");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let stamp = stamp(&release);
    if stamp.is_file() {
        eprintln!("skipped: {} came out of killed runs before ({})", release.zip.name, stamp.display());
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
    // Compiled there, because the tool knows its checkout. Other conditions are what `verify` is for.
    let cache = elsewhere.path().join("cache");
    let cargo = |arguments: &str| {
        let mut command = Command::new("cargo");
        command
            .args(arguments.split(' '))
            .current_dir(&checkout)
            .env("CARGO_TARGET_DIR", elsewhere.path().join("target"))
            .env("MEDIA_LAYERS_CACHE", &cache)
            .stdin(Stdio::null());
        command
    };
    stdout(&mut cargo("build --quiet --package xtask"));
    // The largest package is taken over: what kills do to a build shows in the other eleven, and `verify` compiles it
    // anew.
    let plan = stdout(&mut cargo("xtask plan mediainfo@23.04 --arch x86_64 --format json"));
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    let packages = plan["packages"].as_array().expect("packages");
    let largest = packages.iter().find(|package| package["recipe"] == "mediainfolib").expect("the library");
    let largest = Path::new("packages").join(largest["key"].as_str().expect("a key"));
    xtask::files::duplicate(&our_cache().join(&largest), &made(&cache.join(&largest))).expect("a copy");
    // Killed while fetching, while unpacking tools, and while compiling.
    for time in [1, 3, 8, 25] {
        kill_after(&mut cargo("xtask build-layer mediainfo@23.04 --arch x86_64 --jobs 3"), Duration::from_secs(time));
    }
    stdout(&mut cargo("xtask build-layer mediainfo@23.04 --arch x86_64 --jobs 3"));
    // Killed while staging, running and packing, with everything compiled: a record never stands beside another zip.
    for time in [2, 4, 6, 8, 9, 10] {
        let _ = fs::remove_dir_all(checkout.join("dist"));
        kill_after(&mut cargo("xtask build-layer mediainfo@23.04 --arch x86_64"), Duration::from_secs(time));
        let record = checkout.join("dist").join(&release.zip.name).with_extension("json");
        if let Ok(text) = fs::read_to_string(record) {
            let bytes = fs::read(checkout.join("dist").join(&release.zip.name)).expect("a zip beside its record");
            assert_eq!(Sha256::of(bytes), Release::from_json(&text).expect("a record").zip.sha256);
        }
    }
    stdout(&mut cargo("xtask build-layer mediainfo@23.04 --arch x86_64"));
    let other = checkout.join("dist").join(zip.file_name().expect("a name"));
    let bytes = fs::read(&other).expect("the other zip");
    assert_eq!(Sha256::of(&bytes), release.zip.sha256, "the zips differ: {} and {}", zip.display(), other.display());
    fs::create_dir_all(stamp.parent().expect("a parent")).expect("a folder");
    fs::write(&stamp, "").expect("a stamp");
}

/// The cache that the finished layers come from.
fn our_cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let shared = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("MEDIA_LAYERS_CACHE").or_else(|| Some(shared()?.join("media-layers"))).expect("a cache")
}

/// A path whose folder is made.
fn made(path: &Path) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    path.to_owned()
}

/// Says that a zip came out of killed runs; so a warm run of the tests does not compile it again.
fn stamp(release: &Release) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    target.join("killed-runs").join(release.zip.sha256.to_string())
}
