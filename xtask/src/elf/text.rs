//! A report for humans: grouped by file, aligned, and as readable without colour as with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::finding::{Finding, Rule};
use super::input::Input;
use super::report::{Audited, Outcome, Report};
use super::table::{self, printable};
use crate::ui::counted;

/// The report as text. What comes from the audited bytes cannot steer the terminal.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(text: &mut String, report: &Report) -> std::fmt::Result {
    let kind = match report.kind {
        Input::File => "ELF file",
        Input::Folder => "folder",
        Input::Zip => "zip",
    };
    write!(text, "{}: {kind}", printable(&report.input))?;
    if let Some(arch) = report.arch {
        write!(text, ", {arch}")?;
    }
    if report.kind != Input::File {
        write!(text, ", {} of {}", counted(report.files.len(), "ELF file"), counted(report.entries, "entry"))?;
    }
    writeln!(text, ", {} bytes", report.unpacked)?;

    let mut places: BTreeMap<&str, (Option<&Audited>, &[Finding])> = BTreeMap::new();
    for file in &report.files {
        places.entry(&file.path).or_default().0 = Some(file);
    }
    for findings in report.findings.chunk_by(|left, right| left.path == right.path) {
        places.entry(&findings[0].path).or_default().1 = findings;
    }
    for (path, (file, findings)) in &places {
        write_file(text, path, *file, findings)?;
    }

    let table = table::lines(report);
    if !table.is_empty() {
        writeln!(text)?;
    }
    for line in table {
        writeln!(text, "{line}")?;
    }

    let faulty = places.values().filter(|(_, findings)| !findings.is_empty()).count();
    let tail = if faulty == 0 { String::new() } else { format!(" in {}", counted(faulty, "place")) };
    writeln!(text, "\n{}{tail}", counted(report.findings.len(), "finding"))?;
    let names: Vec<_> =
        report.verdicts.iter().map(|verdict| format!("{} (glibc {}):", verdict.target, verdict.glibc)).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for (name, verdict) in names.iter().zip(&report.verdicts) {
        let outcome = match verdict.outcome {
            Outcome::Ok => "ok".to_owned(),
            Outcome::Findings => counted(verdict.findings, "finding"),
            Outcome::OtherArchitecture => {
                format!("not concerned: there is none for {}", report.arch.map_or("it", |arch| arch.name()))
            }
        };
        writeln!(text, "{name:width$} {outcome}")?;
    }
    Ok(())
}

fn write_file(text: &mut String, path: &str, file: Option<&Audited>, findings: &[Finding]) -> std::fmt::Result {
    let title = if path == "." { "the layer as a whole" } else { path };
    write!(text, "\n{}", printable(title))?;
    if let Some(file) = file {
        write!(text, ": {}, {}", file.kind, file.machine)?;
        if let Some(glibc) = file.glibc {
            write!(text, ", needs glibc {glibc}")?;
        }
    }
    writeln!(text)?;
    if findings.is_empty() {
        writeln!(text, "  ok")?;
    }
    let width = findings.iter().map(|finding| finding.rule.id().len()).max().unwrap_or(0);
    let mut shown: Option<Rule> = None;
    for (position, finding) in findings.iter().enumerate() {
        let rule = if shown == Some(finding.rule) { "" } else { finding.rule.id() };
        shown = Some(finding.rule);
        let target = finding.target.as_ref().map_or_else(String::new, |target| format!("{target}: "));
        writeln!(text, "  {rule:width$}  {target}{}", printable(&finding.message))?;
        // The remedy of a rule is the same for all its findings, and is said after the last.
        if findings.get(position + 1).is_none_or(|next| next.rule != finding.rule) {
            writeln!(text, "  {:width$}  hint: {}", "", finding.hint)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_things() {
        assert_eq!(counted(1, "entry"), "1 entry");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(counted(0, "finding"), "0 findings");
    }

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(printable("a\x1b[31mb\nc é"), "a\\u{1b}[31mb\\nc é");
    }
}
