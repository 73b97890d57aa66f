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
//! and what it finds ([`results`]) is written by [`markdown`], [`chart`] and [`summary`]. [`instructions`] counts what our
//! own programs execute, which needs no peers and no room; [`counts`] compares that with what is kept in the tree.
//!
//! `cargo xtask bench` compiles this program when it is first used, and becomes it.

use std::process::ExitCode;

mod callgrind;
mod chart;
mod cli;
mod commands;
mod counts;
mod debian;
mod delay;
mod digest;
mod film;
mod function;
mod identity;
mod instructions;
mod launch;
mod log;
mod machine;
mod markdown;
mod measure;
mod measured;
mod media;
mod nginx;
mod page_cache;
mod peers;
mod prepare;
mod registry;
mod results;
mod room;
mod runner;
#[cfg(test)]
mod sample;
mod size;
mod start;
mod statistics;
mod subject;
mod subjects;
mod summary;
mod tun;
mod workshop;

fn main() -> ExitCode {
    cli::main()
}
