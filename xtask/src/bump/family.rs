//! Which recipes move together.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::model::{RecipeName, Version};

/// The recipe and those that have to have the same version as it: whoever compiles the same source otherwise
/// (`files-of`), and whoever needs it, or is needed, in exactly that version.
pub fn family(catalog: &Catalog, name: &RecipeName, version: &Version) -> Vec<RecipeName> {
    let mut members = BTreeSet::from([name.clone()]);
    loop {
        let more: Vec<RecipeName> = catalog
            .recipes
            .values()
            .map(|entry| &entry.recipe)
            .filter(|recipe| recipe.version(version).is_some() && !members.contains(&recipe.name))
            .filter(|recipe| members.iter().any(|member| is_bound(catalog, &recipe.name, member, version)))
            .map(|recipe| recipe.name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        members.extend(more);
    }
    // The one that was asked for comes first.
    let others = members.iter().filter(|member| *member != name).cloned();
    std::iter::once(name.clone()).chain(others).collect()
}

fn is_bound(catalog: &Catalog, one: &RecipeName, other: &RecipeName, version: &Version) -> bool {
    let owner = |name: &RecipeName| {
        let recipe = &catalog.recipes.get(name)?.recipe;
        Some(recipe.files_of.clone().unwrap_or_else(|| name.clone()))
    };
    let needs = |name: &RecipeName, needed: &RecipeName| {
        let pinned = catalog.recipes.get(name).and_then(|entry| entry.recipe.version(version));
        let mut needs = pinned.into_iter().flat_map(|pinned| &pinned.needs);
        needs.any(|need| need.name == *needed && need.version.as_ref() == Some(version))
    };
    owner(one) == owner(other) || needs(one, other) || needs(other, one)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_shares_source_or_version_moves_together() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
        let catalog = Catalog::load(root).expect("the catalog");
        let of = |name: &str| -> Vec<String> {
            let name: RecipeName = name.parse().expect("a name");
            let newest = catalog.recipes[&name].recipe.versions.iter().max_by(|a, b| a.version.compare_age(&b.version));
            let version = &newest.expect("a version").version;
            family(&catalog, &name, version).iter().map(RecipeName::to_string).collect()
        };
        assert_eq!(of("ffprobe"), ["ffprobe", "ffmpeg"]);
        assert_eq!(of("mediainfo"), ["mediainfo", "mediainfolib"]);
        assert_eq!(of("curl"), ["curl"]);
    }
}
