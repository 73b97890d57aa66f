//! The tool is killed in the middle of its work, and nothing of it goes on or stays.
//!
//! What is ignored kills real work at random moments; `ci/test-kill` runs that.

mod chance;
#[path = "../checkout/mod.rs"]
mod checkout;
mod real;
mod small;
mod tool;
