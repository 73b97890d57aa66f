//! A zip writer whose output depends on nothing but paths, permissions and bytes.
//!
//! The format is small and is written here in full, because the `zip` crate
//! neither takes data that is compressed already, which libdeflate's is (a
//! 20 MB program: 6.45 MB, against 6.70 with zlib at level 9), nor promises
//! the same bytes from its next release. Every field is fixed:
//!
//! - entries are files only, in the order of the bytes of their paths. Folders
//!   have no entry of their own: all unpackers make them, and a folder's mode
//!   would be one more thing to get wrong;
//! - times are 1980-01-01 00:00:00, the first that DOS can tell;
//! - made by Unix, regular files, mode 0644 or 0755; names flagged as UTF-8;
//! - no extra fields, no comments, no data descriptors, no zip64;
//! - deflated at level 12, or stored where that is not smaller.
//!
//! The bytes also depend on the release of libdeflate, so `Cargo.toml` pins it
//! exactly, and on nothing else of it: its matches and costs are integers, the
//! same on every processor. A test below holds the digest of a whole zip.

use std::io::Write;
use std::num::NonZeroUsize;

use anyhow::{Context as _, Result, anyhow, ensure};
use sha2::Digest as _;

use super::deflate::{Entry, compress_all};
use super::file::PackedFile;
use super::path::PathSet;
use crate::model::Sha256;

/// 1980-01-01 as DOS writes it: seven bits of years since 1980, four of month, five of day.
const DATE: u16 = 1 << 5 | 1;
/// 00:00:00.
const TIME: u16 = 0;
/// "Language encoding flag": the name is UTF-8.
const UTF8: u16 = 1 << 11;
/// Version 2.0 of the format, the first with deflate.
const NEEDED: u16 = 20;
/// The same, written on Unix: the upper half of the external attributes is a `st_mode`.
const MADE_BY: u16 = 3 << 8 | NEEDED;
/// `S_IFREG` of a `st_mode`.
const REGULAR: u32 = 0o100_000;
/// A record's length without names: local header, central header, end of the central directory.
const LOCAL: usize = 30;
const CENTRAL: usize = 46;
const END: usize = 22;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub size: u64,
    /// The digest of all of them.
    pub sha256: Sha256,
}

/// Writes a zip of `files`, compressing on as many threads as given. Neither the order of `files`
/// nor the number of threads shows in the bytes.
///
/// # Errors
/// If two paths clash, a file cannot be read or has changed, the zip would need zip64, or `out` fails.
pub fn write(files: &[PackedFile], threads: NonZeroUsize, out: &mut dyn Write) -> Result<Written> {
    let mut files: Vec<&PackedFile> = files.iter().collect();
    files.sort_by_key(|file| file.path());
    let mut paths = PathSet::default();
    files.iter().try_for_each(|file| paths.insert(file.path()))?;
    let count = entry_count(files.len())?;
    for file in &files {
        field(file.size()).with_context(|| format!("`{}`", file.path()))?;
    }

    let mut out = Tee { out, size: 0, hasher: sha2::Sha256::new() };
    let mut central = Vec::new();
    for (file, entry) in files.iter().zip(compress_all(&files, threads)) {
        let entry = entry.with_context(|| format!("cannot pack `{}`", file.path()))?;
        let offset = field(out.size)?;
        out.write_all(&local_header(file, &entry)?)?;
        out.write_all(&entry.data)?;
        central.extend(central_header(file, &entry, offset)?);
    }
    let start = field(out.size)?;
    out.write_all(&central)?;
    out.write_all(&end(count, field(central.len() as u64)?, start))?;
    out.flush()?;
    Ok(Written { size: out.size, sha256: Sha256::from_bytes(out.hasher.finalize().into()) })
}

/// What the local and the central header of a file have in common, from "version needed" to the
/// length of the extra fields.
fn common(file: &PackedFile, entry: &Entry) -> Result<Vec<u8>> {
    let name = u16::try_from(file.path().as_str().len())?;
    let mut bytes = Vec::new();
    for half in [NEEDED, UTF8, entry.method, TIME, DATE] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [entry.crc32, field(entry.data.len() as u64)?, field(file.size())?] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(name.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    Ok(bytes)
}

fn local_header(file: &PackedFile, entry: &Entry) -> Result<Vec<u8>> {
    let mut header = Vec::with_capacity(LOCAL + file.path().as_str().len());
    header.extend(b"PK\x03\x04");
    header.extend(common(file, entry)?);
    header.extend(file.path().as_str().bytes());
    Ok(header)
}

fn central_header(file: &PackedFile, entry: &Entry, offset: u32) -> Result<Vec<u8>> {
    let mut header = Vec::with_capacity(CENTRAL + file.path().as_str().len());
    header.extend(b"PK\x01\x02");
    header.extend(MADE_BY.to_le_bytes());
    header.extend(common(file, entry)?);
    // No comment, the first disk, no internal attributes.
    header.extend([0; 6]);
    header.extend(((REGULAR | file.mode().bits()) << 16).to_le_bytes());
    header.extend(offset.to_le_bytes());
    header.extend(file.path().as_str().bytes());
    Ok(header)
}

fn end(count: u16, size: u32, start: u32) -> Vec<u8> {
    let mut record = Vec::with_capacity(END);
    record.extend(b"PK\x05\x06");
    // This is the only disk.
    record.extend([0; 4]);
    for half in [count, count] {
        record.extend(half.to_le_bytes());
    }
    for word in [size, start] {
        record.extend(word.to_le_bytes());
    }
    record.extend(0_u16.to_le_bytes());
    record
}

/// A size or an offset. The largest value means "look in the zip64 field", so it is refused as well.
fn field(value: u64) -> Result<u32> {
    match u32::try_from(value) {
        Ok(value) if value != u32::MAX => Ok(value),
        _ => Err(anyhow!("{value} bytes need zip64, which not every unpacker reads: leave something out")),
    }
}

/// The number of entries, with the same exception.
fn entry_count(count: usize) -> Result<u16> {
    let limit = usize::from(u16::MAX);
    ensure!(count < limit, "{count} files need zip64, which not every unpacker reads: pack fewer than {limit}");
    Ok(u16::try_from(count)?)
}

/// Counts and hashes what goes out.
struct Tee<'a> {
    out: &'a mut dyn Write,
    size: u64,
    hasher: sha2::Sha256,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.size += count as u64;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::sample;
    use super::*;

    fn zipped(files: &[PackedFile], threads: usize) -> (Vec<u8>, Written) {
        let mut bytes = Vec::new();
        let threads = NonZeroUsize::new(threads).expect("not zero");
        let written = write(files, threads, &mut bytes).expect("written");
        (bytes, written)
    }

    /// A change of this digest changes the bytes of every layer: it belongs to a change of the
    /// format or of libdeflate that is meant, and all digests in `layers/` change with it.
    #[test]
    fn the_bytes_are_these() {
        let (bytes, written) = zipped(&sample::files(), 2);
        assert_eq!(written, Written { size: bytes.len() as u64, sha256: Sha256::of(&bytes) });
        assert_eq!(written.sha256.to_string(), "ec828298f269aad36ac225d195f57ba9c28c471fbbc9e2a5295307a4aaefdada");
    }

    #[test]
    fn neither_order_nor_threads_show() {
        let mut files = sample::files();
        let (expected, _) = zipped(&files, 1);
        for turn in 1..4 {
            files.rotate_left(turn);
            files.swap(0, turn);
            for threads in [1, 4, 99] {
                assert!(zipped(&files, threads).0 == expected, "turn {turn}, {threads} threads");
            }
        }
    }

    #[test]
    fn an_empty_set_is_an_empty_zip() {
        let (bytes, _) = zipped(&[], 4);
        assert_eq!(bytes.len(), END);
    }

    #[test]
    fn mode_and_path_and_bytes_show() {
        use super::super::file::Mode;
        let of = |path: &str, mode, bytes: &str| {
            let file = PackedFile::from_bytes(path.parse().expect("a path"), mode, None, bytes.into());
            zipped(&[file], 1).1.sha256
        };
        let one = of("a", Mode::Plain, "x");
        assert_ne!(one, of("b", Mode::Plain, "x"));
        assert_ne!(one, of("a", Mode::Executable, "x"));
        assert_ne!(one, of("a", Mode::Plain, "y"));
    }

    #[test]
    fn paths_that_clash_are_refused() {
        let mut files = sample::files();
        files.push(sample::file("BIN/tool", b"other"));
        let error = write(&files, NonZeroUsize::MIN, &mut Vec::new()).expect_err("refused").to_string();
        assert!(error.contains("differ only in case"), "{error}");
        let twice = [sample::file("a", b"1"), sample::file("a", b"2")];
        let error = write(&twice, NonZeroUsize::MIN, &mut Vec::new()).expect_err("refused").to_string();
        assert_eq!(error, "two files want the path `a`: keep one of them");
    }

    #[test]
    fn what_needs_zip64_is_refused() {
        assert_eq!(field(u64::from(u32::MAX) - 1).expect("fits"), u32::MAX - 1);
        for value in [u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let error = field(value).expect_err("refused").to_string();
            assert_eq!(error, format!("{value} bytes need zip64, which not every unpacker reads: leave something out"));
        }
        assert_eq!(entry_count(65_534).expect("fits"), 65_534);
        for count in [65_535, 65_536] {
            let error = entry_count(count).expect_err("refused").to_string();
            assert!(error.starts_with(&format!("{count} files need zip64")), "{error}");
        }
    }

    /// Takes so many bytes and is full then.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::from_raw_os_error(28));
            }
            let count = bytes.len().min(self.0);
            self.0 -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error_at_every_byte() {
        let files = [sample::file("a", b"some text"), sample::file("b", b"")];
        let whole = zipped(&files, 1).0.len();
        for room in 0..whole {
            let error = write(&files, NonZeroUsize::MIN, &mut Full(room)).expect_err("full");
            let cause = error.root_cause().downcast_ref::<io::Error>().expect("an I/O error");
            assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
        }
        write(&files, NonZeroUsize::MIN, &mut Full(whole)).expect("enough");
    }
}
