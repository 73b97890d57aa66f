//! Chooses the version of a layer where none is named: the newest whose sources can be fetched. If there is none, the
//! newest.
//!
//! Plans are pure: they are made for a version. This is the step before, and the only place that decides:
//! `build-layer`, `plan`, `fetch`, `verify`, `list` and `publish` ask here. A version that the user names is taken
//! without looking.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use crate::catalog::Catalog;
use crate::model::{LayerName, Version};
use crate::plan::{Plan, Request, resolve};
use crate::source::{self, Context, FailedPlace, Probe};

/// A version, and why it is not a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Of which layer.
    pub layer: LayerName,
    /// What is taken.
    pub version: Version,
    /// Newer versions that cannot be fetched here, newest first. All versions, if none can be fetched: then the newest is taken,
    /// and fetching it says what to do.
    pub passed_over: Vec<Version>,
    /// What was tried in vain.
    pub tried: Vec<FailedPlace>,
}

impl Choice {
    /// What a user should be told in one line, if anything.
    pub fn warning(&self) -> Option<String> {
        if self.passed_over.is_empty() {
            return None;
        }
        let Choice { layer, version, passed_over, .. } = self;
        let newer: Vec<_> = passed_over.iter().map(ToString::to_string).collect();
        let tried: BTreeSet<String> = self.tried.iter().map(ToString::to_string).collect();
        let tried = tried.into_iter().collect::<Vec<_>>().join("; ");
        Some(match passed_over.contains(version) {
            true => format!(
                "the sources of {layer} {} cannot be fetched here ({tried}); going on with the newest, {version}",
                newer.join(" and ")
            ),
            false => format!(
                "this is {layer} {version}, because the sources of {} cannot be fetched here ({tried}); \
                 `{layer}@{}` would not fall back",
                newer.join(" and "),
                newer[0],
            ),
        })
    }
}

/// Chooses a version for `request`, whose own is ignored. `finished` says which versions need no sources any more.
///
/// Only sources that tell the versions apart are looked for: what every version needs decides nothing.
///
/// # Errors
/// If the layer does not exist or cannot be planned.
pub fn choose(
    catalog: &Catalog,
    context: &Context<'_>,
    request: &Request,
    finished: &dyn Fn(&Version) -> bool,
) -> Result<Choice> {
    let layer = catalog.layer(&request.layer)?;
    let versions: Vec<_> =
        catalog.recipe(&layer.recipe)?.recipe.newest_first().iter().map(|it| it.version.clone()).collect();
    let newest = versions.first().context("a recipe without a version")?;
    let taken = |version: &Version| Choice {
        layer: request.layer.clone(),
        version: version.clone(),
        passed_over: Vec::new(),
        tried: Vec::new(),
    };
    if versions.len() == 1 || finished(newest) {
        return Ok(taken(newest));
    }
    let plans: Vec<Plan> = versions
        .iter()
        .map(|version| resolve(catalog, &Request { version: Some(version.clone()), ..request.clone() }))
        .collect::<Result<_>>()?;
    let sources = plans.iter().map(sources_of).collect::<Vec<_>>();
    let shared: BTreeSet<&String> =
        sources[0].keys().filter(|what| sources.iter().all(|other| other.contains_key(*what))).collect();
    let deciding: Vec<Vec<&source::Request<'_>>> = sources
        .iter()
        .map(|all| all.iter().filter(|(what, _)| !shared.contains(what)).map(|(_, request)| request).collect())
        .collect();
    if deciding[0].iter().all(|request| source::probe::is_here(context, request)) {
        return Ok(taken(newest));
    }
    let mut probe = Probe::start(context, &deciding.concat());
    let (mut passed_over, mut tried, mut first) = (Vec::new(), Vec::new(), 0);
    for (version, wanted) in versions.iter().zip(&deciding) {
        let in_vain: Vec<FailedPlace> = match finished(version) {
            true => Vec::new(),
            false => (first..first + wanted.len()).filter_map(|at| probe.in_vain(at)).flatten().collect(),
        };
        first += wanted.len();
        if in_vain.is_empty() {
            return Ok(Choice { passed_over, tried, ..taken(version) });
        }
        passed_over.push(version.clone());
        tried.extend(in_vain);
    }
    Ok(Choice { passed_over, tried, ..taken(newest) })
}

/// The pinned sources of a plan, by recipe and version.
fn sources_of(plan: &Plan) -> BTreeMap<String, source::Request<'_>> {
    let pinned = plan.packages.iter().filter_map(|package| Some((package, package.source.pinned()?)));
    pinned
        .map(|(package, source)| {
            let what = format!("{} {}", package.recipe, package.version);
            (what.clone(), source::Request { what, source })
        })
        .collect()
}
