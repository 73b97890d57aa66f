//! What a container adds to the processor time of a build.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use clap::Parser;
use xtask::commands::sourcing::FetchArgs;
use xtask::compile::{Builder, ContainerRunner, HostRunner, PackageCache, Places, Room, Runner};
use xtask::files;
use xtask::model::Arch;
use xtask::plan::{Key, Plan, Request, resolve};
use xtask::process::Isolated;
use xtask::session::Session;
use xtask::ui::Ui;

use super::*;

/// What is compiled: small packages, where a container's own cost counts most. CPU seconds: about 2, 10 and 25.
const PACKAGES: [&str; 3] = ["zlib", "mbedtls", "curl"];

/// Measures what the programs of steps take, wherever they run: the shell around them tells.
struct Timed<R> {
    inner: R,
    seconds: Mutex<f64>,
}

struct TimedRoom<'a> {
    inner: Box<dyn Room + 'a>,
    times: PathBuf,
    seconds: &'a Mutex<f64>,
}

impl<R: Runner> Runner for Timed<R> {
    fn open(&self, places: &Places) -> Result<Box<dyn Room + '_>> {
        let times = places.work.join("tmp/times");
        Ok(Box::new(TimedRoom { inner: self.inner.open(places)?, times, seconds: &self.seconds }))
    }
}

impl Room for TimedRoom<'_> {
    fn places(&self) -> &Places {
        self.inner.places()
    }

    fn run(&mut self, program: &Isolated<'_>, log: &File) -> Result<()> {
        let file = self.places().work.join("tmp/times").to_string_lossy().into_owned();
        let script = r#"file=$1; shift; "$@"; result=$?; times >"$file"; exit $result"#;
        let around = ["/bin/sh", "-c", script, "timed", &file].map(str::to_owned);
        let argv: Vec<String> = around.into_iter().chain(program.argv.iter().cloned()).collect();
        self.inner.run(&Isolated { argv: &argv, ..program.clone() }, log)?;
        *self.seconds.lock().expect("a number") += seconds(&fs::read_to_string(&self.times)?);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.inner.close()
    }
}

/// The sum of what `times` prints: minutes and seconds of the shell and of what it ran, in user mode and in the kernel.
fn seconds(times: &str) -> f64 {
    let one = |word: &str| {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').expect("minutes");
        minutes.parse::<f64>().expect("a number") * 60.0 + seconds.parse::<f64>().expect("a number")
    };
    times.split_whitespace().map(one).sum()
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    fetch: FetchArgs,
}

#[test]
#[ignore = "needs a container engine, stand-ins and the packages of the host's build, and compiles for a minute"]
fn a_container_costs_less_than_a_tenth() {
    let (engine, session) = (engine(), Session::open(None, Ui::silent()).expect("a session"));
    let image = image(&engine, "al2", BULLSEYE);
    let request = Request {
        layer: "mediainfo".parse().expect("a name"),
        version: None,
        archs: vec![Arch::X86_64],
        builder: Arch::X86_64,
        overrides: BTreeMap::new(),
    };
    let plan = resolve(&session.catalog, &request).expect("a plan");
    let host = Timed { inner: HostRunner, seconds: Mutex::default() };
    let contained = Timed { inner: ContainerRunner { engine: &engine, image: &image }, seconds: Mutex::default() };
    let [mut host_more, mut contained_more] = [0.0; 2];
    let folders = [(); 2].map(|()| tempfile::tempdir_in(&session.cache).expect("a folder"));
    let ready = [0, 1].map(|number| tools(&session, &plan, folders[number].path()));
    // In turns, so that whatever else goes on here disturbs both alike.
    for name in PACKAGES {
        let before = own_seconds();
        compile(&session, &plan, folders[0].path(), &ready[0], name, &host);
        host_more += own_seconds() - before;
        let before = own_seconds() + engine_seconds();
        compile(&session, &plan, folders[1].path(), &ready[1], name, &contained);
        contained_more += own_seconds() + engine_seconds() - before;
    }
    let [host, contained] = [host.seconds, contained.seconds].map(|sum| sum.into_inner().expect("a number"));
    // On the host the steps are children of this process, and so already among what it cost.
    let contained_all = contained + contained_more;
    eprintln!(
        "CPU seconds of {}: host {host_more:.1} (its steps {host:.1}), container {contained_all:.1} (its steps {contained:.1}, tool and engine {contained_more:.1}); ratio {:.3}",
        PACKAGES.join(", "),
        contained_all / host_more
    );
    assert!(contained_all <= host_more * 1.1, "a container costs too much");
}

/// A cache that has what the packages are made with, as the main cache has it.
fn tools(session: &Session, plan: &Plan, folder: &Path) -> BTreeMap<Key, PathBuf> {
    let main = PackageCache::open(&session.cache).expect("the cache");
    let mut ready = BTreeMap::new();
    for package in plan.packages.iter().filter(|package| package.is_tool()) {
        let found = main.find(package.key, &package.label(), &session.ui).expect("the cache").expect("build it first");
        let to = folder.join("packages").join(package.key.to_string());
        files::copy(found.parent().expect("a folder"), &to).expect("a copy");
        ready.insert(package.key, to.join("files"));
    }
    ready
}

fn compile(session: &Session, plan: &Plan, cache: &Path, ready: &BTreeMap<Key, PathBuf>, name: &str, by: &dyn Runner) {
    let fetch = Arguments::parse_from(["fetch", "--offline"]).fetch;
    let (sources, cache) = (fetch.open(session).expect("sources"), PackageCache::open(cache).expect("a cache"));
    let builder =
        Builder { catalog: &session.catalog, cache: &cache, sources: &sources, runner: by, jobs: 2, ui: &session.ui };
    let package = plan.packages.iter().find(|package| package.recipe.as_str() == name).expect("a package");
    let needs =
        package.needs.values().map(|key| (*key, cache.root().join("packages").join(key.to_string()).join("files")));
    let ready = ready.iter().map(|(key, path)| (*key, path.clone())).chain(needs).collect();
    builder.build(package, &ready).expect("a build");
}

/// What this process and what it has started have cost, in CPU seconds.
fn own_seconds() -> f64 {
    seconds_of(&|process| process.split(' ').next() == Some(&std::process::id().to_string()))
}

/// What engines have cost, in CPU seconds.
fn engine_seconds() -> f64 {
    seconds_of(&|process| ["(dockerd", "(containerd", "(conmon", "(podman"].iter().any(|name| process.contains(name)))
}

/// The CPU seconds of the processes whose number and name are like that.
fn seconds_of(which: &dyn Fn(&str) -> bool) -> f64 {
    let mut ticks = 0;
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(stat) = fs::read_to_string(process.path().join("stat")) else { continue };
        let Some((head, rest)) = stat.rsplit_once(')') else { continue };
        if which(head) {
            // User and kernel time, of itself and of children that have ended.
            ticks += rest.split_whitespace().skip(11).take(4).filter_map(|it| it.parse::<u64>().ok()).sum::<u64>();
        }
    }
    ticks as f64 / 100.0
}
