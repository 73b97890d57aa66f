//! The one place where the time of day is asked for.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Now, to the second: `2026-11-20T20:24:23Z`.
pub fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    // Only years beyond 9999 cannot be written.
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default()
}
