//! Texts of a certain form. Each is a type of its own, so that no other text can stand in its place.

/// A text that has not the form it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: expected {expected}")]
pub struct InvalidText {
    /// The text.
    pub text: String,
    /// What it should be, with its article.
    pub what: &'static str,
    /// The form it must have.
    pub expected: &'static str,
}

/// Reads a type from a `String` as it is parsed, and writes it as it is displayed. Serde uses both: a type that is
/// `#[serde(try_from = "String", into = "String")]` is checked wherever it comes from, and errors have line and caret.
#[macro_export]
macro_rules! string_conversions {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = <$type as ::std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<$type, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

/// Makes a type of a text that is checked wherever it comes from. The crate that uses this needs serde.
#[macro_export]
macro_rules! text_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:ident, $expected:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::model::InvalidText;

            fn from_str(text: &str) -> Result<$type, Self::Err> {
                if $check(text) {
                    Ok($type(text.to_owned()))
                } else {
                    Err($crate::model::InvalidText { what: $what, text: text.to_owned(), expected: $expected })
                }
            }
        }

        $crate::string_conversions!($type);
    };
}
