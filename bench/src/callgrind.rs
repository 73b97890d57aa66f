//! Instructions that a program executes, counted by valgrind: they do not depend on how busy the machine is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use xtask::process::bounded::{self, Command, Output};

/// When a program is ended: valgrind takes fifty times as long as the processor.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Valgrind, as it is installed on this machine.
#[derive(Debug, Clone)]
pub struct Callgrind {
    program: PathBuf,
    /// What valgrind says of its own version.
    pub version: String,
}

impl Callgrind {
    /// Finds it.
    ///
    /// # Errors
    /// Where it is not installed, or does not start.
    pub fn find() -> Result<Callgrind> {
        let program = bounded::find_program("valgrind");
        let program = program.context("instructions are counted by `valgrind`\n\nhint: `apt install valgrind`")?;
        let argv = [program.clone().into_os_string(), "--version".into()];
        let output = bounded::run(&Command { env: environment(&BTreeMap::new()), ..Command::new(argv) })?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.success() && !version.is_empty(), "`valgrind --version` failed ({})", output.ending());
        Ok(Callgrind { program, version })
    }

    /// Runs a program that sees only `env`; how many instructions it took, all its threads together, and its output.
    ///
    /// # Errors
    /// Where the program fails: what it did until then is no answer.
    pub fn count(&self, argv: &[OsString], env: &BTreeMap<String, OsString>, folder: &Path) -> Result<(u64, Output)> {
        let out = folder.join("callgrind.out");
        let mut own = OsString::from("--callgrind-out-file=");
        own.push(&out);
        let words = [self.program.clone().into_os_string(), "--tool=callgrind".into(), "--quiet".into(), own];
        let mut command = Command::new(words.into_iter().chain(argv.iter().cloned()));
        command.env = environment(env);
        command.cwd = Some(folder.to_owned());
        command.timeout = TIMEOUT;
        let output = bounded::run(&command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let words = || argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        ensure!(output.success(), "`{}` failed under valgrind ({}): {}", words(), output.ending(), said.trim());
        let text = fs::read_to_string(&out).with_context(|| format!("cannot read `{}`", out.display()))?;
        let total = total(&text).with_context(|| format!("`{}` has no total", out.display()))?;
        Ok((total, output))
    }
}

/// The same on every machine: nothing of the user's settings is seen.
fn environment(own: &BTreeMap<String, OsString>) -> BTreeMap<OsString, OsString> {
    let fixed = [("PATH", "/usr/bin:/bin"), ("HOME", "/nonexistent"), ("LC_ALL", "C")];
    let fixed = fixed.map(|(name, value)| (name.into(), value.into()));
    fixed.into_iter().chain(own.iter().map(|(name, value)| (name.into(), value.clone()))).collect()
}

/// The number in the line `totals: N` of callgrind's output.
fn total(text: &str) -> Option<u64> {
    text.lines().filter_map(|line| line.strip_prefix("totals:")).next_back()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_the_end() {
        assert_eq!(total("summary: 12\n0x1 3\n\ntotals: 4711\n"), Some(4711));
        assert_eq!(total("summary: 12\n"), None);
    }

    #[test]
    fn the_same_program_takes_the_same_instructions_again() {
        let Ok(callgrind) = Callgrind::find() else {
            eprintln!("skipped: valgrind is not installed");
            return;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let count = |words: &[&str]| {
            let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
            callgrind.count(&argv, &BTreeMap::new(), folder.path())
        };
        let [first, second] = [0, 1].map(|_| count(&["/bin/echo", "words"]).expect("counted"));
        assert_eq!(first.0, second.0);
        assert_eq!(first.1.stdout, b"words\n");
        let error = count(&["/bin/false"]).expect_err("it fails").to_string();
        assert!(error.starts_with("`/bin/false` failed under valgrind"), "{error}");
    }
}
