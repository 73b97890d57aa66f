//! Why a place did not give an archive.

use super::disk::DiskError;
use crate::model::Sha256;

/// One place's failure. Its text follows the name of the place.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The host cannot be found or connected to.
    #[error("{0}")]
    Unreachable(String),
    /// The connection works but is not to be used, as its certificate is not trusted.
    #[error("{0}")]
    Refused(String),
    /// A redirect that is not followed.
    #[error("it redirects to {0}")]
    Redirect(String),
    /// The server has another answer than the file.
    #[error("it answers with status {status}{}", reason(*status))]
    Status {
        /// The HTTP status.
        status: u16,
        /// How many seconds the server asks to wait.
        retry_after: Option<u64>,
    },
    /// The page of an index has no anchor for the file.
    #[error("its page does not list the file")]
    NotListed,
    /// The answer to a question that has a small one is not small.
    #[error("its answer is longer than {most} bytes")]
    TooLarge {
        /// As asked for.
        most: u64,
    },
    /// The answer did not come in the time that the run can wait.
    #[error("it did not answer in time")]
    TooSlow,
    /// The transfer broke.
    #[error("{0}")]
    Transfer(String),
    /// The transfer broke as often as patience allows.
    #[error("the transfer broke {attempts} times, at last: {last}")]
    GivenUp {
        /// How often in a row.
        attempts: u32,
        /// The last failure's text.
        last: String,
    },
    /// The file there has another size than the pinned one.
    #[error("expected {expected} bytes, got {actual}")]
    Size {
        /// As pinned.
        expected: u64,
        /// As announced or received.
        actual: u64,
    },
    /// More bytes came than are pinned; the transfer was stopped.
    #[error("expected {expected} bytes, but more came")]
    TooLong {
        /// As pinned.
        expected: u64,
    },
    /// The bytes are not the pinned ones.
    #[error("expected sha256 {expected}, got {actual}")]
    Mismatch {
        /// As pinned.
        expected: Sha256,
        /// Of what came.
        actual: Sha256,
    },
    /// A folder holds another tree.
    #[error("its tree has the digest {actual}, expected {expected}: it is of another version, or was changed")]
    Tree {
        /// As pinned.
        expected: Sha256,
        /// Of what the source takes of it.
        actual: Sha256,
    },
    /// Nothing on this machine says where to look.
    #[error("{0}")]
    NoPlace(String),
    /// A file of this machine that should be it cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// This machine cannot store it, wherever it comes from.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Failure {
    /// Whether the same place may succeed a moment later.
    pub fn may_pass(&self) -> bool {
        match self {
            Failure::Transfer(_) => true,
            Failure::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// Whether what has come so far may be gone on with. A full disk needs its room back.
    pub fn leaves_good_bytes(&self) -> bool {
        !self.is_suspicious() && !matches!(self, Failure::Disk(_))
    }

    /// Whether somebody should look into it even if another place had the right bytes.
    pub fn is_suspicious(&self) -> bool {
        matches!(self, Failure::Size { .. } | Failure::TooLong { .. } | Failure::Mismatch { .. })
    }
}

fn reason(status: u16) -> String {
    let reason = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map(|reason| format!(" ({})", reason.to_lowercase())).unwrap_or_default()
}
