//! Which Python package indexes this machine's pip would use.
//!
//! Nobody knows that better than pip itself: its answer takes in every configuration file and every
//! `PIP_*` variable. Where there is no pip, its variables and files are read as far as they name an index.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::process;

/// What pip would search: its `--index-url`, `--extra-index-url` and `--find-links`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexes {
    /// Addresses of package indexes, the main one first.
    pub indexes: Vec<String>,
    /// Folders, or addresses of pages, that hold files of any project.
    pub links: Vec<String>,
}

/// Asks pip. The parser of its `download` command fills every option that is not given with what the
/// configuration says. Any trouble inside pip ends in a non-zero status.
const SCRIPT: &str = "\
import json, sys
sys.path[:0] = sys.argv[1:]
from pip._internal.commands import create_command
options, _ = create_command('download').parser.parse_args([])
indexes = [] if options.no_index else [options.index_url] + options.extra_index_urls
print(json.dumps({'indexes': [i for i in indexes if i], 'links': options.find_links}))
";

impl Indexes {
    /// Where a project would be looked for first, if anything is configured.
    pub fn describe(&self) -> Option<String> {
        self.indexes.first().or(self.links.first()).cloned()
    }
}

/// What pip says, or else what its variables and files say. Empty where neither names anything.
pub fn discover() -> Indexes {
    ["python3", "python"].into_iter().find_map(|python| ask(python, "")).unwrap_or_else(|| {
        let variable = |name: &str| std::env::var(name).ok();
        let files = config_files(&variable);
        let texts: Vec<String> = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        without_pip(&variable, &texts)
    })
}

/// What a pip says that is not installed, but lies in `wheel`.
pub fn ask_wheel(wheel: &Path) -> Option<Indexes> {
    ["python3", "python"].into_iter().find_map(|python| ask(python, &wheel.to_string_lossy()))
}

fn ask(python: &str, wheel: &str) -> Option<Indexes> {
    let output = process::output(python, ["-c", SCRIPT, wheel]).ok().filter(|output| output.status.success())?;
    // A wrapper around Python may talk before pip does; the answer is the last line.
    let text = String::from_utf8(output.stdout).ok()?;
    serde_json::from_str(text.lines().last()?).ok()
}

/// The files that pip reads, those that count most last.
fn config_files(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/xdg/pip/pip.conf"), PathBuf::from("/etc/pip.conf")];
    if let Some(home) = variable("HOME") {
        files.push(Path::new(&home).join(".pip/pip.conf"));
        let config = variable("XDG_CONFIG_HOME").map_or_else(|| Path::new(&home).join(".config"), PathBuf::from);
        files.push(config.join("pip/pip.conf"));
    }
    files.extend(variable("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("pip.conf")));
    files.extend(variable("PIP_CONFIG_FILE").map(PathBuf::from));
    files
}

/// What the variables and the texts of the files say: variables win, later files win over earlier ones.
pub fn without_pip(variable: &dyn Fn(&str) -> Option<String>, files: &[String]) -> Indexes {
    let value = |key: &str| {
        let from_variable = variable(&format!("PIP_{}", key.to_uppercase().replace('-', "_")));
        from_variable.or_else(|| files.iter().rev().find_map(|text| setting(text, key))).unwrap_or_default()
    };
    let words = |key: &str| value(key).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut indexes = words("index-url");
    indexes.extend(words("extra-index-url"));
    if matches!(value("no-index").trim(), "1" | "true" | "yes" | "on") {
        indexes.clear();
    }
    Indexes { indexes, links: words("find-links") }
}

/// A key of a pip.conf, from the section for every command or that for `download`; continuation lines included.
fn setting(text: &str, key: &str) -> Option<String> {
    let mut section = "";
    let mut value: Option<String> = None;
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(value) = value.as_mut().filter(|_| inside) {
                value.push(' ');
                value.push_str(trimmed);
            }
            continue;
        }
        inside = false;
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((name, text)) = trimmed.split_once(['=', ':'])
            && matches!(section, "global" | "download")
            && name.trim().replace('_', "-") == key
        {
            value = Some(text.trim().to_owned());
            inside = true;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_where_pip_is_missing() {
        let site =
            "[global]\nindex-url = https://site.test/simple\nfind_links =\n    /srv/wheels\n    /srv/more\n".to_owned();
        let user =
            "[install]\nindex-url = https://wrong.test/\n[global]\n; a comment\nindex-url: https://user.test/simple\n";
        let none = |_: &str| None;
        let found = without_pip(&none, &[site.clone(), user.to_owned()]);
        assert_eq!(found.indexes, ["https://user.test/simple"]);
        assert_eq!(found.links, ["/srv/wheels", "/srv/more"]);

        let variable = |name: &str| match name {
            "PIP_INDEX_URL" => Some("https://variable.test/simple".to_owned()),
            "PIP_EXTRA_INDEX_URL" => Some("https://a.test/ https://b.test/".to_owned()),
            _ => None,
        };
        let found = without_pip(&variable, std::slice::from_ref(&site));
        assert_eq!(found.indexes, ["https://variable.test/simple", "https://a.test/", "https://b.test/"]);

        let closed = |name: &str| (name == "PIP_NO_INDEX").then(|| "1".to_owned());
        assert_eq!(without_pip(&closed, &[site]).indexes, [""; 0]);
    }

    #[test]
    fn nothing_said_is_nothing_found() {
        assert_eq!(without_pip(&|_| None, &[]), Indexes::default());
    }

    #[test]
    fn knows_where_the_files_are() {
        let variable = |name: &str| (name == "HOME").then(|| "/home/user".to_owned());
        let files = config_files(&variable);
        assert!(files.contains(&PathBuf::from("/home/user/.config/pip/pip.conf")), "{files:?}");
    }
}
