//! From built packages to a finished zip: stage, audit, smoke, pack.
//!
//! Nothing lands in `dist/` that has not passed the audit for every target and
//! run, where this machine can run it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use crate::catalog::Catalog;
use crate::compile::{self, PackageCache};
use crate::elf::{self, AllowedExports};
use crate::error::invalid;
use crate::files::lock_folder;
use crate::model::recipe::Step;
use crate::model::{BuilderIdentity, ByArch, Layer, Protection, RecipeName, Sha256};
use crate::pack::provenance::{Build, Material};
use crate::pack::release::PROVENANCE;
use crate::pack::{
    Checks, Compiler, LayerFacts, PackedRecipe, Patch, Release, Stage, Staged, write_layer, write_provenance,
};
use crate::plan::{Key, Package, Plan, PlannedSource, PlannedStep, PlannedZip};
use crate::session::Session;
use crate::smoke::{self, report::Report};
use crate::source::{Store, Tree};

/// What came of one zip.
#[derive(Debug)]
pub enum Assembled {
    /// It is in `dist/`.
    Released(Box<Release>, Report),
    /// The audit found something; nothing was written.
    AuditFailed(elf::report::Report),
    /// A check failed when it ran; nothing was written.
    SmokeFailed(Report),
}

/// How a zip is made and proven, apart from what goes into it: none of it shows in the bytes.
#[derive(Debug)]
pub struct BuildContext {
    /// Who compiled the packages.
    pub builder: BuilderIdentity,
    /// How the layer is run.
    pub smoke: smoke::Options,
    /// How many threads compress.
    pub jobs: NonZeroUsize,
}

/// Makes the zip of `planned`, whose packages' files are at `ready`.
pub fn assemble(
    session: &Session,
    cache: &PackageCache,
    plan: &Plan,
    planned: &PlannedZip,
    ready: &BTreeMap<Key, PathBuf>,
    build_context: &BuildContext,
) -> Result<Assembled> {
    let layer = session.catalog.layer(&plan.layer)?;
    let progress = session.ui.busy(&format!("{}: staging", planned.file));
    let staged = stage(session, plan, planned, ready)?;
    let work = cache.work(zip_key(session, plan, planned)?)?;
    let tree = work.path().join("layer");
    staged.write_tree(&tree)?;

    progress.say(format!("{}: auditing", planned.file));
    let audit = elf::layer::audit(&tree, &session.catalog.targets, &audit_options(session, layer, planned)?)?;
    if !audit.is_clean() {
        return Ok(Assembled::AuditFailed(audit));
    }
    progress.say(format!("{}: running it", planned.file));
    let report = smoke::run(smoke::Checks::of(layer), &tree, planned.arch, &build_context.smoke, &session.ui)?;
    if !report.passed() {
        return Ok(Assembled::SmokeFailed(report));
    }
    progress.say(format!("{}: packing", planned.file));
    let key = zip_key(session, plan, planned)?;
    // Another run may be writing the same three files, which belong together.
    fs::create_dir_all(&session.dist).with_context(|| format!("cannot make {}", session.dist.display()))?;
    let _held = lock_folder(&session.dist)?;
    let release = write_layer(&staged, key, Some(checks(&audit, &report)), &session.dist, build_context.jobs)?;
    let build = Build { builder: build_context.builder.clone(), materials: materials(session, plan, planned)? };
    write_provenance(&release, build, &session.dist)?;
    Ok(Assembled::Released(Box::new(release), report))
}

/// Makes the zip of `planned` and proves nothing of it: for comparing its bytes, not for using it.
pub fn pack_unproven(
    session: &Session,
    plan: &Plan,
    planned: &PlannedZip,
    ready: &BTreeMap<Key, PathBuf>,
    jobs: NonZeroUsize,
) -> Result<Release> {
    let _progress = session.ui.busy(&format!("{}: packing", planned.file));
    let staged = stage(session, plan, planned, ready)?;
    write_layer(&staged, zip_key(session, plan, planned)?, None, &session.dist, jobs)
}

/// Collects every file of the zip of `planned`.
fn stage(session: &Session, plan: &Plan, planned: &PlannedZip, ready: &BTreeMap<Key, PathBuf>) -> Result<Staged> {
    let layer = session.catalog.layer(&plan.layer)?;
    let mut stage = Stage::new(facts(session, plan, planned, layer, ready)?)?;
    for file in &layer.files {
        let to = file.to.parse().map_err(|error| invalid(format!("in layers/{}.toml: {error}", layer.name)))?;
        stage.add(&file.recipe, &file.from, &to)?;
    }
    stage.finish()
}

/// Every file that went into a zip: the archives of its packages and of the tools that made them, and our own.
fn materials(session: &Session, plan: &Plan, planned: &PlannedZip) -> Result<Vec<Material>> {
    let catalog = &session.catalog;
    let store = Store::new(&session.cache);
    let mut materials = Vec::new();
    let mut wanted: Vec<Key> = planned.packages.values().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(key) = wanted.pop() {
        if !seen.insert(key) {
            continue;
        }
        let package = plan.package(key).context("the plan lacks a package of its own")?;
        wanted.extend(package.needs.values().chain(package.tools.values()));
        if let Some(source) = package.source.pinned() {
            // Where several archives hold the same tree, those that this machine has are those it used.
            let (had, absent): (Vec<_>, Vec<_>) = source.archives.iter().partition(|archive| store.has(archive));
            match source.tree.filter(|tree| had.is_empty() && store.path(tree).is_file()) {
                Some(tree) => {
                    let name = format!("the tree of {} {}", package.recipe, package.version);
                    materials.push(Material::file(&name, tree));
                }
                None => {
                    for archive in if had.is_empty() { absent } else { had } {
                        let origins = archive.origins.first();
                        materials.extend(origins.map(|origin| Material::archive(&package.recipe, archive, origin)));
                    }
                }
            }
        }
        if let PlannedSource::Override { tree, .. } = &package.source {
            materials.push(Material::file(&format!("--override {}", package.recipe), *tree));
        }
        let folder = format!("recipes/{}", package.recipe);
        materials.push(own_file(catalog, &format!("{folder}/recipe.toml"))?);
        for (name, sha256) in package.files.iter().filter(|(name, _)| !name.starts_with("patches/")) {
            materials.push(Material::file(&format!("{folder}/{name}"), *sha256));
        }
    }
    for name in ["recipes/toolchain.toml", "docker/targets.toml", &format!("layers/{}.toml", plan.layer), "Cargo.lock"]
    {
        materials.push(own_file(catalog, name)?);
    }
    materials.push(Material::file("xtask/src", Tree::read(&catalog.root.join("xtask/src"))?.digest()));
    Ok(materials)
}

/// A file of the checkout as a material.
fn own_file(catalog: &Catalog, name: &str) -> Result<Material> {
    Ok(Material::file(name, digest(&catalog.root.join(name))?))
}

fn digest(path: &Path) -> Result<Sha256> {
    fs::read(path).map(Sha256::of).with_context(|| format!("cannot read {}", path.display()))
}

/// The part of a release record about an audit without findings and a smoke test without failures.
fn checks(audit: &elf::report::Report, smoke: &Report) -> Checks {
    let fits = |verdict: &&elf::report::Verdict| verdict.outcome == elf::report::Outcome::Ok;
    Checks {
        audited: audit.verdicts.iter().filter(fits).map(|verdict| verdict.target.clone()).collect(),
        smoke_place: smoke.place.clone(),
        smoke_passed: smoke.checks.len() - smoke.skipped(),
        smoke_skipped: smoke.skipped_checks().map(str::to_owned).collect(),
    }
}

/// What decides the bytes of a zip and its audit: its packages, the layer file, the targets, what must protect its
/// files, and the program that stages and packs.
///
/// The program is known by its source and its dependencies, not by its file: two compilations of one source differ.
pub fn zip_key(session: &Session, plan: &Plan, planned: &PlannedZip) -> Result<Sha256> {
    #[derive(Serialize)]
    struct Material<'a> {
        source: Sha256,
        dependencies: Sha256,
        targets: Sha256,
        protections: &'a ByArch<Protection>,
        zip: &'a PlannedZip,
        files: Vec<[&'a str; 3]>,
        pinned: bool,
    }
    let layer = session.catalog.layer(&plan.layer)?;
    let root = &session.catalog.root;
    let files = layer.files.iter().map(|file| [file.recipe.as_str(), &file.from, &file.to]).collect();
    let material = Material {
        source: Tree::read(&root.join("xtask/src"))?.digest(),
        dependencies: digest(&root.join("Cargo.lock"))?,
        targets: digest(&root.join("docker/targets.toml"))?,
        protections: &session.catalog.toolchain.protections,
        zip: planned,
        files,
        pinned: plan.pinned,
    };
    Ok(Sha256::of(serde_json::to_vec(&material)?))
}

/// The files of a zip in `dist`: itself, its record and its provenance.
pub fn about(dist: &Path, planned: &PlannedZip) -> [PathBuf; 3] {
    let zip = dist.join(&planned.file);
    [zip.clone(), zip.with_extension("json"), zip.with_extension(PROVENANCE)]
}

/// The release that is in `dist/` already, if it is what `planned` would give, byte for byte.
pub fn up_to_date(session: &Session, plan: &Plan, planned: &PlannedZip) -> Result<Option<Release>> {
    let key = zip_key(session, plan, planned)?;
    let [zip, record, provenance] = about(&session.dist, planned);
    let Ok(text) = fs::read_to_string(&record) else { return Ok(None) };
    let Ok(release) = Release::from_json(&text) else { return Ok(None) };
    let same = release.plan_key == key
        && provenance.is_file()
        && fs::read(&zip).is_ok_and(|bytes| Sha256::of(bytes) == release.zip.sha256);
    Ok(same.then_some(release))
}

fn audit_options(session: &Session, layer: &Layer, planned: &PlannedZip) -> Result<elf::layer::Options> {
    let mut exports = BTreeMap::new();
    for file in &layer.files {
        if let Some(globs) = &file.exports {
            let allowed = AllowedExports::new(globs).map_err(|error| {
                invalid(format!("in layers/{}.toml: exports of `{}`: {error}", layer.name, file.to))
            })?;
            exports.insert(file.to.clone(), allowed);
        }
    }
    // Only paths that say something: `/` or `/root` would also be found where they mean nothing of this machine.
    let inside = Path::new(compile::contained::INSIDE);
    let build_paths = [&session.cache, &session.catalog.root, inside].map(|path| path.to_string_lossy().into_owned());
    let own_protections = session.catalog.toolchain.protections.clone();
    Ok(elf::layer::Options { arch: Some(planned.arch), build_paths: build_paths.to_vec(), exports, own_protections })
}

fn facts(
    session: &Session,
    plan: &Plan,
    planned: &PlannedZip,
    layer: &Layer,
    ready: &BTreeMap<Key, PathBuf>,
) -> Result<LayerFacts> {
    let catalog = &session.catalog;
    let targets = catalog.targets.targets.iter().filter(|target| target.architectures.contains(&planned.arch));
    let compiler = plan.packages.iter().find(|package| package.recipe == catalog.toolchain.compiler.name);
    // A layer of texts and data alone is made without one.
    let compiler = compiler.map(|made| Compiler { name: made.recipe.clone(), version: made.version.clone() });
    let mut recipes = Vec::new();
    for key in planned.packages.values() {
        let package = plan.package(*key).context("the plan lacks a package of its own")?;
        let files = ready.get(key).with_context(|| format!("{} was not built", package.label()))?;
        recipes.push(packed(session, package, files)?);
    }
    Ok(LayerFacts {
        name: layer.name.clone(),
        version: plan.version.clone(),
        summary: layer.summary.clone(),
        arch: planned.arch,
        glibc: catalog.targets.floor,
        compiler,
        targets: targets.map(|target| target.name.clone()).collect(),
        recipes,
    })
}

fn packed(session: &Session, package: &Package, files: &std::path::Path) -> Result<PackedRecipe> {
    let recipe = &session.catalog.recipe(&package.recipe)?.recipe;
    let sources = match &package.source {
        PlannedSource::Pinned(source) => vec![source.clone()],
        PlannedSource::Override { tree, .. } => vec![crate::model::recipe::Source::of_tree(*tree)],
    };
    let patch = |step: &PlannedStep| match step {
        PlannedStep::Patch(name) => {
            let sha256 = *package.files.get(name)?;
            Some(Patch { file: name.strip_prefix("patches/").unwrap_or(name).to_owned(), sha256 })
        }
        _ => None,
    };
    let step = |step: &PlannedStep| match step {
        PlannedStep::Run(run) => Some(Step::Run(run.clone())),
        PlannedStep::Copy(copy) => Some(Step::Copy(copy.clone())),
        PlannedStep::Unpack | PlannedStep::Patch(_) => None,
    };
    let license_dir = files.join("licenses").join(package.recipe.as_str());
    let mut texts = BTreeSet::new();
    let entries = fs::read_dir(&license_dir)
        .with_context(|| format!("{} left no licence text in {}", package.label(), license_dir.display()))?;
    for entry in entries {
        texts.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    if texts.is_empty() {
        bail!("{} left no licence text", package.label());
    }
    Ok(PackedRecipe {
        name: package.recipe.clone(),
        version: package.version.clone(),
        summary: recipe.summary.clone(),
        homepage: recipe.homepage.clone(),
        cpes: recipe.upstream.cpes(&package.version),
        purl: recipe.upstream.purl.as_ref().map(|purl| purl.of(&package.version)),
        spdx: package.spdx.clone(),
        pinned: package.pinned,
        needs: package.needs.keys().cloned().collect::<Vec<RecipeName>>(),
        sources,
        patches: package.steps.iter().filter_map(patch).collect(),
        steps: package.steps.iter().filter_map(step).collect(),
        key: package.key,
        out_dir: files.to_owned(),
        license_dir,
        license_files: texts.into_iter().collect(),
    })
}
