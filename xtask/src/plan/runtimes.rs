//! Which runtimes a published layer version lists.
//!
//! A cloud's console offers a layer to the functions whose runtime the version lists, and a version can list only so
//! many. The rule is pure: the day comes in. What a version lists is no part of a zip.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::date::Date;
use crate::model::runtime::{Runtime, State};
use crate::model::target::Cloud;
use crate::model::{Arch, Target, Targets};

/// How many runtimes a version can list: `CompatibleRuntimes` of AWS's service model; Function Compute's is the same.
pub const MOST: usize = 15;

/// The runtimes of one cloud that a layer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Those that a version lists, the most important first.
    pub listed: Vec<String>,
    /// Those for which there is no place, in the order in which they would get one.
    pub no_place: Vec<String>,
    /// Those with which no function can be updated any more.
    pub ended: Vec<String>,
}

/// Chooses the runtimes that a version for `arch` lists in `cloud` on the day `today`, of the targets that it was audited
/// for.
///
/// Supported ones come first, then those with which functions can still be created, then those with which they can be
/// updated. Among these, the newest of each language on each system comes before the second newest of any; where places
/// run out, the newer system counts, and then the language that the file names first.
pub fn listed(targets: &Targets, cloud: Cloud, arch: Arch, audited: &dyn Fn(&Target) -> bool, today: Date) -> Listed {
    let fitting = |target: &&Target| target.cloud == cloud && target.architectures.contains(&arch) && audited(target);
    // The file has the oldest system first.
    let systems: Vec<&Target> = targets.targets.iter().rev().filter(fitting).collect();
    let mut languages: Vec<&str> = Vec::new();
    for runtime in systems.iter().flat_map(|target| &target.runtimes) {
        if !languages.contains(&runtime.language()) {
            languages.push(runtime.language());
        }
    }
    let mut ranked: Vec<(Rank, &Runtime)> = Vec::new();
    let mut ended = Vec::new();
    for (system, target) in systems.iter().enumerate() {
        let mut rounds: BTreeMap<(State, &str), usize> = BTreeMap::new();
        for runtime in &target.runtimes {
            let state = runtime.state(today);
            if state == State::NoUpdate {
                ended.push(runtime.name.clone());
                continue;
            }
            let round = rounds.entry((state, runtime.language())).or_default();
            let language = languages.iter().position(|language| *language == runtime.language()).unwrap_or_default();
            let known = ranked.iter().any(|(_, other)| other.name == runtime.name);
            if !known {
                ranked.push((Rank { state, round: *round, system, language }, runtime));
            }
            *round += 1;
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut listed: Vec<String> = ranked.into_iter().map(|(_, runtime)| runtime.name.clone()).collect();
    let no_place = listed.split_off(listed.len().min(MOST));
    Listed { listed, no_place, ended }
}

/// What counts first stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    state: State,
    round: usize,
    system: usize,
    language: usize,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::read_toml;

    fn ours(today: &str) -> Listed {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
        let targets: Targets = read_toml(&root.join("docker/targets.toml")).expect("the targets");
        listed(&targets, Cloud::Aws, Arch::Arm64, &|_| true, today.parse().expect("a day"))
    }

    /// The file as it is, on fixed days: what is new goes in first, and what has ended goes out by itself.
    #[test]
    fn ours_are_these() {
        let now = ours("2026-11-28");
        assert_eq!(
            now.listed,
            [
                "python3.15",
                "nodejs26.x",
                "java25",
                "provided.al2023",
                "ruby4.0",
                "dotnet10",
                "python3.11",
                "java17",
                "python3.14",
                "nodejs24.x",
                "java21",
                "ruby3.4",
                "java11",
                "python3.13",
                "nodejs22.x",
            ]
        );
        assert_eq!(now.no_place.iter().take(3).collect::<Vec<_>>(), ["java17.al2023", "ruby3.3", "java8.al2"]);
        assert!(now.no_place.contains(&"python3.8".to_owned()), "functions can still be created with it");
        assert!(now.ended.is_empty());

        let later = ours("2028-01-01");
        assert!(later.listed.contains(&"python3.12".to_owned()));
        assert!(later.ended.contains(&"python3.11".to_owned()), "{:?}", later.ended);
        assert!(!later.listed.iter().chain(&later.no_place).any(|name| name == "java17"));
    }

    #[test]
    fn only_targets_that_were_audited_count() {
        let text = r#"
floor = "2.17"
libraries = { any = [], x86_64 = [], arm64 = [] }
[[target]]
name = "old"
title = "old"
cloud = "aws"
glibc = "2.26"
architectures = ["x86_64", "arm64"]
runtimes = [{ name = "python3.9", deprecated = "2025-01-01" }, { name = "shared" }]
[[target]]
name = "new"
title = "new"
cloud = "aws"
glibc = "2.34"
architectures = ["x86_64"]
runtimes = [{ name = "python3.14" }, { name = "python3.13", no-update = "2026-01-01" }, { name = "shared" }]
"#;
        let targets: Targets = toml::from_str(text).expect("targets");
        let today = "2026-01-01".parse().expect("a day");
        let names =
            |cloud, arch, audited: &dyn Fn(&Target) -> bool| listed(&targets, cloud, arch, audited, today).listed;
        assert_eq!(names(Cloud::Aws, Arch::X86_64, &|_| true), ["python3.14", "shared", "python3.9"]);
        assert_eq!(names(Cloud::Aws, Arch::Arm64, &|_| true), ["shared", "python3.9"]);
        assert_eq!(names(Cloud::Aws, Arch::X86_64, &|target| target.name == "new"), ["python3.14", "shared"]);
        assert_eq!(names(Cloud::Aliyun, Arch::X86_64, &|_| true), [""; 0]);
        assert_eq!(listed(&targets, Cloud::Aws, Arch::X86_64, &|_| true, today).ended, ["python3.13"]);
    }
}
