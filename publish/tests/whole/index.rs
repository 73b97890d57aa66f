//! The index, and what is rendered from it.

use std::path::Path;
use std::process::Command;

use crate::support::checkout::Checkout;
use crate::support::run;
use publish::index::published::{FILE, Index};
use publish::index::{markdown, page};
use publish::model::{Partition, Regions};
use serde_json::{Value, json};
use xtask::model::Sha256;

fn regions() -> Regions {
    Regions::load(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout")).expect("regions.toml")
}

fn entry(layer: &str, version: &str, arch: &str, cloud: &str, region: &str, number: u64) -> Value {
    let name = format!("{layer}-{arch}");
    let (arn, runtimes) = match cloud {
        "aws" => (
            format!("arn:aws:lambda:{region}:123456789012:layer:{name}:{number}"),
            ["nodejs22.x", "python3.12", "python3.9"],
        ),
        _ => (
            format!("acs:fc:{region}:1234567890123456:layers/{name}/versions/{number}"),
            ["custom", "custom.debian12", "python3.10"],
        ),
    };
    json!({
        "layer": layer, "version": version, "arch": arch, "cloud": cloud, "region": region, "number": number, "arn": arn,
        "sha256": Sha256::of(format!("{layer}{version}{arch}{number}")), "size": 3256948, "runtimes": runtimes,
        "date": "2026-11-20",
    })
}

/// An index of everything everywhere, with an older version in each region of AWS.
fn index() -> Index {
    let mut entries = Vec::new();
    for (layer, version) in [("ffprobe", "9.0.2"), ("mediainfo", "23.04")] {
        for arch in ["x86_64", "arm64"] {
            for region in regions().of(Partition::Aws) {
                entries.extend([1, 2].map(|number| entry(layer, version, arch, "aws", &region.name, number)));
            }
        }
        for region in regions().of(Partition::Aliyun) {
            entries.push(entry(layer, version, "x86_64", "aliyun", &region.name, 1));
        }
    }
    Index::parse(&json!({"format": 1, "layers": entries}).to_string()).expect("an index")
}

#[test]
fn only_the_newest_version_of_each_is_shown() {
    let (index, regions) = (index(), regions());
    let (aws, aliyun) = (regions.of(Partition::Aws).count(), regions.of(Partition::Aliyun).count());
    assert_eq!(index.entries().len(), 2 * (4 * aws + aliyun));
    assert_eq!(index.newest().len(), 2 * (2 * aws + aliyun));
    let markdown = markdown::render(&index, &regions);
    assert!(markdown.contains(
        "| eu-west-1 | Europe (Ireland) | `arn:aws:lambda:eu-west-1:123456789012:layer:ffprobe-arm64:2` | 2026-11-20 |"
    ));
    assert!(!markdown.contains("ffprobe-arm64:1`"), "an older version");
    assert_eq!(markdown.matches("\n## ").count(), 2 * 3 + 1);
}

#[test]
fn every_snippet_is_filled_in_whole() {
    let (index, regions) = (index(), regions());
    let markdown = markdown::render(&index, &regions);
    for part in [
        "runtime       = \"python3.12\"",
        "architecture: lambda.Architecture.X86_64,",
        "      Architectures: [x86_64]",
        "--layers arn:aws:lambda:af-south-1:123456789012:layer:ffprobe-x86_64:2",
        "        - acs:fc:ap-northeast-1:1234567890123456:layers/ffprobe-x86_64/versions/1",
        "      runtime: python3.10",
    ] {
        assert!(markdown.contains(part), "{part}");
    }
    for place in ["{arn}", "{arch}", "{cdk-arch}", "{region}", "{runtime}"] {
        assert!(!markdown.contains(place) && !page::render(&index, &regions).contains(place), "{place}");
    }
}

#[test]
fn the_page_needs_nothing_else() {
    let page = page::render(&index(), &regions());
    for reference in [" src=", " href=", "url(", "@import", "fetch(", "http://", "https://"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(!page.contains("<!--"), "a place that was not filled in");
}

#[test]
fn texts_in_the_index_are_not_markup() {
    let mut wrong = entry("ffprobe", "9.0.2", "arm64", "aws", "<script>alert(1)</script>", 1);
    wrong["runtimes"] = json!(["\"><img>"]);
    let index = Index::parse(&json!({"format": 1, "layers": [wrong]}).to_string()).expect("an index");
    let page = page::render(&index, &regions());
    assert!(!page.contains("<script>alert") && !page.contains("<img>"), "{page}");
}

#[test]
fn the_command_writes_checks_and_refuses() {
    let checkout = Checkout::new();
    let command = |more: &[&str]| run(checkout.root(), "http://127.0.0.1:1", &[&["index"], more].concat());
    let ran = command(&[]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: nothing has been published: layers/published.json holds nothing\n");

    std::fs::write(checkout.root().join(FILE), index().to_json().expect("JSON")).expect("written");
    assert_eq!(command(&["--check"]).code, 1);
    command(&[]).done();
    command(&["--check"]).done();

    std::fs::write(checkout.root().join(FILE), "{\"format\": 2, \"layers\": []}").expect("written");
    let ran = command(&[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("layers/published.json: its format is 2, and this tool knows 1"), "{}", ran.stderr);
}

#[test]
#[ignore = "needs Chromium and packages of npm: ci/test-publish"]
fn the_page_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).expect("a folder");
    let page = folder.join("layers.html");
    std::fs::write(&page, page::render(&index(), &regions())).expect("written");
    let output =
        Command::new("node").arg(root.join("ci/page/check.mjs")).args([&page, &folder]).output().expect("node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
