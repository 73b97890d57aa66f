//! What the audit needs to know about a file that the file itself does not say.

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;

use crate::model::{Arch, ByArch, Protection};

/// What one file cannot tell about itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The file's path below the layer's root, with `/` between its parts.
    pub path: &'a str,
    /// Where the file is.
    pub place: Place,
    /// The architecture of the layer, where it is known.
    pub arch: Option<Arch>,
    /// The libraries that the layer brings with it.
    pub carried: &'a CarriedLibraries,
    /// The only symbols the file may export; any where absent.
    pub exports: Option<&'a AllowedExports>,
    /// What the file must be protected by, beyond what is demanded of everybody's files.
    pub protections: &'a ByArch<Protection>,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a layer: what it says about its surroundings can be checked.
    Layer,
    /// On its own: its path says nothing.
    Alone,
}

/// By the names under which the loader could know them, where the layer's libraries are.
#[derive(Debug, Clone, Default)]
pub struct CarriedLibraries {
    paths: BTreeMap<String, BTreeSet<String>>,
}

impl CarriedLibraries {
    /// Nothing is carried, as with a file on its own.
    pub fn new() -> CarriedLibraries {
        CarriedLibraries::default()
    }

    /// Adds the library at `path`, below the layer's root, under its file name and its soname.
    pub fn add(&mut self, path: &str, soname: Option<&str>) {
        let file_name = path.rsplit('/').next().unwrap_or(path);
        for name in [Some(file_name), soname].into_iter().flatten() {
            self.paths.entry(name.to_owned()).or_default().insert(path.to_owned());
        }
    }

    /// Where the libraries of that name are; empty where the layer carries none.
    pub fn find(&self, name: &str) -> impl Iterator<Item = &str> {
        self.paths.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Whether the layer carries a library of that name.
    pub fn has(&self, name: &str) -> bool {
        self.paths.contains_key(name)
    }
}

/// Globs of the only symbols that a file may export.
#[derive(Debug, Clone)]
pub struct AllowedExports {
    globs: Vec<String>,
    patterns: Vec<Pattern>,
}

/// A text that is not a glob.
#[derive(Debug, thiserror::Error)]
#[error("`{glob}` is not a glob: {why}")]
pub struct InvalidGlob {
    glob: String,
    why: glob::PatternError,
}

impl AllowedExports {
    /// Compiles globs such as `MediaInfo_*`.
    ///
    /// # Errors
    /// One of them is not a glob; the error names it.
    pub fn new(globs: &[String]) -> Result<AllowedExports, InvalidGlob> {
        let compiled =
            globs.iter().map(|glob| Pattern::new(glob).map_err(|why| InvalidGlob { glob: glob.clone(), why }));
        Ok(AllowedExports { globs: globs.to_vec(), patterns: compiled.collect::<Result<_, _>>()? })
    }

    /// Whether a symbol of that name may be exported.
    pub fn allow(&self, symbol: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(symbol))
    }

    /// The globs as they were given.
    pub fn globs(&self) -> &[String] {
        &self.globs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_what_the_globs_say() {
        let allowed = AllowedExports::new(&["MediaInfo_*".to_owned(), "MediaInfoList_*".to_owned()]).expect("globs");
        assert!(allowed.allow("MediaInfo_Open") && allowed.allow("MediaInfoList_New"));
        assert!(!allowed.allow("MediaInfoX") && !allowed.allow("_ZN9MediaInfo_C1Ev"));
        assert!(!AllowedExports::new(&[]).expect("no globs").allow("anything"));
    }

    #[test]
    fn a_broken_glob_is_named() {
        let error = AllowedExports::new(&["a[".to_owned()]).expect_err("broken");
        assert!(error.to_string().contains("a["), "{error}");
    }
}
