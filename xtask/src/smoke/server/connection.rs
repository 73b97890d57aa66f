//! One connection of a server: requests in, answers out, until somebody has enough.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::log::{Log, Record};
use super::request::{self, Request, Wanted};
use super::site::{Behaviour, Resource, Site};

/// The most requests on one connection.
const REQUEST_LIMIT: usize = 1000;

/// How long a stalling answer stays silent at most.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Bytes written at a time: small enough to notice soon that the client has gone.
const CHUNK: usize = 64 * 1024;

/// What all connections of a server share.
#[derive(Debug, Default)]
pub struct Shared {
    /// What there is to serve.
    pub site: Site,
    /// What came.
    pub log: Log,
    /// How many answers were given a number of their own.
    pub numbered: AtomicU64,
    /// Set when the server ends.
    pub stop: AtomicBool,
    /// How long an answer takes.
    pub pace: Pace,
}

/// How long a server takes for an answer: no longer than it must, if nothing else is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// From the end of a request to the first byte of its answer.
    pub wait: Duration,
    /// How much of an answer is sent in a second at most.
    pub bytes_per_second: Option<NonZeroU64>,
}

impl Pace {
    /// When a byte of an answer that began at `begin` may be sent, if that many were sent before it.
    fn due(self, begin: Instant, sent: u64) -> Instant {
        let rate = self.bytes_per_second.map_or(f64::INFINITY, |rate| rate.get() as f64);
        begin + Duration::from_secs_f64(sent as f64 / rate)
    }
}

/// An answer, ready to be sent.
struct Answer {
    status: u16,
    fields: String,
    resource: Resource,
    begin: usize,
    end: usize,
    keep_alive: bool,
}

/// Serves one connection to its end.
pub fn serve(stream: &mut (impl Read + Write), connection: u64, shared: &Shared) -> io::Result<()> {
    let mut rest = Vec::new();
    for _ in 0..REQUEST_LIMIT {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let Some(request) = request::read(stream, &mut rest)? else { break };
        let answer = answer(&request, shared);
        let number = shared.log.begin(Record {
            connection,
            method: request.method.clone(),
            target: String::from_utf8_lossy(&request.target).into_owned(),
            range: request.range.clone(),
            status: answer.status,
            asked: (answer.end - answer.begin) as u64,
            sent: 0,
        });
        let mut sent = 0;
        let result = send(stream, &request, &answer, shared, &mut sent);
        shared.log.end(number, sent);
        result?;
        if !answer.keep_alive || answer.resource.behaviour == Behaviour::Dropping {
            break;
        }
    }
    Ok(())
}

fn answer(request: &Request, shared: &Shared) -> Answer {
    if !request.valid {
        return refusal(400, false);
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return refusal(405, false);
    }
    let Some(resource) = shared.site.get(&request.path()) else { return refusal(404, request.keep_alive) };
    let keep_alive = request.keep_alive && resource.behaviour != Behaviour::Closing;
    match &resource.behaviour {
        Behaviour::Refuse(status) => refusal(*status, keep_alive),
        Behaviour::Signed(query) if request.query() != query.as_bytes() => refusal(403, keep_alive),
        Behaviour::Redirect(location) => {
            let fields = format!("Location: {location}\r\n");
            Answer { fields, ..refusal(302, keep_alive) }
        }
        Behaviour::WithoutRanges => {
            let end = resource.body.length();
            Answer { status: 200, fields: String::new(), resource, begin: 0, end, keep_alive }
        }
        Behaviour::Changing => {
            let tag = shared.numbered.fetch_add(1, Ordering::Relaxed);
            let mut answer = ranged(request, resource, keep_alive);
            // Writing to a string cannot fail.
            let _ = write!(answer.fields, "ETag: \"{tag}\"\r\n");
            answer
        }
        Behaviour::Serve
        | Behaviour::Closing
        | Behaviour::Dropping
        | Behaviour::Stalling
        | Behaviour::Silent
        | Behaviour::Signed(_) => ranged(request, resource, keep_alive),
    }
}

fn ranged(request: &Request, resource: Resource, keep_alive: bool) -> Answer {
    let length = resource.body.length();
    let mut fields = "Accept-Ranges: bytes\r\n".to_owned();
    let (status, begin, end) = match request.wanted(length) {
        Wanted::Whole => (200, 0, length),
        Wanted::Part(begin, end) => {
            // Writing to a string cannot fail.
            let _ = write!(fields, "Content-Range: bytes {begin}-{}/{length}\r\n", end - 1);
            (206, begin, end)
        }
        Wanted::Nothing => {
            let _ = write!(fields, "Content-Range: bytes */{length}\r\n");
            (416, 0, 0)
        }
    };
    Answer { status, fields, resource, begin, end, keep_alive }
}

/// An answer without the resource, with a text like those of real servers.
fn refusal(status: u16, keep_alive: bool) -> Answer {
    let body = format!("<html><head><title>{status}</title></head></html>\n").into_bytes();
    let end = body.len();
    Answer { status, fields: String::new(), resource: Resource::new(body), begin: 0, end, keep_alive }
}

fn send(
    stream: &mut impl Write,
    request: &Request,
    answer: &Answer,
    shared: &Shared,
    sent: &mut u64,
) -> io::Result<()> {
    if answer.resource.behaviour == Behaviour::Silent {
        return stall(shared);
    }
    let head = format!(
        "HTTP/1.1 {} -\r\nContent-Length: {}\r\nContent-Type: application/octet-stream\r\n{}Connection: {}\r\n\r\n",
        answer.status,
        answer.end - answer.begin,
        answer.fields,
        if answer.keep_alive { "keep-alive" } else { "close" },
    );
    thread::sleep(shared.pace.wait);
    let began = Instant::now();
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return stream.flush();
    }
    let stalls = answer.resource.behaviour == Behaviour::Stalling;
    let end = if stalls { answer.begin + (answer.end - answer.begin) / 2 } else { answer.end };
    for begin in (answer.begin..end).step_by(CHUNK) {
        if shared.stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let chunk = answer.resource.body.part(begin, end.min(begin + CHUNK))?;
        thread::sleep(shared.pace.due(began, *sent).saturating_duration_since(Instant::now()));
        stream.write_all(&chunk)?;
        *sent += chunk.len() as u64;
    }
    stream.flush()?;
    if stalls {
        return stall(shared);
    }
    Ok(())
}

/// Sends nothing for a long time, and ends with the server.
fn stall(shared: &Shared) -> io::Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < STALL_LIMIT && !shared.stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
    Err(io::ErrorKind::TimedOut.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_delays_what_comes_later() {
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        assert_eq!(Pace::default().due(began, 1_000_000), began);
        let pace = Pace { wait: second, bytes_per_second: NonZeroU64::new(1000) };
        assert_eq!((pace.due(began, 0), pace.due(began, 2000)), (began, began + 2 * second));
    }
}
