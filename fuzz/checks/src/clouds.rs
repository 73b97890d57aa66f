//! What clouds answer, and the index of what was published: a failure or versions, and nothing that steers a terminal.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use publish::aliyun::http::Connections;
use publish::aliyun::{self, Credentials, FcStore};
use publish::aws::{self, LambdaStore, Session};
use publish::index::published::Index;
use publish::index::{markdown, page};
use publish::model::version::description;
use publish::model::{Audience, Region, Regions};
use publish::order::{Order, Terms};
use publish::store::{Failure, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::model::Sha256;
use xtask::model::target::Cloud;
use xtask::pack::Release;
use xtask::pack::release::code_sha256;

use crate::canned::{self, Answers};
use crate::places::folder;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

static REGIONS: LazyLock<Regions> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the checkout");
    Regions::load(root).expect("our regions")
});

static ZIP: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = folder();
    fs::write(folder.path().join("app.zip"), "zip").expect("a file");
    folder
});

fn region(cloud: Cloud, name: &str) -> &'static Region {
    REGIONS.get(cloud, name).expect("a region of ours")
}

/// An order for a zip of three bytes.
fn order() -> Order {
    let release = release();
    let description = description("s", "1.0", release.zip.sha256);
    let terms =
        Terms { name: "app".to_owned(), description, license: "MIT".to_owned(), runtimes: vec!["al2".to_owned()] };
    Order::new(&release, ZIP.path().join("app.zip"), terms)
}

/// The record of that zip.
fn release() -> Release {
    let sha256 = Sha256::of("zip");
    let record = serde_json::json!({
        "format": 1,
        "zip": {
            "name": "app.zip", "size": 3, "unpacked-size": 3, "sha256": sha256, "code-sha256": code_sha256(&sha256),
        },
        "plan-key": sha256,
        "manifest": {
            "format": 1, "layer": "app", "version": "1.0", "summary": "s", "arch": "x86_64", "glibc": "2.17",
            "pinned": true, "targets": [], "recipes": [], "files": [],
        },
    });
    Release::from_json(&record.to_string()).expect("a record")
}

/// Everything that is asked of a region, of a server that gives these answers.
async fn ask(store: &impl Store, order: &Order) {
    if let Some(versions) = shown(store.versions("app").await) {
        assert!(versions.is_sorted_by(|one, next| one.number >= next.number), "the newest is not first");
        for version in versions {
            plain(&version.arn);
            let _ = version.claims();
        }
    }
    if let Some(details) = shown(store.read("app", 1).await) {
        plain(&details.version.arn);
    }
    shown(store.grants("app", 1).await);
    shown(store.create(order).await);
    shown(store.permit("app", 1, &Audience::Public).await);
    shown(store.delete("app", 1).await);
}

/// What a failure says can be shown.
fn shown<T>(result: Result<T, Failure>) -> Option<T> {
    let failure = match result {
        Ok(found) => return Some(found),
        Err(failure) => failure,
    };
    assert!(!failure.message.contains(char::is_control), "{:?}", failure.message);
    assert!(failure.message.len() < 20_000, "{} bytes", failure.message.len());
    None
}

fn plain(arn: &str) {
    assert!(!arn.is_empty() && arn.bytes().all(|byte| byte.is_ascii_graphic()), "{arn:?}");
}

/// Asks Function Compute, with and without a bucket of OSS. Answers end at a line `---`; the first line of each is its
/// status.
pub fn aliyun(bytes: &[u8]) {
    let region = region(Cloud::Aliyun, "cn-hangzhou");
    let credentials = || Credentials::new("id", "a secret of the tests", Some("a token of the tests"));
    for with_bucket in [false, true] {
        let url = canned::serve(Answers::of(bytes));
        let connections = Connections::new();
        let bucket = with_bucket
            .then(|| aliyun::Bucket::new("b".to_owned(), &region.name, Some(&url), credentials(), connections.clone()));
        let store = FcStore::new(region, Some(&url), credentials(), connections, bucket);
        RUNTIME.block_on(ask(&store, &order()));
    }
}

/// Asks Lambda, with and without a bucket of S3. Answers are as in [`aliyun`].
pub fn lambda(bytes: &[u8]) {
    for with_bucket in [false, true] {
        RUNTIME.block_on(async {
            let session = Session::of(canned::configuration(Answers::of(bytes)).await);
            let bucket = with_bucket.then(|| aws::Bucket::new(&session, "us-east-1", "b".to_owned()));
            ask(&LambdaStore::new(&session, "us-east-1", bucket), &order()).await;
        });
    }
}

/// Reads the bytes as `layers/published.json`, and makes the pages of it.
pub fn published(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(index) = Index::parse(text) else { return };
    let written = index.to_json().expect("JSON");
    assert_eq!(Index::parse(&written).expect("what we wrote"), index);
    assert!(index.newest().len() <= index.entries().len());
    let regions = &REGIONS;
    let page = page::render(&index, regions);
    let empty = page::render(&Index::default(), regions);
    // Nothing in an entry becomes a part of the page's code.
    assert_eq!(page.matches("<script").count(), empty.matches("<script").count());
    assert!(!markdown::render(&index, regions).is_empty());
}

/// An index to begin with.
pub fn indexes() -> Vec<Vec<u8>> {
    let entry = |layer: &str, cloud: &str, region: &str, number: u64, runtime: &str| {
        let digest = "a".repeat(64);
        format!(
            r#"{{"layer":"{layer}","version":"1.0","arch":"x86_64","cloud":"{cloud}","region":"{region}","number":{number},"arn":"arn:{cloud}:{number}","sha256":"{digest}","size":3,"runtimes":["{runtime}"],"date":"2026-11-20"}}"#
        )
    };
    let entries = [
        entry("app", "aws", "us-east-1", 1, "python3.12"),
        entry("app", "aws", "us-east-1", 2, "python3.9"),
        entry("app", "aliyun", "cn-hangzhou", 1, "custom.debian10"),
        entry("b", "aws", "x<script>", 1, "\\u003cscript\\u003e"),
    ];
    let index = |entries: &[String]| format!("{{\"format\":1,\"layers\":[{}]}}", entries.join(",")).into_bytes();
    vec![index(&[]), index(&entries[..1]), index(&entries)]
}

/// Answers of Function Compute and OSS to begin with.
pub const ALIYUN: [&str; 4] = [
    "200\n{\"layers\":[{\"version\":2,\"layerVersionArn\":\"acs:fc:cn-hangzhou:1:layers/app/versions/2\",\"description\":\"s; 1.0; sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"codeSize\":3,\"compatibleRuntime\":[\"python3.12\"],\"license\":\"MIT\",\"acl\":\"1\"}],\"nextVersion\":1}\n---\n200\n{\"layers\":[]}\n---\n200\n{\"version\":2,\"layerVersionArn\":\"acs:fc:1\",\"acl\":\"1\"}",
    "403\n{\"Code\":\"AccessDenied\",\"Message\":\"no \\u001b[2J\",\"RequestId\":\"1-2\"}\n---\n404\n{\"Code\":\"LayerVersionNotFound\"}\n---\n429\n\n---\n500\n",
    "200\n{\"version\":1,\"layerVersionArn\":\"a\\nb\"}",
    "404\n\n---\n403\n<Error><Code>AccessDenied</Code><Message>x</Message></Error>\n---\n200\n",
];

/// Answers of Lambda and S3 to begin with.
pub const LAMBDA: [&str; 4] = [
    "200\n{\"LayerVersions\":[{\"Version\":2,\"LayerVersionArn\":\"arn:aws:lambda:us-east-1:123456789012:layer:app:2\",\"Description\":\"s; 1.0; sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}],\"NextMarker\":\"x\"}\n---\n200\n{\"LayerVersions\":[]}\n---\n200\n{\"Version\":2,\"LayerVersionArn\":\"arn:aws:lambda:1\",\"Content\":{\"CodeSha256\":\"dbWNSo0tmKzunqWKiHMfqOel6uU89C8bG7nSoOHW1NU=\",\"CodeSize\":3},\"CompatibleRuntimes\":[\"python3.12\"],\"CompatibleArchitectures\":[\"x86_64\"],\"LicenseInfo\":\"MIT\"}\n---\n200\n{\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"lambda:GetLayerVersion\\\"}]}\"}\n---\n200\n{\"Version\":3,\"LayerVersionArn\":\"arn:aws:lambda:3\"}",
    "404\n{\"Type\":\"User\",\"code\":\"ResourceNotFoundException\",\"message\":\"x \\u001b[2J\"}\n---\n429\n{\"__type\":\"TooManyRequestsException\",\"message\":\"x\"}\n---\n500\n{}",
    "200\n{\"Version\":-1,\"Content\":{\"CodeSize\":-5}}",
    "301\n<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Message>x</Message></Error>\n---\n404\n\n---\n200\n",
];
