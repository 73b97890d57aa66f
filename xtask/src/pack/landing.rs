//! How a file gets its final name: whole and on the disk, or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes `destination` through `write`: into a temporary file beside it, which is flushed to the
/// disk and then renamed. Folders above it are made. A reader, a failed write, a crash or a second
/// writer see the old file or the new one, never a part. What `write` returns is handed back.
///
/// # Errors
/// Those of `write`, and of the disk; a full disk is said with the name of the folder.
pub fn land<T>(destination: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let folder = match destination.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    attempt(folder, destination, write).map_err(|error| explain(error, folder))
}

/// Lands a short text. See [`land`].
pub fn land_text(destination: &Path, text: &str) -> Result<()> {
    land(destination, |out| Ok(out.write_all(text.as_bytes())?))
}

fn attempt<T>(folder: &Path, destination: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let said = || format!("cannot write `{}`", destination.display());
    fs::create_dir_all(folder).with_context(said)?;
    // The name tells whoever finds one after a kill -9 what it was going to be.
    let prefix = match destination.file_name() {
        Some(name) => format!(".{}.", name.to_string_lossy()),
        None => ".".to_owned(),
    };
    let temporary =
        tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempfile_in(folder).with_context(said)?;
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
