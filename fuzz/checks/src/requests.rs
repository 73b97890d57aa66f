//! The test server: whatever comes, its answers are what they say, and every request ends.

use std::io::{self, Read, Write};

use xtask::smoke::server::connection::{Shared, serve};
use xtask::smoke::server::log::Log;
use xtask::smoke::server::request::{self, Wanted};
use xtask::smoke::server::{Behaviour, Resource};

/// Serves the bytes as what a client sends on one connection.
pub fn served(bytes: &[u8]) {
    read_in_pieces(bytes);
    let shared = site();
    let mut client = Client { sends: bytes, receives: Vec::new() };
    // Nothing fails: the client reads all and sends what it has.
    serve(&mut client, 1, &shared).expect("an answer for everything");
    answers_are_sound(&client.receives, &shared.log);
}

fn site() -> Shared {
    let shared = Shared::default();
    let film = || Resource::new(vec![7; 1000]);
    shared.site.put("/film", film());
    shared.site.put("/a b+ü", film().with(Behaviour::Signed("X=1%2F2".to_owned())));
    shared.site.put("/away", film().with(Behaviour::Redirect("/film".to_owned())));
    shared.site.put("/whole", film().with(Behaviour::WithoutRanges));
    shared.site.put("/closing", film().with(Behaviour::Closing));
    shared.site.put("/dropping", film().with(Behaviour::Dropping));
    shared.site.put("/changing", film().with(Behaviour::Changing));
    shared.site.put("/no", film().with(Behaviour::Refuse(503)));
    shared.site.put("/empty", Resource::empty());
    shared
}

/// A client that has sent everything already.
struct Client<'b> {
    sends: &'b [u8],
    receives: Vec<u8>,
}

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sends.read(buffer)
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.receives.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// There is an answer to every request in the log. It begins with a status, and has as many bytes as it says, unless it
/// answers a `HEAD`.
fn answers_are_sound(mut answers: &[u8], log: &Log) {
    for record in log.settled(|_| true) {
        let end = answers.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
        let head = std::str::from_utf8(&answers[..end]).expect("heads are ours");
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", record.status)), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
        assert_eq!(length, record.asked.to_string(), "{head}");
        assert_eq!(record.sent, if record.method == "HEAD" { 0 } else { record.asked });
        answers = &answers[end + usize::try_from(record.sent).expect("small")..];
    }
    assert!(answers.is_empty(), "{} bytes belong to no request", answers.len());
}

/// A request is the same in one piece and byte by byte, and its range lies within the resource.
fn read_in_pieces(bytes: &[u8]) {
    let whole = request::read(&mut &bytes[..], &mut Vec::new()).expect("no I/O");
    let mut pieces = Pieces(bytes);
    let other = request::read(&mut pieces, &mut Vec::new()).expect("no I/O");
    // One that is too long may be seen to end a little later.
    if bytes.len() < 16 << 10 {
        assert_eq!(whole, other);
    }
    let Some(request) = whole else { return };
    assert!(request.path().len() <= bytes.len() && request.query().len() <= bytes.len());
    for length in [0, 1, 1000, usize::MAX] {
        if let Wanted::Part(begin, end) = request.wanted(length) {
            assert!(begin < end && end <= length, "{begin} to {end} of {length}");
        }
    }
}

/// Gives a byte at a time.
struct Pieces<'b>(&'b [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}
