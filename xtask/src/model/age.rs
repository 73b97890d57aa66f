//! Which of two versions is newer: numbers count as numbers, and a pre-release comes before its release.

use std::cmp::Ordering;

use super::Version;

/// What stands behind the number of a version that is not finished.
const UNFINISHED: [&str; 5] = ["alpha", "beta", "dev", "pre", "rc"];

impl Version {
    /// Compares by age: the newer version is the greater one.
    ///
    /// Two texts for the same numbers (`26.05` and `26.5`) are compared as texts, so that no two versions are equal.
    pub fn compare_age(&self, other: &Version) -> Ordering {
        let (mut ours, mut theirs) = (self.as_str(), other.as_str());
        loop {
            let ((our, our_rest), (their, their_rest)) = (part(ours), part(theirs));
            let order = match (our.is_empty(), their.is_empty()) {
                (true, true) => return self.as_str().cmp(other.as_str()),
                (true, false) => return if is_unfinished(theirs) { Ordering::Greater } else { Ordering::Less },
                (false, true) => return if is_unfinished(ours) { Ordering::Less } else { Ordering::Greater },
                (false, false) => compare_parts(our, their),
            };
            if order != Ordering::Equal {
                return order;
            }
            (ours, theirs) = (our_rest, their_rest);
        }
    }
}

/// The first run of digits or of anything else, and the rest.
fn part(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|first: char| first.is_ascii_digit());
    text.split_at(text.find(|next: char| next.is_ascii_digit() != digits).unwrap_or(text.len()))
}

fn compare_parts(our: &str, their: &str) -> Ordering {
    let numbers = [our, their].iter().all(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    if !numbers {
        // Whether `.` or `-` stands between two numbers says nothing about age.
        let word = |part: &str| part.replace(['-', '.', '+'], "");
        return is_unfinished(their).cmp(&is_unfinished(our)).then_with(|| word(our).cmp(&word(their)));
    }
    let (our, their) = (our.trim_start_matches('0'), their.trim_start_matches('0'));
    our.len().cmp(&their.len()).then_with(|| our.cmp(their))
}

fn is_unfinished(rest: &str) -> bool {
    let word = rest.trim_start_matches(['-', '.', '+']).to_ascii_lowercase();
    UNFINISHED.iter().any(|mark| word.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_age() {
        let ordered = [
            "0.4.9",
            "0.4.41",
            "1.0-rc1",
            "1.0-rc2",
            "1.0",
            "1.0.1-beta",
            "1.0.1",
            "1.0.1w",
            "3.01",
            "7.1.5",
            "8.1.2",
            "23.04",
            "26.05",
            "26.10",
            "2026.10.18",
            "2026-11-02",
            "2026.12.01",
        ];
        let version = |text: &str| text.parse::<Version>().expect(text);
        for (at, older) in ordered.iter().enumerate() {
            assert_eq!(version(older).compare_age(&version(older)), Ordering::Equal);
            for newer in &ordered[at + 1..] {
                assert_eq!(version(older).compare_age(&version(newer)), Ordering::Less, "{older} {newer}");
                assert_eq!(version(newer).compare_age(&version(older)), Ordering::Greater, "{newer} {older}");
            }
        }
        assert_ne!(version("26.5").compare_age(&version("26.05")), Ordering::Equal);
    }
}
