//! A small HTTP server whose answers a test scripts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The path with its query.
    pub path: String,
    /// The first byte of a range.
    pub from: Option<usize>,
    /// How many requests came before this one.
    pub number: usize,
}

/// What the server does.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    length: Option<usize>,
    cut: Option<usize>,
    pace: Option<(usize, Duration)>,
}

impl Reply {
    /// The bytes, whole.
    pub fn whole(body: &[u8]) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: body.to_vec(), length: Some(body.len()), cut: None, pace: None }
    }

    /// The bytes from where the client wants them.
    pub fn ranged(body: &[u8], asked: &Asked) -> Reply {
        match asked.from {
            Some(from) if from < body.len() => {
                let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
                Reply { status: 206, ..Reply::whole(&body[from..]).header(&range) }
            }
            Some(_) => Reply::status(416),
            None => Reply::whole(body),
        }
    }

    /// No bytes, only a status.
    pub fn status(status: u16) -> Reply {
        Reply { status, ..Reply::whole(b"") }
    }

    /// One more header.
    pub fn header(mut self, header: &str) -> Reply {
        self.headers.push(header.to_owned());
        self
    }

    /// With another status.
    pub fn with_status(mut self, status: u16) -> Reply {
        self.status = status;
        self
    }

    /// Does not say how long it is; the end of the connection ends it.
    pub fn unsized_body(mut self) -> Reply {
        self.length = None;
        self
    }

    /// Closes the connection after that many bytes of the body.
    pub fn cut(mut self, after: usize) -> Reply {
        self.cut = Some(after);
        self
    }

    /// Sends so many bytes at once, with a pause after each.
    pub fn pace(mut self, piece: usize, pause: Duration) -> Reply {
        self.pace = Some((piece, pause));
        self
    }
}

/// A running server. It stops when dropped.
pub struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Serves on a free port what `script` says.
    pub fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (all, stop, script) = (Arc::clone(&asked), Arc::clone(&stopped), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (all, script) = (Arc::clone(&all), Arc::clone(&script));
                // A client that goes away early is none of the server's business.
                thread::spawn(move || serve(stream, &all, &*script).unwrap_or_default());
            }
        });
        Server { address, asked, stopped }
    }

    /// The server's URL with that path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic elsewhere").clone()
    }

    /// Where every request began to read.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.asked().iter().map(|asked| asked.from).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

fn serve(mut stream: TcpStream, all: &Mutex<Vec<Asked>>, script: &dyn Fn(&Asked) -> Reply) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut path, mut from, mut content, mut line) = (String::new(), None, 0, String::new());
    while reader.read_line(&mut line)? > 2 {
        if let Some(rest) = line.strip_prefix("GET ").or(line.strip_prefix("POST ")) {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().ok();
        } else if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            content = length.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    // What is sent along and not read would reset the connection.
    std::io::copy(&mut (&mut reader).take(content), &mut std::io::sink())?;
    let asked = {
        let mut all = all.lock().expect("no panic elsewhere");
        let asked = Asked { path, from, number: all.len() };
        all.push(asked.clone());
        asked
    };
    let reply = script(&asked);
    write!(stream, "HTTP/1.1 {} Scripted\r\nConnection: close\r\n", reply.status)?;
    if let Some(length) = reply.length {
        write!(stream, "Content-Length: {length}\r\n")?;
    }
    for header in &reply.headers {
        write!(stream, "{header}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    let (piece, pause) = reply.pace.unwrap_or((body.len().max(1), Duration::ZERO));
    for piece in body.chunks(piece) {
        stream.write_all(piece)?;
        stream.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}
