//! The workflows: a release builds the matrix as it is; each pins what it runs, and may do no more than it needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")
}

fn workflow(name: &str) -> String {
    fs::read_to_string(root().join(format!(".github/workflows/{name}.yml"))).expect("the workflow")
}

/// A job, and what it may write.
type Job = (&'static str, &'static [&'static str]);

/// Every workflow with its jobs.
const WORKFLOWS: &[(&str, &[Job])] = &[
    (
        "release",
        &[
            ("matrix", &[]),
            ("build", &[]),
            ("compare", &["id-token: write", "attestations: write"]),
            ("publish", &["id-token: write"]),
        ],
    ),
    ("fresh", &[("look", &[]), ("try", &[]), ("propose", &["contents: write", "pull-requests: write"])]),
    ("fuzz", &[("sanitizers", &[]), ("mutations", &[]), ("targets", &[])]),
];

#[test]
fn every_workflow_is_checked() {
    let files = fs::read_dir(root().join(".github/workflows")).expect("the folder");
    let names: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names, WORKFLOWS.iter().map(|(name, _)| format!("{name}.yml")).collect());
}

/// What follows `word` in every line, without the line's comment.
fn after<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default());
    lines.filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix(word)).map(str::trim).collect()
}

#[test]
fn every_fuzz_target_has_a_job() {
    let files = fs::read_dir(root().join("fuzz/fuzz_targets")).expect("the folder");
    let targets: BTreeSet<String> = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let text = workflow("fuzz");
    let list = after(&text, "target: [").into_iter().next().expect("the matrix").trim_end_matches(']');
    assert_eq!(list.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), targets);
}

fn cells() -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("matrix").output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let matrix: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    matrix["include"].as_array().expect("a list for `fromJSON`").clone()
}

#[test]
fn the_matrix_has_every_locked_zip_with_every_builder() {
    let lock = xtask::lock::Lock::load(root()).expect("the lock");
    let cells = cells();
    let of = |zip: &xtask::lock::LockedZip| -> BTreeSet<String> {
        let same = |cell: &&Value| {
            cell["layer"] == zip.layer.as_str()
                && cell["version"] == zip.version.as_str()
                && cell["arch"] == zip.arch.name()
        };
        cells.iter().filter(same).map(|cell| cell["builder"].as_str().expect("a name").to_owned()).collect()
    };
    for zip in lock.zips() {
        let expected: &[&str] = match zip.arch.name() {
            "x86_64" => &["al2", "al2023", "alinux2", "alinux3", "host"],
            _ => &["al2", "al2023", "host"],
        };
        assert!(of(zip).iter().eq(expected), "{zip:?}: {:?}", of(zip));
    }
    assert_eq!(cells.len(), lock.zips().iter().map(|zip| of(zip).len()).sum::<usize>());
}

#[test]
fn workflow_and_matrix_agree() {
    let text = workflow("release");
    assert_eq!(
        after(&text, "matrix: "),
        ["${{ steps.matrix.outputs.matrix }}", "${{ fromJSON(needs.matrix.outputs.matrix) }}"]
    );
    let mut used = BTreeSet::new();
    for part in text.split("${{ matrix.").skip(1) {
        used.insert(part.split(' ').next().expect("a name").to_owned());
    }
    for cell in cells() {
        let fields: BTreeSet<String> = cell.as_object().expect("a cell").keys().cloned().collect();
        assert_eq!(used, fields, "every field of the matrix is used, and no other");
    }
}

#[test]
fn what_the_jobs_call_is_there() {
    let commands: Vec<String> = WORKFLOWS.iter().map(|(name, _)| workflow(name)).collect();
    for command in commands.iter().flat_map(|text| after(text, "run: ")) {
        if let Some(command) = command.strip_prefix("cargo xtask ") {
            let word = command.split(' ').next().expect("a command");
            // Publishing is a crate of its own.
            let known = word == "publish" || has_command(word);
            assert!(known, "there is no command {word}");
        } else if command != "|" {
            let script = command.split(' ').next().expect("a script");
            assert!(root().join(script).is_file(), "{script} is not there");
        }
    }
}

fn has_command(word: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args([word, "--help"]).output().expect("it starts");
    output.status.success()
}

#[test]
fn every_action_is_pinned_by_its_commit() {
    for (name, _) in WORKFLOWS {
        let text = workflow(name);
        let actions = after(&text, "uses: ");
        assert!(actions.len() >= 4, "{name}: {actions:?}");
        for action in actions {
            let (name, commit) = action.split_once('@').expect(action);
            let digits = commit.len() == 40 && commit.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            assert!(digits && name.contains('/'), "{action} is not pinned by a commit");
            let line = text.lines().find(|line| line.contains(action)).expect("its line");
            assert!(line.contains(" # v"), "{action}: its version is not said");
        }
    }
}

#[test]
fn jobs_may_do_no_more_than_they_need() {
    for (name, expected) in WORKFLOWS {
        let text = workflow(name);
        assert!(text.contains("\npermissions: {}\n"), "{name}: nothing is allowed by default");
        let jobs = text.split("\njobs:\n").nth(1).expect("jobs");
        let names: Vec<&str> = jobs
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':'))
            .map(|line| line.trim().trim_end_matches(':'))
            .collect();
        assert!(names.iter().eq(expected.iter().map(|(job, _)| job)), "{name}: {names:?}");
        for (index, (name, expected)) in expected.iter().enumerate() {
            let start = jobs.find(&format!("  {name}:\n")).expect("its start");
            let end = names.get(index + 1).and_then(|next| jobs.find(&format!("  {next}:\n"))).unwrap_or(jobs.len());
            let job = &jobs[start..end];
            let granted: Vec<&str> = job.lines().map(str::trim).filter(|line| line.ends_with(": write")).collect();
            assert_eq!(granted, *expected, "job {name}");
            assert!(job.contains("timeout-minutes: ") && job.contains("permissions:"), "job {name}");
            let checkouts = job.matches("actions/checkout@").count();
            assert_eq!(checkouts, job.matches("persist-credentials: false").count(), "job {name} keeps a token");
        }
        // A value that somebody else chose must not become a part of a script.
        for line in
            text.lines().filter(|line| line.trim_start().starts_with("- run:") || line.starts_with("          "))
        {
            let script = line.contains("run:") || line.contains("cargo") || line.contains("echo");
            assert!(!(script && line.contains("${{")), "{line}");
        }
    }
}

/// What `ci/compare-digests` says of builds, each a folder with a zip of that content.
fn compared(builds: &[(&str, &str)]) -> (Output, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in builds {
        let build = folder.path().join("built").join(name);
        fs::create_dir_all(&build).expect("a folder");
        fs::write(build.join("app-1.0-x86_64.zip"), content).expect("a zip");
        fs::write(build.join("app-1.0-x86_64.json"), name).expect("a record");
        fs::write(build.join("app-1.0-x86_64.provenance.json"), name).expect("a statement");
    }
    let dist = folder.path().join("dist");
    let script = root().join("ci/compare-digests");
    let output = Command::new(script).arg(folder.path().join("built")).arg(&dist).output().expect("it starts");
    (output, dist, folder)
}

#[test]
fn builds_that_differ_are_not_released() {
    let (output, dist, _folder) = compared(&[("zip-app-al2", "same"), ("zip-app-host", "same")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "app-1.0-x86_64.zip: 2 builds, one digest\n");
    for file in ["app-1.0-x86_64.json", "app-1.0-x86_64.provenance.json"] {
        assert_eq!(fs::read_to_string(dist.join(file)).expect("copied"), "zip-app-host");
    }
    let (output, dist, _folder) = compared(&[("zip-app-al2", "same"), ("zip-app-host", "not the same")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("app-1.0-x86_64.zip: the builds differ\n"));
    assert!(!dist.exists());
    let (output, ..) = compared(&[("zip-app-al2", "same")]);
    assert_eq!(output.status.code(), Some(1), "no build by the host");
    let (output, ..) = compared(&[]);
    assert_eq!(output.status.code(), Some(1), "no build at all");
}
