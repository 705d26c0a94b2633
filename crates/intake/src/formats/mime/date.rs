//! The Date field (RFC 5322 §3.3, §4.3), with obsolete zones and two-digit years, and the other
//! spellings that old programs left: `asctime`, ISO 8601, no zone.

use tamis_model::tables::Time;

use super::params::without_comments;

/// A date that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    /// The point in time, in UTC, within the years 1 to 9999.
    pub time: Time,
    /// Declared minutes east of UTC; `None` for `-0000`, none, and zones that mean nothing certain.
    pub offset_min: Option<i32>,
    /// What was wrong with it, and yet does not keep it from being read.
    pub defect: Option<&'static str>,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
/// Named zones that have a meaning (§4.3), in hours; others are as good as `-0000`.
const ZONES: [(&str, i32); 12] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("edt", -4),
    ("est", -5),
    ("cdt", -5),
    ("cst", -6),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
];

/// Reads a date; `None` if it is none or lies outside the years 1 to 9999.
pub(super) fn parse(value: &[u8]) -> Option<Date> {
    let text = without_comments(value.get(..value.len().min(1024))?);
    let mut parts = Parts::default();
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).take(32) {
        parts.word(word)?;
    }
    parts.date()
}

#[derive(Default)]
struct Parts {
    day_name: Option<usize>,
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    /// Seconds since midnight.
    clock: Option<i64>,
    zone: Option<Zone>,
    /// `PM` was seen, or `AM`.
    afternoon: Option<bool>,
    defect: Option<&'static str>,
}

enum Zone {
    Minutes(i32),
    Unknown,
}

impl Parts {
    fn word(&mut self, word: &str) -> Option<()> {
        let lower = word.to_ascii_lowercase();
        if self.clock.is_none() && lower.contains(':') {
            return self.iso(&lower).or_else(|| self.time(&lower));
        }
        if self.clock.is_some() && self.zone.is_none() && lower.starts_with(['+', '-']) {
            self.zone = Some(numeric_zone(&lower).unwrap_or_else(|| {
                self.defect = Some("date-zone");
                Zone::Unknown
            }));
            return Some(());
        }
        if lower.contains('-') && self.day.is_none() {
            // `13-Feb-2003`, `2003-02-13`.
            return self.dashed(&lower);
        }
        if let Ok(number) = lower.parse::<i64>() {
            return self.number(number, lower.len());
        }
        self.name(&lower)
    }

    fn number(&mut self, number: i64, digits: usize) -> Option<()> {
        // `+` is accepted by the parser of integers and means nothing here.
        if number < 0 {
            return None;
        }
        match (self.day, self.year) {
            (None, _) if digits <= 2 => self.day = Some(number),
            (_, None) if self.month.is_some() || digits >= 4 => self.year = Some(year(number, digits)?),
            // A number after the year is noise; a zone without its sign is one that nobody can read.
            _ if self.clock.is_some() => self.defect = Some("date-zone"),
            _ => return None,
        }
        Some(())
    }

    fn name(&mut self, word: &str) -> Option<()> {
        let short = word.trim_end_matches('.');
        let key = short.get(..3).unwrap_or(short);
        // `may`, also in full or in other languages, and no longer word.
        let is_month = self.month.is_none() && short.len() <= 9;
        if let Some(month) = MONTHS.iter().position(|m| *m == key && is_month) {
            self.month = Some(month as i64 + 1);
        } else if let Some(day) = DAYS.iter().position(|d| *d == key && self.day_name.is_none()) {
            self.day_name = Some(day);
        } else if self.clock.is_some() && matches!(short, "am" | "pm") {
            self.afternoon = Some(short == "pm");
        } else if self.clock.is_some() {
            self.named_zone(short);
        } else {
            // A word before the time that is neither: a day in another language. Not needed.
            self.defect = Some("date-word");
        }
        Some(())
    }

    fn named_zone(&mut self, word: &str) {
        let known = ZONES.iter().find(|(name, _)| *name == word).map(|(_, hours)| Zone::Minutes(hours * 60));
        // `GMT+0200`.
        let signed = ["gmt", "utc", "ut"]
            .iter()
            .find_map(|prefix| word.strip_prefix(prefix).filter(|rest| rest.starts_with(['+', '-'])))
            .and_then(numeric_zone);
        match (self.zone.is_some(), known.or(signed)) {
            // A name after a numeric zone only repeats it.
            (true, _) => {}
            (false, Some(zone)) => self.zone = Some(zone),
            (false, None) => {
                self.zone = Some(Zone::Unknown);
                self.defect = Some("date-zone");
            }
        }
    }

    fn dashed(&mut self, word: &str) -> Option<()> {
        let mut pieces = word.split('-');
        let (a, b, c) = (pieces.next()?, pieces.next()?, pieces.next()?);
        if pieces.next().is_some() {
            return None;
        }
        if a.len() == 4 {
            self.year = Some(year(a.parse().ok()?, 4)?);
            self.month = Some(b.parse().ok()?);
            self.day = Some(c.parse().ok()?);
        } else {
            self.day = Some(a.parse().ok()?);
            self.name(b)?;
            self.year = Some(year(c.parse().ok()?, c.len())?);
        }
        self.defect = Some("date-form");
        Some(())
    }

    /// `2003-02-13T12:00:00Z`.
    fn iso(&mut self, word: &str) -> Option<()> {
        let (date, time) = word.split_once('t').filter(|(date, _)| date.matches('-').count() == 2)?;
        self.dashed(date)?;
        let zone = time.find(['z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone);
        self.time(time.split('.').next().unwrap_or(time))?;
        self.zone = match zone {
            "" => None,
            "z" => Some(Zone::Minutes(0)),
            zone => Some(numeric_zone(zone)?),
        };
        Some(())
    }

    /// `12:00`, `12:00:00`, perhaps with a zone glued to it.
    fn time(&mut self, word: &str) -> Option<()> {
        let end = word.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(word.len());
        let (clock, glued) = word.split_at(end);
        let mut numbers = clock.split(':').map(|n| n.split('.').next().unwrap_or(n));
        let hour: i64 = numbers.next()?.parse().ok()?;
        let minute: i64 = numbers.next()?.parse().ok()?;
        let second: i64 = numbers.next().map_or(Some(0), |s| s.parse().ok())?;
        // 60 is a leap second (§3.3).
        if hour > 23 || minute > 59 || second > 60 || numbers.next().is_some() {
            return None;
        }
        self.clock = Some(hour * 3600 + minute * 60 + second);
        if glued.is_empty() { Some(()) } else { self.word(glued) }
    }

    fn date(self) -> Option<Date> {
        let (year, month, day, clock) = (self.year?, self.month?, self.day?, self.clock?);
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month)
        {
            return None;
        }
        let clock = match self.afternoon {
            Some(true) if clock < 12 * 3600 => clock + 12 * 3600,
            Some(false) if (12 * 3600..13 * 3600).contains(&clock) => clock - 12 * 3600,
            _ => clock,
        };
        let days = days_from_civil(year, month, day);
        let (offset_min, mut defect) = match self.zone {
            Some(Zone::Minutes(minutes)) => (Some(minutes), self.defect),
            Some(Zone::Unknown) => (None, self.defect),
            None => (None, self.defect.or(Some("date-no-zone"))),
        };
        if self.day_name.is_some_and(|name| name as i64 != days.rem_euclid(7)) {
            defect = defect.or(Some("date-day-name"));
        }
        let seconds = days * 86_400 + clock - i64::from(offset_min.unwrap_or(0)) * 60;
        let in_range = days_from_civil(1, 1, 1) * 86_400..days_from_civil(10_000, 1, 1) * 86_400;
        in_range.contains(&seconds).then_some(Date { time: Time(seconds * 1_000_000), offset_min, defect })
    }
}

/// `+hhmm`; `-0000` says that nothing is known (§3.3).
fn numeric_zone(word: &str) -> Option<Zone> {
    let (sign, digits) = (word.get(..1)?, word.get(1..)?);
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let number: i32 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        3 | 4 => (number / 100, number % 100),
        _ => return None,
    };
    if minutes > 59 {
        return None;
    }
    let total = hours * 60 + minutes;
    Some(match sign {
        "-" if total == 0 => Zone::Unknown,
        "-" => Zone::Minutes(-total),
        _ => Zone::Minutes(total),
    })
}

/// Years of two and three digits (§4.3).
fn year(number: i64, digits: usize) -> Option<i64> {
    match digits {
        0 | 1 => None,
        2 if number < 50 => Some(number + 2000),
        2 | 3 => Some(number + 1900),
        _ => Some(number),
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since 1970, offset, defect.
    type Read = Option<(i64, Option<i32>, Option<&'static str>)>;

    #[test]
    fn dates() {
        let cases: &[(&str, Read)] = &[
            ("Thu, 13 Feb 2003 12:00:01 +0100", Some((1045134001, Some(60), None))),
            ("13 Feb 2003 12:00 +0000", Some((1045137600, Some(0), None))),
            ("Thu, 13 Feb 2003 12:00:00 -0000", Some((1045137600, None, None))),
            ("Thu, 13 Feb 2003 12:00:00 GMT", Some((1045137600, Some(0), None))),
            ("Thu, 13 Feb 2003 12:00:00 Z", Some((1045137600, Some(0), None))),
            ("Thu, 13 Feb 2003 12:00:00 EST", Some((1045155600, Some(-300), None))),
            ("Thu, 13 Feb 2003 12:00:00 +0000 (GMT)", Some((1045137600, Some(0), None))),
            ("Thu, 13 Feb 2003 12:00:00 -0800 (PST (really))", Some((1045166400, Some(-480), None))),
            ("(x) Thu (y), 13 (z) Feb 2003 12 (no):00", None),
            ("Thu, 13 Feb 03 12:00:00 +0000", Some((1045137600, Some(0), None))),
            ("Sat, 13 Feb 99 12:00:00 +0000", Some((918907200, Some(0), None))),
            ("Sun, 13 Feb 100 12:00:00 +0000", Some((950443200, Some(0), None))),
            ("Fri, 13 Feb 2003 12:00:00 +0000", Some((1045137600, Some(0), Some("date-day-name")))),
            ("Thu, 13 Feb 2003 12:00:00", Some((1045137600, None, Some("date-no-zone")))),
            ("Thu, 13 Feb 2003 12:00:00 CET", Some((1045137600, None, Some("date-zone")))),
            ("Thu, 13 Feb 2003 12:00:00 A", Some((1045137600, None, Some("date-zone")))),
            ("Thu, 13 Feb 2003 12:00:00 +0160", Some((1045137600, None, Some("date-zone")))),
            ("Thu, 13 Feb 2003 12:00:00 GMT+0200", Some((1045130400, Some(120), None))),
            ("Thu Feb 13 12:00:00 2003", Some((1045137600, None, Some("date-no-zone")))),
            ("Thu Feb 13 12:00:00 PST 2003", Some((1045166400, Some(-480), None))),
            ("2003-02-13T12:00:00Z", Some((1045137600, Some(0), Some("date-form")))),
            ("2003-02-13 12:00:00 +0200", Some((1045130400, Some(120), Some("date-form")))),
            ("13-Feb-2003 12:00:00 +0200", Some((1045130400, Some(120), Some("date-form")))),
            ("Thu, 13 February 2003 12:00:00 +0000", Some((1045137600, Some(0), None))),
            ("Thu, 13 Feb 2003 1:00:00 PM +0000", Some((1045141200, Some(0), None))),
            ("Thu,13 Feb 2003 12:00:00+0000", Some((1045137600, Some(0), None))),
            ("Sat, 31 Dec 2016 23:59:60 +0000", Some((1483228800, Some(0), None))),
            ("Thu, 1 Jan 1970 00:00:00 +0000", Some((0, Some(0), None))),
            ("Mon, 1 Jan 0001 00:00:00 +0000", Some((-62135596800, Some(0), None))),
            ("Mon, 1 Jan 0001 00:00:00 +0100", None),
            ("Fri, 31 Dec 9999 23:59:59 +0000", Some((253402300799, Some(0), None))),
            ("Fri, 31 Dec 9999 23:59:59 -0001", None),
            ("Sat, 1 Jan 0000 00:00:00 +0000", None),
            ("Sat, 1 Jan 99999 00:00:00 +0000", None),
            ("Tue, 29 Feb 2000 00:00:00 +0000", Some((951782400, Some(0), None))),
            ("29 Feb 1900 00:00:00 +0000", None),
            ("32 Jan 2000 00:00:00 +0000", None),
            ("1 Jan 2000 24:00:00 +0000", None),
            ("1 Jan 2000 12:60:00 +0000", None),
            ("1 Jan 2000", None),
            ("yesterday", None),
            ("", None),
        ];
        for (value, expect) in cases {
            let got = parse(value.as_bytes()).map(|d| (d.time.0 / 1_000_000, d.offset_min, d.defect));
            assert_eq!(got, *expect, "{value}");
        }
    }

    #[test]
    fn the_calendar_is_the_one_of_jiff() {
        for days in (-719_162..2_932_896).step_by(97) {
            let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let got = days_from_civil(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(got, i64::from(days));
        }
    }
}
