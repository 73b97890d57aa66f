//! Images: the base that a target's functions run on, and the one that is built on it to compile in.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::engine::Engine;
use super::failure::Failure;

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As it was asked for.
    pub reference: String,
    /// What the engine calls it: `sha256:…` of its configuration, which names its content.
    pub id: String,
    /// The digests under which registries know it; none for one that was built or imported here.
    pub digests: Vec<String>,
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "Id")]
    id: String,
    #[serde(default, rename = "RepoDigests")]
    repo_digests: Option<Vec<String>>,
}

impl Image {
    /// The image `reference`, if the engine has it.
    pub fn find(engine: &Engine, reference: &str) -> Option<Image> {
        let output = engine.output(["image", "inspect", "--format", "{{json .}}", reference]).ok()?;
        let inspected: Inspected = serde_json::from_slice(&output.stdout).ok()?;
        // Podman leaves the algorithm out.
        let id = if inspected.id.contains(':') { inspected.id } else { format!("sha256:{}", inspected.id) };
        Some(Image { reference: reference.to_owned(), id, digests: inspected.repo_digests.unwrap_or_default() })
    }

    /// The image `reference`, pulled if the engine does not have it. What the engine says meanwhile goes to `log`.
    pub fn obtain(engine: &Engine, reference: &str, log: &Path) -> Result<Image, Failure> {
        if let Some(image) = Image::find(engine, reference) {
            return Ok(image);
        }
        engine.run(["pull", reference], log).map_err(|failure| Failure::to_get(reference, failure))?;
        Image::find(engine, reference)
            .ok_or_else(|| engine.failure("image inspect", "the image that was pulled is not there"))
    }

    /// The image that `dockerfile` makes of `base`. The engine keeps what it has made once.
    pub fn build(engine: &Engine, dockerfile: &Path, base: &Image, tag: &str, log: &Path) -> Result<Image, Failure> {
        let fails = |said: String| engine.failure("build", &said);
        let folder = dockerfile.parent().unwrap_or(dockerfile).to_string_lossy().into_owned();
        // Newer programs print the id somewhere among other things; all of them write it into a file.
        let written = tempfile::NamedTempFile::new().map_err(|error| fails(error.to_string()))?;
        let id_file = written.path().to_string_lossy().into_owned();
        let (file, base) = (dockerfile.to_string_lossy(), format!("BASE_IMAGE={}", base.reference));
        let options = ["--file", &file, "--build-arg", &base, "--tag", tag, "--iidfile", &id_file, &folder];
        engine.run(std::iter::once("build").chain(options), log)?;
        let id = fs::read_to_string(&id_file).map_err(|error| fails(error.to_string()))?;
        Ok(Image { reference: tag.to_owned(), id: id.trim().to_owned(), digests: Vec::new() })
    }
}
