//! The tool behind `cargo xtask`: fetch, compile, check and pack media tools as layers.
//!
//! See `ARCHITECTURE.md` beside this crate for how the parts fit.

pub mod archive;
pub mod assembly;
pub mod bump;
pub mod catalog;
pub mod choice;
pub mod cli;
pub mod commands;
pub mod companion;
pub mod compile;
pub mod container;
pub mod elf;
pub mod error;
pub mod files;
pub mod fresh;
pub mod groups;
pub mod inspect;
pub mod invoke;
pub mod lock;
pub mod model;
pub mod pack;
pub mod plan;
pub mod process;
pub mod session;
pub mod shared;
pub mod smoke;
pub mod source;
pub mod ui;
pub mod verify;
