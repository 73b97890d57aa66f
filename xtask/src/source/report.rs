//! The messages about fetching: one text for everything that went wrong.

use super::failure::Failure;
use super::request::{Context, Network, Request};
use super::unpack::file_name;
use crate::ui::Ui;

/// A place that did not give an archive, and why.
#[derive(Debug)]
pub(super) struct Attempt {
    /// A URL, a file, or an origin for which there is no place.
    pub place: String,
    /// Why.
    pub failure: Failure,
}

/// A source that could not be fetched.
pub(super) struct UnfetchedSource<'r, 'a> {
    pub request: &'r Request<'a>,
    pub attempts: Vec<Attempt>,
}

/// Warns about bytes that were not the pinned ones, though another place had the right ones.
pub(super) fn warn(ui: &Ui, what: &str, attempts: &[Attempt]) {
    for attempt in attempts.iter().filter(|attempt| attempt.failure.is_suspicious()) {
        ui.warn(format!("{what}: {}: {}; its bytes were discarded", attempt.place, attempt.failure));
    }
}

/// The error for everything that could not be fetched.
pub(super) fn cannot_fetch(context: &Context<'_>, missed: &[UnfetchedSource<'_, '_>]) -> String {
    let mut text: Vec<String> = missed.iter().map(|missed| about(context.network, missed)).collect();
    if missed.iter().flat_map(|missed| &missed.attempts).any(|attempt| attempt.failure.is_suspicious()) {
        text.push(
            "hint: before you change `size` or `sha256` in a recipe, compare the archive with what its project publishes"
                .to_owned(),
        );
    }
    text.push(match &context.network {
        Network::Online(_) => "hint: name another mirror with `--debian-mirror`, `--pypi-index` or `--mirror-dir`; \
                               a folder that has the files makes `--offline` possible"
            .to_owned(),
        Network::Offline => {
            "hint: run once without `--offline`, or name a folder that has the files with `--mirror-dir`".to_owned()
        }
    });
    text.join("\n\n")
}

fn about(network: &Network, missed: &UnfetchedSource<'_, '_>) -> String {
    let what = &missed.request.what;
    let archives = &missed.request.source.archives;
    let mut lines = match network {
        Network::Online(_) => {
            let names: Vec<String> = archives.iter().map(|archive| format!("`{}`", file_name(archive))).collect();
            vec![format!("{what}: no place gave {}", names.join(" or "))]
        }
        Network::Offline => {
            let line =
                |archive| format!("  {}, {} bytes, sha256 {}", file_name(archive), archive.most(), archive.sha256);
            let one_of = if archives.len() > 1 { " one of" } else { "" };
            let mut lines = vec![format!("{what}: not on this machine, and `--offline` forbids fetching{one_of}")];
            lines.extend(archives.iter().map(line));
            lines
        }
    };
    lines.extend(missed.attempts.iter().map(|attempt| format!("  {}: {}", attempt.place, attempt.failure)));
    lines.join("\n")
}
