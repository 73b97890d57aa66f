//! Where to publish: regions that were asked for become places with credentials.

use anyhow::Result;
use clap::Args;
use xtask::error::invalid;
use xtask::model::target::Cloud;
use xtask::ui::Ui;

use super::endpoint;
use crate::aliyun::http::Connections;
use crate::aliyun::{self, Credentials, FcStore};
use crate::apply::Place;
use crate::aws::{self, LambdaStore};
use crate::model::{BucketName, Partition, Region, Regions};

/// Another address of Function Compute, as `AWS_ENDPOINT_URL` is for AWS.
const FC_ENDPOINT: &str = "MEDIA_LAYERS_FC_ENDPOINT";
/// Another address of OSS.
const OSS_ENDPOINT: &str = "MEDIA_LAYERS_OSS_ENDPOINT";

/// The regions that were asked for.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Where {
    /// The cloud.
    #[arg(long, value_enum, default_value_t = CloudChoice::Aws)]
    pub cloud: CloudChoice,
    /// The regions, with commas between them.
    #[arg(long, value_name = "REGION", value_delimiter = ',', required_unless_present = "all_regions")]
    pub region: Vec<String>,
    /// Every region of the partition that is configured (AWS_REGION or the profile; else the commercial one).
    #[arg(long, conflicts_with = "region")]
    pub all_regions: bool,
}

/// A cloud on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CloudChoice {
    /// AWS Lambda.
    Aws,
    /// Alibaba Cloud Function Compute.
    Aliyun,
}

impl From<CloudChoice> for Cloud {
    fn from(choice: CloudChoice) -> Cloud {
        match choice {
            CloudChoice::Aws => Cloud::Aws,
            CloudChoice::Aliyun => Cloud::Aliyun,
        }
    }
}

impl Where {
    /// The regions, in the order of `regions.toml`.
    ///
    /// # Errors
    /// If one is unknown, or no credentials are worth anything in all of them.
    pub async fn regions(&self, known: &Regions) -> Result<Vec<Region>> {
        if self.all_regions {
            let partition = match self.cloud {
                CloudChoice::Aws => aws::Session::partition(known).await,
                CloudChoice::Aliyun => Partition::Aliyun,
            };
            return Ok(known.of(partition).cloned().collect());
        }
        let mut named = Vec::new();
        for name in &self.region {
            let region = known.get(self.cloud.into(), name)?;
            if !named.contains(region) {
                named.push(region.clone());
            }
        }
        if let Some(other) = named.iter().find(|region| region.partition != named[0].partition) {
            return Err(invalid(format!(
                "{} and {other} belong to different partitions, and no credentials are for both\n\nhint: run the command \
                 for each partition",
                named[0]
            )));
        }
        Ok(named)
    }
}

/// The way to AWS in every region.
///
/// # Errors
/// If there are no credentials, or no buckets of that name.
pub async fn aws(
    regions: Vec<Region>,
    named: bool,
    bucket: Option<&BucketName>,
    ui: &Ui,
) -> Result<Vec<Place<LambdaStore>>> {
    let Some(first) = regions.first() else { return Ok(Vec::new()) };
    let buckets = buckets(&regions, bucket)?;
    let session = aws::Session::open(first, ui).await?;
    let place = |(region, bucket): (Region, Option<String>)| {
        let bucket = bucket.map(|name| aws::Bucket::new(&session, &region.name, name));
        Place { store: LambdaStore::new(&session, &region.name, bucket), region, named }
    };
    Ok(regions.into_iter().zip(buckets).map(place).collect())
}

/// The way to Function Compute in every region.
///
/// # Errors
/// If there are no credentials, or no buckets of that name, or an address in the environment is none.
pub fn aliyun(regions: Vec<Region>, named: bool, bucket: Option<&BucketName>, ui: &Ui) -> Result<Vec<Place<FcStore>>> {
    let buckets = buckets(&regions, bucket)?;
    let (fc, oss) = (endpoint::of_variable(FC_ENDPOINT)?, endpoint::of_variable(OSS_ENDPOINT)?);
    let credentials = Credentials::find()?;
    credentials.secrets().for_each(|secret| ui.keep_secret(secret));
    let connections = Connections::new();
    let place = |(region, bucket): (Region, Option<String>)| {
        let bucket = bucket.map(|name| {
            aliyun::Bucket::new(name, &region.name, oss.as_deref(), credentials.clone(), connections.clone())
        });
        let store = FcStore::new(&region, fc.as_deref(), credentials.clone(), connections.clone(), bucket);
        Place { store, region, named }
    };
    Ok(regions.into_iter().zip(buckets).map(place).collect())
}

/// The bucket of every region, if there is to be one.
fn buckets(regions: &[Region], name: Option<&BucketName>) -> Result<Vec<Option<String>>> {
    regions.iter().map(|region| name.map(|name| name.in_region(region)).transpose()).collect()
}
