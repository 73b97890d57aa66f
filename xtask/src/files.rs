//! What we do to files and folders in more than one place.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Copies a folder with all that is in it, so that the copy can be changed.
pub fn duplicate(from: &Path, to: &Path) -> Result<()> {
    copy_entry(from, to, false).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Copies a file, or a folder with all that is in it. A link that is named is followed, links in a folder stay links. Files are hard links of
/// each other where the file system allows it, so neither may be changed in place afterwards.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = || -> io::Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        copy_entry(&from.canonicalize()?, to, true)
    };
    copied().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Copies one file to a place whose folder is made if it is not there. The copy can be changed.
pub fn duplicate_file(from: &Path, to: &Path) -> Result<()> {
    let copied = || -> io::Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(from, to).map(drop)
    };
    copied().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Holds a folder for oneself, among those who ask by this, until the returned file is dropped or the process ends. To be
/// held while a file in it is read, changed and written, or two that belong together are.
pub fn lock_folder(folder: &Path) -> Result<fs::File> {
    let held = fs::File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
    held.with_context(|| format!("cannot lock the folder {}", folder.display()))
}

/// Whether `path` still leads to the file or folder that was opened by it.
pub fn is_at(opened: &fs::File, path: &Path) -> bool {
    let same = |(one, other): (fs::Metadata, fs::Metadata)| (one.dev(), one.ino()) == (other.dev(), other.ino());
    opened.metadata().ok().zip(fs::symlink_metadata(path).ok()).is_some_and(same)
}

/// From now on, no file or folder that this process or its children make can be written by everybody, whatever umask
/// the caller has: the cache holds what is run and packed later.
pub fn keep_others_out() {
    use rustix::fs::Mode;
    use rustix::process::umask;
    let before = umask(Mode::all());
    umask(before | Mode::WOTH);
}

/// Lets everybody pass through a folder, to what they know is in it.
pub fn let_pass(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))
        .with_context(|| format!("cannot set the mode of {}", folder.display()))
}

/// Makes a folder and all that is in it the property of a user and the group of the same number.
pub fn give_to(folder: &Path, user: u32) -> Result<()> {
    give_entry(folder, user).with_context(|| format!("cannot give {} to user {user}", folder.display()))
}

fn give_entry(path: &Path, user: u32) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user), Some(user))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_entry(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// Makes the entries of every folder below `folder` anew, so that a file system that lists them in the order in which
/// they were made, or backwards, lists them in another. Times stay.
pub fn reverse_entries(folder: &Path) -> Result<()> {
    reverse_entry(folder).with_context(|| format!("cannot reorder {}", folder.display()))
}

fn reverse_entry(folder: &Path) -> io::Result<()> {
    let list =
        || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
    let times = fs::FileTimes::new().set_modified(fs::metadata(folder)?.modified()?);
    let names = list()?;
    let reversed = names.iter().rev().cloned().collect::<Vec<_>>();
    for order in [&names, &reversed] {
        if list()? != names {
            break;
        }
        let aside = tempfile::tempdir_in(folder.parent().unwrap_or(folder))?;
        for name in order {
            fs::rename(folder.join(name), aside.path().join(name))?;
        }
        for name in order {
            fs::rename(aside.path().join(name), folder.join(name))?;
        }
    }
    for path in names.iter().map(|name| folder.join(name)) {
        if fs::symlink_metadata(&path)?.is_dir() {
            reverse_entry(&path)?;
        }
    }
    fs::File::open(folder)?.set_times(times)
}

fn copy_entry(from: &Path, to: &Path, linked: bool) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else if kind.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_entry(&entry.path(), &to.join(entry.file_name()), linked)?;
        }
        Ok(())
    } else if to.symlink_metadata().is_ok() {
        // It may be a hard link of a file elsewhere, which must not change.
        Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there already", to.display())))
    } else if linked && fs::hard_link(from, to).is_ok() {
        Ok(())
    } else {
        fs::copy(from, to).map(drop)
    }
}

/// Gives every file below `folder` mode 0755 if somebody may run it and 0644 otherwise, and every
/// folder 0755, so that no umask shows.
pub fn normalize(folder: &Path) -> Result<()> {
    normalize_entry(folder).with_context(|| format!("cannot set the modes below {}", folder.display()))
}

fn normalize_entry(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = if metadata.is_dir() || metadata.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
    if metadata.permissions().mode() & 0o7777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            normalize_entry(&entry?.path())?;
        }
    }
    Ok(())
}

/// Gives everything below `path` to a user and a group, which only the superuser can. Files that have another name
/// stay whose they are: the other name may be in a place that is not lent.
pub fn lend(path: &Path, to: (u32, u32)) -> Result<()> {
    let lent = |entry: &fs::Metadata| entry.is_dir() || entry.nlink() == 1;
    own(path, to, &lent).with_context(|| format!("cannot give away what is in {}", path.display()))
}

/// Takes back everything below `path` that belongs to the one it was lent to.
pub fn take_back(path: &Path, from: (u32, u32)) -> Result<()> {
    let to = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let lent = |entry: &fs::Metadata| (entry.uid(), entry.gid()) == from;
    own(path, to, &lent).with_context(|| format!("cannot take back what is in {}", path.display()))
}

fn own(path: &Path, to: (u32, u32), which: &dyn Fn(&fs::Metadata) -> bool) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if which(&metadata) && (metadata.uid(), metadata.gid()) != to {
        std::os::unix::fs::lchown(path, Some(to.0), Some(to.1))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            own(&entry?.path(), to, which)?;
        }
    }
    Ok(())
}

/// A word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A number of bytes for humans, in the units that file sizes are compared in here.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted("-DX=/a/b"), "-DX=/a/b");
        assert_eq!(quoted("a b'c"), r"'a b'\''c'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn modes_are_normalised_and_links_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("from");
        fs::create_dir(&from).expect("a folder");
        fs::write(from.join("tool"), "x").expect("a file");
        fs::set_permissions(from.join("tool"), fs::Permissions::from_mode(0o4711)).expect("a mode");
        std::os::unix::fs::symlink("tool", from.join("link")).expect("a link");
        let to = folder.path().join("deep/to");
        copy(&from, &to).expect("a copy");
        normalize(&to).expect("modes");
        assert!(copy(&from.join("tool"), &to.join("tool")).is_err(), "nothing is overwritten");
        let mode = fs::metadata(to.join("tool")).expect("the copy").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
        assert_eq!(fs::read_link(to.join("link")).expect("the link"), Path::new("tool"));
    }
}
