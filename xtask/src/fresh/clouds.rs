//! Runtimes and regions of the checkout compared with what the clouds' own libraries say.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use serde::{Deserialize, Serialize};

use super::ask::{Asker, Told};
use super::sdk::Sdk;
use crate::catalog::{Catalog, read_toml};
use crate::model::Cloud;

/// What is new about one cloud.
#[derive(Debug, Serialize)]
pub struct CloudNews {
    /// Which.
    pub cloud: Cloud,
    /// The library that was asked, with its version.
    pub library: Option<String>,
    /// Why nothing could be compared.
    pub failure: Option<String>,
    /// Runtimes in `docker/targets.toml`.
    pub runtimes: Difference,
    /// Regions in `layers/regions.toml`, with their partition.
    pub regions: Difference,
    /// What no library says.
    pub not_asked: &'static str,
}

/// How a list of ours and one of theirs differ.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Theirs only.
    pub missing: Vec<String>,
    /// Ours only.
    pub unknown: Vec<String>,
}

impl Difference {
    fn of(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Difference {
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect();
        Difference { missing: only(theirs, ours), unknown: only(ours, theirs) }
    }
}

/// The part of `layers/regions.toml` that is compared. Publishing reads all of it, strictly.
#[derive(Deserialize)]
struct Regions {
    region: Vec<Region>,
}

#[derive(Deserialize)]
struct Region {
    name: String,
    partition: String,
}

/// The partition of `layers/regions.toml` that is Alibaba Cloud; all others are AWS's.
const ALIYUN: &str = "aliyun";

/// Asks both clouds' libraries. Fails only if a file of the checkout cannot be read.
pub fn look(asker: &Asker<'_>, catalog: &Catalog) -> anyhow::Result<Vec<CloudNews>> {
    let regions: Regions = read_toml(&catalog.root.join("layers/regions.toml"))?;
    let mut ours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for region in regions.region {
        ours.entry(region.partition).or_default().insert(region.name);
    }
    let (aws, aliyun) = thread::scope(|scope| {
        let aws = scope.spawn(|| asker.aws());
        let aliyun = asker.aliyun();
        (aws.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), aliyun)
    });
    let mut of_aws = ours.clone();
    of_aws.remove(ALIYUN);
    let of_aliyun: BTreeMap<_, _> = ours.into_iter().filter(|(partition, _)| partition == ALIYUN).collect();
    Ok(vec![
        compare(
            Cloud::Aws,
            aws,
            &runtimes(catalog, Cloud::Aws),
            &of_aws,
            "when a runtime ends: only pages for people say that",
        ),
        compare(
            Cloud::Aliyun,
            aliyun,
            &runtimes(catalog, Cloud::Aliyun),
            &of_aliyun,
            "its documents, which are pages for people: which regions are closed and when a runtime ends",
        ),
    ])
}

/// The runtimes of a cloud's targets, and those that the checkout knows besides.
struct Runtimes {
    of_targets: BTreeSet<String>,
    others: BTreeSet<String>,
}

fn runtimes(catalog: &Catalog, cloud: Cloud) -> Runtimes {
    let targets = catalog.targets.targets.iter().filter(|target| target.cloud == cloud);
    Runtimes {
        of_targets: targets.flat_map(|target| &target.runtimes).map(|runtime| runtime.name.clone()).collect(),
        others: catalog.targets.other_runtimes.get(&cloud).cloned().unwrap_or_default(),
    }
}

fn compare(
    cloud: Cloud,
    told: Told<Sdk>,
    runtimes: &Runtimes,
    regions: &BTreeMap<String, BTreeSet<String>>,
    not_asked: &'static str,
) -> CloudNews {
    let named = |regions: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        let with_partition = |(partition, names): (&String, &BTreeSet<String>)| -> Vec<String> {
            names.iter().map(|name| format!("{partition}/{name}")).collect()
        };
        regions.iter().flat_map(with_partition).collect()
    };
    let mut news = CloudNews {
        cloud,
        library: None,
        failure: None,
        runtimes: Difference::default(),
        regions: Difference::default(),
        not_asked,
    };
    match told {
        Ok(sdk) => {
            // A library may name no runtime, and then says nothing about ours.
            if !sdk.runtimes.is_empty() {
                news.runtimes = Difference::of(&runtimes.of_targets, &sdk.runtimes);
                news.runtimes.missing.retain(|name| !runtimes.others.contains(name));
            }
            news.regions = Difference::of(&named(regions), &named(&sdk.regions));
            news.library = Some(sdk.library);
        }
        Err(why) => news.failure = Some(why),
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_difference_are_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let regions = |names: &[&str]| BTreeMap::from([("aws".to_owned(), set(names))]);
        let sdk = Sdk {
            library: "botocore 1.0".to_owned(),
            runtimes: set(&["nodejs24.x", "python3.12", "go1.x"]),
            regions: regions(&["eu-west-1", "ap-east-2"]),
        };
        let ours = Runtimes { of_targets: set(&["python3.8", "python3.12"]), others: set(&["go1.x"]) };
        let news = compare(Cloud::Aws, Ok(sdk), &ours, &regions(&["eu-west-1"]), "nothing");
        let of = |missing: &[&str], unknown: &[&str]| Difference {
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            unknown: unknown.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(news.runtimes, of(&["nodejs24.x"], &["python3.8"]));
        assert_eq!(news.regions, of(&["aws/ap-east-2"], &[]));
        let news = compare(Cloud::Aws, Err("no answer".to_owned()), &ours, &regions(&[]), "nothing");
        assert_eq!((news.failure.as_deref(), news.runtimes), (Some("no answer"), Difference::default()));
    }
}
