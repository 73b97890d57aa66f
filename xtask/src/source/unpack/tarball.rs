//! Tar files.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use anyhow::{Context as _, bail};
use tar::EntryType;

use super::landing::Landing;
use super::name::Kind;

/// A tar file ends in blocks of zeros of this size.
const BLOCK: u64 = 512;

/// Unpacks an uncompressed tar stream, and makes sure that it ends where the archive does.
pub(super) fn unpack(reader: impl Read, landing: &mut Landing<'_>) -> anyhow::Result<()> {
    let seen = Rc::new(Seen::default());
    let mut archive = tar::Archive::new(Watched { inner: reader, seen: Rc::clone(&seen) });
    for entry in archive.entries().context("it is not a tar file")? {
        let mut entry = entry.context("it is broken or cut off")?;
        let raw = entry.path_bytes().into_owned();
        let shown = String::from_utf8_lossy(&raw).into_owned();
        let (kind, size) = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => (Kind::File, entry.size()),
            EntryType::Link => (Kind::File, 0),
            EntryType::Symlink => (Kind::Link, 0),
            EntryType::Directory => (Kind::Folder, 0),
            // The comment that git puts in front, for example.
            EntryType::XGlobalHeader => continue,
            EntryType::Char | EntryType::Block => bail!("entry `{shown}` is a device"),
            EntryType::Fifo => bail!("entry `{shown}` is a named pipe"),
            other => bail!("entry `{shown}` is of an unknown kind, {:?}", char::from(other.as_byte())),
        };
        let Some(path) = landing.admit(&raw, kind, size)? else { continue };
        let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        match (kind, entry.header().entry_type()) {
            (Kind::Link, _) => landing.link(&path, &target)?,
            (_, EntryType::Link) => landing.hard_link(&path, &target)?,
            _ => {
                let mode = entry.header().mode().with_context(|| format!("entry `{shown}` has no mode"))?;
                landing.file(&path, mode & 0o111 != 0, size, &mut entry)?;
            }
        }
    }
    // Reading on to the end makes the decoder check its sums, and finds what hides behind the archive.
    let mut rest = archive.into_inner();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match rest.read(&mut buffer).context("it is broken or cut off")? {
            0 => break,
            count if buffer[..count].iter().any(|byte| *byte != 0) => bail!("there is something behind its end"),
            _ => {}
        }
    }
    if seen.zeros.get() < BLOCK || seen.bytes.get() % BLOCK != 0 {
        bail!("it is cut off: the blocks that end a tar file are missing");
    }
    Ok(())
}

/// How much of a stream has been read, and how many zeros that ends in.
#[derive(Debug, Default)]
struct Seen {
    bytes: Cell<u64>,
    zeros: Cell<u64>,
}

/// A stream that is watched: the tar crate takes the end of the stream for the end of the archive.
struct Watched<R> {
    inner: R,
    seen: Rc<Seen>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let trailing = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        let before = if trailing == count { self.seen.zeros.get() } else { 0 };
        self.seen.zeros.set(before + trailing as u64);
        self.seen.bytes.set(self.seen.bytes.get() + count as u64);
        Ok(count)
    }
}
