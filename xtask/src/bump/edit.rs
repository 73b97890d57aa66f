//! Editing a recipe in place: comments, order and layout stay.

use anyhow::{Context as _, Result, bail};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::renamed::renamed;
use crate::model::{Origin, Sha256, Version};

/// A new version of what is written.
#[derive(Debug)]
pub struct Edit<'a> {
    /// The version that is there.
    pub from: &'a Version,
    /// The one that is to be there.
    pub to: &'a Version,
    /// Whether the old one stays.
    pub place: Place,
    /// In the order of the version's sources.
    pub sources: Vec<NewSource>,
}

/// Where a new version goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the place of the old one.
    Instead,
    /// After the old one, which stays.
    Beside,
}

/// A source as measured.
#[derive(Debug)]
pub struct NewSource {
    /// The digest of its tree, where it is to be pinned.
    pub tree: Option<Sha256>,
    /// In the order of the source's archives; none where no place has it.
    pub archives: Vec<Option<NewArchive>>,
}

/// An archive as measured.
#[derive(Debug)]
pub struct NewArchive {
    /// The folder in it.
    pub root: String,
    /// Bytes.
    pub size: u64,
    /// Of the bytes.
    pub sha256: Sha256,
    /// Where it is.
    pub origins: Vec<Origin>,
}

/// The text of a recipe with the new version.
pub fn edited(text: &str, edit: &Edit<'_>) -> Result<String> {
    let doubled;
    let text = match edit.place {
        Place::Instead => text,
        Place::Beside => {
            doubled = with_copy(text, edit.from)?;
            &doubled
        }
    };
    let mut document: DocumentMut = text.parse().context("the recipe cannot be edited")?;
    let rename = |value: &mut Value| rename(value, edit);
    if edit.place == Place::Instead {
        each(document.get_mut("programs"), &rename);
        each(document.get_mut("license").and_then(|license| license.get_mut("files")), &rename);
    }
    let versions = document.get_mut("versions").and_then(Item::as_array_of_tables_mut);
    let versions = versions.context("the recipe has no `[[versions]]`")?;
    let is_from = |table: &Table| table.get("version").and_then(Item::as_str) == Some(edit.from.as_str());
    let at = (0..versions.len()).rev().find(|at| versions.get(*at).is_some_and(is_from));
    let version = at.and_then(|at| versions.get_mut(at)).context("the recipe lacks the version")?;
    set(version, "version", edit.to.as_str().into());
    version.remove("note");
    each(version.get_mut("needs"), &rename);
    edit_sources(tables(version, "sources")?, edit)?;
    Ok(document.to_string())
}

fn edit_sources(sources: &mut ArrayOfTables, edit: &Edit<'_>) -> Result<()> {
    for (at, new) in edit.sources.iter().enumerate() {
        let source = sources.get_mut(at).context("the recipe has fewer sources")?;
        for key in ["keep", "omit", "executable"] {
            each(source.get_mut(key), &|value| rename(value, edit));
        }
        if let Some(tree) = new.tree {
            set(source, "tree", tree.to_string().into());
        }
        let archives = tables(source, "archives")?;
        for (at, new) in new.archives.iter().enumerate().rev() {
            match new {
                None => drop(archives.remove(at)),
                Some(new) => edit_archive(archives.get_mut(at).context("the recipe has fewer archives")?, new)?,
            }
        }
    }
    Ok(())
}

fn edit_archive(archive: &mut Table, new: &NewArchive) -> Result<()> {
    set(archive, "root", new.root.as_str().into());
    set(archive, "size", i64::try_from(new.size).context("a size beyond all sizes")?.into());
    set(archive, "sha256", new.sha256.to_string().into());
    // It spoke of the old bytes.
    archive.remove("note");
    let origins = archive.get_mut("origins").and_then(Item::as_array_mut).context("an archive has no `origins`")?;
    while origins.len() > new.origins.len() {
        origins.remove(origins.len() - 1);
    }
    for (at, origin) in new.origins.iter().enumerate() {
        match origins.get_mut(at) {
            Some(value) => set_value(value, origin.to_string().into()),
            None => origins.push(origin.to_string()),
        }
    }
    Ok(())
}

fn tables<'t>(table: &'t mut Table, key: &str) -> Result<&'t mut ArrayOfTables> {
    let Some(tables) = table.get_mut(key).and_then(Item::as_array_of_tables_mut) else {
        bail!("`{key}` is not written as tables (`[[…]]`), so it cannot be edited")
    };
    Ok(tables)
}

fn rename(value: &mut Value, edit: &Edit<'_>) {
    if let Some(text) = value.as_str() {
        let new = renamed(text, edit.from, edit.to);
        if new != text {
            set_value(value, new.into());
        }
    }
}

fn each(item: Option<&mut Item>, change: &dyn Fn(&mut Value)) {
    let array: Option<&mut Array> = item.and_then(Item::as_array_mut);
    for value in array.into_iter().flat_map(Array::iter_mut) {
        change(value);
    }
}

/// Sets a key; what stands around an old value stays.
fn set(table: &mut Table, key: &str, new: Value) {
    match table.get_mut(key) {
        Some(Item::Value(value)) => set_value(value, new),
        _ => drop(table.insert(key, Item::Value(new))),
    }
}

fn set_value(value: &mut Value, new: Value) {
    let decor = value.decor().clone();
    *value = new;
    *value.decor_mut() = decor;
}

/// The text with a copy of one version after it: from its `[[versions]]` to the next one or to the steps.
fn with_copy(text: &str, version: &Version) -> Result<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_head = |line: &&str| line.trim() == "[[versions]]";
    let wanted = format!("version = \"{version}\"");
    let heads = lines.iter().enumerate().filter(|(_, line)| is_head(line)).map(|(at, _)| at);
    let is_other = |line: &&str| line.starts_with('[') && !line.starts_with("[[versions.");
    for start in heads {
        let end = lines[start + 1..].iter().position(is_other).map_or(lines.len(), |at| start + 1 + at);
        if !lines[start..end].iter().any(|line| line.starts_with(&wanted)) {
            continue;
        }
        // Comments before the next head belong to it.
        let body = lines[start..end].iter().rposition(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let last = start + body.unwrap_or_default() + 1;
        let block = lines[start..last].concat();
        let end = if block.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{}{end}\n{block}{}", lines[..last].concat(), lines[last..].concat()));
    }
    bail!("the recipe lacks version {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"# A tool.
name = "tool"
programs = ["tool-1.2.data/tool"]
license = { spdx = "MIT", files = ["tool-1.2.info/LICENSE"] } # why

# About this version.
[[versions]]
version = "1.2" # the newest
needs = ["lib@1.2"]
patches = ["1.2/0001-a.patch"]
note = "only 1.2"

[[versions.sources]]
keep = ["tool-1.2.data", "lib"]
tree = "aa"
[[versions.sources.archives]]
root = "tool-1.2"
size = 1
sha256 = "bb"
origins = [
    "https://example.org/tool-1.2.tar.gz", # first
    "debian:pool/main/t/tool/tool_1.2.orig.tar.gz",
]
note = "not checked"
[[versions.sources.archives]]
root = "tool"
sha256 = "cc"
origins = ["https://other.test/1.2.zip"]

# About the steps.
[[steps]]
copy = { from = "{src}/tool", to = "{out}/tool" }
"#;

    fn edit(place: Place) -> String {
        let (from, to) = ("1.2".parse().expect("one"), "1.10".parse().expect("one"));
        let archive = NewArchive {
            root: "tool-1.10".to_owned(),
            size: 42,
            sha256: Sha256::of("new"),
            origins: vec!["https://example.org/tool-1.10.tar.gz".parse().expect("one")],
        };
        let sources = vec![NewSource { tree: Some(Sha256::of("tree")), archives: vec![Some(archive), None] }];
        edited(RECIPE, &Edit { from: &from, to: &to, place, sources }).expect("edited")
    }

    #[test]
    fn comments_and_layout_stay() {
        insta::assert_snapshot!(edit(Place::Instead));
    }

    #[test]
    fn the_old_version_may_stay() {
        let text = edit(Place::Beside);
        let (before, after) = RECIPE.split_at(RECIPE.find("\n# About the steps").expect("steps"));
        assert!(text.starts_with(before) && text.ends_with(after), "{text}");
        let new = &text[before.len()..text.len() - after.len()];
        assert!(
            new.contains("version = \"1.10\" # the newest") && new.contains("patches = [\"1.2/0001-a.patch\"]"),
            "{new}"
        );
        assert!(!new.contains("note") && !new.contains("other.test"), "{new}");
    }
}
