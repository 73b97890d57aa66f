//! What build steps see, and what the Dockerfiles make.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::small::{build, checkout};
use super::*;

/// Tells what a step finds, as `name value` lines.
const LOOK: &str = r#".RECIPEPREFIX = >
lib:
>mkdir -p $(OUT)
>{ echo "user $$(id -u)"; \
>   for place in / /usr /build-layer /build-layer/packages /build-layer/packages/*; do \
>     if touch $$place/x 2>/dev/null; then echo "writes $$place"; fi; done; \
>   if touch /tmp/x; then echo "writes /tmp"; fi; \
>   for folder in /build-layer/*; do echo "sees $$(basename $$folder)"; done; \
>   echo "packages $$(ls /build-layer/packages | wc -l)"; \
>   echo "network $$(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort | tr '\n' ' ')"; \
>   echo "rights $$(sed -n 's/^CapEff:.//p' /proc/self/status)"; \
>   echo "variables $$(env | cut -d= -f1 | sort | tr '\n' ' ')"; \
>} >$(OUT)/seen
app:
>mkdir -p $(OUT)/bin
>cp $(LIB)/seen $(OUT)/bin/app
"#;

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn a_step_sees_its_inputs_and_nothing_else() {
    let (engine, checkout) = (engine(), checkout());
    let image = image(&engine, "al2", BULLSEYE);
    build(checkout.path(), &engine, &image, LOOK).expect("a build");
    let seen = files(checkout.path()).into_iter().find(|path| path.ends_with("files/seen")).expect("what was seen");
    let text = fs::read_to_string(&seen).expect("text");
    let value = |name: &str| {
        let all: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
        all.join(", ").trim().to_owned()
    };
    assert_ne!(value("user"), "0", "{text}");
    assert_eq!(value("writes"), "/tmp", "{text}");
    assert_eq!(value("sees"), "packages, toolchain, work", "{text}");
    assert_eq!(value("packages"), "1", "the pretended compiler alone: {text}");
    assert_eq!(value("network"), "lo", "{text}");
    assert_eq!(value("rights"), "0000000000000000", "{text}");
    // `make` and the shell add some of their own.
    let variables = value("variables");
    assert!(variables.contains("HOME") && !variables.contains("HOSTNAME"), "{text}");
    // Whoever ran the steps, what they left is the caller's.
    let me = fs::metadata(checkout.path()).expect("the checkout").uid();
    let kept = files(&checkout.cache().join("packages"));
    assert!(kept.iter().all(|path| path.symlink_metadata().expect("a file").uid() == me), "{kept:?}");
    assert!(containers(&engine, checkout.path()).is_empty());
}

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn a_failed_step_shows_what_it_said() {
    let (engine, checkout) = (engine(), checkout());
    let image = image(&engine, "al2", BULLSEYE);
    let makefile = "lib:\n\techo it broke; exit 3\n";
    let error = format!("{:#}", build(checkout.path(), &engine, &image, makefile).expect_err("it fails"));
    assert!(error.contains("`make` ended with exit status: 2") && error.contains("    it broke\n"), "{error}");
    assert!(containers(&engine, checkout.path()).is_empty());
}

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn dockerfiles_bring_make_and_ask_for_nothing_that_is_not_there() {
    let engine = engine();
    let words = "install diffutils findutils gawk grep make sed";
    for (target, manager) in [("al2", "yum"), ("al2023", "dnf"), ("alinux2", "yum"), ("alinux3", "dnf")] {
        let image = image(&engine, target, BULLSEYE);
        let run = |argv: &[&str]| ask(&engine, &[&["run", "--rm", "--network", "none", &image.id], argv].concat());
        let record = run(&["cat", "/var/log/fake-package-manager"]);
        assert_eq!(record, format!("{manager} -y {words}\n{manager} clean all\n"), "{target}");
        assert!(run(&["make", "--version"]).starts_with("GNU Make"), "{target}");
        assert_eq!(run(&["id", "-u"]), "65534\n", "{target}");
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(current) = todo.pop() {
        for entry in fs::read_dir(&current).expect("a folder").flatten() {
            if entry.file_type().expect("a type").is_dir() {
                todo.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
