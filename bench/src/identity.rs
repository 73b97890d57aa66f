//! What an https server shows of itself: the kind of certificates that S3 has.
//!
//! An RSA-2048 key for the server, one for the authority that signed its certificate, and one for the authority that a
//! client trusts. The cipher suite and the version are those that S3 chooses.

use std::ffi::OsString;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use xtask::process::bounded::{self, Command};
use xtask::smoke::server::tls::Identity;

/// Makes keys and certificates for a server at `localhost`. It sends its own certificate and that of its authority.
///
/// # Errors
/// Where the machine has no `openssl`, which makes the RSA keys: ring does not.
pub fn generate() -> Result<Identity> {
    let (root, key) = root("media-layers benchmark root", 1)?;
    let authority = root.self_signed(&key)?.pem();
    serve(vec!["localhost".to_owned()], authority, Issuer::new(root, key), Vec::new())
}

/// The same for a server with these names, which sends as many certificates as S3 does: the root's own follows, signed by
/// an older root, and that one's, signed by a still older one. Clients trust the first two roots.
///
/// # Errors
/// Where the machine has no `openssl`.
pub fn generate_as_s3(names: Vec<String>) -> Result<Identity> {
    let (root, key) = root("media-layers benchmark root", 1)?;
    let (older, older_key) = self::root("media-layers benchmark older root", 2)?;
    let (oldest, oldest_key) = self::root("media-layers benchmark oldest root", 3)?;
    let authorities = [root.self_signed(&key)?.pem(), older.self_signed(&older_key)?.pem()].concat();
    let crossed = [
        root.signed_by(&key, &Issuer::new(older.clone(), &older_key))?,
        older.signed_by(&older_key, &Issuer::new(oldest, oldest_key))?,
    ];
    let crossed = crossed.map(|certificate| certificate.der().clone());
    serve(names, authorities, Issuer::new(root, key), crossed.to_vec())
}

/// A root with a new key, above so many levels of authorities.
fn root(name: &str, below: u8) -> Result<(CertificateParams, KeyPair)> {
    Ok((authority(name, BasicConstraints::Constrained(below)), rsa_key()?))
}

/// A server whose certificate comes from an authority below `issuer`; `rest` follows these two.
fn serve(
    names: Vec<String>,
    trusted: String,
    issuer: Issuer<'_, KeyPair>,
    rest: Vec<CertificateDer<'static>>,
) -> Result<Identity> {
    let middle = authority("media-layers benchmark authority", BasicConstraints::Constrained(0));
    let middle_key = rsa_key()?;
    let middle_der = middle.signed_by(&middle_key, &issuer)?.der().clone();
    let issuer = Issuer::new(middle, middle_key);

    let name = names.first().cloned().unwrap_or_default();
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    let key = rsa_key()?;
    let leaf = leaf.signed_by(&key, &issuer)?.der().clone();

    let provider = CryptoProvider {
        cipher_suites: vec![
            ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
            ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        ..ring::default_provider()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        // As S3 does, it still talks to clients that do not know 1.3.
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert([vec![leaf, middle_der], rest].concat(), key)?;
    Ok(Identity { authority: trusted, config: Arc::new(config) })
}

fn authority(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(constraints);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
}

fn rsa_key() -> Result<KeyPair> {
    let openssl = bounded::find_program("openssl").context("there is no `openssl`\n\nhint: `apt install openssl`")?;
    let words = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let argv = std::iter::once(openssl.into_os_string()).chain(words.map(OsString::from));
    let output = bounded::run(&Command::new(argv))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.success(), "`openssl` cannot make a key ({}): {}", output.ending(), said.trim());
    KeyPair::from_pem(&String::from_utf8_lossy(&output.stdout)).context("`openssl` made a key that cannot be read")
}
