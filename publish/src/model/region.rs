//! Regions, as `layers/regions.toml` lists them.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use xtask::error::invalid;
use xtask::model::target::Cloud;

/// A part of a cloud with accounts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// AWS's commercial regions.
    Aws,
    /// AWS in China.
    AwsCn,
    /// AWS GovCloud.
    AwsUsGov,
    /// The AWS European Sovereign Cloud.
    AwsEusc,
    /// Alibaba Cloud.
    Aliyun,
}

impl Partition {
    /// Whose partition it is.
    pub fn cloud(self) -> Cloud {
        match self {
            Partition::Aliyun => Cloud::Aliyun,
            _ => Cloud::Aws,
        }
    }
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Region {
    /// The cloud's own name.
    pub name: String,
    /// Where accounts for it are.
    pub partition: Partition,
    /// The name for humans.
    pub title: String,
    /// Closed until an account asks for it.
    #[serde(default)]
    pub opt_in: bool,
    /// The host of its functions' interface, where it does not follow from the name.
    #[serde(default)]
    pub endpoint: Option<String>,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// `layers/regions.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    #[serde(rename = "region")]
    regions: Vec<Region>,
}

impl Regions {
    /// Reads the file of the checkout at `root`.
    ///
    /// # Errors
    /// If it cannot be read, is not as it should be, or lists a region twice.
    pub fn load(root: &Path) -> Result<Regions> {
        let path = root.join("layers/regions.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let regions: Regions =
            toml::from_str(&text).map_err(|error| invalid(format!("in {}: {error}", path.display())))?;
        for (index, region) in regions.regions.iter().enumerate() {
            // Both become parts of hosts, to which credentials go.
            let host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let endpoint = region.endpoint.as_deref().unwrap_or(&region.name);
            if !region.name.bytes().all(host) || !endpoint.bytes().all(|byte| host(byte) || byte == b'.') {
                let name = &region.name;
                return Err(invalid(format!(
                    "in {}: region `{name}` is no part of a host, or its endpoint is none",
                    path.display()
                )));
            }
            let same =
                |other: &Region| other.name == region.name && other.partition.cloud() == region.partition.cloud();
            if regions.regions[..index].iter().any(same) {
                return Err(invalid(format!("in {}: region `{}` is there twice", path.display(), region.name)));
            }
        }
        Ok(regions)
    }

    /// All regions of a partition, in the order of the file.
    pub fn of(&self, partition: Partition) -> impl Iterator<Item = &Region> {
        self.regions.iter().filter(move |region| region.partition == partition)
    }

    /// The region of that name.
    ///
    /// # Errors
    /// If the cloud has none, with those that it has.
    pub fn get(&self, cloud: Cloud, name: &str) -> Result<&Region> {
        let mut known = self.regions.iter().filter(|region| region.partition.cloud() == cloud);
        known.clone().find(|region| region.name == name).ok_or_else(|| {
            let near = known.find(|region| region.name.replace('-', "") == name.replace('-', ""));
            let hint = match near {
                Some(region) => format!("did you mean `{}`?", region.name),
                None => "`cargo xtask regions` lists those that are known; layers/regions.toml holds them".to_owned(),
            };
            invalid(format!("there is no region `{name}` in that cloud\n\nhint: {hint}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Regions {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
        Regions::load(root).expect("regions.toml")
    }

    #[test]
    fn every_partition_has_regions_and_opt_in_ones_are_marked() {
        let regions = regions();
        let count = |partition| regions.of(partition).count();
        assert!(count(Partition::Aws) >= 34);
        assert_eq!((count(Partition::AwsCn), count(Partition::AwsUsGov), count(Partition::AwsEusc)), (2, 2, 1));
        assert!(count(Partition::Aliyun) >= 20);
        // The 17 that AWS opens for every account.
        assert_eq!(regions.of(Partition::Aws).filter(|region| !region.opt_in).count(), 17);
    }

    #[test]
    fn no_region_leads_to_another_host() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("layers")).expect("a folder");
        for (name, endpoint) in
            [("a.test/", "b.test"), ("a#", "b.test"), ("a", "user@b.test"), ("a", "b.test:1"), ("a", "b/c")]
        {
            let region =
                format!("name = \"{name}\"\npartition = \"aliyun\"\ntitle = \"\"\nendpoint = \"{endpoint}\"\n");
            std::fs::write(root.path().join("layers/regions.toml"), format!("[[region]]\n{region}")).expect("written");
            let error = Regions::load(root.path()).expect_err("refused").to_string();
            assert!(error.contains("is no part of a host, or its endpoint is none"), "{error}");
        }
    }

    #[test]
    fn names_are_looked_up_in_their_cloud() {
        let regions = regions();
        assert_eq!(regions.get(Cloud::Aws, "us-east-1").expect("known").title, "US East (N. Virginia)");
        assert_eq!(regions.get(Cloud::Aliyun, "us-east-1").expect("known").title, "US (Virginia)");
        let error = regions.get(Cloud::Aws, "useast1").expect_err("unknown").to_string();
        assert!(error.ends_with("hint: did you mean `us-east-1`?"), "{error}");
        let error = regions.get(Cloud::Aws, "cn-hangzhou").expect_err("of the other cloud").to_string();
        assert!(error.starts_with("there is no region `cn-hangzhou`"), "{error}");
    }
}
