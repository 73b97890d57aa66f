//! The checks of the MediaInfo layer, in the order in which they run.

use super::PROGRAM;
use super::alike;
use super::output::{self, Media};
use super::python::{FUNCTION, FUNCTION_PATH, FoundBy, Module};
use crate::smoke::bundles::Bundles;
use crate::smoke::case::{Answer, Case, Expected, Findings};
use crate::smoke::cases::{Cases, LONG, ODD_PATHS};
use crate::smoke::damaged::{self, Reader};
use crate::smoke::notes::Notes;
use crate::smoke::parallel::in_parallel;
use crate::smoke::program::Program;
use crate::smoke::setting::{PLACES, Setting};
use crate::smoke::traffic::{ExpectedTraffic, Traffic};
use crate::smoke::trust::Trust;

/// The folder for `PYTHONPATH`, as a path in the layer.
const MODULES: &str = "python";

/// The bundle of certificates that the layer brings, as a path in the layer.
const OWN_BUNDLE: &str = "python/pymediainfo/cacert.pem";

/// What the checks work with.
#[derive(Debug, Clone, Copy)]
struct Suite<'a> {
    setting: &'a Setting<'a>,
    /// Where the layer is.
    at: &'a str,
}

/// Makes all checks of the layer at one of its places.
pub fn checks(setting: &Setting<'_>, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
    setting.sandbox.write(FUNCTION_PATH, FUNCTION.as_bytes())?;
    let suite = Suite { setting, at };
    let before = setting.sandbox.listing()?;
    suite.program(notes)?;
    suite.python(notes)?;
    setting.nothing_written(at, &before, notes)?;
    let (program, cases) = (suite.program_at(), suite.cases("program"));
    alike::check(&program, &suite.cases("alike"), notes, at)?;
    damaged::check(&program, Reader::Mediainfo, &["--Output=JSON"], notes, at)?;
    let ask = |case: &Case| ask(&program, "--Output=JSON", case);
    Bundles { at, own: &[OWN_BUNDLE], cases: &cases, ask: &ask }.check(notes)
}

impl Suite<'_> {
    /// The program of the layer.
    fn program(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let (setting, at, program) = (self.setting, self.at, self.program_at());
        let mut add = |name: &str, outcome| notes.add(format!("{at}: {name}"), outcome);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let version = program.check(&["--version"], "exit code 0 and a line `MediaInfoLib - v…`", |output| {
            output.success() && text(&output.stdout).lines().any(|line| line.starts_with("MediaInfoLib - v"))
        });
        add("--version", version);
        // Upstream ends with exit code 1 here, whatever it prints.
        let urls =
            program.check(&["--Info_CanHandleUrls"], "nothing but 1", |output| text(&output.stdout).trim() == "1");
        add("--Info_CanHandleUrls", urls);
        let cases = questions(&self.cases("program"))?;
        let outcomes = in_parallel(&cases, |case| {
            let (answer, command) = ask(&program, "--Output=JSON", case);
            setting.judge(case, &answer, &command)
        });
        cases.iter().zip(outcomes).for_each(|(case, outcome)| add(&case.name, outcome));
        let simple = |case: &&Case| case.trust == Trust::Default && matches!(case.traffic, Traffic::Any);
        let simple = cases.iter().filter(simple).filter(|case| matches!(case.expected, Expected::Report(_)));
        let simple: Vec<&Case> = simple.collect();
        let outcomes = in_parallel(&simple, |case| {
            let (answer, command) = ask(&program, "--Output=XML", case);
            setting.judge(case, &answer, &command)
        });
        simple.iter().zip(outcomes).for_each(|(case, outcome)| add(&format!("XML of {}", case.name), outcome));
        Ok(())
    }

    /// The Python module of the layer.
    fn python(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let (setting, at) = (self.setting, self.at);
        let python = match setting.python {
            Some(Ok(python)) => python,
            Some(Err(unavailable)) => {
                notes.add(format!("{at}: Python"), unavailable.clone().into());
                return Ok(());
            }
            None => return Ok(()),
        };
        let modules = format!("{at}/{MODULES}");
        let found_by = if at == PLACES[0] { FoundBy::Environment(modules) } else { FoundBy::Function(modules) };
        let mut cases = questions(&self.cases("python"))?;
        cases.push(self.cases("python").changing()?);
        // All questions of a kind are asked in one process.
        let module = Module { sandbox: setting.sandbox, python, found_by, timeout: setting.timeout() * 4 };
        for (case, (answer, command)) in cases.iter().zip(module.ask_all(&cases)) {
            notes.add(format!("{at}: Python: {}", case.name), setting.judge(case, &answer, &command));
        }
        Ok(())
    }

    fn program_at(&self) -> Program<'_> {
        let Setting { sandbox, .. } = *self.setting;
        Program { sandbox, path: format!("{}/{PROGRAM}", self.at), name: None, timeout: self.setting.timeout() }
    }

    fn cases(&self, who: &str) -> Cases<'_> {
        Cases { setting: *self.setting, prefix: self.setting.prefix(who, self.at) }
    }
}

/// All questions, in the order in which they are asked.
fn questions(cases: &Cases<'_>) -> anyhow::Result<Vec<Case>> {
    let mut all = cases.local()?;
    all.extend(cases.plain());
    all.extend(cases.certificates()?);
    all.extend(cases.targets(&ODD_PATHS)?);
    all.extend(cases.failures()?);
    all.extend(cases.modest(&ExpectedTraffic::Less(u64::from(LONG / 2)))?);
    Ok(all)
}

/// Asks the program for a report in one of its forms.
fn ask(program: &Program<'_>, form: &str, case: &Case) -> (Answer, String) {
    let read: fn(&[u8]) -> Result<Option<Media>, String> =
        if form == "--Output=XML" { output::read_xml } else { output::read_json };
    let boxed = |media: Media| -> Box<dyn Findings + Send> { Box::new(media) };
    program.ask(&[form, &case.input], case.trust, &|stdout| Ok(read(stdout)?.map(boxed)))
}
