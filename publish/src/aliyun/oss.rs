//! Zips by way of a bucket of OSS in the layer's own region.

use std::collections::BTreeMap;

use bytes::Bytes;
use xtask::ui::foreign::foreign;

use super::http::{Answer, Connections, Message};
use super::{Credentials, encode, oss4};
use crate::clock::now;
use crate::order::Order;
use crate::store::{Failure, Kind};

/// A bucket in one region.
#[derive(Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    region: String,
    /// Scheme, host, and the bucket where it is not part of the host.
    base: String,
    credentials: Credentials,
    connections: Connections,
}

impl Bucket {
    /// The bucket `name` in `region`, at `endpoint` if that is not the usual one.
    pub fn new(
        name: String,
        region: &str,
        endpoint: Option<&str>,
        credentials: Credentials,
        connections: Connections,
    ) -> Bucket {
        let base = match endpoint {
            Some(url) => format!("{}/{name}", url.trim_end_matches('/')),
            None => format!("https://{name}.oss-{region}.aliyuncs.com"),
        };
        Bucket { name, region: region.to_owned(), base, credentials, connections }
    }

    /// Sends the zip, if it is not there, and tells its key, which holds its digest.
    pub async fn upload(&self, order: &Order) -> Result<String, Failure> {
        let key = format!("media-layers/{}.zip", order.sha256);
        if self.send("HEAD", &key, Bytes::new()).await?.status == 200 {
            return Ok(key);
        }
        let zip = order.body(|_, zip| Ok(zip.into()));
        let zip = zip.map_err(|error| Failure::new(Kind::Refused, format!("{error:#}")))?;
        let answer = self.send("PUT", &key, zip).await?;
        match answer.status {
            200 => Ok(key),
            status => {
                // Nothing was published yet, so sending it all again is harmless.
                let kind = match status {
                    429 => Kind::Throttled,
                    408 | 500.. => Kind::Unreachable,
                    _ => Kind::Refused,
                };
                Err(Failure::new(kind, format!("bucket `{}`: {}", self.name, said(&answer))))
            }
        }
    }

    async fn send(&self, method: &'static str, key: &str, body: Bytes) -> Result<Answer, Failure> {
        let mut headers = BTreeMap::from([
            ("x-oss-content-sha256".to_owned(), oss4::UNSIGNED.to_owned()),
            ("x-oss-date".to_owned(), now().replace(['-', ':'], "")),
        ]);
        if !body.is_empty() {
            headers.insert("content-type".to_owned(), "application/zip".to_owned());
        }
        if let Some(token) = self.credentials.token() {
            headers.insert("x-oss-security-token".to_owned(), token.to_owned());
        }
        let resource = encode::path(&format!("/{}/{key}", self.name));
        let request = oss4::Request { method, resource: &resource, headers: &headers, region: &self.region };
        let authorization = oss4::sign(&request, &self.credentials);
        headers.insert("authorization".to_owned(), authorization);
        let url = format!("{}/{}", self.base, encode::path(key));
        self.connections.send(Message { method, url, headers, body }).await.map_err(|failure| match failure.kind {
            Kind::Unknown => Failure::new(Kind::Unreachable, failure.message),
            _ => failure,
        })
    }
}

/// Code and message of an error, which is XML.
fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{}: {}", foreign(&code), foreign(&message)),
        _ => format!("an answer with status {}", answer.status),
    }
}
