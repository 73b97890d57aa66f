//! Programs of this workspace that are compiled when they are first used, because what they need is large.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::process;
use crate::ui::Ui;

/// What cargo says of a file it made, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    executable: Option<PathBuf>,
}

/// The program of the workspace member `package` of the checkout at `root`, compiled if it is not yet. A `profile.toml` in its
/// folder says what the compiler does otherwise than for this tool.
///
/// # Errors
/// If it cannot be compiled; cargo's own words are part of the error.
pub fn program(root: &Path, package: &str, ui: &Ui) -> Result<PathBuf> {
    let _progress = ui.busy(&format!("preparing `{package}`, which is compiled when it is first used"));
    // The variable is set by the cargo that started this program, so that both are of one toolchain.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = root.join("Cargo.toml").to_string_lossy().into_owned();
    let profile = root.join(package).join("profile.toml");
    let profile = profile.is_file().then(|| profile.to_string_lossy().into_owned());
    let mut arguments = vec![
        "build",
        "--quiet",
        "--locked",
        "--package",
        package,
        "--bin",
        package,
        "--message-format",
        "json",
        "--manifest-path",
        &manifest,
    ];
    arguments.extend(profile.iter().flat_map(|profile| ["--config", profile.as_str()]));
    let output = process::output_outside_cargo(cargo, arguments).context("cannot run cargo")?;
    if !output.status.success() {
        bail!("`{package}` cannot be compiled\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages
        .filter_map(|message| message.executable)
        .next_back()
        .ok_or_else(|| anyhow!("cargo made no program `{package}`"))
}
