//! Publishing to AWS, as moto plays it. Needs `ci/test-publish`.

use std::time::Duration;

use crate::support::checkout::Checkout;
use crate::support::moto::Moto;
use crate::support::proxy::Proxy;
use crate::support::{Ran, SECRET, command, run};
use serde_json::Value;

/// What is in a region, by name: the numbers of the versions, newest first.
fn versions(moto: &Moto, region: &str, layer: &str) -> Vec<u64> {
    let listed = moto.cli(region, &["lambda", "list-layer-versions", "--layer-name", layer]);
    let versions = listed["LayerVersions"].as_array().expect("a list").iter();
    versions.map(|version| version["Version"].as_u64().expect("a number")).collect()
}

fn created(report: &Value) -> usize {
    let regions = report["regions"].as_array().expect("regions").iter();
    let layers = regions.flat_map(|region| region["work"]["layers"].as_array().expect("layers"));
    layers.filter(|layer| layer["result"]["Ok"]["created"] == true).count()
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn every_commercial_region_twice_then_a_change_then_keep_two() {
    let moto = Moto::start();
    let checkout = Checkout::with(&["mediainfo", "ffprobe"]);
    let publish = |more: &[&str]| {
        let arguments = [&["publish", "mediainfo", "ffprobe", "--all-regions", "--format", "json"], more].concat();
        run(checkout.root(), &moto.url, &arguments)
    };

    let plan = publish(&["--public", "--dry-run"]).done().json();
    let regions = plan["regions"].as_array().expect("regions").len();
    assert!(regions >= 34);
    assert_eq!(versions(&moto, "us-east-1", "mediainfo-x86_64"), [0; 0], "a dry run sends nothing");

    assert_eq!(created(&publish(&["--public"]).done().json()), 4 * regions);
    assert_eq!(created(&publish(&["--public"]).done().json()), 0);
    checkout.rebuild("mediainfo", b"second");
    assert_eq!(created(&publish(&["--public"]).done().json()), 2 * regions);
    checkout.rebuild("mediainfo", b"third");
    let ran = publish(&["--public", "--keep", "2"]).done();
    assert_eq!(created(&ran.json()), 2 * regions);
    assert!(ran.stderr.contains("will delete arn:aws:lambda:af-south-1:"), "{}", ran.stderr);

    let index = std::fs::read_to_string(checkout.root().join("layers/published.json")).expect("the index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    let known = publish::model::Regions::load(checkout.root()).expect("regions");
    for region in known.of(publish::model::Partition::Aws) {
        for arch in ["x86_64", "arm64"] {
            assert_eq!(moto.versions(&region.name, &format!("mediainfo-{arch}")), [3, 2]);
            assert_eq!(moto.versions(&region.name, &format!("ffprobe-{arch}")), [1]);
        }
    }
    for arch in ["x86_64", "arm64"] {
        assert_eq!(versions(&moto, "us-east-1", &format!("mediainfo-{arch}")), [3, 2]);
        agrees(&moto, &index, "us-east-1", arch);
    }
    // Three layer versions of mediainfo were made, one was deleted.
    assert_eq!(index["layers"].as_array().expect("entries").len(), regions * (2 * 2 + 2));
}

/// Holds what the index says against what the AWS CLI reads.
fn agrees(moto: &Moto, index: &Value, region: &str, arch: &str) {
    let entries = index["layers"].as_array().expect("entries").iter();
    let ours = |entry: &&Value| entry["region"] == region && entry["arch"] == arch;
    let mut seen = 0;
    for entry in entries.filter(ours) {
        seen += 1;
        let arn = entry["arn"].as_str().expect("an ARN");
        let (name, number) = arn.rsplit_once(':').expect("a number");
        let of = ["--layer-name", name.rsplit_once(':').expect("a name").1, "--version-number", number];
        let found = moto.cli(region, &[&["lambda", "get-layer-version"], &of[..]].concat());
        let sha256: xtask::model::Sha256 = entry["sha256"].as_str().expect("a digest").parse().expect("a digest");
        assert_eq!(found["Content"]["CodeSha256"], xtask::pack::release::code_sha256(&sha256));
        assert_eq!(found["Content"]["CodeSize"], entry["size"]);
        assert_eq!(found["LayerVersionArn"], arn);
        assert_eq!(found["CompatibleArchitectures"], serde_json::json!([arch]));
        assert_eq!(found["CompatibleRuntimes"], entry["runtimes"]);
        let policy = moto.cli(region, &[&["lambda", "get-layer-version-policy"], &of[..]].concat());
        let policy: Value = serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
        assert_eq!(policy["Statement"].as_array().expect("statements").len(), 1);
        assert_eq!(policy["Statement"][0]["Principal"], "*");
    }
    assert_eq!(seen, 3);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn organizations_and_accounts_are_let_in_once() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::ZERO, &[]);
    let checkout = Checkout::with(&["mediainfo"]);
    let arguments = [
        "publish",
        "mediainfo",
        "--region",
        "us-east-1,eu-west-1",
        "--arch",
        "arm64",
        "--org",
        "o-a1b2c3d4e5",
        "--account",
        "123456789012,210987654321",
    ];
    for _ in 0..2 {
        run(checkout.root(), &proxy.url, &arguments).done();
    }
    let of = ["--layer-name", "mediainfo-arm64", "--version-number", "1"];
    let policy = moto.cli("eu-west-1", &[&["lambda", "get-layer-version-policy"], &of[..]].concat());
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
    let statements = policy["Statement"].as_array().expect("statements");
    assert_eq!(statements.len(), 3, "{statements:#?}");
    let organization = statements.iter().find(|it| it["Sid"] == "media-layers-o-a1b2c3d4e5").expect("the organization");
    assert_eq!(organization["Condition"]["StringEquals"]["aws:PrincipalOrgID"], "o-a1b2c3d4e5");
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn other_partitions_and_a_bucket() {
    let moto = Moto::start();
    let checkout = Checkout::with(&["mediainfo"]);
    let publish = |more: &[&str]| run(checkout.root(), &moto.url, &[&["publish", "mediainfo"], more].concat());
    let ran = publish(&["--region", "cn-north-1", "--arch", "x86_64"]).done();
    assert!(ran.stdout.starts_with("arn:aws-cn:lambda:cn-north-1:"), "{}", ran.stdout);
    let ran = publish(&["--region", "us-gov-west-1", "--arch", "x86_64"]).done();
    assert!(ran.stdout.starts_with("arn:aws-us-gov:lambda:us-gov-west-1:"), "{}", ran.stdout);
    let ran = publish(&["--region", "us-gov-west-1,us-east-1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("belong to different partitions"), "{}", ran.stderr);

    let ran = publish(&["--region", "us-east-2", "--bucket", "zips-{region}"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("bucket `zips-us-east-2`: "), "{}", ran.stderr);
    moto.cli_quiet("us-east-2", &["s3", "mb", "s3://zips-us-east-2"]);
    let ran = publish(&["--region", "us-east-2", "--bucket", "zips-{region}"]).done();
    assert!(ran.stderr.contains("2 versions created"), "{}", ran.stderr);
    moto.cli_quiet("eu-west-1", &["s3", "mb", "s3://elsewhere"]);
    let ran = publish(&["--region", "us-west-2", "--bucket", "elsewhere"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("is in eu-west-1, and a layer of us-west-2 needs one"), "{}", ran.stderr);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn a_role_is_assumed_for_all_regions_together() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::ZERO, &[]);
    let checkout = Checkout::with(&["mediainfo"]);
    std::fs::create_dir(checkout.root().join(".aws")).expect("a folder");
    let profiles = format!(
        "[profile base]\naws_access_key_id = AKIATEST\naws_secret_access_key = {SECRET}\n\
         [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = base\nregion = eu-west-1\n"
    );
    std::fs::write(checkout.root().join(".aws/config"), profiles).expect("written");
    let arguments = ["publish", "mediainfo", "--arch", "arm64", "--region", "us-east-1,eu-west-1,ap-south-1,sa-east-1"];
    let mut command = command(checkout.root(), &proxy.url, &arguments);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("AWS_PROFILE", "deploy");
    let ran = Ran::of(command.output().expect("started")).done();
    assert!(ran.stderr.contains("4 versions created"), "{}", ran.stderr);
    // To see whether there are credentials, and then for all regions together.
    assert_eq!(proxy.asked("sts"), 2, "a region has assumed a role of its own");
}
