//! Counting: our programs under callgrind, on files of ours, against a server of ours on the loopback.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xtask::error::invalid;
use xtask::model::Arch;
use xtask::process::output;
use xtask::smoke::fixture::embedded_file;
use xtask::smoke::layer::Layer;
use xtask::smoke::server::{Resource, Server};
use xtask::ui::Ui;

use crate::callgrind::Callgrind;
use crate::counts::{Counts, Probe, Program};
use crate::peers::Kind;
use crate::subject::{Call, answer, version_in};
use crate::subjects::{LayerZip, layers};
use crate::{digest, film, identity};

const PHOTO: &[u8] = include_bytes!("../media/photo.jpg");

/// Counts the instructions of `ffprobe` and `mediainfo` for every probe, in the layers of `dist`.
///
/// # Errors
/// Where a layer, valgrind or openssl is missing, or where a program does not answer.
pub fn count(dist: &Path, arch: Arch, ui: &Ui) -> Result<Counts> {
    let zips = [Kind::Ffprobe, Kind::Mediainfo].map(|kind| pick(dist, arch, kind).map(|zip| (kind, zip)));
    let callgrind = Callgrind::find()?;
    let folder = xtask::process::guard::TemporaryFolder::new("bench").context("cannot make a folder")?;
    let media = Media::make(folder.path())?;
    let mut programs = Vec::new();
    for zip in zips {
        let (kind, zip) = zip?;
        let layer = Layer::open(&zip.path).map_err(|error| invalid(error.to_string()))?;
        let bundle = media.trust(&layer)?;
        let mut call = Call::program(kind, vec![layer.folder().join(format!("bin/{kind}")).into()]);
        call.env.insert("SSL_CERT_FILE".to_owned(), bundle.into());
        let mut instructions = BTreeMap::new();
        for probe in Probe::ALL {
            let _progress = ui.busy(&format!("{kind}: {probe}"));
            let argv = match probe {
                Probe::Version => call.for_version(),
                _ => call.for_url(&media.place(probe), None),
            };
            let (count, output) = callgrind.count(&argv, &call.env, folder.path())?;
            let told = match probe {
                Probe::Version => version_in(kind, &String::from_utf8_lossy(&output.stdout)).is_some(),
                _ => answer(kind, &output.stdout).is_some(),
            };
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(told, "{kind} reports nothing ({probe}): {}", said.trim());
            instructions.insert(probe, count);
        }
        let (sha256, _) = digest::of_file(&zip.path)?;
        let name = zip.name.strip_suffix(&format!("-{arch}")).unwrap_or(&zip.name).to_owned();
        programs.push(Program { name: kind, layer: name, sha256, instructions });
    }
    Ok(Counts { format: 1, arch, valgrind: callgrind.version.clone(), glibc: glibc()?, programs })
}

/// The layer of that program in `dist`. Of several versions it is the oldest, which can be built everywhere.
fn pick(dist: &Path, arch: Arch, kind: Kind) -> Result<LayerZip> {
    let mut zips = layers(dist, arch);
    zips.retain(|zip| zip.name.starts_with(&format!("{kind}-")));
    zips.sort_by(|one, other| one.name.cmp(&other.name));
    zips.into_iter().next().ok_or_else(|| {
        invalid(format!(
            "`{}` has no layer of {kind} for {arch}\n\nhint: build it with `cargo xtask build-layer {kind}`",
            dist.display()
        ))
    })
}

/// The files that are probed, on the disk and on a server.
struct Media {
    folder: PathBuf,
    server: Server,
}

impl Media {
    fn make(folder: &Path) -> Result<Media> {
        let (_, sound) = embedded_file("tone.wav")?;
        let server = Server::with_identity(identity::generate()?)?;
        for (name, bytes) in [("photo.jpg", PHOTO), ("sound.wav", sound)] {
            let path = folder.join(name);
            fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
            server.put(&format!("/{name}"), Resource::new(bytes));
        }
        let path = folder.join("film.mp4");
        film::write(&path)?;
        let film = Resource::of_file(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        server.put("/film.mp4", film);
        Ok(Media { folder: folder.to_owned(), server })
    }

    /// A layer's authorities and ours behind them, as a file.
    fn trust(&self, layer: &Layer) -> Result<PathBuf> {
        let places = ["python/pymediainfo/cacert.pem", "share/media-layers/cacert.pem"];
        let bundle = places.iter().find_map(|place| fs::read_to_string(layer.folder().join(place)).ok());
        let bundle = bundle.context("the layer has no bundle of authorities where they are looked for")?;
        let path = self.folder.join("authorities.pem");
        fs::write(&path, format!("{bundle}\n{}", self.server.authority()))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }

    /// Where a probe's file is.
    fn place(&self, probe: Probe) -> String {
        let file = |name: &str| self.folder.join(name).display().to_string();
        match probe {
            Probe::Version | Probe::PhotoFile => file("photo.jpg"),
            Probe::PhotoHttps => self.server.https("/photo.jpg"),
            Probe::SoundFile => file("sound.wav"),
            Probe::SoundHttps => self.server.https("/sound.wav"),
            Probe::FilmFile => file("film.mp4"),
            Probe::FilmHttp => self.server.http("/film.mp4"),
            Probe::FilmHttps => self.server.https("/film.mp4"),
        }
    }
}

/// The version of the machine's glibc.
fn glibc() -> Result<String> {
    let output = output("getconf", ["GNU_LIBC_VERSION"]).context("cannot run `getconf`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().strip_prefix("glibc ").context("this machine's C library is not glibc")?;
    Ok(version.to_owned())
}
