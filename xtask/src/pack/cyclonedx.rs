//! The part of CycloneDX 1.6 that we write, field by field in the terms and the order of its JSON.
//!
//! The specification explains each field; [`super::sbom`] fills them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::Sha256;

/// A bill of materials, in the terms and the order of its JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sbom {
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    pub bom_format: &'static str,
    pub spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    pub version: u32,
    pub metadata: Metadata,
    pub components: Vec<Component>,
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Metadata {
    pub lifecycles: Vec<Lifecycle>,
    pub tools: Tools,
    pub component: Component,
}

#[derive(Debug, Clone, Serialize)]
pub struct Lifecycle {
    pub phase: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub struct Tools {
    pub components: Vec<Component>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    pub r#type: &'static str,
    #[serde(rename = "bom-ref")]
    pub bom_ref: String,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub purl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pedigree: Option<Pedigree>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Hash {
    pub alg: &'static str,
    pub content: Sha256,
}

/// Either a listed license or an expression: the schema wants one of the two.
#[derive(Debug, Clone, Serialize)]
pub struct License {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<LicenseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct LicenseId {
    pub id: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Pedigree {
    pub patches: Vec<Patch>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Patch {
    pub r#type: &'static str,
    pub diff: Diff,
}

#[derive(Debug, Clone, Serialize)]
pub struct Diff {
    pub url: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    pub r#type: &'static str,
    pub url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Property {
    pub name: &'static str,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    pub r#ref: String,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<String>,
}
