//! Words about signing keys: who saw which key where and when, and what happened to it.

use serde::{Deserialize, Serialize};

use crate::tables::Time;

/// How an observation of a key came to us, from the strongest witness to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// DNS with a valid DNSSEC chain.
    Dnssec,
    /// DNS, asked by this desk.
    Dns,
    /// An archive of DNS records that names where and when it looked.
    Archive,
    /// It verifies a mail that the desk itself holds from before the incident.
    OutsideMail,
    /// An archive that does not say where it has the key from.
    ArchiveUnstated,
    /// A person entered it.
    User,
    /// Computed from signatures of the case itself.
    Recovered,
}

impl Channel {
    /// All of them, strongest first.
    pub const ALL: [Channel; 7] = [
        Channel::Dnssec,
        Channel::Dns,
        Channel::Archive,
        Channel::OutsideMail,
        Channel::ArchiveUnstated,
        Channel::User,
        Channel::Recovered,
    ];

    /// Whether somebody outside the case saw the key published: only such a key proves.
    pub fn is_witnessed(self) -> bool {
        matches!(self, Channel::Dnssec | Channel::Dns | Channel::Archive | Channel::OutsideMail)
    }

    /// As it stands in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Dnssec => "dnssec",
            Channel::Dns => "dns",
            Channel::Archive => "archive",
            Channel::OutsideMail => "outside-mail",
            Channel::ArchiveUnstated => "archive-unstated",
            Channel::User => "user",
            Channel::Recovered => "recovered",
        }
    }

    /// Of [`Channel::as_str`].
    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// Somebody saw a key under a name: never "the key", for a selector can have had several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyObservation {
    /// `d=`: lower case, without a final dot.
    pub domain: String,
    /// `s=`: lower case.
    pub selector: String,
    /// What was seen.
    pub key: ObservedKey,
    /// How it came to us.
    pub channel: Channel,
    /// When somebody first looked and saw it; not when it was made.
    pub first_seen: Option<Time>,
    /// When somebody last looked and saw it.
    pub last_seen: Option<Time>,
    /// Who looked.
    pub witness: Option<String>,
    /// For people.
    pub note: Option<String>,
}

/// What was seen of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedKey {
    /// The text of a TXT record, its strings joined.
    Record(String),
    /// SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7).
    Spki(Vec<u8>),
}

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyEventKind {
    /// The owner published the private key, some do so on purpose.
    Published,
    /// The private key was taken.
    Stolen,
    /// The modulus was factored.
    Factored,
    /// Others had the private key as well.
    Shared,
    /// The owner withdrew it.
    Revoked,
}

impl KeyEventKind {
    /// All of them.
    pub const ALL: [KeyEventKind; 5] = [
        KeyEventKind::Published,
        KeyEventKind::Stolen,
        KeyEventKind::Factored,
        KeyEventKind::Shared,
        KeyEventKind::Revoked,
    ];

    /// As it stands in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyEventKind::Published => "published",
            KeyEventKind::Stolen => "stolen",
            KeyEventKind::Factored => "factored",
            KeyEventKind::Shared => "shared",
            KeyEventKind::Revoked => "revoked",
        }
    }

    /// Of [`KeyEventKind::as_str`].
    pub fn parse(text: &str) -> Option<KeyEventKind> {
        KeyEventKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A dated event of a key, with where it is known from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyEvent {
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// What happened.
    pub event: KeyEventKind,
    /// When.
    pub at: Time,
    /// Where this is known from.
    pub source: String,
}

/// What an intruder had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentWhat {
    /// A mailbox: somebody else may have sent from it.
    Mailbox,
    /// A mail server: somebody else may have had it sign.
    Server,
    /// A signing key.
    Key,
    /// A person's computer.
    Laptop,
    /// The dump was taken: nothing is known of what else the intruder did.
    Theft,
}

impl IncidentWhat {
    /// All of them.
    pub const ALL: [IncidentWhat; 5] = [
        IncidentWhat::Mailbox,
        IncidentWhat::Server,
        IncidentWhat::Key,
        IncidentWhat::Laptop,
        IncidentWhat::Theft,
    ];

    /// As it stands in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            IncidentWhat::Mailbox => "mailbox",
            IncidentWhat::Server => "server",
            IncidentWhat::Key => "key",
            IncidentWhat::Laptop => "laptop",
            IncidentWhat::Theft => "theft",
        }
    }

    /// Of [`IncidentWhat::as_str`].
    pub fn parse(text: &str) -> Option<IncidentWhat> {
        IncidentWhat::ALL.into_iter().find(|what| what.as_str() == text)
    }
}

/// A dated intrusion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incident {
    /// What the intruder had.
    pub what: IncidentWhat,
    /// Whose: an address, a domain, or a person's name; null for [`IncidentWhat::Theft`].
    pub whose: Option<String>,
    /// From when on.
    pub from: Time,
    /// Until when; `None`: not known to have ended.
    pub to: Option<Time>,
    /// Where this is known from.
    pub source: Option<String>,
}

/// A sealer of ARC chains whose word the desk takes (RFC 8617), and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrustedSealer {
    /// `d=` of its seals.
    pub domain: String,
    /// Why.
    pub reason: String,
}

/// A provider's name for a customer: mail that `signer` signs is that of `domain`, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delegate {
    /// E.g. `contoso.onmicrosoft.com`.
    pub signer: String,
    /// Whose mail it signs.
    pub domain: String,
    /// Why.
    pub reason: String,
}
