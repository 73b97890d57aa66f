//! Tests: other people's programs read what we write.

use std::fs;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{sample, write_layer, zip};
use crate::model::Sha256;

fn written(folder: &Path) -> PathBuf {
    let path = folder.join("sample.zip");
    let mut out = fs::File::create(&path).expect("created");
    zip::write(&sample::files(), NonZeroUsize::MIN, &mut out).expect("written");
    path
}

/// What a program says; none where the machine does not have it.
fn run(program: &str, arguments: &[&str], zip: &Path) -> Option<Output> {
    Command::new(program).args(arguments).arg(zip).env("LC_ALL", "C.UTF-8").output().ok()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_zip_crate_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = fs::File::open(written(folder.path())).expect("opened");
    let mut archive = ::zip::ZipArchive::new(file).expect("a zip");
    let files = sample::files();
    assert_eq!(archive.len(), files.len());
    for (index, file) in files.iter().enumerate() {
        let mut entry = archive.by_index(index).expect("an entry");
        assert_eq!(entry.name().expect("UTF-8"), file.path().as_str());
        assert_eq!(entry.unix_mode(), Some(0o100_000 | file.mode().bits()));
        assert_eq!(entry.last_modified().map(|time| time.to_string()).as_deref(), Some("1980-01-01 00:00:00"));
        assert_eq!(entry.extra_data().map_or(0, |data| data.len()), 0);
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read and checked");
        assert!(bytes == file.read().expect("read"), "{}", file.path());
    }
}

#[test]
fn python_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let output = run("python3", &["-m", "zipfile", "-t"], &path).expect("python3, which the README asks for");
    assert!(output.status.success(), "{}", text(&output));
    let list = "import sys, zipfile\n\
                for entry in zipfile.ZipFile(sys.argv[1]).infolist():\n    \
                print(oct(entry.external_attr >> 16), entry.create_system, *entry.date_time, entry.filename)";
    let output = run("python3", &["-X", "utf8", "-c", list], &path).expect("python3");
    let expected: String = sample::files()
        .iter()
        .map(|file| format!("0o100{:o} 3 1980 1 1 0 0 0 {}\n", file.mode().bits(), file.path()))
        .collect();
    assert_eq!(text(&output), expected);
}

#[test]
fn info_zip_unpacks_it_where_it_is_installed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let target = folder.path().join("opt");
    let arguments = ["-q", "-d", &target.to_string_lossy()];
    let Some(output) = run("unzip", &arguments, &path) else { return };
    assert!(output.status.success() && text(&output).is_empty(), "{}", text(&output));
    for file in sample::files() {
        let unpacked = target.join(file.path().as_str());
        assert!(fs::read(&unpacked).expect("unpacked") == file.read().expect("read"), "{}", file.path());
        let mode = fs::metadata(&unpacked).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, file.mode().bits(), "{}", file.path());
    }
    // Warnings about oddities do not change the exit code of a test run, but they are said.
    let output = run("unzip", &["-tqq"], &path).expect("unzip");
    assert!(output.status.success() && text(&output).is_empty(), "{}", text(&output));
}

/// CycloneDX's schema is not ours to carry. `ci/test` puts the packages of `ci/sbom-requirements.txt`
/// into a virtual environment and names its Python here; elsewhere there is nothing to check with.
#[test]
fn cyclonedx_takes_the_sbom_where_its_schema_is_at_hand() {
    let Some(python) = std::env::var_os("MEDIA_LAYERS_SBOM_PYTHON") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/check-sbom.py");
    let packages = sample::Packages::new();
    let release =
        write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), packages.root(), NonZeroUsize::MIN);
    let layer = packages.root().join(release.expect("written").zip.name);
    let output = run(&python.to_string_lossy(), &[script], &layer).expect("the Python that was named");
    assert!(output.status.success(), "{}", text(&output));
}
