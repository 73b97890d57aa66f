//! Downloading one archive from one URL into a file, checked while it comes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use sha2::Digest as _;
use ureq::http::header;
use url::Url;

use super::disk::DiskError;
use super::failure::Failure;
use super::http::{Answer, Client};
use crate::model::Sha256;
use crate::model::recipe::Archive;
use crate::ui::Progress;

/// After this much more a broken transfer counts as the first again: it does get on.
const GETTING_ON: u64 = 1 << 20;

/// Brings the bytes of `archive` from `url` into the file `partial`, going on from what is there. On success the
/// file has the pinned size and digest. A file whose bytes are wrong is removed; one that is incomplete stays.
pub fn download(
    client: &Client,
    url: &Url,
    archive: &Archive,
    partial: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let mut file = Partial::open(partial, archive)?;
    let result = try_often(client, url, &mut file, progress);
    if result.as_ref().is_err_and(|failure| !failure.leaves_good_bytes() || file.length == 0) {
        file.remove();
    }
    result
}

fn try_often(client: &Client, url: &Url, file: &mut Partial<'_>, progress: &Progress) -> Result<(), Failure> {
    let (mut attempt, mut furthest) = (0, file.length);
    loop {
        progress.set(file.length);
        let failure = match transfer(client, url, file, progress).and_then(|()| file.check()) {
            // Bytes from an earlier answer may be the wrong ones: one try without them.
            Err(failure) if failure.is_suspicious() && file.resumed => {
                file.restart()?;
                continue;
            }
            Err(failure) if failure.may_pass() => failure,
            result => return result,
        };
        if file.length >= furthest + GETTING_ON {
            attempt = 0;
        }
        furthest = furthest.max(file.length);
        attempt += 1;
        if attempt >= client.patience().attempts {
            return Err(Failure::GivenUp { attempts: attempt, last: failure.to_string() });
        }
        thread::sleep(client.pause(attempt, &failure));
    }
}

/// One request and its answer, from where the file ends.
fn transfer(client: &Client, url: &Url, file: &mut Partial<'_>, progress: &Progress) -> Result<(), Failure> {
    if file.archive.size == Some(file.length) {
        return Ok(());
    }
    let mut answer = client.get(url, file.length, "*/*")?;
    if file.length > 0 {
        match answer.status {
            206 if content_range(&answer)
                .is_some_and(|(first, size)| first == file.length && file.archive.may_have(size)) =>
            {
                file.resumed = true;
            }
            200 => file.restart()?,
            206 | 416 => {
                file.restart()?;
                answer = client.get(url, 0, "*/*")?;
            }
            _ => {}
        }
    }
    if answer.status != 200 && !(answer.status == 206 && file.length > 0) {
        return Err(answer.failure());
    }
    if let Some(announced) = answer.number(header::CONTENT_LENGTH) {
        let actual = file.length.saturating_add(announced);
        if !file.archive.may_have(actual) {
            return Err(Failure::Size { expected: file.archive.most(), actual });
        }
    }
    file.fill(answer.into_reader(), progress)
}

/// The first byte and the whole size that a partial answer says, from `bytes FIRST-LAST/SIZE`.
fn content_range(answer: &Answer) -> Option<(u64, u64)> {
    let text = answer.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (last.checked_add(1)? == size).then_some((first, size))
}

/// The file that the bytes go into, with the digest of those that are there.
struct Partial<'a> {
    archive: &'a Archive,
    path: PathBuf,
    file: File,
    hasher: sha2::Sha256,
    length: u64,
    /// Whether the bytes came with more than one answer.
    resumed: bool,
}

impl<'a> Partial<'a> {
    fn open(path: &Path, archive: &'a Archive) -> Result<Partial<'a>, Failure> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| DiskError::writing(path, archive.size.unwrap_or_default(), error))?;
        let hasher = sha2::Sha256::new();
        let mut partial = Partial { archive, path: path.to_owned(), file, hasher, length: 0, resumed: false };
        let there = partial.file.metadata().map_or(0, |metadata| metadata.len());
        if there > archive.most() || partial.hash_what_is_there(there).is_err() {
            partial.restart()?;
        }
        partial.resumed = partial.length > 0;
        Ok(partial)
    }

    fn hash_what_is_there(&mut self, length: u64) -> io::Result<()> {
        let mut buffer = vec![0; 128 * 1024];
        let mut there = (&self.file).take(length);
        loop {
            match there.read(&mut buffer)? {
                0 => return Ok(()),
                count => {
                    self.hasher.update(&buffer[..count]);
                    self.length += count as u64;
                }
            }
        }
    }

    /// Forgets what is there.
    fn restart(&mut self) -> Result<(), Failure> {
        let cut = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.set_len(0));
        cut.map_err(|error| self.disk(error))?;
        self.hasher = sha2::Sha256::new();
        (self.length, self.resumed) = (0, false);
        Ok(())
    }

    fn fill(&mut self, mut reader: impl Read, progress: &Progress) -> Result<(), Failure> {
        let size = self.archive.most();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) if !self.archive.may_have(self.length) => {
                    return Err(Failure::Transfer(format!("it ended after {} of {size} bytes", self.length)));
                }
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let why = format!("it ended after {} of {size} bytes: {}", self.length, lower(&error.to_string()));
                    return Err(Failure::Transfer(why));
                }
            };
            if self.length + count as u64 > size {
                return Err(Failure::TooLong { expected: size });
            }
            self.file.write_all(&buffer[..count]).map_err(|error| self.disk(error))?;
            self.hasher.update(&buffer[..count]);
            self.length += count as u64;
            progress.advance(count as u64);
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let expected = self.archive.sha256;
        let actual = Sha256::from_bytes(self.hasher.clone().finalize().into());
        if actual == expected { Ok(()) } else { Err(Failure::Mismatch { expected, actual }) }
    }

    /// Nothing depends on its being gone: whoever comes next hashes it again.
    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn disk(&self, error: io::Error) -> Failure {
        DiskError::writing(&self.path, self.archive.most() - self.length, error).into()
    }
}

/// Libraries begin their messages with a capital.
fn lower(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// Copies a file of this machine into the file `partial`, checked like a download.
pub fn copy(from: &Path, archive: &Archive, partial: &Path, progress: &Progress) -> Result<(), Failure> {
    let unreadable = |error: io::Error| Failure::Unreadable(format!("it cannot be read: {error}"));
    let source = File::open(from).map_err(unreadable)?;
    let actual = source.metadata().map_err(unreadable)?.len();
    if !archive.may_have(actual) {
        return Err(Failure::Size { expected: archive.most(), actual });
    }
    let mut file = Partial::open(partial, archive)?;
    if file.length > 0 {
        file.restart()?;
    }
    let copied = file.fill(source, progress).and_then(|()| file.check());
    if copied.is_err() {
        file.remove();
    }
    copied
}
