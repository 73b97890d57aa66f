//! Puts finished layers into the regions of AWS Lambda and Alibaba Cloud Function Compute.
//!
//! What is wanted (`artifact`, `order`) and what is there (`store`, by `aws` or `aliyun`) become a plan (`plan`, pure),
//! which is printed or carried out (`apply`). What is there afterwards goes into the index (`index`).
//! `docs/publishing.md` is for those who publish.

pub mod aliyun;
pub mod apply;
pub mod artifact;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod index;
pub mod model;
pub mod order;
pub mod plan;
pub mod store;
