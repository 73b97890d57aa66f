//! ACS3-HMAC-SHA256, the signature of Alibaba Cloud's interfaces.

use std::collections::BTreeMap;

use super::Credentials;
use super::encode::{hmac_hex, sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// A request that is to be signed.
#[derive(Debug)]
pub struct Request<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Percent-encoded.
    pub path: &'a str,
    /// Percent-encoded and sorted.
    pub query: &'a str,
    /// All headers that are signed, by their names in small letters.
    pub headers: &'a BTreeMap<String, String>,
    /// The digest of the body, in hexadecimal digits.
    pub body: &'a str,
}

/// The value of `Authorization`.
pub fn sign(request: &Request<'_>, credentials: &Credentials) -> String {
    let names = request.headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (name, value) in request.headers {
        canonical += &format!("{name}:{}\n", value.trim());
    }
    canonical += &format!("\n{names}\n{}", request.body);
    let text = format!("{ALGORITHM}\n{}", sha256(canonical.as_bytes()));
    let signature = hmac_hex(credentials.secret().as_bytes(), &text);
    format!("{ALGORITHM} Credential={},SignedHeaders={names},Signature={signature}", credentials.id)
}
