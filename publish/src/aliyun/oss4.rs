//! OSS4-HMAC-SHA256, the signature of Alibaba Cloud's object store.

use std::collections::BTreeMap;

use super::Credentials;
use super::encode::{hmac, hmac_hex, sha256};

const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// Instead of a digest of the body: the store takes nothing else from a stream, and the connection is encrypted.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// A request that is to be signed.
#[derive(Debug)]
pub struct Request<'a> {
    /// In capitals.
    pub method: &'a str,
    /// `/bucket/key`, percent-encoded, whatever host the request goes to.
    pub resource: &'a str,
    /// All headers that are signed, by their names in small letters; `x-oss-date` is among them.
    pub headers: &'a BTreeMap<String, String>,
    /// The bucket's.
    pub region: &'a str,
}

/// The value of `Authorization`.
pub fn sign(request: &Request<'_>, credentials: &Credentials) -> String {
    let time = request.headers.get("x-oss-date").map(String::as_str).unwrap_or_default();
    let day = time.split('T').next().unwrap_or_default();
    let mut canonical = format!("{}\n{}\n\n", request.method, request.resource);
    for (name, value) in request.headers {
        canonical += &format!("{name}:{}\n", value.trim());
    }
    // Between the two: the names of headers that are signed although they need not be. There are none.
    canonical += &format!("\n\n{UNSIGNED}");
    let scope = format!("{day}/{}/oss/aliyun_v4_request", request.region);
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = hmac(format!("aliyun_v4{}", credentials.secret()).as_bytes(), day);
    for part in [request.region, "oss", "aliyun_v4_request"] {
        key = hmac(&key, part);
    }
    format!("{ALGORITHM} Credential={}/{scope},Signature={}", credentials.id, hmac_hex(&key, &text))
}
