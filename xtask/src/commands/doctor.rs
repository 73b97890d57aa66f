//! `cargo xtask doctor`: whether this machine has what building needs, all of it at once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use super::Outcome;
use super::selection::this_machine;
use crate::container::Engine;
use crate::model::Arch;
use crate::plan::{Plan, PlannedStep};
use crate::session::Session;
use crate::smoke::sandbox::machine::Machine;
use crate::source::pip;

/// Check whether this machine has what building and proving a layer needs, and say how to get the rest.
#[derive(Debug, Args)]
pub struct Doctor {}

/// One thing that was looked for.
struct Finding {
    what: String,
    /// What was found, or nothing.
    found: Option<String>,
    /// How to get it.
    remedy: Cow<'static, str>,
    /// What it is for, if one can do without.
    optional: Option<&'static str>,
}

/// Where build steps find programs of the machine.
const STEP_PATH: [&str; 2] = ["/usr/bin", "/bin"];

/// What makefiles and configure scripts run, on top of what recipes name.
const POSIX_TOOLS: [&str; 12] = ["sh", "cat", "cp", "expr", "grep", "ln", "mkdir", "mv", "rm", "sed", "sort", "uname"];

impl Doctor {
    /// Prints every finding; exit code 1 if something is missing that building needs.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let findings = examine(session);
        let mut text = String::new();
        for finding in &findings {
            let state = match (&finding.found, finding.optional) {
                (Some(_), _) => "ok",
                (None, Some(_)) => "absent",
                (None, None) => "MISSING",
            };
            writeln!(text, "{state:8} {:24} {}", finding.what, finding.found.as_deref().unwrap_or(&finding.remedy))?;
            if let (None, Some(purpose)) = (&finding.found, finding.optional) {
                writeln!(text, "{:8} {:24} without it: {purpose}", "", "")?;
            }
        }
        session.ui.data(&text)?;
        let missing = findings.iter().any(|finding| finding.found.is_none() && finding.optional.is_none());
        Ok(if missing { Outcome::Findings } else { Outcome::Done })
    }
}

fn examine(session: &Session) -> Vec<Finding> {
    let machine = this_machine();
    let mut findings = vec![Finding {
        what: "machine".to_owned(),
        found: machine.as_ref().ok().map(|arch| format!("Linux on {arch}")),
        remedy: "build on Linux, x86_64 or arm64".into(),
        optional: None,
    }];
    let absent: Vec<_> = POSIX_TOOLS.into_iter().filter(|tool| find(tool).is_none()).collect();
    findings.push(Finding {
        what: if absent.is_empty() { "shell and tools".to_owned() } else { absent.join(", ") },
        found: absent.is_empty().then(|| POSIX_TOOLS.join(", ")),
        remedy: "apt install coreutils grep sed dash".into(),
        optional: None,
    });
    findings.push(Finding {
        what: "make".to_owned(),
        found: find("make").map(|folder| format!("{folder}/make")),
        remedy: "apt install make".into(),
        optional: None,
    });
    findings.push(Finding {
        what: "python3".to_owned(),
        found: find("python3").map(|folder| format!("{folder}/python3")),
        remedy: "apt install python3".into(),
        optional: Some("`import pymediainfo` from the finished layer is not tried"),
    });
    findings.push(Finding {
        what: "Python package index".to_owned(),
        found: pip::discover().describe(),
        remedy: "none is configured".into(),
        optional: Some("the pip of Debian's archive is fetched and asked; or name an index with --pypi-index"),
    });
    for arch in Arch::ALL {
        findings.push(Finding {
            what: format!("running {arch} programs"),
            found: Machine::find(arch, session.smoke_options().emulated_root.as_deref())
                .ok()
                .map(|machine| machine.loader_path().display().to_string()),
            remedy: "apt install qemu-user-static, then ci/arm64-root (see README.md)".into(),
            optional: Some("layers for it are built and audited, but not run"),
        });
    }
    let engine = Engine::find();
    findings.push(Finding {
        what: "container engine".to_owned(),
        remedy: engine
            .as_ref()
            .err()
            .map(|failure| failure.to_string().replace("\n\nhint: ", "; "))
            .unwrap_or_default()
            .into(),
        found: engine.ok().map(|engine| engine.description().to_owned()),
        optional: Some("nothing is built or run in the targets' images (`--builder al2`, `smoke --in al2`)"),
    });
    findings.push(Finding {
        what: "cache".to_owned(),
        found: Some(session.cache.display().to_string()),
        remedy: "".into(),
        optional: None,
    });
    findings
}

/// An error that names every program of the machine that the plan's steps run and that is not there.
pub fn require(plan: &Plan) -> Result<()> {
    let mut missing = BTreeSet::new();
    for package in &plan.packages {
        let tools = package.tools.values().filter_map(|key| plan.package(*key)).flat_map(|tool| &tool.programs);
        let brought: BTreeSet<&str> = tools
            .filter_map(|path| path.rsplit('/').next())
            .chain(package.wrappers.keys().map(String::as_str))
            .collect();
        for step in &package.steps {
            if let PlannedStep::Run(run) = step
                && let Some(program) = run.argv.first()
                && !program.contains('/')
                && !brought.contains(program.as_str())
                && find(program).is_none()
            {
                missing.insert(program.clone());
            }
        }
        if package.wrappers.is_empty() {
            continue;
        }
        missing.extend(POSIX_TOOLS.iter().filter(|tool| find(tool).is_none()).map(|tool| (*tool).to_owned()));
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.into_iter().map(|name| format!("`{name}`")).collect();
        bail!(
            "build steps run programs that are neither in {}: {}\n\nhint: install them, on Debian with `apt install make coreutils grep sed`; `cargo xtask doctor` shows everything",
            STEP_PATH.join(" nor in "),
            names.join(", ")
        );
    }
    Ok(())
}

fn find(program: &str) -> Option<&'static str> {
    STEP_PATH.into_iter().find(|folder| Path::new(folder).join(program).is_file())
}
