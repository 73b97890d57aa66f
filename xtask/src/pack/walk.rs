//! Finding files in a package, without ever leaving it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::path::LayerPath;

/// The files at or below `source`, a path in the package `root`, each with its path in the layer, where
/// `source` is `to`. Links give what they lead to. The order is that of the names.
///
/// # Errors
/// If a link leads out of the package, in a circle or nowhere, or a name cannot be in a layer.
pub fn files_at(root: &Path, source: &Path, to: &LayerPath) -> Result<Vec<(LayerPath, PathBuf)>> {
    let mut found = Vec::new();
    collect(root, source, to, &mut Vec::new(), &mut found)?;
    Ok(found)
}

/// `above` holds the folders that lead here.
fn collect(
    root: &Path,
    source: &Path,
    to: &LayerPath,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<(LayerPath, PathBuf)>,
) -> Result<()> {
    let real = inside(root, source)?;
    if !real.is_dir() {
        found.push((to.clone(), real));
        return Ok(());
    }
    ensure!(!above.contains(&real), "`{}` leads in a circle", source.display());
    let said = || format!("`{}`", real.display());
    let mut names = fs::read_dir(&real)
        .with_context(said)?
        .map(|entry| {
            let name = entry.with_context(said)?.file_name();
            name.into_string().map_err(|name| anyhow!("in `{}`: {name:?} is not UTF-8", real.display()))
        })
        .collect::<Result<Vec<String>>>()?;
    names.sort();
    above.push(real.clone());
    for name in names {
        collect(root, &real.join(&name), &to.join(&name).with_context(said)?, above, found)?;
    }
    above.pop();
    Ok(())
}

/// What `path` is once links are followed.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("`{}`", path.display()))
}

/// The same, for what has to be in the folder `root`.
pub fn inside(root: &Path, path: &Path) -> Result<PathBuf> {
    let real = canonical(path)?;
    ensure!(
        real.starts_with(root),
        "`{}` leads out of its package, to `{}`: a layer takes files of its own packages only",
        path.display(),
        real.display()
    );
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn found(packages: &sample::Packages, from: &str) -> Result<Vec<(String, String)>> {
        let root = canonical(&packages.root().join("program"))?;
        let files = files_at(&root, &root.join(from), &"to".parse()?)?;
        let inside = |path: &Path| path.strip_prefix(&root).map(|path| path.to_string_lossy().into_owned());
        files.iter().map(|(path, source)| Ok((path.to_string(), inside(source)?))).collect()
    }

    fn error(packages: &sample::Packages, from: &str) -> String {
        format!("{:#}", found(packages, from).expect_err("refused"))
    }

    #[test]
    fn links_give_the_file_they_lead_to() {
        let packages = sample::Packages::new();
        packages.link("../python/tool/data", "program/lib/data");
        let pair = |to: &str, from: &str| (to.to_owned(), from.to_owned());
        assert_eq!(found(&packages, "lib/libtool.so.0").expect("found"), [pair("to", "lib/libtool.so.0.1")]);
        assert_eq!(
            found(&packages, "lib").expect("found"),
            [
                pair("to/data/table", "python/tool/data/table"),
                pair("to/libtool.so.0", "lib/libtool.so.0.1"),
                pair("to/libtool.so.0.1", "lib/libtool.so.0.1"),
            ]
        );
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        let packages = sample::Packages::new();
        packages.link("../../secret", "program/lib/relative");
        assert!(error(&packages, "lib/relative").contains("leads out of its package, to `"));
        assert!(error(&packages, "lib").contains("/relative` leads out of its package"));
        packages.link("/etc", "program/absolute");
        assert!(error(&packages, "absolute").contains("leads out of its package, to `/etc`"));
        // A sibling whose name begins alike is outside, too.
        packages.overwrite("program-2/file", "outside");
        packages.link("../program-2/file", "program/alike");
        assert!(error(&packages, "alike").contains("leads out of its package"));
    }

    #[test]
    fn links_in_a_circle_or_to_nothing_are_refused() {
        let packages = sample::Packages::new();
        packages.link("..", "program/python/up");
        assert!(error(&packages, "python").contains("leads in a circle"));
        packages.link("itself", "program/bin/itself");
        assert!(error(&packages, "bin").contains("/itself`"));
        packages.link("missing", "program/lib/nothing");
        let error = error(&packages, "lib");
        assert!(error.contains("/nothing`: No such file"), "{error}");
    }

    #[test]
    fn names_that_no_layer_can_have_are_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let packages = sample::Packages::new();
        packages.overwrite("program/a/back\\slash", "");
        assert!(error(&packages, "a").contains("separate folders with `/`"));
        packages.overwrite("program/b/new\nline", "");
        assert!(error(&packages, "b").contains("control character"));
        packages.overwrite("program/c/good", "");
        let name = std::ffi::OsStr::from_bytes(b"\xff");
        fs::write(packages.root().join("program/c").join(name), "").expect("written");
        assert!(error(&packages, "c").contains("is not UTF-8"));
    }
}
