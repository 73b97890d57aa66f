//! The input and the output of fetching.

use std::path::PathBuf;

use super::http::Client;
use super::mirror::Mirrors;
use super::store::Store;
use super::unpack::file_name;
use crate::model::Sha256;
use crate::model::recipe::{Archive, Source};
use crate::ui::Ui;

/// What fetching works with. Threads share it.
#[derive(Debug)]
pub struct Context<'a> {
    /// Where origins are.
    pub mirrors: &'a Mirrors,
    /// Where archives are kept.
    pub store: &'a Store,
    /// Whether and how to go beyond this machine.
    pub network: &'a Network,
    /// The printer.
    pub ui: &'a Ui,
}

/// Whether a run may use the network.
#[derive(Debug)]
pub enum Network {
    /// Through this client.
    Online(Box<Client>),
    /// Only the store and folders, as `--offline` says.
    Offline,
}

impl Network {
    /// The client, if there is one.
    pub fn client(&self) -> Option<&Client> {
        match self {
            Network::Online(client) => Some(client),
            Network::Offline => None,
        }
    }
}

/// A source that somebody needs.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The recipe and version it belongs to, for messages.
    pub what: String,
    /// The source.
    pub source: &'a Source,
}

/// What a source can be made of.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// One of its archives.
    Archive(&'a Archive),
    /// The pinned tree itself, which was in a folder.
    Tree(Sha256),
}

/// A source's archive or tree in the store, verified.
#[derive(Debug, Clone)]
pub struct Fetched<'a> {
    /// Which it is.
    pub content: Content<'a>,
    /// The file; not to be changed.
    pub file: PathBuf,
}

impl Content<'_> {
    /// What it is stored under.
    pub fn digest(&self) -> Sha256 {
        match self {
            Content::Archive(archive) => archive.sha256,
            Content::Tree(tree) => *tree,
        }
    }

    /// The name under which it is talked about.
    pub(super) fn name(&self) -> &str {
        match self {
            Content::Archive(archive) => file_name(archive),
            Content::Tree(_) => "the tree in the store",
        }
    }
}
