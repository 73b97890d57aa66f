//! Where an entry of a RPATH or RUNPATH leads.

/// Why an entry cannot be used in a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("is the current folder, whatever that is")]
    Empty,
    #[error("does not begin with `$ORIGIN`, the file's own folder")]
    NotBelowOrigin,
    #[error("depends on the loader, through a variable other than `$ORIGIN`")]
    OtherVariable,
    #[error("leaves the layer")]
    LeavesLayer,
}

/// What follows `$ORIGIN` in an entry.
///
/// # Errors
/// It does not begin with `$ORIGIN`, or has something in it that only the loader knows.
pub(super) fn below_origin(entry: &str) -> Result<&str, Unusable> {
    if entry.is_empty() {
        return Err(Unusable::Empty);
    }
    let rest = entry
        .strip_prefix("$ORIGIN")
        .or_else(|| entry.strip_prefix("${ORIGIN}"))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .ok_or(Unusable::NotBelowOrigin)?;
    if rest.contains('$') { Err(Unusable::OtherVariable) } else { Ok(rest) }
}

/// The folder, below the layer's root and without a slash at its end, that an entry of the file at
/// `path` leads to.
///
/// # Errors
/// As [`below_origin`], and where the way there leads out of the layer.
pub(super) fn resolve(entry: &str, path: &str) -> Result<String, Unusable> {
    let origin = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut folder: Vec<&str> = Vec::new();
    for part in origin.split('/').chain(below_origin(entry)?.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                folder.pop().ok_or(Unusable::LeavesLayer)?;
            }
            part => folder.push(part),
        }
    }
    Ok(folder.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_resolved_against_the_file() {
        for (entry, path, folder) in [
            ("$ORIGIN", "bin/x", "bin"),
            ("${ORIGIN}/../lib/", "bin/x", "lib"),
            ("$ORIGIN/./a//b/..", "x", "a"),
            ("$ORIGIN/../../lib", "python/a/x.so", "lib"),
            ("$ORIGIN/..", "bin/x", ""),
        ] {
            assert_eq!(resolve(entry, path).as_deref(), Ok(folder), "{entry}");
        }
    }

    #[test]
    fn entries_that_lead_elsewhere_are_told_apart() {
        for (entry, why) in [
            ("", Unusable::Empty),
            ("/usr/lib", Unusable::NotBelowOrigin),
            ("lib", Unusable::NotBelowOrigin),
            ("$ORIGINAL/lib", Unusable::NotBelowOrigin),
            ("$LIB", Unusable::NotBelowOrigin),
            ("$ORIGIN/$LIB", Unusable::OtherVariable),
            ("$ORIGIN/../..", Unusable::LeavesLayer),
            ("$ORIGIN/../../opt/lib", Unusable::LeavesLayer),
        ] {
            assert_eq!(resolve(entry, "bin/x"), Err(why), "{entry}");
        }
    }
}
