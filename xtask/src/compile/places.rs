//! Where the logical places of a step are on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::model::RecipeName;
use crate::plan::template::expand;

/// The folders of one package while it is being built.
#[derive(Debug, Clone)]
pub struct Places {
    /// Holds all the others that belong to this build alone.
    pub work: PathBuf,
    /// Holds all packages and all work.
    pub cache: PathBuf,
    /// The compiler's own cache, shared by all builds with the same compiler.
    pub toolchain_cache: PathBuf,
    /// The results of what it is compiled with.
    pub needs: BTreeMap<RecipeName, PathBuf>,
    /// The results of what it is compiled by.
    pub tools: BTreeMap<RecipeName, PathBuf>,
    /// How many things a step may do at once.
    pub jobs: usize,
}

impl Places {
    /// The source tree.
    pub fn src(&self) -> PathBuf {
        self.work.join("src")
    }

    /// Where compiling happens.
    pub fn build(&self) -> PathBuf {
        self.work.join("build")
    }

    /// What the package leaves.
    pub fn out(&self) -> PathBuf {
        self.work.join("out")
    }

    /// The recipe's own files, copied so that no step sees the checkout.
    pub fn recipe(&self) -> PathBuf {
        self.work.join("recipe")
    }

    /// The wrapper scripts.
    pub fn bin(&self) -> PathBuf {
        self.work.join("bin")
    }

    /// The same places where the cache is at another path.
    pub fn seen_at(&self, cache: &Path) -> Places {
        let moved = |path: &PathBuf| path.strip_prefix(&self.cache).map_or(path.clone(), |inside| cache.join(inside));
        let all = |paths: &BTreeMap<RecipeName, PathBuf>| {
            paths.iter().map(|(name, path)| (name.clone(), moved(path))).collect::<BTreeMap<_, _>>()
        };
        Places {
            work: moved(&self.work),
            cache: cache.to_owned(),
            toolchain_cache: moved(&self.toolchain_cache),
            needs: all(&self.needs),
            tools: all(&self.tools),
            jobs: self.jobs,
        }
    }

    /// A text of a planned step with every logical place replaced.
    pub fn map(&self, text: &str) -> Result<String> {
        let look_up = |name: &str| {
            let place = match name {
                "src" => self.src(),
                "build" => self.build(),
                "out" => self.out(),
                "recipe" => self.recipe(),
                "work" => self.work.clone(),
                "cache" => self.cache.clone(),
                "toolchain-cache" => self.toolchain_cache.clone(),
                "jobs" => return Some(self.jobs.to_string()),
                other => {
                    let (kind, recipe) = other.split_once(':')?;
                    let among = if kind == "needs" { &self.needs } else { &self.tools };
                    among.get(&recipe.parse().ok()?)?.clone()
                }
            };
            Some(path_text(&place))
        };
        expand(text, "{", &|| "a place of the plan".to_owned(), &look_up).context("a plan with an unknown place")
    }
}

/// A path as an argument of a program. The cache's place was checked to be plain UTF-8 when it was opened.
fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
