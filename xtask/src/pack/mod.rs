//! From built packages to a layer zip: stage, describe, compress, land.
//!
//! A [`Stage`] collects files of packages and becomes a [`Staged`] set, which
//! holds every byte of the layer, its licences, SBOM and manifest included.
//! The set is written out as a folder for the audit and the smoke test, and
//! then, unchanged, as a zip by [`release`]. Nothing here compiles, downloads
//! or judges an ELF file, and nothing here may depend on the machine, the
//! folder or the hour: the same packages give the same zip.

mod cyclonedx;
mod deflate;
pub mod facts;
pub mod file;
pub mod landing;
pub mod licenses;
pub mod manifest;
pub mod oci;
pub mod path;
pub mod provenance;
pub mod purl;
pub mod release;
pub mod sbom;
pub mod stage;
pub mod staged;
mod walk;
pub mod zip;

#[cfg(test)]
mod readers;
#[cfg(test)]
pub(crate) mod sample;

pub use facts::{Compiler, LayerFacts, PackedRecipe, Patch};
pub use file::{Mode, PackedFile};
pub use manifest::Manifest;
pub use oci::{ImageArchive, image_name, write_image};
pub use path::LayerPath;
pub use provenance::write_provenance;
pub use release::{Checks, Release, write_layer};
pub use stage::Stage;
pub use staged::Staged;

/// The largest zip that is sent inside a request, in bytes: "50 MB (zipped, for direct upload)" in
/// the deployment package row of AWS Lambda's quotas, counted in binary megabytes.
/// Function Compute allows more, but one zip serves both clouds.
pub const MAX_ZIP: u64 = 50 * 1024 * 1024;

/// The largest layer once unpacked, in bytes: Lambda's 250 MB for a function and all its layers
/// together, which its error message spells as 262144000.
pub const MAX_UNPACKED: u64 = 262_144_000;
