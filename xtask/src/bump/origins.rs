//! Where an origin has another version, and what it serves there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use url::Url;

use super::renamed::{names, renamed};
use crate::fresh::debian::{SUITES, SourcePackage};
use crate::fresh::python::ProjectFile;
use crate::fresh::release::of_debian;
use crate::fresh::{Asker, printable};
use crate::model::{Origin, Sha256, Version};
use crate::source::failure::Failure;
use crate::source::http::shown;
use crate::source::measure::{Measured, measure};
use crate::source::mirror::Place;
use crate::source::{Client, Context};

/// What measuring works with.
pub struct Tools<'a> {
    /// Mirrors, store and printer.
    pub context: &'a Context<'a>,
    /// Asks indexes.
    pub asker: &'a Asker<'a>,
    /// Fetches.
    pub client: &'a Client,
    /// What was fetched in this run, by address.
    pub fetched: Mutex<BTreeMap<String, Got>>,
}

/// What came of an address.
#[derive(Debug, Clone)]
pub enum Got {
    /// Its bytes.
    Bytes(Measured),
    /// An answer that is not the file.
    Gone(String),
    /// No answer, so the file may be there.
    Silent(String),
}

/// An origin of the new version, with what it serves.
#[derive(Debug, Clone)]
pub struct Found {
    /// The origin.
    pub origin: Origin,
    /// What came.
    pub got: Got,
}

/// An origin of the new version and the addresses of it.
struct Located {
    origin: Origin,
    urls: Vec<Url>,
    /// What the index says of its bytes.
    stated: Option<Sha256>,
}

/// Suites that have older versions too, after those with new ones.
const OLDER: [&str; 2] = ["testing", "stable"];

/// What the counterpart of `origin` serves of version `to`. Fails if an index says that the release was taken back, or
/// that it has other bytes.
pub fn find(tools: &Tools<'_>, origin: &Origin, from: &Version, to: &Version) -> Result<Found> {
    let located = match origin {
        Origin::Https(text) => of_address(text, from, to),
        Origin::Debian(path) => of_debian_path(tools, path, from, to),
        Origin::Pypi { project, file } => of_python_file(tools, project, file, from, to)?,
    };
    let located = match located {
        Ok(located) => located,
        Err(got) => return Ok(Found { origin: origin.clone(), got }),
    };
    let mut got = Got::Silent("no place stands for it here".to_owned());
    for url in &located.urls {
        got = tools.fetch(url)?;
        if matches!(got, Got::Bytes(_)) {
            break;
        }
    }
    if let (Got::Bytes(measured), Some(stated)) = (&got, located.stated)
        && measured.sha256 != stated
    {
        bail!(
            "{}: its index states sha256 {stated}, and the file has {}\n\nhint: do not pin it before you know why",
            located.origin,
            measured.sha256
        );
    }
    Ok(Found { origin: located.origin, got })
}

impl Tools<'_> {
    fn fetch(&self, url: &Url) -> Result<Got> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(got) = fetched.get(url.as_str()) {
            return Ok(got.clone());
        }
        let got = match measure(self.context, self.client, url)? {
            Ok(measured) => Got::Bytes(measured),
            Err(failure @ (Failure::Status { status: 400..=499, .. } | Failure::Redirect(_))) => {
                Got::Gone(format!("{}: {}", shown(url), printable(&failure.to_string())))
            }
            Err(failure) => Got::Silent(format!("{}: {}", shown(url), printable(&failure.to_string()))),
        };
        fetched.insert(url.to_string(), got.clone());
        Ok(got)
    }
}

type Where = std::result::Result<Located, Got>;

fn of_address(text: &str, from: &Version, to: &Version) -> Where {
    let new = renamed(text, from, to);
    if new == text {
        return Err(Got::Gone(format!("{text} does not name its version, so that of {to} is not known")));
    }
    match (new.parse::<Origin>(), new.parse::<Url>()) {
        (Ok(origin), Ok(url)) => Ok(Located { origin, urls: vec![url], stated: None }),
        _ => Err(Got::Gone(format!("`{}` is not an origin", printable(&new)))),
    }
}

fn of_debian_path(tools: &Tools<'_>, path: &str, from: &Version, to: &Version) -> Where {
    let no_path = || Got::Gone(format!("debian:{path} does not name a package"));
    let (folder, name) = path.rsplit_once('/').ok_or_else(no_path)?;
    let package = folder.rsplit('/').next().ok_or_else(no_path)?;
    let mut silent = Vec::new();
    let mut answered = false;
    for suite in SUITES.iter().chain(&OLDER) {
        let entries = match tools.asker.debian(suite, &BTreeSet::from([package.to_owned()])) {
            Ok(from) => from.answer.get(package).cloned().unwrap_or_default(),
            Err(why) => {
                silent.push(format!("Debian's {suite}: {why}"));
                continue;
            }
        };
        answered = true;
        let of_version = |entry: &&SourcePackage| of_debian(&entry.version).as_ref() == Some(to);
        if let Some((file, stated)) = entries.iter().filter(of_version).find_map(|entry| counterpart(entry, name, from))
        {
            let Ok(origin) = format!("debian:{file}").parse::<Origin>() else {
                return Err(Got::Gone(format!("Debian's {suite} names `{}`, which is no path", printable(&file))));
            };
            let places = tools.context.mirrors.remote(&origin).map_err(|error| Got::Silent(format!("{error:#}")))?;
            let urls = places.into_iter().map(|place| match place {
                Place::File(url) | Place::Page(url) => url,
            });
            return Ok(Located { urls: urls.collect(), origin, stated });
        }
    }
    match answered {
        true => Err(Got::Gone(format!("Debian's indexes have no {to} of `{package}`"))),
        false => Err(Got::Silent(silent.join("; "))),
    }
}

/// The file of a source package that is what `name` is of the old version, with the digest that the index states.
fn counterpart(entry: &SourcePackage, name: &str, from: &Version) -> Option<(String, Option<Sha256>)> {
    let place = |file: &str| format!("{}/{file}", entry.directory);
    // A binary package is not in the index of sources, but named after it.
    if let Some(rest) = name.strip_suffix(".deb") {
        let mut parts = rest.split('_');
        let (binary, old, arch) = (parts.next()?, parts.next()?, parts.next()?);
        if !names(old, from) {
            return None;
        }
        let version = entry.version.split_once(':').map_or(entry.version.as_str(), |(_, version)| version);
        return Some((place(&format!("{binary}_{version}_{arch}.deb")), None));
    }
    let is_source = |file: &str| file.rsplit_once(".orig.tar.").is_some_and(|(_, end)| !end.contains('.'));
    let file = entry.files.iter().find(|file| is_source(&file.name))?;
    Some((place(&file.name), Some(file.sha256)))
}

fn of_python_file(tools: &Tools<'_>, project: &str, file: &str, from: &Version, to: &Version) -> Result<Where> {
    let files = match tools.asker.python(project) {
        Ok(from) => from.answer,
        Err(why) => return Ok(Err(Got::Silent(format!("Python project `{project}`: {why}")))),
    };
    let of_version: Vec<&ProjectFile> = files.iter().filter(|file| file.release().as_ref() == Some(to)).collect();
    if of_version.is_empty() {
        return Ok(Err(Got::Gone(format!("Python project `{project}` has no {to}"))));
    }
    if of_version.iter().all(|file| file.yanked) {
        bail!("{to} of Python project `{project}` was taken back (yanked)\n\nhint: take another version");
    }
    let wanted = renamed(file, from, to);
    let same: Vec<&&ProjectFile> = of_version.iter().filter(|file| file.name == wanted).collect();
    // Tags of wheels change; what a wheel runs on does not.
    let alike: Vec<&&ProjectFile> = of_version.iter().filter(|other| kind(&other.name) == kind(file)).collect();
    let found = match (same.as_slice(), alike.as_slice()) {
        ([found], _) | ([], [found]) => found,
        _ => {
            let names: Vec<String> = of_version.iter().map(|file| printable(&file.name)).collect();
            return Ok(Err(Got::Gone(format!("none of {} is clearly what `{file}` was", names.join(", ")))));
        }
    };
    let origin = format!("pypi:{project}/{}", found.name).parse::<Origin>();
    let origin = origin.map_err(|_| anyhow::anyhow!("`{}` is not a file's name", printable(&found.name)))?;
    let url = found
        .url
        .parse::<Url>()
        .with_context(|| format!("the index has no address for `{}`", printable(&found.name)))?;
    Ok(Ok(Located { origin, urls: vec![url], stated: found.sha256 }))
}

/// What a file of a Python project is: its ending, and for a wheel the machine and the libc it is for.
fn kind(name: &str) -> (&str, Vec<&str>) {
    let marks = [
        "x86_64",
        "aarch64",
        "manylinux",
        "macosx",
        "win",
        "none-any",
        "i686",
        "armv7l",
        "ppc64le",
        "s390x",
        "riscv64",
    ];
    let musl = (name.contains("musllinux") && !name.contains("manylinux")).then_some("musllinux");
    let marks = marks.into_iter().filter(|mark| name.contains(mark)).chain(musl).collect();
    (if name.ends_with(".whl") { "whl" } else { name.rsplit('.').next().unwrap_or_default() }, marks)
}
