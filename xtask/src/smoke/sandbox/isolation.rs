//! How a program is kept from seeing this machine's files, found out by trying.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::process::bounded;

/// A way to make a folder the root of a program, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A root of its own, entered through a user namespace, which needs no rights.
    UserNamespace,
    /// A root of its own, entered as the superuser.
    Chroot,
    /// No root of its own: the program sees this machine's files.
    None,
}

impl Isolation {
    /// Every way, best first.
    pub const ALL: [Isolation; 3] = [Isolation::UserNamespace, Isolation::Chroot, Isolation::None];

    /// What to put in front of a command so that it runs with `root` as its root. Nothing where a program for it is
    /// not installed.
    pub fn prefix(self, root: &Path) -> Option<Vec<OsString>> {
        // `unshare --root` does both, but only since util-linux 2.35.
        let chroot = || Some([bounded::find_program("chroot")?.into_os_string(), root.into()]);
        match self {
            Isolation::UserNamespace => {
                let unshare = bounded::find_program("unshare")?.into_os_string();
                let options = ["--user", "--map-root-user"].map(OsString::from);
                Some([unshare].into_iter().chain(options).chain(chroot()?).collect())
            }
            Isolation::Chroot => Some(chroot()?.to_vec()),
            Isolation::None => Some(Vec::new()),
        }
    }

    /// Whether the program sees only what was put into its root.
    pub fn hides_the_machine(self) -> bool {
        self != Isolation::None
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Isolation::UserNamespace => "minimal root in a user namespace",
            Isolation::Chroot => "minimal root by chroot",
            Isolation::None => "NO isolation: this machine's files can be seen",
        })
    }
}
