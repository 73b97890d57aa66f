//! Pages of Python package indexes: which address a page gives for a file.
//!
//! The pages are those of the "simple" interface: one anchor per file, its text the file's name, its
//! address absolute or relative to the page. Only as much HTML is understood as that takes.

use url::Url;

/// The address that `page` gives for `file`, without its fragment; `base` is where the page itself came from.
/// `None` where no anchor of the page leads to that file.
pub fn find(page: &str, base: &Url, file: &str) -> Option<Url> {
    anchors(page).find_map(|(href, text)| {
        let mut address = base.join(&href).ok()?;
        let last = address.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        if text.trim() != file && percent_decoded(last) != file {
            return None;
        }
        address.set_fragment(None);
        // An index that wants a password wants it for its files as well, as long as they are on the same host.
        if address.username().is_empty() && address.origin() == base.origin() {
            address.set_username(base.username()).ok()?;
            address.set_password(base.password()).ok()?;
        }
        Some(address)
    })
}

/// The addresses that the page's anchors lead to.
pub fn links(page: &str, base: &Url) -> impl Iterator<Item = Url> {
    anchors(page).filter_map(|(href, _)| base.join(&href).ok())
}

/// The address and the text of every anchor, unescaped. Whatever the page is, no byte of it is looked at more than a
/// few times: what cannot be read as a tag is passed as far as it was read.
fn anchors(page: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            let Some(attributes) = rest.strip_prefix(['a', 'A']) else { continue };
            if !attributes.starts_with(|next: char| next.is_ascii_whitespace()) {
                continue;
            }
            // A tag without an end takes the rest of the page with it, as it does in a browser.
            let (href, after) = href(attributes)?;
            rest = after;
            let Some(href) = href else { continue };
            let text = rest.find('<').map_or(rest, |end| &rest[..end]);
            return Some((unescaped(href), unescaped(text)));
        }
    })
}

/// The first value of `href` among the attributes that `text` begins with, and what follows the tag; `None` where the
/// tag has no end.
fn href(text: &str) -> Option<(Option<&str>, &str)> {
    let mut rest = text.trim_start();
    let mut found = None;
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Some((found, after));
        }
        let end = rest.find(|next: char| next.is_ascii_whitespace() || next == '=' || next == '>')?;
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start();
            let (value, after) = match value.chars().next()? {
                quote @ ('"' | '\'') => value[1..].split_once(quote)?,
                _ => value.split_at(value.find(|next: char| next.is_ascii_whitespace() || next == '>')?),
            };
            if name.eq_ignore_ascii_case("href") {
                found = found.or(Some(value));
            }
            rest = after.trim_start();
        }
    }
}

/// The longest reference to a character that is understood, from `&` to `;`.
const LONGEST_REFERENCE: usize = 11;

/// Replaces the character references that occur in addresses and file names.
fn unescaped(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        let reference = end.map(|end| &rest[1..end]);
        match reference.and_then(|name| Some((name, referenced(name)?))) {
            Some((name, character)) => {
                result.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                result.push('&');
                rest = &rest[1..];
            }
        }
    }
    result + rest
}

fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                result.push(byte);
                at += 3;
            }
            None => {
                result.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, file: &str) -> Option<String> {
        let base: Url = "https://index.test/simple/tool/".parse().expect("a valid address");
        find(page, &base, file).map(String::from)
    }

    #[test]
    fn finds_the_file_among_others() {
        let page = r#"<!DOCTYPE html><html><head><title>Links for tool</title></head><body><abbr title="x">no</abbr>
<a href="../../packages/tool-1.0.tar.gz#sha256=00" data-requires-python="&gt;=3.7">tool-1.0.tar.gz</a><br/>
<A class=file HREF='https://files.test/a/tool-1.0%2Blocal-py3.whl'>tool</A>
<a href=/files/?name=tool-2.0.zip&amp;x=1 >tool-2.0.zip</a>
<a name="top">top</a>
</body></html>"#;
        assert_eq!(found(page, "tool-1.0.tar.gz").as_deref(), Some("https://index.test/packages/tool-1.0.tar.gz"));
        assert_eq!(
            found(page, "tool-1.0+local-py3.whl").as_deref(),
            Some("https://files.test/a/tool-1.0%2Blocal-py3.whl")
        );
        assert_eq!(found(page, "tool-2.0.zip").as_deref(), Some("https://index.test/files/?name=tool-2.0.zip&x=1"));
        assert_eq!(found(page, "tool-3.0.zip"), None);
    }

    #[test]
    fn a_password_goes_to_the_same_host_only() {
        let base: Url = "https://user:secret@index.test/simple/tool/".parse().expect("a valid address");
        let page = r#"<a href="https://index.test/a.whl">a.whl</a><a href="https://files.test/b.whl">b.whl</a>"#;
        assert_eq!(
            find(page, &base, "a.whl").map(String::from).as_deref(),
            Some("https://user:secret@index.test/a.whl")
        );
        assert_eq!(find(page, &base, "b.whl").map(String::from).as_deref(), Some("https://files.test/b.whl"));
    }

    #[test]
    fn broken_pages_find_nothing() {
        for page in [
            "",
            "<a",
            "<a ",
            "<a href",
            "<a href=",
            "<a href='x",
            "<a =>",
            "<a href=\"x\"",
            "<a href=&#xffffffff;>a</a>",
        ] {
            assert_eq!(found(page, "a.whl"), None, "{page}");
        }
        assert_eq!(
            found("<a =x =y href='u/a.whl' href='other'>a.whl</a>", "a.whl").as_deref(),
            Some("https://index.test/simple/tool/u/a.whl")
        );
        assert_eq!(unescaped("a&&amp;b&#x2B;&#43;&bogus;"), "a&&b++&bogus;");
        assert_eq!(percent_decoded("%41%4%zz%"), "A%4%zz%");
    }

    /// Reading each of these once takes no time. Reading the rest of the page for every place where something begins
    /// would take hours.
    #[test]
    fn pages_made_to_be_read_again_and_again_are_read_once() {
        const TIMES: usize = 1 << 20;
        for (piece, end) in [
            ("<a x ", ""),
            ("<a ", ""),
            ("<a x='", ""),
            ("<a href=\"", ""),
            ("<a =", ""),
            ("<a href=x>", ""),
            ("&", "<a href='&"),
            ("<a href='&'>&", ""),
            ("&amp", ""),
            ("&#x1", "<a href=x>"),
            ("<", "a "),
            ("'", "<a x=\""),
            ("%", "<a href=x>%"),
        ] {
            let page = format!("{end}{}{end}", piece.repeat(TIMES / piece.len()));
            assert_eq!(found(&page, "a.whl"), None, "{piece}");
        }
        let text = format!("<a href='a.whl'>{}</a>", "&".repeat(TIMES));
        assert!(found(&text, "a.whl").is_some());
    }
}
