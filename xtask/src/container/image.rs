//! Images: the base that a target's functions run on, and the one that is built on it to compile in.

use std::fs;
use std::path::Path;

use super::engine::Engine;
use super::failure::Failure;
use crate::process::guard::TemporaryFolder;

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

impl Image {
    /// The image `reference`, if the engine has it.
    pub fn find(engine: &Engine, reference: &str) -> Option<Image> {
        // Asked for as a whole, one engine gives an object and the other a list.
        let format = "{{.Id}} {{json .RepoDigests}}";
        let output = engine.output(["image", "inspect", "--format", format, reference]).ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (id, digests) = text.trim().split_once(' ')?;
        let digests: Option<Vec<String>> = serde_json::from_str(digests).ok()?;
        Some(Image { reference: reference.to_owned(), id: whole(id), digests: digests.unwrap_or_default() })
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
        let written = TemporaryFolder::new("image").map_err(|error| fails(error.to_string()))?;
        let id_file = written.path().join("id").to_string_lossy().into_owned();
        let (file, base) = (dockerfile.to_string_lossy(), format!("BASE_IMAGE={}", base.reference));
        let options = ["--file", &file, "--build-arg", &base, "--tag", tag, "--iidfile", &id_file, &folder];
        engine.run(std::iter::once("build").chain(options), log)?;
        let id = fs::read_to_string(&id_file).map_err(|error| fails(error.to_string()))?;
        Ok(Image { reference: tag.to_owned(), id: whole(id.trim()), digests: Vec::new() })
    }
}

/// An image's name with the algorithm that one of the engines leaves out.
fn whole(id: &str) -> String {
    if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") }
}
