//! Which texts are finished releases.
//!
//! Places write versions in their own ways: Debian adds an epoch, its revision and remarks, Python knows `rc1` and
//! `.post1`. Only finished releases count here, and those are numbers with dots for every project that we build. So no
//! library for Debian's or Python's whole rules is needed: [`Version::compare_age`] orders what gets through.

use crate::model::Version;

/// The version that `text` is, if it is that of a finished release: numbers with `.` or `-` between them, and perhaps
/// Python's `.post1`. `None` for everything else, such as pre-releases.
pub fn release(text: &str) -> Option<Version> {
    let mut parts = text.split(['.', '-']);
    let last = parts.next_back()?;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let post = last.strip_prefix("post").is_some_and(number) && text.contains('.');
    if parts.all(number) && (number(last) || post) { text.parse().ok() } else { None }
}

/// The upstream release that a version of a Debian package stands for: `7:9.0.2-4` for 9.0.2. After `+really`, as in
/// `1.3.dfsg+really1.3.2-3`, follows what it really is. `+dfsg` and `+ds` say that files were left out.
pub fn of_debian(version: &str) -> Option<Version> {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let upstream = upstream.rsplit_once("+really").map_or(upstream, |(_, really)| really);
    let end = ["+dfsg", ".dfsg", "~dfsg", "+ds", "~ds"].iter().filter_map(|mark| upstream.find(mark)).min();
    release(&upstream[..end.unwrap_or(upstream.len())])
}

/// Whether `version` is of that release line: `3.6` has `3.6` and `3.6.7`, and not `3.60`.
pub fn is_of(version: &Version, series: &Version) -> bool {
    let rest = version.as_str().strip_prefix(series.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_releases_count() {
        for text in ["9.0.2", "26.05", "2026-08-13", "2026.10.19.post1", "3", "1.13.2"] {
            assert_eq!(release(text).map(|version| version.to_string()).as_deref(), Some(text));
        }
        let long = "9".repeat(41);
        for text in [
            "",
            "9999~rc1",
            "8.23.0rc3",
            "1.0-rc1",
            "1.0a1",
            "1.0.dev3",
            "v1.0",
            "1..0",
            "1.",
            ".1",
            "1.0+local",
            "post1",
            "1.0\u{1b}[31m",
            "1.0\n2",
            "١.٠",
            "1/../2",
            "1 2",
            &long,
        ] {
            assert_eq!(release(text), None, "{text:?}");
        }
    }

    #[test]
    fn debian_adds_this_and_that() {
        for (debian, upstream) in [
            ("7:9.0.2-4", Some("9.0.2")),
            ("7:7.1.5-0+deb13u1", Some("7.1.5")),
            ("1:1.3.dfsg+really1.3.2-3", Some("1.3.2")),
            ("26.10+dfsg-2", Some("26.10")),
            ("2026.10.23+ds-1", Some("2026.10.23")),
            ("3.6.6-0.1~deb13u1", Some("3.6.6")),
            ("1.6.0", Some("1.6.0")),
            ("8.23.0~rc3-1", None),
            ("9999~rc1", None),
            ("1.0+git20260101-1", None),
            (":-", None),
            ("", None),
        ] {
            assert_eq!(of_debian(debian).as_ref().map(Version::as_str), upstream, "{debian}");
        }
    }

    #[test]
    fn a_line_ends_at_a_dot() {
        let is_of = |version: &str, series: &str| is_of(&version.parse().expect("one"), &series.parse().expect("one"));
        assert!(is_of("3.6.7", "3.6") && is_of("3.6", "3.6"));
        assert!(!is_of("3.60", "3.6") && !is_of("4.0.0", "3.6") && !is_of("3", "3.6"));
    }
}
