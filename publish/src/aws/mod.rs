//! AWS Lambda, through the official SDK.

pub mod body;
pub mod bucket;
pub mod failure;
pub mod lambda;
pub mod policy;
pub mod regions;
pub mod session;

pub use bucket::Bucket;
pub use lambda::LambdaStore;
pub use session::Session;
