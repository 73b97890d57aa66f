//! What the checks of every suite work with, and the checks that do not depend on what the layer is.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::case::{Answer, Case};
use super::fixture::Fixtures;
use super::notes::Notes;
use super::report::{Failure, Outcome};
use super::sandbox::Sandbox;
use super::sandbox::machine::{Machine, Unavailable};
use super::sandbox::python::Python;
use super::server::Server;
use super::server::tls::Identity;
use super::trust;

/// Where the layer is put: where the clouds put layers, and into a function that brings it along.
pub const PLACES: [&str; 2] = ["/opt", "/var/task/vendor/media layers"];

/// Where the fixtures are in the sandbox.
pub const MEDIA: &str = "/tmp/media";

/// The name of a file and of a path that is hard to handle.
pub const ODD_NAME: &str = "ein Übungs+video.mp4";

/// Where systems have their bundles: Amazon Linux and Alibaba Cloud Linux, the same inside, others, Debian.
pub const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// What the checks work with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// What runs the layer.
    pub machine: &'a Machine,
    /// What it reads from.
    pub server: &'a Server,
    /// What it reads.
    pub fixtures: &'a Fixtures,
    /// The Python that is in the sandbox, or why there is none; nothing where none was wanted.
    pub python: Option<&'a Result<Python, Unavailable>>,
    /// Where it runs.
    pub sandbox: &'a Sandbox,
}

impl Setting<'_> {
    /// Puts into the sandbox what the questions are about.
    pub fn furnish(&self) -> anyhow::Result<()> {
        for (name, bytes) in self.fixtures.files() {
            self.sandbox.write(&format!("{MEDIA}/{name}"), bytes)?;
        }
        self.sandbox.write(&format!("{MEDIA}/{ODD_NAME}"), self.fixtures.get("moov-end.mp4")?.bytes)?;
        self.sandbox.write(trust::AUTHORITY, self.server.authority().as_bytes())?;
        self.sandbox.write(trust::UNTRUSTED_CA, Identity::generate()?.authority.as_bytes())
    }

    /// Where the checks run, in words.
    pub fn place(&self) -> String {
        let isolation = self.sandbox.place();
        match &self.machine.emulator {
            None => isolation,
            Some(emulator) => {
                let qemu = emulator.program.file_name().unwrap_or_default().to_string_lossy();
                format!("{isolation}, under {qemu}")
            }
        }
    }

    /// How long one call may take: natively it takes milliseconds; under qemu, on a busy machine, seconds.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(if self.machine.emulator.is_some() { 60 } else { 20 })
    }

    /// The folder on the server of one set of questions, so that what reached it can be told apart.
    pub fn prefix(&self, who: &str, at: &str) -> String {
        let place = PLACES.iter().position(|place| *place == at).unwrap_or(PLACES.len());
        format!("/{who}-{place}")
    }

    /// Makes sure that nothing in the root could stand in for what the layer must bring itself, or says that the layer
    /// sees more than the root.
    pub fn isolation(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let foreign_files = self.sandbox.foreign_files(PLACES[0])?;
        let outcome = if !self.sandbox.hides_the_machine() {
            Outcome::Skipped {
                reason: "neither user namespaces nor chroot work here, so the layer sees this machine's files"
                    .to_owned(),
                remedy: "run as root, or allow user namespaces (`sysctl kernel.unprivileged_userns_clone=1`)"
                    .to_owned(),
            }
        } else if foreign_files.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(Failure {
                expected: "nothing but glibc, Python and the layer".to_owned(),
                actual: foreign_files.join("\n"),
                command: "making the sandbox".to_owned(),
            })
        };
        notes.add("no libcurl, libssl or certificates can be found".to_owned(), outcome);
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

    /// Holds an answer and what has reached the server against what a case wants.
    pub fn judge(&self, case: &Case, answer: &Answer, command: &str) -> Outcome {
        case.judge(answer, self.fixtures.duration_tolerance, self.server, command)
    }

    /// Does something while files of the sandbox have another content, or are not there.
    pub fn with_files<T>(&self, files: &[(&str, Option<&str>)], action: impl FnOnce() -> T) -> anyhow::Result<T> {
        let before: Vec<_> =
            files.iter().map(|(inside, _)| (*inside, fs::read(self.sandbox.outside(inside)))).collect();
        for (inside, content) in files {
            self.change(inside, content.map(str::as_bytes))?;
        }
        let result = action();
        for (inside, content) in before {
            self.change(inside, content.ok().as_deref())?;
        }
        Ok(result)
    }

    /// Gives a file of the sandbox this content, or takes it away.
    fn change(&self, inside: &str, content: Option<&[u8]>) -> anyhow::Result<()> {
        let file = self.sandbox.outside(inside);
        match content {
            Some(content) => self.sandbox.write(inside, content),
            None if file.exists() => {
                fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))
            }
            None => Ok(()),
        }
    }
}
