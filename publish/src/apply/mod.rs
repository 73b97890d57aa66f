//! Carries out what was planned: every region on its own, all at once.

pub mod journal;
pub mod make;
pub mod report;
pub mod retry;
pub mod survey;

use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream;
use xtask::ui::{Progress, Ui, counted};

use self::journal::Journal;
use self::report::{LayerReport, Published, RegionReport, Report};
use self::retry::Patience;
use crate::model::{Audience, Region, Version};
use crate::order::Order;
use crate::plan::{self, Action, LayerPlan, Plan, Work};
use crate::store::{Failure, Kind, Store};

/// A region, and the way to it.
#[derive(Debug)]
pub struct Place<S> {
    /// Which one.
    pub region: Region,
    /// Whether the user asked for this very region.
    pub named: bool,
    /// The account's layers there.
    pub store: S,
}

/// What everything is carried out with.
#[derive(Debug)]
pub struct Engine<'a> {
    /// How often and how long.
    pub patience: Patience,
    /// What was begun and not finished.
    pub journal: &'a Journal,
    /// Where progress is shown.
    pub ui: &'a Ui,
}

/// Carries out `plan`. A failure in one region goes into its report and does not stop another.
pub async fn carry_out<S: Store>(engine: &Engine<'_>, places: &[Place<S>], orders: &[Order], plan: &Plan) -> Report {
    let work = places.iter().zip(&plan.regions);
    let regions = stream::iter(work).map(|(place, plan)| async move {
        let begun = Instant::now();
        let work = match &plan.work {
            Work::NotEnabled(reason) => report::Work::NotEnabled(reason.clone()),
            Work::Failed(reason) => report::Work::Failed(reason.clone()),
            Work::Layers(layers) => report::Work::Layers(region(engine, place, orders, layers).await),
        };
        let report = RegionReport { region: plan.region.clone(), seconds: begun.elapsed().as_secs_f64(), work };
        engine.ui.note(report.line());
        report
    });
    Report { cloud: plan.cloud, regions: regions.buffered(engine.patience.at_once).collect().await }
}

async fn region<S: Store>(
    engine: &Engine<'_>,
    place: &Place<S>,
    orders: &[Order],
    plans: &[LayerPlan],
) -> Vec<LayerReport> {
    let mut reports = Vec::new();
    let progress = engine.ui.busy(&format!("{}: {}", place.region, counted(plans.len(), "layer")));
    for (order, plan) in orders.iter().zip(plans) {
        let doing = Publication { engine, place, order, progress: &progress };
        let result = doing.layer(plan).await.map_err(|failure| failure.message);
        reports.push(LayerReport { name: order.name.clone(), result });
    }
    reports
}

/// One layer that is being published in one region.
struct Publication<'a, S> {
    engine: &'a Engine<'a>,
    place: &'a Place<S>,
    order: &'a Order,
    progress: &'a Progress,
}

impl<S: Store> Publication<'_, S> {
    fn say(&self, what: &str) {
        self.progress.say(format!("{}: {} {what}", self.place.region, self.order.name));
    }

    async fn layer(&self, plan: &LayerPlan) -> Result<Published, Failure> {
        let (store, name, patience) = (&self.place.store, &self.order.name, &self.engine.patience);
        let created = plan.actions.contains(&Action::Create);
        let version = match &plan.present {
            Some(version) if !created => version.clone(),
            _ => self.create().await?,
        };
        let mut published =
            Published { number: version.number, arn: version.arn, created, shared: Vec::new(), deleted: Vec::new() };
        for action in &plan.actions {
            match action {
                Action::Create => {}
                Action::Permit(audience) => {
                    self.permit(version.number, audience).await?;
                    published.shared.push(audience.clone());
                }
                Action::Delete(old) => {
                    self.say(&format!("deleting version {}", old.number));
                    patience.retrying(|| store.delete(name, old.number)).await?;
                    published.deleted.push(old.clone());
                }
            }
        }
        Ok(published)
    }

    /// Makes the version, and compares the cloud's description of it with what was sent.
    async fn create(&self) -> Result<Version, Failure> {
        self.say("sending");
        let version = make::make(self.engine, self.place, self.order).await?;
        self.say("reading back");
        let details = self.engine.patience.retrying(|| self.read_back(version.number)).await?;
        let differences = plan::differences(self.order, &details);
        if differences.is_empty() {
            return Ok(version);
        }
        let message = format!("version {} is not what was sent: {}", version.number, differences.join("; "));
        Err(Failure::new(Kind::Refused, message))
    }

    /// Reads a version that must be there, though perhaps not yet everywhere.
    async fn read_back(&self, number: u64) -> Result<crate::model::Details, Failure> {
        self.place.store.read(&self.order.name, number).await.map_err(|failure| match failure.kind {
            Kind::NotFound => Failure::new(Kind::Unknown, format!("version {number} was made and cannot be found")),
            _ => failure,
        })
    }

    async fn permit(&self, number: u64, audience: &Audience) -> Result<(), Failure> {
        let (store, name, patience) = (&self.place.store, &self.order.name, &self.engine.patience);
        self.say(&format!("sharing with {audience}"));
        patience.retrying(|| store.permit(name, number, audience)).await?;
        let grants = patience.retrying(|| store.grants(name, number)).await?;
        if grants.contains(audience) {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Refused,
            format!("version {number} was shared with {audience}, but the cloud does not say so"),
        ))
    }
}
