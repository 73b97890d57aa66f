//! Source archives that were made to harm, each with what must be said of it.

use crate::tarring::{Entry, bzip2, deb, entry, file, greedy, gzip, link, long_name, member, open, pax, tar, xz};

/// An archive: how its name ends, its bytes, and what is said of it.
pub struct Archive {
    pub ending: &'static str,
    pub bytes: Vec<u8>,
    pub said: String,
}

fn archive(ending: &'static str, bytes: Vec<u8>, said: &str) -> Archive {
    Archive { ending, bytes, said: said.to_owned() }
}

fn tarred(entries: &[Entry], said: &str) -> Archive {
    archive("tar", tar(entries), said)
}

/// What every source of the test has, so that nothing but the harm is wrong.
fn licence() -> Entry {
    file("LICENSE", "do what you like\n")
}

/// The archive that is sound.
pub fn sound() -> Vec<u8> {
    tar(&[licence(), file("app.txt", "nothing\n")])
}

/// A sound package.
fn package(data: &[u8]) -> [Vec<u8>; 3] {
    [member("debian-binary", b"2.0\n"), member("control.tar.xz", b"x"), member("data.tar", data)]
}

/// All of them.
pub fn all() -> Vec<Archive> {
    quick().into_iter().chain(endless()).collect()
}

/// Those that are small, once unpacked.
pub fn quick() -> Vec<Archive> {
    [names(), links(), kinds(), headers(), ends(), compressed(), packages()].into_iter().flatten().collect()
}

fn names() -> Vec<Archive> {
    let long = |name: &str, said: &str| tarred(&[long_name(name), file("short", "")], said);
    vec![
        tarred(&[file("../evil", "")], "entry `../evil` has `..` in its path"),
        tarred(&[file("a/../../evil", "")], "entry `a/../../evil` has `..` in its path"),
        tarred(&[file("a/..", "")], "entry `a/..` has `..` in its path"),
        tarred(&[entry(b'5', "../evil/", "")], "entry `../evil/` has `..` in its path"),
        tarred(&[pax(b'x', &[("path", "../evil")]), file("good", "")], "entry `../evil` has `..` in its path"),
        tarred(&[file("/etc/evil", "")], "entry `/etc/evil` has an absolute path"),
        long("/etc/evil", "entry `/etc/evil` has an absolute path"),
        tarred(&[file("a\nerror: b", "")], r"entry `a\nerror: b` has a control character in its name"),
        tarred(&[file("a\x1b[2Jb", "")], r"entry `a\u{1b}[2Jb` has a control character in its name"),
        tarred(&[file("a\u{9b}2Jb", "")], r"entry `a\u{9b}2Jb` has a control character in its name"),
        tarred(
            &[pax(b'x', &[("path", "a\0b")]), file("good", "")],
            r"entry `a\0b` has a control character in its name",
        ),
        long("a\0b", "there is something behind the end of a long name"),
        tarred(&[file(b"caf\xe9", "")], "entry `caf\u{fffd}` has a name that is not UTF-8"),
        long(&"n".repeat(256), "has a name that is too long"),
        long(&("name/".repeat(205) + "f"), "has a name that is too long"),
        long(&("a/".repeat(508) + "f"), "lies too deep"),
        tarred(&[file("./", "")], "entry `./` has no name"),
        tarred(&[file("a/", "x")], "entry `a/` is named like a folder but is none"),
        tarred(&[file("a", "1"), file("a", "2")], "entry `a` is there twice"),
        tarred(&[file("a", "1"), file("./a", "2")], "entry `./a` is there twice"),
        tarred(&[file("a", ""), file("a/b", "")], "entry `a/b` lies below `a`, which is a file"),
        tarred(&[file("a/b", ""), file("a", "")], "entry `a` is there twice"),
    ]
}

fn links() -> Vec<Archive> {
    let target = "a".repeat(70) + "/..";
    vec![
        tarred(&[link(b'2', "a", "/etc")], "entry `a` is a link to the absolute path `/etc`"),
        tarred(&[link(b'2', "d/a", "../../x")], "entry `d/a` is a link that leaves the tree, to `../../x`"),
        tarred(&[link(b'2', "a", "b"), file("a/evil", "")], "entry `a/evil` goes through the symbolic link `a`"),
        tarred(
            &[link(b'2', "d/e/up", "../.."), link(b'2', "out", "d/e/up/../x"), file("d/e/f", "")],
            "entry `out` is a link to `d/e/up/../x`, through the symbolic link `d/e/up`",
        ),
        tarred(&[link(b'2', "a", "")], "entry `a` is a link to ``, which is no path"),
        tarred(&[link(b'2', "a", "b\x1b[2J")], r"entry `a` is a link to `b\u{1b}[2J`, which is no path"),
        tarred(&[pax(b'x', &[("linkpath", &"a/".repeat(101))]), link(b'2', "a", "b")], "which is no path"),
        tarred(&[pax(b'x', &[("linkpath", &"a/".repeat(513))]), link(b'2', "a", "b")], "which is no path"),
        tarred(&[pax(b'x', &[("linkpath", "/etc")]), link(b'2', "a", "b")], "is a link to the absolute path `/etc`"),
        tarred(&[link(b'1', "a", "/etc/passwd")], "a hard link to `/etc/passwd`, which has an absolute path"),
        tarred(&[link(b'1', "a", "../b")], "entry `a` is a hard link to `../b`, which has `..` in its path"),
        tarred(&[link(b'1', "a", "b"), file("b", "")], "a hard link to `b`, which is not a file that came before"),
        tarred(&[link(b'2', "b", &target), link(b'1', "a", "b")], "`b`, which is not a file that came before"),
    ]
}

fn kinds() -> Vec<Archive> {
    vec![
        tarred(&[entry(b'3', "a", "")], "entry `a` is a device"),
        tarred(&[entry(b'4', "a", "")], "entry `a` is a device"),
        tarred(&[entry(b'6', "a", "")], "entry `a` is a named pipe"),
        tarred(&[entry(b'3', "a\x1b[2J", "")], r"entry `a\u{1b}[2J` is a device"),
        tarred(&[entry(b'S', "a", "")], "entry `a` is a file with holes, which is not supported"),
        tarred(&[pax(b'x', &[("GNU.sparse.major", "1")]), file("a", "")], "entry `a` is a file with holes"),
        tarred(&[entry(b'M', "a", "")], "entry `a` is of an unknown kind, 'M'"),
        tarred(&[entry(b'V', "a", "")], "entry `a` is of an unknown kind, 'V'"),
        tarred(&[entry(0x1b, "a", "")], r"entry `a` is of an unknown kind, '\u{1b}'"),
        tarred(
            &[Entry { body: b"x".to_vec(), ..link(b'2', "a", "b") }],
            "entry `a` is no file and says that it has 1 bytes",
        ),
        tarred(
            &[Entry { body: b"x".to_vec(), ..link(b'1', "a", "b") }],
            "entry `a` is no file and says that it has 1 bytes",
        ),
        tarred(&[entry(b'5', "a/", "x")], "entry `a/` is no file and says that it has 1 bytes"),
    ]
}

fn headers() -> Vec<Archive> {
    let said = |size: &[u8; 12], said: &str| tarred(&[Entry { size: Some(*size), ..file("a", "") }], said);
    let mut damaged = tar(&[file("a", "")]);
    damaged[0] = b'b';
    let broken = |text: &str| tarred(&[entry(b'x', "pax", text), file("a", "")], "one of its records is broken");
    vec![
        said(b"00000000-01\0", "entry `a` has a size that is no number"),
        said(b"+0000000001\0", "entry `a` has a size that is no number"),
        said(b"12345678\0\x1b[J", "entry `a` has a size that is no number"),
        said(b"           \0", "entry `a` has a size that is no number"),
        tarred(&[file("a", "").saying(u64::MAX)], "entry `a`: unpacked it has more than 2147483648 bytes"),
        tarred(&[file("a", "").saying(3 << 30)], "entry `a`: unpacked it has more than 2147483648 bytes"),
        archive("tar", damaged, "a header has another checksum than it says"),
        tarred(&[long_name("a"), long_name("b"), file("c", "")], "one of its entries has two long names"),
        tarred(&[long_name("a"), pax(b'x', &[("path", "b")]), file("c", "")], "entry `b` has two long names"),
        tarred(&[pax(b'x', &[]), pax(b'x', &[]), file("c", "")], "has two long headers of records"),
        tarred(&[file("a", ""), long_name("b")], "its last header belongs to no entry"),
        tarred(&[pax(b'x', &[("path", "a"), ("path", "b")]), file("c", "")], "one of its records says a name twice"),
        tarred(&[pax(b'x', &[("size", "512")]), file("a", "x")], "entry `a` has 1 bytes by one of its headers and 512"),
        tarred(&[pax(b'x', &[("size", "-1")]), file("a", "x")], "one of its records has a size that is no number"),
        broken("9 path=a"),
        broken("99999999999 path=a\n"),
        tarred(&[pax(b'g', &[("path", "../evil")]), file("a", "")], "a header for all entries says what each must say"),
    ]
}

/// More of something than fits into a memory, in a few bytes: gzip takes pieces one after another.
fn endless() -> Vec<Archive> {
    let huge = 6 << 30;
    let pieces = |start: Vec<u8>, piece: &[u8], times: usize| [gzip(&start), gzip(piece).repeat(times)].concat();
    let mebibyte = |byte: u8| vec![byte; 1 << 20];
    let claimed = |kind: u8| open(&[entry(kind, "x", "").saying(huge)]);
    let more = "no more than 4096 are read";
    let comments = open(&[pax(b'g', &[("comment", "nothing")])]).repeat(1000);
    let folders = open(&[entry(b'5', "a/", "")]).repeat(2000);
    let deep = |number: usize| open(&[long_name(format!("bulk/{number}/{}f", "d/".repeat(96))), file("x", "")]);
    let long =
        |number: usize| open(&[long_name(format!("bulk/{number:06}/{0}/{0}/{0}/{0}", "n".repeat(200))), file("x", "")]);
    let several = |count: usize, make: &dyn Fn(usize) -> Vec<u8>| {
        gzip(&[(0..count).map(make).collect::<Vec<_>>().concat(), vec![0; 1024]].concat())
    };
    vec![
        archive("tar.gz", pieces(claimed(b'L'), &mebibyte(b'a'), 6 << 10), more),
        archive("tar.gz", pieces(claimed(b'K'), &mebibyte(b'a'), 6 << 10), more),
        archive("tar.gz", pieces(claimed(b'x'), &mebibyte(b'a'), 6 << 10), "no more than 65536 are read"),
        archive("tar.gz", pieces(claimed(b'g'), &mebibyte(b'a'), 6 << 10), "no more than 65536 are read"),
        archive("tar.gz", pieces(Vec::new(), &comments, 3000), "it has more than 1000 headers for all entries"),
        archive("tar.gz", pieces(Vec::new(), &folders, 51), "it has more than 100000 entries"),
        archive("tar.gz", several(1300, &deep), "make more than 120000 names"),
        archive("tar.gz", several(9000, &long), "names have used all the memory that they may"),
        archive("tar.gz", pieces(sound(), &mebibyte(0), 64), "it goes on and on behind its end"),
        archive("tar.xz", greedy(xz(&sound())), "memory limit reached"),
    ]
}

fn ends() -> Vec<Archive> {
    let end = "a tar file ends in two blocks of zeros";
    let entries = open(&[licence()]);
    vec![
        archive("tar", entries.clone(), "the blocks that end a tar file are missing"),
        // The last bytes of the entry are zeros as well.
        archive("tar", open(&[file("a", vec![0; 4096])]), "the blocks that end a tar file are missing"),
        archive("tar", [&entries, &[0; 512][..]].concat(), end),
        archive("tar", [&entries, &[0; 1023][..]].concat(), end),
        archive("tar", [&entries, &[0; 1025][..]].concat(), end),
        archive("tar", [sound(), b"hidden".to_vec()].concat(), "there is something behind its end"),
        archive("tar", [sound(), sound()].concat(), "there is something behind its end"),
        archive("tar", [&entries, &[0; 512][..], &entries, &[0; 1024]].concat(), "there is something behind its end"),
        archive("tar", entries[..520].to_vec(), "entry `LICENSE` ends after 8 of 17 bytes"),
        archive("tar", entries[..700].to_vec(), "it is cut off in the middle of an entry"),
        archive("tar", entries[..100].to_vec(), "it ends in the middle of a header"),
        archive("tar", Vec::new(), "the blocks that end a tar file are missing"),
    ]
}

fn compressed() -> Vec<Archive> {
    let behind = |bytes: Vec<u8>| [bytes, b"hidden".to_vec()].concat();
    let mut flipped = gzip(&sound());
    let sum = flipped.len() - 8;
    flipped[sum] ^= 1;
    let broken = "it is broken or cut off: ";
    vec![
        archive("tar.gz", behind(gzip(&sound())), broken),
        archive("tar.xz", behind(xz(&sound())), broken),
        archive("tar.bz2", behind(bzip2(&sound())), broken),
        archive("tar.gz", flipped, broken),
        archive("tar.gz", sound(), broken),
        archive("tar.xz", xz(&sound())[..80].to_vec(), broken),
    ]
}

fn packages() -> Vec<Archive> {
    let [version, control, data] = package(&sound());
    let packed = |members: &[&[u8]], said: &str| {
        archive("deb", deb(&members.iter().map(|m| m.to_vec()).collect::<Vec<_>>()), said)
    };
    let long = member("data.tar", &[sound(), vec![0; 512]].concat());
    vec![
        packed(&[&version, &control, &data, &data], "there is something behind its `data.tar`"),
        packed(&[&version, &control, &data, b"hidden"], "there is something behind its `data.tar`"),
        packed(&[&version, &data], "where `control.tar` must be"),
        packed(&[&version, &data, &control], "where `control.tar` must be"),
        packed(&[&control, &data], "where `debian-binary` must be"),
        packed(&[&version, &control, &control, &data], "where `data.tar` must be"),
        packed(&[&member("debian-binary", b"3.0\n"), &control, &data], "a Debian package of another format than 2.0"),
        packed(&[&version, &control, &member("data.tar.zst", b"")], "is compressed in a way that is not supported"),
        packed(&[&version, &control, &member("data.tar\x1b[2J", b"")], r"it has `data.tar\u{1b}[2J"),
        packed(&[&version, &control, &data[..data.len() - 1]], "it is cut off: a tar file ends in two blocks of zeros"),
        packed(&[&version, &control, &long[..long.len() - 512]], "it ends in the middle of a member"),
        packed(&[&version, &control], "it has no `data.tar`"),
    ]
}
