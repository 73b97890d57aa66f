//! The files of a layer as an OCI image, for functions that are container images and cannot have layers.
//!
//! The image holds /opt and nothing else: it cannot be run, but `COPY --from` takes files out of it. It is made from
//! the finished zips alone, so the same zips give the same archive.
//!
//! <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};
use sha2::Digest as _;
use tar::{Builder, EntryType, Header};

use super::landing::land;
use super::release::Release;
use crate::archive::entry::{Content, LIMITS};
use crate::archive::layer as zipped;
use crate::model::{Arch, LayerName, Sha256, Version};

/// The label with the digest of the zip that the files come from.
const ZIP_LABEL: &str = "media-layers.zip.sha256";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image archive in `dist/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageArchive {
    /// The name of the file.
    pub name: String,
    /// What the image is called once it is loaded, without a registry: `media-layers/mediainfo:23.04`.
    pub reference: String,
    /// Bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Sha256,
}

/// Writes the image of `releases` into `dist`, where their zips are: one layer in its architectures.
///
/// # Errors
/// If there is no release, a zip is not the one of its record, or the disk fails.
pub fn write_image(releases: &[Release], dist: &Path) -> Result<ImageArchive> {
    let first = releases.first().context("an image of no layer")?;
    let (layer, version) = (&first.manifest.layer, &first.manifest.version);
    let mut blobs = Blobs::default();
    let mut instances = Vec::new();
    for release in releases {
        instances.push(instance(release, dist, &mut blobs)?);
    }
    let reference = format!("media-layers/{layer}:{version}");
    // Readers take the one entry of the outer index for the image; the inner one lists its architectures.
    let index = json!({ "manifests": instances, "mediaType": INDEX, "schemaVersion": 2 });
    let mut entry = blobs.add_json(INDEX, &index)?;
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": reference });
    let outer = json!({ "manifests": [entry], "mediaType": INDEX, "schemaVersion": 2 });
    let archive = blobs.into_archive(&outer)?;
    let archs: Vec<_> = releases.iter().map(|release| release.manifest.arch).collect();
    let name = image_name(layer, version, &archs);
    land(&dist.join(&name), |out| Ok(out.write_all(&archive)?))?;
    Ok(ImageArchive { name, reference, size: archive.len() as u64, sha256: Sha256::of(&archive) })
}

/// The name of an image's file in `dist/`.
pub fn image_name(layer: &LayerName, version: &Version, archs: &[Arch]) -> String {
    let archs: Vec<_> = archs.iter().map(|arch| arch.name()).collect();
    format!("{layer}-{version}-{}.oci.tar", archs.join("-"))
}

/// Adds what is for one architecture; returns its entry in the index.
fn instance(release: &Release, dist: &Path, blobs: &mut Blobs) -> Result<Value> {
    let path = dist.join(&release.zip.name);
    let failed = || format!("cannot read {}", path.display());
    let mut zip = File::open(&path).with_context(failed)?;
    let mut hasher = sha2::Sha256::new();
    io::copy(&mut zip, &mut hasher).with_context(failed)?;
    let sha256 = Sha256::from_bytes(hasher.finalize().into());
    ensure!(sha256 == release.zip.sha256, "{} is not the zip that its record describes", path.display());
    let tar = files_of(zip).with_context(failed)?;
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut gzip = vec![0; compressor.gzip_compress_bound(tar.len())];
    let length = compressor.gzip_compress(&tar, &mut gzip)?;
    gzip.truncate(length);
    let labels = labels(release);
    // Keys are in the order of the alphabet, so that the text does not depend on how serde_json was compiled.
    let config = json!({
        "architecture": architecture(release.manifest.arch),
        "config": { "Labels": labels },
        "created": "1980-01-01T00:00:00Z",
        "os": "linux",
        "rootfs": { "diff_ids": [format!("sha256:{}", Sha256::of(&tar))], "type": "layers" },
    });
    let manifest = json!({
        "annotations": labels,
        "config": blobs.add_json(CONFIG, &config)?,
        "layers": [blobs.add(LAYER, gzip)],
        "mediaType": MANIFEST,
        "schemaVersion": 2,
    });
    let mut entry = blobs.add_json(MANIFEST, &manifest)?;
    entry["platform"] = json!({ "architecture": architecture(release.manifest.arch), "os": "linux" });
    Ok(entry)
}

/// What the image says of itself.
fn labels(release: &Release) -> Value {
    let manifest = &release.manifest;
    let licenses: BTreeSet<_> = manifest.recipes.iter().map(|recipe| recipe.license.as_str()).collect();
    let licenses = licenses
        .into_iter()
        .map(|license| if license.contains(' ') { format!("({license})") } else { license.to_owned() });
    let own = manifest.recipes.iter().find(|recipe| recipe.name.as_str() == manifest.layer.as_str());
    let source = own.or(manifest.recipes.first()).map(|recipe| recipe.homepage.clone()).unwrap_or_default();
    json!({
        ZIP_LABEL: release.zip.sha256.to_string(),
        "org.opencontainers.image.description": manifest.summary,
        "org.opencontainers.image.licenses": licenses.collect::<Vec<_>>().join(" AND "),
        "org.opencontainers.image.source": source,
        "org.opencontainers.image.title": manifest.layer.as_str(),
        "org.opencontainers.image.version": manifest.version.as_str(),
    })
}

/// The name of an architecture in images, which is that of Go.
fn architecture(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "amd64",
        Arch::Arm64 => "arm64",
    }
}

/// The files of a zip of ours below `opt/`, as a tar.
fn files_of(zip: File) -> Result<Vec<u8>> {
    let (mut tar, mut folders) = (Builder::new(Vec::new()), BTreeSet::new());
    zipped::each(zip, LIMITS, &mut |entry| {
        let name = format!("opt/{}", entry.path);
        let Content::File { bytes, .. } = entry.content else { bail!("`{name}` is not a file") };
        for (end, _) in name.match_indices('/') {
            if folders.insert(name[..end].to_owned()) {
                append(&mut tar, &name[..=end], EntryType::Directory, 0o755, &[])?;
            }
        }
        let mode = entry.mode.with_context(|| format!("`{name}` has no mode"))? & 0o777;
        let mut content = Vec::new();
        bytes.read_to_end(&mut content)?;
        append(&mut tar, &name, EntryType::Regular, mode, &content)
    })?;
    Ok(tar.into_inner()?)
}

fn append(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(bytes.len() as u64);
    header.set_path(name)?;
    header.set_cksum();
    tar.append(&header, bytes)?;
    Ok(())
}

/// The blobs of an archive, by digest.
#[derive(Debug, Default)]
struct Blobs(std::collections::BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Adds a blob; returns how others refer to it.
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = Sha256::of(&bytes).to_string();
        let descriptor = json!({ "digest": format!("sha256:{digest}"), "mediaType": media_type, "size": bytes.len() });
        self.0.insert(digest, bytes);
        descriptor
    }

    fn add_json(&mut self, media_type: &str, value: &Value) -> Result<Value> {
        Ok(self.add(media_type, serde_json::to_vec(value)?))
    }

    fn into_archive(self, index: &Value) -> Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        append(&mut tar, "oci-layout", EntryType::Regular, 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        append(&mut tar, "index.json", EntryType::Regular, 0o644, &serde_json::to_vec(index)?)?;
        for folder in ["blobs/", "blobs/sha256/"] {
            append(&mut tar, folder, EntryType::Directory, 0o755, &[])?;
        }
        for (digest, bytes) in self.0 {
            append(&mut tar, &format!("blobs/sha256/{digest}"), EntryType::Regular, 0o644, &bytes)?;
        }
        tar.into_inner().map_err(|error| anyhow!("cannot write the archive: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::io::Read as _;
    use std::num::NonZeroUsize;

    use super::super::release::write_layer;
    use super::super::sample;
    use super::*;

    fn write() -> (ImageArchive, BTreeMap<String, Vec<u8>>, Release) {
        let packages = sample::Packages::new();
        let dist = packages.root().join("dist");
        let release = write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), &dist, NonZeroUsize::MIN)
            .expect("written");
        let image = write_image(std::slice::from_ref(&release), &dist).expect("an image");
        let bytes = fs::read(dist.join(&image.name)).expect("the archive");
        assert_eq!((image.size, image.sha256), (bytes.len() as u64, Sha256::of(&bytes)));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().expect("entries").map(|entry| {
            let mut entry = entry.expect("an entry");
            assert_eq!((entry.header().mtime().ok(), entry.header().uid().ok()), (Some(0), Some(0)));
            let (name, mut bytes) = (entry.path().expect("a path").display().to_string(), Vec::new());
            entry.read_to_end(&mut bytes).expect("read");
            (name, bytes)
        });
        (image, entries.collect(), release)
    }

    fn blob<'a>(entries: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"].as_str().and_then(|text| text.strip_prefix("sha256:")).expect("a digest");
        let bytes = &entries[&format!("blobs/sha256/{digest}")];
        assert_eq!(Sha256::of(bytes).to_string(), digest);
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).expect("JSON")
    }

    #[test]
    fn everything_is_where_the_one_before_says() {
        let (image, entries, release) = write();
        assert_eq!(
            (image.name.as_str(), image.reference.as_str()),
            ("sample-1.2-x86_64.oci.tar", "media-layers/sample:1.2")
        );
        let outer = parsed(&entries["index.json"]);
        assert_eq!(outer["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], image.reference);
        let index = parsed(blob(&entries, &outer["manifests"][0]));
        assert_eq!(index["manifests"][0]["platform"], json!({ "architecture": "amd64", "os": "linux" }));
        let manifest = parsed(blob(&entries, &index["manifests"][0]));
        let config = parsed(blob(&entries, &manifest["config"]));
        assert_eq!(config["config"]["Labels"][ZIP_LABEL], release.zip.sha256.to_string());
        let gzip = blob(&entries, &manifest["layers"][0]);
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(gzip).read_to_end(&mut tar).expect("gzip");
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", Sha256::of(&tar)));
        let mut files = tar::Archive::new(tar.as_slice());
        let names: Vec<_> = files
            .entries()
            .expect("entries")
            .map(|entry| entry.expect("an entry").path().expect("a path").display().to_string())
            .collect();
        assert!(names.iter().all(|name| name == "opt/" || name.starts_with("opt/")), "{names:?}");
        let count = release.manifest.files.len() + 1;
        assert_eq!(names.iter().filter(|name| !name.ends_with('/')).count(), count, "{names:?}");
    }

    #[test]
    fn two_checkouts_give_the_same_bytes() {
        assert_eq!(write().0, write().0);
    }

    #[test]
    fn a_zip_that_is_another_one_is_refused() {
        let packages = sample::Packages::new();
        let dist = packages.root().join("dist");
        let release = write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), &dist, NonZeroUsize::MIN)
            .expect("written");
        fs::write(dist.join(&release.zip.name), "another").expect("written");
        let error = write_image(&[release], &dist).expect_err("refused").to_string();
        assert!(error.ends_with("is not the zip that its record describes"), "{error}");
        assert_eq!(fs::read_dir(&dist).expect("dist").count(), 2, "no image was written");
    }
}
