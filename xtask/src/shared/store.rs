//! Object stores, as far as a cache needs them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::companion;
use crate::error::invalid;
use crate::process;
use crate::ui::Ui;
use crate::ui::foreign::foreign;

/// The workspace member that talks to object stores; its libraries would double the time to compile this tool.
const COMPANION: &str = "media-layers-cache";

/// What it ends with where there is no such object.
const ABSENT: i32 = 3;

/// What a URL of a store begins with, and whether it can be written to.
const SCHEMES: [(&str, bool); 5] =
    [("s3://", true), ("oss://", true), ("file:///", true), ("https://", false), ("http://", false)];

/// Named objects somewhere.
pub trait Objects: Sync {
    /// Where they are, for messages.
    fn address(&self) -> &str;

    /// Whether objects can be put there.
    fn writable(&self) -> bool;

    /// Reads an object of at most `limit` bytes into a file that is not there yet; false if there is no such object.
    fn get(&self, name: &str, file: &Path, limit: u64) -> Result<bool>;

    /// Writes an object, whole or not at all.
    fn put(&self, name: &str, file: &Path) -> Result<()>;
}

/// A store on the network or in a folder, by way of a program of its own.
#[derive(Debug, Clone)]
pub struct ObjectStore {
    program: PathBuf,
    url: String,
    address: String,
    writable: bool,
}

impl ObjectStore {
    /// The store at `url`. Compiles the program of the checkout at `root` that talks to it.
    ///
    /// # Errors
    /// It is no URL of a store that we know, or the program cannot be compiled.
    pub fn open(root: &Path, url: &str, ui: &Ui) -> Result<ObjectStore> {
        let scheme = SCHEMES.iter().find(|(scheme, _)| url.starts_with(scheme) && url.len() > scheme.len());
        let Some((_, writable)) = scheme else {
            let known = SCHEMES.map(|(scheme, _)| format!("`{scheme}…`")).join(", ");
            return Err(invalid(format!("`{url}` is not the address of a shared cache\n\nhint: it can be {known}")));
        };
        let program = companion::program(root, COMPANION, ui)?;
        // Options may be anything, so they are not shown.
        let address = url.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(ObjectStore { program, url: url.to_owned(), address, writable: *writable })
    }

    fn run(&self, arguments: &[&str]) -> Result<bool> {
        let output = process::output(&self.program, arguments)
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(ABSENT) => Ok(false),
            _ => bail!("{}", foreign(&String::from_utf8_lossy(&output.stderr))),
        }
    }
}

impl Objects for ObjectStore {
    fn address(&self) -> &str {
        &self.address
    }

    fn writable(&self) -> bool {
        self.writable
    }

    fn get(&self, name: &str, file: &Path, limit: u64) -> Result<bool> {
        self.run(&["get", &self.url, name, &file.to_string_lossy(), "--limit", &limit.to_string()])
    }

    fn put(&self, name: &str, file: &Path) -> Result<()> {
        match self.run(&["put", &self.url, name, &file.to_string_lossy()])? {
            true => Ok(()),
            false => bail!("there is no such store"),
        }
    }
}
