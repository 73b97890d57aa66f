//! Certificates made for one run: an authority that nobody trusts, and a leaf for `localhost`.

use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What an https server needs, and what a client needs to trust it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The authority's certificate as PEM, for a client that is to trust it.
    pub authority: String,
    /// The server's half, with a leaf certificate for `localhost`.
    pub config: Arc<ServerConfig>,
}

impl Identity {
    /// Makes an authority and a leaf with new keys.
    ///
    /// # Errors
    /// Where the machine gives no random numbers.
    pub fn generate() -> anyhow::Result<Identity> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "media-layers smoke test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority_key = KeyPair::generate().context("cannot make a key for the test authority")?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();

        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
        leaf.distinguished_name.push(DnType::CommonName, "localhost");
        let leaf_key = KeyPair::generate().context("cannot make a key for the test server")?;
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(authority, authority_key))?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(Identity { authority: authority_pem, config: Arc::new(config) })
    }
}
