//! Texts that other programs and servers wrote: lists of apt, settings of pip, pages of indexes, lists of versions.

use std::collections::BTreeSet;
use std::io::Write as _;

use url::Url;
use xtask::fresh::place::{Listing, TagList};
use xtask::fresh::{debian, listing, osv, printable, python, release, tags};
use xtask::source::{Small, apt, index, pip};
use xtask::ui::foreign::{Secrets, foreign, harmless};

/// Reads the bytes as each of apt's lists, and as an index of Debian's source packages.
pub fn apt_lists(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for entries in [apt::parse_list(&text), apt::parse_sources(&text)] {
        let addresses = apt::rank(&entries);
        assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), addresses.len(), "an address is there twice");
    }
    for address in apt::parse_mirror_list(&text) {
        assert!(!address.is_empty() && !address.contains(char::is_whitespace));
    }
    let wanted: BTreeSet<String> = ["ffmpeg".to_owned(), "curl".to_owned()].into();
    // As it is, which seldom is xz, and packed.
    for packed in [bytes.to_vec(), xz(bytes)] {
        for (name, packages) in debian::read(&packed, &wanted).unwrap_or_default() {
            assert!(wanted.contains(&name));
            for package in packages {
                let _ = release::of_debian(&package.version);
            }
        }
    }
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// Reads the bytes as a file of pip's settings, and as a page of a package index.
pub fn pip_settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = pip::without_pip(&|_| None, &[text.to_string()]);
    for address in found.indexes.iter().chain(&found.links) {
        assert!(!address.is_empty() && !address.contains(char::is_whitespace));
    }
    let base: Url = "https://user:secret@index.test/simple/tool/".parse().expect("an address");
    let links = index::links(&text, &base).count();
    assert!(links <= text.len(), "{links} links in {} bytes", text.len());
    if let Some(address) = index::find(&text, &base, "tool-1.0.tar.gz") {
        assert_eq!(address.fragment(), None);
        // A password goes to its own host only, unless the page itself names one.
        let same = address.origin() == base.origin();
        assert!(same || address.password() != Some("secret") || text.contains("secret"), "{address}");
    }
}

/// Reads the bytes as what each place says that knows versions and vulnerabilities.
pub fn versions(bytes: &[u8]) {
    let url: Url = "https://example.org/pub/".parse().expect("an address");
    let list = Listing { page: url.to_string(), before: "tool-".to_owned(), after: ".tar.xz".to_owned() };
    let page = |kind: &str| Small { url: url.clone(), kind: kind.to_owned(), bytes: bytes.to_vec() };
    let mut found = listing::read(&page("text/html"), &list).unwrap_or_default();
    for dot in ['.', '_'] {
        let list = TagList { git: url.to_string(), before: "v".to_owned(), after: String::new(), dot };
        found.extend(tags::read(bytes, &list).unwrap_or_default());
    }
    let files = python::read(&page(python::ACCEPT)).unwrap_or_default();
    found.extend(files.iter().filter_map(python::ProjectFile::release));
    for version in found {
        assert_eq!(release::release(version.as_str()), Some(version), "a release reads as itself");
    }
    for identifiers in osv::read(bytes, 1).unwrap_or_default() {
        assert!(identifiers.iter().all(|one| !one.contains(char::is_control)));
    }
}

/// Shows the bytes as a stranger's text.
pub fn shown(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for shown in [foreign(&text), printable(&text)] {
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(shown.chars().count() <= 3100, "{} characters", shown.chars().count());
    }
    assert!(!harmless(&text).contains(|c: char| c.is_control() && !"\n\t\r".contains(c)));
    // JSON stays the same JSON.
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
        // Not the value itself: a number of many digits is not read back as the same one.
        let json = value.to_string();
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(&harmless(&json)), read(&json));
    }
    let secret = "A-secret/of+the=tests";
    let mut secrets = Secrets::default();
    secrets.add(secret);
    let hidden = secrets.hide(&text).to_ascii_lowercase();
    assert!(!hidden.contains(&secret.to_ascii_lowercase()[..12]), "{hidden}");
}
