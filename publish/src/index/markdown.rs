//! The index as Markdown.

use std::fmt::Write as _;

use xtask::files::size;
use xtask::model::target::Cloud;

use super::published::{Entry, Index};
use super::snippets;
use crate::model::Regions;

/// What a cloud is called.
pub fn cloud(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "AWS Lambda",
        Cloud::Aliyun => "Alibaba Cloud Function Compute",
    }
}

/// What a region is called; its own name where nothing else is known.
pub fn title(regions: &Regions, entry: &Entry) -> String {
    regions.get(entry.cloud, &entry.region).map_or_else(|_| entry.region.clone(), |region| region.title.clone())
}

/// The newest versions, a table for each zip, and how to use them.
pub fn render(index: &Index, regions: &Regions) -> String {
    let mut text = String::from(
        "# Published layers\n\nWritten by `cargo xtask index` from `layers/published.json`. Beside this file lies a page \
         that can be searched: `layers.html`.\n\nA function takes a layer of its own region and architecture. With the ARN \
         of another region, the cloud answers that a permission is missing.\n",
    );
    let mut last = None;
    for entry in index.newest() {
        let head = (&entry.layer, &entry.version, entry.arch, entry.cloud, entry.sha256);
        if last != Some(head) {
            let _ = write!(
                text,
                "\n## {} {}, {}, {}\n\n{}; SHA-256 `{}`; for {}\n\n| region | | ARN | since |\n|---|---|---|---|\n",
                entry.layer,
                entry.version,
                entry.arch,
                cloud(entry.cloud),
                size(entry.size),
                entry.sha256,
                entry.runtimes.join(", "),
            );
            last = Some(head);
        }
        let _ = writeln!(text, "| {} | {} | `{}` | {} |", entry.region, title(regions, entry), entry.arn, entry.date);
    }
    text.push_str("\n## How to use one\n");
    for snippet in snippets::ALL {
        if let Some(entry) = index.newest().into_iter().find(|entry| entry.cloud == snippet.cloud) {
            let _ = write!(text, "\n{}:\n\n```{}\n{}```\n", snippet.tool, snippet.language, snippet.fill(entry));
        }
    }
    text
}
