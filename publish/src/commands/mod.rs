//! The commands: each is a struct of arguments that runs itself.

pub mod endpoint;
pub mod index;
pub mod places;
pub mod publish;
pub mod regions;
