//! Whose certificates a program is told to trust.

/// Where the certificate of the test server's authority is in the sandbox.
pub const AUTHORITY: &str = "/tmp/authority.pem";

/// Where the certificate of another authority is in the sandbox.
pub const STRANGER: &str = "/tmp/stranger.pem";

/// A file that is not there.
const MISSING: &str = "/tmp/missing.pem";

/// Whose certificates the program is told to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Nobody in particular: the environment is empty.
    Default,
    /// The test server's authority, through `SSL_CERT_FILE`.
    Authority,
    /// Another authority, through `SSL_CERT_FILE`.
    Stranger,
    /// Nobody: `SSL_CERT_FILE` names a file that is not there.
    Missing,
}

impl Trust {
    /// What `SSL_CERT_FILE` names, as a path in the sandbox.
    pub fn bundle(self) -> Option<&'static str> {
        match self {
            Trust::Default => None,
            Trust::Authority => Some(AUTHORITY),
            Trust::Stranger => Some(STRANGER),
            Trust::Missing => Some(MISSING),
        }
    }
}
