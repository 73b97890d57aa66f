//! The tags of a git repository, from the list of references with which its server greets.
//!
//! One answer has all of them, on any server, without a token and without a limit per hour: a GitHub page or its API
//! has neither. `gitprotocol-http(5)` and `gitprotocol-pack(5)` describe it: lines, each after its length in four
//! hexadecimal digits.

use super::place::TagList;
use super::release::release;
use crate::model::Version;

/// What is asked for.
pub const ACCEPT: &str = "application/x-git-upload-pack-advertisement";

/// The longest list: a repository with 100,000 pull requests, which are references too, has some 10 MB.
pub const LONGEST: u64 = 32 << 20;

/// The address of the list.
pub fn address(git: &str) -> String {
    format!("{}/info/refs?service=git-upload-pack", git.trim_end_matches('/'))
}

/// The finished releases among the tags. Fails where the answer is no such list.
pub fn read(bytes: &[u8], tags: &TagList) -> Result<Vec<Version>, String> {
    let no_list = || "it is not a list of references".to_owned();
    let (mut rest, mut first, mut versions) = (bytes, true, Vec::new());
    while !rest.is_empty() {
        let length = rest.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
        let length = length.and_then(|digits| usize::from_str_radix(digits, 16).ok()).ok_or_else(no_list)?;
        // The end of a part has no content, not even its own length.
        if length == 0 {
            rest = &rest[4..];
            continue;
        }
        let line = rest.get(4..length).ok_or_else(no_list)?;
        rest = &rest[length..];
        if first && !line.starts_with(b"# service=git-upload-pack") {
            return Err(no_list());
        }
        first = false;
        versions.extend(version(line, tags));
    }
    if first { Err(no_list()) } else { Ok(versions) }
}

/// The version in one line, `DIGEST refs/tags/NAME`, behind the first of which stand the server's abilities.
fn version(line: &[u8], tags: &TagList) -> Option<Version> {
    let line = std::str::from_utf8(line).ok()?;
    let name = line.split('\0').next()?.trim_end().split_once(" refs/tags/")?.1;
    let number = name.strip_prefix(&tags.before)?.strip_suffix(&tags.after)?;
    match tags.dot {
        '.' => release(number),
        // A dot in such a name would stand for something else.
        dot => (!number.contains('.')).then(|| release(&number.replace(dot, ".")))?,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(before: &str, dot: char) -> TagList {
        TagList { git: "https://git.test/x.git".to_owned(), before: before.to_owned(), after: String::new(), dot }
    }

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut bytes = b"001e# service=git-upload-pack\n0000".to_vec();
        for line in lines {
            bytes.extend(format!("{:04x}{line}\n", line.len() + 5).bytes());
        }
        bytes.extend(b"0000");
        bytes
    }

    #[test]
    fn releases_are_found_among_references() {
        let digest = "a".repeat(40);
        let names = [
            "HEAD\0multi_ack symref=HEAD:refs/heads/main",
            "refs/heads/v9.9",
            "refs/tags/v1.2",
            "refs/tags/v1.2^{}",
            "refs/tags/v1.3-rc1",
            "refs/tags/curl-8_21_0",
            "refs/tags/v\u{1b}[2J",
        ];
        let all = names.map(|name| format!("{digest} {name}"));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let found = |tags: &TagList| -> Vec<String> {
            read(&lines(&all), tags).expect("a list").iter().map(Version::to_string).collect()
        };
        assert_eq!(found(&list("v", '.')), ["1.2"]);
        assert_eq!(found(&list("curl-", '_')), ["8.21.0"]);
    }

    /// What git itself says.
    #[test]
    fn the_list_of_a_real_repository_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |args: &[&str]| {
            let path = folder.path().to_string_lossy().into_owned();
            let all = ["-C", &path, "-c", "user.name=x", "-c", "user.email=x@example.org"];
            let output = crate::process::output("git", all.iter().chain(args)).expect("git");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        git(&["init", "--quiet", "."]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "one"]);
        git(&["tag", "v1.2"]);
        git(&["tag", "--annotate", "-m", "two", "v1.10"]);
        let mut answer = b"001e# service=git-upload-pack\n0000".to_vec();
        answer.extend(git(&["upload-pack", "--http-backend-info-refs", "."]));
        let versions = read(&answer, &list("v", '.')).expect("a list");
        assert_eq!(versions.iter().map(Version::as_str).collect::<Vec<_>>(), ["1.10", "1.2"]);
    }

    #[test]
    fn broken_lists_are_errors() {
        let tags = list("v", '.');
        for bytes in [
            &b""[..],
            b"<html>",
            b"0000",
            b"zzzz",
            b"ffff# service=git-upload-pack",
            b"001e# service=git-upload-pack\n000",
        ] {
            assert_eq!(read(bytes, &tags), Err("it is not a list of references".to_owned()), "{bytes:?}");
        }
        for length in ["0001", "0002", "0003", "+004"] {
            let bytes = [b"001e# service=git-upload-pack\n".as_slice(), length.as_bytes(), b"x"].concat();
            assert!(read(&bytes, &tags).is_err(), "{length}");
        }
    }
}
