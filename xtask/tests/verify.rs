//! Verification, end to end, of a layer that takes seconds: other conditions give the same bytes, and a planted
//! difference is found and named.

mod checkout;

use std::fs;
use std::path::{Path, PathBuf};

use checkout::{COMPILE, Checkout, SOURCES};
use xtask::model::{Arch, Sha256};
use xtask::plan::{Request, resolve};
use xtask::session::Session;
use xtask::ui::Ui;
use xtask::verify::compare::FileDifference;
use xtask::verify::{Report, Subject, verify};

/// A checkout whose packages are really made; and what is in its archives.
fn real_checkout() -> (Checkout, Vec<(Sha256, PathBuf)>) {
    let checkout = Checkout::real();
    let archives = SOURCES.map(|(recipe, files)| checkout.pack(recipe, files));
    (checkout, archives.to_vec())
}

fn verified(checkout: &Checkout, archives: &[(Sha256, PathBuf)]) -> Report {
    let session = Session::at(checkout.path(), checkout.cache(), Ui::silent()).expect("a catalog");
    let request = Request {
        layer: "app".parse().expect("a name"),
        version: None,
        archs: vec![Arch::X86_64],
        builder: Arch::X86_64,
        overrides: [].into(),
    };
    let plan = resolve(&session.catalog, &request).expect("a plan");
    let program = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let subject = Subject { program, plan: &plan, archives, jobs: 1, containers: &[] };
    verify(&session, &subject).expect("both builds")
}

/// What was built differently goes when the test ends.
fn remove_kept(report: &Report) {
    fs::remove_dir_all(report.kept.as_ref().expect("kept for a closer look")).expect("removed");
}

#[test]
fn other_conditions_give_the_same_bytes() {
    let (checkout, archives) = real_checkout();
    let report = verified(&checkout, &archives);
    assert!(report.passed(), "{report}");
    assert_eq!((report.builds, report.packages, report.zips.len()), (2, 3, 1));
    assert!(report.kept.is_none());
    let text = report.to_string();
    assert!(text.contains(": the same every time\n") && text.contains("app-1.0-x86_64.zip\n"), "{text}");
    for condition in ["checkout, cache and home", "jobs", "locale", "time zone", "umask", "clock"] {
        assert!(report.varied.iter().any(|(what, _)| what == condition), "{condition} is not varied");
    }
    // Whatever the machine allows, nothing is left out of both lists.
    for condition in ["host name", "user", "order of directory entries"] {
        let listed = report.varied.iter().chain(&report.not_varied).any(|(what, _)| what == condition);
        assert!(listed, "{condition} is neither varied nor said not to be");
    }
}

#[test]
fn a_planted_time_is_found_and_named() {
    let (checkout, archives) = real_checkout();
    let patch = "a patch\nof a test\nfor its time\n--- a/lib.c\n+++ b/lib.c\n@@ -1 +1 @@\n-const char *built(void) { return \"once\"; }\n+const char *built(void) { return __DATE__ \" \" __TIME__; }\n";
    checkout.write("recipes/lib/patches/0001-time.patch", patch);
    checkout.replace(
        "recipes/lib/recipe.toml",
        "version = \"1.0\"\n",
        "version = \"1.0\"\npatches = [\"0001-time.patch\"]\n",
    );
    let report = verified(&checkout, &archives);
    assert!(!report.passed());
    let first = &report.differences[0];
    assert_eq!((first.what.as_str(), first.file.as_str(), first.files), ("lib 1.0 (x86_64)", "lib.a", 1));
    let FileDifference::Offset(offset) = first.how else { panic!("{:?} is not an offset", first.how) };
    let bytes = first.places.each_ref().map(|place| fs::read(place).expect("kept"));
    let offset = usize::try_from(offset).expect("small");
    assert!(bytes[0][..offset] == bytes[1][..offset] && bytes[0][offset] != bytes[1][offset]);
    let what: Vec<_> = report.differences.iter().map(|difference| difference.what.as_str()).collect();
    assert_eq!(what, ["lib 1.0 (x86_64)", "app 1.0 (x86_64)", "app-1.0-x86_64.zip"], "the cause comes first");
    assert_eq!(report.differences[2].file, "bin/app");
    let text = report.to_string();
    assert!(
        text.contains(&format!("lib 1.0 (x86_64): `lib.a` differs, first at byte {offset} (files that differ: 1)")),
        "{text}"
    );
    remove_kept(&report);
}

#[test]
fn a_planted_name_of_the_building_machine_is_found() {
    let (checkout, archives) = real_checkout();
    let leaks = [
        ("jobs", r#"["sh", "-c", "echo {jobs} > {out}/lib.a"]"#),
        ("host name", r#"["sh", "-c", "hostname > {out}/lib.a"]"#),
        ("user", r#"["sh", "-c", "id -u > {out}/lib.a"]"#),
        ("order of directory entries", r#"["sh", "-c", "ls -U {src} > {out}/lib.a"]"#),
    ];
    let mut before = COMPILE;
    for (condition, argv) in leaks {
        checkout.replace("recipes/lib/recipe.toml", before, argv);
        before = argv;
        let report = verified(&checkout, &archives);
        let varied = report.varied.iter().any(|(what, _)| what == condition);
        assert_eq!(report.passed(), !varied, "{condition}: {report}");
        if varied {
            assert_eq!(report.differences[0].file, "lib.a", "{condition}");
            remove_kept(&report);
        }
    }
}
