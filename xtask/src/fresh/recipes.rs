//! Recipes compared with what the places know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;

use super::ask::{Asker, From, Told};
use super::debian::{SUITES, SourcePackage};
use super::osv::Query;
use super::place::Place;
use super::python::ProjectFile;
use super::release::{is_of, of_debian};
use crate::model::{Recipe, RecipeName, Version};
use crate::pack::purl;
use crate::ui::Progress;

/// What is new about one recipe.
#[derive(Debug, Serialize)]
pub struct RecipeNews {
    /// The recipe.
    pub recipe: RecipeName,
    /// What it pins, newest first.
    pub pinned: Vec<Version>,
    /// The newest that any place knows, within the recipe's release line.
    pub newest: Option<Version>,
    /// Whether that is newer than what is pinned.
    pub outdated: bool,
    /// The newest of another release line, if the recipe stays in one.
    pub beyond: Option<Version>,
    /// The recipes that have to have the same version, this one included.
    pub moves_with: Vec<RecipeName>,
    /// What each place said.
    pub places: Vec<PlaceNews>,
    /// What is known against each pinned version; absent where nobody could be asked.
    pub vulnerabilities: BTreeMap<Version, Vec<String>>,
    /// Why nobody could be asked about some version.
    pub not_asked: Vec<String>,
}

/// What one place said.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceNews {
    /// Which place.
    pub place: String,
    /// The address that answered.
    pub asked: Option<String>,
    /// The newest release that it knows.
    pub newest: Option<Version>,
    /// Pinned versions that were taken back.
    pub yanked: Vec<Version>,
    /// Why there is no answer.
    pub failure: Option<String>,
}

/// A release as one place knows it.
struct Known {
    version: Version,
    yanked: bool,
}

type Answers = BTreeMap<Place, Vec<(String, Told<From<Vec<Known>>>)>>;

/// Asks about every recipe at once. `osv` is the address of OSV's API.
pub fn look(asker: &Asker<'_>, recipes: &[&Recipe], osv: &str, progress: &Progress) -> Vec<RecipeNews> {
    let places: BTreeSet<Place> = recipes.iter().flat_map(|recipe| Place::of(recipe)).collect();
    let (answers, vulnerabilities) = thread::scope(|scope| {
        let vulnerabilities = scope.spawn(|| ask_osv(asker, recipes, osv));
        let answers = ask_places(asker, &places, progress);
        (answers, join(vulnerabilities))
    });
    recipes.iter().map(|recipe| news(recipe, &answers, &vulnerabilities)).collect()
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn ask_places(asker: &Asker<'_>, places: &BTreeSet<Place>, progress: &Progress) -> Answers {
    let packages: BTreeSet<String> = places.iter().filter_map(package).map(str::to_owned).collect();
    let open = AtomicUsize::new(places.len());
    let done = || {
        let left = open.fetch_sub(1, Ordering::Relaxed) - 1;
        progress.say(format!("waiting for {left} of {} places", places.len()));
    };
    thread::scope(|scope| {
        let suites: Vec<_> = SUITES
            .iter()
            .filter(|_| !packages.is_empty())
            .map(|suite| (*suite, scope.spawn(|| asker.debian(suite, &packages))))
            .collect();
        let others: Vec<_> = places
            .iter()
            .filter(|place| package(place).is_none())
            .map(|place| {
                let ask = move || {
                    let answer = ask(asker, place);
                    done();
                    answer
                };
                (place, scope.spawn(ask))
            })
            .collect();
        let mut answers = Answers::new();
        for (place, thread) in others {
            answers.entry(place.clone()).or_default().push((place.to_string(), join(thread)));
        }
        for (suite, thread) in suites {
            let told = join(thread);
            for (place, name) in places.iter().filter_map(|place| Some((place, package(place)?))) {
                let answer = told.clone().map(|from| From {
                    asked: from.asked,
                    answer: of_packages(from.answer.get(name).map(Vec::as_slice).unwrap_or_default()),
                });
                answers.entry(place.clone()).or_default().push((format!("{place} in {suite}"), answer));
            }
        }
        answers
    })
}

fn package(place: &Place) -> Option<&str> {
    match place {
        Place::Debian(package) => Some(package),
        _ => None,
    }
}

fn ask(asker: &Asker<'_>, place: &Place) -> Told<From<Vec<Known>>> {
    let plain = |from: From<Vec<Version>>| From {
        asked: from.asked,
        answer: from.answer.into_iter().map(|version| Known { version, yanked: false }).collect(),
    };
    match place {
        // Asked for all packages at once.
        Place::Debian(_) => Ok(From { asked: String::new(), answer: Vec::new() }),
        Place::Python(project) => {
            asker.python(project).map(|from| From { asked: from.asked, answer: of_files(&from.answer) })
        }
        Place::Tags(tags) => asker.tags(tags).map(plain),
        Place::Listing(listing) => asker.listing(listing).map(plain),
    }
}

fn of_packages(packages: &[SourcePackage]) -> Vec<Known> {
    packages.iter().filter_map(|package| Some(Known { version: of_debian(&package.version)?, yanked: false })).collect()
}

/// A release is taken back when every file of it is.
fn of_files(files: &[ProjectFile]) -> Vec<Known> {
    let mut releases: BTreeMap<Version, bool> = BTreeMap::new();
    for (version, yanked) in files.iter().filter_map(|file| Some((file.release()?, file.yanked))) {
        let all = releases.entry(version).or_insert(true);
        *all &= yanked;
    }
    releases.into_iter().map(|(version, yanked)| Known { version, yanked }).collect()
}

/// The package URLs of all pinned versions, with what is known against each.
type Vulnerabilities = BTreeMap<String, Told<Vec<String>>>;

fn ask_osv(asker: &Asker<'_>, recipes: &[&Recipe], api: &str) -> Vulnerabilities {
    let names: BTreeSet<String> = recipes
        .iter()
        .flat_map(|recipe| recipe.versions.iter().map(|version| purl::of_release(recipe, version)))
        .collect();
    about(asker, &names.into_iter().collect::<Vec<_>>(), api)
}

/// What OSV knows against each package URL.
pub fn about(asker: &Asker<'_>, names: &[String], api: &str) -> Vulnerabilities {
    let queries: Vec<(&String, Query)> = names.iter().filter_map(|name| Some((name, Query::about(name)?))).collect();
    let questions: Vec<Query> = queries.iter().map(|(_, query)| query.clone()).collect();
    let mut known = Vulnerabilities::new();
    if !questions.is_empty() {
        let told = asker.osv(api, &questions);
        for (at, (name, _)) in queries.iter().enumerate() {
            let of_one = |all: &Vec<Vec<String>>| all.get(at).cloned().unwrap_or_default();
            let told = told.as_ref().map(of_one).map_err(|why| format!("osv.dev: {why}"));
            known.insert((*name).clone(), told);
        }
    }
    for name in names {
        let nameless = || Err("osv.dev has no name for it".to_owned());
        known.entry(name.clone()).or_insert_with(nameless);
    }
    known
}

fn news(recipe: &Recipe, answers: &Answers, vulnerabilities: &Vulnerabilities) -> RecipeNews {
    let mut pinned: Vec<Version> = recipe.versions.iter().map(|version| version.version.clone()).collect();
    pinned.sort_by(|a, b| b.compare_age(a));
    let series = recipe.upstream.series.as_ref();
    let (mut newest, mut beyond): (Option<Version>, Option<Version>) = (None, None);
    let mut places = Vec::new();
    for (name, told) in Place::of(recipe).iter().filter_map(|place| answers.get(place)).flatten() {
        if let Ok(from) = told {
            for known in from.answer.iter().filter(|known| !known.yanked) {
                let within = series.is_none_or(|series| is_of(&known.version, series));
                let best = if within { &mut newest } else { &mut beyond };
                if best.as_ref().is_none_or(|best| known.version.compare_age(best).is_gt()) {
                    *best = Some(known.version.clone());
                }
            }
        }
        places.push(of_place(name, told, &pinned));
    }
    let outdated = newest.as_ref().is_some_and(|newest| pinned.iter().all(|own| newest.compare_age(own).is_gt()));
    beyond = beyond.filter(|beyond| pinned.iter().all(|own| beyond.compare_age(own).is_gt()));
    let (mut known, mut not_asked) = (BTreeMap::new(), Vec::new());
    for version in &recipe.versions {
        match vulnerabilities.get(&purl::of_release(recipe, version)) {
            Some(Ok(found)) => drop(known.insert(version.version.clone(), found.clone())),
            Some(Err(why)) if !not_asked.contains(why) => not_asked.push(why.clone()),
            _ => {}
        }
    }
    RecipeNews {
        recipe: recipe.name.clone(),
        pinned,
        newest,
        outdated,
        beyond,
        moves_with: Vec::new(),
        places,
        vulnerabilities: known,
        not_asked,
    }
}

fn of_place(name: &str, told: &Told<From<Vec<Known>>>, pinned: &[Version]) -> PlaceNews {
    let place = name.to_owned();
    match told {
        Ok(from) => {
            let good = from.answer.iter().filter(|known| !known.yanked).map(|known| &known.version);
            let yanked = from.answer.iter().filter(|known| known.yanked && pinned.contains(&known.version));
            PlaceNews {
                place,
                asked: Some(from.asked.clone()),
                newest: good.max_by(|a, b| a.compare_age(b)).cloned(),
                yanked: yanked.map(|known| known.version.clone()).collect(),
                failure: None,
            }
        }
        Err(why) => PlaceNews { place, asked: None, newest: None, yanked: Vec::new(), failure: Some(why.clone()) },
    }
}
