//! Other addresses of Alibaba Cloud's interfaces, from the environment, as `AWS_ENDPOINT_URL` is for AWS.

use anyhow::Result;
use ureq::http::Uri;
use xtask::error::invalid;

/// The address that a variable names, such as `https://host:8443`; nothing if it is not set.
///
/// # Errors
/// If it is anything else than scheme, host and port: credentials would go to a host that nobody reads there.
pub fn of_variable(name: &str) -> Result<Option<String>> {
    let Some(text) = std::env::var_os(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let address = text.to_str().and_then(address);
    address.map(Some).ok_or_else(|| {
        invalid(format!("`{name}` is not an address\n\nhint: it is `https://HOST` or `http://HOST:PORT`, and no more"))
    })
}

fn address(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let known = uri.scheme_str().filter(|scheme| ["https", "http"].contains(scheme))?;
    // What the parser leaves out, such as `#`, makes the difference.
    (text == format!("{known}://{authority}") && !authority.contains('@')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_scheme_host_and_port() {
        for text in ["https://fc.test", "http://127.0.0.1:8000", "http://[::1]:8000"] {
            assert_eq!(address(text).as_deref(), Some(text));
            assert_eq!(address(&format!("{text}/")).as_deref(), Some(text));
        }
        for text in [
            "",
            "fc.test",
            "ftp://fc.test",
            "https://",
            "https://a.test#.b.test",
            "https://a.test/b",
            "https://a.test?b",
            "https://user@a.test",
            "https://user:word@a.test",
            "https://a.test\\b",
            "https://a test",
            "https://a.test//",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
