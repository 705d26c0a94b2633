//! Dates of the campaign: from a mail's number to an instant in working hours, and from an instant to
//! the forms in which mail programs write it. All in integers; no clock of the machine is asked.

use crate::rng::Rng;

/// French month names.
pub(crate) const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
/// English month names.
pub(crate) const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// First day of the campaign: 2023-09-04 00:00:00 UTC, a Monday.
const FIRST_DAY: i64 = 1_693_785_600;
/// Days from the first to the last mail.
const DAYS: u64 = 594;

/// How a mail program writes the zone of a `Date` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Zone {
    /// Europe/Paris with daylight saving time, as `+0100` or `+0200`.
    #[default]
    Paris,
    /// Paris, with the zone's name as a comment: `+0200 (CEST)`.
    ParisNamed,
    /// `+0000`.
    Utc,
    /// `-0000`: UTC, and nothing said of the local time (RFC 5322 section 3.3).
    Unknown,
    /// The obsolete `GMT` (RFC 5322 section 4.3).
    Gmt,
    /// London, New York or Montréal by a fixed offset in minutes.
    Fixed(i16),
}

/// The instant (seconds since 1970, UTC) of step `i` of `n`: rising with `i`, denser in working hours.
pub(crate) fn instant(i: u64, n: u64, rng: &mut Rng) -> i64 {
    let parts = DAYS * 86_400;
    let step = (parts / n.max(1)).max(1);
    let at = (u128::from(i) * u128::from(parts) / u128::from(n.max(1))) as u64;
    let at = at + rng.below((step / 2).max(1) as usize) as u64;
    FIRST_DAY + ((at / 86_400) * 86_400 + working_hours(at % 86_400)) as i64
}

/// Maps a uniform second of the day to one whose density follows a working day; it never decreases.
fn working_hours(uniform: u64) -> u64 {
    // (share of the day's mail in 1/1000 up to here, hour UTC)
    const CURVE: [(u64, u64); 9] =
        [(0, 0), (25, 5), (90, 7), (330, 10), (430, 12), (560, 14), (800, 17), (930, 21), (1_000, 24)];
    let permille = uniform * 1_000 / 86_400;
    let exact = uniform * 1_000;
    for pair in CURVE.windows(2) {
        let [(low, from), (high, to)] = pair else { continue };
        if permille < *high {
            let span = (high - low) * 86_400;
            return from * 3_600 + (exact - low * 86_400) * (to - from) * 3_600 / span.max(1);
        }
    }
    86_399
}

/// An instant on the clocks of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    /// Year of the Gregorian calendar.
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
    /// Hour, minute, second.
    pub(crate) time: (i64, i64, i64),
    /// 0 is Sunday.
    weekday: i64,
    /// East of Greenwich.
    offset_minutes: i64,
}

/// An instant on the clocks of a zone.
pub(crate) fn local(at: i64, zone: Zone) -> Local {
    let offset_minutes = match zone {
        Zone::Paris | Zone::ParisNamed => paris_offset(at),
        Zone::Fixed(minutes) => i64::from(minutes),
        Zone::Utc | Zone::Unknown | Zone::Gmt => 0,
    };
    let there = at + offset_minutes * 60;
    let (days, seconds) = (there.div_euclid(86_400), there.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let time = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Local { year, month, day, time, weekday: weekday(days), offset_minutes }
}

/// Minutes east of Greenwich in Paris: summer time from the last Sunday of March to the last of
/// October, 01:00 UTC (directive 2000/84/EC).
fn paris_offset(at: i64) -> i64 {
    let (year, ..) = civil(at.div_euclid(86_400));
    let last_sunday = |month| {
        let end = days_from_civil(year, month, 31);
        (end - weekday(end)) * 86_400 + 3_600
    };
    if (last_sunday(3)..last_sunday(10)).contains(&at) { 120 } else { 60 }
}

/// Days since 1970-01-01 was a Thursday.
fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// Year, month and day of a day number since 1970-01-01: eras of 400 years that start on 1 March, so
/// that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A `Date` field's value (RFC 5322 section 3.3).
pub(crate) fn rfc5322(at: i64, zone: Zone) -> String {
    let local = local(at, zone);
    let Local { year, day, time: (h, m, s), offset_minutes, .. } = local;
    let (weekday, month) = (local.weekday_name(), local.month_name());
    let stamp = format!("{weekday}, {day:02} {month} {year} {h:02}:{m:02}:{s:02}");
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let offset = format!("{sign}{:02}{:02}", offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    match zone {
        Zone::ParisNamed if offset_minutes == 120 => format!("{stamp} {offset} (CEST)"),
        Zone::ParisNamed => format!("{stamp} {offset} (CET)"),
        Zone::Unknown => format!("{stamp} -0000"),
        Zone::Gmt => format!("{stamp} GMT"),
        _ => format!("{stamp} {offset}"),
    }
}

impl Local {
    /// `Mon`, as RFC 5322 writes it.
    pub(crate) fn weekday_name(&self) -> &'static str {
        ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"].get(self.weekday as usize).copied().unwrap_or("")
    }

    /// `Jan`, as RFC 5322 writes it.
    pub(crate) fn month_name(&self) -> &'static str {
        self.month_in(&MONTHS_EN).get(..3).unwrap_or("")
    }

    /// The month in a table of twelve names.
    pub(crate) fn month_in(&self, names: &[&'static str; 12]) -> &'static str {
        names.get(self.month as usize - 1).copied().unwrap_or("")
    }
}

/// The date of an mbox `From ` line (RFC 4155): asctime in UTC.
pub(crate) fn asctime(at: i64) -> String {
    let local = local(at, Zone::Utc);
    let Local { year, day, time: (h, m, s), .. } = local;
    format!("{} {} {day:>2} {h:02}:{m:02}:{s:02} {year}", local.weekday_name(), local.month_name())
}

/// `20240311T134500Z`, as iCalendar (RFC 5545 section 3.3.5) writes an instant.
pub(crate) fn icalendar(at: i64) -> String {
    let Local { year, month, day, time: (h, m, s), .. } = local(at, Zone::Utc);
    format!("{year}{month:02}{day:02}T{h:02}{m:02}{s:02}Z")
}

/// `2024-03-11T13:45:00Z` (RFC 3339).
pub(crate) fn rfc3339(at: i64) -> String {
    let Local { year, month, day, time: (h, m, s), .. } = local(at, Zone::Utc);
    format!("{year}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_as_programs_write_them() {
        let (winter, summer) = (1_704_110_400, 1_720_000_000);
        for (at, zone, want) in [
            (winter, Zone::Paris, "Mon, 01 Jan 2024 13:00:00 +0100"),
            (summer, Zone::Paris, "Wed, 03 Jul 2024 11:46:40 +0200"),
            (summer, Zone::ParisNamed, "Wed, 03 Jul 2024 11:46:40 +0200 (CEST)"),
            (winter, Zone::Unknown, "Mon, 01 Jan 2024 12:00:00 -0000"),
            (winter, Zone::Gmt, "Mon, 01 Jan 2024 12:00:00 GMT"),
            (winter, Zone::Fixed(-300), "Mon, 01 Jan 2024 07:00:00 -0500"),
        ] {
            assert_eq!(rfc5322(at, zone), want);
        }
        assert_eq!(asctime(winter), "Mon Jan  1 12:00:00 2024");
        assert_eq!(icalendar(winter), "20240101T120000Z");
        for (day, date) in
            [(0, (1970, 1, 1)), (19_782, (2024, 2, 29)), (19_783, (2024, 3, 1)), (-1, (1969, 12, 31))]
        {
            assert_eq!(civil(day), date);
            assert_eq!(days_from_civil(date.0, date.1, date.2), day);
        }
        // Summer time begins on 31 March 2024, 01:00 UTC, and ends on 27 October 2024.
        for (at, minutes) in
            [(1_711_846_799, 60), (1_711_846_800, 120), (1_729_990_799, 120), (1_729_990_800, 60)]
        {
            assert_eq!(paris_offset(at), minutes);
        }
    }

    #[test]
    fn time_never_runs_back() {
        let mut rng = Rng::new(1, "time", 0);
        for n in [400, 72_000] {
            let all: Vec<i64> = (0..n).map(|i| instant(i, n, &mut rng)).collect();
            assert!(all.windows(2).all(|w| w[0] <= w[1]));
            let nine_to_five = all.iter().filter(|t| (7..17).contains(&((*t % 86_400) / 3_600))).count();
            assert!(nine_to_five * 100 > all.len() * 60, "{nine_to_five}");
        }
    }
}
