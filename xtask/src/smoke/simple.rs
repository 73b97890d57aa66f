//! The checks of a simple program: calls and their expected results, as the layer's file lists them.

use super::notes::Notes;
use super::program::Program;
use super::setting::{MEDIA, Setting};
use crate::model::layer::SmokeCheck;
use crate::process::bounded::Output;

/// Makes all checks of a layer at one of its places.
pub fn checks(list: &[SmokeCheck], setting: &Setting<'_>, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let before = setting.sandbox.listing()?;
    let media = setting.sandbox.path(MEDIA);
    for check in list {
        // The catalog has made sure that there is one.
        let Some((program, arguments)) = check.run.split_first() else { continue };
        let path = format!("{at}/{program}");
        let program = Program { sandbox: setting.sandbox, path, name: None, timeout: setting.timeout() };
        let arguments: Vec<String> = arguments.iter().map(|word| word.replace("{media}", &media)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let outcome = program.check(&arguments, &expected(check), |output| fits(check, output));
        notes.add(format!("{at}: {}", check.name), outcome);
    }
    setting.nothing_written(at, &before, notes)
}

fn expected(check: &SmokeCheck) -> String {
    let texts =
        |stream: &str, texts: &[String]| texts.iter().map(|text| format!(", `{text}` on {stream}")).collect::<String>();
    format!("exit code {}{}{}", check.exit_code, texts("stdout", &check.stdout), texts("stderr", &check.stderr))
}

fn fits(check: &SmokeCheck, output: &Output) -> bool {
    let holds = |bytes: &[u8], texts: &[String]| {
        let said = String::from_utf8_lossy(bytes);
        texts.iter().all(|text| said.contains(text))
    };
    output.status.code() == Some(check.exit_code.into())
        && holds(&output.stdout, &check.stdout)
        && holds(&output.stderr, &check.stderr)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn exit_code_and_texts_must_fit() {
        let text = "name = 'version'\nrun = ['bin/tool', '--version']\nexit-code = 3\nstdout = ['tool', '1.']\n";
        let check: SmokeCheck = toml::from_str(text).expect("a check");
        let output = |code: i32, stdout: &str| Output {
            status: ExitStatus::from_raw(code << 8),
            timed_out: false,
            stdout: stdout.into(),
            stderr: Vec::new(),
        };
        assert!(fits(&check, &output(3, "tool 1.2\n")));
        assert!(!fits(&check, &output(0, "tool 1.2\n")));
        assert!(!fits(&check, &output(3, "tool 2.1\n").clone()));
        assert_eq!(expected(&check), "exit code 3, `tool` on stdout, `1.` on stdout");
    }
}
