//! What a region of a cloud can do for us, and how it fails.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use crate::model::{Audience, Details, Version};
use crate::order::Order;

/// The layers of one account in one region.
///
/// Everything is one request or a few; none is sent a second time here. What to do about failures is decided once, for
/// every cloud, in [`crate::apply`].
#[expect(async_fn_in_trait, reason = "only used inside this crate, on one thread")]
pub trait Store {
    /// The versions of a layer, newest first; none where there is no such layer.
    async fn versions(&self, layer: &str) -> Result<Vec<Version>, Failure>;
    /// One version.
    async fn read(&self, layer: &str, number: u64) -> Result<Details, Failure>;
    /// With whom a version is shared.
    async fn grants(&self, layer: &str, number: u64) -> Result<BTreeSet<Audience>, Failure>;
    /// Makes a version. Sent twice, it makes two.
    async fn create(&self, order: &Order) -> Result<Version, Failure>;
    /// Shares a version.
    async fn permit(&self, layer: &str, number: u64, audience: &Audience) -> Result<(), Failure>;
    /// Deletes a version; one that is gone already is no failure.
    async fn delete(&self, layer: &str, number: u64) -> Result<(), Failure>;
}

/// Why a request did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What follows from it.
    pub kind: Kind,
    /// What happened, for a human.
    pub message: String,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Refused because of too many requests; nothing was done, and later it will be.
    Throttled,
    /// The connection was never made; nothing was done.
    Unreachable,
    /// No answer, or none that can be understood: it may have been done or not.
    Unknown,
    /// The account may not use the region.
    NotEnabled,
    /// Whatever was asked for is not there.
    NotFound,
    /// Refused, and it will be again.
    Refused,
}

impl Failure {
    /// A failure.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }

    /// Whether the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Unreachable | Kind::Unknown)
    }
}

/// Whether a connection failed because the other end's certificate is not trusted, or in another way that a handshake
/// fails every time: rustls says so with this kind, perhaps within an error of another.
pub fn is_of_tls(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()).is_some_and(is_of_tls)
}

/// Goes from page to page of a list, and sees to it that the list ends.
#[derive(Debug)]
pub struct Pages<T> {
    seen: BTreeSet<T>,
}

/// The most pages of a list: more than ten thousand versions, wherever they are listed.
const MOST_PAGES: usize = 500;

impl<T: Ord + Clone> Pages<T> {
    /// At the first page.
    pub fn new() -> Pages<T> {
        Pages { seen: BTreeSet::new() }
    }

    /// To the page that begins at `next`.
    ///
    /// # Errors
    /// If it was read already, or too many were: no answer of the same server would be of use.
    pub fn turn(&mut self, next: T) -> Result<T, Failure> {
        let refused = |what: &str| Err(Failure::new(Kind::Refused, format!("the cloud's list {what}")));
        if self.seen.len() + 1 >= MOST_PAGES {
            return refused(&format!("has more than {MOST_PAGES} pages"));
        }
        if !self.seen.insert(next.clone()) {
            return refused("goes in a circle: a page comes a second time");
        }
        Ok(next)
    }
}

impl<T: Ord + Clone> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages::new()
    }
}

/// How long a request with a body of so many bytes may take: a minute, and what a line of 128 kbit/s needs. All regions
/// share one line.
pub fn request_limit(bytes: u64) -> Duration {
    Duration::from_secs(60 + bytes / (16 << 10))
}

/// How long a connection may take to be made.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_ends() {
        let mut pages = Pages::new();
        assert_eq!(pages.turn(5), Ok(5));
        assert_eq!(pages.turn(7), Ok(7));
        let failure = pages.turn(5).expect_err("a circle");
        assert_eq!(failure.message, "the cloud's list goes in a circle: a page comes a second time");
        assert!(!failure.is_passing(), "trying again would be in vain");

        let mut pages = Pages::new();
        let turned = (1..).take_while(|number| pages.turn(*number).is_ok()).count();
        assert_eq!(turned + 1, MOST_PAGES);
        assert_eq!(pages.turn(0).expect_err("no end").message, "the cloud's list has more than 500 pages");
    }
}
