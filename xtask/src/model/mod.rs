//! The nouns of the house: pure data, read strictly, without any I/O.
//!
//! Everything here can be built from text alone. Files are read by
//! [`crate::catalog`]; nothing in this module opens one.

pub mod age;
pub mod arch;
pub mod builder;
pub mod date;
pub mod digest;
pub mod glibc;
pub mod layer;
pub mod name;
pub mod origin;
pub mod protection;
pub mod recipe;
pub mod runtime;
pub mod target;
pub mod text;
pub mod toolchain;
pub mod upstream;

pub use arch::Arch;
pub use builder::BuilderIdentity;
pub use date::Date;
pub use digest::Sha256;
pub use glibc::GlibcVersion;
pub use layer::Layer;
pub use name::{LayerName, RecipeName, RecipeRef, Version};
pub use origin::Origin;
pub use protection::Protection;
pub use recipe::Recipe;
pub use runtime::Runtime;
pub use target::{Cloud, Target, Targets};
pub use text::InvalidText;
pub use toolchain::{ByArch, Toolchain};
pub use upstream::Upstream;
