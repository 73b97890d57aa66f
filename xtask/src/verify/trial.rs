//! One build of a verification: where it is, how it starts, and its arguments.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::Conditions;
use crate::process;

/// The word that makes this program build for a verification; no user types it.
pub const WORD: &str = "verify-build";

/// A build.
#[derive(Debug)]
pub struct Trial {
    /// Holds all the others.
    pub folder: PathBuf,
    /// A copy of the checkout.
    pub checkout: PathBuf,
    /// A cache of its own.
    pub cache: PathBuf,
    /// The user's home.
    pub home: PathBuf,
    /// How it is run.
    pub conditions: Conditions,
    arguments: Vec<String>,
    contained: bool,
}

/// What the program that builds reads from a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The checkout to build.
    pub checkout: PathBuf,
    /// The cache to build in.
    pub cache: PathBuf,
    /// Whether the entries of source folders are made in reverse order.
    pub reversed: bool,
    /// A command line of `build-layer`.
    pub arguments: Vec<String>,
}

impl Trial {
    /// A build in the folder `name` below `parent`, which is not made yet.
    pub fn new(parent: &Path, name: &str, conditions: Conditions, mut arguments: Vec<String>) -> Trial {
        let folder = parent.join(name);
        arguments.extend(["--jobs".to_owned(), conditions.jobs.to_string()]);
        Trial {
            checkout: folder.join(format!("checkout-{name}")),
            cache: folder.join("cache"),
            home: folder.join("home"),
            folder,
            conditions,
            arguments,
            contained: false,
        }
    }

    /// The same, in a container.
    pub fn in_container(self) -> Trial {
        Trial { contained: true, ..self }
    }

    /// The cache that holds the packages: for every image of a container there is one within the cache.
    pub fn packages(&self) -> Result<PathBuf> {
        if !self.contained {
            return Ok(self.cache.clone());
        }
        let builders = self.cache.join("builders");
        let mut entries = fs::read_dir(&builders).with_context(|| format!("cannot read {}", builders.display()))?;
        let entry = entries.next().with_context(|| format!("{} is empty", builders.display()))?;
        Ok(entry.with_context(|| format!("cannot read {}", builders.display()))?.path())
    }

    /// Builds, and shows what the build says.
    pub fn run(&self, program: &Path) -> Result<()> {
        let file = self.folder.join("order.json");
        let order = Order {
            checkout: self.checkout.clone(),
            cache: self.cache.clone(),
            reversed: self.conditions.reversed,
            arguments: self.arguments.clone(),
        };
        fs::write(&file, serde_json::to_string(&order)?).with_context(|| format!("cannot write {}", file.display()))?;
        let mut argv: Vec<String> = self.conditions.before.concat();
        argv.extend([program.to_string_lossy().into_owned(), WORD.to_owned(), file.to_string_lossy().into_owned()]);
        let mut env: BTreeMap<String, String> = self.conditions.env.clone();
        env.insert("HOME".to_owned(), self.home.to_string_lossy().into_owned());
        let status = process::attached(&argv, &env).with_context(|| format!("cannot start `{}`", argv[0]))?;
        if !status.success() {
            bail!("it ended with {status}");
        }
        Ok(())
    }
}

impl Order {
    /// Reads what a trial wrote.
    pub fn read(file: &Path) -> Result<Order> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot use {}", file.display()))
    }
}
