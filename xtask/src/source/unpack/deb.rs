//! Debian's binary packages: an `ar` archive with a tar file of what is installed.

use std::io::{self, Read};

use anyhow::{Context as _, bail};

use super::{Compression, Format};

/// What every `ar` archive begins with.
const MAGIC: &[u8; 8] = b"!<arch>\n";
/// One member's header: name, times, owner, mode, size and an end mark, all as text.
const HEADER: usize = 60;
/// Where the size stands in it.
const SIZE: std::ops::Range<usize> = 48..58;

/// Leaves `reader` at the beginning of `data.tar.*`; its compression and its bytes.
pub fn data(mut reader: impl Read) -> anyhow::Result<(Compression, impl Read)> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).context("it ends before it begins")?;
    if magic != *MAGIC {
        bail!("it is not a Debian package");
    }
    loop {
        let mut header = [0; HEADER];
        reader.read_exact(&mut header).context("it has no `data.tar`")?;
        let size = std::str::from_utf8(&header[SIZE]).ok().and_then(|text| text.trim_end().parse::<u64>().ok());
        let (Some(size), b"`\n") = (size, &header[58..]) else {
            bail!("one of its members has a broken header");
        };
        let name = String::from_utf8_lossy(&header[..16]).trim_end().trim_end_matches('/').to_owned();
        if name.starts_with("data.tar") {
            return match Format::of(&name) {
                Format::Tar(compression) => Ok((compression, reader.take(size))),
                _ => bail!("`{name}` is compressed in a way that is not supported"),
            };
        }
        // Members begin at even places.
        let skipped = size + size % 2;
        if io::copy(&mut reader.by_ref().take(skipped), &mut io::sink())? != skipped {
            bail!("it ends in the middle of `{name}`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, bytes: &str) -> String {
        let even = if bytes.len() % 2 == 1 { "\n" } else { "" };
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{bytes}{even}", 0, 0, 0, "100644", bytes.len())
    }

    fn read(archive: &str) -> Result<(Compression, String), String> {
        let (compression, mut reader) = data(archive.as_bytes()).map_err(|error| error.to_string())?;
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok((compression, text))
    }

    #[test]
    fn finds_the_data_and_no_more() {
        let archive = [
            "!<arch>\n",
            &member("debian-binary", "2.0"),
            &member("control.tar.xz", "control"),
            &member("data.tar.xz/", "data!"),
            &member("extra", "more"),
        ]
        .concat();
        assert_eq!(read(&archive), Ok((Compression::Xz, "data!".to_owned())));
    }

    #[test]
    fn refuses_what_is_broken() {
        let whole = ["!<arch>\n", &member("debian-binary", "2.0\n")].concat();
        for (archive, message) in [
            ("", "it ends before it begins"),
            ("!<arch>?", "it is not a Debian package"),
            (&whole[..], "it has no `data.tar`"),
            (&whole[..whole.len() - 1], "it ends in the middle of `debian-binary`"),
            (&whole.replace("`\n", "  "), "one of its members has a broken header"),
            (
                &[&whole, &member("data.tar.zst", "")[..]].concat(),
                "`data.tar.zst` is compressed in a way that is not supported",
            ),
        ] {
            assert_eq!(read(archive), Err(message.to_owned()));
        }
    }
}
