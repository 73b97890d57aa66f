//! What the database of vulnerabilities at osv.dev knows against a version.
//!
//! OSV lists Python packages by their package URL. C and C++ projects it lists by repository and tag, which a package
//! URL of GitHub names. What has neither cannot be asked.

use serde::Deserialize;
use serde_json::json;

/// Where the API is.
pub const API: &str = "https://api.osv.dev/v1/querybatch";

/// The longest answer: identifiers only.
pub const LONGEST: u64 = 8 << 20;

/// The question about one package, if OSV has a name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(serde_json::Value);

impl Query {
    /// The question about what a package URL names.
    pub fn about(purl: &str) -> Option<Query> {
        if purl.starts_with("pkg:pypi/") {
            return Some(Query(json!({ "package": { "purl": purl } })));
        }
        let (repository, tag) = purl.strip_prefix("pkg:github/")?.split_once('@')?;
        let git = format!("https://github.com/{repository}");
        Some(Query(json!({ "package": { "ecosystem": "GIT", "name": git }, "version": tag })))
    }
}

/// All questions in one.
pub fn body(queries: &[Query]) -> String {
    let queries: Vec<&serde_json::Value> = queries.iter().map(|query| &query.0).collect();
    json!({ "queries": queries }).to_string()
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
}

#[derive(Default, Deserialize)]
struct Found {
    #[serde(default)]
    vulns: Vec<Vulnerability>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
}

/// What stands at the end of a list of which there is more.
pub const AND_MORE: &str = "and more";

/// For each of `count` questions the identifiers of what is known, sorted.
pub fn read(bytes: &[u8], count: usize) -> Result<Vec<Vec<String>>, String> {
    let answer: Answer =
        serde_json::from_slice(bytes).map_err(|error| format!("its answer cannot be read: {error}"))?;
    if answer.results.len() != count {
        return Err(format!("it was asked {count} questions and has {} answers", answer.results.len()));
    }
    answer.results.into_iter().map(identifiers).collect()
}

fn identifiers(found: Found) -> Result<Vec<String>, String> {
    let mut identifiers = Vec::new();
    for Vulnerability { id } in found.vulns {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        if !plain || !(1..=64).contains(&id.len()) {
            return Err(format!("its answer has an identifier that is none: `{}`", super::printable(&id)));
        }
        identifiers.push(id);
    }
    identifiers.sort();
    identifiers.dedup();
    if found.next_page_token.is_some_and(|token| !token.is_empty()) {
        identifiers.push(AND_MORE.to_owned());
    }
    Ok(identifiers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_name_packages_and_repositories() {
        let queries = [
            Query::about("pkg:pypi/certifi@2026.10.18").expect("known"),
            Query::about("pkg:github/curl/curl@curl-8_21_0").expect("known"),
        ];
        let body: serde_json::Value = serde_json::from_str(&body(&queries)).expect("JSON");
        assert_eq!(
            body,
            json!({ "queries": [
                { "package": { "purl": "pkg:pypi/certifi@2026.10.18" } },
                { "package": { "ecosystem": "GIT", "name": "https://github.com/curl/curl" }, "version": "curl-8_21_0" },
            ] })
        );
        assert_eq!(Query::about("pkg:generic/zlib@1.3.2?checksum=sha256:00"), None);
        assert_eq!(Query::about("pkg:github/curl/curl"), None);
    }

    #[test]
    fn answers_are_identifiers() {
        let text = r#"{"results": [{"vulns": [{"id": "CVE-2026-2", "modified": "x"}, {"id": "CVE-2026-1"}]}, {},
            {"vulns": [{"id": "GHSA-xxxx"}], "next_page_token": "more"}]}"#;
        let found = read(text.as_bytes(), 3).expect("answers");
        assert_eq!(found, [vec!["CVE-2026-1", "CVE-2026-2"], vec![], vec!["GHSA-xxxx", AND_MORE]]);
    }

    #[test]
    fn broken_answers_are_errors() {
        for (text, expected) in [
            ("", "its answer cannot be read: EOF"),
            ("<html>", "its answer cannot be read: "),
            (r#"{"results": 1}"#, "its answer cannot be read: invalid type"),
            (r#"{"results": [{"vulns": [{"id": 3}]}]}"#, "its answer cannot be read: invalid type"),
            (r#"{"results": []}"#, "it was asked 1 questions and has 0 answers"),
            (r#"{"results": [{"vulns": [{"id": "\u001b[2J"}]}]}"#, "an identifier that is none: `\\u{1b}[2J`"),
            (r#"{"results": [{"vulns": [{"id": ""}]}]}"#, "an identifier that is none"),
        ] {
            let error = read(text.as_bytes(), 1).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
