//! A project's page in a Python package index, in the form that PEP 691 gives it in JSON.

use serde::{Deserialize, Serialize};

use super::release::release;
use crate::model::{Sha256, Version};
use crate::source::Small;

/// What is asked for. Indexes that only have HTML say so by their answer.
pub const ACCEPT: &str = "application/vnd.pypi.simple.v1+json";

/// The longest page: that of a project with thousands of files has some megabytes.
pub const LONGEST: u64 = 32 << 20;

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFile {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Of its bytes, if the index says so.
    pub sha256: Option<Sha256>,
    /// Whether its release was taken back.
    pub yanked: bool,
}

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
struct PageFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: Hashes,
    /// False, or why.
    #[serde(default)]
    yanked: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct Hashes {
    sha256: Option<Sha256>,
}

/// The files on a page.
pub fn read(page: &Small) -> Result<Vec<ProjectFile>, String> {
    if page.kind != ACCEPT {
        return Err(format!("its page is not the JSON of PEP 691 but `{}`", super::printable(&page.kind)));
    }
    let read: Page =
        serde_json::from_slice(&page.bytes).map_err(|error| format!("its page cannot be read: {error}"))?;
    let file = |file: PageFile| ProjectFile {
        url: page.url.join(&file.url).map(String::from).unwrap_or_default(),
        name: file.filename,
        sha256: file.hashes.sha256,
        // A reason may be empty, and still is one.
        yanked: !matches!(file.yanked, serde_json::Value::Null | serde_json::Value::Bool(false)),
    };
    Ok(read.files.into_iter().map(file).collect())
}

impl ProjectFile {
    /// The version in the name of a wheel (`NAME-VERSION-TAGS.whl`) or an sdist (`NAME-VERSION.tar.gz`), if it is that
    /// of a finished release.
    pub fn release(&self) -> Option<Version> {
        let version = match self.name.strip_suffix(".whl") {
            Some(wheel) => wheel.split('-').nth(1)?,
            None => {
                let name = [".tar.gz", ".zip", ".tar.bz2"].iter().find_map(|end| self.name.strip_suffix(end))?;
                name.rsplit_once('-')?.1
            }
        };
        release(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: &str, text: &str) -> Result<Vec<ProjectFile>, String> {
        let url = "https://index.test/simple/tool/".parse().expect("a URL");
        read(&Small { url, kind: kind.to_owned(), bytes: text.as_bytes().to_vec() })
    }

    #[test]
    fn files_have_versions_and_may_be_yanked() {
        let text = r#"{"meta": {"api-version": "1.4"}, "name": "tool", "files": [
            {"filename": "tool-1.0.tar.gz", "url": "../../files/tool-1.0.tar.gz", "hashes": {}, "yanked": false},
            {"filename": "tool-1.1-py3-none-any.whl", "url": "https://files.test/a", "hashes": {"md5": "x"}, "yanked": ""},
            {"filename": "tool-1.2rc1-py3-none-any.whl", "url": "https://files.test/b", "hashes": {}},
            {"filename": "tool-1.1.post1.zip", "url": "c", "hashes": {}, "yanked": "broken"},
            {"filename": "tool.exe", "url": "d", "hashes": {}}]}"#;
        let files = page(ACCEPT, text).expect("a page");
        assert_eq!(files[0].url, "https://index.test/files/tool-1.0.tar.gz");
        let releases: Vec<_> = files.iter().map(|file| file.release().map(|it| it.to_string())).collect();
        let releases: Vec<_> = releases.iter().map(Option::as_deref).collect();
        assert_eq!(releases, [Some("1.0"), Some("1.1"), None, Some("1.1.post1"), None]);
        assert_eq!(files.iter().map(|file| file.yanked).collect::<Vec<_>>(), [false, true, false, true, false]);
    }

    #[test]
    fn broken_pages_are_errors() {
        for (kind, text, expected) in [
            ("text/html", "<html>", "its page is not the JSON of PEP 691 but `text/html`"),
            ("\u{1b}[2J", "", "but `\\u{1b}[2J`"),
            (ACCEPT, "", "its page cannot be read: EOF"),
            (ACCEPT, "[]", "its page cannot be read: invalid"),
            (ACCEPT, r#"{"files": 3}"#, "its page cannot be read: invalid type"),
            (ACCEPT, r#"{"files": [{"filename": 1, "url": "x"}]}"#, "its page cannot be read: invalid type"),
            (
                ACCEPT,
                r#"{"files": [{"filename": "a", "url": "x", "hashes": {"sha256": "zz"}}]}"#,
                "its page cannot be read: ",
            ),
        ] {
            let error = page(kind, text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(page(ACCEPT, &format!(r#"{{"files": [{{"filename": "a", "url": "x", "yanked": {deep}}}]}}"#)).is_err());
    }
}
