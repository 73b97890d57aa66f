//! Hostile and broken archives: each is refused with its name and the entry's, and nothing leaves the folder.

use std::fs;

use tar::EntryType;

use super::super::tests::archives::{
    Entry, bzip2, file, folder, gzip, hard_link, link, patched, patched_list, tar, xz, zip,
};
use super::tests::Bench;
use super::*;

/// What is said about an archive, without the words in front.
fn refused(name: &str, bytes: &[u8]) -> String {
    refused_within(LIMITS, name, bytes)
}

fn refused_within(limits: Limits, name: &str, bytes: &[u8]) -> String {
    let bench = Bench::new(name, bytes, ".");
    let error = bench.run_within(limits).expect_err("a bad archive");
    let outside: Vec<_> = fs::read_dir(bench.folder.path()).expect("a folder").flatten().collect();
    assert_eq!(outside.len(), 2, "only the archive and the tree are there");
    error.strip_prefix(&format!("cannot unpack `{name}`: ")).expect("the archive's name in front").to_owned()
}

/// The same entries as a tar and as a zip file, refused with the same words.
fn both(entries: &[Entry<'_>]) -> String {
    let error = refused("a.tar", &tar(entries));
    assert_eq!(refused("a.zip", &zip(entries)), error);
    error
}

#[test]
fn names_that_leave_the_tree() {
    assert_eq!(both(&[file("../a", "x")]), "entry `../a` has `..` in its path");
    assert_eq!(both(&[file("a/../../b", "x")]), "entry `a/../../b` has `..` in its path");
    assert_eq!(both(&[file("/tmp/a", "x")]), "entry `/tmp/a` has an absolute path");
    assert_eq!(both(&[folder("../a/")]), "entry `../a/` has `..` in its path");
    assert_eq!(both(&[file("a\nb", "x")]), "entry `a\\nb` has a control character in its name");
    assert_eq!(refused("a.zip", &zip(&[file("a\\..\\b", "x")])), "entry `a\\\\..\\\\b` has a backslash in its name");
    let latin = Entry { name: b"caf\xe9", ..file("", "x") };
    assert_eq!(refused("a.tar", &tar(&[latin])), "entry `caf\u{fffd}` has a name that is not UTF-8");
    assert_eq!(refused("a.tar", &tar(&[file("./", "x")])), "entry `./` has no name");
    let long = "n".repeat(256);
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    builder.append_data(&mut header, &long, &b""[..]).expect("memory");
    let error = refused("a.tar", &builder.into_inner().expect("memory"));
    assert_eq!(error, format!("entry `{}` has a name that is too long", &long[..120]));
}

#[test]
fn links_that_leave_the_tree() {
    assert_eq!(both(&[link("a", "/etc/passwd")]), "entry `a` is a link to the absolute path `/etc/passwd`");
    assert_eq!(both(&[link("d/a", "../../b")]), "entry `d/a` is a link that leaves the tree, to `../../b`");
    // By itself each looks harmless, together they lead out.
    let chain = [link("d/e/up", "../.."), link("out", "d/e/up/../x"), file("d/e/f", "")];
    assert_eq!(both(&chain), "entry `out` is a link to `d/e/up/../x`, through the symbolic link `d/e/up`");
    assert_eq!(both(&[link("a", "b"), file("a/c", "x")]), "entry `a/c` goes through the symbolic link `a`");
    assert_eq!(refused("a.tar", &tar(&[link("a", "")])), "entry `a` is a link to ``, which is no path");
    // The root is the tree, not the archive.
    let mut bench = Bench::new("a.tar", &tar(&[file("b", ""), link("tool/a", "../b")]), "tool");
    let error = "cannot unpack `a.tar`: entry `a` is a link that leaves the tree, to `../b`";
    assert_eq!(bench.run(), Err(error.to_owned()));
    bench.source.omit = vec!["a".to_owned()];
    bench = Bench { folder: tempfile::tempdir().expect("a folder"), ..bench };
    fs::write(bench.folder.path().join("stored"), tar(&[file("b", ""), link("tool/a", "../b")])).expect("a file");
    assert_eq!(bench.run(), Ok(()), "what is not taken does no harm");
}

#[test]
fn hard_links_that_leave_the_tree() {
    let refused = |entries: &[Entry<'_>]| refused("a.tar", &tar(entries));
    assert_eq!(
        refused(&[hard_link("a", "/etc/passwd")]),
        "entry `a` is a hard link to `/etc/passwd`, which has an absolute path"
    );
    assert_eq!(refused(&[hard_link("a", "../b")]), "entry `a` is a hard link to `../b`, which has `..` in its path");
    assert_eq!(
        refused(&[hard_link("a", "b"), file("b", "")]),
        "entry `a` is a hard link to `b`, which is not a file that came before"
    );
    assert_eq!(
        refused(&[link("b", "c"), hard_link("a", "b")]),
        "entry `a` is a hard link to `b`, which is not a file that came before"
    );
    let bench = Bench::new("a.tar", &tar(&[file("b", ""), hard_link("tool/a", "b")]), "tool");
    let error = "cannot unpack `a.tar`: entry `a` is a hard link to `b`, which is not part of the tree";
    assert_eq!(bench.run(), Err(error.to_owned()));
}

#[test]
fn things_that_are_no_files() {
    let special = |kind| refused("a.tar", &tar(&[Entry { kind, ..file("dev/x", "") }]));
    assert_eq!(special(EntryType::Char), "entry `dev/x` is a device");
    assert_eq!(special(EntryType::Block), "entry `dev/x` is a device");
    assert_eq!(special(EntryType::Fifo), "entry `dev/x` is a named pipe");
    assert_eq!(special(EntryType::new(b'M')), "entry `dev/x` is of an unknown kind, 'M'");
    // The attributes of an entry stand at 38; the upper half is the mode.
    let with_mode = |mode: u32| patched_list(zip(&[file("x", "")]), 38, &(mode << 16).to_le_bytes());
    assert_eq!(refused("a.zip", &with_mode(0o020_666)), "entry `x` is neither a file, a folder nor a link");
    assert_eq!(refused("a.zip", &with_mode(0o040_755)), "entry `x` is a folder but not named like one");
}

#[test]
fn names_that_are_there_twice() {
    assert_eq!(refused("a.tar", &tar(&[file("a", "1"), file("./a", "2")])), "entry `./a` is there twice");
    assert_eq!(refused("a.tar", &tar(&[file("a/b", ""), file("a", "")])), "entry `a` is there twice");
    assert_eq!(both(&[file("a", ""), file("a/b", "")]), "entry `a/b` lies below `a`, which is a file");
    let twice = patched(zip(&[file("aa", "1"), file("ab", "2")]), b"ab", b"aa");
    assert_eq!(refused("a.zip", &twice), "entry `aa` is there twice");
}

#[test]
fn more_than_anybody_needs() {
    let entries = [file("a", "12345"), file("b", "12345")];
    let limits = Limits { bytes: 9, ..LIMITS };
    let error = "entry `b`: unpacked it has more than 9 bytes";
    assert_eq!(refused_within(limits, "a.tar", &tar(&entries)), error);
    assert_eq!(refused_within(limits, "a.zip", &zip(&entries)), error);
    let linked = [file("a", "12345"), hard_link("b", "a")];
    assert_eq!(refused_within(limits, "a.tar", &tar(&linked)), error);
    let limits = Limits { entries: 1, ..LIMITS };
    assert_eq!(refused_within(limits, "a.tar", &tar(&entries)), "it has more than 1 entries");
    assert_eq!(refused_within(limits, "a.zip", &zip(&entries)), "it has more than 1 entries");
    let limits = Limits { memory: 1 << 20, ..LIMITS };
    let error = refused_within(limits, "a.tar.xz", &xz(&tar(&entries)));
    assert_eq!(error, "it is broken or cut off: memory limit reached");
}

#[test]
fn archives_that_are_cut_off() {
    let plain = tar(&[file("a", &"some text\n".repeat(1000)), file("b", "")]);
    let whole = [
        ("a.tar", plain.clone()),
        ("a.tar.gz", gzip(&plain)),
        ("a.tar.xz", xz(&plain)),
        ("a.tar.bz2", bzip2(&plain)),
        ("a.zip", zip(&[file("a", &"some text\n".repeat(1000)), file("b", "")])),
    ];
    for (name, bytes) in &whole {
        for keep in (1..bytes.len()).step_by(bytes.len() / 20) {
            refused(name, &bytes[..keep]);
        }
        // The last byte of a plain tar file is one of many zeros.
        if *name != "a.tar" {
            refused(name, &bytes[..bytes.len() - 1]);
        }
    }
    let (entry_only, all) = (plain.len() - 1024, "it is cut off: the blocks that end a tar file are missing");
    assert_eq!(refused("a.tar.gz", &gzip(&plain[..entry_only])), all);
    assert_eq!(refused("a.tar.gz", &gzip(b"")), all);
    assert_eq!(refused("a.tar", &plain[..1024]), "entry `a` ends after 512 of 10000 bytes");
}

#[test]
fn archives_with_something_behind() {
    let plain = tar(&[file("a", "x")]);
    let behind = |name: &str, bytes: Vec<u8>| refused(name, &[&bytes[..], b"garbage behind"].concat());
    assert_eq!(behind("a.tar", plain.clone()), "there is something behind its end");
    assert_eq!(behind("a.tar.gz", gzip(&plain)), "it is broken or cut off: invalid gzip header");
    assert_eq!(behind("a.tar.xz", xz(&plain)), "it is broken or cut off: lzma data error");
    assert_eq!(behind("a.tar.bz2", bzip2(&plain)), "it is broken or cut off: bzip2: bz2 header missing");
    assert_eq!(behind("a.zip", zip(&[file("a", "x")])), "there is something behind its end");
    let in_front = [b"garbage in front".to_vec(), zip(&[file("a", "x")])].concat();
    assert_eq!(refused("a.zip", &in_front), "there is something in front of its first entry");
}

#[test]
fn bytes_that_do_not_fit_together() {
    let starts = |name: &str, bytes: &[u8], expected: &str| {
        let error = refused(name, bytes);
        assert!(error.starts_with(expected), "{error}");
    };
    let good = zip(&[file("a", "some text")]);
    // The list says an entry's sum at 16, its sizes at 20 and 24, and its name at 46.
    let sums = "entry `a`: its two lists of entries differ in its sizes or its checksum";
    starts("a.zip", &patched_list(good.clone(), 16, &[1, 2, 3, 4]), sums);
    starts("a.zip", &patched_list(good.clone(), 24, &8_u32.to_le_bytes()), sums);
    let name = "entry `b`: its two lists of entries differ: the entry itself is called `a`";
    starts("a.zip", &patched_list(good.clone(), 46, b"b"), name);
    let changed = patched(zip(&[Entry { mode: 0o644, ..file("a", "aaaaaaaa") }]), b"PK\x03\x04", b"PK\x03\x05");
    starts("a.zip", &changed, "entry `a`: its two lists of entries differ: there is no entry where the list says one");
    starts("a.zip", b"no zip at all", "it is not a whole zip file: ");
    let mut flipped = gzip(&tar(&[file("a", "some text")]));
    let sum = flipped.len() - 8;
    flipped[sum] ^= 1;
    starts("a.tar.gz", &flipped, "it is broken or cut off: corrupt gzip stream");
    starts("a.tar.gz", b"no gzip at all", "it is broken or cut off: invalid gzip header");
    starts("a.tar.xz", b"no xz at all", "it is broken or cut off: ");
    starts("a.tar.bz2", b"no bzip2 at all", "it is broken or cut off: ");
    starts("a.tar", &[b'x'; 2048], "it is broken or cut off: ");
    // Compressed bytes that were changed in the middle.
    let text: String = (0..2000).map(|number| format!("line {number}\n")).collect();
    for (name, mut bytes) in [
        ("a.tar.gz", gzip(&tar(&[file("a", &text)]))),
        ("a.tar.xz", xz(&tar(&[file("a", &text)]))),
        ("a.tar.bz2", bzip2(&tar(&[file("a", &text)]))),
        ("a.zip", zip(&[file("a", &text)])),
    ] {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        refused(name, &bytes);
    }
}
