//! Compares what the cloud has with what it should have, and lists the changes. Pure.
//!
//! `publish --dry-run` prints the very value that is carried out.

pub mod text;

use std::collections::BTreeSet;

use serde::Serialize;
use xtask::model::target::Cloud;
use xtask::model::{Arch, Sha256, Version as LayerVersion};
use xtask::ui::foreign::foreign;

use crate::model::{Audience, Details, Version};
use crate::order::Order;

/// What is wanted of every layer, besides being there.
#[derive(Debug, Clone, Default)]
pub struct SharingAndRetention {
    /// With whom it shall be shared.
    pub audience: BTreeSet<Audience>,
    /// How many versions to keep, the published one included; all of them by default.
    pub keep: Option<usize>,
}

/// What a region has of a layer.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// All versions, newest first.
    pub versions: Vec<Version>,
    /// The newest version that holds the ordered zip, as its description and the cloud's own digest say.
    pub present: Option<Details>,
    /// Versions whose description tells the ordered digest though they hold something else.
    pub pretenders: Vec<u64>,
    /// With whom the present version is shared.
    pub grants: BTreeSet<Audience>,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Where.
    pub cloud: Cloud,
    /// The zips.
    pub layers: Vec<PlannedZip>,
    /// Every region, in the order of `regions.toml`.
    pub regions: Vec<RegionPlan>,
}

/// A zip that is published.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedZip {
    /// Its name in the cloud.
    pub name: String,
    /// Its version.
    pub version: LayerVersion,
    /// What it runs on.
    pub arch: Arch,
    /// Its digest.
    pub sha256: Sha256,
    /// Its bytes.
    pub size: u64,
    /// What it is offered for.
    pub runtimes: Vec<String>,
    /// What it is described with.
    pub description: String,
    /// Its licence.
    pub license: String,
}

impl From<&Order> for PlannedZip {
    fn from(order: &Order) -> PlannedZip {
        PlannedZip {
            name: order.name.clone(),
            version: order.version.clone(),
            arch: order.arch,
            sha256: order.sha256,
            size: order.size,
            runtimes: order.runtimes.clone(),
            description: order.description.clone(),
            license: order.license.clone(),
        }
    }
}

/// What will be done in one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegionPlan {
    /// Its name.
    pub region: String,
    /// What will be done, or why nothing.
    pub work: Work,
}

/// What will be done in a region, or why nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// For each layer.
    Layers(Vec<LayerPlan>),
    /// The account has not asked for this region, and nobody named it.
    NotEnabled(String),
    /// It could not be found out what is there.
    Failed(String),
}

/// What will be done about one layer in one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerPlan {
    /// Its name in the cloud.
    pub name: String,
    /// The version that holds the zip already.
    pub present: Option<Version>,
    /// In this order.
    pub actions: Vec<Action>,
    /// What a human should know.
    pub notes: Vec<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A version is made of the zip, read back and compared.
    Create,
    /// The version is shared.
    Permit(Audience),
    /// An older version is deleted.
    Delete(Version),
}

impl Plan {
    /// The layers of every region that has work, present ones included.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &LayerPlan)> {
        self.regions.iter().flat_map(|region| match &region.work {
            Work::Layers(layers) => layers.iter().map(|layer| (&*region.region, layer)).collect::<Vec<_>>(),
            Work::NotEnabled(_) | Work::Failed(_) => Vec::new(),
        })
    }

    /// Whether a region could not be looked at.
    pub fn has_failures(&self) -> bool {
        self.regions.iter().any(|region| matches!(region.work, Work::Failed(_)))
    }
}

/// Decides what to do about `order`, given what the cloud has (`observed`).
pub fn decide(order: &Order, observed: &Observed, wish: &SharingAndRetention) -> LayerPlan {
    let mut actions = Vec::new();
    if observed.present.is_none() {
        actions.push(Action::Create);
    }
    actions.extend(wish.audience.difference(&observed.grants).cloned().map(Action::Permit));
    if let Some(keep) = wish.keep {
        let newest = observed.present.as_ref().map_or(u64::MAX, |present| present.version.number);
        let older = observed.versions.iter().filter(|version| version.number < newest);
        actions.extend(older.skip(keep.saturating_sub(1)).cloned().map(Action::Delete));
    }
    LayerPlan {
        name: order.name.clone(),
        present: observed.present.as_ref().map(|details| details.version.clone()),
        actions,
        notes: notes(order, observed),
    }
}

fn notes(order: &Order, observed: &Observed) -> Vec<String> {
    let mut notes: Vec<_> = observed
        .pretenders
        .iter()
        .map(|number| format!("version {number} is described with this digest and holds other bytes"))
        .collect();
    if let Some(present) = &observed.present {
        let number = present.version.number;
        notes.extend(differences(order, present).into_iter().map(|difference| {
            format!("version {number} holds these bytes, but {difference}; versions cannot be changed")
        }));
    }
    notes
}

/// In what a version differs from what was ordered; nothing if it is what it should be.
pub fn differences(order: &Order, details: &Details) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, is: &str, should: &str| {
        if is != should {
            found.push(format!("its {what} is `{}`, not `{should}`", foreign(is)));
        }
    };
    if let Some(sha256) = details.sha256 {
        differ("digest", &sha256.to_string(), &order.sha256.to_string());
    }
    differ("size", &details.size.to_string(), &order.size.to_string());
    differ("description", &details.version.description, &order.description);
    differ("licence", &details.license, &order.license);
    let joined = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let runtimes: BTreeSet<String> = order.runtimes.iter().cloned().collect();
    differ("list of runtimes", &joined(&details.runtimes), &joined(&runtimes));
    if let Some(architectures) = &details.architectures {
        differ("list of architectures", &joined(architectures), order.arch.name());
    }
    found
}

#[cfg(test)]
mod tests;
