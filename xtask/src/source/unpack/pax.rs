//! Records in front of a tar entry (`pax(1)`, "pax Extended Header"): `LENGTH KEY=VALUE\n`, one after another.

use anyhow::{Context as _, Result, ensure};

/// What records say that changes what is unpacked. Times, owners and attributes are not taken from archives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// The entry's name.
    pub path: Option<Vec<u8>>,
    /// Where it leads.
    pub link: Option<Vec<u8>>,
    /// Its bytes.
    pub size: Option<u64>,
    /// Whether it is a file with holes, in a way of GNU's.
    pub has_holes: bool,
}

impl Records {
    /// Whether nothing in them changes what is unpacked.
    pub fn is_comment(&self) -> bool {
        *self == Records::default()
    }
}

/// Reads the records of one header.
///
/// # Errors
/// They are broken, or say the same thing twice.
pub(super) fn read(mut bytes: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    while !bytes.is_empty() {
        let (key, value, rest) = record(bytes).context("one of its records is broken")?;
        bytes = rest;
        let place = match key {
            b"path" => &mut records.path,
            b"linkpath" => &mut records.link,
            b"size" => {
                let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
                let size = str::from_utf8(value).ok().filter(|_| digits).and_then(|digits| digits.parse().ok());
                let size = size.context("one of its records has a size that is no number")?;
                ensure!(records.size.replace(size).is_none(), "one of its records says a size twice");
                continue;
            }
            _ => {
                records.has_holes |= key.starts_with(b"GNU.sparse.");
                continue;
            }
        };
        ensure!(place.replace(value.to_vec()).is_none(), "one of its records says a name twice");
    }
    Ok(records)
}

/// The first record, and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = &bytes[..blank];
    let length: usize = str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?.parse().ok()?;
    let content = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = content.iter().position(|byte| *byte == b'=')?;
    Some((&content[..equals], &content[equals + 1..], &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<Records, String> {
        read(bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn records_are_read() {
        let bytes = b"20 mtime=1700000000\n12 path=a/b\n14 linkpath=c\n11 size=12\n13 comment=\n\n";
        let expected =
            Records { path: Some(b"a/b".to_vec()), link: Some(b"c".to_vec()), size: Some(12), has_holes: false };
        assert_eq!(text(bytes), Ok(expected));
        assert!(text(b"").expect("nothing").is_comment());
        assert!(text(b"22 GNU.sparse.major=1\n").expect("holes").has_holes);
    }

    #[test]
    fn what_is_broken_is_refused() {
        let broken = [
            &b"path=a\n"[..],
            b"11 path=a\n",
            b"9 path=a\n9 p",
            b"8 path=a\n",
            b"+9 path=a",
            b"7 path\n",
            b"99999999999999999999999 path=a\n",
            b"99999999999 path=a\n",
            b"0 path=a\n",
            b"\0\0\0\0\0\0\0\0",
        ];
        for bytes in broken {
            assert_eq!(text(bytes), Err("one of its records is broken".to_owned()), "{}", bytes.escape_ascii());
        }
        assert_eq!(text(b"9 path=a\n9 path=b\n"), Err("one of its records says a name twice".to_owned()));
        assert_eq!(text(b"10 size=1\n10 size=2\n"), Err("one of its records says a size twice".to_owned()));
        assert_eq!(text(b"11 size=+1\n"), Err("one of its records has a size that is no number".to_owned()));
    }
}
