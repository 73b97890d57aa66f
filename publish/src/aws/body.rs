//! The body of `PublishLayerVersion` with the zip in it.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Serialize;

use crate::order::Order;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    content: Content,
    description: &'a str,
    compatible_runtimes: &'a [String],
    compatible_architectures: [&'a str; 1],
    license_info: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    zip_file: String,
}

/// The body, as the SDK would write it for every region anew.
///
/// # Errors
/// None that can happen: the signature is that of [`Order::body`].
pub fn write(order: &Order, zip: Vec<u8>) -> Result<Bytes> {
    let content = Content { zip_file: BASE64.encode(&zip) };
    drop(zip);
    let body = Body {
        content,
        description: &order.description,
        compatible_runtimes: &order.runtimes,
        compatible_architectures: [order.arch.name()],
        license_info: &order.license,
    };
    Ok(serde_json::to_vec(&body)?.into())
}
