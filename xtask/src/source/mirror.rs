//! Mirrors: which hosts and folders of this machine stand for an origin.
//!
//! Recipes say `debian:pool/…` and `pypi:project/file`. Who serves them is decided here: what a flag or
//! a variable names, else what apt's source lists and pip say. No host is named in this project.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use url::Url;

use super::{apt, pip};
use crate::model::Origin;
use crate::model::recipe::{Archive, Source};

/// The flags that name mirrors, for every command that fetches.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MirrorArgs {
    /// Debian archive to use instead of those in apt's source lists: an http(s) URL or a folder.
    #[arg(long, env = "MEDIA_LAYERS_DEBIAN_MIRROR", value_name = "URL|DIR")]
    pub debian_mirror: Vec<String>,
    /// Python package index to use instead of those of pip: the URL of its simple pages, or a folder.
    #[arg(long, env = "MEDIA_LAYERS_PYPI_INDEX", value_name = "URL|DIR")]
    pub pypi_index: Vec<String>,
    /// Folder to look into first: for archives, by their SHA-256 or their file names, and for unpacked trees such as a
    /// checkout of the version's tag, by the name of the archive's folder or of the recipe. A tree must have the pinned
    /// digest.
    #[arg(long, env = "MEDIA_LAYERS_MIRROR_DIR", value_name = "DIR")]
    pub mirror_dir: Vec<PathBuf>,
}

/// Where a mirror is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Behind http or https. The path ends in `/`, so that relative paths can be joined to it.
    Url(Url),
    /// In a folder of this machine.
    Folder(PathBuf),
}

impl Base {
    /// Reads an http(s) URL, a `file:` URL or the path of a folder. Other schemes are refused by name.
    pub fn parse(text: &str) -> anyhow::Result<Base> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Base::Folder(PathBuf::from(path)));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let url = Url::parse(&format!("{}/", text.trim_end_matches('/')));
            return Ok(Base::Url(url.with_context(|| format!("`{text}` is not a URL"))?));
        }
        match text.split_once(':') {
            Some((scheme, _)) if !scheme.contains('/') && Url::parse(text).is_ok() => {
                bail!("`{text}` is not a mirror: `{scheme}:` is not supported, expected http, https or a folder")
            }
            _ => Ok(Base::Folder(PathBuf::from(text))),
        }
    }
}

/// A place behind the network that may hold an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The archive itself.
    File(Url),
    /// A page of a package index with an anchor for the file.
    Page(Url),
}

/// Where Python packages are.
#[derive(Debug, Default)]
struct Pypi {
    /// Indexes: one page per project.
    indexes: Vec<Base>,
    /// Folders or pages with files of any project.
    links: Vec<Base>,
}

impl Pypi {
    fn of(found: &pip::Indexes) -> Pypi {
        // What this program cannot use, such as an index behind git+ssh, pip may still use.
        let bases = |texts: &[String]| texts.iter().filter_map(|text| Base::parse(text).ok()).collect();
        Pypi { indexes: bases(&found.indexes), links: bases(&found.links) }
    }
}

/// Every mirror of this run. What the machine says is asked only when an origin needs it, and once.
#[derive(Debug, Default)]
pub struct Mirrors {
    folders: Vec<PathBuf>,
    debian: OnceLock<Vec<Base>>,
    pypi: OnceLock<Pypi>,
}

impl Mirrors {
    /// The mirrors that the flags name; for what they leave open, those of this machine.
    /// Fails if a flag names a folder that does not exist or a URL that cannot be one.
    pub fn new(args: &MirrorArgs) -> anyhow::Result<Mirrors> {
        let mirrors = Mirrors { folders: args.mirror_dir.clone(), ..Mirrors::default() };
        for folder in &mirrors.folders {
            check_folder("--mirror-dir", folder)?;
        }
        if !args.debian_mirror.is_empty() {
            let _ = mirrors.debian.set(parse_flag("--debian-mirror", &args.debian_mirror)?);
        }
        if !args.pypi_index.is_empty() {
            let indexes = parse_flag("--pypi-index", &args.pypi_index)?;
            let _ = mirrors.pypi.set(Pypi { indexes, links: Vec::new() });
        }
        Ok(mirrors)
    }

    /// The files of this machine that may be `archive`, nearest first; each exists.
    pub fn local(&self, archive: &Archive) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for folder in &self.folders {
            files.push(folder.join(archive.sha256.to_string()));
            files.extend(archive.origins.iter().map(|origin| folder.join(origin.file_name())));
        }
        for origin in &archive.origins {
            let name = origin.file_name();
            match origin {
                Origin::Https(_) => {}
                Origin::Debian(path) => {
                    files.extend(folders(self.debian()).flat_map(|folder| [folder.join(path), folder.join(name)]));
                }
                Origin::Pypi { project, .. } => {
                    let bases = self.pypi().links.iter().chain(&self.pypi().indexes);
                    files
                        .extend(folders(bases).flat_map(|folder| [folder.join(name), folder.join(project).join(name)]));
                }
            }
        }
        files.retain(|file| file.is_file());
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// The folders of this machine that may be the tree of `source`, which belongs to the recipe and version `what`; each
    /// exists. They are known by their names: the digest of the tree, the root of one of the archives, or the recipe's
    /// name with or without its version. A mirror's folder may itself be one.
    pub fn local_trees(&self, what: &str, source: &Source) -> Vec<PathBuf> {
        let Some(tree) = source.tree else { return Vec::new() };
        let recipe = what.split(' ').next().unwrap_or(what);
        let mut names = vec![tree.to_string(), what.replace(' ', "-"), recipe.to_owned()];
        names.extend(source.archives.iter().filter_map(|archive| archive.root.rsplit('/').next()).map(str::to_owned));
        names.retain(|name| !matches!(name.as_str(), "" | "." | ".."));
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in &self.folders {
            let itself = folder.canonicalize().ok().filter(|full| names.iter().any(|name| full.ends_with(name)));
            let below = names.iter().map(|name| folder.join(name)).filter(|path| path.is_dir());
            for path in itself.into_iter().chain(below) {
                if !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The places behind the network that may serve `origin`, in the order in which to try them.
    pub fn remote(&self, origin: &Origin) -> anyhow::Result<Vec<Place>> {
        let places: Vec<Place> = match origin {
            Origin::Https(url) => vec![Place::File(url.parse().with_context(|| format!("`{url}` is not a URL"))?)],
            Origin::Debian(path) => {
                urls(self.debian()).filter_map(|base| base.join(path).ok()).map(Place::File).collect()
            }
            Origin::Pypi { project, .. } => {
                let pypi = self.pypi();
                let pages = urls(&pypi.indexes).filter_map(|base| base.join(&format!("{project}/")).ok());
                urls(&pypi.links).cloned().chain(pages).map(Place::Page).collect()
            }
        };
        if places.is_empty() {
            bail!("{}", self.nothing_known(origin));
        }
        Ok(places)
    }

    fn nothing_known(&self, origin: &Origin) -> &'static str {
        match origin {
            Origin::Pypi { .. } if !self.pypi().links.is_empty() || !self.pypi().indexes.is_empty() => {
                "only folders are configured, and none of them has it"
            }
            Origin::Pypi { .. } => {
                "no Python package index is configured on this machine; `apt install python3-pip`, or name one with `--pypi-index`"
            }
            _ if !self.debian().is_empty() => "only folders are configured, and none of them has it",
            _ => "apt's source lists name no Debian archive; name one with `--debian-mirror`",
        }
    }

    fn debian(&self) -> &[Base] {
        self.debian.get_or_init(|| debian_of_apt(Path::new("/etc/apt")))
    }

    /// Whether neither a flag nor this machine names a Python package index.
    pub fn lack_an_index(&self) -> bool {
        if let Some(pypi) = self.pypi.get() {
            return pypi.indexes.is_empty() && pip::discover().indexes.is_empty();
        }
        let found = pip::discover();
        let lacking = found.indexes.is_empty();
        if !lacking {
            // Starting pip takes a second, so what it said once counts.
            let _ = self.pypi.set(Pypi::of(&found));
        }
        lacking
    }

    /// Lets the pip in `wheel` say which indexes there are; of no effect once an index was looked for.
    pub fn learn_from_pip(&self, wheel: &Path) {
        if let Some(found) = pip::ask_wheel(wheel) {
            let _ = self.pypi.set(Pypi::of(&found));
        }
    }

    fn pypi(&self) -> &Pypi {
        self.pypi.get_or_init(|| Pypi::of(&pip::discover()))
    }
}

fn folders<'a>(bases: impl IntoIterator<Item = &'a Base>) -> impl Iterator<Item = &'a Path> {
    bases.into_iter().filter_map(|base| match base {
        Base::Folder(folder) => Some(folder.as_path()),
        Base::Url(_) => None,
    })
}

fn urls<'a>(bases: impl IntoIterator<Item = &'a Base>) -> impl Iterator<Item = &'a Url> {
    bases.into_iter().filter_map(|base| match base {
        Base::Url(url) => Some(url),
        Base::Folder(_) => None,
    })
}

fn parse_flag(flag: &str, texts: &[String]) -> anyhow::Result<Vec<Base>> {
    let mut bases = Vec::new();
    for text in texts {
        let base = Base::parse(text).with_context(|| format!("cannot use `{flag}`"))?;
        if let Base::Folder(folder) = &base {
            check_folder(flag, folder)?;
        }
        bases.push(base);
    }
    Ok(bases)
}

fn check_folder(flag: &str, folder: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        bail!("`{flag}` names `{}`, which is not a folder", folder.display());
    }
    Ok(())
}

/// The archives in the source lists below apt's configuration folder, best first. Files that cannot be
/// read count as empty, as an origin without a mirror says what to do.
fn debian_of_apt(etc: &Path) -> Vec<Base> {
    let mut files: Vec<PathBuf> = fs::read_dir(etc.join("sources.list.d"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    files.sort();
    files.insert(0, etc.join("sources.list"));
    let mut entries = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => entries.extend(apt::parse_list(&text)),
            Some("sources") => entries.extend(apt::parse_sources(&text)),
            _ => {}
        }
    }
    let expand = |entry: apt::Entry| match entry.uri.strip_prefix("mirror+file:") {
        // Debian's cloud images name their mirror through such a list.
        Some(path) => {
            let list = fs::read_to_string(path.strip_prefix("//").unwrap_or(path)).unwrap_or_default();
            let uris = apt::parse_mirror_list(&list).into_iter();
            uris.map(|uri| apt::Entry { uri, components: entry.components.clone() }).collect()
        }
        None => vec![entry],
    };
    let entries: Vec<apt::Entry> = entries.into_iter().flat_map(expand).collect();
    apt::rank(&entries)
        .iter()
        .map(|address| address.strip_prefix("copy:").map_or(address.clone(), |path| format!("file:{path}")))
        .filter_map(|address| Base::parse(&address).ok())
        .filter(|base| !matches!(base, Base::Folder(folder) if folder.is_relative()))
        .collect()
}

#[cfg(test)]
#[path = "tests/mirror.rs"]
mod tests;
