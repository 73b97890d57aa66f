//! The layers of one account in one region of Function Compute.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xtask::ui::foreign::foreign;

use super::http::{Answer, Connections, Message};
use super::{Bucket, Credentials, acs3, encode};
use crate::clock::now;
use crate::model::{Audience, Details, Region, Version};
use crate::order::Order;
use crate::store::{Failure, Kind, Pages, Store};

const API: &str = "2023-03-30";
/// Versions in an answer; the interface allows no more.
const PAGE: usize = 100;

/// Function Compute in one region.
#[derive(Debug)]
pub struct FcStore {
    endpoint: String,
    credentials: Credentials,
    connections: Connections,
    bucket: Option<Bucket>,
}

/// A layer version in an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    version: u64,
    layer_version_arn: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    code_size: u64,
    #[serde(default)]
    compatible_runtime: BTreeSet<String>,
    #[serde(default)]
    license: String,
    /// `0` private, `1` public.
    #[serde(default)]
    acl: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    next_version: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trouble {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    request_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVersion<'a> {
    code: Code,
    compatible_runtime: &'a [String],
    description: &'a str,
    license: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Code {
    #[serde(untagged)]
    Zip {
        #[serde(rename = "zipFile")]
        zip_file: String,
    },
    #[serde(untagged)]
    Object {
        #[serde(rename = "ossBucketName")]
        bucket: String,
        #[serde(rename = "ossObjectName")]
        object: String,
    },
}

/// One request to the interface.
struct Call<'a> {
    action: &'a str,
    method: &'static str,
    /// Below the interface's version, not encoded.
    path: String,
    query: Vec<(&'a str, String)>,
    body: Bytes,
}

impl FcStore {
    /// Function Compute in one region, at `endpoint` if it is not the usual one. Zips go through `bucket` if there is
    /// one, and in the request otherwise.
    pub fn new(
        region: &Region,
        endpoint: Option<&str>,
        credentials: Credentials,
        connections: Connections,
        bucket: Option<Bucket>,
    ) -> FcStore {
        let host = region.endpoint.clone().unwrap_or_else(|| format!("fcv3.{}.aliyuncs.com", region.name));
        let endpoint = endpoint.map_or_else(|| format!("https://{host}"), |url| url.trim_end_matches('/').to_owned());
        FcStore { endpoint, credentials, connections, bucket }
    }

    /// Asks for one layer, to see whether the account may use the region.
    pub async fn ask(&self) -> Result<(), Failure> {
        let query = vec![("limit", "1".to_owned())];
        self.send(Call { action: "ListLayers", method: "GET", path: "layers".to_owned(), query, body: Bytes::new() })
            .await
            .map(drop)
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let path = encode::path(&format!("/{API}/{}", call.path));
        let query = encode::query(&call.query);
        let digest = encode::sha256(&call.body);
        let host = self.endpoint.split("://").last().unwrap_or_default();
        let mut headers = BTreeMap::from([
            ("accept".to_owned(), "application/json".to_owned()),
            ("host".to_owned(), host.to_owned()),
            ("x-acs-action".to_owned(), call.action.to_owned()),
            ("x-acs-content-sha256".to_owned(), digest.clone()),
            ("x-acs-date".to_owned(), now()),
            ("x-acs-signature-nonce".to_owned(), format!("{:032x}", fastrand::u128(..))),
            ("x-acs-version".to_owned(), API.to_owned()),
        ]);
        if !call.body.is_empty() {
            headers.insert("content-type".to_owned(), "application/json; charset=utf-8".to_owned());
        }
        if let Some(token) = self.credentials.token() {
            headers.insert("x-acs-accesskey-id".to_owned(), self.credentials.id.clone());
            headers.insert("x-acs-security-token".to_owned(), token.to_owned());
        }
        let request =
            acs3::Request { method: call.method, path: &path, query: &query, headers: &headers, body: &digest };
        let authorization = acs3::sign(&request, &self.credentials);
        headers.insert("authorization".to_owned(), authorization);
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{query}", self.endpoint);
        let answer = self.connections.send(Message { method: call.method, url, headers, body: call.body }).await?;
        if answer.status < 300 { Ok(answer) } else { Err(trouble(&answer)) }
    }

    async fn layer(&self, layer: &str, number: u64) -> Result<Layer, Failure> {
        let path = format!("layers/{layer}/versions/{number}");
        let call = Call { action: "GetLayerVersion", method: "GET", path, query: Vec::new(), body: Bytes::new() };
        parse(&self.send(call).await?)
    }
}

impl Store for FcStore {
    async fn versions(&self, layer: &str) -> Result<Vec<Version>, Failure> {
        let mut versions = Vec::new();
        let (mut start, mut pages) = (None, Pages::new());
        loop {
            let mut query = vec![("limit", PAGE.to_string())];
            query.extend(start.map(|start: u64| ("startVersion", start.to_string())));
            let path = format!("layers/{layer}/versions");
            let call = Call { action: "ListLayerVersions", method: "GET", path, query, body: Bytes::new() };
            let page: Page = match self.send(call).await {
                Err(failure) if failure.kind == Kind::NotFound => break,
                answer => parse(&answer?)?,
            };
            for layer in page.layers {
                versions.push(layer.version()?);
            }
            match page.next_version {
                Some(next) if next > 0 => start = Some(pages.turn(next)?),
                _ => break,
            }
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        versions.dedup();
        Ok(versions)
    }

    async fn read(&self, layer: &str, number: u64) -> Result<Details, Failure> {
        let found = self.layer(layer, number).await?;
        Ok(Details {
            // The checksum that it tells is a CRC-64, which proves little beside the size.
            sha256: None,
            size: found.code_size,
            runtimes: found.compatible_runtime.clone(),
            architectures: None,
            license: found.license.clone(),
            version: found.version()?,
        })
    }

    async fn grants(&self, layer: &str, number: u64) -> Result<BTreeSet<Audience>, Failure> {
        let found = self.layer(layer, number).await?;
        Ok(if found.acl == "1" { [Audience::Public].into() } else { BTreeSet::new() })
    }

    async fn create(&self, order: &Order) -> Result<Version, Failure> {
        let refused = |error: anyhow::Error| Failure::new(Kind::Refused, format!("{error:#}"));
        let body = match &self.bucket {
            Some(bucket) => {
                let object = bucket.upload(order).await?;
                write(order, Code::Object { bucket: bucket.name.clone(), object }).map_err(refused)?
            }
            None => {
                order.body(|order, zip| write(order, Code::Zip { zip_file: BASE64.encode(zip) })).map_err(refused)?
            }
        };
        let path = format!("layers/{}/versions", order.name);
        let call = Call { action: "CreateLayerVersion", method: "POST", path, query: Vec::new(), body };
        let made: Layer = parse(&self.send(call).await?)?;
        made.version()
    }

    async fn permit(&self, layer: &str, _number: u64, audience: &Audience) -> Result<(), Failure> {
        if *audience != Audience::Public {
            let message =
                format!("a layer of Function Compute is private or public: it cannot be shared with {audience}");
            return Err(Failure::new(Kind::Refused, message));
        }
        let query = vec![("public", "true".to_owned())];
        let path = format!("layers/{layer}/acl");
        let call = Call { action: "PutLayerACL", method: "PUT", path, query, body: Bytes::new() };
        self.send(call).await.map(drop)
    }

    async fn delete(&self, layer: &str, number: u64) -> Result<(), Failure> {
        let path = format!("layers/{layer}/versions/{number}");
        let call = Call { action: "DeleteLayerVersion", method: "DELETE", path, query: Vec::new(), body: Bytes::new() };
        match self.send(call).await {
            Err(failure) if failure.kind != Kind::NotFound => Err(failure),
            _ => Ok(()),
        }
    }
}

impl Layer {
    fn version(self) -> Result<Version, Failure> {
        Version::new(self.version, &self.layer_version_arn, &self.description)
            .map_err(|error| Failure::new(Kind::Unknown, format!("the cloud answered with {error}")))
    }
}

fn write(order: &Order, code: Code) -> Result<Bytes> {
    let body = NewVersion {
        code,
        compatible_runtime: &order.runtimes,
        description: &order.description,
        license: &order.license,
    };
    Ok(serde_json::to_vec(&body)?.into())
}

fn parse<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        Failure::new(Kind::Unknown, format!("an answer that cannot be read: {}", foreign(&error.to_string())))
    })
}

fn trouble(answer: &Answer) -> Failure {
    let Ok(trouble) = serde_json::from_slice::<Trouble>(&answer.body) else {
        let kind = match answer.status {
            429 => Kind::Throttled,
            408 | 500.. => Kind::Unknown,
            _ => Kind::Refused,
        };
        return Failure::new(kind, format!("an answer with status {}", answer.status));
    };
    let kind = match (trouble.code.as_str(), answer.status) {
        (code, status) if code.contains("Throttl") || status == 429 => Kind::Throttled,
        (code, 404) if code.ends_with("NotFound") => Kind::NotFound,
        ("RegionNotOpen" | "ServiceNotOpen" | "FcServiceNotOpened", _) => Kind::NotEnabled,
        (_, 408 | 500..) => Kind::Unknown,
        _ => Kind::Refused,
    };
    let request = if trouble.request_id.is_empty() {
        String::new()
    } else {
        format!(" (request {})", foreign(&trouble.request_id))
    };
    Failure::new(kind, format!("{}: {}{request}", foreign(&trouble.code), foreign(&trouble.message)))
}
