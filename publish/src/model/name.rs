//! What layers are called in the clouds.

use std::str::FromStr;

use xtask::model::{Arch, LayerName, Version};

/// A name with `{layer}`, `{version}` and `{arch}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

/// A template that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name template: it may hold `{{layer}}`, `{{version}}` and `{{arch}}`, letters, digits, `-` and `_`"
)]
pub struct InvalidTemplate(String);

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Template, InvalidTemplate> {
        let rest = text.replace("{layer}", "").replace("{version}", "").replace("{arch}", "");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || !rest.bytes().all(plain) {
            return Err(InvalidTemplate(text.to_owned()));
        }
        Ok(Template(text.to_owned()))
    }
}

impl Template {
    /// The name of one zip. Clouds take no `.` and no `+`, so both turn into `-`.
    pub fn fill(&self, layer: &LayerName, version: &Version, arch: Arch) -> String {
        let version = version.as_str().replace(['.', '+'], "-");
        self.0.replace("{layer}", layer.as_str()).replace("{version}", &version).replace("{arch}", arch.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let template: Template = "acme-{layer}_{version}-{arch}".parse().expect("a template");
        let name = template.fill(
            &"mediainfo".parse().expect("a name"),
            &"1.3+really1.3.2".parse().expect("a version"),
            Arch::Arm64,
        );
        assert_eq!(name, "acme-mediainfo_1-3-really1-3-2-arm64");
    }

    #[test]
    fn other_characters_and_fields_are_refused() {
        for text in ["", "{name}", "a.b", "{layer", "a b", "é"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
