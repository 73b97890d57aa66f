//! Trouble with this machine's own disk, told apart from trouble with an archive or a host.

use std::io;
use std::path::{Path, PathBuf};

/// A file could not be written. Another origin would not help.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct DiskError {
    path: PathBuf,
    needed: u64,
    error: io::Error,
}

impl DiskError {
    /// Writing `path` failed while about `needed` more bytes were to come (0 where that is not known).
    pub fn writing(path: &Path, needed: u64, error: io::Error) -> DiskError {
        DiskError { path: path.to_owned(), needed, error }
    }

    fn text(&self) -> String {
        let path = self.path.display();
        let why = match self.error.kind() {
            io::ErrorKind::StorageFull => "the disk is full",
            io::ErrorKind::QuotaExceeded => "the disk quota is used up",
            io::ErrorKind::FileTooLarge => "the limit on the size of files is reached",
            _ => return format!("cannot write `{path}`: {}", self.error),
        };
        let folder = self.path.parent().unwrap_or(&self.path).display();
        let needed = match self.needed {
            0 => "more room is needed".to_owned(),
            bytes => format!("{bytes} more bytes are needed"),
        };
        format!("cannot write `{path}`: {why}\n\nhint: {needed} in `{folder}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_what_is_needed() {
        let path = Path::new("/cache/archives/x");
        let text = |kind: io::ErrorKind, needed| DiskError::writing(path, needed, kind.into()).to_string();
        assert_eq!(
            text(io::ErrorKind::StorageFull, 4096),
            "cannot write `/cache/archives/x`: the disk is full\n\nhint: 4096 more bytes are needed in `/cache/archives`"
        );
        assert_eq!(
            text(io::ErrorKind::QuotaExceeded, 0),
            "cannot write `/cache/archives/x`: the disk quota is used up\n\nhint: more room is needed in `/cache/archives`"
        );
        assert_eq!(text(io::ErrorKind::PermissionDenied, 1), "cannot write `/cache/archives/x`: permission denied");
    }
}
