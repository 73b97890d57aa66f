//! The benchmark: our layers beside every peer of a package registry, and beside stock builds.
//!
//! ```text
//! bench/debian/                what Debian's packages unpack to, with the record of their versions and digests
//! bench/archives/, peers/      what the other registries carry, as fetched and as unpacked
//! bench/media/, media.json     the files that are probed
//! bench/run.<random>/          a run going on; it goes when that ends
//! ```
//!
//! All of this is below the cache. [`prepare`] fetches and makes what is needed, [`measure`] works in a closed [`room`],
//! and what it finds ([`results`]) is written by [`markdown`], [`chart`] and [`summary`].

pub mod chart;
mod debian;
mod delay;
mod digest;
pub mod launch;
mod log;
pub mod machine;
pub mod markdown;
pub mod measure;
pub mod media;
mod nginx;
pub mod peers;
pub mod prepare;
mod registry;
pub mod results;
pub mod room;
pub mod size;
pub mod statistics;
pub mod subject;
pub mod subjects;
pub mod summary;
mod tun;

#[cfg(test)]
mod sample;
