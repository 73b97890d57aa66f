//! What changed upstream that a recipe depends on: licence texts and options of the build.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::renamed::renamed;
use crate::fresh::printable;
use crate::model::{Recipe, Version};
use crate::source::Tree;

/// The licence texts that are gone or changed, with the first lines of what changed.
pub fn licences(recipe: &Recipe, from: &Version, to: &Version, old: Option<&Path>, new: &Path) -> Vec<String> {
    let mut todo = Vec::new();
    for name in &recipe.license.files {
        let now = renamed(name, from, to);
        let Ok(text) = fs::read(new.join(&now)) else {
            todo.push(format!(
                "the licence text `{now}` is not there any more: find out under which terms this version is"
            ));
            continue;
        };
        let Some(before) = old.and_then(|old| fs::read(old.join(name)).ok()) else { continue };
        if before != text {
            let (before, text) = (String::from_utf8_lossy(&before), String::from_utf8_lossy(&text));
            let patch = diffy::create_patch(&before, &text).to_string();
            let lines: Vec<String> =
                patch.lines().skip(2).take(12).map(|line| format!("    {}", printable(line))).collect();
            todo.push(format!("the licence text `{now}` changed: read it\n{}", lines.join("\n")));
        }
    }
    todo
}

/// Options that upstream's build has now, and those that the recipe sets and that are gone.
pub fn options(recipe: &Recipe, old: &Path, new: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (before, after) = (all_options(old)?, all_options(new)?);
    let steps = format!("{:?}", recipe.steps);
    let came = after.difference(&before).cloned().collect();
    let gone = before.difference(&after).filter(|option| mentions(&steps, option)).cloned().collect();
    Ok((came, gone))
}

fn mentions(steps: &str, option: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '_' | '-'));
    steps.match_indices(option).any(|(at, _)| ends(&steps[at + option.len()..]))
}

/// `--enable-x` and the like of `configure` scripts, and options of CMake's files.
fn all_options(tree: &Path) -> Result<BTreeSet<String>> {
    let mut options = BTreeSet::new();
    for leaf in Tree::read(tree)?.leaves() {
        let name = leaf.path.rsplit('/').next().unwrap_or_default();
        let read = || fs::read(tree.join(&leaf.path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match name {
            "configure" => options.extend(of_configure(&read().unwrap_or_default())),
            "CMakeLists.txt" => options.extend(of_cmake(&read().unwrap_or_default())),
            _ if name.ends_with(".cmake") => options.extend(of_cmake(&read().unwrap_or_default())),
            _ => {}
        }
    }
    Ok(options)
}

fn of_configure(text: &str) -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    for start in ["--enable-", "--disable-", "--with-", "--without-"] {
        for rest in text.split(start).skip(1) {
            let name: String = rest
                .chars()
                .take_while(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || *next == '-')
                .take(60)
                .collect();
            // What follows may be a variable of the shell.
            if !name.is_empty() && !name.ends_with('-') {
                options.insert(format!("{start}{name}"));
            }
        }
    }
    options
}

fn of_cmake(text: &str) -> BTreeSet<String> {
    let lower = text.to_ascii_lowercase();
    let mut options = BTreeSet::new();
    for call in ["option(", "cmake_dependent_option("] {
        for (at, _) in lower.match_indices(call) {
            let before = lower[..at].chars().next_back();
            if before.is_some_and(|before| before.is_ascii_alphanumeric() || before == '_') {
                continue;
            }
            let rest = text.get(at + call.len()..).unwrap_or_default().trim_start();
            let name: String =
                rest.chars().take_while(|next| next.is_ascii_alphanumeric() || *next == '_').take(60).collect();
            if !name.is_empty() {
                options.insert(format!("-D{name}"));
            }
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_both_kinds_are_read() {
        let configure = "  --enable-gpl  allow\n --disable-ffplay\n --enable-$x --with-zlib=DIR --enable-";
        assert_eq!(
            of_configure(configure).into_iter().collect::<Vec<_>>(),
            ["--disable-ffplay", "--enable-gpl", "--with-zlib"]
        );
        let cmake = "option(BUILD_X \"x\" ON)\nOption( USE_Y \"y\")\ncmake_dependent_option(Z \"z\" ON \"Y\" OFF)\nmy_option(NO)\nset(A option)\n";
        assert_eq!(of_cmake(cmake).into_iter().collect::<Vec<_>>(), ["-DBUILD_X", "-DUSE_Y", "-DZ"]);
    }

    #[test]
    fn an_option_is_mentioned_as_a_whole() {
        assert!(mentions("[\"-DUSE_Y=ON\"]", "-DUSE_Y") && !mentions("[\"-DUSE_YZ=ON\"]", "-DUSE_Y"));
        assert!(mentions("\"--enable-gpl\"", "--enable-gpl") && !mentions("\"--enable-gpl-more\"", "--enable-gpl"));
    }
}
