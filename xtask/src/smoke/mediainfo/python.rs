//! The Python module: the same questions, through pymediainfo.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::output;
use crate::process::bounded::{self, Command, Output};
use crate::smoke::case::{Answer, Case};
use crate::smoke::report::excerpt;
use crate::smoke::sandbox::Sandbox;
use crate::smoke::sandbox::python::Python;
use crate::smoke::trust::Trust;

/// The function that imports the module.
pub const FUNCTION: &str = include_str!("ask.py");

/// Where the function is in the sandbox.
pub const FUNCTION_PATH: &str = "/var/task/ask.py";

/// A Python in a sandbox with the layer's module.
#[derive(Debug, Clone)]
pub struct Module<'a> {
    /// Where it runs.
    pub sandbox: &'a Sandbox,
    /// The interpreter.
    pub python: &'a Python,
    /// How it finds the module.
    pub found_by: FoundBy,
    /// How long all the questions may take.
    pub timeout: Duration,
}

/// How Python finds a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundBy {
    /// The runtime has this folder in `PYTHONPATH`, as Lambda has `/opt/python`.
    Environment(String),
    /// The function puts this folder on `sys.path`.
    Function(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Line {
    Tracks(Vec<BTreeMap<String, Value>>),
    Error(String),
}

impl Module<'_> {
    /// Asks about all cases in one process each for every kind of trust, as starting Python is the slow part. Gives the
    /// answers in the order of the cases, each with the command that was run.
    pub fn ask_all(&self, cases: &[Case]) -> Vec<(Answer, String)> {
        let mut answers: BTreeMap<usize, (Answer, String)> = BTreeMap::new();
        for trust in [Trust::Default, Trust::Authority, Trust::UntrustedCa] {
            let asked: Vec<(usize, &Case)> = cases.iter().enumerate().filter(|(_, case)| case.trust == trust).collect();
            if asked.is_empty() {
                continue;
            }
            let inputs: Vec<&str> = asked.iter().map(|(_, case)| case.input.as_str()).collect();
            let command = self.command(&inputs, trust);
            let line = command.shell_line();
            let found = ask(&command, inputs.len());
            for ((number, case), answer) in asked.iter().zip(found) {
                answers.insert(*number, (answer, format!("{line} # MediaInfo.parse({:?})", case.input)));
            }
        }
        answers.into_values().collect()
    }

    fn command(&self, inputs: &[&str], trust: Trust) -> Command {
        let folder = match &self.found_by {
            FoundBy::Environment(_) => String::new(),
            FoundBy::Function(folder) => self.sandbox.path(folder),
        };
        let python = self.sandbox.python(self.python);
        // The root has no compiled modules, and the layer's folder must stay as it is.
        let cache = format!("pycache_prefix={}", self.sandbox.path("/tmp/pycache"));
        let argv = [python.as_str(), "-X", &cache, &self.sandbox.path(FUNCTION_PATH), &folder];
        let mut env = trust.env(self.sandbox);
        if let FoundBy::Environment(folder) = &self.found_by {
            env.insert("PYTHONPATH".to_owned(), self.sandbox.path(folder));
        }
        let command = self.sandbox.command(&env, argv);
        Command { stdin: Value::from(inputs).to_string().into_bytes(), timeout: self.timeout, ..command }
    }
}

/// Runs the function. Whatever happens, there is an answer for every question.
fn ask(command: &Command, count: usize) -> Vec<Answer> {
    let output = match bounded::run(command) {
        Ok(output) => output,
        Err(error) => return (0..count).map(|_| Answer::Odd(error.to_string())).collect(),
    };
    let read = |line: &[u8]| match serde_json::from_slice(line) {
        Ok(Line::Tracks(tracks)) => Answer::Report(Box::new(output::from_python(tracks))),
        Ok(Line::Error(text)) => Answer::Error(text),
        Err(_) => Answer::Odd(format!("something else on stdout: {}", excerpt(line))),
    };
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let mut answers: Vec<Answer> = lines.map(read).take(count).collect();
    let missing = || Answer::Odd(format!("no answer\n{}", describe(&output)));
    answers.resize_with(count, missing);
    answers
}

fn describe(output: &Output) -> String {
    format!("{}\nstderr: {}", output.ending(), excerpt(&output.stderr))
}
