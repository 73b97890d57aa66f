//! Whole layers: folders, zips and single files.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::folder;
use super::*;
use crate::archive::entry::{Entry, LIMITS, Limits};
use crate::archive::layer as zipped;
use crate::model::Arch;

const PROGRAM: &[&str] = &["-fPIE", "-pie", "-s", "-Wl,-z,now,-z,relro,-z,noexecstack"];

/// A glibc that no compiler asks more of.
fn future() -> Targets {
    one_target("2.99")
}

fn survey(path: &Path) -> Report {
    layer::audit(path, &future(), &Options::default()).expect("a readable layer")
}

fn found(report: &Report) -> Vec<(&str, Rule)> {
    report.findings.iter().map(|finding| (finding.path.as_str(), finding.rule)).collect()
}

/// A layer whose program needs a library that is in it.
fn make_layer(shop: &Workshop) -> PathBuf {
    let library = [CLEAN, &["-Wl,-soname,libown.so.1"]].concat();
    shop.cc("layer/lib/libown.so.1", "int own(void) { return 1; }", &library);
    let flags = [PROGRAM, &["layer/lib/libown.so.1", "-Wl,-rpath,$ORIGIN/../lib"]].concat();
    shop.cc("layer/bin/x", "int own(void); int main(void) { return own(); }", &flags);
    fs::create_dir(shop.path("layer/share")).expect("a folder");
    shop.write("layer/share/readme.txt", "text");
    for folder in ["bin", "lib", "share"] {
        mode(&shop.path("layer").join(folder), 0o755);
    }
    for file in ["lib/libown.so.1", "share/readme.txt"] {
        mode(&shop.path("layer").join(file), 0o644);
    }
    mode(&shop.path("layer/bin/x"), 0o755);
    shop.path("layer")
}

pub(super) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own file");
}

/// A zip of entries: name, permissions, bytes.
fn make_zip(path: &Path, method: CompressionMethod, entries: &[(&str, u32, &[u8])]) -> PathBuf {
    let mut zip = ZipWriter::new(fs::File::create(path).expect("a writable folder"));
    for (name, mode, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method).unix_permissions(*mode);
        if name.ends_with('/') {
            zip.add_directory(*name, options).expect("a folder in a zip");
        } else {
            zip.start_file(*name, options).expect("a file in a zip");
            zip.write_all(bytes).expect("a writable zip");
        }
    }
    zip.finish().expect("a zip");
    path.to_owned()
}

fn zip_error(path: &Path, limits: Limits) -> String {
    let file = fs::File::open(path).expect("a file");
    let mut drop_all = |_: Entry<'_>| Ok(());
    format!("{:#}", zipped::each(file, limits, &mut drop_all).expect_err("a hostile zip"))
}

#[test]
fn a_clean_folder_and_its_zip_are_clean() {
    let shop = Workshop::new();
    let folder = make_layer(&shop);
    let report = survey(&folder);
    assert_eq!(found(&report), []);
    assert!(report.is_clean());
    assert_eq!((report.kind, report.arch, report.entries), (Input::Folder, Arch::of_this_machine(), 6));
    assert_eq!(report.files.iter().map(|file| &*file.path).collect::<Vec<_>>(), ["bin/x", "lib/libown.so.1"]);
    assert_eq!(report.verdicts[0].outcome, report::Outcome::Ok);

    let program = fs::read(folder.join("bin/x")).expect("a program");
    let library = fs::read(folder.join("lib/libown.so.1")).expect("a library");
    let entries = [("bin/", 0o755, &b""[..]), ("bin/x", 0o755, &program), ("lib/libown.so.1", 0o644, &library)];
    let zip = make_zip(&shop.path("layer.bin"), CompressionMethod::Deflated, &entries);
    let report = survey(&zip);
    assert_eq!(found(&report), []);
    assert_eq!((report.kind, report.entries, report.files.len()), (Input::Zip, 3, 2));
    assert_eq!(report.unpacked, (program.len() + library.len()) as u64);

    // The program alone lacks the library.
    let report = survey(&folder.join("bin/x"));
    assert_eq!(found(&report), [("x", Rule::NeedsLibrary)]);
    assert!(report.findings[0].message.contains("`libown.so.1`"));
}

#[test]
fn permissions_links_and_special_files_are_found() {
    let shop = Workshop::new();
    let folder = make_layer(&shop);
    mode(&folder.join("bin/x"), 0o644);
    mode(&folder.join("lib/libown.so.1"), 0o600);
    mode(&folder.join("share"), 0o700);
    symlink("/", folder.join("lib/outside")).expect("a link");
    symlink(".", folder.join("again")).expect("a link");
    let _socket = UnixListener::bind(folder.join("socket")).expect("a socket");
    mode(&folder.join("socket"), 0o666);
    let report = survey(&folder);
    let expected = [
        ("again", Rule::Symlink),
        ("bin/x", Rule::NotExecutable),
        ("lib/libown.so.1", Rule::NotReadable),
        ("lib/outside", Rule::Symlink),
        ("share", Rule::NotReadable),
        ("socket", Rule::SpecialFile),
    ];
    assert_eq!(found(&report), expected);
    assert_eq!(report.entries, 9, "links are not followed");
    assert!(report.findings[1].message.contains("0644"), "{}", report.findings[1].message);
}

#[test]
fn permissions_and_links_in_a_zip_are_found() {
    let shop = Workshop::new();
    let program = fs::read(shop.cc("x", "int main(void) { return 0; }", PROGRAM)).expect("a program");
    let path = shop.path("layer.zip");
    let mut zip = ZipWriter::new(fs::File::create(&path).expect("a writable folder"));
    let options = SimpleFileOptions::default();
    zip.start_file("bin/x", options.unix_permissions(0o640)).expect("a file");
    zip.write_all(&program).expect("a writable zip");
    zip.add_symlink("bin/y", "x", options).expect("a link");
    zip.add_directory("share/", options.unix_permissions(0o744)).expect("a folder");
    zip.finish().expect("a zip");
    let expected = [
        ("bin/x", Rule::NotReadable),
        ("bin/x", Rule::NotExecutable),
        ("bin/y", Rule::Symlink),
        ("share", Rule::NotReadable),
    ];
    assert_eq!(found(&survey(&path)), expected);
}

#[test]
fn a_broken_elf_file_is_a_finding_in_a_layer_and_an_error_alone() {
    let shop = Workshop::new();
    let folder = make_layer(&shop);
    let library = folder.join("lib/libown.so.1");
    let bytes = fs::read(&library).expect("a library");
    fs::write(&library, &bytes[..bytes.len() / 2]).expect("our own file");
    let report = survey(&folder);
    assert_eq!(found(&report), [("bin/x", Rule::NeedsLibrary), ("lib/libown.so.1", Rule::BrokenElf)]);
    assert!(report.findings[1].message.starts_with("is a broken ELF file: "));

    let error = layer::audit(&library, &future(), &Options::default()).expect_err("a broken file");
    let text = format!("{error:#}");
    assert!(text.starts_with("cannot audit `") && text.contains("libown.so.1`: broken ELF file: "), "{text}");
}

#[test]
fn other_input_is_refused() {
    let shop = Workshop::new();
    for (path, message) in [
        (shop.write("text", "#!/bin/sh\n"), "neither an ELF file nor a zip"),
        (shop.write("empty.zip", ""), "neither an ELF file nor a zip"),
        (shop.path("nothing"), "No such file"),
        (PathBuf::from("/dev/null"), "neither a file nor a folder"),
    ] {
        let error = layer::audit(&path, &future(), &Options::default()).expect_err("no layer");
        let text = format!("{error:#}");
        assert!(text.contains(message) && text.contains(&path.display().to_string()), "{text}");
    }
}

#[test]
fn a_file_of_the_other_machine_does_not_belong() {
    let shop = Workshop::new();
    let folder = make_layer(&shop);
    let mut bytes = fs::read(folder.join("lib/libown.so.1")).expect("a library");
    let other = if cfg!(target_arch = "x86_64") { 0xb7u16 } else { 0x3e };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    for name in ["lib/other.so", "lib/further.so"] {
        fs::write(folder.join(name), &bytes).expect("a writable folder");
        mode(&folder.join(name), 0o644);
    }
    fs::copy(folder.join("bin/x"), folder.join("bin/y")).expect("a writable folder");
    let report = survey(&folder);
    assert_eq!(report.arch, if cfg!(target_arch = "x86_64") { Some(Arch::X86_64) } else { report.arch });
    if cfg!(target_arch = "x86_64") {
        assert_eq!(found(&report), [("lib/further.so", Rule::WrongMachine), ("lib/other.so", Rule::WrongMachine)]);
        let options = Options { arch: Some(Arch::Arm64), ..Options::default() };
        let report = layer::audit(&folder, &future(), &options).expect("a layer");
        let wrong = found(&report).into_iter().filter(|(_, rule)| *rule == Rule::WrongMachine).count();
        assert_eq!(wrong, 3, "{:?}", report.findings);
    }
}

#[test]
fn build_paths_and_exports_are_held_to_the_options() {
    let shop = Workshop::new();
    let folder = make_layer(&shop);
    shop.write("layer/share/readme.txt", "made in /builds/7/src, twice: /builds/7");
    let allowed = AllowedExports::new(&["api_*".to_owned()]).expect("globs");
    let options = Options {
        build_paths: vec!["/builds/7".to_owned()],
        exports: [("lib/libown.so.1".to_owned(), allowed)].into(),
        ..Options::default()
    };
    let report = layer::audit(&folder, &future(), &options).expect("a layer");
    assert_eq!(found(&report), [("lib/libown.so.1", Rule::Exports), ("share/readme.txt", Rule::BuildPath)]);
    assert!(report.findings[0].message.contains("`own`"), "{}", report.findings[0].message);
}

#[test]
fn real_symbols_are_held_against_the_real_targets() {
    let shop = Workshop::new();
    let source = "#include <sys/random.h>\nint f(char *b) { return getrandom(b, 1, 0); }";
    let flags = ["-shared", "-fPIC", "-s", "-nostartfiles", "-Wl,-z,now,-z,noexecstack"];
    let library = shop.cc("x.so", source, &flags);
    let report = layer::audit(&library, &targets(), &Options::default()).expect("a library");
    let mut old: Vec<_> = targets().targets;
    let limit = "2.25".parse().expect("a version");
    old.retain(|target| target.glibc < limit && report.arch.is_some_and(|arch| target.architectures.contains(&arch)));
    let mut names: Vec<_> = old.iter().map(|target| target.name.as_str()).collect();
    names.sort_unstable();
    let concerned: Vec<_> = report.findings.iter().filter_map(|finding| finding.target.as_deref()).collect();
    assert_eq!(concerned, names);
    assert!(report.findings.iter().all(|finding| finding.rule == Rule::GlibcTooNew));
    assert!(report.findings.iter().all(|finding| finding.message.contains("`getrandom@GLIBC_2.25`")));
    for verdict in &report.verdicts {
        assert_eq!(verdict.outcome == report::Outcome::Findings, names.contains(&&*verdict.target), "{verdict:?}");
    }
}

#[test]
fn sizes_above_the_clouds_limits_are_found() {
    let shop = Workshop::new();
    fs::create_dir(shop.path("layer")).expect("a folder");
    let file = fs::File::create(shop.path("layer/data")).expect("a file");
    file.set_len(policy::MAX_UNPACKED).expect("a file with a hole");
    mode(&shop.path("layer/data"), 0o644);
    assert_eq!(found(&survey(&shop.path("layer"))), []);
    file.set_len(policy::MAX_UNPACKED + 1).expect("a file with a hole");
    assert_eq!(found(&survey(&shop.path("layer"))), [(".", Rule::UnpackedTooLarge)]);

    let zeros = vec![0; usize::try_from(policy::MAX_ZIP).expect("a small number")];
    let path = make_zip(&shop.path("large.zip"), CompressionMethod::Stored, &[("data", 0o644, &zeros)]);
    assert_eq!(found(&survey(&path)), [(".", Rule::ZipTooLarge)]);
}

#[test]
fn hostile_names_in_a_zip_are_refused() {
    let shop = Workshop::new();
    // The writer mends some names, so they are put into its bytes afterwards.
    for name in ["../../evil", "/abs/name/", "bin/../../ev", "a\\b\\c\\d\\ef", "bin//abcdef"] {
        let plain = "0123456789ab".get(..name.len()).expect("a short name");
        let path = make_zip(&shop.path("x.zip"), CompressionMethod::Stored, &[(plain, 0o644, b"x")]);
        let mut bytes = fs::read(&path).expect("a zip");
        let places: Vec<_> = memchr::memmem::find_iter(&bytes, plain).collect();
        assert_eq!(places.len(), 2);
        for place in places {
            bytes[place..place + name.len()].copy_from_slice(name.as_bytes());
        }
        fs::write(&path, bytes).expect("our own file");
        let error = format!("{:#}", layer::audit(&path, &future(), &Options::default()).expect_err(name));
        assert!(error.contains(&name.escape_debug().to_string()), "{error}");
    }
}

#[test]
fn zips_that_unpack_to_too_much_are_refused() {
    let shop = Workshop::new();
    let zeros = vec![0; 100_000];
    let entries = [("a", 0o644, &zeros[..]), ("b", 0o644, &zeros[..])];
    let path = make_zip(&shop.path("bomb.zip"), CompressionMethod::Deflated, &entries);
    let small = Limits { file: 99_999, ..LIMITS };
    assert!(zip_error(&path, small).contains("entry `a` has 100000 bytes"));
    let small = Limits { total: 150_000, ..LIMITS };
    assert!(zip_error(&path, small).contains("with entry `b` there are 200000 bytes"));
    let small = Limits { entries: 1, ..LIMITS };
    assert!(zip_error(&path, small).contains("more than 1 entries"));

    // An entry that promises less than it holds: its size is at byte 24 of its record in the list.
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let path = make_zip(&path, method, &entries);
        let mut bytes = fs::read(&path).expect("a zip");
        let record = memchr::memmem::find(&bytes, b"PK\x01\x02").expect("a record");
        bytes[record + 24..record + 28].copy_from_slice(&10u32.to_le_bytes());
        fs::write(&path, &bytes).expect("our own file");
        let error = zip_error(&path, LIMITS);
        assert!(error.starts_with("it cannot be read as a zip: entry `a`"), "{error}");
    }
}

#[test]
fn zips_that_are_not_what_they_say_are_refused() {
    let shop = Workshop::new();
    let path =
        make_zip(&shop.path("x.zip"), CompressionMethod::Stored, &[("aa", 0o644, b"one"), ("bb", 0o644, b"two")]);
    let original = fs::read(&path).expect("a zip");
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = original.clone();
        change(&mut bytes);
        fs::write(&path, bytes).expect("our own file");
        zip_error(&path, LIMITS)
    };
    let replace = |bytes: &mut Vec<u8>, from: &[u8], to: &[u8]| {
        let places: Vec<_> = memchr::memmem::find_iter(bytes, from).collect();
        places.iter().for_each(|place| bytes[*place..place + to.len()].copy_from_slice(to));
    };
    assert!(damaged(&|bytes| replace(bytes, b"bb", b"aa")).contains("entry `aa` is there twice"));
    assert!(damaged(&|bytes| replace(bytes, b"two", b"ttt")).contains("entry `bb` cannot be unpacked"));
    assert!(damaged(&|bytes| bytes.truncate(bytes.len() / 2)).contains("cannot be read as a zip"));
    let error = damaged(&|bytes| {
        let end = memchr::memmem::find(bytes, b"PK\x05\x06").expect("the end");
        bytes[end + 8..end + 12].fill(0xff);
    });
    assert!(error.contains("more than 65,534 entries"), "{error}");
}

#[test]
fn a_damaged_entry_is_named() {
    let shop = Workshop::new();
    let program = fs::read(shop.cc("x", "int main(void) { return 0; }", PROGRAM)).expect("a program");
    let path = make_zip(&shop.path("x.zip"), CompressionMethod::Stored, &[("bin/x", 0o755, &program)]);
    let mut bytes = fs::read(&path).expect("a zip");
    bytes[200] ^= 1;
    fs::write(&path, bytes).expect("our own file");
    let error = format!("{:#}", layer::audit(&path, &future(), &Options::default()).expect_err("damaged"));
    assert!(error.contains("entry `bin/x` cannot be read: "), "{error}");
    let path = make_zip(&path, CompressionMethod::Stored, &[("a", 0o644, b"x"), ("a/", 0o755, b"")]);
    assert_eq!(zip_error(&path, LIMITS), "entry `a` is there twice, so that tools disagree on what is in it");
}

#[test]
fn damaged_zips_do_no_harm() {
    let shop = Workshop::new();
    let data: Vec<u8> = (0..500u32).flat_map(u32::to_le_bytes).collect();
    let entries = [("bin/", 0o755, &b""[..]), ("bin/x", 0o755, &data), ("lib/y", 0o644, b"y")];
    let path = make_zip(&shop.path("x.zip"), CompressionMethod::Deflated, &entries);
    let original = fs::read(&path).expect("a zip");
    for length in (4..original.len()).step_by(17) {
        fs::write(&path, &original[..length]).expect("our own file");
        let _ = layer::audit(&path, &future(), &Options::default()).expect_err("it is cut off");
    }
    let list = memchr::memmem::find(&original, b"PK\x01\x02").expect("the list of entries");
    for at in (4..60).chain(list..original.len()) {
        for value in [1, 0xff] {
            let mut bytes = original.clone();
            bytes[at] = value;
            fs::write(&path, bytes).expect("our own file");
            // Not every byte matters; what matters is that each ends in a report or an error.
            let _ = layer::audit(&path, &future(), &Options::default());
        }
    }
}

#[test]
fn folders_beyond_the_limits_are_refused() {
    let shop = Workshop::new();
    for name in ["a", "b", "c"] {
        shop.write(name, "1234");
    }
    let each = |limits| folder::each(shop.folder.path(), limits, &mut |_| Ok(())).map_err(|error| error.to_string());
    assert_eq!(each(LIMITS), Ok(()));
    let error = each(Limits { entries: 2, ..LIMITS }).expect_err("too many");
    assert!(error.contains("more than 2 entries"), "{error}");
    let error = each(Limits { file: 3, ..LIMITS }).expect_err("too large");
    assert!(error.contains("entry `a` has 4 bytes"), "{error}");
    let error = each(Limits { total: 9, ..LIMITS }).expect_err("too large");
    assert!(error.contains("with entry `c` there are 12 bytes"), "{error}");
}
