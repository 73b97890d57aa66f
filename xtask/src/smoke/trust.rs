//! Whose certificates a program must trust.

use std::collections::BTreeMap;

use super::sandbox::Sandbox;

/// Where the certificate of the test server's authority is in the sandbox.
pub const AUTHORITY: &str = "/tmp/authority.pem";

/// Where the certificate of another authority is in the sandbox.
pub const UNTRUSTED_CA: &str = "/tmp/untrusted.pem";

/// A file that is not there.
const MISSING: &str = "/tmp/missing.pem";

/// Whose certificates the program must trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Nobody in particular: the environment is empty.
    Default,
    /// The test server's authority, through `SSL_CERT_FILE`.
    Authority,
    /// Another authority, through `SSL_CERT_FILE`.
    UntrustedCa,
    /// Nobody: `SSL_CERT_FILE` names a file that is not there.
    Missing,
}

impl Trust {
    /// What a program's environment says about it.
    pub fn env(self, sandbox: &Sandbox) -> BTreeMap<String, String> {
        self.bundle().into_iter().map(|bundle| ("SSL_CERT_FILE".to_owned(), sandbox.path(bundle))).collect()
    }

    /// What `SSL_CERT_FILE` names, as a path in the sandbox.
    fn bundle(self) -> Option<&'static str> {
        match self {
            Trust::Default => None,
            Trust::Authority => Some(AUTHORITY),
            Trust::UntrustedCa => Some(UNTRUSTED_CA),
            Trust::Missing => Some(MISSING),
        }
    }
}
