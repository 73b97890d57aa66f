//! Who may know the versions of a project: read from the origins of its recipe.

use std::fmt;

use crate::model::upstream::Tags;
use crate::model::{Origin, Recipe, Version};

/// A place that knows versions of one project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Debian's source indexes, by the name of a source package.
    Debian(String),
    /// A Python package index, by the name of a project.
    Python(String),
    /// The tags of a git repository.
    Tags(TagList),
    /// A page with a link for each version.
    Listing(Listing),
}

/// Tags with a version in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagList {
    /// The repository.
    pub git: String,
    /// What stands before the version.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// What stands for its dots.
    pub dot: char,
}

/// Links with a version in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    /// The page.
    pub page: String,
    /// What stands before the version in a link's last part.
    pub before: String,
    /// What stands after it.
    pub after: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Debian(package) => write!(f, "Debian's source package `{package}`"),
            Place::Python(project) => write!(f, "Python project `{project}`"),
            Place::Tags(tags) => write!(f, "tags of {}", tags.git),
            Place::Listing(listing) => f.write_str(&listing.page),
        }
    }
}

impl Place {
    /// The places that know the versions of `recipe`, each once, in the order of its origins. An origin that does not
    /// name the pinned version, such as the compiler's archive for the library in it, knows nothing of the project.
    pub fn of(recipe: &Recipe) -> Vec<Place> {
        let mut places = Vec::new();
        let mut add = |place: Place| {
            if !places.contains(&place) {
                places.push(place);
            }
        };
        for version in &recipe.versions {
            let archives = version.sources.iter().flat_map(|source| &source.archives);
            for origin in archives.flat_map(|archive| &archive.origins) {
                place(origin, &version.version).into_iter().for_each(&mut add);
            }
        }
        recipe.upstream.tags.as_ref().map(of_tags).into_iter().for_each(&mut add);
        places
    }

    /// The repository of a project and the tag of a version in it, if any place of the recipe says so.
    pub fn tag(recipe: &Recipe, version: &Version) -> Option<(String, String)> {
        Place::of(recipe).into_iter().find_map(|place| match place {
            Place::Tags(tags) => {
                let number = version.as_str().replace('.', &tags.dot.to_string());
                Some((tags.git, format!("{}{number}{}", tags.before, tags.after)))
            }
            _ => None,
        })
    }
}

fn of_tags(tags: &Tags) -> Place {
    let (before, after, dot) = tags.name.parts();
    // Addresses are filled in for no version: a repository has one.
    let git = tags.git.as_str().to_owned();
    Place::Tags(TagList { git, before: before.to_owned(), after: after.to_owned(), dot })
}

fn place(origin: &Origin, version: &Version) -> Option<Place> {
    match origin {
        Origin::Debian(path) => {
            let mut parts = path.rsplit('/');
            let file = parts.next()?;
            file.contains(version.as_str()).then(|| parts.next().map(|package| Place::Debian(package.to_owned())))?
        }
        Origin::Pypi { project, file } => {
            // A wheel's name has `_` for every `-`, so a version with one would not be found.
            file.contains(version.as_str()).then(|| Place::Python(project.clone()))
        }
        Origin::Https(url) => github(url, version).or_else(|| listing(url, version)),
    }
}

/// The tags of a GitHub repository, from the archive of a tag or a file of a release.
fn github(url: &str, version: &Version) -> Option<Place> {
    let parts: Vec<&str> = url.strip_prefix("https://github.com/")?.split('/').collect();
    let (owner, repository, tag) = match parts.as_slice() {
        [owner, repository, "archive", "refs", "tags", file] | [owner, repository, "archive", file] => {
            let tag = [".tar.gz", ".zip"].iter().find_map(|end| file.strip_suffix(end))?;
            (owner, repository, tag)
        }
        [owner, repository, "releases", "download", tag, _] => (owner, repository, *tag),
        _ => return None,
    };
    let (before, after) = tag.split_once(version.as_str())?;
    let git = format!("https://github.com/{owner}/{repository}.git");
    Some(Place::Tags(TagList { git, before: before.to_owned(), after: after.to_owned(), dot: '.' }))
}

/// The page above the first part of an address that has the version in it.
fn listing(url: &str, version: &Version) -> Option<Place> {
    let at = url.find(version.as_str())?;
    let start = url[..at].rfind('/')? + 1;
    let end = url[at..].find('/').map_or(url.len(), |end| at + end);
    let (before, after) = url[start..end].split_once(version.as_str())?;
    // A version in the host's name is none.
    let page = &url[..start];
    (page.len() > "https://".len())
        .then(|| Place::Listing(Listing { page: page.to_owned(), before: before.to_owned(), after: after.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: &str, version: &str) -> Option<Place> {
        place(&origin.parse().expect(origin), &version.parse().expect(version))
    }

    fn listing(page: &str, before: &str, after: &str) -> Option<Place> {
        Some(Place::Listing(Listing { page: page.to_owned(), before: before.to_owned(), after: after.to_owned() }))
    }

    #[test]
    fn every_kind_of_origin_names_a_place() {
        assert_eq!(
            of("debian:pool/main/f/ffmpeg/ffmpeg_9.0.2.orig.tar.xz", "9.0.2"),
            Some(Place::Debian("ffmpeg".to_owned()))
        );
        assert_eq!(of("pypi:ninja/ninja-1.13.2-py3-none-any.whl", "1.13.2"), Some(Place::Python("ninja".to_owned())));
        assert_eq!(
            of("https://ffmpeg.org/releases/ffmpeg-9.0.2.tar.xz", "9.0.2"),
            listing("https://ffmpeg.org/releases/", "ffmpeg-", ".tar.xz")
        );
        assert_eq!(
            of("https://www.nasm.us/pub/nasm/releasebuilds/3.01/nasm-3.01.tar.xz", "3.01"),
            listing("https://www.nasm.us/pub/nasm/releasebuilds/", "", "")
        );
        let tags = |git: &str, before: &str| {
            Some(Place::Tags(TagList {
                git: git.to_owned(),
                before: before.to_owned(),
                after: String::new(),
                dot: '.',
            }))
        };
        assert_eq!(
            of("https://github.com/MediaArea/ZenLib/archive/refs/tags/v0.4.41.tar.gz", "0.4.41"),
            tags("https://github.com/MediaArea/ZenLib.git", "v")
        );
        assert_eq!(
            of("https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-3.6.7/mbedtls-3.6.7.tar.bz2", "3.6.7"),
            tags("https://github.com/Mbed-TLS/mbedtls.git", "mbedtls-")
        );
    }

    #[test]
    fn what_does_not_name_the_version_knows_nothing_of_it() {
        assert_eq!(of("pypi:ziglang/ziglang-0.15.2-py3-none-any.whl", "20.1.2"), None);
        assert_eq!(of("debian:pool/main/z/zig/zig_0.15.2.orig.tar.xz", "20.1.2"), None);
        assert_eq!(of("https://example.org/latest.tar.xz", "20.1.2"), None);
        assert_eq!(of("https://1.2/x.tar.xz", "1.2"), None);
    }
}
