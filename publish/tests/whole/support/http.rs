//! A small web server for the tests: a thread for each connection, a request on each.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;

/// A request, read whole.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// As it was sent, encoded.
    pub path: String,
    /// As it was sent, encoded.
    pub query: String,
    /// By names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What the server does about a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Closes the connection without an answer.
    Hangup,
}

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Reply {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Reply::Answer { status, headers, body: body.to_string().into_bytes() }
    }
}

/// Serves until the process ends, and tells `http://127.0.0.1:PORT`.
pub fn serve(handler: impl Fn(Request) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let handler = Arc::new(handler);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            std::thread::spawn(move || {
                // A client that was killed is no concern of the server's.
                let _ = answer(stream, &*handler);
            });
        }
    });
    url
}

fn answer(mut stream: TcpStream, handler: &dyn Fn(Request) -> Reply) -> std::io::Result<()> {
    let Some(request) = read(&mut stream)? else { return Ok(()) };
    let head = request.method == "HEAD";
    match handler(request) {
        Reply::Hangup => stream.shutdown(Shutdown::Both),
        Reply::Answer { status, headers, body } => {
            let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
            for (name, value) in headers {
                text += &format!("{name}: {value}\r\n");
            }
            if !head {
                text += &format!("content-length: {}\r\n", body.len());
            }
            stream.write_all(format!("{text}\r\n").as_bytes())?;
            stream.write_all(&body)
        }
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    let (mut request, start) = loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(parsed) = parse(&bytes) {
            break parsed;
        }
    };
    let length = request.headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < start + length {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
    request.body = bytes.split_off(start);
    Ok(Some(request))
}

fn parse(bytes: &[u8]) -> Option<(Request, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(start) = parsed.parse(bytes).expect("a request") else { return None };
    let target = parsed.path.expect("a path");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("a plain header");
    let headers = parsed.headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
    let request = Request {
        method: parsed.method.expect("a method").to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    Some((request, start))
}

/// Sends a request on to the server at `url`, and hands back what it answers.
pub fn forward(url: &str, request: &Request) -> Reply {
    let address = url.strip_prefix("http://").expect("a URL of ours");
    let mut stream = TcpStream::connect(address).expect("the server behind");
    let separator = if request.query.is_empty() { "" } else { "?" };
    let mut head = format!("{} {}{separator}{} HTTP/1.1\r\n", request.method, request.path, request.query);
    for (name, value) in
        request.headers.iter().filter(|(name, _)| !["connection", "content-length"].contains(&name.as_str()))
    {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len());
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&request.body).expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(start) = parsed.parse(&bytes).expect("an answer") else { panic!("half an answer") };
    let kept = |name: &str| !["connection", "content-length", "transfer-encoding"].contains(&name);
    let headers =
        parsed.headers.iter().map(|it| (it.name.to_ascii_lowercase(), String::from_utf8_lossy(it.value).into_owned()));
    let headers = headers.filter(|(name, _)| kept(name)).collect();
    Reply::Answer { status: parsed.code.expect("a status"), headers, body: bytes[start..].to_vec() }
}
