//! Times as people type them: a day, or a time of RFC 3339.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tamis_model::tables::Time;

use crate::failure::Failure;

/// Which end of a day a date without a time means, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its first moment.
    First,
    /// Its last second.
    Last,
}

/// Reads `2017-05-05`, `2017-05-05T20:00:00Z`, or the latter with another offset.
pub fn parse(text: &str, end: End) -> Result<Time, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Time(time.as_microsecond()));
    }
    let day = text.parse::<Date>().ok().and_then(|date| {
        let civil = match end {
            End::First => date.at(0, 0, 0, 0),
            End::Last => date.at(23, 59, 59, 0),
        };
        civil.to_zoned(TimeZone::UTC).ok()
    });
    day.map(|day| Time(day.timestamp().as_microsecond())).ok_or_else(|| {
        Failure::unusable(
            format!("{text:?} is no date"),
            "it is neither a day nor a time",
            "write 2017-05-05, or 2017-05-05T20:00:00Z",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times() {
        for (text, end, seconds) in [
            ("2017-05-05", End::First, Some(1_493_942_400)),
            ("2017-05-05", End::Last, Some(1_494_028_799)),
            ("2017-05-05T20:00:00Z", End::First, Some(1_494_014_400)),
            ("2017-05-05T22:00:00+02:00", End::Last, Some(1_494_014_400)),
            ("yesterday", End::First, None),
            ("2017-02-30", End::First, None),
        ] {
            assert_eq!(
                parse(text, end).ok().map(|time| time.0),
                seconds.map(|s: i64| s * 1_000_000),
                "{text}"
            );
        }
    }
}
