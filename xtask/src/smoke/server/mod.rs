//! A small real web server on the loopback, http and https, that remembers every request.
//!
//! A check puts resources on it, lets a program fetch them by the host name
//! `localhost`, and then looks at what has reached it.

pub mod connection;
pub mod log;
pub mod request;
pub mod site;
pub mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub use self::connection::Pace;
use self::connection::Shared;
pub use self::log::Record;
pub use self::site::{Behaviour, Resource};
use self::tls::Identity;

/// The most connections at a time; more are closed at once.
const CONNECTION_LIMIT: usize = 64;

/// How long a connection may be idle, and how long a client may take to read.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. It ends when dropped.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    http: Port,
    https: Port,
    identity: Identity,
    name: String,
    acceptors: Vec<JoinHandle<()>>,
}

/// Where a server is, and how long it takes for an answer.
#[derive(Debug, Clone)]
pub struct Place {
    /// What its URLs call it.
    pub name: String,
    /// The address of its ports. A loopback of IPv4 is joined by that of IPv6, where the machine has it.
    pub address: Ipv4Addr,
    /// How long it takes.
    pub pace: Pace,
}

impl Default for Place {
    fn default() -> Place {
        Place { name: "localhost".to_owned(), address: Ipv4Addr::LOCALHOST, pace: Pace::default() }
    }
}

/// A port with all the addresses it is bound on.
#[derive(Debug)]
struct Port {
    number: u16,
    addresses: Vec<SocketAddr>,
}

#[derive(Debug, Default)]
struct Hub {
    shared: Shared,
    connections: AtomicU64,
    live: Mutex<BTreeMap<u64, TcpStream>>,
}

impl Server {
    /// Starts to serve http and https on free ports of 127.0.0.1 and, where the machine has it, of `::1`.
    ///
    /// # Errors
    /// Where the machine has no loopback or no free port.
    pub fn start() -> anyhow::Result<Server> {
        Server::with_identity(Identity::generate()?)
    }

    /// The same with certificates of the caller's.
    ///
    /// # Errors
    /// Where the machine has no loopback or no free port.
    pub fn with_identity(identity: Identity) -> anyhow::Result<Server> {
        Server::at(Place::default(), identity)
    }

    /// The same elsewhere than on the loopback.
    ///
    /// # Errors
    /// Where this network has no such address, or no free port there.
    pub fn at(place: Place, identity: Identity) -> anyhow::Result<Server> {
        let shared = Shared { pace: place.pace, ..Shared::default() };
        let hub = Arc::new(Hub { shared, ..Hub::default() });
        let mut acceptors = Vec::new();
        let mut open = |tls: Option<Arc<ServerConfig>>| -> anyhow::Result<Port> {
            let (number, listeners) = bind(place.address)
                .with_context(|| format!("cannot open a port on {} for the test server", place.address))?;
            let mut addresses = Vec::new();
            for listener in listeners {
                addresses.push(listener.local_addr()?);
                let (hub, tls) = (Arc::clone(&hub), tls.clone());
                acceptors.push(thread::spawn(move || hub.accept(&listener, tls.as_ref())));
            }
            Ok(Port { number, addresses })
        };
        let (http, https) = (open(None)?, open(Some(Arc::clone(&identity.config)))?);
        Ok(Server { hub, http, https, identity, name: place.name, acceptors })
    }

    /// Puts a resource at a decoded path, which begins with a slash.
    pub fn put(&self, path: &str, resource: Resource) {
        self.hub.shared.site.put(path, resource);
    }

    /// The http URL of a target, which is taken as it is.
    pub fn http(&self, target: &str) -> String {
        format!("http://{}:{}{target}", self.name, self.http.number)
    }

    /// The https URL of a target, which is taken as it is.
    pub fn https(&self, target: &str) -> String {
        format!("https://{}:{}{target}", self.name, self.https.number)
    }

    /// The certificate, as PEM, that a client must trust for https.
    pub fn authority(&self) -> &str {
        &self.identity.authority
    }

    /// The lines of a hosts file under which `localhost` is this server.
    pub fn hosts(&self) -> String {
        let v6 = [&self.http, &self.https].iter().all(|port| port.addresses.iter().any(SocketAddr::is_ipv6));
        format!("127.0.0.1 localhost\n{}", if v6 { "::1 localhost\n" } else { "" })
    }

    /// How many connections there have been: the number of the last one.
    pub fn connections(&self) -> u64 {
        self.hub.connections.load(Ordering::Relaxed)
    }

    /// The requests on connections with higher numbers, once none of them is being answered any more.
    pub fn requests_after(&self, connection: u64) -> Vec<Record> {
        self.hub.shared.log.settled(|record| record.connection > connection)
    }

    /// The requests whose target begins like this, once none of them is being answered any more.
    pub fn requests(&self, target_prefix: &str) -> Vec<Record> {
        self.hub.shared.log.settled(|record| record.target.starts_with(target_prefix))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.hub.shared.stop.store(true, Ordering::Relaxed);
        for address in self.http.addresses.iter().chain(&self.https.addresses) {
            // Only to wake the thread that waits for a connection there.
            let _ = TcpStream::connect(address);
        }
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
        for stream in self.hub.live.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Binds a free port on an address of IPv4; if that is the loopback, the same one on that of IPv6, where there is one.
fn bind(address: Ipv4Addr) -> io::Result<(u16, Vec<TcpListener>)> {
    let v4 = TcpListener::bind(SocketAddr::new(IpAddr::V4(address), 0))?;
    let number = v4.local_addr()?.port();
    let v6 = address.is_loopback().then(|| TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), number)));
    Ok((number, std::iter::once(v4).chain(v6.and_then(Result::ok)).collect()))
}

impl Hub {
    fn accept(self: &Arc<Hub>, listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) {
        while let Ok((stream, _)) = listener.accept() {
            if self.shared.stop.load(Ordering::Relaxed) {
                break;
            }
            let (hub, tls) = (Arc::clone(self), tls.cloned());
            let number = hub.connections.fetch_add(1, Ordering::Relaxed) + 1;
            let Some(()) = hub.register(number, &stream) else { continue };
            thread::spawn(move || {
                // A connection that breaks is the client's affair; the log says how far it came.
                let _ = hub.converse(stream, number, tls);
                hub.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            });
        }
    }

    /// Remembers the connection so that it can be ended; gives nothing where there are too many.
    fn register(&self, number: u64, stream: &TcpStream) -> Option<()> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.len() >= CONNECTION_LIMIT {
            return None;
        }
        live.insert(number, stream.try_clone().ok()?);
        Some(())
    }

    fn converse(&self, mut stream: TcpStream, number: u64, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let Some(config) = tls else { return connection::serve(&mut stream, number, &self.shared) };
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        let result = connection::serve(&mut stream, number, &self.shared);
        stream.conn.send_close_notify();
        let _ = stream.conn.complete_io(&mut stream.sock);
        result
    }
}

#[cfg(test)]
mod tests;
