//! Where to publish: regions that were asked for become places with credentials.

use anyhow::Result;
use clap::Args;
use xtask::error::invalid;
use xtask::model::target::Cloud;

use crate::aliyun::http::Connections;
use crate::aliyun::{self, Credentials, FcStore};
use crate::apply::Place;
use crate::aws::{self, LambdaStore};
use crate::model::{Partition, Region, Regions};

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

/// The way to AWS in every region. `bucket` is a name, perhaps with `{region}` in it.
///
/// # Errors
/// If there are no credentials.
pub async fn aws(regions: Vec<Region>, named: bool, bucket: Option<&str>) -> Result<Vec<Place<LambdaStore>>> {
    let Some(first) = regions.first() else { return Ok(Vec::new()) };
    let session = aws::Session::open(first).await?;
    let place = |region: Region| {
        let bucket = bucket.map(|name| aws::Bucket::new(&session, &region.name, bucket_name(name, &region)));
        Place { store: LambdaStore::new(&session, &region.name, bucket), region, named }
    };
    Ok(regions.into_iter().map(place).collect())
}

/// The way to Function Compute in every region. `bucket` is a name, perhaps with `{region}` in it.
///
/// # Errors
/// If there are no credentials.
pub fn aliyun(regions: Vec<Region>, named: bool, bucket: Option<&str>) -> Result<Vec<Place<FcStore>>> {
    let credentials = Credentials::find()?;
    let connections = Connections::new();
    let (fc, oss) = (std::env::var(FC_ENDPOINT).ok(), std::env::var(OSS_ENDPOINT).ok());
    let place = |region: Region| {
        let bucket = bucket.map(|name| {
            let name = bucket_name(name, &region);
            aliyun::Bucket::new(name, &region.name, oss.as_deref(), credentials.clone(), connections.clone())
        });
        let store = FcStore::new(&region, fc.as_deref(), credentials.clone(), connections.clone(), bucket);
        Place { store, region, named }
    };
    Ok(regions.into_iter().map(place).collect())
}

fn bucket_name(template: &str, region: &Region) -> String {
    template.replace("{region}", &region.name)
}
