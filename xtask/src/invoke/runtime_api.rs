//! The Runtime API of AWS Lambda: where a runtime client asks for events and leaves results.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The most bytes of a result.
pub const RESULT_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// The most bytes of a request's head, and how many headers it may have.
const HEAD_LIMIT: usize = 64 * 1024;
const HEADERS: usize = 64;

/// An event for the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The request's id.
    pub id: String,
    /// JSON.
    pub event: Vec<u8>,
    /// When time is up, in milliseconds since 1970.
    pub deadline: u128,
    /// The function's ARN.
    pub arn: String,
}

/// What the runtime client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// It asks for the next event.
    Ready,
    /// The result of an event.
    Result(Vec<u8>),
    /// The function failed: JSON with `errorType` and `errorMessage`.
    Failed(Vec<u8>),
    /// The function could not be loaded: the same.
    InitFailed(Vec<u8>),
}

/// A server for one function. Its threads end with their connections.
#[derive(Debug)]
pub struct RuntimeApi {
    /// `HOST:PORT`.
    pub address: String,
    /// What the client says.
    pub messages: Receiver<Message>,
    events: Sender<Invocation>,
}

impl RuntimeApi {
    /// Starts to listen on the loopback.
    pub fn start() -> io::Result<RuntimeApi> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let (events, to_give) = mpsc::channel();
        let (say, messages) = mpsc::channel();
        let to_give = Arc::new(Mutex::new(to_give));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (to_give, say) = (Arc::clone(&to_give), say.clone());
                // A connection that breaks is the client's end, which is seen elsewhere.
                thread::spawn(move || drop(serve(stream, &to_give, &say)));
            }
        });
        Ok(RuntimeApi { address, messages, events })
    }

    /// Gives the client an event as soon as it asks.
    pub fn give(&self, invocation: Invocation) {
        // The receiver lives as long as the server's first thread.
        let _ = self.events.send(invocation);
    }
}

fn serve(mut stream: TcpStream, events: &Mutex<Receiver<Invocation>>, say: &Sender<Message>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut rest = Vec::new();
    while let Some(request) = read(&mut stream, &mut rest)? {
        match (request.method.as_str(), request.path.rsplit('/').next().unwrap_or_default(), request.body) {
            ("GET", "next", _) => {
                let _ = say.send(Message::Ready);
                let received = events.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(event) = received else { return Ok(()) };
                give(&mut stream, &event)?;
            }
            ("POST", "response", Some(body)) => accept(&mut stream, say, Message::Result(body))?,
            ("POST", "response", None) => {
                let text = format!(
                    r#"{{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"the result is larger than {RESULT_LIMIT} bytes"}}"#
                );
                answer(&mut stream, "413 Payload Too Large", "", text.as_bytes())?;
                let _ = say.send(Message::Failed(text.into_bytes()));
                // Its body was not read, so nothing can follow on this connection.
                return Ok(());
            }
            ("POST", "error", Some(body)) if request.path.ends_with("/init/error") => {
                accept(&mut stream, say, Message::InitFailed(body))?;
            }
            ("POST", "error", Some(body)) => accept(&mut stream, say, Message::Failed(body))?,
            _ => answer(&mut stream, "404 Not Found", "", b"")?,
        }
    }
    Ok(())
}

fn give(stream: &mut TcpStream, event: &Invocation) -> io::Result<()> {
    let headers = format!(
        "Lambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Invoked-Function-Arn: {}\r\nContent-Type: application/json\r\n",
        event.id, event.deadline, event.arn
    );
    answer(stream, "200 OK", &headers, &event.event)
}

/// Tells us first and the client then, so that its next request finds us ready.
fn accept(stream: &mut TcpStream, say: &Sender<Message>, message: Message) -> io::Result<()> {
    let _ = say.send(message);
    answer(stream, "202 Accepted", "Content-Type: application/json\r\n", br#"{"status":"OK"}"#)
}

fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat())
}

struct Request {
    method: String,
    path: String,
    /// Nothing where it is larger than a result may be.
    body: Option<Vec<u8>>,
}

/// Reads a request; what came behind it stays in `rest`. Nothing where the client has ended.
fn read(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(rest).map_err(|error| broken(&error.to_string()))? {
            let header = |name: &str| {
                let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
                std::str::from_utf8(found.value).ok()
            };
            let size = match header("Content-Length") {
                None if header("Transfer-Encoding").is_some() => return Err(broken("a body in chunks")),
                None => 0,
                Some(text) => text.parse::<usize>().map_err(|_| broken("a strange Content-Length"))?,
            };
            let expects = header("Expect").is_some();
            let (method, path) = (head.method.unwrap_or_default().to_owned(), head.path.unwrap_or_default().to_owned());
            rest.drain(..length);
            if size > RESULT_LIMIT {
                return Ok(Some(Request { method, path, body: None }));
            }
            if expects {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            while rest.len() < size {
                if receive(stream, rest)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(Some(Request { method, path, body: Some(rest.drain(..size).collect()) }));
        }
        if rest.len() > HEAD_LIMIT {
            return Err(broken("a head without an end"));
        }
        if receive(stream, rest)? == 0 {
            return Ok(None);
        }
    }
}

fn receive(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<usize> {
    let mut block = [0; 16 * 1024];
    let read = stream.read(&mut block)?;
    rest.extend_from_slice(&block[..read]);
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends requests on one connection, and gives back all that is answered until the server closes or `wanted` came.
    fn ask(api: &RuntimeApi, request: &str, wanted: &str) -> String {
        let mut stream = TcpStream::connect(&api.address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains(wanted) {
            if receive(&mut stream, &mut answer).expect("an answer") == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn an_event_goes_out_and_its_result_comes_back() {
        let api = RuntimeApi::start().expect("listens");
        let event = br#"{"a":1}"#.to_vec();
        api.give(Invocation { id: "id-1".to_owned(), event, deadline: 5, arn: "arn:x".to_owned() });
        let text = ask(&api, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", r#"{"a":1}"#);
        assert!(
            text.contains("Lambda-Runtime-Aws-Request-Id: id-1\r\n") && text.contains("Deadline-Ms: 5\r\n"),
            "{text}"
        );
        assert_eq!(api.messages.recv().expect("a message"), Message::Ready);
        let post = "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nContent-Length: 4\r\n\r\nnull";
        assert!(ask(&api, post, "OK").starts_with("HTTP/1.1 202 "));
        assert_eq!(api.messages.recv().expect("a message"), Message::Result(b"null".to_vec()));
    }

    #[test]
    fn failures_are_told_apart() {
        let api = RuntimeApi::start().expect("listens");
        for (path, wanted) in [
            ("init/error", Message::InitFailed(b"{}".to_vec())),
            ("invocation/id-1/error", Message::Failed(b"{}".to_vec())),
        ] {
            let post = format!("POST /2018-06-01/runtime/{path} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}");
            ask(&api, &post, "OK");
            assert_eq!(api.messages.recv().expect("a message"), wanted);
        }
    }

    #[test]
    fn a_result_that_is_too_large_is_not_read() {
        let api = RuntimeApi::start().expect("listens");
        let post = "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
        assert!(ask(&api, post, "larger").starts_with("HTTP/1.1 413 "));
        let Message::Failed(text) = api.messages.recv().expect("a message") else { panic!("a failure") };
        assert!(String::from_utf8_lossy(&text).contains("ResponseSizeTooLarge"));
    }

    #[test]
    fn what_is_no_request_ends_the_connection() {
        let api = RuntimeApi::start().expect("listens");
        for hostile in ["\0\0\0\0\r\n\r\n", "POST /error HTTP/1.1\r\nContent-Length: -1\r\n\r\n"] {
            assert_eq!(ask(&api, hostile, "HTTP/1.1 2"), "");
        }
        let endless = format!("GET /next HTTP/1.1\r\nX: {}", "a".repeat(HEAD_LIMIT + 1));
        assert_eq!(ask(&api, &endless, "HTTP/1.1 2"), "");
    }
}
