//! The checks of ffprobe, in the order in which they run.

use super::whole::whole;
use super::{PROGRAM, about, own, report};
use crate::smoke::bundles::Bundles;
use crate::smoke::case::{Answer, Case};
use crate::smoke::cases::{Cases, ODD_PATHS, OddPath};
use crate::smoke::damaged::{self, Reader};
use crate::smoke::notes::Notes;
use crate::smoke::parallel::in_parallel;
use crate::smoke::program::Program;
use crate::smoke::setting::Setting;

/// Where the layer looks for certificates of its own, as paths in the layer, first one first.
const OWN_BUNDLES: [&str; 2] = ["bin/cacert.pem", "share/media-layers/cacert.pem"];

/// Makes all checks of a layer that is ffprobe alone.
pub fn checks(setting: &Setting<'_>, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let before = setting.sandbox.listing()?;
    let program =
        Program { sandbox: setting.sandbox, path: format!("{at}/{PROGRAM}"), name: None, timeout: setting.timeout() };
    check_answers(setting, at, &program, notes)?;
    setting.nothing_written(at, &before, notes)?;
    check_bundles(setting, at, &program, notes)
}

/// Checks what the ffprobe of a layer at `at` says about itself and about files.
pub fn check_answers(setting: &Setting<'_>, at: &str, program: &Program<'_>, notes: &mut Notes) -> anyhow::Result<()> {
    about(program, "ffprobe").into_iter().for_each(|(name, outcome)| notes.add(format!("{at}: {name}"), outcome));
    let cases = cases(setting, at);
    let questions = questions(&cases)?;
    let outcomes = in_parallel(&questions, |case| {
        let (answer, command) = ask(program, case);
        setting.judge(case, &answer, &command)
    });
    for (case, outcome) in questions.iter().zip(outcomes) {
        notes.add(format!("{at}: {}", case.name), outcome);
    }
    for (name, outcome) in whole(program, &cases)? {
        notes.add(format!("{at}: {name}"), outcome);
    }
    damaged::check(program, Reader::Ffprobe, &report::OPTIONS, notes, at)?;
    Ok(())
}

/// Checks where that ffprobe finds certificates. It writes into the root.
pub fn check_bundles(setting: &Setting<'_>, at: &str, program: &Program<'_>, notes: &mut Notes) -> anyhow::Result<()> {
    let cases = cases(setting, at);
    let bundles = Bundles { at, own: &OWN_BUNDLES, cases: &cases, ask: &|case| ask(program, case) };
    bundles.check(notes)?;
    bundles.check_order(notes)
}

/// Asks for a report on the input of a case.
pub fn ask(program: &Program<'_>, case: &Case) -> (Answer, String) {
    let arguments = report::OPTIONS.iter().chain(case.options).copied().chain([case.input.as_str()]);
    program.ask(&arguments.collect::<Vec<_>>(), case.trust, &report::read)
}

fn cases<'a>(setting: &Setting<'a>, at: &str) -> Cases<'a> {
    Cases { setting: *setting, prefix: setting.prefix("ffprobe", at) }
}

/// All questions, in the order in which they are asked.
fn questions(cases: &Cases<'_>) -> anyhow::Result<Vec<Case>> {
    // What is not written as a URL must be is sent as it is written, as upstream documents it.
    let well_written = |odd: &OddPath| odd.written == odd.sent;
    let odd: Vec<OddPath> = ODD_PATHS.into_iter().filter(well_written).collect();
    let mut all = cases.local()?;
    all.extend(cases.plain());
    all.extend(cases.certificates()?);
    all.extend(cases.targets(&odd)?);
    all.extend(cases.failures()?);
    all.push(cases.changing()?);
    all.extend(cases.modest(&own::MODEST)?);
    all.extend(own::questions(cases)?);
    Ok(all)
}
