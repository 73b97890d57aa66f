//! The layers of one account in one region of AWS.

use std::collections::BTreeSet;

use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::publish_layer_version::builders::PublishLayerVersionFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, LayerVersionContentInput, Runtime};
use aws_sdk_lambda::{Client, Config};
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use xtask::model::Sha256;

use super::failure::failure;
use super::session::timeouts;
use super::{Bucket, body, policy};
use crate::model::{Audience, Details, Version};
use crate::order::Order;
use crate::store::{Failure, Kind, Pages, Store};

/// The only action that can be granted on a layer.
const ACTION: &str = "lambda:GetLayerVersion";

/// Lambda in one region.
#[derive(Debug)]
pub struct LambdaStore {
    client: Client,
    bucket: Option<Bucket>,
}

impl LambdaStore {
    /// Lambda in one region. Zips go through `bucket` if there is one, and in the request otherwise.
    pub fn new(session: &super::Session, region: &str, bucket: Option<Bucket>) -> LambdaStore {
        LambdaStore { client: Client::new(&session.config(region)), bucket }
    }
}

impl Store for LambdaStore {
    async fn versions(&self, layer: &str) -> Result<Vec<Version>, Failure> {
        let mut versions = Vec::new();
        let (mut marker, mut pages) = (None, Pages::new());
        loop {
            let request = self.client.list_layer_versions().layer_name(layer).set_marker(marker);
            let page = match request.send().await.map_err(failure) {
                Err(failure) if failure.kind == Kind::NotFound => break,
                other => other?,
            };
            for item in page.layer_versions() {
                versions.push(version(item.version, item.layer_version_arn(), item.description())?);
            }
            match page.next_marker() {
                Some(next) => marker = Some(pages.turn(next.to_owned())?),
                None => break,
            }
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        Ok(versions)
    }

    async fn read(&self, layer: &str, number: u64) -> Result<Details, Failure> {
        let request = self.client.get_layer_version().layer_name(layer).version_number(signed(number)?);
        let found = request.send().await.map_err(failure)?;
        let content = found.content().ok_or_else(|| unclear("a version without content"))?;
        let sha256 = content.code_sha256().and_then(digest).ok_or_else(|| unclear("a version without a digest"))?;
        Ok(Details {
            version: version(found.version, found.layer_version_arn(), found.description())?,
            sha256: Some(sha256),
            size: u64::try_from(content.code_size).map_err(|_| unclear("a size below zero"))?,
            runtimes: found.compatible_runtimes().iter().map(ToString::to_string).collect(),
            architectures: Some(found.compatible_architectures().iter().map(ToString::to_string).collect()),
            license: found.license_info().unwrap_or_default().to_owned(),
        })
    }

    async fn grants(&self, layer: &str, number: u64) -> Result<BTreeSet<Audience>, Failure> {
        let request = self.client.get_layer_version_policy().layer_name(layer).version_number(signed(number)?);
        match request.send().await.map_err(failure) {
            Ok(found) => {
                policy::audience(found.policy().unwrap_or_default()).map_err(|error| unclear(format!("{error:#}")))
            }
            Err(failure) if failure.kind == Kind::NotFound => Ok(BTreeSet::new()),
            Err(failure) => Err(failure),
        }
    }

    async fn create(&self, order: &Order) -> Result<Version, Failure> {
        let request = self
            .client
            .publish_layer_version()
            .layer_name(&order.name)
            .description(&order.description)
            .license_info(&order.license)
            .set_compatible_runtimes(Some(order.runtimes.iter().map(|name| Runtime::from(name.as_str())).collect()))
            .compatible_architectures(Architecture::from(order.arch.name()));
        let made = match &self.bucket {
            Some(bucket) => {
                let key = bucket.upload(order).await?;
                let content = LayerVersionContentInput::builder().s3_bucket(&bucket.name).s3_key(key).build();
                request.content(content).send().await.map_err(failure)?
            }
            None => send_inline(request, order).await?,
        };
        version(made.version, made.layer_version_arn(), made.description())
    }

    async fn permit(&self, layer: &str, number: u64, audience: &Audience) -> Result<(), Failure> {
        let request = self
            .client
            .add_layer_version_permission()
            .layer_name(layer)
            .version_number(signed(number)?)
            .action(ACTION)
            .statement_id(audience.statement());
        let request = match audience {
            Audience::Public => request.principal("*"),
            Audience::Organization(id) => request.principal("*").organization_id(id.as_str()),
            Audience::Account(id) => request.principal(id.as_str()),
        };
        match request.send().await {
            Ok(_) => Ok(()),
            // It is granted already: somebody did, or our own answer was lost.
            Err(SdkError::ServiceError(error)) if error.err().is_resource_conflict_exception() => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    async fn delete(&self, layer: &str, number: u64) -> Result<(), Failure> {
        let request = self.client.delete_layer_version().layer_name(layer).version_number(signed(number)?);
        match request.send().await.map_err(failure) {
            Err(failure) if failure.kind != Kind::NotFound => Err(failure),
            _ => Ok(()),
        }
    }
}

type Made = aws_sdk_lambda::operation::publish_layer_version::PublishLayerVersionOutput;

/// Sends the one body that all regions share in place of the one that the SDK would write.
async fn send_inline(request: PublishLayerVersionFluentBuilder, order: &Order) -> Result<Made, Failure> {
    let body = order.body(body::write).map_err(|error| Failure::new(Kind::Refused, format!("{error:#}")))?;
    let placeholder = LayerVersionContentInput::builder().zip_file(Blob::new([])).build();
    let patient = Config::builder().timeout_config(timeouts(body.len() as u64));
    let request = request.content(placeholder).customize().config_override(patient).mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body.clone());
    });
    request.send().await.map_err(failure)
}

fn version(number: i64, arn: Option<&str>, description: Option<&str>) -> Result<Version, Failure> {
    let number =
        u64::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| unclear("a version without a number"))?;
    let arn = arn.ok_or_else(|| unclear("a version without a name"))?;
    Version::new(number, arn, description.unwrap_or_default()).map_err(unclear)
}

fn digest(code_sha256: &str) -> Option<Sha256> {
    let bytes = BASE64.decode(code_sha256).ok()?;
    Some(Sha256::from_bytes(bytes.try_into().ok()?))
}

fn signed(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::new(Kind::Refused, format!("there is no version {number}")))
}

/// An answer that says nothing of use. What it answers may have been done.
fn unclear(what: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Unknown, format!("AWS answered with {what}"))
}
