//! The checks in the order in which they are made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::case::{Answer, Case, Expected, Traffic, Trust};
use super::cases::Cases;
use super::program::Program;
use super::python::{FoundBy, Module};
use super::{PLACES, PROGRAM};
use crate::smoke::fixture::Fixtures;
use crate::smoke::report::{Check, Failure, Outcome};
use crate::smoke::sandbox::Sandbox;
use crate::smoke::sandbox::machine::{Machine, Unavailable};
use crate::smoke::sandbox::python::{self, Python};
use crate::smoke::server::{Resource, Server};
use crate::ui::{Progress, Ui};

/// The folder for `PYTHONPATH`, as a path in the layer.
const MODULES: &str = "python";

/// The bundle of certificates that the layer brings, as a path in the layer.
const OWN_BUNDLE: &str = "python/pymediainfo/cacert.pem";

/// Where systems have their bundles: Amazon Linux and Alibaba Cloud Linux, the same inside, others, Debian.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// What the checks work with.
#[derive(Debug, Clone, Copy)]
pub struct Suite<'a> {
    /// What runs the layer.
    pub machine: &'a Machine,
    /// What it reads from.
    pub server: &'a Server,
    /// What it reads.
    pub fixtures: &'a Fixtures,
    /// The Python that is in the sandbox, or why there is none.
    pub python: &'a Result<Python, Unavailable>,
    /// Where it runs.
    pub sandbox: &'a Sandbox,
}

/// The checks that have been made.
#[derive(Debug)]
pub struct Notes {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    title: String,
    progress: Progress,
}

impl Notes {
    /// Begins without any.
    pub fn begin(ui: &Ui, title: &str) -> Notes {
        Notes { checks: Vec::new(), title: title.to_owned(), progress: ui.busy(title) }
    }

    /// Adds what came of a check, and shows it.
    pub fn add(&mut self, name: String, outcome: Outcome) {
        self.progress.say(format!("{}: {name}", self.title));
        self.checks.push(Check { name, outcome });
    }
}

impl Suite<'_> {
    /// Makes sure that nothing in the root could stand in for what the layer must bring itself, or says that the layer
    /// sees more than the root.
    pub fn isolation(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let layer = Path::new(PLACES[0].trim_start_matches('/'));
        let listing = self.sandbox.listing()?;
        let strangers = listing.iter().filter(|path| !path.starts_with(layer) && python::knows_tls(path));
        let strangers: Vec<String> = strangers.map(|path| format!("/{}", path.display())).collect();
        let outcome = if !self.sandbox.isolation().hides_the_machine() {
            Outcome::Skipped {
                reason: "neither user namespaces nor chroot work here, so the layer sees this machine's files"
                    .to_owned(),
                remedy: "run as root, or allow user namespaces (`sysctl kernel.unprivileged_userns_clone=1`)"
                    .to_owned(),
            }
        } else if strangers.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(Failure {
                expected: "nothing but glibc, Python and the layer".to_owned(),
                actual: strangers.join("\n"),
                command: "making the sandbox".to_owned(),
            })
        };
        notes.add("no libcurl, libssl or certificates can be found".to_owned(), outcome);
        Ok(())
    }

    /// The program of the layer at `at`.
    pub fn program(&self, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
        let program = self.program_at(at);
        let mut add = |name: &str, outcome| notes.add(format!("{at}: {name}"), outcome);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let version = program.check("--version", "exit code 0 and a line `MediaInfoLib - v…`", |output| {
            output.success() && text(&output.stdout).lines().any(|line| line.starts_with("MediaInfoLib - v"))
        });
        add("--version", version);
        // Upstream ends with exit code 1 here, whatever it prints.
        let urls = program.check("--Info_CanHandleUrls", "nothing but 1", |output| text(&output.stdout).trim() == "1");
        add("--Info_CanHandleUrls", urls);
        let cases = self.cases("program", at).all()?;
        let outcomes = in_parallel(&cases, |case| {
            let (answer, command) = program.ask(case);
            self.judge(case, &answer, &command)
        });
        cases.iter().zip(outcomes).for_each(|(case, outcome)| add(&case.name, outcome));
        let simple = |case: &&Case| case.trust == Trust::Default && matches!(case.traffic, Traffic::Any);
        let simple = cases.iter().filter(simple).filter(|case| matches!(case.expected, Expected::Report(_)));
        let simple: Vec<&Case> = simple.collect();
        let outcomes = in_parallel(&simple, |case| {
            let (answer, command) = program.ask_xml(case);
            self.judge(case, &answer, &command)
        });
        simple.iter().zip(outcomes).for_each(|(case, outcome)| add(&format!("XML of {}", case.name), outcome));
        Ok(())
    }

    /// The Python module of the layer at `at`.
    pub fn python(&self, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
        let python = match self.python {
            Ok(python) => python,
            Err(unavailable) => {
                notes.add(format!("{at}: Python"), unavailable.clone().into());
                return Ok(());
            }
        };
        let modules = format!("{at}/{MODULES}");
        let found_by = if at == PLACES[0] { FoundBy::Environment(modules) } else { FoundBy::Function(modules) };
        let cases = self.cases("python", at).all()?;
        // All questions of a kind are asked in one process.
        let module = Module { sandbox: self.sandbox, python, found_by, timeout: self.timeout() * 4 };
        for (case, (answer, command)) in cases.iter().zip(module.ask_all(&cases)) {
            notes.add(format!("{at}: Python: {}", case.name), self.judge(case, &answer, &command));
        }
        Ok(())
    }

    /// Nothing new outside /tmp since the root was listed: a runtime's root cannot be written to.
    pub fn nothing_written(&self, at: &str, before: &BTreeSet<PathBuf>, notes: &mut Notes) -> anyhow::Result<()> {
        let after = self.sandbox.listing()?;
        let written: Vec<String> = after.difference(before).map(|path| format!("/{}", path.display())).collect();
        let failure = |actual| Failure {
            expected: "no new file outside /tmp, as a runtime's root cannot be written to".to_owned(),
            actual,
            command: "all of the above".to_owned(),
        };
        let outcome = if written.is_empty() { Outcome::Passed } else { Outcome::Failed(failure(written.join("\n"))) };
        notes.add(format!("{at}: nothing is written outside /tmp"), outcome);
        Ok(())
    }

    /// Without any configuration the system's certificates are used, and where there are none, the layer's own: each
    /// bundle in turn is replaced by one that knows the test server's authority.
    pub fn bundles(&self, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
        let movie = self.fixtures.get("moov-end.mp4")?;
        let own = format!("{at}/{OWN_BUNDLE}");
        for place in SYSTEM_BUNDLES.into_iter().chain([own.as_str()]) {
            let name = format!("{at}: https without configuration, with certificates in {place}");
            if !self.sandbox.isolation().hides_the_machine() {
                let reason = "the layer would find this machine's own certificates first".to_owned();
                notes.add(name, Outcome::Skipped { reason, remedy: "see the first check".to_owned() });
                continue;
            }
            let expected = Expected::Report(movie.truth.clone());
            notes.add(name, self.bundle(at, place, Trust::Default, expected)?);
        }
        let name = format!("{at}: SSL_CERT_FILE wins over the certificates in the layer");
        notes.add(name, self.bundle(at, &own, Trust::Stranger, Expected::CertificateError)?);
        Ok(())
    }

    /// Asks over https while the test server's authority is in a certain bundle.
    fn bundle(&self, at: &str, place: &str, trust: Trust, expected: Expected) -> anyhow::Result<Outcome> {
        let path = format!("{}/bundle.mp4", self.cases("program", at).prefix);
        self.server.put(&path, Resource::new(self.fixtures.get("moov-end.mp4")?.bytes));
        let (name, input) = (String::new(), self.server.https(&path));
        let case = Case { name, input, trust, expected, traffic: Traffic::Any };
        let (answer, command) = self.with_file(place, self.server.authority(), || self.program_at(at).ask(&case))?;
        Ok(self.judge(&case, &answer, &command))
    }

    /// Does something while a file of the sandbox has another content.
    fn with_file<T>(&self, inside: &str, content: &str, action: impl FnOnce() -> T) -> anyhow::Result<T> {
        let file = self.sandbox.outside(inside);
        let before = fs::read(&file).ok();
        self.sandbox.write(inside, content.as_bytes())?;
        let result = action();
        let restored = match before {
            Some(content) => fs::write(&file, content),
            None => fs::remove_file(&file),
        };
        restored.with_context(|| format!("cannot restore {}", file.display()))?;
        Ok(result)
    }

    fn judge(&self, case: &Case, answer: &Answer, command: &str) -> Outcome {
        case.judge(answer, self.fixtures.duration_tolerance, self.server, command)
    }

    fn program_at(&self, at: &str) -> Program<'_> {
        Program { sandbox: self.sandbox, path: format!("{at}/{PROGRAM}"), timeout: self.timeout() }
    }

    /// Each set of cases has its own folder on the server, so that what reached it can be told apart.
    fn cases(&self, who: &str, at: &str) -> Cases<'_> {
        let place = PLACES.iter().position(|place| *place == at).unwrap_or(PLACES.len());
        let prefix = format!("/{who}-{place}");
        Cases { server: self.server, fixtures: self.fixtures, sandbox: self.sandbox, prefix }
    }

    /// One call natively takes milliseconds; under qemu, on a busy machine, seconds.
    fn timeout(&self) -> Duration {
        Duration::from_secs(if self.machine.emulator.is_some() { 60 } else { 20 })
    }
}

/// Does something to every item, as many at a time as the machine has processors; the results come in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], action: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(8);
    let next = AtomicUsize::new(0);
    let work = || {
        let taken = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|&at| at < items.len());
        taken.map(|at| (at, action(&items[at]))).collect::<Vec<_>>()
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().flat_map(|thread| match thread.join() {
            Ok(results) => results,
            // A bug of ours stays what it is.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let doubled = super::in_parallel(&items, |item| {
            std::thread::sleep(std::time::Duration::from_micros(100 - item));
            item * 2
        });
        assert_eq!(doubled, (0..100).map(|item| item * 2).collect::<Vec<u64>>());
    }
}
