//! Compiling: the packages of a plan, each once, into a cache that is keyed by all that can change their bytes.

pub mod cache;
pub mod contained;
pub mod package;
pub mod patch;
pub mod places;
pub mod runner;
pub mod schedule;

pub use cache::PackageCache;
pub use contained::ContainerRunner;
pub use package::{Begun, Builder, Sources};
pub use places::Places;
pub use runner::{HostRunner, Room, Runner};
