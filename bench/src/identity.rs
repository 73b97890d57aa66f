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
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use xtask::process::bounded::{self, Command};
use xtask::smoke::server::tls::Identity;

/// Makes keys and certificates for a server at `localhost`.
///
/// # Errors
/// Where the machine has no `openssl`, which makes the RSA keys: ring does not.
pub fn generate() -> Result<Identity> {
    let root = authority("media-layers benchmark root", BasicConstraints::Constrained(1));
    let root_key = rsa_key()?;
    let root_pem = root.self_signed(&root_key)?.pem();
    let issuer = Issuer::new(root, root_key);

    let middle = authority("media-layers benchmark authority", BasicConstraints::Constrained(0));
    let middle_key = rsa_key()?;
    let middle_der = middle.signed_by(&middle_key, &issuer)?.der().clone();
    let issuer = Issuer::new(middle, middle_key);

    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    let key = rsa_key()?;
    let leaf = leaf.signed_by(&key, &issuer)?.der().clone();

    let provider = CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..ring::default_provider()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![leaf, middle_der], key)?;
    Ok(Identity { authority: root_pem, config: Arc::new(config) })
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
