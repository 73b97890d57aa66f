//! Compiling: the packages of a plan, each once, into a cache that is keyed by all that can change their bytes.

pub mod cache;
pub mod package;
pub mod patch;
pub mod places;
pub mod runner;
pub mod schedule;

pub use cache::PackageCache;
pub use package::{Builder, Sources};
pub use runner::{HostRunner, Runner};
