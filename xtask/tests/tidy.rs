//! The rules of the house, as tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use xtask::catalog::Catalog;
use xtask::lock::Lock;
use xtask::model::recipe::Platform;
use xtask::pack::purl;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

/// Every file that git would commit, by path from the root.
fn files() -> Vec<PathBuf> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = xtask::process::output("git", ["-C", &root().to_string_lossy()].iter().chain(&list)).expect("git");
    assert!(output.status.success(), "git ls-files failed");
    let text = String::from_utf8(output.stdout).expect("names in UTF-8");
    let paths = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    let present: Vec<_> = paths.filter(|path| root().join(path).is_file()).collect();
    assert!(present.len() > 50, "only {} files", present.len());
    present
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path)).expect("a file")).into_owned()
}

fn rust_files() -> impl Iterator<Item = PathBuf> {
    files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
}

#[test]
fn files_are_short() {
    let long: Vec<_> = rust_files().filter(|path| read(path).lines().count() > 400).collect();
    assert!(long.is_empty(), "longer than 400 lines: {long:?}");
}

/// The modules in the order of the house: each may import what stands before it.
const LAYERS: [&[&str]; 11] = [
    &["error", "model"],
    &["archive", "files", "process", "ui", "companion"],
    &["container"],
    &["catalog"],
    &["plan"],
    &["source", "elf", "pack", "smoke", "compile"],
    &["session", "lock", "shared", "choice", "fresh"],
    &["assembly", "bump", "groups", "inspect", "invoke", "verify"],
    &["commands"],
    &["cli"],
    &["main", "lib"],
];

/// What stands side by side on one floor and may still be imported.
const NEIGHBOURS: [(&str, &str); 1] = [("compile", "source")];

/// The same for the crate that publishes.
const PUBLISH_LAYERS: [&[&str]; 8] = [
    &["model", "clock"],
    &["order"],
    &["plan", "store"],
    &["aws", "aliyun", "artifact", "apply"],
    &["index"],
    &["commands"],
    &["cli"],
    &["main", "lib"],
];

/// The same for the benchmark's crate.
const BENCH_LAYERS: [&[&str]; 14] = [
    &["digest", "measured", "peers", "statistics", "log", "delay", "callgrind", "film", "identity", "page_cache"],
    &["launch", "debian", "subject", "counts"],
    &["tun", "media", "nginx", "registry", "workshop"],
    &["room", "subjects"],
    &["machine", "size", "instructions"],
    &["results"],
    &["sample"],
    &["markdown", "summary", "runner"],
    &["chart", "measure"],
    &["prepare"],
    &["function", "start"],
    &["commands"],
    &["cli"],
    &["main", "snapshots"],
];

#[test]
fn imports_point_one_way() {
    let mut wrong = backward("xtask/src", &LAYERS);
    wrong.extend(backward("publish/src", &PUBLISH_LAYERS));
    wrong.extend(backward("bench/src", &BENCH_LAYERS));
    assert!(wrong.is_empty(), "imports that point back:\n{}", wrong.join("\n"));
}

/// The imports of a crate that point back.
fn backward(source: &str, layers: &[&[&str]]) -> Vec<String> {
    let floor = |module: &str| layers.iter().position(|names| names.contains(&module));
    let mut wrong = Vec::new();
    for path in rust_files() {
        let Ok(inner) = path.strip_prefix(source) else { continue };
        let module = inner.components().next().expect("a part").as_os_str().to_string_lossy().replace(".rs", "");
        let own = floor(&module).unwrap_or_else(|| panic!("module `{module}` has no floor in this test"));
        for line in read(&path).lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let Some(other) = floor(&name) else { continue };
                let neighbours = NEIGHBOURS.contains(&(module.as_str(), name.as_str()));
                if name != module && !neighbours && (other > own || (other == own && own > 1)) {
                    wrong.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    wrong
}

#[test]
fn files_of_a_room_do_not_import_each_other_in_a_circle() {
    let mut rooms: BTreeMap<PathBuf, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    let is_test = |path: &Path| path.iter().any(|part| part.to_string_lossy().starts_with("tests"));
    for path in rust_files().filter(|path| path.iter().any(|part| part == "src") && !is_test(path)) {
        let (Some(room), Some(name)) = (path.parent(), path.file_stem()) else { continue };
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
        let used = lines.flat_map(|line| line.split("super::").skip(1).map(word).collect::<Vec<_>>());
        rooms.entry(room.to_owned()).or_default().insert(name.to_string_lossy().into_owned(), used.collect());
    }
    let mut circles = Vec::new();
    for (room, files) in &rooms {
        for start in files.keys().filter(|name| *name != "mod") {
            let (mut next, mut reached) = (vec![start], BTreeSet::new());
            while let Some(name) = next.pop() {
                let used = files.get(name).into_iter().flatten().filter(|used| files.contains_key(*used));
                next.extend(used.filter(|used| reached.insert(*used)));
            }
            if reached.contains(start) {
                circles.push(format!("{}/{start}.rs", room.display()));
            }
        }
    }
    assert!(circles.is_empty(), "files that import each other in a circle: {circles:?}");
}

#[test]
fn processes_and_sockets_have_one_place() {
    let mut wrong = Vec::new();
    let is_test =
        |path: &PathBuf| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
    for path in
        rust_files().filter(|path| (path.starts_with("xtask/src") || path.starts_with("bench/src")) && !is_test(path))
    {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        // A launcher of the benchmark must be small, so it has a way of its own.
        let process = ["xtask/src/process", "xtask/src/process.rs", "bench/src/measured.rs"];
        let process = process.iter().any(|place| path.starts_with(place));
        if code.contains("process::Command") && !process {
            wrong.push(format!("{} starts processes", path.display()));
        }
        if code.contains("ureq::") && !path.starts_with("xtask/src/source") {
            wrong.push(format!("{} opens download sockets", path.display()));
        }
        if code.contains("process::exit") {
            wrong.push(format!("{} exits from inside", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn recipes_are_complete() {
    let catalog = Catalog::load(root()).expect("the catalog");
    assert!(catalog.recipes.len() >= 11);
    let mut missing = Vec::new();
    let mut used = BTreeSet::new();
    for entry in catalog.recipes.values() {
        let recipe = &entry.recipe;
        let name = &recipe.name;
        if recipe.license.spdx.is_empty() || recipe.summary.is_empty() || !recipe.homepage.starts_with("https://") {
            missing.push(format!("{name}: licence, summary and homepage"));
        }
        if recipe.license.files.is_empty()
            && !recipe.steps.iter().any(|step| format!("{step:?}").contains("/licenses/"))
        {
            missing.push(format!("{name}: a licence text"));
        }
        // What is compiled into a layer must be known to scanners by the name that the NVD uses.
        if recipe.platform == Platform::Target && recipe.upstream.cpe.is_none() {
            missing.push(format!("{name}: `upstream.cpe`"));
        }
        // A generic package URL says where a file was, and no list of vulnerabilities goes by that.
        if let Some(purl) = recipe.newest().map(|newest| purl::of_release(recipe, newest))
            && recipe.platform != Platform::Builder
            && !["pkg:github/", "pkg:pypi/"].iter().any(|kind| purl.starts_with(kind))
        {
            missing.push(format!("{name}: `upstream.purl`, as nobody knows `{purl}`"));
        }
        for version in &recipe.versions {
            for archive in version.sources.iter().flat_map(|source| &source.archives) {
                if archive.size.is_none() && archive.note.is_none() {
                    missing.push(format!("{name} {}: the size of {}", version.version, archive.sha256.short()));
                }
            }
            for patch in &version.patches {
                let path = &entry.files[&format!("patches/{patch}")].path;
                let text = read(path.strip_prefix(root()).expect("a file of ours"));
                let reason = text.split("--- ").next().unwrap_or_default();
                // Words, not lines: those of two patches stand in two long ones.
                if reason.split_whitespace().count() < 25 {
                    missing.push(format!("{name}: the reason of {patch}"));
                }
                used.insert(path.clone());
            }
        }
    }
    for entry in catalog.recipes.values() {
        for (name, file) in entry.files.iter().filter(|(name, _)| name.starts_with("patches/")) {
            if !used.contains(&file.path) {
                missing.push(format!("{}: a version that uses {name}", entry.recipe.name));
            }
        }
    }
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

#[test]
fn every_recipe_is_used() {
    let catalog = Catalog::load(root()).expect("the catalog");
    let recipes = catalog.recipes.values().map(|entry| &entry.recipe);
    let mut used: BTreeSet<_> = recipes
        .flat_map(|recipe| {
            let own = recipe.versions.iter().flat_map(|version| &version.needs);
            recipe.needs.iter().chain(&recipe.tools).chain(own).map(|reference| &reference.name)
        })
        .collect();
    used.extend([&catalog.toolchain.compiler.name, &catalog.toolchain.pip.name]);
    for layer in catalog.layers.values() {
        used.insert(&layer.recipe);
        used.extend(layer.files.iter().map(|file| &file.recipe));
    }
    let unused: Vec<_> = catalog.recipes.keys().filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "recipes that nothing is made of: {unused:?}");
}

#[test]
fn the_lock_names_only_what_can_be_built() {
    let catalog = Catalog::load(root()).expect("the catalog");
    let lock = Lock::load(root()).expect("the lock");
    assert!(!lock.zips().is_empty());
    for zip in lock.zips() {
        let layer = catalog.layer(&zip.layer).expect("a layer of ours");
        let recipe = &catalog.recipe(&layer.recipe).expect("a recipe of ours").recipe;
        let version = recipe.version(&zip.version);
        assert!(version.is_some(), "{} {} is locked and has no recipe: remove it", zip.layer, zip.version);
    }
}

#[test]
fn texts_end_in_a_newline_and_have_no_trailing_spaces() {
    let mut wrong = Vec::new();
    for path in files() {
        let text_file = ["rs", "toml", "md", "sh", "yml", "py", "cmake"]
            .iter()
            .any(|known| path.extension().is_some_and(|it| it == *known));
        if text_file {
            let text = read(&path);
            if !text.ends_with('\n') || text.lines().any(|line| line.ends_with(' ') || line.contains('\t')) {
                wrong.push(path);
            }
        }
    }
    assert!(wrong.is_empty(), "trailing spaces, tabs or no newline at the end: {wrong:?}");
}

/// Where the links of a page lead, as they are written.
fn links(page: &str) -> Vec<String> {
    let mut code = false;
    let outside = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !code && !fence && !line.starts_with("    ")
    });
    let targets = outside.flat_map(|line| line.split("](").skip(1));
    targets.filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// The name by which a link finds a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_page_is_reachable_and_every_link_leads_somewhere() {
    let pages: BTreeSet<PathBuf> =
        files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    let (mut wrong, mut reached) = (Vec::new(), BTreeSet::new());
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(page) = next.pop() {
        if !reached.insert(page.clone()) {
            continue;
        }
        for link in links(&read(&page)).into_iter().filter(|link| !link.contains("://")) {
            let (file, part) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            let Ok(target) = root().join(&target).canonicalize() else {
                wrong.push(format!("{}: {link}", page.display()));
                continue;
            };
            let target = target.strip_prefix(root().canonicalize().expect("the checkout")).expect("inside").to_owned();
            // A folder is shown with its page.
            let target = if root().join(&target).is_dir() { target.join("README.md") } else { target };
            if !pages.contains(&target) {
                continue;
            }
            if !part.is_empty() && !read(&target).lines().any(|line| line.starts_with('#') && anchor(line) == part) {
                wrong.push(format!("{}: {link}", page.display()));
            }
            next.push(target);
        }
    }
    let unreached: Vec<_> = pages.difference(&reached).collect();
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    assert!(unreached.is_empty(), "pages to which no link leads from README.md: {unreached:?}");
}

#[test]
fn nothing_names_a_package_registry() {
    // Split, so that this file does not name them either.
    let hosts = [
        ["deb.", "debian.org"],
        ["pypi.", "org"],
        ["python", "hosted.org"],
        ["npm", "js.org"],
        ["index.crates", ".io"],
    ];
    let mut wrong = Vec::new();
    for path in files().into_iter().filter(|path| !path.ends_with("Cargo.lock")) {
        let text = read(&path);
        for host in hosts.map(|parts| parts.concat()) {
            if text.contains(&host) {
                wrong.push(format!("{}: {host}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The digests of all archives of a recipe.
fn archives(catalog: &Catalog, name: &str) -> BTreeSet<String> {
    let recipe = &catalog.recipe(&name.parse().expect("a name")).expect("a recipe of ours").recipe;
    let sources = recipe.versions.iter().flat_map(|version| &version.sources);
    sources.flat_map(|source| &source.archives).map(|archive| archive.sha256.to_string()).collect()
}

#[test]
fn what_two_recipes_say_of_one_source_agrees() {
    let catalog = Catalog::load(root()).expect("the catalog");
    let compiler = catalog.toolchain.compiler.name.as_str();
    assert_eq!(
        archives(&catalog, "libcxx"),
        archives(&catalog, compiler),
        "libc++ is the one that the compiler brings"
    );
    for entry in catalog.recipes.values() {
        let Some(other) = &entry.recipe.files_of else { continue };
        let name = entry.recipe.name.as_str();
        assert_eq!(
            archives(&catalog, name),
            archives(&catalog, other.as_str()),
            "{name} and {other} compile one source"
        );
    }
}
