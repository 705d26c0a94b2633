//! Events of keys, and which sizes the public record calls factored.

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tamis_model::{
    keys::{KeyEvent, KeyEventKind},
    tables::Time,
};

use super::{
    imports::{MAX_FILE, Problems, decode, parse_time, print_time},
    observations::normal_event,
};
use crate::domains::normal_domain;

/// Keys of so many bits or fewer count as factored from the public record for their size.
pub const COUNTS_AS_FACTORED: u32 = 768;

/// A modulus that was factored in public: whoever has the means of its authors can do it again with any
/// modulus of that size or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactoringRecord {
    /// As the literature calls it.
    pub number: &'static str,
    /// The size of the factored modulus.
    pub bits: u32,
    /// The day of the announcement, 00:00 UTC.
    pub at: Time,
    /// Who did it.
    pub who: &'static str,
    /// Where it is told.
    pub source: &'static str,
}

/// The first public factoring of a modulus of at least so many bits, if it was before `at` or at it; `None`
/// above 829 bits. Whether the size *counts* as factored is [`counts_as_factored`].
pub fn factored_before(bits: u32, at: Time) -> Option<FactoringRecord> {
    let entry = FACTORED.iter().find(|entry| entry.bits >= bits)?;
    let (year, month, day) = entry.day;
    let date = civil::Date::new(year, month, day).ok()?;
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let record = FactoringRecord {
        number: entry.number,
        bits: entry.bits,
        at: Time(midnight.as_microsecond()),
        who: entry.who,
        source: entry.source,
    };
    (record.at <= at).then_some(record)
}

/// As [`factored_before`], for keys of at most [`COUNTS_AS_FACTORED`] bits: what took a laboratory then is
/// within reach of many by now. Larger ones took thousands of core-years and do not count.
pub fn counts_as_factored(bits: u32, at: Time) -> Option<FactoringRecord> {
    factored_before(bits, at).filter(|_| bits <= COUNTS_AS_FACTORED)
}

/// Reads events, one a line: `{"domain","selector","event","at","source"}`, all of them required; `event` is
/// published, stolen, factored, shared or revoked, `at` RFC 3339 or a date. Empty lines and lines that begin
/// with `#` are passed over. Returns the good ones, names normalised, and the bad ones by line number (from 1).
pub fn parse_events(octets: &[u8]) -> (Vec<KeyEvent>, Vec<(usize, String)>) {
    let mut events = Vec::new();
    let mut problems = Problems::default();
    if octets.len() > MAX_FILE {
        problems.add(1, "the file is too large to be read: split it");
        return (events, problems.list());
    }
    for (at, line) in decode(octets).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_event(line) {
            Ok(event) => events.push(event),
            Err(problem) => problems.add(at + 1, problem),
        }
    }
    (events, problems.list())
}

/// The lines that [`parse_events`] reads: sorted, each event once.
pub fn export_events(events: &[KeyEvent]) -> String {
    let mut events: Vec<KeyEvent> = events.iter().cloned().map(normal_event).collect();
    events.sort();
    events.dedup();
    let line = |event: KeyEvent| {
        let line = Line {
            domain: Some(event.domain),
            selector: Some(event.selector),
            event: Some(event.event.as_str().to_owned()),
            at: print_time(event.at),
            source: Some(event.source),
        };
        // A struct of texts always is JSON.
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    };
    events.into_iter().map(line).collect()
}

/// One line; what lacks is named, not guessed.
#[derive(Serialize, Deserialize)]
struct Line {
    domain: Option<String>,
    selector: Option<String>,
    event: Option<String>,
    at: Option<String>,
    source: Option<String>,
}

fn parse_event(line: &str) -> Result<KeyEvent, String> {
    let line: Line = serde_json::from_str(line).map_err(|_| "not a JSON object of texts")?;
    let filled = |value: Option<String>, name: &str| {
        value.filter(|text| !text.trim().is_empty()).ok_or(format!("{name} lacks"))
    };
    let domain = filled(line.domain, "domain")?;
    let selector = filled(line.selector, "selector")?;
    let kinds = KeyEventKind::ALL.map(KeyEventKind::as_str).join(", ");
    let event = filled(line.event, "event")?;
    Ok(KeyEvent {
        domain: normal_domain(&domain).ok_or("domain is no domain name")?,
        selector: normal_domain(&selector).ok_or("selector is none that DNS can hold")?,
        event: KeyEventKind::parse(event.trim()).ok_or(format!("event is none of {kinds}"))?,
        at: parse_time(&filled(line.at, "at")?).ok_or("at is neither RFC 3339 nor a date")?,
        source: filled(line.source, "source")?,
    })
}

struct Factored {
    bits: u32,
    number: &'static str,
    day: (i16, i8, i8),
    who: &'static str,
    source: &'static str,
}

const fn factored(
    bits: u32,
    number: &'static str,
    day: (i16, i8, i8),
    who: &'static str,
    source: &'static str,
) -> Factored {
    Factored { bits, number, day, who, source }
}

/// Sizes and days both rise: numbers that were factored after a larger one are left out.
const FACTORED: [Factored; 13] = [
    factored(330, "RSA-100", (1991, 4, 1), "Lenstra, Manasse", "RSA Factoring Challenge"),
    factored(364, "RSA-110", (1992, 4, 14), "Lenstra, Manasse", "RSA Factoring Challenge"),
    factored(397, "RSA-120", (1993, 7, 9), "Denny, Dodson, Lenstra, Manasse", "Crypto '93"),
    factored(426, "RSA-129", (1994, 4, 26), "Atkins, Graff, Lenstra, Leyland", "Asiacrypt '94"),
    factored(
        430,
        "RSA-130",
        (1996, 4, 10),
        "Cowie, Dodson, Elkenbracht-Huizing, Lenstra et al.",
        "Asiacrypt '96",
    ),
    factored(463, "RSA-140", (1999, 2, 2), "te Riele, Cavallar et al.", "Asiacrypt '99"),
    factored(512, "RSA-155", (1999, 8, 22), "te Riele, Cavallar et al.", "Eurocrypt 2000"),
    factored(530, "RSA-160", (2003, 4, 1), "Bahr, Franke, Kleinjung et al.", "announcement"),
    factored(576, "RSA-576", (2003, 12, 3), "Franke, Kleinjung et al.", "announcement"),
    factored(663, "RSA-200", (2005, 5, 9), "Bahr, Boehm, Franke, Kleinjung", "announcement"),
    factored(768, "RSA-768", (2009, 12, 12), "Kleinjung et al.", "Crypto 2010, ePrint 2010/006"),
    factored(
        795,
        "RSA-240",
        (2019, 12, 2),
        "Boudot, Gaudry, Guillevic et al.",
        "Crypto 2020, ePrint 2020/697",
    ),
    factored(
        829,
        "RSA-250",
        (2020, 2, 28),
        "Boudot, Gaudry, Guillevic et al.",
        "Crypto 2020, ePrint 2020/697",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        parse_time(text).unwrap()
    }

    #[test]
    fn sizes_count_as_factored_from_the_day_of_the_record() {
        let cases = [
            (384, "1993-07-08", None),
            (384, "1993-07-09", Some("RSA-120")),
            (512, "1999-08-21T23:59:59Z", None),
            (512, "1999-08-22", Some("RSA-155")),
            (512, "2026-01-01", Some("RSA-155")),
            (513, "2000-01-01", None),
            (513, "2003-04-01", Some("RSA-160")),
            (640, "2005-05-09", Some("RSA-200")),
            (768, "2009-12-11", None),
            (768, "2009-12-12", Some("RSA-768")),
            (1, "1991-04-01", Some("RSA-100")),
        ];
        for (bits, at, expected) in cases {
            assert_eq!(
                counts_as_factored(bits, time(at)).map(|record| record.number),
                expected,
                "{bits} {at}"
            );
            assert_eq!(factored_before(bits, time(at)).map(|record| record.number), expected, "{bits} {at}");
        }
    }

    #[test]
    fn above_768_bits_the_record_is_told_and_does_not_count() {
        for (bits, number) in
            [(769, Some("RSA-240")), (795, Some("RSA-240")), (829, Some("RSA-250")), (830, None)]
        {
            assert_eq!(factored_before(bits, time("2026-01-01")).map(|record| record.number), number);
            assert_eq!(counts_as_factored(bits, time("2026-01-01")), None);
        }
        assert_eq!(factored_before(800, time("2019-12-31")), None);
    }

    #[test]
    fn sizes_and_days_of_the_table_rise() {
        assert!(FACTORED.is_sorted_by(|a, b| a.bits < b.bits && a.day < b.day));
    }

    #[test]
    fn good_lines_are_used_and_bad_ones_named() {
        let good = r#"{"domain":"Example.ORG.","selector":"S1","event":"published","at":"2020-05-01","source":"blog"}"#;
        let text = [
            "# what we know",
            good,
            "",
            "not json",
            r#"["example.org"]"#,
            r#"{"domain":"example.org","selector":"s1","event":"lost","at":"2020-05-01","source":"x"}"#,
            r#"{"domain":"example.org","selector":"s1","event":"stolen","at":"May","source":"x"}"#,
            r#"{"domain":"example.org","selector":"s1","event":"stolen","at":"2020-05-01"}"#,
            r#"{"domain":"a b","selector":"s1","event":"stolen","at":"2020-05-01","source":"x"}"#,
        ];
        let (events, problems) = parse_events(text.join("\n").as_bytes());
        let event = KeyEvent {
            domain: "example.org".to_owned(),
            selector: "s1".to_owned(),
            event: KeyEventKind::Published,
            at: time("2020-05-01T00:00:00Z"),
            source: "blog".to_owned(),
        };
        assert_eq!(events, [event]);
        assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
        assert_eq!(parse_events(export_events(&events).as_bytes()), (events, vec![]));
    }
}
