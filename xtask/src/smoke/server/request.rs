//! Requests as they come over the wire, read without trust.

use std::io::{self, Read};

/// The longest head of a request, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// The most header fields of a request.
const HEADER_LIMIT: usize = 64;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` and the like; empty where the request cannot be read.
    pub method: String,
    /// The target as it came.
    pub target: Vec<u8>,
    /// The `Range` header.
    pub range: Option<String>,
    /// Whether the client wants the connection kept.
    pub keep_alive: bool,
    /// Whether it is a request this server understands; if not, only the target is known.
    pub valid: bool,
}

/// Which bytes of a resource a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    Whole,
    /// From the first offset up to, not including, the second.
    Part(usize, usize),
    /// Only such as there are not.
    Nothing,
}

/// Reads the head of the next request; `rest` holds what came behind the last one.
///
/// Gives nothing where the client has closed the connection or sends no end of a head.
pub fn read(stream: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(length) = head_length(rest) {
            let request = parse(&rest[..length]);
            rest.drain(..length);
            return Ok(Some(request));
        }
        if rest.len() >= HEAD_LIMIT {
            return Ok(None);
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            count => rest.extend_from_slice(&chunk[..count]),
        }
    }
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn parse(head: &[u8]) -> Request {
    let mut fields = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut parsed = httparse::Request::new(&mut fields);
    let valid = parsed.parse(head).is_ok_and(|status| status.is_complete());
    let mut request =
        Request { method: String::new(), target: target(head).to_vec(), range: None, keep_alive: false, valid };
    if !valid {
        return request;
    }
    request.method = parsed.method.unwrap_or_default().to_owned();
    request.keep_alive = parsed.version == Some(1);
    for field in parsed.headers {
        let value = String::from_utf8_lossy(field.value).trim().to_owned();
        match field.name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value),
            "connection" if value.eq_ignore_ascii_case("close") => request.keep_alive = false,
            // Nothing here wants a body, and one that is not read would be taken for the next request.
            "content-length" if value != "0" => request.valid = false,
            "transfer-encoding" => request.valid = false,
            _ => {}
        }
    }
    request
}

/// What stands between the method and the version: the parser would refuse a space in it, but a check wants to see it.
fn target(head: &[u8]) -> &[u8] {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let Some(begin) = line.iter().position(|&byte| byte == b' ') else { return line };
    let end = line.iter().rposition(|&byte| byte == b' ').filter(|&end| end > begin).unwrap_or(line.len());
    &line[begin + 1..end]
}

impl Request {
    /// The path, percent-decoded; a `+` is a plus.
    pub fn path(&self) -> Vec<u8> {
        decode(self.target.split(|&byte| byte == b'?').next().unwrap_or_default())
    }

    /// The query as it came, without its question mark.
    pub fn query(&self) -> &[u8] {
        let question_mark = self.target.iter().position(|&byte| byte == b'?');
        question_mark.map_or(&[], |at| &self.target[at + 1..])
    }

    /// Which part of `length` bytes it wants. A `Range` that makes no sense or names several ranges means all of them.
    pub fn wanted(&self, length: usize) -> Wanted {
        let range = self.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
        let Some((first, last)) = range.and_then(|range| range.split_once('-')) else { return Wanted::Whole };
        match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), _) if last.is_empty() => part(first, length),
            (Ok(first), Ok(last)) if first <= last => part(first, last.saturating_add(1).min(length)),
            (Err(_), Ok(0)) if first.is_empty() => Wanted::Nothing,
            (Err(_), Ok(count)) if first.is_empty() => part(length.saturating_sub(count), length),
            _ => Wanted::Whole,
        }
    }
}

fn part(begin: usize, end: usize) -> Wanted {
    if begin < end { Wanted::Part(begin, end) } else { Wanted::Nothing }
}

/// Undoes percent-encoding; a percent sign without two digits stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str) -> Request {
        read(&mut head.as_bytes(), &mut Vec::new()).expect("no I/O").expect("a head")
    }

    #[test]
    fn reads_a_target_byte_for_byte() {
        let request = request("GET /a%20b+c%2Bd/%C3%BC?X=1%2F2&Y=+ HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(request.valid && request.keep_alive);
        assert_eq!(request.target, b"/a%20b+c%2Bd/%C3%BC?X=1%2F2&Y=+");
        assert_eq!(request.path(), "/a b+c+d/ü".as_bytes());
        assert_eq!(request.query(), b"X=1%2F2&Y=+");
    }

    #[test]
    fn a_target_that_is_wrong_is_still_seen() {
        let request = request("GET /a b HTTP/1.1\r\n\r\n");
        assert!(!request.valid);
        assert_eq!(request.target, b"/a b");
    }

    #[test]
    fn nonsense_is_nothing_or_invalid() {
        for head in ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n", "\0\0 \0\r\n\r\n", "GET  HTTP/1.1\r\n\r\n"] {
            assert!(!request(head).valid, "{head:?}");
        }
        for body in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
            assert!(!request(&format!("POST / HTTP/1.1\r\n{body}\r\n\r\n")).valid);
        }
        let endless = "GET / HTTP/1.1\r\n".to_owned() + &"X: y\r\n".repeat(10_000);
        assert_eq!(read(&mut endless.as_bytes(), &mut Vec::new()).expect("no I/O"), None);
    }

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let (mut stream, mut rest) = (&b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"[..], Vec::new());
        for target in ["/1", "/2"] {
            let request = read(&mut stream, &mut rest).expect("no I/O").expect("a head");
            assert_eq!(request.target, target.as_bytes());
        }
        assert_eq!(read(&mut stream, &mut rest).expect("no I/O"), None);
    }

    #[test]
    fn ranges_mean_what_the_standard_says() {
        for (range, wanted) in [
            ("bytes=0-9", Wanted::Part(0, 10)),
            ("bytes=90-", Wanted::Part(90, 100)),
            ("bytes=90-400", Wanted::Part(90, 100)),
            ("bytes=-10", Wanted::Part(90, 100)),
            ("bytes=-400", Wanted::Part(0, 100)),
            ("bytes=99-99", Wanted::Part(99, 100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=x-", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=0-99999999999999999999999", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            let request = request(&format!("GET / HTTP/1.1\r\nrange: {range}\r\n\r\n"));
            assert_eq!(request.wanted(100), wanted, "{range}");
        }
    }
}
