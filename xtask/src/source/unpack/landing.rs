//! Landing: the only code that writes entries, and the checks that every entry passes before.

use std::collections::HashSet;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use super::Limits;
use super::selection::Selection;
use crate::archive::name::{Kind, Names, Room, clean, follow, is_target, parents, shown};
use crate::source::disk;

/// The time of every file and folder: 1980-01-02, as zip files know nothing before 1980-01-01 in any
/// time zone. That all are equal keeps make from running what generates files that the archive holds.
const TIME: Duration = Duration::from_secs(315_619_200);

/// A tree that is being written.
#[derive(Debug)]
pub(super) struct Landing<'a> {
    into: &'a Path,
    selection: Selection,
    limits: Limits,
    names: Names,
    made: HashSet<String>,
    folders: Vec<PathBuf>,
    links: Vec<(String, String)>,
    entries: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl<'a> Landing<'a> {
    /// Begins to write into an empty folder.
    pub fn new(into: &'a Path, selection: Selection, limits: Limits) -> Landing<'a> {
        Landing {
            into,
            selection,
            limits,
            names: Names::new(Room { names: limits.names, bytes: limits.name_bytes }),
            made: HashSet::new(),
            folders: Vec::new(),
            links: Vec::new(),
            entries: 0,
            bytes: 0,
            buffer: vec![0; 128 * 1024],
        }
    }

    /// Checks an entry's name and what it adds in `bytes`, wanted or not. Gives its path in the tree if it is wanted.
    pub fn admit(&mut self, raw: &[u8], kind: Kind, bytes: u64) -> anyhow::Result<Option<String>> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.entries > self.limits.entries {
            bail!("it has more than {} entries", self.limits.entries);
        }
        let shown = shown(raw);
        if self.bytes > self.limits.bytes {
            bail!("entry `{shown}`: unpacked it has more than {} bytes", self.limits.bytes);
        }
        let entry = match clean(raw) {
            Ok(entry) => entry,
            Err(why) => bail!("entry `{shown}` {why}"),
        };
        if entry.is_empty() {
            if kind != Kind::Folder {
                bail!("entry `{shown}` has no name");
            }
            return Ok(None);
        }
        if let Err(why) = self.names.add(&entry, kind) {
            bail!("entry `{shown}` {why}");
        }
        // Folders are made for what lies in them, so that empty ones, which a tree does not count, do not appear.
        Ok(self.selection.path_in_tree(&entry).filter(|_| kind != Kind::Folder))
    }

    /// Writes a file of exactly `size` bytes.
    pub fn file(&mut self, path: &str, executable: bool, size: u64, reader: &mut dyn Read) -> anyhow::Result<()> {
        let full = self.make_parents(path)?;
        let disk = |error| disk::DiskError::writing(&full, size, error);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&full).map_err(disk)?;
        let mut written = 0;
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).with_context(|| format!("entry `{path}` cannot be read")),
            };
            if count == 0 {
                break;
            }
            written += count as u64;
            if written > size {
                bail!("entry `{path}` has more than the {size} bytes it says");
            }
            file.write_all(&self.buffer[..count]).map_err(disk)?;
        }
        if written < size {
            bail!("entry `{path}` ends after {written} of {size} bytes");
        }
        let executable = self.selection.makes_executable(path) || executable;
        let mode = if executable { 0o755 } else { 0o644 };
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(disk)?;
        set_time(&file).map_err(disk)?;
        Ok(())
    }

    /// Remembers a symbolic link. All are checked and made at the end, so that nothing is ever written through one.
    pub fn link(&mut self, path: &str, target: &[u8]) -> anyhow::Result<()> {
        let Some(target) = std::str::from_utf8(target).ok().filter(|target| is_target(target)) else {
            bail!("entry `{path}` is a link to `{}`, which is no path", shown(target));
        };
        if let Err(why) = self.names.charge(path.len() + target.len()) {
            bail!("entry `{path}` {why}");
        }
        self.links.push((path.to_owned(), target.to_owned()));
        Ok(())
    }

    /// Writes a hard link as a copy of the file it names, which must have come before and be part of the tree.
    pub fn hard_link(&mut self, path: &str, target: &[u8]) -> anyhow::Result<()> {
        let shown = shown(target);
        let entry = match clean(target) {
            Ok(entry) => entry,
            Err(why) => bail!("entry `{path}` is a hard link to `{shown}`, which {why}"),
        };
        if self.names.get(&entry) != Some(Kind::File) {
            bail!("entry `{path}` is a hard link to `{shown}`, which is not a file that came before");
        }
        let Some(original) = self.selection.path_in_tree(&entry).map(|original| self.into.join(original)) else {
            bail!("entry `{path}` is a hard link to `{shown}`, which is not part of the tree");
        };
        let mut file = File::open(&original).with_context(|| format!("cannot open `{}`", original.display()))?;
        let metadata = file.metadata().with_context(|| format!("cannot read `{}`", original.display()))?;
        self.bytes = self.bytes.saturating_add(metadata.len());
        if self.bytes > self.limits.bytes {
            bail!("entry `{path}`: unpacked it has more than {} bytes", self.limits.bytes);
        }
        self.file(path, metadata.permissions().mode() & 0o111 != 0, metadata.len(), &mut file)
    }

    /// Makes the links, sets the times of folders, and checks that the patterns have met what they name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let root = self.selection.root().to_owned();
        if !root.is_empty() && self.names.get(&root) != Some(Kind::Folder) {
            bail!("it has no folder `{root}`; at its top there is {}", listed(&self.names.top()));
        }
        if let Some((key, pattern)) = self.selection.unused() {
            bail!("`{key}` names `{pattern}`, which matches nothing in it");
        }
        for (path, target) in std::mem::take(&mut self.links) {
            self.check_link(&root, &path, &target)?;
            let full = self.make_parents(&path)?;
            let disk = |error| disk::DiskError::writing(&full, 0, error);
            symlink(&target, &full).map_err(disk)?;
            set_link_time(&full).map_err(disk)?;
        }
        // The deepest first, as what is written into a folder changes its time.
        for folder in self.folders.iter().rev().map(PathBuf::as_path).chain([self.into]) {
            let set = File::open(folder).and_then(|opened| {
                opened.set_permissions(fs::Permissions::from_mode(0o755))?;
                set_time(&opened)
            });
            set.map_err(|error| disk::DiskError::writing(folder, 0, error))?;
        }
        Ok(())
    }

    fn check_link(&self, root: &str, path: &str, target: &str) -> anyhow::Result<()> {
        // Its end may be a link, which is checked by itself; before the end, `..` would mean something else there.
        let mut is_no_link = |place: &str| {
            let kind = if root.is_empty() { self.names.get(place) } else { self.names.get(&format!("{root}/{place}")) };
            match kind {
                Some(Kind::Link) => Err(format!("is a link to `{target}`, through the symbolic link `{place}`")),
                _ => Ok(()),
            }
        };
        match follow(path, target, &mut is_no_link) {
            Ok(()) => Ok(()),
            Err(why) => bail!("entry `{path}` {why}"),
        }
    }

    fn make_parents(&mut self, path: &str) -> anyhow::Result<PathBuf> {
        // Where a folder is made, all above it are.
        let missing: Vec<&str> = parents(path).rev().take_while(|parent| !self.made.contains(*parent)).collect();
        for parent in missing.into_iter().rev() {
            let folder = self.into.join(parent);
            fs::create_dir(&folder).map_err(|error| disk::DiskError::writing(&folder, 0, error))?;
            self.folders.push(folder);
            self.made.insert(parent.to_owned());
        }
        Ok(self.into.join(path))
    }
}

fn set_time(file: &File) -> io::Result<()> {
    let time = SystemTime::UNIX_EPOCH + TIME;
    file.set_times(FileTimes::new().set_accessed(time).set_modified(time))
}

fn set_link_time(path: &Path) -> io::Result<()> {
    let time = rustix::fs::Timespec { tv_sec: TIME.as_secs().cast_signed(), tv_nsec: 0 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

fn listed(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        count if count > first.len() => format!("{} and {} more", first.join(", "), count - first.len()),
        _ => first.join(", "),
    }
}
