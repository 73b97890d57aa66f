//! What went wrong, as far as the exit code is concerned.

/// The input is broken or the command was called wrongly: exit code 2.
///
/// Everything else that fails, a build or a download for instance, ends with exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(pub String);

/// An [`InvalidInput`] as the error of a function that returns [`anyhow::Result`].
pub fn invalid(message: impl Into<String>) -> anyhow::Error {
    InvalidInput(message.into()).into()
}
