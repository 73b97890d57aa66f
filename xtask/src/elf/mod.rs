//! The audit of ELF files: would this program or library start in every runtime we name?
//!
//! [`read()`] takes the facts out of the bytes, as the runtime's loader would see them. [`audit()`]
//! holds them against the targets and says what is wrong. [`layer`] does both for all that is in
//! a file, a folder or a zip, and makes a [`Report`] of it. What is forbidden, and what a system
//! library is called, is data in [`policy`].
//!
//! The audit runs nothing and knows nothing of what a library loads later with `dlopen`: that is
//! what the smoke tests are for. Its input is not trusted: a file that lies gives an error or a
//! finding, and costs time and memory in proportion to its size.

pub mod audit;
pub mod context;
pub mod file;
pub mod finding;
pub mod input;
pub mod layer;
pub mod policy;
pub mod report;
pub mod text;

mod detect;
mod dynamic;
mod folder;
mod image;
mod linking;
pub mod protections;
mod read;
mod runpath;
mod symbols;
mod table;
mod versions;

#[cfg(test)]
mod tests;

pub use audit::audit;
pub use context::{AllowedExports, CarriedLibraries, Context, Place};
pub use file::{BrokenElf, ElfFile};
pub use finding::{Finding, Rule};
pub use input::Input;
pub use layer::Options;
pub use read::read;
pub use report::Report;
