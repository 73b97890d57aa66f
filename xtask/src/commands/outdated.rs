//! `cargo xtask outdated`: what is newer than what is pinned.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::sourcing::FetchArgs;
use super::{Format, Outcome, json};
use crate::bump::family;
use crate::error::invalid;
use crate::fresh::clouds::{CloudNews, Difference};
use crate::fresh::recipes::{PlaceNews, RecipeNews};
use crate::fresh::{Asker, clouds, osv, recipes};
use crate::model::{Cloud, Recipe, RecipeName};
use crate::session::Session;
use crate::ui::counted;

/// Compare pinned versions with the newest that each origin has, and known regions and runtimes with the clouds' libraries.
///
/// Nothing is changed: `bump` does that. Places that do not answer are named. Answers count for an hour.
#[derive(Debug, Args)]
pub struct Outdated {
    /// Look at these recipes only, and not at the clouds.
    #[arg(value_name = "RECIPE")]
    recipes: Vec<RecipeName>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    osv: OsvArgs,
}

/// Where the database of vulnerabilities is.
#[derive(Debug, Args)]
pub struct OsvArgs {
    /// The batch API of a vulnerability database that works like osv.dev.
    #[arg(long = "osv", env = "MEDIA_LAYERS_OSV", value_name = "URL", default_value = osv::API)]
    pub api: String,
}

/// How long all questions together may take.
const WITHIN: Duration = Duration::from_secs(14);

/// What `outdated` prints.
#[derive(Debug, Serialize)]
struct Report {
    recipes: Vec<RecipeNews>,
    clouds: Vec<CloudNews>,
}

impl Outdated {
    /// Asks, and prints what is new.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let catalog = &session.catalog;
        for name in &self.recipes {
            catalog.recipe(name)?;
        }
        if self.osv.api.parse::<url::Url>().is_err() {
            return Err(invalid(format!("`{}` is not a URL", self.osv.api)));
        }
        let wanted = |recipe: &&Recipe| self.recipes.is_empty() || self.recipes.contains(&recipe.name);
        let pinned: Vec<&Recipe> = catalog.recipes.values().map(|entry| &entry.recipe).filter(wanted).collect();
        let archives = self.fetch.open(session)?;
        archives.find_an_index(catalog);
        let context = archives.context();
        let client = context.network.client().map(|_| Asker::client());
        let asker = Asker::new(context.mirrors, client, &session.cache, WITHIN);
        let progress = session.ui.busy("looking for newer versions");
        let (mut recipes, clouds) = thread::scope(|scope| {
            let clouds = scope.spawn(|| match self.recipes.is_empty() {
                true => clouds::look(&asker, catalog),
                false => Ok(Vec::new()),
            });
            let recipes = recipes::look(&asker, &pinned, &self.osv.api, &progress);
            (recipes, clouds.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        drop(progress);
        for news in &mut recipes {
            news.moves_with =
                news.pinned.first().map(|pinned| family(catalog, &news.recipe, pinned)).unwrap_or_default();
        }
        let report = Report { recipes, clouds: clouds? };
        session.ui.data(&match self.format {
            Format::Text => report.render()?,
            Format::Json => json(&report)?,
        })?;
        Ok(Outcome::Done)
    }
}

impl Report {
    fn render(&self) -> Result<String> {
        let mut text = String::new();
        for recipe in &self.recipes {
            of_recipe(&mut text, recipe)?;
        }
        for cloud in &self.clouds {
            of_cloud(&mut text, cloud)?;
        }
        let failed = self.recipes.iter().flat_map(|recipe| &recipe.places).filter(|place| place.failure.is_some());
        let mut silent: Vec<&str> = failed.map(|place| place.place.as_str()).collect();
        silent.sort_unstable();
        silent.dedup();
        let mut unasked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (why, recipe) in self.recipes.iter().flat_map(|news| news.not_asked.iter().map(move |why| (why, news))) {
            unasked.entry(why).or_default().push(recipe.recipe.as_str());
        }
        for (why, names) in unasked {
            writeln!(text, "\nvulnerabilities of {}\n  not asked: {why}", names.join(", "))?;
        }
        let count = self.recipes.iter().filter(|recipe| recipe.outdated).count();
        let newer = if count == 1 { "1 recipe is".to_owned() } else { format!("{count} recipes are") };
        writeln!(text, "\n{newer} outdated; {} did not answer", counted(silent.len(), "place"))?;
        Ok(text)
    }
}

fn of_recipe(text: &mut String, news: &RecipeNews) -> Result<()> {
    let pinned: Vec<&str> = news.pinned.iter().map(|version| version.as_str()).collect();
    let state = match &news.newest {
        Some(newest) if news.outdated => format!("newer: {newest}"),
        Some(_) => "newest".to_owned(),
        None if news.places.is_empty() => "not asked: its version is that of another recipe's archive".to_owned(),
        None => "nobody answered".to_owned(),
    };
    writeln!(text, "{:12} {:24} {state}", news.recipe, pinned.join(", "))?;
    for place in news.places.iter().filter(|place| place.newest.is_some() || place.failure.is_some()) {
        writeln!(text, "  {}", of_place(place))?;
    }
    if let Some(beyond) = &news.beyond {
        writeln!(text, "  {beyond} is of another release line than the one that the recipe stays in")?;
    }
    for (version, known) in news.vulnerabilities.iter().filter(|(_, known)| !known.is_empty()) {
        writeln!(text, "  known vulnerabilities of {version}: {}", known.join(", "))?;
    }
    Ok(())
}

fn of_place(news: &PlaceNews) -> String {
    let mut line = match (&news.newest, &news.failure) {
        (_, Some(why)) => format!("{:12} {}: {why}", "no answer", news.place),
        (newest, None) => format!("{:12} {}", newest.as_ref().map_or("none", |newest| newest.as_str()), news.place),
    };
    for version in &news.yanked {
        line.push_str(&format!("; {version} WAS WITHDRAWN"));
    }
    line
}

fn of_cloud(text: &mut String, news: &CloudNews) -> Result<()> {
    let name = match news.cloud {
        Cloud::Aws => "AWS Lambda",
        Cloud::Aliyun => "Function Compute",
    };
    let library = news.library.as_deref().unwrap_or("no answer");
    writeln!(text, "\n{name}, as {library} knows it")?;
    if let Some(why) = &news.failure {
        writeln!(text, "  {why}")?;
    }
    let mut line = |what: &str, file: &str, difference: &Difference| -> std::fmt::Result {
        if !difference.missing.is_empty() {
            writeln!(text, "  {what} that {file} lacks: {}", difference.missing.join(", "))?;
        }
        if !difference.unknown.is_empty() {
            writeln!(text, "  {what} of {file} that it does not know: {}", difference.unknown.join(", "))?;
        }
        Ok(())
    };
    line("runtimes", "docker/targets.toml", &news.runtimes)?;
    line("regions", "layers/regions.toml", &news.regions)?;
    writeln!(text, "  not asked: {}", news.not_asked)?;
    Ok(())
}
