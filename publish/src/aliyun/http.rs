//! The connections to Alibaba Cloud.

use std::collections::BTreeMap;

use anyhow::Context as _;
use bytes::Bytes;
use ureq::http::Request;
use ureq::tls::{RootCerts, TlsConfig};
use xtask::ui::foreign::foreign;

use crate::store::{CONNECT_LIMIT, Failure, Kind, is_of_tls, request_limit};

/// No answer that we ask for is larger.
const ANSWER_LIMIT: u64 = 16 << 20;

/// What is sent.
#[derive(Debug)]
pub struct Message {
    /// In capitals.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// All headers, signature included.
    pub headers: BTreeMap<String, String>,
    /// May be empty.
    pub body: Bytes,
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// All of it.
    pub body: Vec<u8>,
}

/// Connections that are kept open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections(ureq::Agent);

impl Connections {
    /// Through the proxy that the environment names.
    pub fn new() -> Connections {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_LIMIT))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        Connections(config.into())
    }

    /// Sends one request, once.
    pub async fn send(&self, message: Message) -> Result<Answer, Failure> {
        let agent = self.0.clone();
        let sent = tokio::task::spawn_blocking(move || exchange(&agent, &message)).await;
        sent.unwrap_or_else(|error| Err(Failure::new(Kind::Unknown, error.to_string())))
    }
}

impl Default for Connections {
    fn default() -> Connections {
        Connections::new()
    }
}

fn exchange(agent: &ureq::Agent, message: &Message) -> Result<Answer, Failure> {
    let mut request = Request::builder().method(message.method).uri(&message.url);
    for (name, value) in &message.headers {
        request = request.header(name, value);
    }
    let request = request.body(&*message.body).context("a request that HTTP does not allow");
    let request = request.map_err(|error| Failure::new(Kind::Refused, format!("{error:#}")))?;
    let limit = request_limit(message.body.len() as u64);
    let request = agent.configure_request(request).timeout_global(Some(limit)).build();
    let mut response = agent.run(request).map_err(failure)?;
    let body = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec().map_err(failure)?;
    Ok(Answer { status: response.status().as_u16(), body })
}

fn failure(error: ureq::Error) -> Failure {
    use ureq::{Error, Timeout};
    let kind = match &error {
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => Kind::Unreachable,
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Kind::Unreachable,
        Error::BadUri(_) | Error::InvalidProxyUrl | Error::Tls(_) | Error::Rustls(_) | Error::Http(_) => Kind::Refused,
        Error::Io(error) if is_of_tls(error) => Kind::Refused,
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Kind::Unreachable,
        _ => Kind::Unknown,
    };
    Failure::new(kind, foreign(&error.to_string()))
}
