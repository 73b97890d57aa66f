//! How a function gets a layer, for each tool that deploys functions.

use xtask::model::Arch;
use xtask::model::target::Cloud;

use super::published::Entry;

/// A piece of configuration with places in it: `{arn}`, `{arch}`, `{cdk-arch}`, `{region}`, `{runtime}`.
#[derive(Debug, Clone, Copy)]
pub struct Snippet {
    /// The tool.
    pub tool: &'static str,
    /// Whose functions it deploys.
    pub cloud: Cloud,
    /// What Markdown calls its language.
    pub language: &'static str,
    /// The text.
    pub text: &'static str,
}

/// The names of all places.
pub const PLACES: [&str; 5] = ["arn", "arch", "cdk-arch", "region", "runtime"];

/// Every snippet, in the order in which they are shown.
pub const ALL: [Snippet; 6] = [
    Snippet { tool: "AWS SAM", cloud: Cloud::Aws, language: "yaml", text: include_str!("snippets/sam.yaml") },
    Snippet { tool: "Terraform", cloud: Cloud::Aws, language: "hcl", text: include_str!("snippets/terraform.tf") },
    Snippet { tool: "AWS CDK", cloud: Cloud::Aws, language: "ts", text: include_str!("snippets/cdk.ts") },
    Snippet {
        tool: "Serverless Framework",
        cloud: Cloud::Aws,
        language: "yaml",
        text: include_str!("snippets/serverless.yaml"),
    },
    Snippet { tool: "AWS CLI", cloud: Cloud::Aws, language: "sh", text: include_str!("snippets/aws-cli.sh") },
    Snippet {
        tool: "Serverless Devs",
        cloud: Cloud::Aliyun,
        language: "yaml",
        text: include_str!("snippets/serverless-devs.yaml"),
    },
];

impl Snippet {
    /// The text with `entry` in it.
    pub fn fill(&self, entry: &Entry) -> String {
        PLACES
            .iter()
            .fold(self.text.to_owned(), |text, place| text.replace(&format!("{{{place}}}"), &value(place, entry)))
    }
}

/// What a place holds for `entry`.
pub fn value(place: &str, entry: &Entry) -> String {
    match place {
        "arn" => entry.arn.clone(),
        "arch" => entry.arch.name().to_owned(),
        "cdk-arch" => match entry.arch {
            Arch::X86_64 => "X86_64".to_owned(),
            Arch::Arm64 => "ARM_64".to_owned(),
        },
        "region" => entry.region.clone(),
        "runtime" => runtime(entry),
        _ => String::new(),
    }
}

/// The runtime that most people will want: the newest Python, or else whatever comes first.
fn runtime(entry: &Entry) -> String {
    let minor = |name: &&String| name.strip_prefix("python3.").and_then(|minor| minor.parse::<u32>().ok());
    let python = entry.runtimes.iter().filter(|name| minor(name).is_some()).max_by_key(minor);
    python.or(entry.runtimes.first()).cloned().unwrap_or_default()
}
