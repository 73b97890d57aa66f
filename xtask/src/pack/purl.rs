//! Package URLs: the names under which vulnerability databases look a recipe up.

use std::fmt::Write as _;

use super::facts::PackedRecipe;
use crate::model::recipe::{Archive, RecipeVersion};
use crate::model::{Origin, Recipe, RecipeName, Version};

/// The package URL of a recipe: as its `upstream` table says, else after the first origin of its first archive: `pkg:github/…` for what
/// GitHub serves, `pkg:pypi/…` for a Python index, otherwise `pkg:generic/…` with the address, if it
/// has one, and the digest. A local tree is generic and has neither.
pub fn purl(recipe: &PackedRecipe) -> String {
    let archive = recipe.sources.iter().flat_map(|source| &source.archives).next().filter(|_| recipe.pinned);
    match recipe.purl.as_ref().filter(|_| recipe.pinned) {
        Some(purl) => purl.clone(),
        None => derived(&recipe.name, &recipe.version, archive),
    }
}

/// The same of a version as a recipe pins it.
pub fn of_release(recipe: &Recipe, version: &RecipeVersion) -> String {
    match &recipe.upstream.purl {
        Some(purl) => purl.of(&version.version),
        None => {
            let archive = version.sources.iter().flat_map(|source| &source.archives).next();
            derived(&recipe.name, &version.version, archive)
        }
    }
}

fn derived(name: &RecipeName, version: &Version, archive: Option<&Archive>) -> String {
    let version = version.as_str();
    match archive.and_then(|archive| archive.origins.first()) {
        Some(Origin::Pypi { project, .. }) => format!("pkg:pypi/{}@{}", encode(project), encode(version)),
        Some(Origin::Https(url)) if github(url).is_some() => github(url).unwrap_or_default(),
        _ => format!("pkg:generic/{}@{}{}", encode(name.as_str()), encode(version), qualifiers(archive)),
    }
}

/// In the order of their names, as the specification wants it.
fn qualifiers(archive: Option<&Archive>) -> String {
    let Some(archive) = archive else { return String::new() };
    let checksum = encode(&format!("sha256:{}", archive.sha256));
    match archive.origins.first() {
        Some(Origin::Https(url)) => format!("?checksum={checksum}&download_url={}", encode(url)),
        _ => format!("?checksum={checksum}"),
    }
}

/// The owner, repository and tag behind a GitHub address: a tag's archive or a file of a release.
fn github(url: &str) -> Option<String> {
    let mut parts = url.strip_prefix("https://github.com/")?.split('/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.collect();
    let tag = match rest.as_slice() {
        ["archive", "refs", "tags", file] | ["archive", file] => {
            [".tar.gz", ".zip"].iter().find_map(|end| file.strip_suffix(end))?
        }
        ["releases", "download", tag, _] => tag,
        _ => return None,
    };
    // GitHub ignores case in names, so the specification wants them in lower case.
    let (owner, repository) = (owner.to_ascii_lowercase(), repository.to_ascii_lowercase());
    Some(format!("pkg:github/{}/{}@{}", encode(&owner), encode(&repository), encode(tag)))
}

/// Percent-encodes what the specification does not let stand.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_origin_has_its_kind() {
        let digest = "a".repeat(64);
        for (origin, expected) in [
            ("https://github.com/Org/Lib/archive/refs/tags/v1.2.tar.gz", "pkg:github/org/lib@v1.2".to_owned()),
            ("https://github.com/Org/Lib/archive/v1.2.zip", "pkg:github/org/lib@v1.2".to_owned()),
            ("https://github.com/Org/Lib/releases/download/lib-1.2/x.tar.bz2", "pkg:github/org/lib@lib-1.2".to_owned()),
            ("pypi:some-lib/some_lib-1.2-py3-none-any.whl", "pkg:pypi/some-lib@1.2%2Bx".to_owned()),
            (
                "debian:pool/main/l/lib/lib_1.2.orig.tar.gz",
                format!("pkg:generic/bundle@1.2%2Bx?checksum=sha256:{digest}"),
            ),
            (
                "https://example.org/a/lib-1.2.tar.gz",
                format!(
                    "pkg:generic/bundle@1.2%2Bx?checksum=sha256:{digest}\
                     &download_url=https:%2F%2Fexample.org%2Fa%2Flib-1.2.tar.gz"
                ),
            ),
        ] {
            let mut recipe = recipe(origin);
            assert_eq!(purl(&recipe), expected);
            recipe.pinned = false;
            assert_eq!(purl(&recipe), "pkg:generic/bundle@1.2%2Bx", "a local tree is not what {origin} serves");
        }
    }

    #[test]
    fn the_recipe_knows_better_than_its_origin() {
        let mut recipe = recipe("https://example.org/a/lib-1.2.tar.gz");
        recipe.purl = Some("pkg:github/org/lib@lib-1_2".to_owned());
        assert_eq!(purl(&recipe), "pkg:github/org/lib@lib-1_2");
        recipe.pinned = false;
        assert_eq!(purl(&recipe), "pkg:generic/bundle@1.2%2Bx", "a local tree is not that release");
    }

    fn recipe(origin: &str) -> PackedRecipe {
        let mut recipe = sample::Packages::new().facts().recipes[0].clone();
        recipe.version = "1.2+x".parse().expect("a version");
        recipe.sources = vec![sample::source(&"a".repeat(64), &[origin])];
        recipe
    }
}
