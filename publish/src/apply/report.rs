//! The result of publishing, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;
use xtask::model::target::Cloud;

use crate::model::{Audience, Version};
use xtask::ui::counted;

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Where.
    pub cloud: Cloud,
    /// Every region, in the order of the plan.
    pub regions: Vec<RegionReport>,
}

/// What came of it in one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegionReport {
    /// Its name.
    pub region: String,
    /// How long it took once planned.
    pub seconds: f64,
    /// What was done.
    pub work: Work,
}

/// What was done in a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Each layer.
    Layers(Vec<LayerReport>),
    /// Nothing: the account has not asked for this region, and nobody named it.
    NotEnabled(String),
    /// Nothing: it could not be found out what is there.
    Failed(String),
}

/// What came of one layer in one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerReport {
    /// Its name in the cloud.
    pub name: String,
    /// The version, or what went wrong.
    pub result: Result<Published, String>,
}

/// A version that is there and as it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Published {
    /// Its number.
    pub number: u64,
    /// Its name in the cloud.
    pub arn: String,
    /// Whether this run made it.
    pub created: bool,
    /// With whom this run shared it.
    pub shared: Vec<Audience>,
    /// What this run deleted.
    pub deleted: Vec<Version>,
}

impl Report {
    /// Every layer of every region where something could be done.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &LayerReport)> {
        self.regions.iter().flat_map(|region| match &region.work {
            Work::Layers(layers) => layers.iter().map(|layer| (&*region.region, layer)).collect::<Vec<_>>(),
            Work::NotEnabled(_) | Work::Failed(_) => Vec::new(),
        })
    }

    /// Whether anything went wrong anywhere.
    pub fn has_failures(&self) -> bool {
        self.regions.iter().any(|region| !region.failures().is_empty())
    }

    /// The versions, a line each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (_, layer) in self.layers() {
            if let Ok(published) = &layer.result {
                let _ = writeln!(text, "{}", published.arn);
            }
        }
        text
    }

    /// What happened, in a line, and every failure with its reason.
    pub fn summary(&self) -> String {
        let published = || self.layers().filter_map(|(_, layer)| layer.result.as_ref().ok());
        let failed = self.regions.iter().filter(|region| !region.failures().is_empty()).count();
        let passed_over = self.regions.iter().filter(|region| matches!(region.work, Work::NotEnabled(_))).count();
        let mut text = format!(
            "{}: {} created, {} were there, {} shared, {} deleted",
            counted(self.regions.len(), "region"),
            counted(published().filter(|version| version.created).count(), "version"),
            published().filter(|version| !version.created).count(),
            published().map(|version| version.shared.len()).sum::<usize>(),
            published().map(|version| version.deleted.len()).sum::<usize>(),
        );
        for (number, what) in [(passed_over, "passed over (not enabled for this account)"), (failed, "failed")] {
            if number > 0 {
                let _ = write!(text, "; {number} {what}");
            }
        }
        for region in &self.regions {
            for failure in region.failures() {
                let _ = write!(text, "\n  {}: {failure}", region.region);
            }
        }
        text
    }
}

impl RegionReport {
    /// What went wrong.
    pub fn failures(&self) -> Vec<String> {
        match &self.work {
            Work::NotEnabled(_) => Vec::new(),
            Work::Failed(reason) => vec![reason.clone()],
            Work::Layers(layers) => {
                let failure = |layer: &LayerReport| Some(format!("{}: {}", layer.name, layer.result.as_ref().err()?));
                layers.iter().filter_map(failure).collect()
            }
        }
    }

    /// The region in a line.
    pub fn line(&self) -> String {
        let what = match &self.work {
            Work::NotEnabled(_) => "passed over, not enabled for this account".to_owned(),
            Work::Failed(reason) => format!("failed: {reason}"),
            Work::Layers(layers) => layers.iter().map(one).collect::<Vec<_>>().join(", "),
        };
        format!("{}: {what} ({:.1} s)", self.region, self.seconds)
    }
}

fn one(layer: &LayerReport) -> String {
    match &layer.result {
        Ok(version) if version.created => format!("{} version {} created", layer.name, version.number),
        Ok(version) => format!("{} version {} was there", layer.name, version.number),
        Err(reason) => format!("{} failed: {reason}", layer.name),
    }
}
