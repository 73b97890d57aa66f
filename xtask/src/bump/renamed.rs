//! What the names of one version become for another.

use crate::model::Version;

/// `text` with the new version wherever it names the old one as a whole: `ffmpeg-9.0.2.tar.xz`, `curl-8_21_0`, and
/// `share/cmake-4.4/` for 4.4.4. A longer number, such as 19.0.2 or 9.0.2.1, is another version.
pub fn renamed(text: &str, from: &Version, to: &Version) -> String {
    let (from, to) = (from.as_str(), to.as_str());
    let whole = replaced(text, from, to, '.');
    if whole != text {
        return whole;
    }
    let lined = replaced(text, &from.replace('.', "_"), &to.replace('.', "_"), '_');
    if lined != text || !from.contains('.') {
        return lined;
    }
    match (line(from), line(to)) {
        (Some(from), Some(to)) => replaced(text, &format!("-{from}/"), &format!("-{to}/"), '.'),
        _ => lined,
    }
}

/// The first two of three numbers, under which some projects install their files.
fn line(version: &str) -> Option<&str> {
    let (line, last) = version.rsplit_once('.')?;
    (line.matches('.').count() == 1 && !last.is_empty()).then_some(line)
}

/// Whether `text` names that version as a whole.
pub fn names(text: &str, version: &Version) -> bool {
    replaced(text, version.as_str(), "", '.') != text
}

fn replaced(text: &str, from: &str, to: &str, dot: char) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let digit = |text: Option<char>| text.is_some_and(|character| character.is_ascii_digit());
        let mut back = result.chars().rev();
        let mut back = before.chars().rev().chain(&mut back);
        let inside_before = match back.next() {
            Some(last) if last == dot => digit(back.next()),
            last => digit(last) && from.starts_with(|first: char| first.is_ascii_digit()),
        };
        let mut front = after.chars();
        let inside_after = match front.next() {
            Some(first) if first == dot => digit(front.next()),
            first => digit(first) && from.ends_with(|last: char| last.is_ascii_digit()),
        };
        result.push_str(before);
        result.push_str(if inside_before || inside_after { from } else { to });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_versions_are_renamed() {
        let renamed =
            |text: &str, from: &str, to: &str| renamed(text, &from.parse().expect(from), &to.parse().expect(to));
        for (text, from, to, expected) in [
            (
                "https://ffmpeg.org/releases/ffmpeg-9.0.2.tar.xz",
                "9.0.2",
                "9.1",
                "https://ffmpeg.org/releases/ffmpeg-9.1.tar.xz",
            ),
            ("https://x/releases/3.01/nasm-3.01.tar.xz", "3.01", "3.02", "https://x/releases/3.02/nasm-3.02.tar.xz"),
            ("x-19.0.2", "9.0.2", "9.1", "x-19.0.2"),
            ("x-9.0.2.1", "9.0.2", "9.1", "x-9.0.2.1"),
            ("1.9.0.2", "9.0.2", "9.1", "1.9.0.2"),
            ("zlib-1.3.dfsg+really1.3.2", "1.3.2", "1.3.3", "zlib-1.3.dfsg+really1.3.3"),
            ("curl-8_21_0", "8.21.0", "8.23.0", "curl-8_23_0"),
            ("share/cmake-4.4/Modules", "4.4.4", "4.5.0", "share/cmake-4.5/Modules"),
            ("share/cmake-4.4.9/Modules", "4.4.4", "4.5.0", "share/cmake-4.4.9/Modules"),
            ("mediainfolib@26.05", "26.05", "26.10", "mediainfolib@26.10"),
            ("lib", "26.05", "26.10", "lib"),
        ] {
            assert_eq!(renamed(text, from, to), expected);
        }
    }
}
