//! The server as a client from elsewhere sees it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, http};

use super::*;

fn client(server: Option<&Server>) -> Agent {
    let roots = match server {
        Some(server) => Certificate::from_pem(server.authority().as_bytes()).expect("a certificate"),
        None => Certificate::from_pem(Identity::generate().expect("keys").authority.as_bytes()).expect("a certificate"),
    };
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[roots])).build();
    let config = Agent::config_builder().tls_config(tls).http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(20))).build().into()
}

fn get(agent: &Agent, url: &str, range: &str) -> (u16, http::HeaderMap, Vec<u8>) {
    let mut request = agent.get(url);
    if !range.is_empty() {
        request = request.header("Range", range);
    }
    let mut response = request.call().expect(url);
    let body = response.body_mut().read_to_vec().expect("a body");
    (response.status().as_u16(), response.headers().clone(), body)
}

#[test]
fn serves_ranges_over_http_and_https_on_one_connection() {
    let server = Server::start().expect("starts");
    server.put("/a b/ü.bin", Resource::new(*b"0123456789"));
    let agent = client(Some(&server));
    let target = "/a%20b/%C3%BC.bin?q=%2F";
    for url in [server.http(target), server.https(target)] {
        assert_eq!(get(&agent, &url, "").2, b"0123456789");
        let (status, fields, body) = get(&agent, &url, "bytes=2-4");
        assert_eq!((status, body.as_slice()), (206, &b"234"[..]));
        assert_eq!(fields["content-range"], "bytes 2-4/10");
        assert_eq!(get(&agent, &url, "bytes=-3").2, b"789");
        let (status, fields, _) = get(&agent, &url, "bytes=10-");
        assert_eq!((status, &fields["content-range"]), (416, &"bytes */10".parse().expect("a value")));
        let head = agent.head(&url).call().expect("HEAD");
        assert_eq!(head.headers()["content-length"], "10");
    }
    let requests = server.requests("/a%20b/");
    assert_eq!(requests.len(), 10);
    assert!(requests.iter().all(|record| record.target == target));
    assert_eq!(requests.iter().map(|record| record.sent).collect::<Vec<_>>()[..5], [10, 3, 3, 0, 0]);
    assert_eq!((requests[1].range.as_deref(), requests[4].method.as_str()), (Some("bytes=2-4"), "HEAD"));
    let connections: std::collections::BTreeSet<_> = requests.iter().map(|record| record.connection).collect();
    assert_eq!(connections.len(), 2, "one for each scheme");
}

#[test]
fn serves_files_in_ranges_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    std::fs::write(&path, &bytes).expect("written");
    let server = Server::start().expect("starts");
    server.put("/x", Resource::of_file(&path).expect("a file"));
    let (agent, url) = (client(Some(&server)), server.https("/x"));
    assert_eq!(get(&agent, &url, "").2, bytes);
    assert_eq!(get(&agent, &url, "bytes=100000-199999").2, bytes[100_000..]);
    assert!(Resource::of_file(&folder.path().join("y")).is_err());
}

#[test]
fn a_client_that_does_not_know_the_authority_refuses() {
    let server = Server::start().expect("starts");
    server.put("/x", Resource::new(*b"x"));
    let error = client(None).get(server.https("/x")).call().expect_err("untrusted");
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    assert_eq!(server.requests("/"), []);
}

#[test]
fn behaves_as_told() {
    let server = Server::start().expect("starts");
    let agent = client(Some(&server));
    let resource = || Resource::new(*b"0123456789");
    server.put("/x", resource());
    server.put("/moved", Resource::empty().with(Behaviour::Redirect(server.https("/x"))));
    server.put("/whole", resource().with(Behaviour::WithoutRanges));
    server.put("/closing", resource().with(Behaviour::Closing));
    server.put("/forbidden", resource().with(Behaviour::Refuse(403)));
    server.put("/signed", resource().with(Behaviour::Signed("X-Amz-Credential=A%2Fb&X=1".to_owned())));

    assert_eq!(get(&agent, &server.http("/moved"), "").2, b"0123456789");
    assert_eq!(server.requests("/moved")[0].status, 302);
    assert_eq!(get(&agent, &server.http("/whole"), "bytes=2-4").2, b"0123456789");
    for _ in 0..2 {
        assert_eq!(get(&agent, &server.http("/closing"), "bytes=2-4").2, b"234");
    }
    server.put("/dropping", resource().with(Behaviour::Dropping));
    let mut stream = TcpStream::connect(server.http.addresses[0]).expect("connects");
    stream.write_all(b"GET /dropping HTTP/1.1\r\n\r\n").expect("writes");
    let mut received = String::new();
    stream.read_to_string(&mut received).expect("ends");
    assert!(received.contains("keep-alive") && received.ends_with("0123456789"), "{received}");
    let closing = server.requests("/closing");
    assert_ne!(closing[0].connection, closing[1].connection);
    assert_eq!(get(&agent, &server.http("/forbidden"), "").0, 403);
    assert_eq!(get(&agent, &server.http("/none"), "").0, 404);
    assert_eq!(get(&agent, &server.http("/signed?X-Amz-Credential=A%2Fb&X=1"), "").0, 200);
    for query in ["", "?X-Amz-Credential=A/b&X=1", "?X-Amz-Credential=A%2fb&X=1", "?X=1&X-Amz-Credential=A%2Fb"] {
        assert_eq!(get(&agent, &server.http(&format!("/signed{query}")), "").0, 403, "{query}");
    }
}

#[test]
fn a_stalling_answer_does_not_keep_the_server_from_ending() {
    let server = Server::start().expect("starts");
    server.put("/stall", Resource::new(*b"0123456789").with(Behaviour::Stalling));
    let mut stream = TcpStream::connect(server.http.addresses[0]).expect("connects");
    stream.write_all(b"GET /stall HTTP/1.1\r\n\r\n").expect("writes");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("sets");
    let mut received = Vec::new();
    assert!(stream.read_to_end(&mut received).is_err(), "the connection stays open");
    assert!(received.ends_with(b"01234"));
    let begin = Instant::now();
    drop(server);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn rubbish_is_answered_and_recorded() {
    let server = Server::start().expect("starts");
    for (sent, status) in [("GET /a b HTTP/1.1\r\n\r\n", " 400 "), ("PUT / HTTP/1.1\r\n\r\n", " 405 ")] {
        let mut stream = TcpStream::connect(server.http.addresses[0]).expect("connects");
        stream.write_all(sent.as_bytes()).expect("writes");
        let mut received = String::new();
        stream.read_to_string(&mut received).expect("reads");
        assert!(received.contains(status), "{received}");
    }
    assert_eq!(server.requests("/a b").len(), 1);
}
