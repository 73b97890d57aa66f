//! Compiling with a fake runner: what is built, what is not, and what a failed or killed build leaves.

mod checkout;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Result, bail};
use checkout::Checkout;
use xtask::catalog::Catalog;
use xtask::compile::{Builder, PackageCache, Places, Room, Runner, Sources, schedule};
use xtask::model::Arch;
use xtask::plan::{Key, Package, Plan, Request, resolve};
use xtask::process::Isolated;
use xtask::ui::Ui;

/// A source tree with nothing but a licence.
struct FakeSources;

impl Sources for FakeSources {
    fn unpack(&self, _package: &Package, into: &Path) -> Result<()> {
        fs::write(into.join("LICENSE"), "do what you like\n")?;
        fs::write(into.join("zig"), "not a compiler\n")?;
        Ok(())
    }
}

/// Pretends to be `make WHAT OUTPUT …`: writes the output and remembers what it was asked.
#[derive(Default)]
struct FakeRunner {
    made: Mutex<Vec<String>>,
    fail: bool,
}

/// Where it pretends.
struct FakeRoom<'a>(&'a FakeRunner, Places);

impl Runner for FakeRunner {
    fn open(&self, places: &Places) -> Result<Box<dyn Room + '_>> {
        Ok(Box::new(FakeRoom(self, places.clone())))
    }
}

impl Room for FakeRoom<'_> {
    fn places(&self) -> &Places {
        &self.1
    }

    fn run(&mut self, program: &Isolated<'_>, mut log: &File) -> Result<()> {
        let [make, what, output, ..] = program.argv else { bail!("not what the recipes say") };
        assert_eq!(make, "make");
        assert_eq!(program.env["HOME"], program.cwd.with_file_name("home").to_string_lossy());
        self.0.made.lock().expect("the list").push(what.clone());
        writeln!(log, "making {what}")?;
        if self.0.fail {
            writeln!(log, "it broke")?;
            bail!("`make` ended with exit status: 2");
        }
        let output = Path::new(output);
        fs::create_dir_all(output.parent().expect("a parent"))?;
        fs::write(output, what)?;
        Ok(())
    }
}

impl FakeRunner {
    fn made(&self) -> Vec<String> {
        let mut made = self.made.lock().expect("the list");
        std::mem::take(&mut *made)
    }
}

fn plan(checkout: &Checkout, archs: &[Arch]) -> (Catalog, Plan) {
    let catalog = Catalog::load(checkout.path()).expect("a catalog");
    let request = Request {
        layer: "app".parse().expect("a name"),
        version: None,
        archs: archs.to_vec(),
        builder: Arch::X86_64,
        overrides: BTreeMap::new(),
    };
    let plan = resolve(&catalog, &request).expect("a plan");
    (catalog, plan)
}

fn build(checkout: &Checkout, archs: &[Arch], runner: &FakeRunner) -> Result<BTreeMap<Key, PathBuf>> {
    let (catalog, plan) = plan(checkout, archs);
    let cache = PackageCache::open(&checkout.cache())?;
    let ui = Ui::silent();
    let builder = Builder { catalog: &catalog, cache: &cache, sources: &FakeSources, runner, jobs: 2, ui: &ui };
    schedule::build_all(&builder, &plan)
}

const X86: &[Arch] = &[Arch::X86_64];

#[test]
fn builds_in_order_and_only_once() {
    let checkout = Checkout::new();
    let runner = FakeRunner::default();
    let ready = build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib", "app"]);
    assert_eq!(ready.len(), 3);
    build(&checkout, X86, &runner).expect("another build");
    assert_eq!(runner.made(), [""; 0]);
    build(&checkout, &Arch::ALL, &runner).expect("a build for both");
    assert_eq!(runner.made(), ["lib", "app"], "only arm64 is new");
}

#[test]
fn a_change_rebuilds_what_needs_it_and_no_more() {
    let checkout = Checkout::new();
    let runner = FakeRunner::default();
    build(&checkout, X86, &runner).expect("a build");
    runner.made();
    checkout.replace("recipes/app/recipe.toml", "\"make\", \"app\"", "\"make\", \"app2\"");
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["app2"]);
    checkout.write("recipes/lib/extra.txt", "a file of the recipe's own");
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib", "app2"]);
    checkout.replace("recipes/lib/recipe.toml", "for tests", "for tests, still");
    checkout.replace("recipes/lib/recipe.toml", "https://example.org/lib", "https://example.org/mirror/lib");
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), [""; 0], "neither words nor origins change the bytes");
    checkout.replace("recipes/toolchain.toml", "\"cc\"", "\"cc\", \"-O3\"");
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib", "app2"]);
}

#[test]
fn flags_are_those_of_the_architecture() {
    let checkout = Checkout::new();
    checkout.replace("recipes/toolchain.toml", "\"cc\"", "\"cc\", \"{flags}\"");
    let toolchain = fs::read_to_string(checkout.path().join("recipes/toolchain.toml")).expect("the file");
    let runner = FakeRunner::default();
    let flags = |flags: &str| checkout.write("recipes/toolchain.toml", &format!("{toolchain}\n[flags]\n{flags}\n"));
    flags("any = [\"-fany\"]\narm64 = [\"-farm\", \"{gnu-arch}\"]");
    let wrapper = |arch: Arch| {
        let (_, planned) = plan(&checkout, &[arch]);
        let package = planned.packages.iter().find(|package| package.recipe.as_str() == "lib").expect("the library");
        package.wrappers["cc"][1..5].to_vec()
    };
    assert_eq!(wrapper(Arch::X86_64), ["cc", "-fany", "-target", "x86_64-linux-gnu.2.17"]);
    assert_eq!(wrapper(Arch::Arm64), ["cc", "-fany", "-farm", "aarch64"]);

    build(&checkout, &Arch::ALL, &runner).expect("a build");
    assert_eq!(runner.made().len(), 4);
    flags("any = [\"-fany\"]\narm64 = [\"-fother\"]");
    build(&checkout, &Arch::ALL, &runner).expect("a build");
    assert_eq!(runner.made().len(), 2, "only arm64 is new");
    flags("armv7 = []");
    let error = format!("{:#}", Catalog::load(checkout.path()).expect_err("an unknown architecture"));
    assert!(error.contains("armv7"), "{error}");
}

#[test]
fn a_failed_build_shows_its_log_and_leaves_nothing() {
    let checkout = Checkout::new();
    let runner = FakeRunner { fail: true, ..FakeRunner::default() };
    let error = format!("{:#}", build(&checkout, X86, &runner).expect_err("a failure"));
    let log = checkout.cache().join("logs/lib-1.0-x86_64.log");
    let expected = "lib 1.0 (x86_64) failed in step 2 of 3: `make` ended with exit status: 2";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("    making lib\n    it broke\n"), "{error}");
    assert!(error.ends_with(&format!("the whole log: {}", log.display())), "{error}");
    assert_eq!(fs::read_dir(checkout.cache().join("work")).expect("the folder").count(), 0);
    let runner = FakeRunner::default();
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib", "app"]);
}

#[test]
fn what_a_killed_build_left_is_removed_and_not_trusted() {
    let checkout = Checkout::new();
    let (_, plan) = plan(&checkout, X86);
    let left = checkout.cache().join("work").join(format!("{}.killed", plan.packages[0].key.short()));
    fs::create_dir_all(left.join("out")).expect("a folder");
    fs::write(left.join("owner"), "").expect("a lock that nobody holds");
    let runner = FakeRunner::default();
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib", "app"]);
    assert!(!left.exists());
}

#[test]
fn a_changed_package_is_found_and_built_again() {
    let checkout = Checkout::new();
    let runner = FakeRunner::default();
    let ready = build(&checkout, X86, &runner).expect("a build");
    runner.made();
    let library = ready.values().map(|files| files.join("lib.a")).find(|path| path.exists()).expect("the library");
    fs::write(&library, "something else").expect("a change");
    build(&checkout, X86, &runner).expect("a build");
    assert_eq!(runner.made(), ["lib"]);
    assert_eq!(fs::read_to_string(&library).expect("the library"), "lib");
}

#[test]
fn two_runs_at_once_share_the_work() {
    let checkout = Checkout::new();
    let runner = FakeRunner::default();
    std::thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| build(&checkout, X86, &runner)));
        for run in runs {
            run.join().expect("no panic").expect("a build");
        }
    });
    assert_eq!(runner.made(), ["lib", "app"]);
}

#[test]
fn a_cache_in_use_is_not_cleaned() {
    let checkout = Checkout::new();
    let cache = PackageCache::open(&checkout.cache()).expect("a cache");
    let error = PackageCache::claim(&checkout.cache()).expect_err("in use").to_string();
    assert!(error.starts_with("the cache ") && error.contains("is being used by another run"), "{error}");
    drop(cache);
    PackageCache::claim(&checkout.cache()).expect("free");
}
