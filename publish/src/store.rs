//! What a region of a cloud can do for us, and how it fails.

use std::collections::BTreeSet;
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

/// How long a request with a body of so many bytes may take: a minute, and what a line of 128 kbit/s needs. All regions
/// share one line.
pub fn request_limit(bytes: u64) -> Duration {
    Duration::from_secs(60 + bytes / (16 << 10))
}

/// How long a connection may take to be made.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);
