//! Who compiled: this machine, or a container made from an image that can be named.

use serde::{Deserialize, Serialize};

/// Who compiled the packages of a layer. It never shows in the bytes of a zip; a provenance statement tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum BuilderIdentity {
    /// The machine that the tool itself runs on.
    Host,
    /// A container.
    Container {
        /// The target whose Dockerfile its image was built from.
        target: String,
        /// The base image as it was asked for: registry, repository and tag or digest.
        base_image: String,
        /// The digests under which registries know the base image that was used; none for one that was imported.
        base_digests: Vec<String>,
        /// What the engine calls the image that was built on it, `sha256:…`.
        image_id: String,
    },
}

impl BuilderIdentity {
    /// What `--builder` calls it.
    pub fn name(&self) -> &str {
        match self {
            BuilderIdentity::Host => "host",
            BuilderIdentity::Container { target, .. } => target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_its_kind_first() {
        let host = serde_json::to_string(&BuilderIdentity::Host).expect("JSON");
        assert_eq!(host, r#"{"kind":"host"}"#);
        let container = BuilderIdentity::Container {
            target: "al2".to_owned(),
            base_image: "amazonlinux:2".to_owned(),
            base_digests: Vec::new(),
            image_id: "sha256:12".to_owned(),
        };
        let text = serde_json::to_string(&container).expect("JSON");
        let expected = r#"{"kind":"container","target":"al2","base-image":"amazonlinux:2","base-digests":[],"image-id":"sha256:12"}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<BuilderIdentity>(&text).expect("the same"), container);
    }
}
