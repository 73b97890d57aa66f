//! Answers to requests, from the input: over the loopback for our own client, and without a network for the SDK.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;

/// Answers, each given once; the last of them again and again.
#[derive(Debug, Clone)]
pub struct Answers(Arc<Mutex<Vec<Answer>>>);

/// A status and a body.
type Answer = (u16, Vec<u8>);

impl Answers {
    /// Parts of the input end at a line `---`; the first line of each is a status, or it is 200.
    pub fn of(bytes: &[u8]) -> Answers {
        let text = String::from_utf8_lossy(bytes);
        let answer = |part: &str| {
            let (first, rest) = part.split_once('\n').unwrap_or((part, ""));
            // Those below 200 come before an answer.
            match first.parse().ok().filter(|status| (200..600).contains(status)) {
                Some(status) => (status, rest.as_bytes().to_vec()),
                None => (200, part.as_bytes().to_vec()),
            }
        };
        Answers(Arc::new(Mutex::new(text.rsplit("\n---\n").map(answer).collect())))
    }

    fn next(&self) -> Answer {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = left.len() == 1;
        let next = if last { left.first().cloned() } else { left.pop() };
        next.unwrap_or((200, Vec::new()))
    }
}

/// What the server gives at the moment.
static CURRENT: Mutex<Option<Answers>> = Mutex::new(None);

static SERVER: LazyLock<String> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        // One after another, so that the answers are given in their order.
        for stream in listener.incoming().flatten() {
            // A connection that breaks is the client's end.
            drop(answer(stream));
        }
    });
    url
});

/// Gives these answers to whoever asks at the returned address, until others are given.
pub fn serve(answers: Answers) -> String {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(answers);
    SERVER.clone()
}

/// Answers the one request of a connection.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                break head;
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    };
    let answers = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, body) = answers.map_or((404, Vec::new()), |answers| answers.next());
    let size = body.len();
    let mut answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n").into_bytes();
    // A body after the answer to a HEAD, or after a status without one, would be too much.
    if !head.starts_with("head ") && ![204, 304].contains(&status) {
        answer.extend(body);
    }
    stream.write_all(&answer)
}

/// In place of a connection of the SDK.
#[derive(Debug)]
struct Canned(Answers);

impl HttpConnector for Canned {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.next();
        let status = status.try_into().expect("a status");
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response.headers_mut().insert("x-amz-bucket-region", "us-east-1");
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// A configuration of the SDK whose requests get these answers.
pub async fn configuration(answers: Answers) -> SdkConfig {
    let client = http_client_fn(move |_, _| SharedHttpConnector::new(Canned(answers.clone())));
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "a secret of the tests", None, None, "canned"))
        .retry_config(RetryConfig::disabled())
        .http_client(client)
        .load()
        .await
}
