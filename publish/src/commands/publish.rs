//! `cargo xtask publish`: finished layers become layer versions.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::SystemTime;

use anyhow::Result;
use clap::Args;
use xtask::commands::selection::LayerRef;
use xtask::commands::sourcing::FetchArgs;
use xtask::commands::{Format, Outcome, json};
use xtask::error::invalid;
use xtask::lock::Lock;
use xtask::model::target::Cloud;
use xtask::model::{Arch, Date};
use xtask::pack::release::file_name;
use xtask::session::Session;
use xtask::ui::foreign::foreign;

use super::places::{self, CloudChoice, Where};
use crate::apply::journal::Journal;
use crate::apply::report::Report;
use crate::apply::retry::Patience;
use crate::apply::survey::survey;
use crate::apply::{Engine, Place, carry_out};
use crate::artifact::{Selection, ZipsAndPins, collect};
use crate::index::published::Index;
use crate::model::audience::{AccountId, OrganizationId};
use crate::model::{Audience, BucketName, Regions, Template};
use crate::order::Order;
use crate::plan::{self, Action, Plan, SharingAndRetention};
use crate::store::Store;
use xtask::ui::counted;

/// Publish layers of dist/ to regions of AWS Lambda or Alibaba Cloud Function Compute.
///
/// What is there already is not made again, and every version is read back and compared. A run that was interrupted is
/// finished by running the same command again. What is there afterwards is recorded in layers/published.json.
#[derive(Debug, Args)]
pub struct Publish {
    /// Layers: `mediainfo` is the newest version that is in dist/, or else the newest whose sources can be fetched;
    /// `mediainfo@26.05` is that version only.
    #[arg(value_name = "LAYER[@VERSION]", required = true)]
    layers: Vec<LayerRef>,
    #[command(flatten)]
    place: Where,
    /// The architectures [default: all that the cloud has].
    #[arg(long, value_enum, value_delimiter = ',')]
    arch: Vec<Arch>,
    /// Let everybody use the layers.
    #[arg(long, conflicts_with_all = ["org", "account"])]
    public: bool,
    /// Let the accounts of an AWS organization use the layers.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    org: Vec<OrganizationId>,
    /// Let an AWS account use the layers.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    account: Vec<AccountId>,
    /// What layers are called in the cloud.
    #[arg(long, value_name = "TEMPLATE", default_value = "{layer}-{arch}")]
    name_template: Template,
    /// Send zips through a bucket of this name, which may hold `{region}`: each layer needs one in its own region.
    #[arg(long, value_name = "NAME")]
    bucket: Option<BucketName>,
    /// Delete older versions of the same layers, so that N are left, once the new one is verified.
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Publish what was made from sources that are not pinned.
    #[arg(long)]
    allow_unpinned: bool,
    /// Publish what has no digest in layers/digests.toml.
    #[arg(long)]
    allow_unlocked: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// How the result is written to stdout.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl Publish {
    /// Plans, and carries the plan out.
    ///
    /// # Errors
    /// If nothing can be published anywhere; what goes wrong in a region is an outcome.
    pub fn run(&self, session: &Session, patience: Patience) -> Result<Outcome> {
        let cloud: Cloud = self.place.cloud.into();
        if cloud == Cloud::Aliyun && !(self.org.is_empty() && self.account.is_empty()) {
            return Err(invalid(
                "a layer of Function Compute is private or public\n\nhint: leave out `--org` and `--account`",
            ));
        }
        // What is published must be recorded, so it is seen to first that it can be.
        match self.dry_run {
            true => drop(Index::load(&session.catalog.root)?),
            false => Index::check(&session.catalog.root)?,
        }
        let Some(orders) = self.orders(session, cloud)? else { return Ok(Outcome::Findings) };
        let regions = Regions::load(&session.catalog.root)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let regions = self.place.regions(&regions).await?;
            let named = !self.place.all_regions;
            let (bucket, ui) = (self.bucket.as_ref(), &session.ui);
            match self.place.cloud {
                CloudChoice::Aws => {
                    self.work(session, patience, &places::aws(regions, named, bucket, ui).await?, &orders).await
                }
                CloudChoice::Aliyun => {
                    self.work(session, patience, &places::aliyun(regions, named, bucket, ui)?, &orders).await
                }
            }
        })
    }

    /// The checked zips, or nothing if all that is wrong has been told.
    fn orders(&self, session: &Session, cloud: Cloud) -> Result<Option<Vec<Order>>> {
        let archives = self.fetch.open(session)?;
        let settle = |layer: &LayerRef| {
            layer.settled(session, &archives, &|version| {
                let record = |arch: &Arch| session.dist.join(file_name(&layer.name, version, *arch, "json"));
                Arch::ALL.iter().any(|arch| record(arch).is_file())
            })
        };
        let layers = self.layers.iter().map(settle).collect::<Result<Vec<_>>>()?;
        let selection = Selection {
            layers: &layers,
            architectures: &self.arch,
            cloud,
            template: &self.name_template,
            by_bucket: self.bucket.is_some(),
            allow_unpinned: self.allow_unpinned,
            allow_unlocked: self.allow_unlocked,
            today: Date::of(SystemTime::now()),
        };
        let lock = Lock::load(&session.catalog.root)?;
        let shelf = ZipsAndPins { catalog: &session.catalog, lock: &lock, dist: &session.dist };
        match collect(&shelf, &selection)? {
            Ok((orders, remarks)) => {
                remarks.iter().for_each(|remark| session.ui.note(format!("note: {remark}")));
                Ok(Some(orders))
            }
            Err(findings) => {
                session.ui.note("nothing was sent, because of these problems:\n");
                session.ui.data(&findings.iter().map(|finding| format!("{finding}\n")).collect::<String>())?;
                Ok(None)
            }
        }
    }

    async fn work<S: Store>(
        &self,
        session: &Session,
        patience: Patience,
        places: &[Place<S>],
        orders: &[Order],
    ) -> Result<Outcome> {
        // Taken before anything is looked at: another run may be changing it.
        let journal = Journal::open(&session.cache, &session.ui)?;
        let plan = {
            let _progress = session.ui.busy(&format!("looking at {}", counted(places.len(), "region")));
            survey(&patience, places, orders, &self.wish(), self.place.cloud.into()).await
        };
        if self.dry_run {
            session.ui.data(&match self.format {
                Format::Text => plan::text::render(&plan),
                Format::Json => json(&plan)?,
            })?;
            return Ok(if plan.has_failures() { Outcome::Findings } else { Outcome::Done });
        }
        announce(session, &plan);
        let engine = Engine { patience, journal: &journal, ui: &session.ui };
        let report = carry_out(&engine, places, orders, &plan).await;
        self.finish(session, orders, &report)
    }

    fn wish(&self) -> SharingAndRetention {
        let public = self.public.then_some(Audience::Public);
        let organizations = self.org.iter().cloned().map(Audience::Organization);
        let accounts = self.account.iter().cloned().map(Audience::Account);
        let audience: BTreeSet<_> = public.into_iter().chain(organizations).chain(accounts).collect();
        SharingAndRetention { audience, keep: self.keep.map(NonZeroUsize::get) }
    }

    fn finish(&self, session: &Session, orders: &[Order], report: &Report) -> Result<Outcome> {
        Index::update(&session.catalog.root, orders, report)?;
        session.ui.data(&match self.format {
            Format::Text => report.text(),
            Format::Json => json(report)?,
        })?;
        session.ui.note(format!("\n{}", report.summary()));
        Ok(if report.has_failures() { Outcome::Findings } else { Outcome::Done })
    }
}

/// Says what is going to happen, with every version that will be deleted.
fn announce(session: &Session, plan: &Plan) {
    session.ui.note(plan::text::summary(plan));
    for (region, layer) in plan.layers() {
        layer.notes.iter().for_each(|note| session.ui.warn(format!("{region}: {}: {note}", layer.name)));
        for action in &layer.actions {
            if let Action::Delete(version) = action {
                session.ui.note(format!("  will delete {} ({})", version.arn, foreign(&version.description)));
            }
        }
    }
}
