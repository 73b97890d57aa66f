//! What both signatures are made from: percent-encoding, hexadecimal digits and HMAC.

use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// Everything but letters, digits and `-_.~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One part of a path, or a name or value of a query.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path, whose `/` stay.
pub fn path(text: &str) -> String {
    text.split('/').map(percent).collect::<Vec<_>>().join("/")
}

/// A query in the order that is signed, which is also the one that is sent.
pub fn query(pairs: &[(&str, String)]) -> String {
    let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    pairs.sort();
    pairs.join("&")
}

/// The digest of `bytes` in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    xtask::model::Sha256::from_bytes(Sha256::digest(bytes).into()).to_string()
}

/// HMAC-SHA256.
pub fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 in hexadecimal digits.
pub fn hmac_hex(key: &[u8], text: &str) -> String {
    xtask::model::Sha256::from_bytes(hmac(key, text)).to_string()
}
