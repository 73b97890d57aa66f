//! Gives a file its final name once it is whole and on the disk, and not before.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tempfile::NamedTempFile;

use crate::files::is_at;

/// How the name of a file ends that is not whole yet.
const PARTIAL: &str = ".partial";

/// Sees to it that [`land`] can write `destination`, as far as that can be known before. To be asked before work that
/// would be in vain otherwise.
///
/// # Errors
/// If it cannot: the folder cannot be made or written to, or a folder has the name of the file.
pub fn check_landing(destination: &Path) -> Result<()> {
    let said = || format!("cannot write `{}`", destination.display());
    let folder = folder_of(destination);
    fs::create_dir_all(folder).with_context(said)?;
    ensure!(!destination.is_dir(), "{}: it is a folder", said());
    Partial::new(folder, destination).with_context(said).map(drop)
}

/// Writes `destination` through `write`: into a temporary file beside it, which is flushed to the
/// disk and then renamed. Folders above it are made. A reader, a failed write, a crash or a second
/// writer see the old file or the new one, never a part. What `write` returns is handed back.
///
/// # Errors
/// Those of `write`, and of the disk; a full disk is said with the name of the folder.
pub fn land<T>(destination: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let folder = folder_of(destination);
    attempt(folder, destination, write).map_err(|error| explain(error, folder))
}

/// Lands a short text. See [`land`].
pub fn land_text(destination: &Path, text: &str) -> Result<()> {
    land(destination, |out| Ok(out.write_all(text.as_bytes())?))
}

fn attempt<T>(folder: &Path, destination: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let said = || format!("cannot write `{}`", destination.display());
    fs::create_dir_all(folder).with_context(said)?;
    let temporary = Partial::new(folder, destination).with_context(said)?.0;
    let mut out = BufWriter::with_capacity(1 << 18, temporary);
    let result = write(&mut out).with_context(said)?;
    let temporary = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(said)?;
    // The mode is set here and not when the file is made, where the umask would have a say.
    temporary.as_file().set_permissions(Permissions::from_mode(0o644)).with_context(said)?;
    temporary.as_file().sync_all().with_context(said)?;
    temporary.persist(destination).map_err(|error| error.error).with_context(said)?;
    // A rename is only as lasting as the folder that records it.
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(said)?;
    Ok(result)
}

/// A file that is going to be renamed. It is locked, so that one that a killed process has left is known by its free lock.
struct Partial(NamedTempFile);

impl Partial {
    /// Makes one in `folder` that shall become `destination`, and removes those that others have left.
    fn new(folder: &Path, destination: &Path) -> io::Result<Partial> {
        let name = destination.file_name().unwrap_or_default().to_string_lossy();
        remove_leftovers(folder, &name);
        let prefix = format!(".{name}.");
        loop {
            let file = tempfile::Builder::new().prefix(&prefix).suffix(PARTIAL).tempfile_in(folder)?;
            // Where the file system knows no locks, nobody can take the file for one that was left.
            let _ = file.as_file().lock();
            // Between the two, another process may have done that.
            if is_at(file.as_file(), file.path()) {
                return Ok(Partial(file));
            }
        }
    }
}

/// Removes from `folder` what killed processes have left of files whose names begin with `name`. What cannot be removed
/// is in nobody's way.
pub fn remove_leftovers(folder: &Path, name: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        if found.starts_with(&format!(".{name}"))
            && found.ends_with(PARTIAL)
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Says what to do where the disk is full: the plain message names neither place nor remedy.
pub(super) fn explain(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    let full = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    };
    if error.chain().any(full) {
        let remedy =
            format!("the disk of `{}` is full: free some space there and run the command again", folder.display());
        return error.context(remedy);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ENOSPC` is on Linux.
    const DISK_FULL: i32 = 28;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn lands_with_its_folder_and_readable_by_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dist/new/a.json");
        land_text(&file, "one").expect("landed");
        land_text(&file, "two").expect("landed again");
        assert_eq!(fs::read_to_string(&file).expect("read"), "two");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o7777, 0o644);
        assert_eq!(names(file.parent().expect("a parent")), ["a.json"]);
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.json");
        land_text(&file, "old").expect("landed");
        let error = land(&file, |out| -> Result<()> {
            out.write_all(b"half of the new")?;
            out.flush()?;
            assert_eq!(fs::read_to_string(&file)?, "old");
            anyhow::bail!("the other half failed")
        });
        assert_eq!(
            format!("{:#}", error.expect_err("failed")),
            format!("cannot write `{}`: the other half failed", file.display())
        );
        assert_eq!(fs::read_to_string(&file).expect("read"), "old");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.json");
        let going_on = Partial::new(folder.path(), &file).expect("a file");
        let kept = [".b.json.x.partial", ".a.json.x", "a.json.partial"].map(|name| folder.path().join(name));
        let left = folder.path().join(".a.json.x.partial");
        kept.iter().chain([&left]).for_each(|path| fs::write(path, "").expect("written"));
        land_text(&file, "new").expect("landed");
        assert!(!left.exists());
        assert!(kept.iter().chain([&file]).all(|path| path.exists()) && going_on.0.path().exists());
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = |path: &str| format!("{:#}", check_landing(&folder.path().join(path)).expect_err("in vain"));
        fs::create_dir(folder.path().join("a.zip")).expect("a folder");
        assert!(said("a.zip").ends_with("a.zip`: it is a folder"), "{}", said("a.zip"));
        fs::write(folder.path().join("dist"), "").expect("a file");
        assert!(said("dist/a.zip").starts_with("cannot write `"), "{}", said("dist/a.zip"));
        std::os::unix::fs::symlink("nowhere/at-all", folder.path().join("link")).expect("a link");
        said("link/a.zip");
        fs::write(folder.path().join("a.json"), "old").expect("a file");
        check_landing(&folder.path().join("a.json")).expect("it can be replaced");
        check_landing(&folder.path().join("new/a.json")).expect("folders are made");
        assert_eq!(fs::read_to_string(folder.path().join("a.json")).expect("read"), "old");
    }

    #[test]
    fn a_full_disk_is_said_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.zip");
        let error = land(&file, |_| -> Result<()> { Err(io::Error::from_raw_os_error(DISK_FULL).into()) });
        assert_eq!(
            error.expect_err("full").to_string(),
            format!(
                "the disk of `{}` is full: free some space there and run the command again",
                folder.path().display()
            )
        );
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn other_errors_do_not_speak_of_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").expect("written");
        let error = format!("{:#}", land_text(&blocked.join("a"), "").expect_err("not a folder"));
        assert!(error.starts_with("cannot write `") && !error.contains("full"), "{error}");
    }
}
