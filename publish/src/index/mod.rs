//! What is published where: the file that publishing keeps, and what is rendered from it.

pub mod markdown;
pub mod page;
pub mod published;
pub mod snippets;
