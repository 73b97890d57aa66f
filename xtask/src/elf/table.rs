//! The table of a report for humans: what makes each file harder to attack, one file a line.

use crate::model::{Arch, Protection};

use super::protections::Presence;
use super::report::{Hardened, Relro, Report};

/// The lines of the table, without anything that could steer a terminal; none where there is no file.
pub(super) fn lines(report: &Report) -> Vec<String> {
    if report.files.is_empty() {
        return Vec::new();
    }
    let branches = match report.arch {
        Some(Arch::X86_64) => "CET",
        Some(Arch::Arm64) => "BTI, PAC",
        None => "branches",
    };
    let mut rows = vec![["hardening", "PIE", "RELRO", "stack", "canary", "fortify", branches].map(str::to_owned)];
    rows.extend(report.files.iter().map(|file| row(&file.path, &file.hardening, report.arch)));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 7]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(path: &str, hardening: &Hardened, arch: Option<Arch>) -> [String; 7] {
    let presence = |presence| match presence {
        Presence::Present => "yes",
        Presence::Absent => "no",
        Presence::Unknown => "hidden",
    };
    let fortify = match hardening.checked_functions.len() {
        0 => presence(hardening.fortify).to_owned(),
        1 => "1 function".to_owned(),
        several => format!("{several} functions"),
    };
    [
        printable(path),
        if hardening.position_independent { "yes" } else { "no" }.to_owned(),
        match hardening.relro {
            Relro::None => "none",
            Relro::Partial => "partial",
            Relro::Full => "full",
            Relro::NotConcerned => "-",
        }
        .to_owned(),
        if hardening.executable_stack { "code" } else { "data" }.to_owned(),
        presence(hardening.stack_protector).to_owned(),
        fortify,
        branches(hardening, arch),
    ]
}

/// The names that processors' makers give to what guards calls and returns.
fn branches(hardening: &Hardened, arch: Option<Arch>) -> String {
    let on_x86 = arch == Some(Arch::X86_64);
    let names: Vec<_> = hardening
        .branches
        .iter()
        .filter_map(|guard| match guard {
            Protection::SignedReturns => Some("PAC"),
            Protection::BranchTargets => Some(if on_x86 { "IBT" } else { "BTI" }),
            Protection::ShadowStack => Some(if on_x86 { "SHSTK" } else { "GCS" }),
            Protection::StackProtector | Protection::Fortify => None,
        })
        .collect();
    if names.is_empty() { "no".to_owned() } else { names.join(", ") }
}

/// The text with its control characters made visible.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}
