//! Text that others wrote (servers, archives, programs) before it reaches a terminal.
//!
//! Such text can hold escape codes, which a terminal obeys, secrets that we have sent, and any amount of anything.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The most characters of a text of another that are shown.
const MOST: usize = 1000;

/// A word of so many characters says nothing to a reader, and may be a token: the shortest that clouds give have more.
const TOKEN: usize = 100;

/// A secret is recognised by so many characters of it in a row, wherever somebody cut it.
const PIECE: usize = 12;

/// What replaces a secret.
const HIDDEN: &str = "***";

/// Secrets that must not be shown, however they are written.
#[derive(Debug, Default)]
pub struct Secrets(Vec<String>);

/// Makes a text harmless for a terminal: what steers it, and what turns the direction of writing, is written as in JSON
/// (`\u001b`), so that JSON stays the same JSON. Line breaks and tabs stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 64);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // A line may end in both; alone, the first of them would have the line overwritten.
        if c == '\r' && rest.peek() == Some(&'\n') || !steers(c) {
            harmless.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(harmless, "\\u{:04x}", u32::from(c));
        }
    }
    Cow::Owned(harmless)
}

/// A text of another as a part of a message: in one line, not too long, and without what looks like a token.
pub fn foreign(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&without_tokens(word));
        if shown.len() > 4 * MOST {
            break;
        }
    }
    let shown = harmless(&shown);
    match shown.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.into_owned(),
    }
}

impl Secrets {
    /// Adds one. Too short a text would be found everywhere, and is no secret.
    pub fn add(&mut self, secret: &str) {
        if secret.len() >= 8 {
            self.0.push(secret.to_ascii_lowercase());
        }
    }

    /// Replaces every word that holds a piece of a secret, as it is or percent-encoded.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = |part: &str| part.len() >= 8 && self.is_in(part);
        if self.0.is_empty() || !text.split(separates).any(found) {
            return Cow::Borrowed(text);
        }
        let mut hidden = String::with_capacity(text.len());
        for part in text.split_inclusive(separates) {
            let word = part.trim_end_matches(separates);
            hidden.push_str(if found(word) { HIDDEN } else { word });
            hidden.push_str(&part[word.len()..]);
        }
        Cow::Owned(hidden)
    }

    fn is_in(&self, word: &str) -> bool {
        // As it stands, too: the first letters of a secret may be taken for the digits of an encoded byte.
        let words = [word.to_ascii_lowercase().into_bytes(), percent_decoded(word)];
        self.0.iter().any(|secret| {
            let mut pieces = secret.as_bytes().windows(PIECE.min(secret.len()));
            pieces.any(|piece| words.iter().any(|word| memchr::memmem::find(word, piece).is_some()))
        })
    }
}

fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\n' && c != '\t'
}

fn separates(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`<>()[]{}|,;:=&?".contains(c)
}

/// A word with how long each part of it is that could be a token, instead of that part.
fn without_tokens(word: &str) -> String {
    let mut text = String::new();
    let in_token = |c: char| c.is_ascii_alphanumeric() || "+/=_%-~".contains(c);
    for part in word.split_inclusive(|c| !in_token(c)) {
        let token = part.trim_end_matches(|c| !in_token(c));
        if token.len() >= TOKEN {
            // Writing to a string cannot fail.
            let _ = write!(text, "({} characters)", token.len());
            text.push_str(&part[token.len()..]);
        } else {
            text.push_str(part);
        }
    }
    text
}

/// In small letters, like the secrets.
fn percent_decoded(word: &str) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::with_capacity(word.len()), word.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded_byte) => {
                decoded.push(decoded_byte.to_ascii_lowercase());
                rest = &after[2..];
            }
            None => {
                decoded.push(byte.to_ascii_lowercase());
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing() {
        assert_eq!(harmless("a\n\tb é\r\n"), "a\n\tb é\r\n");
        let hostile = "\u{1b}]0;title\u{7}\u{1b}[2J\rgone\u{9b}31m\0\u{7f}\u{202e}txt";
        let shown = r"\u001b]0;title\u0007\u001b[2J\u000dgone\u009b31m\u0000\u007f\u202etxt";
        assert_eq!(harmless(hostile), shown);
        assert_eq!(foreign(hostile), shown.replace(r"\u000d", " "));
        let json = |text: &str| serde_json::from_str::<String>(text).expect("JSON");
        let text = serde_json::to_string("\u{9b}\u{7f}\u{202e}").expect("JSON");
        assert_ne!(harmless(&text), text);
        assert_eq!(json(&harmless(&text)), json(&text), "JSON stays what it is");
    }

    #[test]
    fn texts_of_others_are_short_lines() {
        assert_eq!(foreign(" one\r\n  two\t"), "one two");
        assert_eq!(foreign(&"ab ".repeat(5_000_000)).chars().count(), MOST + 1);
        assert_eq!(foreign(&"é ".repeat(2000)).chars().count(), MOST + 1);
        let token = "CAISabc/+=".repeat(20);
        assert_eq!(foreign(&format!("x-acs-security-token:{token}.")), "x-acs-security-token:(200 characters).");
        let digest = "a".repeat(64);
        assert_eq!(foreign(&digest), digest);
    }

    #[test]
    fn secrets_are_found_however_they_are_written() {
        let mut secrets = Secrets::default();
        secrets.add("CAIS+ab/cdEFghIJklMNop==");
        secrets.add("short");
        let hidden = |text: &str| secrets.hide(text).into_owned();
        assert_eq!(hidden("nothing, short"), "nothing, short");
        assert_eq!(hidden("token:CAIS+ab/cdEFghIJklMNop==\nhost:x"), "token:***==\nhost:x");
        assert_eq!(hidden("?t=CAIS%2Bab%2FcdEFghIJklMNop%3D%3D&x"), "?t=***&x");
        assert_eq!(hidden("[cais+ab/cdefgh…] <CAIS+ab/cdEF"), "[***] <***", "cut, and in small letters");
        assert_eq!(hidden("CAIS+ab/cdE"), "CAIS+ab/cdE", "a piece that is shorter says nothing");
        // Found by fuzzing: `%2C` is no encoded byte here, but the beginning of the secret behind another text.
        assert_eq!(hidden("%2CAIS+ab/cdEF"), "***", "behind what looks like the beginning of an encoded byte");
    }
}
