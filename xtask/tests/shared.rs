//! The shared cache: what one machine made no other makes again, and what was tampered with is made again.

mod checkout;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use checkout::{Checkout, SOURCES};
use xtask::assembly::pack_unproven;
use xtask::compile::{Builder, HostRunner, PackageCache, Sources, schedule};
use xtask::model::{Arch, Sha256};
use xtask::plan::{Key, Package, Plan, Request, resolve};
use xtask::session::Session;
use xtask::shared::{ObjectStore, Objects, Secret, SharedCache};
use xtask::ui::Ui;

const SECRET: &str = "a secret of these tests alone";

/// Sources that are there already.
struct Ready;

impl Sources for Ready {
    fn unpack(&self, package: &Package, into: &Path) -> Result<()> {
        let source = SOURCES.iter().find(|(recipe, _)| *recipe == package.recipe.as_str());
        for (name, text) in source.expect("a source").1 {
            fs::write(into.join(name), text)?;
            fs::set_permissions(into.join(name), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}

/// A store in a folder, without the program that talks to real ones.
struct Folder(PathBuf);

impl Objects for Folder {
    fn address(&self) -> &str {
        "a folder"
    }

    fn writable(&self) -> bool {
        true
    }

    fn get(&self, name: &str, file: &Path, limit: u64) -> Result<bool> {
        let object = self.0.join(name);
        if !object.exists() {
            return Ok(false);
        }
        anyhow::ensure!(fs::metadata(&object)?.len() <= limit, "too large");
        fs::copy(object, file)?;
        Ok(true)
    }

    fn put(&self, name: &str, file: &Path) -> Result<()> {
        let object = self.0.join(name);
        fs::create_dir_all(object.parent().expect("a folder"))?;
        fs::copy(file, object)?;
        Ok(())
    }
}

/// Machines that share a store and build the same checkout.
struct Machines<'a> {
    checkout: Checkout,
    open: &'a dyn Fn() -> Box<dyn Objects>,
}

/// What a machine did.
struct Built {
    /// The recipes whose entries were no good.
    rejected: Vec<String>,
    /// The packages that were compiled, by the names of their logs.
    compiled: Vec<String>,
    zip: Sha256,
}

impl Machines<'_> {
    fn plan(&self) -> Plan {
        let catalog = xtask::catalog::Catalog::load(self.checkout.path()).expect("a catalog");
        let request = Request {
            layer: "app".parse().expect("a name"),
            version: None,
            archs: vec![Arch::X86_64],
            builder: Arch::X86_64,
            overrides: BTreeMap::new(),
        };
        resolve(&catalog, &request).expect("a plan")
    }

    fn package(&self, recipe: &str) -> Package {
        let plan = self.plan();
        plan.packages.into_iter().find(|package| package.recipe.as_str() == recipe).expect(recipe)
    }

    /// A build on the machine `name`, whose cache lasts.
    fn build(&self, name: &str, secret: &str) -> Built {
        let root = self.checkout.path().join(name);
        let mut session = Session::at(self.checkout.path(), root.join("cache"), Ui::silent()).expect("a session");
        session.dist = root.join("dist");
        let plan = self.plan();
        let cache = PackageCache::open(&session.cache).expect("a cache");
        let logs = session.cache.join("logs");
        fs::remove_dir_all(&logs).and_then(|()| fs::create_dir(&logs)).expect("no logs");
        let shared = SharedCache::new((self.open)(), Secret::new(secret).expect("a secret"));
        let missing: Vec<_> = plan.packages.iter().filter(|package| !cache.has(package.key)).collect();
        let rejected: BTreeSet<Key> = shared.pull(&missing, &cache, &session.ui);
        let builder = Builder {
            catalog: &session.catalog,
            cache: &cache,
            sources: &Ready,
            runner: &HostRunner,
            jobs: 1,
            ui: &session.ui,
        };
        let ready = schedule::build_all(&builder, &plan).expect("a build");
        shared.push(&plan.packages, &ready, &rejected, &cache, &session.ui);
        let zip = pack_unproven(&session, &plan, &plan.zips[0], &ready, NonZeroUsize::MIN).expect("a zip");
        let recipe = |key: &Key| plan.package(*key).expect("of the plan").recipe.to_string();
        let mut compiled: Vec<String> = fs::read_dir(&logs)
            .expect("logs")
            .map(|log| log.expect("a log").file_name().to_string_lossy().into_owned())
            .collect();
        compiled.sort();
        Built { rejected: rejected.iter().map(recipe).collect(), compiled, zip: zip.zip.sha256 }
    }

    /// Puts an object as somebody would who can write to the store and lacks the secret.
    fn tamper(&self, name: &str, bytes: &[u8]) {
        let file = self.checkout.path().join("tampered");
        fs::write(&file, bytes).expect("a file");
        (self.open)().put(name, &file).expect("put");
    }

    fn object(&self, name: &str) -> Vec<u8> {
        let file = self.checkout.path().join("object");
        let _ = fs::remove_file(&file);
        assert!((self.open)().get(name, &file, 1 << 20).expect("read"), "{name} is not there");
        fs::read(file).expect("read")
    }

    fn entry(&self, recipe: &str) -> String {
        format!("packages/{}.json", self.package(recipe).key)
    }

    fn archive(&self, recipe: &str) -> String {
        let entry: serde_json::Value = serde_json::from_slice(&self.object(&self.entry(recipe))).expect("JSON");
        format!("archives/{}.tar.gz", entry["archive"].as_str().expect("a digest"))
    }
}

const ALL: [&str; 3] = ["app-1.0-x86_64.log", "lib-1.0-x86_64.log", "zig-1.0-tool.log"];

fn share_and_tamper(open: &dyn Fn() -> Box<dyn Objects>) {
    let machines = Machines { checkout: Checkout::real(), open };
    let first = machines.build("first", SECRET);
    assert_eq!(first.compiled, ALL);
    let second = machines.build("second", SECRET);
    assert!(second.compiled.is_empty() && second.rejected.is_empty(), "{:?}", second.compiled);
    assert_eq!(second.zip, first.zip, "the second machine compiled nothing and has the same zip");

    // Another archive in its place: seen, made again, and put right for the next.
    let archive = machines.archive("lib");
    machines.tamper(&archive, &machines.object(&machines.archive("app")));
    let third = machines.build("third", SECRET);
    assert_eq!(
        (third.rejected, third.compiled, third.zip),
        (vec!["lib".to_owned()], vec![ALL[1].to_owned()], first.zip)
    );
    let fourth = machines.build("fourth", SECRET);
    assert!(fourth.compiled.is_empty() && fourth.zip == first.zip);

    // Cut off.
    let whole = machines.object(&archive);
    machines.tamper(&archive, &whole[..whole.len() / 2]);
    assert_eq!(machines.build("fifth", SECRET).rejected, ["lib"]);

    // A sound entry, of another package; and one that the one who tampers made up.
    machines.tamper(&machines.entry("lib"), &machines.object(&machines.entry("app")));
    assert_eq!(machines.build("sixth", SECRET).rejected, ["lib"]);
    machines.tamper(&machines.entry("lib"), b"{}");
    assert_eq!(machines.build("seventh", SECRET).rejected, ["lib"]);

    // Whoever has another secret neither believes what is there nor is believed.
    let stranger = machines.build("stranger", "another secret of these tests");
    assert_eq!((stranger.rejected.len(), stranger.compiled.len(), stranger.zip), (3, 3, first.zip));
    assert_eq!(machines.build("eighth", SECRET).rejected.len(), 3);
}

#[test]
fn two_roots_share_their_work_and_tampering_is_found() {
    let store = tempfile::tempdir().expect("a folder");
    share_and_tamper(&|| Box::new(Folder(store.path().to_owned())));
}

#[test]
fn a_package_changed_on_this_machine_is_made_again() {
    let store = tempfile::tempdir().expect("a folder");
    let open = || -> Box<dyn Objects> { Box::new(Folder(store.path().to_owned())) };
    let machines = Machines { checkout: Checkout::real(), open: &open };
    let first = machines.build("first", SECRET);
    let library =
        machines.checkout.path().join(format!("first/cache/packages/{}/files/lib.a", machines.package("lib").key));
    fs::write(library, "something else").expect("a change");
    let again = machines.build("first", SECRET);
    assert_eq!((again.compiled, again.zip), (vec![ALL[1].to_owned()], first.zip));
}

/// An address of a store that takes objects, which `ci/test` starts moto's S3 for. The program that talks to it is
/// compiled first.
#[test]
#[ignore = "needs an S3 server, named by MEDIA_LAYERS_TEST_S3"]
fn an_s3_store_does_the_same() {
    let url = std::env::var("MEDIA_LAYERS_TEST_S3").expect("MEDIA_LAYERS_TEST_S3");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
    let folder = tempfile::tempdir().expect("a name");
    let (base, options) = url.split_once('?').expect("options");
    let name = folder.path().file_name().expect("a name").to_string_lossy().into_owned();
    let own = format!("{base}/{name}?{options}");
    let store = ObjectStore::open(root, &own, &Ui::silent()).expect("a store");
    let open = || -> Box<dyn Objects> { Box::new(store.clone()) };
    share_and_tamper(&open);
}

#[test]
fn addresses_that_mean_nothing_are_answered_with_those_that_do() {
    for url in ["s3:bucket", "s3://", "/folder", "ftp://host/x"] {
        let error = ObjectStore::open(Path::new("/"), url, &Ui::silent()).expect_err(url).to_string();
        assert!(error.contains(&format!("`{url}` is not the address of a shared cache")), "{error}");
        assert!(error.contains("hint: it can be `s3://…`"), "{error}");
    }
}
