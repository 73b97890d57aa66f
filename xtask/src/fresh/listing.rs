//! A page of upstream's with a link for each version: a web server's index of a folder, for one.

use super::place::Listing;
use super::release::release;
use crate::model::Version;
use crate::source::{Small, index};

/// What is asked for.
pub const ACCEPT: &str = "text/html, */*;q=0.1";

/// The longest page.
pub const LONGEST: u64 = 16 << 20;

/// The finished releases that the page links to. Fails where it has no such link: then it is another page.
pub fn read(page: &Small, listing: &Listing) -> Result<Vec<Version>, String> {
    let text = String::from_utf8_lossy(&page.bytes);
    let mut versions: Vec<Version> = index::links(&text, &page.url)
        .filter_map(|url| {
            let path = url.path().trim_end_matches('/');
            let last = path.rsplit('/').next()?;
            release(last.strip_prefix(&listing.before)?.strip_suffix(&listing.after)?)
        })
        .collect();
    versions.sort();
    versions.dedup();
    if versions.is_empty() { Err("its page links to no version".to_owned()) } else { Ok(versions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, before: &str, after: &str) -> Result<Vec<String>, String> {
        let url: url::Url = "https://example.org/pub/".parse().expect("a URL");
        let listing = Listing { page: url.to_string(), before: before.to_owned(), after: after.to_owned() };
        let page = Small { url, kind: "text/html".to_owned(), bytes: text.as_bytes().to_vec() };
        Ok(read(&page, &listing)?.iter().map(Version::to_string).collect())
    }

    #[test]
    fn links_to_files_and_folders_are_read() {
        let files = r#"<a href="tool-1.2.tar.xz">x</a> <a href='/pub/tool-1.10.tar.xz'>x</a> <a href="tool-1.2.tar.xz.asc">x</a>
            <a href="tool-1.3-rc1.tar.xz">x</a> <a href="tool-snapshot.tar.xz">x</a><a href=tool-1.2.tar.xz?x>"#;
        assert_eq!(found(files, "tool-", ".tar.xz"), Ok(vec!["1.10".to_owned(), "1.2".to_owned()]));
        let folders = r#"<a href="../">up</a><a href="3.01/">3.01/</a><a href="3.02rc1/">x</a>"#;
        assert_eq!(found(folders, "", ""), Ok(vec!["3.01".to_owned()]));
    }

    #[test]
    fn other_pages_are_errors() {
        for text in ["", "<a href=\"", "{}", "\u{0}\u{1b}", "<a href=\"tool-\u{1b}1.tar.xz\">"] {
            assert_eq!(found(text, "tool-", ".tar.xz"), Err("its page links to no version".to_owned()));
        }
    }
}
