//! `function.toml`: the settings of a function, and those of one call of the command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use crate::catalog::read_toml;
use crate::error::invalid;
use crate::model::Cloud;

/// The name of the file, in the function's folder.
pub const FILE: &str = "function.toml";

/// MB of memory that Lambda gives.
const MEMORY: std::ops::RangeInclusive<u32> = 128..=10_240;

/// Seconds that Lambda lets a function run.
const TIMEOUT: std::ops::RangeInclusive<u32> = 1..=900;

/// A function, as its author describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Function {
    /// The cloud that runs it.
    pub cloud: Cloud,
    /// The runtime's name, such as `python3.13`.
    pub runtime: String,
    /// What is called: `module.function`.
    pub handler: String,
    /// The layers, in the order of the cloud's own settings.
    pub layers: Vec<String>,
    /// MB.
    pub memory: u32,
    /// Seconds.
    pub timeout: u32,
    /// Names of the variables that the function reads. Their values come from the caller's environment.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// A function that is to be run.
#[derive(Debug)]
pub struct Order<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// What it says of itself.
    pub function: &'a Function,
    /// Zips, in the order of the cloud's own settings.
    pub layers: &'a [PathBuf],
    /// MB.
    pub memory: u32,
    /// How long it may take for an event.
    pub timeout: Duration,
}

impl Function {
    /// Reads the settings of the function in `folder`.
    ///
    /// # Errors
    /// If the file is missing or broken, or a number is none that Lambda would take.
    pub fn read(folder: &Path) -> Result<Function> {
        let file = folder.join(FILE);
        if !file.is_file() {
            return Err(invalid(format!(
                "{} is not a function: it has no {FILE}\n\nhint: the folders in `examples/` have one",
                folder.display()
            )));
        }
        let function: Function = read_toml(&file)?;
        check_memory(function.memory)
            .and(check_timeout(function.timeout))
            .map_err(|problem| invalid(format!("{}: {problem}", file.display())))?;
        Ok(function)
    }
}

/// Whether Lambda gives that much memory.
pub fn check_memory(megabytes: u32) -> Result<(), String> {
    check("MB of memory", megabytes, &MEMORY)
}

/// Whether Lambda lets a function run that long.
pub fn check_timeout(seconds: u32) -> Result<(), String> {
    check("seconds", seconds, &TIMEOUT)
}

fn check(what: &str, number: u32, range: &std::ops::RangeInclusive<u32>) -> Result<(), String> {
    if range.contains(&number) {
        return Ok(());
    }
    Err(format!("a function has {} to {} {what}, not {number}", range.start(), range.end()))
}
