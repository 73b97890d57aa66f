//! Sources: from a recipe's pins to a tree on this machine.
//!
//! A recipe pins archives by size and digest and lists where each can be fetched ([`crate::model::Origin`]).
//! [`mirror`] knows which hosts and folders stand for an origin here, [`fetch`] brings archives into the
//! [`store`], [`mod@unpack`] makes trees of them, and [`tree`] tells whether two trees are the same. [`obtain`]
//! does all of it for one source. What is built from a tree is not known here.

pub mod apt;
pub mod disk;
pub mod download;
pub mod failure;
pub mod fetch;
mod folder;
pub mod http;
pub mod index;
pub mod measure;
pub mod mirror;
mod obtain;
pub mod pip;
pub mod probe;
pub mod proxy;
pub mod question;
mod report;
pub mod request;
pub mod store;
pub mod tree;
pub mod unpack;

pub use fetch::{DOWNLOADS, fetch_all};
pub use http::Client;
pub use mirror::{MirrorArgs, Mirrors};
pub use obtain::{Obtained, obtain};
pub use probe::{FailedPlace, Probe, missing};
pub use question::{Question, Small};
pub use request::{Content, Context, Fetched, Network, Request};
pub use store::Store;
pub use tree::Tree;
pub use unpack::unpack;

#[cfg(test)]
pub(crate) mod tests;
