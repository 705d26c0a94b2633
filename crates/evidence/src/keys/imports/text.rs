//! What all imports share: octets to text, times, names of files, and a bounded list of problems.

use std::str::FromStr;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use tamis_model::tables::Time;

use crate::domains::normal_domain;

/// More problems than this are counted, not listed.
const MAX_PROBLEMS: usize = 1000;

/// Lines that could not be used, or not fully.
#[derive(Debug, Default)]
pub struct Problems {
    listed: Vec<(usize, String)>,
    first_left_out: usize,
    left_out: usize,
}

impl Problems {
    /// Of the line with this number, from 1.
    pub fn add(&mut self, line: usize, problem: impl Into<String>) {
        if self.listed.len() < MAX_PROBLEMS {
            self.listed.push((line, problem.into()));
            return;
        }
        if self.left_out == 0 {
            self.first_left_out = line;
        }
        self.left_out += 1;
    }

    /// In the order of the lines, the last telling how many are not listed.
    pub fn list(mut self) -> Vec<(usize, String)> {
        self.listed.sort();
        if self.left_out > 0 {
            self.listed
                .push((self.first_left_out, format!("{} more problems are not listed", self.left_out)));
        }
        self.listed
    }
}

/// UTF-8, or UTF-16 with its mark, as Windows' shells write it; what is neither becomes U+FFFD.
pub fn decode(octets: &[u8]) -> String {
    let utf16 = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = octets.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match octets {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(octets).into_owned(),
    }
}

/// RFC 3339, with a space for the `T` and short offsets as databases write them; without an offset, UTC; a
/// plain date, its first moment in UTC.
pub fn parse_time(text: &str) -> Option<Time> {
    let text = text.trim();
    let text = text.strip_suffix("UTC").or(text.strip_suffix("GMT")).unwrap_or(text).trim_end();
    let plain = || DateTime::from_str(text).ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let timestamp = Timestamp::from_str(text).ok().or_else(plain)?;
    Some(Time(timestamp.as_microsecond()))
}

/// RFC 3339 in UTC; `None` for years that it cannot write.
pub fn print_time(time: Time) -> Option<String> {
    Timestamp::from_microsecond(time.0).ok().map(|timestamp| timestamp.to_string())
}

/// Selector and domain of `selector._domainkey.domain`.
pub fn split_name(name: &str) -> Option<(&str, &str)> {
    let at = name.to_ascii_lowercase().find("._domainkey.")?;
    let (selector, rest) = name.split_at_checked(at)?;
    let domain = rest.get("._domainkey.".len()..)?.trim_end_matches('.');
    (!selector.is_empty() && !domain.is_empty()).then_some((selector, domain))
}

/// Domain and selector that the name of a file tells: `selector._domainkey.domain.txt`, `domain/selector`.
pub fn pair_of_file(name: &str) -> Option<(String, String)> {
    let (folder, base) = folder_and_base(name);
    if let Some((selector, domain)) = split_name(base) {
        return Some((normal_domain(domain)?, normal_domain(selector)?));
    }
    Some((domain_of_folder(folder?)?, normal_domain(base)?))
}

/// The domain that the name of a file tells: `db.example.org`, `example.org.zone`, `example.org/mail.txt`.
pub fn domain_of_file(name: &str) -> Option<String> {
    let (folder, base) = folder_and_base(name);
    if let Some((_, domain)) = split_name(base) {
        return normal_domain(domain);
    }
    let base = base.strip_prefix("db.").unwrap_or(base);
    let is_domain = |domain: &String| domain.contains('.');
    normal_domain(base).filter(is_domain).or_else(|| domain_of_folder(folder?))
}

fn domain_of_folder(folder: &str) -> Option<String> {
    let domain = folder.strip_prefix("_domainkey.").unwrap_or(folder);
    normal_domain(domain).filter(|domain| domain.contains('.'))
}

/// The last folder, and the name without what only says that it is a text.
fn folder_and_base(name: &str) -> (Option<&str>, &str) {
    let mut parts = name.rsplit(['/', '\\']);
    let base = parts.next().unwrap_or_default();
    let folder = parts.find(|part| !part.eq_ignore_ascii_case("_domainkey"));
    let endings =
        [".txt", ".dns", ".zone", ".db", ".hosts", ".rec", ".key", ".pub", ".pem", ".json", ".jsonl"];
    let base = endings.iter().find_map(|ending| base.strip_suffix(ending)).unwrap_or(base);
    (folder, base)
}
