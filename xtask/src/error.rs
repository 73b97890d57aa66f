//! What went wrong, as far as the exit code is concerned.

/// The input is broken or the command was called wrongly: exit code 2.
///
/// Everything else that fails, a build or a download for instance, ends with exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(pub String);

/// An [`InvalidInput`] as the error of a function that returns [`anyhow::Result`].
pub fn invalid(message: impl Into<String>) -> anyhow::Error {
    InvalidInput(message.into()).into()
}

/// The beginning of a hint after an unknown name: the known name that is most like it, or nothing where none is.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let distances = known.into_iter().map(|other| (strsim::damerau_levenshtein(name, other), other));
    // One letter in three may be wrong.
    match distances.min().filter(|(distance, other)| distance * 3 <= other.len().max(3)) {
        Some((_, other)) => format!("did you mean `{other}`? "),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let known = ["ffmpeg", "ffprobe", "mediainfo"];
        assert_eq!(did_you_mean("medianfo", known), "did you mean `mediainfo`? ");
        assert_eq!(did_you_mean("ffprobr", known), "did you mean `ffprobe`? ");
        assert_eq!(did_you_mean("exiftool", known), "");
        assert_eq!(did_you_mean("anything", []), "");
    }
}
