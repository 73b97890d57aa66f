//! Zips of layers that were made to harm, each with what must be said of it.

use crate::zipping::{BEHIND, Entry, Parts, UTF8, extra, file, parts, stored, zip};

/// A zip, and what `audit`, `inspect` and `smoke` say of it.
pub struct Layer {
    pub bytes: Vec<u8>,
    pub said: Said,
}

/// What is said.
pub enum Said {
    /// All three cannot read it, and say this.
    Unreadable(String),
    /// It can be read. The audit finds the first, and smoke refuses it with the second.
    Found(&'static str, &'static str),
}

fn layer(bytes: Vec<u8>, said: &str) -> Layer {
    Layer { bytes, said: Said::Unreadable(said.to_owned()) }
}

fn zipped(entries: &[Entry], said: &str) -> Layer {
    layer(zip(entries), said)
}

fn good() -> Entry {
    file("bin/tool", b"#!/bin/sh\necho nothing, nothing, nothing\n").mode(0o100_755)
}

/// The layer that is sound, but for not being ours.
pub fn sound() -> Vec<u8> {
    zip(&[good(), stored("share/readme.txt", b"text")])
}

/// All of them.
pub fn all() -> Vec<Layer> {
    [names(), kinds(), lists(), lies(), places(), extras(), contents()].into_iter().flatten().collect()
}

fn names() -> Vec<Layer> {
    let named = |name: &str, said: &str| zipped(&[good(), file(name, b"x")], said);
    let unmarked = |name: &[u8]| file(name, b"x").both(|record| record.flags = 0);
    let disagree = "so that tools disagree on what is in it";
    vec![
        named("../evil", "entry `../evil` has `..` in its path"),
        named("a/../../evil", "entry `a/../../evil` has `..` in its path"),
        named("..", "entry `..` has `..` in its path"),
        named("/etc/evil", "entry `/etc/evil` has an absolute path"),
        named("a\\..\\evil", r"entry `a\\..\\evil` has a backslash in its name"),
        named("a//b", "entry `a//b` is not written as the plain path `a/b`"),
        named("./a", "entry `./a` is not written as the plain path `a`"),
        named("a/.", "is not written as the plain path `a`"),
        named("./", "entry `./` is named like a folder but is none"),
        named("", "entry `` has no name"),
        named("a\x1b[2Jb", r"entry `a\u{1b}[2Jb` has a control character in its name"),
        named("a\nno findings", r"entry `a\nno findings` has a control character in its name"),
        named("a\0b", r"entry `a\0b` has a control character in its name"),
        named("a\u{9b}2J", r"entry `a\u{9b}2J` has a control character in its name"),
        named(&"n".repeat(256), "has a name that is too long"),
        named(&"name/".repeat(205), "has a name that is too long"),
        named(&"a/".repeat(500), "lies too deep"),
        zipped(&[file(b"caf\xe9", b"x")], "has a name that is not UTF-8"),
        zipped(&[unmarked("café".as_bytes())], "not marked as UTF-8, so that tools disagree on what it is called"),
        zipped(&[good(), good()], &format!("entry `bin/tool` is there twice, {disagree}")),
        zipped(&[file("a", b""), file("a/", b"").mode(0o040_755)], &format!("entry `a` is there twice, {disagree}")),
        zipped(
            &[file("a", b""), file("a/b", b"")],
            &format!("entry `a/b` lies below `a`, which is a file, {disagree}"),
        ),
        zipped(&[file("a", b"b").mode(0o120_777), file("a/b", b"")], "entry `a/b` goes through the symbolic link `a`"),
    ]
}

fn kinds() -> Vec<Layer> {
    let with = |entry: Entry, rule: &'static str, smoke: &'static str| Layer {
        bytes: zip(&[good(), entry]),
        said: Said::Found(rule, smoke),
    };
    let mode = |mode: u32| file("x", b"/etc").mode(mode);
    let special = "entry `x` is neither a file nor a folder";
    let bits = "with bits for setuid, setgid or sticky";
    let dos = |attributes: u32| file("x", b"").listed(|record| (record.attributes, record.system) = (attributes, 0));
    vec![
        with(mode(0o120_777), "symlink", "entry `x` is a symbolic link"),
        with(mode(0o020_644), "special-file", special),
        with(mode(0o060_644), "special-file", special),
        with(mode(0o010_644), "special-file", special),
        with(mode(0o140_644), "special-file", special),
        with(mode(0o104_755), "special-permissions", bits),
        with(mode(0o102_755), "special-permissions", bits),
        with(mode(0o101_644), "special-permissions", bits),
        // The system says DOS, and the upper half still says a link: some tools make one.
        with(mode(0o120_777).listed(|record| record.system = 0), "symlink", "entry `x` is a symbolic link"),
        zipped(&[mode(0o040_755)], "entry `x` is a folder but not named like one"),
        zipped(&[dos(0x10)], "entry `x` is a folder but not named like one"),
        zipped(&[file("x/", b"").mode(0o100_644)], "entry `x/` is named like a folder but is none"),
        zipped(&[file("x/", b"hidden").mode(0o040_755)], "entry `x/` is a folder and has bytes"),
        zipped(&[stored("x", &[b'a'; 5000]).mode(0o120_777)], "entry `x` is a link to a path of 5000 bytes"),
    ]
}

/// Lists that do not say what is there.
fn lists() -> Vec<Layer> {
    let two = || parts(&[good(), file("b", b"x")]);
    let end = |change: &dyn Fn(&mut Vec<u8>)| {
        let parts = two();
        let mut end = parts.end(parts.entries.len(), b"");
        change(&mut end);
        [&parts.entries[..], &parts.list, &end].concat()
    };
    let put = |at: usize, bytes: &'static [u8]| end(&move |end| end[at..at + bytes.len()].copy_from_slice(bytes));
    let less = Parts { count: 1, ..two() }.zip();
    let more = Parts { count: 3, ..two() }.zip();
    let hidden = file("hidden", b"x").bytes();
    let sixty_four = "it is a zip of 64-bit records";
    let second = Parts { list: Vec::new(), entries: Vec::new(), count: 0 }.end(0, b"");
    let commented =
        |comment: &[u8]| [&two().entries[..], &two().list, &two().end(two().entries.len(), comment)].concat();
    let with_locator = {
        let parts = two();
        let locator = [b"PK\x06\x07", &[0; 16][..]].concat();
        [&parts.entries[..], &parts.list, &locator, &parts.end(parts.entries.len(), b"")].concat()
    };
    let one = parts(&[good()]);
    let unlisted = Parts { entries: [&one.entries[..], &hidden].concat(), ..one };
    vec![
        layer(less, "there is something between its list and its end"),
        layer(more, "its list of entries is cut off"),
        layer(unlisted.zip(), "there is something behind its last entry that its list does not name"),
        layer(put(4, &[1, 0]), "it is one part of a zip in several parts"),
        layer(put(8, &[1, 0]), "it is one part of a zip in several parts"),
        layer(put(8, &[0xff; 4]), sixty_four),
        layer(put(12, &[0xff; 8]), sixty_four),
        layer(put(16, &[1]), "there is something"),
        layer(put(12, &[0xff, 0xff, 0xff]), "its list does not fit in front of its end"),
        layer(with_locator, sixty_four),
        layer(commented(b"hidden"), "it has a comment, in which anything may hide"),
        layer(commented(&second), "there is something in front of its first entry").or_another(),
        layer([sound(), b"hidden".to_vec()].concat(), "there is something behind its end"),
        layer([sound(), vec![0; 70_000]].concat(), "it has no record at its end"),
        layer([sound(), sound()].concat(), "there is something in front of its first entry"),
        layer(sound()[..sound().len() / 2].to_vec(), "it has no record at its end"),
        layer(sound()[..sound().len() - 1].to_vec(), "the record at its end is cut off"),
    ]
}

/// Records that contradict each other.
fn lies() -> Vec<Layer> {
    let differ = |entry: Entry, what: &str| zipped(&[entry], &format!("its two lists of entries differ{what}"));
    let sums = " in its sizes or its checksum";
    let behind =
        |entry: Entry, behind: &[u8]| Entry { behind: behind.to_vec(), ..entry.both(|record| record.flags |= BEHIND) };
    let wrong = [b"PK\x07\x08", &[1; 12][..]].concat();
    vec![
        differ(good().own(|record| record.name = b"bin/evil".to_vec()), ": the entry itself is called `bin/evil`"),
        differ(
            good().own(|record| record.name = b"bin/\x1b[2J".to_vec()),
            r": the entry itself is called `bin/\u{1b}[2J`",
        ),
        differ(good().own(|record| record.size += 1), sums),
        differ(good().own(|record| record.packed -= 1), sums),
        differ(good().own(|record| record.crc32 ^= 1), sums),
        differ(good().own(|record| (record.size, record.packed, record.crc32) = (0, 0, 0)), sums),
        differ(good().own(|record| record.method = 0), " in how it is packed"),
        differ(good().own(|record| record.flags = 0), " in the flags"),
        differ(behind(good(), &wrong), ": there are other sizes or another checksum behind the bytes"),
        differ(behind(good(), b""), ": there are other sizes or another checksum behind the bytes").or_another(),
        zipped(&[behind(stored("a", b"text"), &wrong)], "so that tools disagree where it ends"),
        zipped(&[good().both(|record| record.flags |= 1)], "it is encrypted"),
        zipped(&[good().both(|record| record.flags |= 1 << 6)], "it is encrypted"),
        zipped(&[good().both(|record| record.flags |= 1 << 13)], "it is encrypted"),
        zipped(&[good().both(|record| record.flags |= 1 << 5)], "it has flags that are not supported, 0x0020"),
        zipped(&[good().both(|record| record.method = 12)], "entry `bin/tool` is packed by method 12"),
        zipped(&[good().both(|record| record.method = 99)], "entry `bin/tool` is packed by method 99"),
        zipped(&[good().both(|record| record.size = u32::MAX)], "says that it has 64-bit sizes, and has none"),
        zipped(&[stored("a", b"text").both(|record| record.size = 3)], "is not packed and still has two sizes"),
    ]
}

/// The audit knows a zip by its first bytes and says it in other words.
const FRONT: &str = "";

/// Entries that lie where they must not.
fn places() -> Vec<Layer> {
    let two = [good(), file("b", b"text")];
    let [first, second] = [two[0].bytes(), two[1].bytes()];
    let list = |places: [usize; 2]| [two[0].line(places[0]), two[1].line(places[1])].concat();
    let made = |entries: Vec<u8>, list: Vec<u8>| Parts { entries, list, count: 2 }.zip();
    let hidden = file("hidden", b"x").bytes();
    // The second lies within the bytes of the first.
    let inner = stored("inner", b"text");
    let outer = stored("outer", &inner.bytes());
    let overlapping = Parts {
        entries: outer.bytes(),
        list: [outer.line(0), inner.line(outer.bytes().len() - inner.bytes().len())].concat(),
        count: 2,
    };
    let in_front = [b"hidden", &first[..], &second].concat();
    let unmoved = [b"hidden".to_vec(), zip(&two)].concat();
    let between = [&first[..], &hidden, &second].concat();
    let behind = [&first[..], &second, &hidden].concat();
    vec![
        layer(made(in_front, list([6, 6 + first.len()])), FRONT),
        layer(unmoved, FRONT),
        layer(
            made(between, list([0, first.len() + hidden.len()])),
            "in front of entry `b` that its list does not name",
        ),
        layer(made(behind, list([0, first.len()])), "behind its last entry that its list does not name"),
        layer(overlapping.zip(), "entry `inner` shares bytes with another entry"),
        layer(made(first.clone(), list([0, 0])), "shares bytes with another entry"),
        layer(made([&first[..], &second].concat(), list([0, 1 << 30])), "that its list does not name"),
        layer(made([&first[..], &second].concat(), list([0, first.len() + 1])), "that its list does not name"),
        layer(zip(&[good().both(|record| record.packed = 1 << 20)]), "its bytes reach into its list of entries"),
    ]
}

fn extras() -> Vec<Layer> {
    let with = |bytes: Vec<u8>, said: &str| {
        let own = good().own(|record| record.extra.clone_from(&bytes));
        let listed = good().listed(|record| record.extra.clone_from(&bytes));
        [zipped(&[listed], said), zipped(&[own], said)]
    };
    [
        with(extra(1, &[0; 16]), "its extra fields say 64-bit sizes"),
        with(extra(0x7075, b"\x01\0\0\0\0evil"), "its extra fields say a second name"),
        with(extra(0x9901, b"\x02\0AE\x03\x08\0"), "its extra fields say another kind of encryption"),
        with(b"UT\xff\xff\x01".to_vec(), "its extra fields are cut off"),
        with(b"UT".to_vec(), "its extra fields are cut off"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Bytes that are not what the records say.
fn contents() -> Vec<Layer> {
    let unpacked = |entry: Entry, said: &str| zipped(&[entry], said);
    let longer = |entry: Entry| {
        let packed = [&entry.packed[..], b"hidden"].concat();
        let length = u32::try_from(packed.len()).expect("short");
        Entry { packed, ..entry }.both(|record| record.packed = length)
    };
    let shorter = |entry: Entry| {
        let packed = entry.packed[..entry.packed.len() - 3].to_vec();
        let length = u32::try_from(packed.len()).expect("short");
        Entry { packed, ..entry }.both(|record| record.packed = length)
    };
    let zeros = vec![0; 64 << 20];
    let bomb = file("zeros", &zeros);
    let elf = file("bin/elf", &[b"\x7fELF", &zeros[..]].concat()).mode(0o100_755);
    vec![
        unpacked(good().both(|record| record.size += 1), "bytes and says that it has"),
        unpacked(good().both(|record| record.size -= 1), "it has more than the"),
        unpacked(good().both(|record| record.crc32 ^= 1), "its bytes have another checksum than it says"),
        unpacked(stored("a", b"text").both(|record| record.crc32 ^= 1), "its bytes have another checksum than it says"),
        unpacked(longer(good()), "bytes that belong to it"),
        unpacked(shorter(good()), "bin/tool`"),
        unpacked(
            Entry { packed: vec![0xff; 40], ..good() }.both(|record| record.packed = 40),
            "corrupt deflate stream",
        ),
        unpacked(bomb.clone(), "as only a zip bomb does"),
        unpacked(elf, "as only a zip bomb does"),
        unpacked(bomb.both(|record| record.size = 1000), "it has more than the 1000 bytes that it says"),
        unpacked(file("a", b"x").both(|record| record.size = u32::MAX - 1), "as only a zip bomb does"),
        unpacked(file("a", "x".repeat(100).as_bytes()).both(|record| record.flags = UTF8 | 0b1110), "differ")
            .or_another(),
    ]
}

impl Layer {
    /// Where the reason is of no interest, because several things are wrong.
    fn or_another(self) -> Layer {
        Layer { said: Said::Unreadable(String::new()), ..self }
    }
}
