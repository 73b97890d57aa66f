//! What goes wrong with container engines, and what to do about it.

use crate::process::bounded::Output;

/// An engine is missing, or something that it should do failed. Every text ends in what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No program of an engine is installed.
    #[error(
        "no container engine is installed: neither `docker` nor `podman` is on PATH\n\nhint: install one, on Debian with `apt install podman`; or do without, with `--builder host`"
    )]
    NoEngine,
    /// The program is there and the engine behind it is not.
    #[error(
        "the engine of `{program}` does not answer: {said}\n\nhint: start it, where there is systemd with `systemctl start docker`; or do without, with `--builder host`"
    )]
    NotRunning {
        /// The engine's program.
        program: String,
        /// Its words.
        said: String,
    },
    /// The engine is there and this user may not use it.
    #[error(
        "this user may not use the engine of `{program}`: {said}\n\nhint: join the group of its socket (`sudo usermod --append --groups docker USER`, then log in anew), or install podman, which needs no rights"
    )]
    NoPermission {
        /// The engine's program.
        program: String,
        /// Its words.
        said: String,
    },
    /// The image is neither here nor can it be fetched.
    #[error(
        "the image `{image}` cannot be pulled: {said}\n\nhint: name a mirror, a copy in a registry of your own or an image of this machine with `--base-image IMAGE`; `{program} login` if the registry asks who you are"
    )]
    NoImage {
        /// The engine's program.
        program: String,
        /// What was asked for.
        image: String,
        /// The engine's words.
        said: String,
    },
    /// The engine has no room left.
    #[error(
        "the engine of `{program}` is out of disk space: {said}\n\nhint: `{program} system prune` removes what no container uses; its files are in {folder}"
    )]
    NoSpace {
        /// The engine's program.
        program: String,
        /// Its words.
        said: String,
        /// Where it keeps images.
        folder: String,
    },
    /// Anything else.
    #[error("`{program} {what}` failed: {said}\n\nhint: `{program} info` shows how the engine is set up")]
    Other {
        /// The engine's program.
        program: String,
        /// What it was to do.
        what: String,
        /// Its words.
        said: String,
    },
}

impl Failure {
    /// What it means that the engine's program ended so while it was to do `what`. Its words are all there is to go by.
    pub fn of(program: &str, folder: &str, what: &str, said: &str) -> Failure {
        let (program, words) = (program.to_owned(), said.to_lowercase());
        let said = last_words(said);
        if words.contains("no space left on device") || words.contains("disk quota exceeded") {
            Failure::NoSpace { program, said, folder: folder.to_owned() }
        } else if words.contains("permission denied") && (words.contains(".sock") || words.contains("socket")) {
            Failure::NoPermission { program, said }
        } else if ["cannot connect to", "is the docker daemon running", "error during connect"]
            .iter()
            .any(|sign| words.contains(sign))
        {
            Failure::NotRunning { program, said }
        } else {
            Failure::Other { program, what: what.to_owned(), said }
        }
    }

    /// The same, for an image that was asked for.
    pub fn to_get(image: &str, failure: Failure) -> Failure {
        match failure {
            Failure::Other { program, said, .. } => Failure::NoImage { program, image: image.to_owned(), said },
            other => other,
        }
    }
}

/// Everything that a program said.
pub fn words(output: &Output) -> String {
    let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if text.trim().is_empty() { output.ending() } else { text }
}

/// The line that tells most, which engines print last, after progress and before advice.
fn last_words(said: &str) -> String {
    // This one only introduces the error, and comes after it.
    let tells = |line: &&str| !line.is_empty() && *line != "errors pretty printing info";
    let lines = || said.lines().map(str::trim).filter(tells);
    let is_error = |line: &&str| {
        let line = line.to_lowercase();
        ["error", "cannot", "denied", "no space", "failed"].iter().any(|sign| line.contains(sign))
    };
    let line = lines().rfind(is_error).or_else(|| lines().next_back()).unwrap_or("it says nothing");
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str) -> Failure {
        Failure::of("docker", "/var/lib/docker", "pull amazonlinux:2", said)
    }

    #[test]
    fn words_of_engines_are_understood() {
        let texts = [
            "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\nerrors pretty printing info\n",
            "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: connect: permission denied\n",
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device\n",
            "Error response from daemon: Get \"https://registry.example/v2/\": no route to host\n",
        ]
        .map(|text| of(text).to_string());
        insta::assert_snapshot!(texts.join("\n----\n"));
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named() {
        let failure = Failure::to_get("amazonlinux:2", of("manifest for amazonlinux:2 not found: manifest unknown"));
        assert!(
            failure.to_string().starts_with("the image `amazonlinux:2` cannot be pulled: manifest for"),
            "{failure}"
        );
        assert!(matches!(Failure::to_get("x", of("no space left on device")), Failure::NoSpace { .. }));
    }
}
