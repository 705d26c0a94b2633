//! Key observations from the files that people have, and back to the keys file (JSON Lines).
//!
//! A bad line never costs a good one: each is named with its number, and the rest is used.

mod csv;
mod entry;
mod json;
mod text;
mod zone;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use tamis_model::keys::{Channel, KeyObservation, ObservedKey};

use super::observations::normal_observation;
pub use csv::Mapping;
use entry::{Collected, Entry, Field};
pub use text::{Problems, decode, pair_of_file, parse_time, print_time};

/// The largest file that is read, in octets; larger ones must be split.
pub const MAX_FILE: usize = 64 << 20;

/// The forms that key observations come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The keys file: one observation a line.
    JsonLines,
    /// A BIND zone file (RFC 1035 section 5.1).
    Zone,
    /// The output of `dig`.
    Dig,
    /// The output of `host` or `nslookup`.
    Host,
    /// What opendkim-genkey writes.
    Opendkim,
    /// JSON of a key archive, as archive.prove.email gives it.
    Archive,
    /// A table with a header.
    Csv,
    /// The text of one record, or a PEM key; the name of the file says whose.
    Record,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 8] = [
        Format::JsonLines,
        Format::Zone,
        Format::Dig,
        Format::Host,
        Format::Opendkim,
        Format::Archive,
        Format::Csv,
        Format::Record,
    ];

    /// As it stands on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::JsonLines => "jsonl",
            Format::Zone => "zone",
            Format::Dig => "dig",
            Format::Host => "host",
            Format::Opendkim => "opendkim",
            Format::Archive => "archive",
            Format::Csv => "csv",
            Format::Record => "record",
        }
    }

    /// Of [`Format::as_str`].
    pub fn parse(text: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// What a file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// In the order of the file; names normalised. Twice the same is possible.
    pub observations: Vec<KeyObservation>,
    /// Line number (from 1) and what is wrong there: the line was not used, or, where it says "kept", it was
    /// used and gives no key. At most 1,000 and one that counts the rest.
    pub problems: Vec<(usize, String)>,
    /// What the file was read as; `None`: it could not be told.
    pub format: Option<Format>,
}

/// Reads a file of observations, at most [`MAX_FILE`] octets. Without a format, the content tells it. `name`
/// is the file's (with its folders, if known): some formats have the domain only there. Nothing is ever
/// believed of a channel but what the file states; without a word it is `user`, of archives
/// `archive-unstated`.
pub fn import(octets: &[u8], format: Option<Format>, name: &str) -> Imported {
    let mut found = Collected::default();
    if octets.len() > MAX_FILE {
        let problem = format!("the file has {} octets, at most {MAX_FILE} are read: split it", octets.len());
        found.problems.add(1, problem);
        return imported(found, format);
    }
    let text = decode(octets);
    let format = format.or_else(|| recognise(&text, name));
    match format {
        Some(Format::JsonLines) => json::read_lines(&text, &mut found),
        Some(Format::Archive) => json::read_archive(&text, &mut found),
        Some(Format::Zone | Format::Opendkim) => zone::read_zone(&text, name, &mut found),
        Some(Format::Dig) => zone::read_dig(&text, &mut found),
        Some(Format::Host) => zone::read_host(&text, &mut found),
        Some(Format::Csv) => csv::read(&text, None, &mut found),
        Some(Format::Record) => read_record(&text, name, &mut found),
        None if text.trim().is_empty() => {}
        None => found.problems.add(1, "the format is not one of those that are read"),
    }
    imported(found, format)
}

/// Reads a table whose columns are named by the mapping.
pub fn import_csv(octets: &[u8], mapping: &Mapping) -> Imported {
    let mut found = Collected::default();
    match octets.len() > MAX_FILE {
        true => found.problems.add(1, "the table is too large to be read: split it"),
        false => csv::read(&decode(octets), Some(mapping), &mut found),
    }
    imported(found, Some(Format::Csv))
}

/// Reads the files of a folder, each as [`import`] does; `name` is the path inside the folder:
/// `selector._domainkey.domain.txt`, `domain/selector`, or any file that itself says whose its keys are.
/// Problems carry the name of their file. The order of the files is the order of the observations.
pub fn import_folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Imported {
    let mut all = Imported { observations: Vec::new(), problems: Vec::new(), format: None };
    for (name, octets) in files {
        let one = import(octets, None, name);
        all.observations.extend(one.observations);
        let shown: String = name.chars().take(300).flat_map(char::escape_debug).collect();
        all.problems
            .extend(one.problems.into_iter().map(|(line, problem)| (line, format!("{shown}: {problem}"))));
    }
    all
}

/// The keys file of these observations: names normalised, sorted, each once. What [`import`] makes of it is
/// the same again (times in the years that RFC 3339 can write).
pub fn export(observations: &[KeyObservation]) -> String {
    let mut observations: Vec<_> = observations.iter().cloned().map(normal_observation).collect();
    observations.sort();
    observations.dedup();
    let mut out = String::new();
    for observation in &observations {
        // A struct of texts always is JSON.
        out.push_str(&serde_json::to_string(&Line::of(observation)).unwrap_or_default());
        out.push('\n');
    }
    out
}

fn imported(found: Collected, format: Option<Format>) -> Imported {
    Imported { observations: found.observations, problems: found.problems.list(), format }
}

/// One line of the keys file.
#[derive(Serialize)]
struct Line<'a> {
    domain: &'a str,
    selector: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spki: Option<String>,
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(observation: &'a KeyObservation) -> Line<'a> {
        let (record, spki) = match &observation.key {
            ObservedKey::Record(text) => (Some(text.as_str()), None),
            ObservedKey::Spki(octets) => (None, Some(BASE64_STANDARD.encode(octets))),
        };
        Line {
            domain: &observation.domain,
            selector: &observation.selector,
            record,
            spki,
            channel: observation.channel.as_str(),
            first_seen: observation.first_seen.and_then(print_time),
            last_seen: observation.last_seen.and_then(print_time),
            witness: observation.witness.as_deref(),
            note: observation.note.as_deref(),
        }
    }
}

/// What the content looks like; the first that fits.
fn recognise(text: &str, name: &str) -> Option<Format> {
    let filled = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A broken line at the start does not hide what the file is.
    let start = || filled().take(100);
    let first = filled().next()?;
    let any = |what: &[&str]| start().any(|line| what.iter().any(|what| line.contains(what)));
    if first.starts_with(['{', '[']) || start().any(json::is_keys_line) {
        return Some(if start().any(json::is_keys_line) { Format::JsonLines } else { Format::Archive });
    }
    if csv::is_header(first) {
        return Some(Format::Csv);
    }
    let lower = first.to_ascii_lowercase();
    let is_record = ["v=dkim1", "\"v=dkim1", "k=", "\"k=", "p=", "\"p=", "-----begin", "m"];
    let is_record = pair_of_file(name).is_some() && is_record.iter().any(|start| lower.starts_with(start));
    let table: [(bool, Format); 5] = [
        (any(&["<<>> DiG", ";; ANSWER SECTION", ";; ->>HEADER"]), Format::Dig),
        (any(&[" descriptive text ", " is an alias for ", "text ="]), Format::Host),
        (any(&["DKIM key "]) && !any(&["$ORIGIN"]), Format::Opendkim),
        (is_record, Format::Record),
        (any(&["$ORIGIN", "$TTL", "\tTXT", " TXT", "\tSOA", " SOA", "\tCNAME", " CNAME"]), Format::Zone),
    ];
    table.into_iter().find(|(fits, _)| *fits).map(|(_, format)| format)
}

/// A file that is one record; its name says whose.
fn read_record(text: &str, name: &str, found: &mut Collected) {
    let Some((domain, selector)) = pair_of_file(name) else {
        found.problems.add(1, "the name of the file does not say which domain and selector the key is of");
        return;
    };
    let mut entry = Entry::default();
    entry.set(Field::Domain, domain);
    entry.set(Field::Selector, selector);
    entry.set(Field::Record, text.trim());
    found.take(1, &entry, Channel::User);
}

#[cfg(test)]
mod tests;
