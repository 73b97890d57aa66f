//! From the catalog to a plan: versions chosen, needs followed, values filled in, keys computed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::template::expand;
use super::{Key, Package, Place, Plan, PlannedSource, PlannedStep, PlannedZip};
use crate::catalog::{Catalog, CatalogRecipe};
use crate::error::invalid;
use crate::model::recipe::{Copy, Platform, RecipeVersion, Run, Source, Step};
use crate::model::{Arch, GlibcVersion, LayerName, Recipe, RecipeName, RecipeRef, Sha256, Toolchain, Version};

/// Changes when the meaning of a step changes, so that no older result is taken for a new one.
const STEP_FORMAT: u32 = 1;

/// What a user asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which layer.
    pub layer: LayerName,
    /// Which version of its main recipe; the newest where absent.
    pub version: Option<Version>,
    /// For which architectures.
    pub archs: Vec<Arch>,
    /// The machine that builds.
    pub builder: Arch,
    /// Recipes whose source is a folder instead of a pinned archive.
    pub overrides: BTreeMap<RecipeName, Override>,
}

impl Request {
    /// For a layer in its newest version, for this machine and built by it; where it is none that can build, what it
    /// would be on x86_64.
    pub fn of(layer: LayerName) -> Request {
        let arch = Arch::of_this_machine().unwrap_or(Arch::X86_64);
        Request { layer, version: None, archs: vec![arch], builder: arch, overrides: BTreeMap::new() }
    }
}

/// A source tree that a user brings.
#[derive(Debug, Clone)]
pub struct Override {
    /// Where it is.
    pub folder: PathBuf,
    /// The digest of what is in it.
    pub tree: Sha256,
}

/// Works out everything that has to happen for `request`.
pub fn resolve(catalog: &Catalog, request: &Request) -> Result<Plan> {
    let layer = catalog.layer(&request.layer)?;
    for name in request.overrides.keys() {
        catalog.recipe(name).context("in `--override`")?;
    }
    let main = RecipeRef { name: layer.recipe.clone(), version: request.version.clone() };
    let mut packages: Vec<Package> = Vec::new();
    let mut zips = Vec::new();
    let mut version = None;
    for &arch in &request.archs {
        let mut resolver = Resolver { catalog, request, arch, packages: &mut packages, chosen: BTreeMap::new() };
        let main_version = resolver.add(&main, &mut Vec::new())?.1;
        for file in &layer.files {
            resolver.add(&RecipeRef { name: file.recipe.clone(), version: None }, &mut Vec::new())?;
        }
        let chosen = resolver.chosen;
        let contents = chosen
            .into_iter()
            .filter(|(_, (key, _))| packages.iter().any(|package| package.key == *key && !package.is_tool()));
        zips.push(PlannedZip {
            arch,
            file: format!("{}-{main_version}-{arch}.zip", layer.name),
            packages: contents.map(|(name, (key, _))| (name, key)).collect(),
        });
        version = Some(main_version);
    }
    let Some(version) = version else {
        return Err(invalid("no architecture was asked for"));
    };
    let unused: Vec<_> =
        request.overrides.keys().filter(|name| !packages.iter().any(|package| package.recipe == **name)).collect();
    if let Some(name) = unused.first() {
        return Err(invalid(format!("`--override {name}=…` has no effect: layer `{}` does not use it", layer.name)));
    }
    Ok(Plan {
        layer: layer.name.clone(),
        version,
        pinned: packages.iter().all(|package| package.pinned),
        packages,
        zips,
    })
}

/// The packages of one architecture.
struct Resolver<'a> {
    catalog: &'a Catalog,
    request: &'a Request,
    arch: Arch,
    packages: &'a mut Vec<Package>,
    /// One version per recipe: two in one program would clash.
    chosen: BTreeMap<RecipeName, (Key, Version)>,
}

impl Resolver<'_> {
    /// Adds a recipe and all it needs; `path` is who needs whom, for cycles.
    fn add(&mut self, reference: &RecipeRef, path: &mut Vec<RecipeName>) -> Result<(Key, Version)> {
        let entry = self.catalog.recipe(&reference.name)?;
        if path.contains(&reference.name) {
            let names: Vec<_> = path.iter().chain([&reference.name]).map(|name| format!("`{name}`")).collect();
            return Err(invalid(format!("recipes need each other in a circle: {}", names.join(" needs "))));
        }
        if let Some((key, version)) = self.chosen.get(&reference.name) {
            if reference.version.as_ref().is_some_and(|wanted| wanted != version) {
                return Err(invalid(format!("`{reference}` is needed, but {version} is already part of this layer")));
            }
            return Ok((*key, version.clone()));
        }
        let pinned = match &reference.version {
            Some(version) => entry.recipe.version(version),
            None => entry.recipe.newest(),
        }
        .ok_or_else(|| no_such_version(&entry.recipe, reference))?;
        let version = &pinned.version;
        path.push(reference.name.clone());
        let package = self.package(entry, pinned, path)?;
        path.pop();
        let chosen = (package.key, version.clone());
        if !self.packages.iter().any(|known| known.key == package.key) {
            self.packages.push(package);
        }
        self.chosen.insert(reference.name.clone(), chosen.clone());
        Ok(chosen)
    }

    fn package(
        &mut self,
        entry: &CatalogRecipe,
        version: &RecipeVersion,
        path: &mut Vec<RecipeName>,
    ) -> Result<Package> {
        let recipe = &entry.recipe;
        let mut needs = BTreeMap::new();
        for reference in recipe.needs.iter().chain(&version.needs) {
            needs.insert(reference.name.clone(), self.add(reference, path)?.0);
        }
        let compiled = recipe.platform == Platform::Target;
        let toolchain = &self.catalog.toolchain;
        let mut tools = BTreeMap::new();
        for reference in recipe.tools.iter().chain(compiled.then_some(&toolchain.compiler)) {
            tools.insert(reference.name.clone(), self.add(reference, path)?.0);
        }
        let place = Place::of(recipe.platform, self.request.builder, self.arch);
        let source = self.source(entry, version)?;
        let values = Values { version: &version.version, arch: self.arch, glibc: self.catalog.targets.floor };
        let names = Names { values, needs: &needs, tools: &tools };
        let with_file = || format!("in {}", entry.folder.join("recipe.toml").display());
        let files = entry.files.iter().filter(|(file, _)| match file.strip_prefix("patches/") {
            Some(patch) => version.patches.iter().any(|used| used == patch),
            None => true,
        });
        let mut package = Package {
            key: Sha256::of(""),
            identity: Sha256::of(""),
            recipe: recipe.name.clone(),
            version: version.version.clone(),
            place,
            pinned: matches!(source, PlannedSource::Pinned(_)) && self.all_pinned(needs.values().chain(tools.values())),
            spdx: recipe.license.spdx.clone(),
            source,
            files: files.map(|(name, file)| (name.clone(), file.sha256)).collect(),
            programs: recipe.programs.clone(),
            wrappers: BTreeMap::new(),
            wrapper_files: BTreeMap::new(),
            env: BTreeMap::new(),
            steps: steps(entry, version, &names).with_context(with_file)?,
            needs: needs.clone(),
            tools: tools.clone(),
        };
        if compiled {
            for (name, argv) in &toolchain.wrappers {
                let argv = with_flags(argv, toolchain, self.arch);
                package.wrappers.insert(name.clone(), names.fill_all(&argv).context("in recipes/toolchain.toml")?);
            }
            for (name, text) in &toolchain.files {
                package.wrapper_files.insert(name.clone(), names.fill(text).context("in recipes/toolchain.toml")?);
            }
            for (name, value) in &toolchain.env {
                package.env.insert(name.clone(), names.fill(value).context("in recipes/toolchain.toml")?);
            }
        }
        let identity = |key: &Key| self.packages.iter().find(|made| made.key == *key).map(|made| made.identity);
        let made_with = needs.values().chain(tools.values()).filter_map(identity).collect();
        package.identity = identity_of(&package, version, made_with)?;
        package.key = match place {
            Place::Builder(arch) => Sha256::of(format!("{} on {arch}", package.identity)),
            Place::Target(_) | Place::Any => package.identity,
        };
        Ok(package)
    }

    fn source(&self, entry: &CatalogRecipe, version: &RecipeVersion) -> Result<PlannedSource> {
        if let Some(own) = self.request.overrides.get(&entry.recipe.name) {
            return Ok(PlannedSource::Override { folder: own.folder.clone(), tree: own.tree });
        }
        let builder = self.request.builder;
        let fitting = version.sources.iter().find(|source| source.builder.is_none_or(|arch| arch == builder));
        fitting.cloned().map(PlannedSource::Pinned).ok_or_else(|| {
            invalid(format!("{} {} has no source for a {builder} machine", entry.recipe.name, version.version))
        })
    }

    fn all_pinned<'k>(&self, mut keys: impl Iterator<Item = &'k Key>) -> bool {
        keys.all(|key| self.packages.iter().any(|package| package.key == *key && package.pinned))
    }
}

fn no_such_version(recipe: &Recipe, reference: &RecipeRef) -> anyhow::Error {
    let known: Vec<_> = recipe.newest_first().iter().map(|known| format!("`{}`", known.version)).collect();
    let wanted = reference.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    invalid(format!("recipe `{}` has no version{wanted}\n\nhint: it has {}", recipe.name, known.join(", ")))
}

/// A wrapper's command line with the flags of an architecture in the place of `{flags}`.
fn with_flags(argv: &[String], toolchain: &Toolchain, arch: Arch) -> Vec<String> {
    let mut filled = Vec::new();
    for argument in argv {
        if argument == "{flags}" {
            filled.extend(toolchain.flags.on(arch).cloned());
        } else {
            filled.push(argument.clone());
        }
    }
    filled
}

/// The recipe's steps, framed by what is the same for all: unpack and patch before, licence texts after.
fn steps(entry: &CatalogRecipe, version: &RecipeVersion, names: &Names<'_>) -> Result<Vec<PlannedStep>> {
    let recipe = &entry.recipe;
    let mut steps = vec![PlannedStep::Unpack];
    steps.extend(version.patches.iter().map(|patch| PlannedStep::Patch(format!("patches/{patch}"))));
    if recipe.steps.is_empty() {
        steps.push(PlannedStep::Copy(Copy { from: "{src}".to_owned(), to: "{out}".to_owned() }));
    }
    for step in &recipe.steps {
        steps.push(match step {
            Step::Run(run) => PlannedStep::Run(Run {
                argv: names.fill_all(&run.argv)?,
                cwd: names.fill(&run.cwd)?,
                env: run
                    .env
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), names.fill(value)?)))
                    .collect::<Result<_>>()?,
            }),
            Step::Copy(copy) => PlannedStep::Copy(Copy { from: names.fill(&copy.from)?, to: names.fill(&copy.to)? }),
        });
    }
    for text in &recipe.license.files {
        let name = text.rsplit('/').next().unwrap_or(text);
        let to = format!("{{out}}/licenses/{}/{name}", recipe.name);
        steps.push(PlannedStep::Copy(Copy { from: format!("{{src}}/{text}"), to }));
    }
    Ok(steps)
}

/// What a plan can fill in by itself.
#[derive(Clone, Copy)]
struct Values<'a> {
    version: &'a Version,
    arch: Arch,
    glibc: GlibcVersion,
}

/// The names that a recipe's texts may use.
struct Names<'a> {
    values: Values<'a>,
    needs: &'a BTreeMap<RecipeName, Key>,
    tools: &'a BTreeMap<RecipeName, Key>,
}

/// Places that only an executor knows.
const PLACES: [&str; 8] = ["src", "build", "out", "recipe", "work", "cache", "toolchain-cache", "jobs"];

impl Names<'_> {
    fn fill(&self, text: &str) -> Result<String> {
        let known = || {
            let mut names: Vec<String> = ["version", "arch", "gnu-arch", "glibc"]
                .iter()
                .chain(&PLACES)
                .map(|name| format!("`{{{name}}}`"))
                .collect();
            names.extend(self.needs.keys().map(|name| format!("`{{needs:{name}}}`")));
            names.extend(self.tools.keys().map(|name| format!("`{{tool:{name}}}`")));
            names.join(", ")
        };
        let look_up = |name: &str| match name {
            "version" => Some(self.values.version.to_string()),
            "arch" => Some(self.values.arch.name().to_owned()),
            "gnu-arch" => Some(self.values.arch.gnu().to_owned()),
            "glibc" => Some(self.values.glibc.to_string()),
            place if PLACES.contains(&place) => Some(format!("{{{place}}}")),
            other => {
                let (kind, recipe) = other.split_once(':')?;
                let among = match kind {
                    "needs" => self.needs,
                    "tool" => self.tools,
                    _ => return None,
                };
                among.contains_key(&recipe.parse().ok()?).then(|| format!("{{{other}}}"))
            }
        };
        expand(text, "{{", &known, &look_up).map_err(|error| invalid(error.to_string()))
    }

    fn fill_all(&self, texts: &[String]) -> Result<Vec<String>> {
        texts.iter().map(|text| self.fill(text)).collect()
    }
}

/// The digest over all that can change the bytes of a package: its source, patches and other files, steps, wrappers and
/// environment, and what it is made with. The place that serves the source is not part of it, nor is the building machine.
fn identity_of(package: &Package, version: &RecipeVersion, made_with: Vec<Key>) -> Result<Key> {
    #[derive(Serialize)]
    struct Material<'a> {
        format: u32,
        recipe: &'a RecipeName,
        version: &'a Version,
        target: Option<Arch>,
        sources: Vec<SourceMaterial<'a>>,
        files: &'a BTreeMap<String, Sha256>,
        made_with: Vec<Key>,
        programs: &'a [String],
        wrappers: &'a BTreeMap<String, Vec<String>>,
        wrapper_files: &'a BTreeMap<String, String>,
        env: &'a BTreeMap<String, String>,
        steps: &'a [PlannedStep],
    }
    let sources = match (&package.source, package.place) {
        (PlannedSource::Override { tree, .. }, _) => vec![SourceMaterial::Tree(*tree)],
        // A tool is what its recipe pins for every building machine.
        (PlannedSource::Pinned(_), Place::Builder(_)) => version.sources.iter().map(SourceMaterial::of).collect(),
        (PlannedSource::Pinned(source), _) => vec![SourceMaterial::of(source)],
    };
    let material = Material {
        format: STEP_FORMAT,
        recipe: &package.recipe,
        version: &package.version,
        target: if let Place::Target(arch) = package.place { Some(arch) } else { None },
        sources,
        files: &package.files,
        made_with,
        programs: &package.programs,
        wrappers: &package.wrappers,
        wrapper_files: &package.wrapper_files,
        env: &package.env,
        steps: &package.steps,
    };
    Ok(Sha256::of(serde_json::to_vec(&material).context("cannot write down what a package is made of")?))
}

/// What identifies a source tree: its digest, or what it is made from and how.
#[derive(Serialize)]
enum SourceMaterial<'a> {
    Tree(Sha256),
    Archives {
        sha256: Vec<Sha256>,
        root: Vec<&'a str>,
        keep: &'a [String],
        omit: &'a [String],
        executable: &'a [String],
    },
}

impl SourceMaterial<'_> {
    fn of(source: &Source) -> SourceMaterial<'_> {
        match source.tree {
            Some(tree) => SourceMaterial::Tree(tree),
            None => SourceMaterial::Archives {
                sha256: source.archives.iter().map(|archive| archive.sha256).collect(),
                root: source.archives.iter().map(|archive| archive.root.as_str()).collect(),
                keep: &source.keep,
                omit: &source.omit,
                executable: &source.executable,
            },
        }
    }
}
