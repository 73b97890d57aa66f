//! A library that takes a moment to make, from a makefile of the test's own.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Result;
use xtask::catalog::Catalog;
use xtask::compile::{Builder, ContainerRunner, PackageCache, Sources, schedule};
use xtask::container::{Engine, Image};
use xtask::model::Arch;
use xtask::plan::{Package, Request, resolve};
use xtask::ui::Ui;

use crate::checkout::Checkout;

/// A source tree with a makefile.
struct Makefile(Mutex<String>);

impl Sources for Makefile {
    fn unpack(&self, _package: &Package, into: &Path) -> Result<()> {
        fs::write(into.join("LICENSE"), "do what you like\n")?;
        fs::write(into.join("zig"), "not a compiler\n")?;
        fs::write(into.join("Makefile"), &*self.0.lock().expect("a text"))?;
        Ok(())
    }
}

/// A checkout whose library is made by the makefile's target `lib`.
pub fn checkout() -> Checkout {
    let checkout = Checkout::new();
    let lib = r#"
platform = "target"
steps = [{ run = { argv = ["make", "OUT={out}", "lib"], cwd = "{src}" } }]
"#;
    let app = r#"
platform = "target"
needs = ["lib"]
steps = [{ run = { argv = ["make", "OUT={out}", "LIB={needs:lib}", "app"], cwd = "{src}" } }]
"#;
    checkout.write_recipe("lib", lib);
    checkout.write_recipe("app", app);
    checkout
}

/// Builds everything in containers made of `image`.
pub fn build(checkout: &Path, engine: &Engine, image: &Image, makefile: &str) -> Result<()> {
    let catalog = Catalog::load(checkout)?;
    let request = Request {
        layer: "app".parse()?,
        version: None,
        archs: vec![Arch::X86_64],
        builder: Arch::X86_64,
        overrides: Default::default(),
    };
    let plan = resolve(&catalog, &request)?;
    let cache = PackageCache::open(&checkout.join("cache"))?;
    let (sources, ui) = (Makefile(Mutex::new(makefile.to_owned())), Ui::silent());
    let runner = ContainerRunner { engine, image };
    let builder = Builder { catalog: &catalog, cache: &cache, sources: &sources, runner: &runner, jobs: 2, ui: &ui };
    schedule::build_all(&builder, &plan).map(drop)
}
