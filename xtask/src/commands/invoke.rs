//! `invoke`: runs a function with its layers as AWS Lambda or Function Compute would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::Outcome;
use super::selection::{LayerRef, this_machine};
use crate::error::invalid;
use crate::invoke::settings::{Function, check_memory, check_timeout};
use crate::invoke::{End, Invoker, Order};
use crate::model::Arch;
use crate::plan::{Request, resolve};
use crate::process;
use crate::session::Session;

/// Run a function with its layers as AWS Lambda or Function Compute would.
///
/// The function's layers are in /opt, and only /tmp can be written to. It has the cloud's environment, and in Lambda the
/// real runtime client. Results go to stdout; the function's log and a report of time and memory go to stderr. The
/// function gets the caller's credentials and region (AWS_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_ID and the like),
/// AWS_ENDPOINT_URL, and the variables that `environment` in function.toml names.
#[derive(Debug, Args)]
pub struct Invoke {
    /// The function's folder, with a function.toml.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// A file with an event, as JSON. The function that was started for the first one handles them all.
    #[arg(long = "event", value_name = "FILE", required_unless_present = "runtime_api")]
    events: Vec<PathBuf>,
    /// Take events from this Runtime API instead, such as an emulator's, which gives its address to custom runtimes in
    /// the variable AWS_LAMBDA_RUNTIME_API.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "events")]
    runtime_api: Option<String>,
    /// A layer by name or zip, instead of those in function.toml. They are in the order of the cloud's settings: where two have the same file, Lambda takes the last one's, Function Compute the first one's.
    #[arg(long = "layer", value_name = "NAME|ZIP")]
    layers: Vec<String>,
    /// Memory in MB; the share of a core follows from it [default: as in function.toml].
    #[arg(long, value_name = "MB")]
    memory: Option<u32>,
    /// How long an event may take, in seconds [default: as in function.toml].
    #[arg(long, value_name = "S")]
    timeout: Option<u32>,
}

impl Invoke {
    /// Runs the function once for every event.
    ///
    /// # Errors
    /// Where it cannot be run at all. That it failed is an outcome.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let function = Function::read(&self.folder)?;
        let (memory, timeout) = (self.memory.unwrap_or(function.memory), self.timeout.unwrap_or(function.timeout));
        check_memory(memory).map_err(|problem| invalid(format!("`--memory`: {problem}")))?;
        check_timeout(timeout).map_err(|problem| invalid(format!("`--timeout`: {problem}")))?;
        let events = self.events.iter().map(|file| read_event(file)).collect::<Result<Vec<_>>>()?;
        let arch = this_machine()?;
        let names = if self.layers.is_empty() { &function.layers } else { &self.layers };
        let layers = names.iter().map(|name| zip_of(session, name, arch)).collect::<Result<Vec<_>>>()?;
        let order = Order {
            folder: &self.folder,
            function: &function,
            layers: &layers,
            memory,
            timeout: Duration::from_secs(timeout.into()),
        };
        let mut invoker = Invoker::new(&order, arch, &session.cache, &session.ui)?;
        if let Some(address) = &self.runtime_api {
            session.ui.note(invoker.serve(address)?);
            return Ok(Outcome::Findings);
        }
        let mut outcome = Outcome::Done;
        for (file, event) in self.events.iter().zip(events) {
            let (result, ended) = match invoker.invoke(&event)? {
                End::Result(result) => (Some(result), Outcome::Done),
                End::Failed { reason, answer } => {
                    session.ui.note(format!("{}: the function failed: {reason}", file.display()));
                    (answer, Outcome::Findings)
                }
            };
            if let Some(result) = result {
                session.ui.data(&format!("{}\n", String::from_utf8_lossy(&result)))?;
            }
            outcome = outcome.and(ended);
        }
        Ok(outcome)
    }
}

fn read_event(file: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(file).map_err(|error| invalid(format!("cannot read {}: {error}", file.display())))?;
    let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&bytes);
    parsed.map_err(|error| invalid(format!("{} is not JSON: {error}", file.display())))?;
    Ok(bytes)
}

/// The zip that is meant: a file, or a layer's in dist/, which is built if it is not there.
fn zip_of(session: &Session, name: &str, arch: Arch) -> Result<PathBuf> {
    let file = PathBuf::from(name);
    if file.is_file() {
        return Ok(file);
    }
    if file.extension().is_some_and(|extension| extension == "zip") {
        return Err(invalid(format!("there is no {name}")));
    }
    let layer: LayerRef =
        name.parse().map_err(|error| invalid(format!("`{name}` is neither a zip nor a layer: {error}")))?;
    let request = Request {
        layer: layer.name,
        version: layer.version,
        archs: vec![arch],
        builder: arch,
        overrides: BTreeMap::new(),
    };
    let plan = resolve(&session.catalog, &request)?;
    let zip = session.dist.join(&plan.zips.first().context("a plan without a zip")?.file);
    if !zip.is_file() {
        session.ui.note(format!("{} is not there yet, so it is built", zip.display()));
        let own = std::env::current_exe().context("cannot tell where this program is")?;
        let words = [own.display().to_string(), "build-layer".to_owned(), name.to_owned()];
        let cache = session.cache.display().to_string();
        let status = process::attached(&words, &BTreeMap::from([("MEDIA_LAYERS_CACHE".to_owned(), cache)]))?;
        if !status.success() {
            bail!("`{name}` could not be built; the error is above");
        }
    }
    Ok(zip)
}
