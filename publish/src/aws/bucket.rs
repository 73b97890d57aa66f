//! Zips by way of a bucket in the layer's own region.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};

use super::failure::failure;
use super::session::timeouts;
use crate::order::Order;
use crate::store::{Failure, Kind};

/// A bucket in one region.
#[derive(Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    region: String,
    client: Client,
}

impl Bucket {
    /// The bucket `name` in `region`.
    pub fn new(session: &super::Session, region: &str, name: String) -> Bucket {
        let config = aws_sdk_s3::config::Builder::from(&session.config(region))
            // Interfaces of our own choosing are hosts, and buckets of theirs are not.
            .force_path_style(session.config(region).endpoint_url().is_some())
            .build();
        Bucket { name, region: region.to_owned(), client: Client::from_conf(config) }
    }

    /// Sends the zip, if it is not there, and tells its key, which holds its digest. It stays there afterwards: it costs
    /// little, and a second layer version of the same bytes needs it.
    pub async fn upload(&self, order: &Order) -> Result<String, Failure> {
        self.check_region().await?;
        let key = format!("media-layers/{}.zip", order.sha256);
        let head = self.client.head_object().bucket(&self.name).key(&key).send().await.map_err(failure);
        match head {
            Ok(found) if found.content_length().and_then(|size| u64::try_from(size).ok()) == Some(order.size) => {
                return Ok(key);
            }
            Ok(_) => {}
            Err(failure) if failure.kind == Kind::NotFound => {}
            Err(failure) => return Err(self.explain(failure)),
        }
        let zip = order.body(|_, zip| Ok(zip.into()));
        let zip = zip.map_err(|error| Failure::new(Kind::Refused, format!("{error:#}")))?;
        let put = self.client.put_object().bucket(&self.name).key(&key).body(ByteStream::new(SdkBody::from(zip)));
        let patient = aws_sdk_s3::Config::builder().timeout_config(timeouts(order.size));
        match put.customize().config_override(patient).send().await.map_err(failure) {
            Ok(_) => Ok(key),
            // Nothing was published: sending the object again is harmless, so nobody has to look for a version.
            Err(failure) if failure.kind == Kind::Unknown => {
                Err(Failure::new(Kind::Unreachable, self.explain(failure).message))
            }
            Err(failure) => Err(self.explain(failure)),
        }
    }

    async fn check_region(&self) -> Result<(), Failure> {
        let found = match self.client.head_bucket().bucket(&self.name).send().await {
            Ok(found) => found.bucket_region().map(str::to_owned),
            Err(SdkError::ServiceError(error)) if error.raw().status().as_u16() == 301 => {
                error.raw().headers().get("x-amz-bucket-region").map(str::to_owned)
            }
            Err(error) => return Err(self.explain(failure(error))),
        };
        match found {
            Some(region) if region != self.region => Err(Failure::new(
                Kind::Refused,
                format!(
                    "bucket `{}` is in {region}, and a layer of {} needs one in its own region: name buckets by region, \
                     as in `--bucket name-{{region}}`",
                    self.name, self.region
                ),
            )),
            _ => Ok(()),
        }
    }

    fn explain(&self, failure: Failure) -> Failure {
        let kind = if failure.kind == Kind::NotFound { Kind::Refused } else { failure.kind };
        Failure::new(kind, format!("bucket `{}`: {}", self.name, failure.message))
    }
}
