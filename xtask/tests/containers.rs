//! Container builders without an engine: what the user reads, with a program that plays the engine's part, and
//! whether the Dockerfiles and the targets agree.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use xtask::catalog::Catalog;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

/// What a failed run says where `docker` is a script: `info` is answered, and what else it is asked is up to `script`.
fn failure(script: &str, arguments: &[&str], code: i32) -> String {
    let info = r#"if [ "$1" = info ]; then
    echo '{"ServerVersion":"27","DockerRootDir":"/srv/docker","SecurityOptions":[]}'; exit
fi
# Nothing is left of earlier runs, and no image is here but the one called `here`.
case "$*" in
ps*) exit ;;
'image inspect '*' here') echo 'sha256:0123456789abcdef []'; exit ;;
'image inspect '*) echo 'Error: No such image' >&2; exit 1 ;;
esac
"#;
    failure_with(Some(&format!("{info}{script}")), arguments, code)
}

/// The same where the script answers everything, or there is no engine at all.
fn failure_with(script: Option<&str>, arguments: &[&str], code: i32) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(script) = script {
        let path = folder.path().join("docker");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env("PATH", folder.path()).env("MEDIA_LAYERS_CACHE", folder.path().join("cache"));
    let output = command.env("RUST_BACKTRACE", "0").output().expect("it starts");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said.replace(&folder.path().display().to_string(), "")
}

/// A version that is named, so that nobody asks whether a newer one can be fetched.
const AL2: [&str; 4] = ["build-layer", "mediainfo@23.04", "--builder", "al2"];

fn with_base(image: &'static str) -> Vec<&'static str> {
    AL2.into_iter().chain(["--base-image", image]).collect()
}

#[test]
fn without_an_engine_the_remedy_is_said() {
    let said = failure_with(None, &AL2, 1);
    assert!(said.starts_with("error: no container engine is installed"), "{said}");
    assert!(said.contains("hint: ") && said.contains("--builder host"), "{said}");
}

#[test]
fn an_engine_that_does_not_run_or_may_not_be_used_is_told_apart() {
    let dead =
        "echo 'Cannot connect to the Docker daemon at unix:///run/x.sock. Is the docker daemon running?' >&2; exit 1";
    let said = failure_with(Some(dead), &AL2, 1);
    assert!(said.starts_with("error: the engine of `docker` does not answer: Cannot connect"), "{said}");
    assert!(said.contains("hint: start it"), "{said}");
    let denied =
        "echo 'permission denied while trying to connect to the Docker daemon socket at unix:///x' >&2; exit 1";
    let said = failure_with(Some(denied), &AL2, 1);
    assert!(said.starts_with("error: this user may not use the engine of `docker`: permission denied"), "{said}");
    assert!(said.contains("hint: join the group"), "{said}");
}

#[test]
fn an_image_that_is_not_to_be_had_is_named_with_the_remedy() {
    let script = "echo 'Error response from daemon: manifest unknown: no such tag' >&2; exit 1";
    let said = failure(script, &with_base("registry.example/amazonlinux:2"), 1);
    assert!(
        said.contains("error: the image `registry.example/amazonlinux:2` cannot be pulled: Error response"),
        "{said}"
    );
    assert!(said.contains("hint: ") && said.contains("`--base-image IMAGE`"), "{said}");
    // The target's own image is asked for by its digest.
    let said = failure(script, &AL2, 1);
    assert!(said.contains("the image `public.ecr.aws/amazonlinux/amazonlinux@sha256:d0cc2f24"), "{said}");
    let smoke = ["smoke", env!("CARGO_MANIFEST_DIR"), "--in", "al2"];
    assert!(failure(script, &smoke, 2).contains("has none of bin/mediainfo"), "what is no layer is said first");
}

#[test]
fn a_full_disk_is_said_wherever_it_is_met() {
    let script = "echo 'write /srv/docker/tmp/x: no space left on device' >&2; exit 1";
    for arguments in [AL2.to_vec(), with_base("here")] {
        let said = failure(script, &arguments, 1);
        assert!(said.contains("the engine of `docker` is out of disk space: write /srv/docker/tmp/x"), "{said}");
        assert!(
            said.contains("hint: `docker system prune`") && said.contains("its files are in /srv/docker"),
            "{said}"
        );
    }
}

#[test]
fn an_image_that_cannot_be_built_is_explained_by_its_log() {
    let script = "echo 'Cannot find a valid baseurl for repo: amzn2-core' >&2; echo 'The command returned a non-zero code: 1' >&2; exit 1";
    let said = failure(script, &with_base("here"), 1);
    let expected = "docker/al2/Dockerfile could not be built; the whole log: /cache/logs/image-al2.log: ";
    assert!(said.contains(expected), "{said}");
    // An image that is not pinned is named as it is.
    assert!(said.contains("al2: here is not pinned: it is sha256:0123456789abcdef of no registry"), "{said}");
}

#[test]
fn wrong_usage_ends_with_2() {
    let said = failure("", &["build-layer", "mediainfo", "--builder", "al3"], 2);
    let known = "error: `al3` is not known\n\nhint: did you mean `al2`? there are `host`, `alinux2`, `al2`, `alinux3`, `al2023`\n";
    assert!(said.ends_with(known), "{said}");
    let said = failure("", &["build-layer", "mediainfo", "--builder", "fc-debian9"], 2);
    assert!(said.contains("error: `fc-debian9` has no image of its own"), "{said}");
    let said = failure("", &["build-layer", "mediainfo", "--base-image", "here"], 2);
    assert!(said.contains("hint: add `--builder`"), "{said}");
    assert!(failure("", &["smoke", "x.zip", "--base-image", "here"], 2).contains("--in <TARGET>"));
}

#[test]
fn every_image_has_its_dockerfile_and_says_the_same() {
    let catalog = Catalog::load(root()).expect("the catalog");
    let mut folders: Vec<_> = fs::read_dir(root().join("docker"))
        .expect("the folder")
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    folders.sort();
    let with_images = catalog.targets.targets.iter().filter(|target| target.image.is_some());
    let mut names: Vec<_> = with_images.clone().map(|target| target.name.clone()).collect();
    names.sort();
    assert_eq!(folders, names, "docker/ has a folder for every target with an image, and no others");
    for target in with_images {
        let text = fs::read_to_string(root().join("docker").join(&target.name).join("Dockerfile")).expect("it");
        let image = target.image.as_ref().expect("an image");
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(lines[..2], [&*format!("ARG BASE_IMAGE={}", image.reference()), "FROM ${BASE_IMAGE}"]);
        assert_eq!(lines.last(), Some(&"USER 65534:65534"), "{}: steps are nobody's", target.name);
        // Where nothing is pinned, the file says so.
        assert_eq!(image.digest.is_none(), text.contains("No digest of this image"), "{}", target.name);
    }
}
