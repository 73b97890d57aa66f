//! What a compiler and a linker add to a file against attacks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A protection that can be seen in a finished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// A function whose buffer overflows ends the program before it returns (`-fstack-protector-strong`).
    StackProtector,
    /// Functions of the C library that fill a buffer check its size (`_FORTIFY_SOURCE`).
    Fortify,
    /// Return addresses are signed (arm64, `-mbranch-protection=pac-ret`).
    SignedReturns,
    /// Calls by address only lead to marked places: IBT on x86_64, BTI on arm64.
    BranchTargets,
    /// Returns are compared with a second stack: SHSTK on x86_64, GCS on arm64.
    ShadowStack,
}

impl Protection {
    /// The name in files of ours and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Protection::StackProtector => "stack-protector",
            Protection::Fortify => "fortify",
            Protection::SignedReturns => "signed-returns",
            Protection::BranchTargets => "branch-targets",
            Protection::ShadowStack => "shadow-stack",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
