//! The web server: Debian's nginx, with a log of what every connection cost.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde::{Deserialize, Serialize};

use crate::debian::Debian;
use xtask::process::background::Background;

/// The port for http.
pub const HTTP: u16 = 8080;
/// The port for https.
pub const HTTPS: u16 = 8443;
/// The name that subjects call the server by.
pub const NAME: &str = "media.test";

/// What nginx is started with, as it lies in a folder of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Nginx {
    argv: Vec<String>,
    folder: PathBuf,
    /// Where every request is written down.
    pub log: PathBuf,
    /// The certificate of the authority that signed the server's, as PEM.
    pub authority: String,
}

impl Nginx {
    /// Writes the configuration, certificates with new keys included, into `folder`.
    pub fn prepare(folder: &Path, files: &Path, address: Ipv4Addr, debian: &Debian) -> Result<Nginx> {
        let folder = folder.join("nginx");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let identity = Identity::generate(address)?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
        };
        write("server.pem", &identity.certificate)?;
        write("server.key", &identity.key)?;
        write("nginx.conf", &configuration(&folder, files))?;
        let argv = debian.argv("usr/sbin/nginx").into_iter().map(|word| word.to_string_lossy().into_owned());
        let text = |path: &Path| path.display().to_string();
        let own =
            ["-p", &text(&folder), "-e", &text(&folder.join("error.log")), "-c", &text(&folder.join("nginx.conf"))];
        let argv = argv.chain(own.map(str::to_owned)).collect();
        Ok(Nginx { argv, log: folder.join("access.log"), authority: identity.authority, folder })
    }

    /// Starts it; it ends when the result is dropped.
    ///
    /// # Errors
    /// Where it does not answer within ten seconds, with what it said.
    pub fn start(&self) -> Result<Background> {
        let said = self.folder.join("said");
        let log = File::create(&said).with_context(|| format!("cannot write `{}`", said.display()))?;
        let mut running = Background::start(&self.argv, &log).context("cannot start nginx")?;
        let until = Instant::now() + Duration::from_secs(10);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, HTTP));
        while TcpStream::connect(address).is_err() {
            if !running.runs() || Instant::now() > until {
                let said = fs::read_to_string(&said).unwrap_or_default();
                bail!("nginx does not run: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

/// One process of one worker, that serves as an object store would: ranges, connections kept, TLS 1.2 and 1.3.
fn configuration(folder: &Path, files: &Path) -> String {
    let (folder, files) = (folder.display(), files.display());
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("    {name}_temp_path {folder}/{name};\n")).concat();
    // Without a user, the worker of a superuser's nginx becomes nobody, who need not be able to read the files.
    format!(
        "daemon off;\nuser root root;\nworker_processes 1;\npid {folder}/pid;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n{temporary}\
         \x20   log_format cost '$connection\\t$status\\t$bytes_sent\\t$request_length\\t$http_range\\t$request_uri';\n\
         \x20   access_log {folder}/access.log cost;\n\
         \x20   default_type application/octet-stream;\n\
         \x20   types {{ video/mp4 mp4; video/x-matroska mkv; video/mp2t ts; audio/mpeg mp3; application/vnd.apple.mpegurl m3u8; }}\n\
         \x20   sendfile on;\n\
         \x20   tcp_nodelay on;\n\
         \x20   keepalive_timeout 65s;\n\
         \x20   server {{\n\
         \x20       listen 0.0.0.0:{HTTP};\n\
         \x20       listen 0.0.0.0:{HTTPS} ssl;\n\
         \x20       server_name {NAME};\n\
         \x20       ssl_certificate {folder}/server.pem;\n\
         \x20       ssl_certificate_key {folder}/server.key;\n\
         \x20       ssl_protocols TLSv1.2 TLSv1.3;\n\
         \x20       root {files};\n\
         \x20   }}\n}}\n"
    )
}

/// Keys and certificates of one run.
struct Identity {
    authority: String,
    certificate: String,
    key: String,
}

impl Identity {
    fn generate(address: Ipv4Addr) -> Result<Identity> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "media-layers benchmark authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority_key = KeyPair::generate().context("cannot make a key for the benchmark's authority")?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let mut leaf = CertificateParams::new(vec![NAME.to_owned(), address.to_string()])?;
        leaf.distinguished_name.push(DnType::CommonName, NAME);
        let key = KeyPair::generate().context("cannot make a key for the benchmark's server")?;
        let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key))?;
        Ok(Identity { authority: authority_pem, certificate: leaf.pem(), key: key.serialize_pem() })
    }
}
