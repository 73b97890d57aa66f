//! Servers that must not be believed: each is asked once, as another try would be answered alike.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::source::download::download;

/// What a server does with each connection.
enum Server {
    /// Shows this certificate, which nobody vouches for.
    Certificate(Arc<ServerConfig>),
    /// Speaks http where https is expected.
    Plain,
}

fn certificate(names: &[&str], alter: impl Fn(&mut CertificateParams)) -> Server {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("names");
    alter(&mut parameters);
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    Server::Certificate(Arc::new(config.expect("a usable certificate")))
}

/// Downloads from such a server. What is said, and how many connections it took.
fn ask(server: Server) -> (String, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            match &server {
                Server::Certificate(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
                    let mut byte = [0];
                    // The client hangs up, which is an error here.
                    let _ = StreamOwned::new(connection, stream).read(&mut byte);
                }
                Server::Plain => {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            }
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("https://127.0.0.1:{port}/a.tar.gz").parse().expect("a URL");
    let archive = archive(b"bytes", &[]);
    let progress = Ui::silent().transfer("a", 5);
    let failure = download(&client(), &url, &archive, &folder.path().join("partial"), &progress).expect_err("no trust");
    (failure.to_string().replace(&port.to_string(), "PORT"), count.load(Ordering::SeqCst))
}

#[test]
fn a_server_that_is_not_trusted_is_asked_once() {
    let old = |parameters: &mut CertificateParams| {
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    };
    for server in [
        certificate(&["127.0.0.1"], |_| {}),
        certificate(&["other.test"], |_| {}),
        certificate(&["127.0.0.1"], old),
        Server::Plain,
    ] {
        let (said, connections) = ask(server);
        assert!(said.starts_with("no secure connection to 127.0.0.1:PORT: "), "{said}");
        assert_eq!(connections, 1, "{said}");
    }
}
