//! The one printer: data goes to stdout, talk and progress to stderr.
//!
//! Nothing that it prints steers a terminal, whoever wrote it, and nothing holds a secret that it was told of.
//! Everything reads well without colour and without a terminal: where stderr
//! is not one, progress turns into a line when something begins or ends.

pub mod foreign;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::foreign::{Secrets, harmless};

/// Where a command's output goes. Cheap to clone; threads share it.
#[derive(Debug, Clone)]
pub struct Ui {
    bars: MultiProgress,
    interactive: bool,
    secrets: Arc<RwLock<Secrets>>,
}

/// One line of progress. It disappears when dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    ui: Ui,
}

impl Ui {
    /// A printer on this process's stdout and stderr.
    pub fn new() -> Ui {
        Ui {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)),
            interactive: io::stderr().is_terminal(),
            secrets: Arc::default(),
        }
    }

    /// A printer that shows no progress, for tests.
    pub fn silent() -> Ui {
        Ui {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            interactive: false,
            secrets: Arc::default(),
        }
    }

    /// Has a secret never shown, whoever quotes it.
    pub fn keep_secret(&self, secret: &str) {
        self.secrets.write().unwrap_or_else(PoisonError::into_inner).add(secret);
    }

    fn fit_to_print(&self, text: &str) -> String {
        harmless(&self.secrets.read().unwrap_or_else(PoisonError::into_inner).hide(text)).into_owned()
    }

    /// Writes data to stdout. A closed pipe is not an error: the reader has seen enough.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(self.fit_to_print(text).as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says something about the work on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        self.bars.suspend(|| {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(io::stderr(), "{}", self.fit_to_print(text.as_ref()));
        });
    }

    /// Says that something is not as it should be, though work goes on.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.note(format!("warning: {}", text.as_ref()));
    }

    /// Shows work whose end is not known. Without a terminal it is said once.
    pub fn busy(&self, what: &str) -> Progress {
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(style("  {spinner} {msg} [{elapsed}]"));
        self.begin(bar, what)
    }

    /// Shows how much of `bytes` has come. Without a terminal it is said once.
    pub fn transfer(&self, what: &str, bytes: u64) -> Progress {
        let bar = self.bars.add(ProgressBar::new(bytes));
        bar.set_style(style("  {bar:24} {bytes:>10}/{total_bytes:10} {msg}"));
        self.begin(bar, what)
    }

    fn begin(&self, bar: ProgressBar, what: &str) -> Progress {
        bar.set_message(self.fit_to_print(what));
        if self.interactive {
            bar.enable_steady_tick(Duration::from_millis(120));
        } else {
            self.note(format!("  {what}"));
        }
        Progress { bar, ui: self.clone() }
    }
}

impl Default for Ui {
    fn default() -> Ui {
        Ui::new()
    }
}

impl Progress {
    /// `amount` more has been done.
    pub fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// `amount` has been done in all, as after a restart.
    pub fn set(&self, amount: u64) {
        self.bar.set_position(amount);
    }

    /// Changes what the line says.
    pub fn say(&self, what: impl Into<String>) {
        self.bar.set_message(self.ui.fit_to_print(&what.into()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a broken one falls back to the default look.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A number of things, in words.
pub fn counted(number: usize, thing: &str) -> String {
    match (number, thing.strip_suffix('y')) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {thing}s"),
    }
}
