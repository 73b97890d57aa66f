//! `cargo xtask regions`: the regions that are known, and whether an account sees the same.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use futures_util::future::join_all;
use xtask::commands::Outcome;
use xtask::model::target::Cloud;
use xtask::session::Session;
use xtask::ui::Ui;
use xtask::ui::foreign::foreign;

use super::places::{self, CloudChoice};
use crate::aws;
use crate::model::{Partition, Region, Regions};
use crate::store::Kind;

/// List the regions that layers can be published to.
#[derive(Debug, Args)]
pub struct RegionsCommand {
    /// The cloud.
    #[arg(long, value_enum, default_value_t = CloudChoice::Aws)]
    cloud: CloudChoice,
    /// Compare the list with what the account sees, and exit with 1 where they differ.
    #[arg(long)]
    check: bool,
}

impl RegionsCommand {
    /// Prints the regions, or the differences.
    ///
    /// # Errors
    /// If the account cannot be asked.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let known = Regions::load(&session.catalog.root)?;
        if !self.check {
            session.ui.data(&list(&known, self.cloud.into()))?;
            return Ok(Outcome::Done);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let differences = runtime.block_on(async {
            match self.cloud {
                CloudChoice::Aws => check_aws(&known, &session.ui).await,
                CloudChoice::Aliyun => check_aliyun(&known, &session.ui).await,
            }
        })?;
        session.ui.data(&differences.iter().map(|difference| format!("{difference}\n")).collect::<String>())?;
        if differences.is_empty() {
            session.ui.note("layers/regions.toml agrees with what the account sees");
            return Ok(Outcome::Done);
        }
        Ok(Outcome::Findings)
    }
}

fn list(known: &Regions, cloud: Cloud) -> String {
    let mut text = String::new();
    let partitions = [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov, Partition::AwsEusc, Partition::Aliyun];
    for partition in partitions.into_iter().filter(|partition| partition.cloud() == cloud) {
        for region in known.of(partition) {
            let opt_in = if region.opt_in { " (opt-in)" } else { "" };
            let _ = writeln!(text, "{:24} {}{opt_in}", region.name, region.title);
        }
    }
    text
}

async fn check_aws(known: &Regions, ui: &Ui) -> Result<Vec<String>> {
    let partition = aws::Session::partition(known).await;
    let Some(first) = known.of(partition).next() else { return Ok(Vec::new()) };
    let session = aws::Session::open(first, ui).await?;
    let seen = aws::regions::seen(&session, &first.name).await?;
    let ours: Vec<&Region> = known.of(partition).collect();
    let mut differences = Vec::new();
    for (name, opt_in) in &seen {
        match ours.iter().find(|region| region.name == *name) {
            None => {
                let name = foreign(name);
                differences.push(format!("{name}: the account sees it, and layers/regions.toml does not list it"));
            }
            Some(region) if region.opt_in != *opt_in => {
                differences.push(format!("{name}: `opt-in` should be {opt_in}"));
            }
            Some(_) => {}
        }
    }
    let unseen = ours.iter().filter(|region| !seen.contains_key(&region.name));
    differences.extend(
        unseen.map(|region| format!("{region}: layers/regions.toml lists it, and the account does not see it")),
    );
    Ok(differences)
}

/// Function Compute has no list of its regions, so each that is known is asked.
async fn check_aliyun(known: &Regions, ui: &Ui) -> Result<Vec<String>> {
    let regions: Vec<Region> = known.of(Partition::Aliyun).cloned().collect();
    let places = places::aliyun(regions, true, None, ui)?;
    let answers = join_all(places.iter().map(|place| async move { (&place.region, place.store.ask().await) })).await;
    let differences = answers.into_iter().filter_map(|(region, answer)| match answer {
        Err(failure) if failure.kind == Kind::NotEnabled && region.opt_in => None,
        Err(failure) => Some(format!("{region}: {failure}")),
        Ok(()) => None,
    });
    Ok(differences.collect())
}
