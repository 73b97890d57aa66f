//! Which version is taken where none is named: by what the store, folders and the network have.

mod checkout;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use checkout::Checkout;
use xtask::catalog::Catalog;
use xtask::choice::{Choice, choose};
use xtask::model::Version;
use xtask::plan::Request;
use xtask::source::{Client, Context, MirrorArgs, Mirrors, Network, Store};
use xtask::ui::Ui;

/// A layer with three versions, each with a source of its own in the folder `mirror`, if a test puts it there.
struct Bench {
    checkout: Checkout,
    mirror: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let checkout = Checkout::new();
        // In no order, and such that their texts are ordered otherwise.
        let versions: String = ["9.2", "10.1", "9.10"].map(pinned).concat();
        let recipe = fs::read_to_string(checkout.path().join("recipes/app/recipe.toml")).expect("a recipe");
        let head = recipe.split("[[versions]]").next().expect("a head");
        checkout.write("recipes/app/recipe.toml", &format!("{head}{versions}"));
        let mirror = checkout.path().join("mirror");
        fs::create_dir(&mirror).expect("a folder");
        Bench { checkout, mirror }
    }

    fn put(&self, version: &str) {
        fs::write(self.mirror.join(format!("app-{version}.tar.gz")), text(version)).expect("a file");
    }

    fn choose(&self, network: &Network, finished: &str) -> Choice {
        let catalog = Catalog::load(self.checkout.path()).expect("a catalog");
        let folder = |folder: &Path| folder.display().to_string();
        // Nothing of this machine's own mirrors.
        let args = MirrorArgs {
            debian_mirror: vec![folder(&self.mirror)],
            pypi_index: vec![folder(&self.mirror)],
            mirror_dir: vec![self.mirror.clone()],
        };
        let (mirrors, store) = (Mirrors::new(&args).expect("mirrors"), Store::new(self.checkout.cache()));
        let context = Context { mirrors: &mirrors, store: &store, network, ui: &Ui::silent() };
        let request = Request::of("app".parse().expect("a name"));
        choose(&catalog, &context, &request, &|version: &Version| version.as_str() == finished).expect("a choice")
    }
}

fn text(version: &str) -> String {
    format!("source of {version}")
}

/// A version whose only origin is a host that no resolver knows.
fn pinned(version: &str) -> String {
    let text = text(version);
    let sha256 = xtask::model::Sha256::of(&text);
    let size = text.len();
    format!(
        r#"
[[versions]]
version = "{version}"
[[versions.sources]]
[[versions.sources.archives]]
root = "app"
size = {size}
sha256 = "{sha256}"
origins = ["https://unknown.invalid/app-{version}.tar.gz"]
"#
    )
}

fn online() -> Network {
    Network::Online(Box::<Client>::default())
}

#[test]
fn the_newest_that_is_here_is_taken() {
    let bench = Bench::new();
    for version in ["9.2", "9.10", "10.1"] {
        bench.put(version);
        let choice = bench.choose(&Network::Offline, "none");
        assert_eq!(choice.version.as_str(), version);
        assert_eq!(choice.warning().is_none(), version == "10.1");
    }
    assert_eq!(bench.choose(&online(), "none").version.as_str(), "10.1");
}

#[test]
fn one_line_says_which_places_were_tried_and_what_is_taken() {
    let bench = Bench::new();
    bench.put("9.2");
    // The best of three, as other work on the machine takes time too.
    let timed = || {
        let began = Instant::now();
        bench.choose(&online(), "none");
        began.elapsed()
    };
    let quickest = [timed(), timed(), timed()].into_iter().min();
    assert!(quickest < Some(Duration::from_secs(2)), "{quickest:?}");
    let choice = bench.choose(&online(), "none");
    assert_eq!(choice.version.as_str(), "9.2");
    assert_eq!(
        choice.warning().as_deref(),
        Some(
            "this is app 9.2, because the sources of 10.1 and 9.10 cannot be fetched here (unknown.invalid:443: the host is \
             not known here); `app@10.1` would not fall back"
        )
    );
    assert_eq!(
        bench.choose(&Network::Offline, "none").warning().as_deref(),
        Some(
            "this is app 9.2, because the sources of 10.1 and 9.10 cannot be fetched here (`--offline` forbids fetching what \
             is neither in the store nor in a folder); `app@10.1` would not fall back"
        )
    );
}

#[test]
fn a_file_of_another_size_is_not_the_source() {
    let bench = Bench::new();
    bench.put("9.2");
    fs::write(bench.mirror.join("app-10.1.tar.gz"), "cut").expect("a file");
    assert_eq!(bench.choose(&Network::Offline, "none").version.as_str(), "9.2");
}

#[test]
fn what_is_in_the_store_counts() {
    let bench = Bench::new();
    bench.put("9.2");
    let file = Store::new(bench.checkout.cache()).path(&xtask::model::Sha256::of(text("10.1")));
    fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
    fs::write(file, text("10.1")).expect("a file");
    assert_eq!(bench.choose(&Network::Offline, "none").version.as_str(), "10.1");
}

#[test]
fn what_is_finished_needs_no_source() {
    let bench = Bench::new();
    bench.put("9.2");
    let choice = bench.choose(&Network::Offline, "10.1");
    assert_eq!((choice.version.as_str(), choice.warning()), ("10.1", None));
    let choice = bench.choose(&Network::Offline, "9.10");
    assert_eq!((choice.version.as_str(), choice.passed_over.len()), ("9.10", 1));
}

#[test]
fn if_none_can_be_had_the_newest_is_planned_and_fetching_says_what_to_do() {
    let choice = Bench::new().choose(&Network::Offline, "none");
    assert_eq!(choice.version.as_str(), "10.1");
    assert_eq!(
        choice.warning().as_deref(),
        Some(
            "the sources of app 10.1 and 9.10 and 9.2 cannot be fetched here (`--offline` forbids fetching what is neither in \
             the store nor in a folder); going on with the newest, 10.1"
        )
    );
}

#[test]
fn what_every_version_needs_decides_nothing() {
    // `lib` and `zig`, which every version needs, are nowhere.
    let bench = Bench::new();
    bench.put("10.1");
    assert_eq!(bench.choose(&Network::Offline, "none").version.as_str(), "10.1");
}
