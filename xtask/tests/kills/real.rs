//! Real work, killed at moments that chance chooses. Needs `ci/test-kill`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use crate::chance::Xorshift;
use crate::tool::{KILLS, LIMIT, Place, Run};

/// Names the number of kills.
const VARIABLE: &str = "KILL_TEST_KILLS";

/// The layer, for this machine's architecture.
const LAYER: &str = "mediainfo";

/// Packages that take some seconds each.
const SMALL: [&str; 3] = ["zlib", "curl", "zenlib"];

/// A whole verification takes too long: only its beginning is disturbed.
const BEGINNING: Duration = Duration::from_secs(60);

/// What is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Fetch,
    Compile,
    Pack,
    Smoke,
    Verify,
}

impl Work {
    const ALL: [Work; 5] = [Work::Fetch, Work::Compile, Work::Pack, Work::Smoke, Work::Verify];

    /// Puts everything into the state in which there is this work to do.
    fn prepare(self, place: &Place, chance: &mut Xorshift) {
        match self {
            Work::Fetch => remove(&place.cache().join("archives")),
            Work::Compile => {
                let recipe: &&str = chance.one_of(&SMALL);
                remove(&package(place, recipe));
                remove(&contents(place));
            }
            Work::Pack => remove(&contents(place)),
            Work::Smoke | Work::Verify => {}
        }
    }

    /// Whether it ends with a new zip, which is then tried.
    fn packs(self) -> bool {
        matches!(self, Work::Compile | Work::Pack)
    }

    fn arguments(self, zip: &str) -> Vec<&str> {
        match self {
            Work::Fetch => vec!["fetch", LAYER],
            Work::Compile | Work::Pack => vec!["build-layer", LAYER],
            Work::Smoke => vec!["smoke", zip],
            Work::Verify => vec!["verify", LAYER],
        }
    }

    /// What a user might do next, to its end.
    fn next(self, zip: &str) -> Vec<&str> {
        match self {
            Work::Smoke | Work::Verify => vec!["list"],
            other => other.arguments(zip),
        }
    }
}

#[test]
#[ignore = "needs a finished layer and sources: ci/test-kill"]
fn nothing_goes_on_and_nothing_stays() {
    let kills = std::env::var(VARIABLE).map_or(30, |text| text.parse().expect("a number"));
    let mut chance = Xorshift::new();
    let place = Place::new();
    copy_cache(&place);
    let zip = contents(&place).with_extension("zip").display().to_string();
    assert!(Path::new(&zip).exists(), "{zip}: build the layer first");
    let mut whole = Work::ALL.map(|work| {
        work.prepare(&place, &mut chance);
        if work == Work::Verify {
            return BEGINNING;
        }
        let (took, said) = undisturbed(&place, &work.arguments(&zip));
        assert!(!work.packs() || said.contains("smoke"), "there was nothing to disturb: {said}");
        took
    });
    eprintln!("undisturbed: {whole:.1?}");
    let (mut done, mut longest, mut tries) = (0, Duration::ZERO, 0);
    while done < kills {
        tries += 1;
        assert!(tries < 3 * kills, "only {done} of {tries} runs were killed before their end");
        let number = done % Work::ALL.len();
        let (work, kill) = (Work::ALL[number], *chance.one_of(&KILLS));
        work.prepare(&place, &mut chance);
        let begun = Instant::now();
        let moment = whole[number].mul_f64(chance.share());
        let mut run = place.begin(&work.arguments(&zip));
        if !sleep_while_it_runs(&mut run, begun + moment) {
            assert!(run.succeeded(), "{}", run.log());
            // It takes less time than it took on a busier machine.
            whole[number] = whole[number].mul_f64(0.9);
            continue;
        }
        let said = run.log().lines().next_back().unwrap_or_default().trim().to_owned();
        let took = run.kill(kill, LIMIT);
        longest = longest.max(took);
        done += 1;
        let left = place.leftovers().len();
        undisturbed(&place, &work.next(&zip));
        assert_eq!(place.leftovers(), Vec::<PathBuf>::new(), "after {kill:?} in {work:?}");
        let partial = partial_files(&place);
        assert_eq!(partial, Vec::<PathBuf>::new(), "after {kill:?} in {work:?}");
        eprintln!(
            "{done:2}: {work:?} after {moment:.1?} (`{said}`), {kill:?}: over after {took:.0?}, {left} left for the next run"
        );
    }
    eprintln!("{done} kills; the longest that anything went on: {longest:.0?}");
}

/// Runs the tool to its end. How long it takes, and what it says.
#[track_caller]
fn undisturbed(place: &Place, arguments: &[&str]) -> (Duration, String) {
    let begun = Instant::now();
    let Output { status, stdout, stderr } = place.run(arguments);
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    // Patches may have been changed since the digests were recorded.
    let differs = said.contains("these are not the bytes that");
    assert!(status.success() || status.code() == Some(1) && differs, "{arguments:?}: {status}\n{said}");
    (begun.elapsed(), said)
}

/// False if it ended before.
fn sleep_while_it_runs(run: &mut Run<'_>, until: Instant) -> bool {
    while Instant::now() < until {
        if !run.runs() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    run.runs()
}

/// Files that are not whole: downloads that the next run goes on with until it has them, and what is being packed.
fn partial_files(place: &Place) -> Vec<PathBuf> {
    let list = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let packing = list(root().join("dist")).filter(|path| path.extension().is_some_and(|end| end == "partial"));
    packing.chain(list(place.cache().join("partial"))).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

/// What is in the layer's zip, beside it in dist/. A build without it packs again.
fn contents(place: &Place) -> PathBuf {
    let arch = xtask::model::Arch::of_this_machine().expect("an architecture of ours");
    let plan = plan(place);
    let version = plan["version"].as_str().expect("text");
    root().join(format!("dist/{LAYER}-{version}-{arch}.json"))
}

/// The archives and packages of this machine's own cache: what is removed here stays there.
fn copy_cache(place: &Place) {
    let own = std::env::var_os("MEDIA_LAYERS_CACHE").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache/media-layers");
    let own = own.unwrap_or_else(home);
    fs::create_dir(place.cache()).expect("a folder");
    for (_, key) in packages(place) {
        let name = Path::new("packages").join(key);
        if own.join(&name).exists() {
            xtask::files::duplicate(&own.join(&name), &place.cache().join(&name)).expect("a copy");
        }
    }
    xtask::files::duplicate(&own.join("archives"), &place.cache().join("archives")).expect("a copy");
}

/// Recipes and keys of the packages that the layer is made of and with.
fn packages(place: &Place) -> Vec<(String, String)> {
    let plan = plan(place);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let all = plan["packages"].as_array().expect("packages").iter();
    all.map(|package| (text(&package["recipe"]), text(&package["key"]))).collect()
}

/// Of the version that a build without a named one takes.
fn plan(place: &Place) -> serde_json::Value {
    let Output { status, stdout, .. } = place.run(&["plan", LAYER, "--format", "json"]);
    assert!(status.success());
    serde_json::from_slice(&stdout).expect("JSON")
}

fn package(place: &Place, recipe: &str) -> PathBuf {
    let all = packages(place);
    let (_, key) = all.iter().find(|(name, _)| name == recipe).expect("a package of that recipe");
    place.cache().join("packages").join(key)
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).expect("removed"),
        Ok(_) => fs::remove_file(path).expect("removed"),
        Err(_) => {}
    }
}
