//! The checks of the MediaInfo layer: its program and its Python module do what a function wants of them, from any
//! folder and where nothing else is.

mod case;
mod cases;
mod output;
mod program;
mod python;
mod suite;

use std::path::Path;

use self::cases::{MEDIA, ODD_NAME};
use self::python::{FUNCTION, FUNCTION_PATH};
use self::suite::{Notes, Suite};
use super::Options;
use super::fixture::Fixtures;
use super::report::Report;
use super::sandbox::isolation::Isolation;
use super::sandbox::machine::Machine;
use super::sandbox::python::Python;
use super::sandbox::{Content, Sandbox};
use super::server::Server;
use super::server::tls::Identity;
use crate::model::Arch;
use crate::ui::Ui;

/// The name of the suite.
const SUITE: &str = "mediainfo";

/// The program, as a path in the layer.
pub const PROGRAM: &str = "bin/mediainfo";

/// Where the layer is put: where the clouds put layers, and into a function that brings it along.
const PLACES: [&str; 2] = ["/opt", "/var/task/vendor/media layers"];

/// Runs the checks on a layer that is unpacked in a folder.
///
/// # Errors
/// Where the checks cannot be made at all; what they find is in the report.
pub fn run(layer: &Path, arch: Arch, options: &Options, ui: &Ui) -> anyhow::Result<Report> {
    let report = |place: String, notes: Notes| Report { suite: SUITE.to_owned(), arch, place, checks: notes.checks };
    let mut notes = Notes::begin(ui, &format!("smoke {SUITE} {arch}"));
    let machine = match Machine::find(arch, options.emulated_root.as_deref()) {
        Ok(machine) => machine,
        Err(unavailable) => {
            notes.add(format!("the layer runs on {arch}"), unavailable.into());
            return Ok(report("not run".to_owned(), notes));
        }
    };
    let (server, fixtures) = (Server::start()?, Fixtures::embedded()?);
    let python = Python::find(&machine);
    let content =
        Content { layer, at: PLACES[0], program: PROGRAM, hosts: &server.hosts(), python: python.as_ref().ok() };
    let sandbox = Sandbox::build(&machine, &content, &options.isolations)?;
    furnish(&sandbox, &server, &fixtures)?;

    let suite = Suite { machine: &machine, server: &server, fixtures: &fixtures, python: &python, sandbox: &sandbox };
    suite.isolation(&mut notes)?;
    for (number, at) in PLACES.into_iter().enumerate() {
        if number > 0 {
            sandbox.move_layer(PLACES[number - 1], at, PROGRAM)?;
        }
        let before = sandbox.listing()?;
        suite.program(at, &mut notes)?;
        suite.python(at, &mut notes)?;
        suite.nothing_written(at, &before, &mut notes)?;
        suite.bundles(at, &mut notes)?;
    }
    Ok(report(place(&machine, sandbox.isolation()), notes))
}

/// Puts into the sandbox what the questions are about.
fn furnish(sandbox: &Sandbox, server: &Server, fixtures: &Fixtures) -> anyhow::Result<()> {
    for fixture in &fixtures.all {
        sandbox.write(&format!("{MEDIA}/{}", fixture.truth.file), fixture.bytes)?;
    }
    sandbox.write(&format!("{MEDIA}/{ODD_NAME}"), fixtures.get("moov-end.mp4")?.bytes)?;
    sandbox.write(program::AUTHORITY, server.authority().as_bytes())?;
    sandbox.write(program::STRANGER, Identity::generate()?.authority.as_bytes())?;
    sandbox.write(FUNCTION_PATH, FUNCTION.as_bytes())
}

/// Where the checks run, in words.
fn place(machine: &Machine, isolation: Isolation) -> String {
    match &machine.emulator {
        None => isolation.to_string(),
        Some(emulator) => {
            let qemu = emulator.program.file_name().unwrap_or_default().to_string_lossy();
            format!("{isolation}, under {qemu}")
        }
    }
}

#[cfg(test)]
mod tests;
