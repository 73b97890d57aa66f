//! Days of the calendar, as the clouds' announcements name them.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use time::{Month, OffsetDateTime};

use crate::string_conversions;

/// A day: `2027-02-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(time::Date);

/// The text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: expected one such as `2027-02-01`")]
pub struct InvalidDate(String);

impl Date {
    /// The day of that moment, in UTC.
    pub fn of(moment: SystemTime) -> Date {
        Date(OffsetDateTime::from(moment).date())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Date, InvalidDate> {
        let read = || {
            let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            let mut parts = plain.then(|| text.split('-'))?;
            let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
            let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
            let day = parts.next()?.parse().ok()?;
            time::Date::from_calendar_date(year, month, day).ok()
        };
        read().map(Date).ok_or_else(|| InvalidDate(text.to_owned()))
    }
}

string_conversions!(Date);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_read_back_and_are_ordered() {
        let days = ["2023-12-31", "2024-02-29", "2026-11-28", "2027-02-01"];
        let parsed: Vec<Date> = days.iter().map(|day| day.parse().expect(day)).collect();
        assert!(parsed.is_sorted());
        assert_eq!(parsed.iter().map(Date::to_string).collect::<Vec<_>>(), days);
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_910_399);
        assert_eq!(Date::of(moment).to_string(), "2026-11-28");
        assert_eq!(Date::of(moment + Duration::from_secs(1)).to_string(), "2026-11-29");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026", "2026-2-1", "2025-02-29", "2026-13-01", "2026-00-10", "26-11-2028", "2026-11-28 "] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert_eq!(
            "soon".parse::<Date>().expect_err("no day").to_string(),
            "`soon` is not a day: expected one such as `2027-02-01`"
        );
    }
}
