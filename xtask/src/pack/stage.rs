//! Staging: taking files out of packages and into the places where the layer has them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use super::MAX_UNPACKED;
use super::facts::{LayerFacts, PackedRecipe};
use super::file::{Mode, PackedFile};
use super::licenses;
use super::manifest::Manifest;
use super::path::{LayerPath, PathSet};
use super::sbom;
use super::staged::Staged;
use super::walk::{canonical, files_at, inside};
use crate::model::RecipeName;

/// A layer whose files are being collected.
#[derive(Debug)]
pub struct Stage {
    facts: LayerFacts,
    files: Vec<PackedFile>,
    paths: PathSet,
}

impl Stage {
    /// An empty layer.
    ///
    /// # Errors
    /// If a recipe is listed twice, needs one that is not listed, or has no licence text.
    pub fn new(mut facts: LayerFacts) -> Result<Stage> {
        facts.recipes.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some(pair) = facts.recipes.windows(2).find(|pair| pair[0].name == pair[1].name) {
            bail!("layer `{}` has recipe `{}` twice: choose one version of it", facts.name, pair[0].name);
        }
        for recipe in &facts.recipes {
            ensure!(
                !recipe.license_files.is_empty(),
                "recipe `{}` names no licence text, and a layer has to carry one: add it to `license.files`",
                recipe.name
            );
            if let Some(missing) = recipe.needs.iter().find(|need| !facts.recipes.iter().any(|one| one.name == **need))
            {
                bail!("recipe `{}` needs `{missing}`, which layer `{}` does not list", recipe.name, facts.name);
            }
        }
        Ok(Stage { facts, files: Vec::new(), paths: PathSet::default() })
    }

    /// Takes the file or folder `from` of a recipe's package to the path `to`. Symbolic links give the
    /// file they lead to, since Function Compute and several tools flatten them anyway.
    ///
    /// # Errors
    /// If the package does not provide `from`, if a link leads out of it, in a circle or nowhere, if
    /// something in it is neither file nor folder, or if a path of the layer is taken.
    pub fn add(&mut self, recipe: &RecipeName, from: &str, to: &LayerPath) -> Result<()> {
        let recipe = self.recipe(recipe)?;
        let (name, root) = (recipe.name.clone(), canonical(&recipe.out_dir)?);
        let from: LayerPath = from.parse().with_context(|| format!("in layer `{}`", self.facts.name))?;
        let source = root.join(from.as_str());
        ensure!(
            source.symlink_metadata().is_ok(),
            "recipe `{name}` provides no `{from}`, which layer `{}` puts at `{to}`: correct the path in \
             `layers/{}.toml`, or have the recipe install it (`{}` is not there)",
            self.facts.name,
            self.facts.name,
            source.display()
        );
        let found = files_at(&root, &source, to).with_context(|| format!("in the package of `{name}`"))?;
        ensure!(!found.is_empty(), "recipe `{name}` provides `{from}`, but the folder holds no file");
        for (path, source) in found {
            self.push(PackedFile::from_file(path, name.clone(), &source)?)?;
        }
        Ok(())
    }

    /// Adds licences, SBOM and manifest, and closes the layer.
    ///
    /// # Errors
    /// If a licence text is missing, a path is taken, or the layer unpacks to more than [`MAX_UNPACKED`].
    pub fn finish(mut self) -> Result<Staged> {
        for (path, name, source) in self.license_texts()? {
            let mut file = PackedFile::from_file(path, name, &source)?;
            // A text that upstream keeps executable is still a text.
            file.set_mode(Mode::Plain);
            self.push(file)?;
        }
        let documents = licenses::documents(&self.facts.name)?;
        self.push(document(documents.join("LICENSES.md")?, licenses::index(&self.facts)))?;
        let sbom = sbom::text(&self.facts, &self.files)?;
        self.push(document(documents.join("sbom.cdx.json")?, sbom))?;
        let manifest = Manifest::new(&self.facts, &self.files);
        self.push(document(documents.join("manifest.json")?, manifest.to_json()?))?;
        self.files.sort_by(|one, other| one.path().cmp(other.path()));
        check_size(&self.files, MAX_UNPACKED)?;
        Ok(Staged::new(self.files, manifest))
    }

    fn recipe(&self, name: &RecipeName) -> Result<&PackedRecipe> {
        let found = self.facts.recipes.iter().find(|recipe| recipe.name == *name);
        found
            .with_context(|| format!("layer `{}` takes a file of `{name}`, which is not built for it", self.facts.name))
    }

    fn push(&mut self, file: PackedFile) -> Result<()> {
        let said = || match file.recipe() {
            Some(recipe) => format!("in layer `{}`, adding a file of recipe `{recipe}`", self.facts.name),
            None => format!("in layer `{}`, whose own documents are there", self.facts.name),
        };
        self.paths.insert(file.path()).with_context(said)?;
        self.files.push(file);
        Ok(())
    }

    /// Where every licence text goes and comes from.
    fn license_texts(&self) -> Result<Vec<(LayerPath, RecipeName, PathBuf)>> {
        let mut texts = Vec::new();
        for recipe in &self.facts.recipes {
            let said = |file: &str| format!("licence text `{file}` of recipe `{}`", recipe.name);
            let root = canonical(&recipe.license_dir).with_context(|| format!("licences of `{}`", recipe.name))?;
            for file in &recipe.license_files {
                let path = licenses::text_path(&self.facts.name, recipe, file).with_context(|| said(file))?;
                let source = inside(&root, &root.join(file)).with_context(|| said(file))?;
                texts.push((path, recipe.name.clone(), source));
            }
        }
        Ok(texts)
    }
}

/// A file that the packer itself writes.
fn document(path: LayerPath, text: String) -> PackedFile {
    PackedFile::from_bytes(path, Mode::Plain, None, text.into_bytes())
}

fn check_size(files: &[PackedFile], limit: u64) -> Result<()> {
    let size: u64 = files.iter().map(PackedFile::size).sum();
    let mut largest: Vec<&PackedFile> = files.iter().collect();
    largest.sort_by_key(|file| std::cmp::Reverse(file.size()));
    let names: Vec<String> =
        largest.iter().take(3).map(|file| format!("`{}` ({})", file.path(), file.size())).collect();
    ensure!(
        size <= limit,
        "the layer unpacks to {size} bytes, and AWS Lambda allows {limit} for a function with its layers: \
         leave files out; the largest are {}",
        names.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Packages, name};
    use super::*;

    fn add(stage: &mut Stage, recipe: &str, from: &str, to: &str) -> Result<()> {
        stage.add(&name(recipe), from, &to.parse()?)
    }

    fn refused<T>(result: Result<T>) -> String {
        format!("{:#}", result.map(drop).expect_err("refused"))
    }

    #[test]
    fn a_layer_has_its_files_and_its_documents() {
        let packages = Packages::new();
        let staged = packages.staged();
        let list: Vec<String> = staged
            .files()
            .iter()
            .map(|file| {
                let recipe = file.recipe().map_or("-", |recipe| recipe.as_str());
                format!("{:o} {recipe} {}", file.mode().bits(), file.path())
            })
            .collect();
        assert_eq!(
            list,
            [
                "755 program bin/tool",
                "755 program lib/libtool.so.0",
                "644 program python/tool/__init__.py",
                "644 program python/tool/data/table",
                "644 - share/media-layers/sample/LICENSES.md",
                "644 bundle share/media-layers/sample/certs.pem",
                "644 bundle share/media-layers/sample/licenses/bundle/LICENSE",
                "644 engine share/media-layers/sample/licenses/engine/COPYING",
                "644 engine share/media-layers/sample/licenses/engine/third/COPYING",
                "644 program share/media-layers/sample/licenses/program/LICENSE.txt",
                "644 - share/media-layers/sample/manifest.json",
                "644 - share/media-layers/sample/sbom.cdx.json",
            ]
        );
        // The manifest lists all files but itself.
        let listed: Vec<&LayerPath> = staged.manifest().files.iter().map(|file| &file.path).collect();
        let others = staged.files().iter().map(PackedFile::path);
        let others: Vec<&LayerPath> = others.filter(|path| !path.as_str().ends_with("/manifest.json")).collect();
        assert_eq!(listed, others);
    }

    #[test]
    fn the_order_of_files_and_recipes_does_not_show() {
        let packages = Packages::new();
        let mut facts = packages.facts();
        facts.recipes.reverse();
        facts.targets.reverse();
        let mut stage = Stage::new(facts).expect("a stage");
        for (recipe, from, to) in [
            ("bundle", "certs.pem", "share/media-layers/sample/certs.pem"),
            ("program", "lib/libtool.so.0", "lib/libtool.so.0"),
            ("program", "bin/tool", "bin/tool"),
            ("program", "python/tool", "python/tool"),
        ] {
            add(&mut stage, recipe, from, to).expect("added");
        }
        let digests = |staged: &Staged| -> Vec<_> {
            staged.files().iter().map(|file| (file.path().clone(), file.sha256())).collect()
        };
        assert_eq!(digests(&stage.finish().expect("staged")), digests(&packages.staged()));
    }

    #[test]
    fn what_a_package_does_not_have_is_said_with_the_remedy() {
        let packages = Packages::new();
        let mut stage = packages.stage();
        let error = refused(add(&mut stage, "program", "bin/probe", "bin/probe"));
        assert!(
            error.starts_with(
                "recipe `program` provides no `bin/probe`, which layer `sample` puts at `bin/probe`: correct the path in \
                 `layers/sample.toml`, or have the recipe install it (`"
            ),
            "{error}"
        );
        let error = refused(add(&mut stage, "other", "a", "b"));
        assert_eq!(error, "layer `sample` takes a file of `other`, which is not built for it");
        for from in ["../secret", "/etc/passwd", ""] {
            assert!(refused(add(&mut stage, "program", from, "x")).contains("cannot be a path in a layer"), "{from}");
        }
        std::fs::create_dir(packages.root().join("program/void")).expect("a folder");
        let error = refused(add(&mut stage, "program", "void", "void"));
        assert_eq!(error, "recipe `program` provides `void`, but the folder holds no file");
    }

    #[test]
    fn a_path_is_given_once() {
        let packages = Packages::new();
        for (to, message) in [
            (
                "bin/tool",
                "in layer `sample`, adding a file of recipe `program`: two files want the path `bin/tool`: keep one of them",
            ),
            ("bin/Tool", "differ only in case"),
            ("bin", "`bin` is a file, so `bin/tool` cannot be inside it"),
            ("bin/tool/x", "`bin/tool` is a file, so `bin/tool/x` cannot be inside it"),
        ] {
            let error = refused(add(&mut packages.stage(), "program", "bin/tool", to));
            assert!(error.contains(message), "{error}");
        }
        let mut stage = packages.stage();
        add(&mut stage, "program", "bin/tool", "share/media-layers/sample/manifest.json").expect("free until now");
        let error = refused(stage.finish());
        assert!(error.starts_with("in layer `sample`, whose own documents are there: two files want"), "{error}");
    }

    #[test]
    fn licences_have_to_be_there() {
        let packages = Packages::new();
        let with = |change: &dyn Fn(&mut PackedRecipe)| {
            let mut facts = packages.facts();
            change(&mut facts.recipes[1]);
            refused(Stage::new(facts).and_then(Stage::finish))
        };
        let error = with(&|recipe| recipe.license_files.clear());
        assert!(error.starts_with("recipe `engine` names no licence text"), "{error}");
        let error = with(&|recipe| recipe.license_files.push("MISSING".to_owned()));
        assert!(error.starts_with("licence text `MISSING` of recipe `engine`: `"), "{error}");
        let error = with(&|recipe| recipe.license_files.push("../secret".to_owned()));
        assert!(error.contains("`..` part"), "{error}");
        packages.link("../secret", "engine/LINK");
        let error = with(&|recipe| recipe.license_files.push("LINK".to_owned()));
        assert!(error.contains("leads out of its package"), "{error}");
    }

    #[test]
    fn recipes_have_to_fit_together() {
        let packages = Packages::new();
        let mut facts = packages.facts();
        facts.recipes.remove(1);
        assert_eq!(refused(Stage::new(facts)), "recipe `program` needs `engine`, which layer `sample` does not list");
        let mut facts = packages.facts();
        facts.recipes.push(packages.recipe("engine", "MIT", &["COPYING"]));
        assert_eq!(refused(Stage::new(facts)), "layer `sample` has recipe `engine` twice: choose one version of it");
    }

    #[test]
    fn too_large_a_layer_names_its_largest_files() {
        let files = [sample::file("a", &[0; 10]), sample::file("b", &[0; 30]), sample::file("c", &[0; 20])];
        check_size(&files, 60).expect("fits");
        assert_eq!(
            refused(check_size(&files, 59)),
            "the layer unpacks to 60 bytes, and AWS Lambda allows 59 for a function with its layers: \
             leave files out; the largest are `b` (30), `c` (20), `a` (10)"
        );
        // A file of zeros that takes no room on the disk shows that the limit is really asked for.
        let packages = Packages::new();
        let sparse = std::fs::File::create(packages.root().join("program/big")).expect("created");
        sparse.set_len(MAX_UNPACKED).expect("made long");
        let mut stage = packages.stage();
        add(&mut stage, "program", "big", "share/big").expect("added");
        assert!(refused(stage.finish()).contains("the largest are `share/big` (262144000), "));
    }
}
