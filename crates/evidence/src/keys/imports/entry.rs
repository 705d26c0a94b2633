//! One observation in the making: named fields, whatever the file calls them, checked and put together.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tamis_model::keys::{Channel, KeyObservation, ObservedKey};

use super::text::{Problems, parse_time, split_name};
use crate::domains::normal_domain;
use crate::keys::observations::problem_of;
use crate::keys::record::MAX_RECORD;

/// More observations than this are not taken from one file.
const MAX_OBSERVATIONS: usize = 1_000_000;

/// What a column or key of a file can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `d=`.
    Domain,
    /// `s=`.
    Selector,
    /// `selector._domainkey.domain` in one.
    Name,
    /// The text of the TXT record.
    Record,
    /// SubjectPublicKeyInfo, base64.
    Spki,
    /// How it was seen, as in [`Channel::as_str`].
    Channel,
    /// When it was first seen.
    FirstSeen,
    /// When it was last seen.
    LastSeen,
    /// When it was seen, once.
    Seen,
    /// Who saw it.
    Witness,
    /// Where an archive has it from.
    Source,
    /// For people.
    Note,
}

/// Names of fields, without regard to case, `_`, `-` and spaces.
const NAMES: &[(Field, &[&str])] = &[
    (Field::Domain, &["domain", "d", "domainname", "signingdomain", "sdid"]),
    (Field::Selector, &["selector", "s", "dkimselector"]),
    (Field::Name, &["name", "fqdn", "host", "hostname", "owner"]),
    (Field::Record, &["record", "value", "txt", "txtrecord", "dkimrecord", "rdata", "p", "publickey"]),
    (Field::Spki, &["spki"]),
    (Field::Channel, &["channel"]),
    (Field::FirstSeen, &["firstseen", "firstseenat"]),
    (Field::LastSeen, &["lastseen", "lastseenat"]),
    (Field::Seen, &["seen", "seenat", "date", "time", "timestamp", "observedat"]),
    (Field::Witness, &["witness"]),
    (Field::Source, &["source", "provenance"]),
    (Field::Note, &["note", "notes", "comment"]),
];

impl Field {
    /// What a file calls so.
    pub fn parse(name: &str) -> Option<Field> {
        if name.len() > 64 {
            return None;
        }
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(field, _)| *field)
    }
}

/// The fields of one observation, as the file has them.
#[derive(Debug, Default)]
pub struct Entry {
    fields: Vec<(Field, String)>,
}

impl Entry {
    /// Sets a field, unless it is set: the first counts.
    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        if self.get(field).is_none() {
            self.fields.push((field, value.into()));
        }
    }

    /// A field.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.iter().find(|(found, _)| *found == field).map(|(_, value)| value.as_str())
    }

    /// The observation, its channel being `channel` if the file says none.
    pub fn observation(&self, channel: Channel) -> Result<KeyObservation, String> {
        let (domain, selector) = self.pair()?;
        let channel = match self.get(Field::Channel) {
            None => channel,
            Some(text) => Channel::parse(text.trim()).ok_or_else(|| {
                let known: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
                format!("channel is none of {}", known.join(", "))
            })?,
        };
        let time = |field| match self.get(field).or(self.get(Field::Seen)) {
            None => Ok(None),
            Some(text) => parse_time(text).map(Some).ok_or("a time is neither RFC 3339 nor a date"),
        };
        let (first_seen, last_seen) = (time(Field::FirstSeen)?, time(Field::LastSeen)?);
        if first_seen.zip(last_seen).is_some_and(|(first, last)| last < first) {
            return Err("last_seen lies before first_seen".to_owned());
        }
        let key = self.key()?;
        let owned = |field| self.get(field).map(str::to_owned);
        // That DNS was asked does not say by whom.
        let witness = owned(Field::Witness).or(owned(Field::Source).filter(|source| !says_dns(source)));
        let note = owned(Field::Note);
        Ok(KeyObservation { domain, selector, key, channel, first_seen, last_seen, witness, note })
    }

    fn pair(&self) -> Result<(String, String), String> {
        let split = self.get(Field::Name).and_then(split_name);
        let domain = self.get(Field::Domain).or(split.map(|(_, domain)| domain)).ok_or("domain lacks")?;
        let selector = self.get(Field::Selector).or(split.map(|(selector, _)| selector));
        let selector = selector.ok_or("selector lacks")?;
        let domain = normal_domain(domain).ok_or("domain is no domain name")?;
        let selector = normal_domain(selector).ok_or("selector is none that DNS can hold")?;
        Ok((domain, selector))
    }

    fn key(&self) -> Result<ObservedKey, String> {
        match (self.get(Field::Record), self.get(Field::Spki)) {
            (Some(record), _) if record.len() > MAX_RECORD => {
                Err("the record is longer than 1 MiB".to_owned())
            }
            (Some(record), None) => Ok(ObservedKey::Record(record.to_owned())),
            (None, Some(spki)) if spki.len() > MAX_RECORD => Err("spki is longer than 1 MiB".to_owned()),
            (None, Some(spki)) => {
                let base64: String = spki.split_whitespace().collect();
                let octets = BASE64_STANDARD.decode(base64).map_err(|_| "spki is not base64")?;
                Ok(ObservedKey::Spki(octets))
            }
            (Some(_), Some(_)) => Err("record and spki are both given; one must be".to_owned()),
            (None, None) => Err("record and spki lack; one must be given".to_owned()),
        }
    }
}

/// Whether an archive's word for where it has a key from is one of those that say that it asked DNS itself: such
/// a word and nothing else, for a sentence that mentions DNS may say the opposite.
pub fn says_dns(source: &str) -> bool {
    const WORDS: [&str; 9] = [
        "dns",
        "dnslookup",
        "dnsquery",
        "dnsresolver",
        "dnsscan",
        "dnstxt",
        "activedns",
        "passivedns",
        "dnsoverhttps",
    ];
    if source.len() > 32 {
        return false;
    }
    let plain: String = source.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '_')).collect();
    WORDS.iter().any(|word| plain.eq_ignore_ascii_case(word))
}

/// The observations of one file so far.
#[derive(Debug, Default)]
pub struct Collected {
    pub observations: Vec<KeyObservation>,
    pub problems: Problems,
}

impl Collected {
    /// Takes the observation of an entry at this line, or names what is wrong with it.
    pub fn take(&mut self, line: usize, entry: &Entry, channel: Channel) {
        match entry.observation(channel) {
            Ok(observation) => self.push(line, observation),
            Err(problem) => self.problems.add(line, problem),
        }
    }

    /// Takes an observation. A record that gives no key is kept, for somebody did publish it, and named.
    pub fn push(&mut self, line: usize, observation: KeyObservation) {
        if self.observations.len() >= MAX_OBSERVATIONS {
            self.problems
                .add(line, format!("not used: a file gives at most {MAX_OBSERVATIONS} observations"));
            return;
        }
        if let Some(problem) = problem_of(&observation) {
            self.problems.add(line, format!("kept, but it gives no key that can be used: {problem}"));
        }
        self.observations.push(observation);
    }
}
