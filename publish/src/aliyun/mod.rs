//! Alibaba Cloud Function Compute 3.0: a small client of our own, because there is no SDK for Rust.

pub mod acs3;
pub mod credentials;
pub mod encode;
pub mod fc;
pub mod http;
pub mod oss;
pub mod oss4;

pub use credentials::Credentials;
pub use fc::FcStore;
pub use oss::Bucket;

#[cfg(test)]
mod golden;
