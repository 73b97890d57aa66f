//! Archives that anybody may have made: which names are accepted, and zip files of which every byte is accounted for.
//!
//! There is one reader of zip files and one owner of the rules for names. Sources, layers that are audited, inspected
//! or run, and our own layers in images all go through them, so that no two parts of the tool can be shown different
//! things by the same bytes.

pub mod entry;
pub mod layer;
pub mod name;
mod records;
pub mod zip;
