//! What apt's source lists say about Debian archives: pure functions over their texts.
//!
//! Both formats are read as `sources.list(5)` describes them: one line per archive
//! (`*.list`), and stanzas of fields (`*.sources`). Only what locates an archive is taken.

/// One archive of a source list: where it is and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The archive's root, as written.
    pub uri: String,
    /// The components, such as `main`. Empty for archives without suites.
    pub components: Vec<String>,
}

/// The entries of a list in the one-line format, in their order.
pub fn parse_list(text: &str) -> Vec<Entry> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb-src").or_else(|| line.strip_prefix("deb"))?;
    if !rest.starts_with([' ', '\t', '[']) {
        return None;
    }
    // The options stand in brackets and may hold blanks.
    let mut rest = rest.trim_start();
    if let Some(options) = rest.strip_prefix('[') {
        rest = options.split_once(']')?.1;
    }
    let mut words = rest.split_whitespace();
    let uri = words.next()?.to_owned();
    let _suite = words.next()?;
    Some(Entry { uri, components: words.map(str::to_owned).collect() })
}

/// The enabled entries of a file of stanzas, in their order; a stanza with several addresses gives several.
pub fn parse_sources(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut stanza = Vec::new();
    // The empty line at the end closes the last stanza.
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if !line.trim().is_empty() {
            stanza.push(line);
            continue;
        }
        entries.extend(parse_stanza(&stanza));
        stanza.clear();
    }
    entries
}

fn parse_stanza(lines: &[&str]) -> Vec<Entry> {
    let words = |name: &str| field(lines, name);
    let off = ["no", "false", "without", "off", "disable", "0"];
    if words("Enabled").first().is_some_and(|value| off.contains(&value.to_ascii_lowercase().as_str())) {
        return Vec::new();
    }
    if !words("Types").iter().any(|kind| kind == "deb" || kind == "deb-src") {
        return Vec::new();
    }
    let components = words("Components");
    words("URIs").into_iter().map(|uri| Entry { uri, components: components.clone() }).collect()
}

/// The words of one field, its continuation lines included. Names of fields have no case.
fn field(lines: &[&str], name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut inside = false;
    for line in lines {
        let value = if line.starts_with([' ', '\t']) {
            *line
        } else {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            inside = key.trim_end().eq_ignore_ascii_case(name);
            value
        };
        if inside {
            words.extend(value.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// The addresses of a mirror list, the file that a `mirror+file:` address names: one per line,
/// followed by remarks for apt.
pub fn parse_mirror_list(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// The addresses of the archives that offer `main`, best first and each once: Debian's own, then others that
/// are laid out alike, and last the security archives, which hold sources only for a while.
pub fn rank(entries: &[Entry]) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for entry in entries {
        let address = entry.uri.trim_end_matches('/').to_owned();
        let offers_main = entry.components.iter().any(|component| component == "main");
        if offers_main && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(|address| match address.rsplit('/').next() {
        Some("debian") => 0,
        Some(last) if last.ends_with("-security") => 2,
        _ => 1,
    });
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(uri: &str, components: &[&str]) -> Entry {
        Entry { uri: uri.to_owned(), components: components.iter().map(|&text| text.to_owned()).collect() }
    }

    #[test]
    fn reads_one_line_lists() {
        let text = "\
# deb http://mirror.test/off bookworm main
deb http://mirror.test/debian/ bookworm main contrib # the usual
deb [ arch=amd64 signed-by=/usr/share/keyrings/k.gpg ] https://other.test/debian sid main
deb-src\thttp://mirror.test/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb http://flat.test/repo ./
debian is not a type
";
        assert_eq!(
            parse_list(text),
            [
                entry("http://mirror.test/debian/", &["main", "contrib"]),
                entry("https://other.test/debian", &["main"]),
                entry("http://mirror.test/debian", &["main"]),
                entry("cdrom:[Debian", &["bookworm", "main"]),
                entry("http://flat.test/repo", &[]),
            ]
        );
    }

    #[test]
    fn reads_stanzas() {
        let text = "\
Types: deb deb-src
# A comment in the middle of a stanza.
URIs: http://mirror.test/debian
 https://second.test/debian
Suites: bookworm bookworm-updates
components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 URIs: http://key.test/
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: No
Types: deb
URIs: http://disabled.test/debian
Suites: sid
Components: main

Types: other
URIs: http://strange.test/debian
Components: main
\t
Types: deb
URIs: file:/srv/debian
Suites: sid
Components: main";
        assert_eq!(
            parse_sources(text),
            [
                entry("http://mirror.test/debian", &["main"]),
                entry("https://second.test/debian", &["main"]),
                entry("file:/srv/debian", &["main"]),
            ]
        );
    }

    #[test]
    fn ranks_debian_first_and_security_last() {
        let entries = [
            entry("http://mirror.test/debian-security", &["main"]),
            entry("http://tools.test/apt", &["main"]),
            entry("http://mirror.test/debian/", &["main"]),
            entry("http://mirror.test/debian", &["main"]),
            entry("http://nonfree.test/debian", &["contrib"]),
        ];
        assert_eq!(
            rank(&entries),
            ["http://mirror.test/debian", "http://tools.test/apt", "http://mirror.test/debian-security"]
        );
    }

    #[test]
    fn reads_mirror_lists() {
        let text = "# nearest first\nhttp://near.test/debian/\tpriority:1\n\nhttp://far.test/debian";
        assert_eq!(parse_mirror_list(text), ["http://near.test/debian/", "http://far.test/debian"]);
    }
}
