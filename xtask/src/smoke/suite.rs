//! How every suite goes: a server, a sandbox, and the same checks wherever the layer may be put.

use std::path::Path;

use super::Options;
use super::fixture::{Fixtures, Vocabulary};
use super::notes::Notes;
use super::report::Report;
use super::sandbox::machine::Machine;
use super::sandbox::python::Python;
use super::sandbox::{Content, Sandbox};
use super::server::Server;
use super::setting::{PLACES, Setting};
use crate::model::Arch;
use crate::ui::Ui;

/// The checks of one kind of layer.
#[derive(Clone, Copy)]
pub struct Suite<'a> {
    /// Its name.
    pub name: &'a str,
    /// The program that is run first of all, as a path in the layer.
    pub program: &'a str,
    /// In whose words the truth about the fixtures is told.
    pub vocabulary: Vocabulary,
    /// Whether the machine's Python must be beside it.
    pub python: NeedsPython,
    /// Makes the checks of a layer at one of its places.
    pub checks: &'a dyn Fn(&Setting<'_>, &str, &mut Notes) -> anyhow::Result<()>,
}

/// Whether the machine's Python must be beside the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedsPython {
    /// The layer is complete.
    No,
    /// The layer holds a Python module.
    Yes,
}

impl Suite<'_> {
    /// Runs the checks on a layer that is unpacked in a folder.
    ///
    /// # Errors
    /// Where the checks cannot be made at all; what they find is in the report.
    pub fn run(&self, layer: &Path, arch: Arch, options: &Options, ui: &Ui) -> anyhow::Result<Report> {
        let suite = self.name.to_owned();
        let mut notes = Notes::begin(ui, &format!("smoke {suite} {arch}"));
        let machine = match Machine::find(arch, options.emulated_root.as_deref()) {
            Ok(machine) => machine,
            Err(unavailable) => {
                notes.add(format!("the layer runs on {arch}"), unavailable.into());
                return Ok(Report { suite, arch, place: "not run".to_owned(), checks: notes.checks });
            }
        };
        let (server, fixtures) = (Server::start()?, Fixtures::embedded(self.vocabulary)?);
        let wants_python = self.python == NeedsPython::Yes;
        let bare = Content { layer, at: PLACES[0], program: self.program, hosts: &server.hosts(), python: None };
        let (sandbox, python) = match &options.target {
            Some(target) => {
                let sandbox = Sandbox::build_in(target, &machine, &bare)?;
                let python = sandbox.own_python().filter(|_| wants_python);
                (sandbox, python)
            }
            None => {
                let python = wants_python.then(|| Python::find(&machine));
                let content = Content { python: python.as_ref().and_then(|python| python.as_ref().ok()), ..bare };
                (Sandbox::build(&machine, &content, &options.isolations)?, python)
            }
        };
        let setting = Setting {
            machine: &machine,
            server: &server,
            fixtures: &fixtures,
            python: python.as_ref(),
            sandbox: &sandbox,
        };
        setting.furnish()?;
        setting.isolation(&mut notes)?;
        for (number, at) in PLACES.into_iter().enumerate() {
            if number > 0 {
                sandbox.move_layer(PLACES[number - 1], at, self.program)?;
            }
            (self.checks)(&setting, at, &mut notes)?;
        }
        Ok(Report { suite, arch, place: setting.place(), checks: notes.checks })
    }
}
