//! Small questions to a server: one try, a bounded answer, and a time after which the answer is no longer wanted.

use std::io::Read as _;
use std::time::{Duration, Instant};

use ureq::http::{Response, header};
use ureq::{Agent, Body, Proxy};
use url::Url;

use super::failure::Failure;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Whom.
    pub url: Url,
    /// The media types that can be read.
    pub accept: &'a str,
    /// JSON to send along. Without it, nothing is sent.
    pub json: Option<&'a str>,
    /// The most bytes that the answer may have.
    pub most: u64,
    /// When the answer must be there.
    pub until: Instant,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Small {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Its media type, in lower case and without parameters.
    pub kind: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Question<'_> {
    /// Asks `url`, which may be where a redirect leads.
    pub(super) fn put(&self, agent: &Agent, url: &Url, proxy: Option<Proxy>) -> Result<Response<Body>, ureq::Error> {
        // Zero would mean no limit.
        let left = self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match self.json {
            None => {
                let request = agent.get(url.as_str()).header(header::ACCEPT, self.accept);
                request.config().proxy(proxy).timeout_global(Some(left)).build().call()
            }
            Some(json) => {
                let request = agent.post(url.as_str()).header(header::ACCEPT, self.accept);
                let request = request.content_type("application/json");
                request.config().proxy(proxy).timeout_global(Some(left)).build().send(json)
            }
        }
    }

    /// Reads the answer of `url`.
    pub(super) fn read(&self, url: Url, response: Response<Body>) -> Result<Small, Failure> {
        let (parts, body) = response.into_parts();
        if parts.status.as_u16() != 200 {
            return Err(Failure::Status { status: parts.status.as_u16(), retry_after: None });
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut reader = body.into_reader().take(self.most + 1);
        let (mut bytes, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(Small { url, kind, bytes }),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(_) if self.is_over() => return Err(Failure::TooSlow),
                Err(error) => return Err(Failure::Transfer(error.to_string())),
            }
            if bytes.len() as u64 > self.most {
                return Err(Failure::TooLarge { most: self.most });
            }
            // A byte at a time would never be silent for long.
            if self.is_over() {
                return Err(Failure::TooSlow);
            }
        }
    }

    /// Whether the answer is no longer wanted.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}
