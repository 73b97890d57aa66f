//! What every command works with: the checkout, the cache, the printer.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::catalog::Catalog;
use crate::error::invalid;
use crate::smoke;
use crate::ui::Ui;

/// What every command works with.
#[derive(Debug)]
pub struct Session {
    /// The recipes, layers and targets of this checkout.
    pub catalog: Catalog,
    /// Where archives and packages are kept.
    pub cache: PathBuf,
    /// Where finished layers go.
    pub dist: PathBuf,
    /// Where the documentation is.
    pub docs: PathBuf,
    /// The printer.
    pub ui: Ui,
}

impl Session {
    /// How layers are run: for another architecture, in the root that `ci/arm64-root` makes in the cache.
    pub fn smoke_options(&self) -> smoke::Options {
        let root = self.cache.join("arm64-root");
        smoke::Options { emulated_root: root.is_dir().then_some(root), ..smoke::Options::default() }
    }

    /// Reads the catalog of this checkout. The cache is in `cache`, or in the user's cache folder.
    pub fn open(cache: Option<&Path>, ui: Ui) -> Result<Session> {
        let cache = match cache {
            Some(folder) => std::path::absolute(folder).context("cannot tell where the cache folder is")?,
            None => default_cache()?,
        };
        Session::at(&checkout()?, cache, ui)
    }

    /// Reads the catalog of the checkout at `root`, to work with the given cache.
    pub fn at(root: &Path, cache: PathBuf, ui: Ui) -> Result<Session> {
        Ok(Session { catalog: Catalog::load(root)?, cache, dist: root.join("dist"), docs: root.join("docs"), ui })
    }
}

/// The checkout this tool was compiled in, which `cargo xtask` makes the one it is called in.
fn checkout() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the tool lies at the root of a file system")?;
    Ok(root.to_owned())
}

fn default_cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_CACHE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("media-layers"))
        .ok_or_else(|| invalid("there is no HOME to keep a cache in\n\nhint: name a folder with `--cache-dir`"))
}
