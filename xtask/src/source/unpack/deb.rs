//! Debian's binary packages: an `ar` archive with a tar file of what is installed.

use std::io::{self, Read};

use anyhow::{Context as _, bail};

use super::{Compression, Format};
use crate::archive::name::shown;

/// What every `ar` archive begins with.
const MAGIC: &[u8; 8] = b"!<arch>\n";
/// One member's header: name, times, owner, mode, size and an end mark, all as text.
const HEADER: usize = 60;
/// Where the size stands in it.
const SIZE: std::ops::Range<usize> = 48..58;

/// What the first member says: the version of the format, of which only the part behind the dot may change.
const VERSION: &str = "2.";
/// That member is a short line.
const LONGEST_VERSION: u64 = 64;

/// Shows the bytes of `data.tar.*` and their compression to `unpack`, which must read them to their end.
///
/// A package has three members in a fixed order (`deb(5)`), and must have no other: programs differ in which of two
/// members of the same name they take.
pub fn read(
    mut reader: impl Read,
    unpack: &mut dyn FnMut(Compression, &mut dyn Read) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).context("it ends before it begins")?;
    if magic != *MAGIC {
        bail!("it is not a Debian package");
    }
    let size = member(&mut reader, "debian-binary")?.1;
    let mut version = String::new();
    let version_size = reader.by_ref().take(size.min(LONGEST_VERSION)).read_to_string(&mut version);
    if version_size.is_ok_and(|read| (read as u64) < size) || !version.starts_with(VERSION) {
        bail!("it is a Debian package of another format than 2.0, or ends in the middle of `debian-binary`");
    }
    end_member(&mut reader, size, size)?;
    let size = member(&mut reader, "control.tar")?.1;
    let skipped = io::copy(&mut reader.by_ref().take(size), &mut io::sink())?;
    end_member(&mut reader, size, skipped)?;
    let (name, size) = member(&mut reader, "data.tar")?;
    let Format::Tar(compression) = Format::of(&name) else {
        bail!("`{name}` is compressed in a way that is not supported");
    };
    let mut data = reader.by_ref().take(size);
    unpack(compression, &mut data)?;
    let left = data.limit();
    end_member(&mut reader, size, size - left)?;
    let mut more = [0];
    match reader.read(&mut more)? {
        0 => Ok(()),
        _ => bail!("there is something behind its `{name}`"),
    }
}

/// The name and the size of the next member, which must be called `expected`, perhaps with the end of its compression.
fn member(reader: &mut impl Read, expected: &str) -> anyhow::Result<(String, u64)> {
    let mut header = [0; HEADER];
    reader.read_exact(&mut header).with_context(|| format!("it has no `{expected}`"))?;
    let field = |range: std::ops::Range<usize>| str::from_utf8(&header[range]).ok().map(str::trim_end);
    let size = field(SIZE).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(Ok(size)), b"`\n") = (size.map(str::parse::<u64>), &header[58..]) else {
        bail!("one of its members has a broken header");
    };
    let name = field(0..16).map(|name| name.strip_suffix('/').unwrap_or(name)).unwrap_or_default();
    let ending = name.strip_prefix(expected);
    if !ending.is_some_and(|ending| ending.is_empty() || (expected.ends_with(".tar") && ending.starts_with('.'))) {
        bail!("it has `{}` where `{expected}` must be", shown(&header[..16]));
    }
    Ok((name.to_owned(), size))
}

/// Members begin at even places; a line break fills the gap.
fn end_member(reader: &mut impl Read, size: u64, read: u64) -> anyhow::Result<()> {
    let mut gap = [0];
    let gap = &mut gap[..usize::from(size % 2 == 1)];
    if read < size || reader.read_exact(gap).is_err() {
        bail!("it ends in the middle of a member");
    }
    if gap.iter().any(|byte| *byte != b'\n') {
        bail!("there is something between its members");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, bytes: &str) -> String {
        let even = if bytes.len() % 2 == 1 { "\n" } else { "" };
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{bytes}{even}", 0, 0, 0, "100644", bytes.len())
    }

    fn read(archive: &str) -> Result<(Compression, String), String> {
        let mut found = None;
        let unpacked = super::read(archive.as_bytes(), &mut |compression, data| {
            let mut text = String::new();
            data.read_to_string(&mut text)?;
            found = Some((compression, text));
            Ok(())
        });
        unpacked.map_err(|error| error.to_string())?;
        Ok(found.expect("the data was shown"))
    }

    #[test]
    fn finds_the_data() {
        for (version, data) in [("2.0\n", "data!"), ("2.1", "data")] {
            let members =
                [member("debian-binary", version), member("control.tar.xz/", "x"), member("data.tar.xz/", data)];
            let archive = format!("!<arch>\n{}", members.concat());
            assert_eq!(read(&archive), Ok((Compression::Xz, data.to_owned())));
        }
        let plain = format!(
            "!<arch>\n{}{}{}",
            member("debian-binary", "2.0\n"),
            member("control.tar", ""),
            member("data.tar", "x")
        );
        assert_eq!(read(&plain), Ok((Compression::None, "x".to_owned())));
    }

    #[test]
    fn refuses_what_is_broken_or_has_more() {
        let start = ["!<arch>\n", &member("debian-binary", "2.0\n")].concat();
        let control = [&start, &member("control.tar.xz", "")[..]].concat();
        let whole = [&control, &member("data.tar.xz", "x")[..]].concat();
        for (archive, message) in [
            ("", "it ends before it begins"),
            ("!<arch>?", "it is not a Debian package"),
            (&start[..], "it has no `control.tar`"),
            (&control, "it has no `data.tar`"),
            (
                &start[..start.len() - 1],
                "it is a Debian package of another format than 2.0, or ends in the middle of `debian-binary`",
            ),
            (
                &start.replace("2.0", "3.0"),
                "it is a Debian package of another format than 2.0, or ends in the middle of `debian-binary`",
            ),
            (&start.replace("`\n", "  "), "one of its members has a broken header"),
            (&start.replace("4         `", "+4        `"), "one of its members has a broken header"),
            (&whole[..whole.len() - 1], "it ends in the middle of a member"),
            (&[&whole[..whole.len() - 1], "?"].concat(), "there is something between its members"),
            (&[&whole, &member("data.tar.xz", "y")[..]].concat(), "there is something behind its `data.tar.xz`"),
            (&[&whole, " "].concat(), "there is something behind its `data.tar.xz`"),
            (
                &[&start, &member("data.tar.xz", "x")[..]].concat(),
                "it has `data.tar.xz     ` where `control.tar` must be",
            ),
            (
                &[&control, &member("data.tar2\x1b[2J", "x")[..]].concat(),
                "it has `data.tar2\\u{1b}[2J   ` where `data.tar` must be",
            ),
            (
                &[&control, &member("data.tar.zst", "")[..]].concat(),
                "`data.tar.zst` is compressed in a way that is not supported",
            ),
        ] {
            assert_eq!(read(archive), Err(message.to_owned()), "{archive}");
        }
    }
}
