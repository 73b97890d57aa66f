//! What is newest: the versions that the places know which a recipe names, and what is known against pinned ones.
//!
//! [`place`] reads from a recipe who may know versions of its project: Debian's source indexes, the Python package
//! index, tags of a repository, a listing of upstream's. [`Asker`] asks them, [`recipes`] and [`clouds`] compare with
//! what is pinned. [`osv`] asks the database of vulnerabilities.
//!
//! Every answer is a stranger's. It is bounded in bytes and time, read strictly, and shown without control characters.
//! It only informs: what is built is pinned by the bytes that were fetched, never by what somebody says of them.

mod ask;
pub mod clouds;
pub mod debian;
pub mod listing;
mod memory;
pub mod osv;
pub mod place;
pub mod python;
pub mod recipes;
pub mod release;
mod sdk;
pub mod tags;

pub use ask::{Asker, Told};
pub use place::Place;

#[cfg(test)]
mod tests;

/// A stranger's text as it may be shown: without control characters, and not endless.
pub fn printable(text: &str) -> String {
    const MOST: usize = 300;
    let mut shown: String = text.chars().take(MOST).flat_map(escaped).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(character: char) -> impl Iterator<Item = char> {
    // Formatting characters could turn the rest of a line round.
    let hidden = character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let text = if hidden { character.escape_unicode().to_string() } else { character.to_string() };
    text.chars().collect::<Vec<_>>().into_iter()
}
