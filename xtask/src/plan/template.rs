//! What may stand in braces in a recipe.
//!
//! Values are known when the plan is made: `{version}`, `{arch}` (`x86_64`, `arm64`), `{gnu-arch}`
//! (`x86_64`, `aarch64`) and `{glibc}`. Places are known only where a step runs, so the plan keeps
//! them: `{src}`, `{build}`, `{out}`, `{recipe}` (the recipe's own files), `{work}` (what holds all
//! of these), `{cache}` (what holds everything), `{toolchain-cache}`, `{needs:NAME}`, `{tool:NAME}`; so is `{jobs}`, because how many
//! things run at once must not change a byte. `{{` is a brace.

use thiserror::Error;

/// A text in braces that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// The name is not known here.
    #[error("`{{{name}}}` in `{text}` means nothing\n\nhint: it can be {known}")]
    Unknown {
        /// What stood in the braces.
        name: String,
        /// Where it stood.
        text: String,
        /// What could stand there.
        known: String,
    },
    /// A brace is never closed.
    #[error("a brace in `{0}` is never closed\n\nhint: write `{{{{` for a brace itself")]
    Open(String),
}

/// Replaces every `{name}` of `text` by what `look_up` gives for it, and every `{{` by `brace`:
/// `{{` again where the text will be expanded once more, `{` the last time. `known` is for the error.
pub fn expand(
    text: &str,
    brace: &str,
    known: &dyn Fn() -> String,
    look_up: &dyn Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        expanded.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        if let Some(literal) = after.strip_prefix('{') {
            expanded.push_str(brace);
            rest = literal;
            continue;
        }
        let end = after.find('}').ok_or_else(|| TemplateError::Open(text.to_owned()))?;
        let name = &after[..end];
        let value = look_up(name).ok_or_else(|| TemplateError::Unknown {
            name: name.to_owned(),
            text: text.to_owned(),
            known: known(),
        })?;
        expanded.push_str(&value);
        rest = &after[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, TemplateError> {
        expand(text, "{", &|| "`{out}`".to_owned(), &|name| (name == "out").then(|| "/o".to_owned()))
    }

    #[test]
    fn names_and_braces() {
        assert_eq!(expanded("-DX={out}/lib:{out}").as_deref(), Ok("-DX=/o/lib:/o"));
        assert_eq!(expanded("${{HOME}").as_deref(), Ok("${HOME}"));
        assert_eq!(expanded("").as_deref(), Ok(""));
    }

    #[test]
    fn mistakes_name_the_text() {
        assert_eq!(
            expanded("a{prefix}b").map_err(|error| error.to_string()),
            Err("`{prefix}` in `a{prefix}b` means nothing\n\nhint: it can be `{out}`".to_owned())
        );
        assert_eq!(expanded("a{out"), Err(TemplateError::Open("a{out".to_owned())));
    }
}
