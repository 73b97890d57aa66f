//! The nouns of publishing: pure data, no input or output.

pub mod audience;
pub mod bucket;
pub mod name;
pub mod region;
pub mod version;

pub use audience::Audience;
pub use bucket::BucketName;
pub use name::Template;
pub use region::{Partition, Region, Regions};
pub use version::{Details, Version};
