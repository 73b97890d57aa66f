//! The one place that opens sockets for downloads.
//!
//! Proxies are taken from the usual variables ([`super::proxy`]), certificates from the system (`SSL_CERT_FILE`
//! included).
//! Redirects are followed here rather than by the library, so that none leads from https to http.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, Timeout};
use url::Url;

use super::failure::Failure;
use super::proxy::Proxies;
use super::question::{Question, Small};

/// How long to wait for a host, and how often to try again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For finding the address of a host.
    pub resolve: Duration,
    /// For reaching a host, TLS included.
    pub connect: Duration,
    /// For the next bytes once connected.
    pub silence: Duration,
    /// How often in a row a transfer may break before the place is given up.
    pub attempts: u32,
    /// Before the second attempt; doubled before each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            resolve: Duration::from_secs(15),
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(45),
            attempts: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// A client for http and https.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    patience: Patience,
    proxies: Proxies,
    /// Hosts that could not be reached in this run, with the reason; they are not waited for again.
    unreachable: Mutex<BTreeMap<String, String>>,
}

/// An answer whose body has not been read yet.
#[derive(Debug)]
pub struct Answer {
    /// Where it came from, after redirects.
    pub url: Url,
    /// The status; never a redirect.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Body,
}

impl Answer {
    /// The body as it is, not decompressed.
    pub fn into_reader(self) -> impl Read {
        self.body.into_reader()
    }

    /// The value of a header with a number of bytes or seconds.
    pub fn number(&self, name: header::HeaderName) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }

    /// What an answer is that is not the file.
    pub fn failure(&self) -> Failure {
        Failure::Status { status: self.status, retry_after: self.number(header::RETRY_AFTER) }
    }
}

/// Pages of indexes are at most some megabytes. One that was cut off would look as if it did not list the file.
const LARGEST_PAGE: u64 = 32 << 20;
const MOST_REDIRECTS: u32 = 10;

impl Default for Client {
    fn default() -> Client {
        Client::new(Patience::default(), Proxies::of_environment())
    }
}

impl Client {
    /// A client with that much patience, behind these proxies.
    pub fn new(patience: Patience, proxies: Proxies) -> Client {
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("media-layers/", env!("CARGO_PKG_VERSION")))
            // A compressed answer would not have the pinned bytes.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_resolve(Some(patience.resolve))
            .timeout_connect(Some(patience.connect))
            .timeout_per_read(Some(patience.silence))
            .timeout_per_write(Some(patience.silence))
            .timeout_recv_response(Some(patience.silence.saturating_mul(2)))
            .build();
        Client { agent: config.into(), patience, proxies, unreachable: Mutex::default() }
    }

    /// A client with the same proxies that only finds out what can be reached. Each name is looked up twice, as one
    /// lost packet would otherwise decide; with the pause between, that takes less than 2 seconds.
    pub fn in_a_hurry(&self) -> Client {
        let patience = Patience {
            resolve: self.patience.resolve.min(Duration::from_millis(750)),
            connect: self.patience.connect.min(Duration::from_secs(3)),
            silence: self.patience.silence.min(Duration::from_secs(3)),
            attempts: 1,
            pause: Duration::from_millis(100),
        };
        Client::new(patience, self.proxies.clone())
    }

    /// How often to try and how long to pause.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Asks for `url` from the byte `from` on, following redirects.
    pub fn get(&self, url: &Url, from: u64, accept: &str) -> Result<Answer, Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, from, accept)?;
            let Some(location) = redirect(&response) else {
                let (parts, body) = response.into_parts();
                return Ok(Answer { url, status: parts.status.as_u16(), headers: parts.headers, body });
            };
            url = follow(&url, &location)?;
        }
        Err(Failure::Redirect(format!("ever other places, the last {}", shown(&url))))
    }

    /// Asks once for what is small and needed soon, and reads it whole.
    pub fn small(&self, question: &Question<'_>) -> Result<Small, Failure> {
        let mut url = question.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let sent = self.send(&url, |proxy| question.put(&self.agent, &url, proxy));
            let response = sent.map_err(|failure| if question.is_over() { Failure::TooSlow } else { failure })?;
            match redirect(&response) {
                // Only a question without content may be repeated elsewhere.
                Some(location) if question.json.is_none() => url = follow(&url, &location)?,
                _ => return question.read(url, response),
            }
        }
        Err(Failure::Redirect(format!("ever other places, the last {}", shown(&url))))
    }

    /// Reads a page, with as many attempts as patience allows. Gives its text and where it came from.
    pub fn page(&self, url: &Url) -> Result<(String, Url), Failure> {
        let mut attempt = 1;
        loop {
            match self.read_page(url) {
                Err(failure) if failure.may_pass() && attempt < self.patience.attempts => {
                    thread::sleep(self.pause(attempt, &failure));
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn read_page(&self, url: &Url) -> Result<(String, Url), Failure> {
        let answer = self.get(url, 0, "application/vnd.pypi.simple.v1+html, text/html;q=0.5")?;
        if answer.status != 200 {
            return Err(answer.failure());
        }
        let url = answer.url.clone();
        let mut text = Vec::new();
        let read = answer.into_reader().take(LARGEST_PAGE + 1).read_to_end(&mut text);
        read.map_err(|error| Failure::Transfer(error.to_string()))?;
        if text.len() as u64 > LARGEST_PAGE {
            return Err(Failure::Refused(format!("its page has more than {LARGEST_PAGE} bytes")));
        }
        Ok((String::from_utf8_lossy(&text).into_owned(), url))
    }

    /// How long to wait after the failure of that attempt, counted from 1.
    pub fn pause(&self, attempt: u32, failure: &Failure) -> Duration {
        let own = self.patience.pause.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        match failure {
            Failure::Status { retry_after: Some(seconds), .. } => own.max(Duration::from_secs((*seconds).min(10))),
            _ => own,
        }
    }

    fn ask(&self, url: &Url, from: u64, accept: &str) -> Result<Response<Body>, Failure> {
        self.send(url, |proxy| {
            let mut request = self.agent.get(url.as_str()).header(header::ACCEPT, accept);
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            request.config().proxy(proxy).build().call()
        })
    }

    /// Sends a request through the right proxy, unless its host could not be reached before.
    fn send(
        &self,
        url: &Url,
        request: impl Fn(Option<Proxy>) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Failure> {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let mut peer = format!("{host}:{port}");
        let proxy = self.proxies.lead_to(url).map(|proxy| read_proxy(&proxy)).transpose()?;
        if let Some(proxy) = &proxy {
            peer.push_str(&format!(" through the proxy {}:{}", proxy.host(), proxy.port()));
        }
        let known = self.hosts().get(&peer).cloned();
        if let Some(why) = known {
            return Err(Failure::Unreachable(why));
        }
        let mut attempt = 1;
        loop {
            let failure = match request(proxy.clone()) {
                Ok(response) => return Ok(response),
                Err(error) => classify(&peer, error),
            };
            let Failure::Unreachable(why) = &failure else { return Err(failure) };
            // A second try is for the resolver that was busy; more would only cost time where there is no way out.
            if attempt == 2 {
                self.hosts().insert(peer, why.clone());
                return Err(failure);
            }
            attempt += 1;
            thread::sleep(self.patience.pause / 2);
        }
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an answer says that the thing is, if it says so.
fn redirect(response: &Response<Body>) -> Option<String> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(header::LOCATION).filter(|_| moved)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// Where a redirect leads: never from https to anything else.
fn follow(from: &Url, location: &str) -> Result<Url, Failure> {
    let to = from.join(location).map_err(|_| Failure::Redirect(format!("`{location}`, which is no URL")))?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => Ok(to),
        (scheme, _) => Err(Failure::Redirect(format!("{}, away from {scheme}", shown(&to)))),
    }
}

/// A URL for people: without the name and the password it may hold.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn read_proxy(text: &str) -> Result<Proxy, Failure> {
    let supported = text.starts_with("http://") || text.starts_with("https://");
    match Proxy::new(text) {
        Ok(proxy) if supported => Ok(proxy),
        // The text may hold a password.
        _ => Err(Failure::Unreachable("the proxy for it is not an http or https URL".to_owned())),
    }
}

fn classify(peer: &str, error: ureq::Error) -> Failure {
    use io::ErrorKind;
    let unknown = || Failure::Unreachable(format!("{peer}: the host is not known here"));
    match error {
        ureq::Error::HostNotFound => unknown(),
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            Failure::Unreachable(format!("{peer} did not answer in time"))
        }
        ureq::Error::ConnectProxyFailed(why) => Failure::Unreachable(format!("cannot connect to {peer}: {why}")),
        ureq::Error::ConnectionFailed => Failure::Unreachable(format!("cannot connect to {peer}")),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                Failure::Unreachable(format!("cannot connect to {peer}: {error}"))
            }
            // The resolver's errors have no kind of their own.
            _ if error.to_string().contains("lookup address") => unknown(),
            // This is how a TLS handshake fails, for one if the certificate is not trusted.
            ErrorKind::InvalidData => Failure::Refused(format!("no secure connection to {peer}: {error}")),
            _ => Failure::Transfer(error.to_string()),
        },
        error @ (ureq::Error::Timeout(_) | ureq::Error::Protocol(_)) => Failure::Transfer(error.to_string()),
        ureq::Error::Rustls(error) => Failure::Refused(format!("no secure connection to {peer}: {error}")),
        error => Failure::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_to_https() {
        let follow = |from: &str, location: &str| {
            let from = from.parse().expect(from);
            follow(&from, location).map(|to| to.to_string()).map_err(|failure| failure.to_string())
        };
        assert_eq!(follow("http://a.test/x/y", "../z"), Ok("http://a.test/z".to_owned()));
        assert_eq!(follow("http://a.test/x", "https://b.test/z"), Ok("https://b.test/z".to_owned()));
        assert_eq!(
            follow("https://a.test/x", "http://user:secret@a.test/x"),
            Err("it redirects to http://a.test/x, away from https".to_owned())
        );
        assert_eq!(
            follow("http://a.test/x", "file:///etc/passwd"),
            Err("it redirects to file:///etc/passwd, away from http".to_owned())
        );
        assert_eq!(
            follow("http://a.test/x", "http://["),
            Err("it redirects to `http://[`, which is no URL".to_owned())
        );
    }

    #[test]
    fn passwords_are_not_shown() {
        let url = "https://user:secret@a.test/simple/".parse().expect("a URL");
        assert_eq!(shown(&url), "https://a.test/simple/");
    }

    #[test]
    fn pauses_grow_and_heed_the_server() {
        let client =
            Client::new(Patience { pause: Duration::from_millis(100), ..Patience::default() }, Proxies::default());
        let broken = Failure::Transfer(String::new());
        let busy = Failure::Status { status: 429, retry_after: Some(3600) };
        assert_eq!(client.pause(1, &broken), Duration::from_millis(100));
        assert_eq!(client.pause(3, &broken), Duration::from_millis(400));
        assert_eq!(client.pause(1, &busy), Duration::from_secs(10));
    }
}
