//! Running subjects in the room, and what comes of each run.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::launch::Order;
use crate::log::Served;
use crate::measured::{Cost, Program};
use crate::peers::Kind;
use crate::results::{Measured, Outcome, Run, Scheme};
use crate::subject::{Candidate, answer};
use xtask::ui::Ui;

/// When a run is ended.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a subject that does not answer is tried in one cell.
const PATIENCE: usize = 2;

/// Runs subjects, one at a time.
#[derive(Debug)]
pub struct Runner {
    folder: PathBuf,
    abandoned: Arc<AtomicBool>,
}

/// How a subject is run: by default in the server's network, without limits, with whatever is in memory.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The network that it is in; the server's own where absent.
    pub network: Option<PathBuf>,
    /// Whether nothing at all may be in the kernel's caches.
    pub cold: bool,
    /// The only core that it may use.
    pub core: Option<usize>,
    /// The control groups that it is in.
    pub groups: Vec<PathBuf>,
}

impl Runner {
    /// One that writes into `folder`, and that refuses to run anything once whoever started us is gone: our stdin ends
    /// with it.
    pub fn new(folder: &Path) -> Runner {
        let abandoned = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&abandoned);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            flag.store(true, Ordering::Relaxed);
        });
        Runner { folder: folder.to_owned(), abandoned }
    }

    /// Runs a subject to its end.
    pub fn run(&self, candidate: &Candidate, argv: Vec<OsString>, options: RunOptions) -> Result<Cost> {
        ensure!(!self.abandoned.load(Ordering::Relaxed), "stopped");
        let cwd = self.folder.join("empty");
        fs::create_dir_all(&cwd).with_context(|| format!("cannot make `{}`", cwd.display()))?;
        let RunOptions { network, cold, core, groups } = options;
        let program = Program {
            argv,
            env: candidate.call.env.clone().into_iter().collect(),
            cwd,
            stdout: self.folder.join("stdout"),
            stderr: self.folder.join("stderr"),
            timeout: TIMEOUT,
            groups,
        };
        let order = Order { program, network, cold, core };
        order.send().with_context(|| format!("cannot run `{}`", candidate.subject.name))
    }

    /// What came of the last run.
    pub fn judge(&self, kind: Kind, cost: Cost, served: Served) -> Run {
        let stdout = fs::read(self.folder.join("stdout")).unwrap_or_default();
        let answer = answer(kind, &stdout);
        let outcome = Outcome::of(cost.end, answer.is_some());
        let said = (outcome != Outcome::Answered).then(|| self.said()).flatten();
        Run { outcome, answer, cost, served, said }
    }

    /// The last line of the last run's stderr, without the folders of this machine.
    fn said(&self) -> Option<String> {
        let stderr = fs::read(self.folder.join("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&stderr);
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        let line = line.replace(&self.folder.display().to_string(), "…");
        Some(line.chars().take(200).collect())
    }
}

/// Finds out whether a subject can do with the server's name and nothing configured, and what else it must be told.
pub fn find_out_what_it_needs(
    measured: &mut Measured,
    ui: &Ui,
    probe: impl Fn(&Measured, Scheme) -> Result<Outcome>,
) -> Result<()> {
    let name = measured.subject.name.clone();
    if let crash @ Outcome::Crashed(_) = probe(measured, Scheme::Http)? {
        let told = Measured { crashes_on_host_names: Some(crash.to_string()), ..measured.clone() };
        if probe(&told, Scheme::Http)? == Outcome::Answered {
            ui.note(format!("  {name}: {crash} on a host name, so it is given the address"));
            *measured = told;
        }
    }
    let failure = probe(measured, Scheme::Https)?;
    if failure != Outcome::Answered {
        let told = Measured { finds_no_certificates: Some(failure.to_string()), ..measured.clone() };
        if probe(&told, Scheme::Https)? == Outcome::Answered {
            ui.note(format!("  {name}: {failure} over https, so it gets the path of the certificates"));
            *measured = told;
        }
    }
    Ok(())
}

/// Whether a subject is run once more: one that does not answer would only take everybody's time.
pub fn goes_on(runs: &[Run]) -> bool {
    let failed = runs.iter().filter(|run| run.outcome != Outcome::Answered).count();
    failed < PATIENCE && !runs.iter().any(|run| run.outcome == Outcome::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn who_does_not_answer_is_tried_twice_and_who_does_not_end_once() {
        let run = |outcome| Run { outcome, ..sample::results().cells[0].runs[0].clone() };
        assert!(goes_on(&[]));
        assert!(goes_on(&[run(Outcome::Answered), run(Outcome::Crashed(11))]));
        assert!(!goes_on(&[run(Outcome::Crashed(11)), run(Outcome::Crashed(11))]));
        assert!(!goes_on(&[run(Outcome::TimedOut)]));
    }
}
