//! What every fuzz target checks: one function for each, which takes bytes and panics where something is wrong.
//!
//! The targets are in `fuzz/fuzz_targets/`, and only call these functions. Here a stable compiler compiles them, and a
//! test runs each on the inputs to begin with. `docs/testing.md` says how to fuzz and how to add a target.

pub mod answers;
pub mod archives;
pub mod cache;
#[cfg(feature = "clouds")]
pub mod canned;
#[cfg(feature = "clouds")]
pub mod clouds;
pub mod elves;
pub mod layers;
pub mod ours;
pub mod patches;
pub mod places;
pub mod requests;
pub mod seeds;

// What the tests of the tool make to be refused are inputs to begin with.
#[allow(dead_code, missing_docs)]
#[path = "../../../xtask/tests/hostile/archives.rs"]
mod archives_to_refuse;
#[allow(dead_code, missing_docs)]
#[path = "../../../xtask/tests/hostile/layers.rs"]
mod layers_to_refuse;
#[allow(dead_code, missing_docs)]
#[path = "../../../xtask/tests/hostile/tarring.rs"]
mod tarring;
#[allow(dead_code, missing_docs)]
#[path = "../../../xtask/tests/hostile/zipping.rs"]
mod zipping;

/// A target's name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    #[cfg(feature = "clouds")]
    ("aliyun", clouds::aliyun),
    ("apt", answers::apt_lists),
    ("cache", cache::pulled),
    ("compressed", archives::compressed),
    ("deb", archives::deb),
    ("elf", elves::elf),
    ("files", ours::file),
    ("inspect", layers::documents),
    #[cfg(feature = "clouds")]
    ("lambda", clouds::lambda),
    ("patch", patches::patched),
    ("pip", answers::pip_settings),
    ("plan", ours::plan),
    #[cfg(feature = "clouds")]
    ("published", clouds::published),
    ("server", requests::served),
    ("shown", answers::shown),
    ("tar", archives::tar),
    ("versions", answers::versions),
    ("zip", layers::zip),
];

/// What a target does with an input.
pub fn run(target: &str, bytes: &[u8]) {
    let check = TARGETS.iter().find(|(name, _)| *name == target);
    check.unwrap_or_else(|| panic!("there is no target `{target}`")).1(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_accepts_what_it_begins_with() {
        for (name, check) in TARGETS {
            let seeds = seeds::of(name);
            assert!(!seeds.is_empty(), "{name} begins with nothing");
            let begun = std::time::Instant::now();
            seeds.iter().for_each(|seed| check(seed));
            check(b"");
            println!("{name}: {} inputs in {:?}", seeds.len(), begun.elapsed());
        }
    }

    /// Nothing else compiles the targets before they are run.
    #[test]
    #[cfg(feature = "clouds")]
    fn every_target_has_its_file_and_its_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz_targets");
        let manifest = include_str!("../../Cargo.toml");
        for (name, _) in TARGETS {
            let path = format!("{folder}/{name}.rs");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(text.contains(&format!("fuzz_checks::run({name:?}, bytes)")), "{text}");
            assert!(manifest.contains(&format!("name = {name:?}\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
        }
        assert_eq!(std::fs::read_dir(folder).expect("the targets").count(), TARGETS.len());
    }
}
