//! What others call a project, and where it announces versions.

use serde::Deserialize;

use super::Version;

/// The `upstream` table of a recipe. Everything that its origins already say is left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upstream {
    /// The name in the dictionary of CPEs, by which the NVD lists vulnerabilities.
    #[serde(default)]
    pub cpe: Option<Cpe>,
    /// Other names under which the NVD lists vulnerabilities of it, such as that of a former vendor.
    #[serde(default)]
    pub cpe_aliases: Vec<Cpe>,
    /// The package URL, where the one that follows from the first origin is not the one that scanners know.
    #[serde(default)]
    pub purl: Option<Purl>,
    /// The repository and its tags, where no origin is on GitHub.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// The release line to stay in, such as one with long-term support: `3.6` has `3.6.7` and not `4.0.0`.
    #[serde(default)]
    pub series: Option<Version>,
    /// The page that says what a version changed.
    #[serde(default)]
    pub notes: Option<Address>,
}

impl Upstream {
    /// Its names in the dictionary of CPEs for one version, the usual one first.
    pub fn cpes(&self, version: &Version) -> Vec<String> {
        self.cpe.iter().chain(&self.cpe_aliases).map(|cpe| cpe.of(version)).collect()
    }
}

/// A git repository with one tag for each version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// Its address.
    pub git: Address,
    /// A tag.
    pub name: Name,
}

/// The text is not what its field wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidPattern {
    text: String,
    expected: &'static str,
}

// `$plus` is how the text's own rules want a `+` of a version to be written: no other character of one needs it.
macro_rules! pattern {
    ($(#[$doc:meta])* $type:ident, $plus:literal, $check:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(String);

        impl $type {
            /// The text as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text for one version.
            pub fn of(&self, version: &Version) -> String {
                fill(&self.0, &version.as_str().replace('+', $plus))
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidPattern;

            fn try_from(text: String) -> Result<$type, InvalidPattern> {
                let check: fn(&str) -> bool = $check;
                if check(&text) && is_filled(&text) { Ok($type(text)) } else { Err(InvalidPattern { text, expected: $expected }) }
            }
        }
    };
}

pattern! {
    /// A CPE 2.3 name with `{version}`.
    Cpe,
    r"\+",
    |text| text.starts_with("cpe:2.3:a:") && text.split(':').count() == 13 && text.contains(":{version}:"),
    "a CPE name: expected `cpe:2.3:a:VENDOR:PRODUCT:{version}` and seven more parts"
}
pattern! {
    /// A package URL with `{version}`.
    Purl,
    "%2B",
    |text| text.starts_with("pkg:") && text.contains("{version"),
    "a package URL: expected `pkg:TYPE/NAME@{version}`"
}
pattern! {
    /// An address, with or without `{version}`.
    Address,
    "+",
    |text| text.starts_with("https://"),
    "an address: expected `https://…`"
}
pattern! {
    /// The name of a tag with `{version}`.
    Name,
    "+",
    |text| text.matches("{version").count() == 1,
    "the name of a tag: expected `{version}` or `{version_}` in it"
}

impl Name {
    /// What stands before the version, what stands after it, and what stands for each of its dots.
    pub fn parts(&self) -> (&str, &str, char) {
        let split = |word, dot| self.0.split_once(word).map(|(before, after)| (before, after, dot));
        split("{version}", '.').or_else(|| split("{version_}", '_')).unwrap_or((&self.0, "", '.'))
    }
}

/// `{version}` stands for the version, and `{version_}` for the version with `_` in place of dots.
fn fill(text: &str, version: &str) -> String {
    text.replace("{version}", version).replace("{version_}", &version.replace('.', "_"))
}

/// Whether the text is printable and has no other braces.
fn is_filled(text: &str) -> bool {
    let rest = text.replace("{version}", "").replace("{version_}", "");
    !rest.contains(['{', '}']) && rest.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Upstream, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn versions_are_filled_in() {
        let upstream = read(
            r#"
cpe = "cpe:2.3:a:haxx:curl:{version}:*:*:*:*:*:*:*"
purl = "pkg:github/curl/curl@curl-{version_}"
tags = { git = "https://example.org/curl.git", name = "curl-{version_}" }
notes = "https://example.org/{version}"
"#,
        )
        .expect("a table");
        let version = "8.21.0".parse().expect("a version");
        assert_eq!(upstream.cpe.expect("a CPE").of(&version), "cpe:2.3:a:haxx:curl:8.21.0:*:*:*:*:*:*:*");
        assert_eq!(upstream.purl.expect("a purl").of(&version), "pkg:github/curl/curl@curl-8_21_0");
        assert_eq!(upstream.tags.expect("tags").name.parts(), ("curl-", "", '_'));
        assert_eq!(upstream.notes.expect("notes").of(&version), "https://example.org/8.21.0");
    }

    #[test]
    fn every_name_of_a_version_is_known() {
        let upstream = read(
            r#"
cpe = "cpe:2.3:a:new:lib:{version}:*:*:*:*:*:*:*"
cpe-aliases = ["cpe:2.3:a:former:lib:{version}:*:*:*:*:*:*:*"]
purl = "pkg:github/org/lib@v{version}"
"#,
        )
        .expect("a table");
        let version = "1.2+dfsg-3".parse().expect("a version");
        assert_eq!(
            upstream.cpes(&version),
            [r"cpe:2.3:a:new:lib:1.2\+dfsg-3:*:*:*:*:*:*:*", r"cpe:2.3:a:former:lib:1.2\+dfsg-3:*:*:*:*:*:*:*"]
        );
        assert_eq!(upstream.purl.expect("a purl").of(&version), "pkg:github/org/lib@v1.2%2Bdfsg-3");
        assert!(Upstream::default().cpes(&version).is_empty());
    }

    #[test]
    fn what_could_not_name_a_version_is_refused() {
        for (text, expected) in [
            (r#"cpe = "cpe:2.3:a:haxx:curl:8.21.0:*:*:*:*:*:*:*""#, "is not a CPE name"),
            (r#"cpe = "cpe:2.3:a:haxx:curl:{version}:*""#, "is not a CPE name"),
            (r#"purl = "pkg:generic/x""#, "is not a package URL"),
            (r#"notes = "http://example.org/""#, "is not an address"),
            (r#"notes = "https://example.org/{name}""#, "is not an address"),
            (r#"tags = { git = "https://example.org/", name = "v1" }"#, "is not the name of a tag"),
            (r#"other = 1"#, "unknown field `other`"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
