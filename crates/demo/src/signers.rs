//! Who signs what in the invented world: hosts with keys of several sizes and ages, a provider that signs
//! for its customers, a newsletter service, a list, a forwarder that seals; and what an archive of DNS
//! records has seen of their keys.

use std::collections::BTreeMap;

use crate::{
    clock,
    keys::{self, KeyId},
    people::{DOMAIN, Group, Human},
    signed::{KeyLine, SignedKind},
    signing::{self, Algorithm, Canon, Key, Spec},
};

/// Fields that most hosts sign.
pub(crate) const USUAL: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];
/// The same without those that say how the body is to be read.
pub(crate) const WITHOUT_TYPE: &[&str] =
    &["from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"];

/// The mailing lists' domain.
pub(crate) const LISTS: &str = "listes.demain.example";
/// Signs for its customers, under names made of theirs.
const PROVIDER: &str = "fournisseur.example";
/// Sends newsletters for others.
const SERVICE: &str = "lettre.example";
/// Passes mail on and seals it.
pub(crate) const SEALER: &str = "relais.example";

/// 2024-03-01: the campaign signs itself; before, its provider does.
const OWN_KEY: i64 = 1_709_251_200;
/// 2024-02-01: the lists sign.
pub(crate) const LISTS_SIGN: i64 = 1_706_745_600;
/// 2024-06-01: the webmail service signs with its new key.
const NEW_KEY: i64 = 1_717_200_000;

/// One signature to be made.
#[derive(Debug, Clone)]
pub(crate) struct Hand {
    /// `d=`.
    pub(crate) domain: String,
    /// `s=`.
    pub(crate) selector: &'static str,
    /// With which key.
    pub(crate) key: KeyId,
    /// `a=`.
    pub(crate) algorithm: Algorithm,
    /// `c=`.
    pub(crate) canon: (Canon, Canon),
    /// Which fields.
    pub(crate) headers: &'static [&'static str],
    /// Which of them once more.
    pub(crate) oversigned: &'static [&'static str],
    /// Whether `l=` is written.
    pub(crate) length: bool,
}

impl Hand {
    /// `rsa-sha256`, relaxed, the usual fields.
    pub(crate) fn new(domain: &str, selector: &'static str, key: KeyId) -> Hand {
        Hand {
            domain: domain.to_owned(),
            selector,
            key,
            algorithm: Algorithm::RsaSha256,
            canon: (Canon::Relaxed, Canon::Relaxed),
            headers: USUAL,
            oversigned: &[],
            length: false,
        }
    }

    fn spec(&self, at: i64) -> Spec<'_> {
        Spec {
            domain: &self.domain,
            selector: self.selector,
            algorithm: self.algorithm,
            canon: self.canon,
            headers: self.headers,
            oversigned: self.oversigned,
            length: self.length,
            at,
        }
    }
}

/// How the mail of somebody is signed.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// The signatures, the first one made first.
    pub(crate) hands: Vec<Hand>,
    /// What a reader should find.
    pub(crate) kind: SignedKind,
}

/// Since when hosts sign at all. Big receivers began to ask for it in February 2024.
const SINCE: &[(&str, i64)] = &[
    ("courriel.example", 0),
    (DOMAIN, day(90)),
    ("example.com", 0),
    ("example.org", day(235)),
    ("poste.example", day(165)),
    ("boite.test", day(290)),
    ("example.net", day(295)),
    ("le-matin.example", day(225)),
    ("l-echo.example", day(300)),
    ("the-observer-post.example", day(240)),
];

/// The instant at which a day of the campaign begins.
const fn day(n: i64) -> i64 {
    1_693_785_600 + n * 86_400
}

fn since(domain: &str) -> i64 {
    let known = SINCE.iter().find(|(known, _)| *known == domain).map(|(_, since)| *since);
    known.unwrap_or_else(|| day(110 + chance(domain, 390) as i64))
}

/// How mail of this sender is signed when it goes out at an instant; `None`: not at all.
pub(crate) fn manner(from: &Human, at: i64) -> Option<Manner> {
    let domain = from.domain();
    if at < since(domain) {
        return None;
    }
    let one = |hand, kind| Some(Manner { hands: vec![hand], kind });
    match from.group {
        Group::Daemon => None,
        Group::Staff if at < OWN_KEY => one(delegate(domain), SignedKind::ProviderDelegate),
        Group::Staff => one(Hand::new(DOMAIN, "ead2024", KeyId::Campaign), SignedKind::OwnDomain),
        Group::Newsletter => match chance(domain, 4) {
            0 => None,
            1 => one(Hand::new(SERVICE, "envoi", KeyId::Service), SignedKind::ThirdParty),
            _ => Some(Manner {
                hands: vec![
                    Hand::new(domain, "lettre1", KeyId::Customer),
                    Hand::new(SERVICE, "envoi", KeyId::Service),
                ],
                kind: SignedKind::OwnDomain,
            }),
        },
        Group::Supplier => match chance(domain, 8) {
            0..3 => None,
            3..6 => one(delegate(domain), SignedKind::ProviderDelegate),
            6 => one(Hand::new(PROVIDER, "20230601", KeyId::Provider), SignedKind::ThirdParty),
            _ => one(Hand::new(domain, "fournisseur1", KeyId::Provider), SignedKind::OwnDomain),
        },
        Group::Press | Group::Volunteer => host(domain, at),
    }
}

/// How hosts and papers sign.
fn host(domain: &str, at: i64) -> Option<Manner> {
    let kind = match domain {
        "courriel.example" if at < NEW_KEY => {
            let hands = vec![Hand::new(domain, "20221208", KeyId::CourrielOld)];
            return Some(Manner { hands, kind: SignedKind::OwnDomain });
        }
        "poste.example" => SignedKind::KeyWithdrawn,
        "example.org" => SignedKind::Sha1,
        "example.com" => SignedKind::KeyRecoverable,
        "example.net" => SignedKind::KeyPublished,
        "boite.test" => SignedKind::WeakKey,
        "l-echo.example" => SignedKind::KeyUnstated,
        "le-phare.example" => SignedKind::Ed25519,
        "agence-presse.example" => SignedKind::ThirdParty,
        "tele-plaine.example" | "info-direct.example" => SignedKind::ProviderDelegate,
        "courriel.example"
        | "le-matin.example"
        | "la-gazette.example"
        | "the-herald.example"
        | "daily-post.example"
        | "the-observer-post.example"
        | "depeche-nord.example" => SignedKind::OwnDomain,
        _ => return None,
    };
    Some(manner_of(kind, domain))
}

/// How a mail of a kind is signed whose author is at `domain`.
pub(crate) fn manner_of(kind: SignedKind, domain: &str) -> Manner {
    let new = |selector, key| Hand::new(domain, selector, key);
    let old =
        |hand: Hand, header, body| Hand { algorithm: Algorithm::RsaSha1, canon: (header, body), ..hand };
    let ed25519 = |selector, key| Hand { algorithm: Algorithm::Ed25519, ..new(selector, key) };
    let relaxed_simple = |hand| Hand { canon: (Canon::Relaxed, Canon::Simple), ..hand };
    let hands = match kind {
        SignedKind::KeyWithdrawn => vec![relaxed_simple(new("p2019", KeyId::Poste))],
        SignedKind::Sha1 => vec![old(new("mail", KeyId::Org), Canon::Simple, Canon::Simple)],
        SignedKind::KeyRecoverable => vec![new("s1024", KeyId::Unseen)],
        SignedKind::KeyPublished => vec![relaxed_simple(new("dkim", KeyId::Published))],
        SignedKind::WeakKey => vec![old(new("vieux", KeyId::Boite), Canon::Relaxed, Canon::Relaxed)],
        SignedKind::KeyUnstated => vec![new("echo", KeyId::Echo)],
        SignedKind::Ed25519 => vec![ed25519("ed2023", KeyId::Phare)],
        SignedKind::ThirdParty => vec![Hand::new(SERVICE, "envoi", KeyId::Service)],
        SignedKind::ProviderDelegate => vec![delegate(domain)],
        _ => match domain {
            "le-matin.example" => vec![new("matin1", KeyId::Matin)],
            "la-gazette.example" => vec![new("gazette", KeyId::Gazette)],
            "the-herald.example" => {
                vec![ed25519("herald-ed", KeyId::Herald), new("herald", KeyId::Daily)]
            }
            "daily-post.example" => {
                vec![Hand { oversigned: &["from", "to", "subject", "date"], ..new("dp1", KeyId::Daily) }]
            }
            "the-observer-post.example" => {
                vec![Hand { canon: (Canon::Simple, Canon::Relaxed), ..new("obs", KeyId::Observer) }]
            }
            "depeche-nord.example" => vec![Hand { length: true, ..new("nord", KeyId::Depeche) }],
            _ => vec![new("20230601", KeyId::Courriel)],
        },
    };
    Manner { hands, kind }
}

/// The list's own signature, over what it adds as well.
pub(crate) fn list() -> Hand {
    Hand { headers: LIST_FIELDS, ..Hand::new(LISTS, "listes", KeyId::List) }
}

const LIST_FIELDS: &[&str] = &[
    "from",
    "sender",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "list-id",
    "list-post",
    "list-unsubscribe",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// The provider's name for a customer: its domain with `-` for dots, and the date of the key.
fn delegate(domain: &str) -> Hand {
    let name = format!("{}.20230601.{PROVIDER}", domain.replace('.', "-"));
    Hand::new(&name, "20230601", KeyId::Provider)
}

/// A number below `n` that a domain always has.
fn chance(domain: &str, n: u64) -> u64 {
    // FNV-1a, of which the higher bits are the better ones.
    let hash = domain.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) % n
}

/// Whether blanks at the ends of lines are part of what a mail shows (RFC 3676; uuencode has them as data): a
/// relaxed signature would leave them open, so the hosts here sign such text as it stands.
fn counts_blanks(mail: &[u8]) -> bool {
    let has = |what: &&str| mail.windows(what.len()).any(|bytes| bytes == what.as_bytes());
    ["format=flowed", "\nbegin 644 "].iter().any(has)
}

/// Everybody's keys, and which of them were used.
pub(crate) struct Hands {
    keys: BTreeMap<KeyId, Key>,
    used: BTreeMap<(String, &'static str), (KeyId, u64)>,
    customers: BTreeMap<String, String>,
}

impl Hands {
    /// With all keys read.
    pub(crate) fn new() -> Hands {
        let keys = KeyId::ALL.into_iter().filter_map(|id| Some((id, keys::key(id)?))).collect();
        Hands { keys, used: BTreeMap::new(), customers: BTreeMap::new() }
    }

    /// A DKIM-Signature for `mail`, to stand above it.
    pub(crate) fn dkim(&mut self, mail: &[u8], hand: &Hand, at: i64) -> Vec<u8> {
        let mut spec = hand.spec(at);
        if counts_blanks(mail) {
            spec.canon.1 = Canon::Simple;
        }
        self.with(hand, |key| signing::dkim(mail, &spec, key))
    }

    /// A DomainKey-Signature.
    pub(crate) fn domainkeys(&mut self, mail: &[u8], hand: &Hand, at: i64) -> Vec<u8> {
        self.with(hand, |key| signing::domainkeys(mail, &hand.spec(at), key))
    }

    /// An ARC set, over the sets that `mail` holds already.
    pub(crate) fn arc(
        &mut self,
        mail: &[u8],
        set: (u32, &str),
        results: &str,
        hand: &Hand,
        at: i64,
    ) -> Vec<u8> {
        self.with(hand, |key| signing::arc(mail, set.0, set.1, results, &hand.spec(at), key))
    }

    /// All signatures of a manner, to stand above the mail. Each signs the mail as the author's host
    /// had it.
    pub(crate) fn sign(&mut self, mail: &[u8], from: &Human, manner: &Manner, at: i64) -> Vec<u8> {
        if manner.kind == SignedKind::ProviderDelegate {
            for hand in &manner.hands {
                self.customers.insert(hand.domain.clone(), from.domain().to_owned());
            }
        }
        let fields = manner.hands.iter().rev().map(|hand| self.dkim(mail, hand, at + 2));
        fields.collect::<Vec<_>>().concat()
    }

    fn with(&mut self, hand: &Hand, make: impl FnOnce(&Key) -> Vec<u8>) -> Vec<u8> {
        let used = self.used.entry((hand.domain.clone(), hand.selector)).or_insert((hand.key, 0));
        used.1 += 1;
        self.keys.get(&hand.key).map(make).unwrap_or_default()
    }

    /// The provider's names for its customers, and whom each stands for.
    pub(crate) fn customers(&self) -> Vec<(String, String)> {
        self.customers.iter().map(|(signer, domain)| (signer.clone(), domain.clone())).collect()
    }

    /// Names of keys that were used and published afterwards by their owners.
    pub(crate) fn published(&self) -> Vec<(String, String)> {
        let keys = self.used.iter().filter(|(_, (key, _))| *key == KeyId::Published);
        keys.map(|((domain, selector), _)| (domain.clone(), (*selector).to_owned())).collect()
    }

    /// What was seen of the keys that were used.
    pub(crate) fn observations(&self) -> Vec<KeyLine> {
        let mut out = Vec::new();
        for ((domain, selector), (id, _)) in &self.used {
            let Some(key) = self.keys.get(id) else { continue };
            let line = |channel: &str, record: String, (first, last): (&str, &str)| KeyLine {
                domain: domain.clone(),
                selector: (*selector).to_owned(),
                record: Some(record),
                spki: None,
                channel: channel.to_owned(),
                first_seen: Some(format!("{first}T00:00:00Z")),
                last_seen: Some(format!("{last}T00:00:00Z")),
                witness: Some("invented archive of DNS records".to_owned()),
                note: None,
            };
            let record = keys::record(key);
            match (*selector, id) {
                // Nobody has looked in time.
                (NEVER_SEEN, _) | (_, KeyId::Unseen) => {}
                (_, KeyId::CourrielOld) => out.push(line("archive", record, ("2023-01-10", "2024-06-20"))),
                (_, KeyId::Poste) => {
                    out.push(line("archive", record, ("2022-03-01", "2024-11-30")));
                    out.push(KeyLine {
                        witness: Some("the desk itself".to_owned()),
                        note: Some("withdrawn".to_owned()),
                        ..line("dns", "v=DKIM1; p=".to_owned(), ("2025-05-12", "2025-05-12"))
                    });
                }
                (_, KeyId::Echo) => out.push(KeyLine {
                    witness: None,
                    first_seen: None,
                    last_seen: None,
                    ..line("archive-unstated", record, ("", ""))
                }),
                (_, KeyId::Matin) => {
                    let Key::Rsa(rsa) = key else { continue };
                    out.push(KeyLine {
                        record: None,
                        spki: Some(crate::mail::base64_line(&rsa.spki())),
                        ..line("archive", String::new(), ("2023-08-20", "2025-04-25"))
                    });
                }
                (_, KeyId::Gazette) => {
                    // The name had another key before.
                    if let Some(old) = self.keys.get(&KeyId::Old) {
                        let seen = ("2020-02-01", "2021-06-30");
                        out.push(line("archive", keys::record(old), seen));
                    }
                    out.push(line("archive", record, ("2023-08-20", "2025-04-25")));
                }
                (_, KeyId::Old | KeyId::Archive) => {
                    out.push(line("archive", record, ("2006-11-02", "2009-03-15")));
                }
                // Whether an Ed25519 key fits is told by its dates alone: it was looked at often.
                (_, KeyId::Phare | KeyId::Herald) => {
                    for week in 0..12 {
                        let day = clock::rfc3339(1_692_576_000 + week * 55 * 86_400);
                        let day = day.get(..10).unwrap_or_default();
                        out.push(line("archive", record.clone(), (day, day)));
                    }
                }
                _ => out.push(line("archive", record, ("2023-08-20", "2025-04-25"))),
            }
        }
        out
    }
}

/// A selector under which one mail is signed and no key was ever seen.
pub(crate) const NEVER_SEEN: &str = "perdu";
