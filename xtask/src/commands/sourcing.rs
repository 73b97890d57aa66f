//! Where sources come from, for every command that fetches: its flags, and the bridge from a plan to [`crate::source`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::catalog::Catalog;
use crate::compile::{PackageCache, Sources};
use crate::files;
use crate::model::recipe::Source;
use crate::model::{Origin, Sha256};
use crate::plan::{Package, Plan, PlannedSource};
use crate::process::guard::TemporaryFolder;
use crate::session::Session;
use crate::source::{Context, DOWNLOADS, MirrorArgs, Mirrors, Network, Request, Store, Tree, fetch_all, obtain};
use crate::ui::Ui;

/// Where archives may be fetched from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sources")]
pub struct FetchArgs {
    #[command(flatten)]
    mirrors: MirrorArgs,
    /// Use only what is in the cache and in folders.
    #[arg(long)]
    offline: bool,
}

/// The archives of this machine and the ways to more.
#[derive(Debug)]
pub struct Archives {
    mirrors: Mirrors,
    store: Store,
    network: Network,
    ui: Ui,
}

impl FetchArgs {
    /// Opens the store in the session's cache.
    pub fn open(&self, session: &Session) -> Result<Archives> {
        let network = match self.offline {
            true => Network::Offline,
            false => Network::Online(Box::default()),
        };
        Ok(Archives {
            mirrors: Mirrors::new(&self.mirrors)?,
            store: Store::new(&session.cache),
            network,
            ui: session.ui.clone(),
        })
    }
}

impl Archives {
    /// Brings an archive or the tree of every source of `packages` into the store; each one's digest and place.
    pub fn fetch(&self, packages: &[&Package], catalog: &Catalog) -> Result<Vec<(Sha256, PathBuf)>> {
        let mut wanted: Vec<Request<'_>> = Vec::new();
        for package in packages {
            if let Some(source) = package.source.pinned() {
                let what = format!("{} {}", package.recipe, package.version);
                // Both architectures are made from the same source.
                if !wanted.iter().any(|request| request.what == what) {
                    wanted.push(Request { what, source });
                }
            }
        }
        let in_store = |source: &Source| source.archives.iter().any(|archive| self.store.has(archive));
        if wanted.iter().any(|request| needs_an_index(request.source) && !in_store(request.source)) {
            self.find_an_index(catalog);
        }
        let fetched = fetch_all(&self.context(), &wanted, DOWNLOADS)?;
        Ok(fetched.into_iter().map(|fetched| (fetched.content.digest(), fetched.file)).collect())
    }

    /// On a machine without pip, asks the pip that Debian's archive has. Where that fails, fetching will say what is
    /// missing and what to do.
    pub fn find_an_index(&self, catalog: &Catalog) {
        if matches!(self.network, Network::Offline) || !self.mirrors.lack_an_index() {
            return;
        }
        let ask = || -> Result<()> {
            let recipe = &catalog.recipe(&catalog.toolchain.pip.name)?.recipe;
            let version = recipe.newest().context("the recipe of pip lacks a version")?;
            let source = version.sources.first().context("the recipe of pip lacks a source")?;
            let request = Request { what: format!("{} {}", recipe.name, version.version), source };
            let folder = TemporaryFolder::new("pip").context("cannot make a temporary folder")?;
            let tree = folder.path().join("pip");
            for leaf in obtain(&self.context(), &request, &tree)?.tree.leaves() {
                if leaf.path.ends_with(".whl") {
                    self.mirrors.learn_from_pip(&tree.join(&leaf.path));
                }
            }
            Ok(())
        };
        if let Err(error) = ask() {
            self.ui.warn(format!(
                "this machine has no pip to name a Python package index, and none could be fetched: {error:#}"
            ));
        }
    }

    /// What fetching works with.
    pub fn context(&self) -> Context<'_> {
        Context { mirrors: &self.mirrors, store: &self.store, network: &self.network, ui: &self.ui }
    }
}

impl Sources for Archives {
    fn unpack(&self, package: &Package, into: &Path) -> Result<()> {
        match &package.source {
            PlannedSource::Pinned(source) => {
                let request = Request { what: format!("{} {}", package.recipe, package.version), source };
                obtain(&self.context(), &request, into).map(drop)
            }
            PlannedSource::Override { folder, tree } => {
                fs::remove_dir(into).with_context(|| format!("cannot replace {}", into.display()))?;
                // Not hard links: patches and makefiles must not reach the user's files.
                files::duplicate(folder, into)?;
                let now = Tree::read(into)?.digest();
                if now != *tree {
                    bail!("{} changed since the plan was made: start again", folder.display());
                }
                Ok(())
            }
        }
    }
}

/// In which order the entries of unpacked folders are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryOrder {
    /// As the archive has them.
    Archive,
    /// By name, backwards.
    ReversedFolders,
}

/// Sources whose folders list their entries in another order, where the file system lets that show.
pub struct ReversedFolders<'a>(pub &'a Archives);

impl Sources for ReversedFolders<'_> {
    fn unpack(&self, package: &Package, into: &Path) -> Result<()> {
        self.0.unpack(package, into)?;
        files::reverse_entries(into)
    }
}

/// Whether an archive of `source` may come from a Python package index.
fn needs_an_index(source: &Source) -> bool {
    let mut origins = source.archives.iter().flat_map(|archive| &archive.origins);
    origins.any(|origin| matches!(origin, Origin::Pypi { .. }))
}

/// The packages that have to be built.
pub fn to_build<'p>(plan: &'p Plan, cache: &PackageCache) -> Vec<&'p Package> {
    plan.packages.iter().filter(|package| !cache.has(package.key)).collect()
}
