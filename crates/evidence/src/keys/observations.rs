//! The observations of a case, by domain and selector: which keys are known of a pair, and who saw them.
//!
//! A selector can have had several keys, so all of them stand side by side; a key that several people saw is
//! one key with several observations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tamis_model::keys::{Channel, KeyEvent, KeyObservation, ObservedKey};

use super::{
    PublicKey,
    record::{KeyRecord, RecordProblem},
};
use crate::domains::normal_domain;

/// All that is known of signing keys. Domains and selectors compare without regard to case, a final dot, or
/// the spelling of an international name. Nothing depends on the order in which observations are given.
#[derive(Debug, Clone, Default)]
pub struct KeyBook {
    observations: Vec<KeyObservation>,
    events: Vec<KeyEvent>,
    pairs: BTreeMap<(String, String), Pair>,
}

/// A key of a pair that the verifier can use, with everyone who saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub key: PublicKey,
    /// The observations of this very key, the one that is worth most first (see [`worth`]), then the earliest;
    /// never empty.
    pub observations: Vec<KeyObservation>,
    /// What the strongest observation that is a record says of the key's use; of a bare key, a record
    /// without restrictions.
    pub record: KeyRecord,
    /// What is known to have happened to keys of the pair, by time. Events name no key, so all keys of the
    /// pair carry them.
    pub events: Arc<[KeyEvent]>,
    /// The first event of this very key, whatever the name under which it was told: one key may be published
    /// under several names, and who has its private half can sign for all of them.
    pub first_event: Option<Arc<KeyEvent>>,
}

impl KnownKey {
    /// The strongest observation.
    pub fn best(&self) -> Option<&KeyObservation> {
        self.observations.first()
    }

    /// What the strongest observation is worth.
    pub fn channel(&self) -> Option<Channel> {
        self.best().map(worth)
    }

    /// Whether somebody outside the case saw this key published.
    pub fn is_witnessed(&self) -> bool {
        self.channel().is_some_and(Channel::is_witnessed)
    }
}

/// What an observation counts as. Where a channel says that somebody outside the case looked and nobody is named
/// who did, there is nobody to ask: an archive counts as one that does not say where it has the key from, the
/// others as what a person entered.
pub fn worth(observation: &KeyObservation) -> Channel {
    let is_named = observation.witness.as_deref().is_some_and(|witness| !witness.trim().is_empty());
    match observation.channel {
        channel if is_named || !channel.is_witnessed() => channel,
        Channel::Archive => Channel::ArchiveUnstated,
        _ => Channel::User,
    }
}

/// What is known of one (domain, selector).
#[derive(Debug, Clone, Default)]
struct Pair {
    keys: Vec<KnownKey>,
    unusable: Vec<(KeyObservation, String)>,
    revoked: bool,
    unsupported: bool,
    digest: [u8; 32],
}

impl KeyBook {
    /// Sorts the observations and events by pair and reads every record once. The same observation given
    /// twice counts once.
    pub fn new(observations: Vec<KeyObservation>, events: Vec<KeyEvent>) -> KeyBook {
        let observations: BTreeSet<_> = observations.into_iter().map(normal_observation).collect();
        let events: BTreeSet<_> = events.into_iter().map(normal_event).collect();
        let mut known: BTreeMap<(String, String), (Vec<KeyObservation>, Vec<KeyEvent>)> = BTreeMap::new();
        for observation in &observations {
            let pair = (observation.domain.clone(), observation.selector.clone());
            known.entry(pair).or_default().0.push(observation.clone());
        }
        for event in &events {
            let pair = (event.domain.clone(), event.selector.clone());
            known.entry(pair).or_default().1.push(event.clone());
        }
        let mut pairs = known
            .into_iter()
            .map(|(name, (observations, events))| {
                let pair = Pair::new(&name, observations, events);
                (name, pair)
            })
            .collect();
        share_events(&mut pairs);
        KeyBook {
            observations: observations.into_iter().collect(),
            events: events.into_iter().collect(),
            pairs,
        }
    }

    /// The distinct usable keys of the pair: strongest channel first, then the earliest seen, then by the
    /// octets of the key. There can be as many as observations were given.
    pub fn keys(&self, domain: &str, selector: &str) -> &[KnownKey] {
        self.pair(domain, selector).map_or(&[], |pair| &pair.keys)
    }

    /// Whether there are observations of the pair and every one is a record with an empty `p=`.
    pub fn is_revoked(&self, domain: &str, selector: &str) -> bool {
        self.pair(domain, selector).is_some_and(|pair| pair.revoked)
    }

    /// Whether there is no usable key of the pair, but one of a kind or size that the verifier does not take.
    pub fn is_unsupported(&self, domain: &str, selector: &str) -> bool {
        self.pair(domain, selector).is_some_and(|pair| pair.keys.is_empty() && pair.unsupported)
    }

    /// The observations of the pair that give no usable key, and why.
    pub fn unusable(&self, domain: &str, selector: &str) -> &[(KeyObservation, String)] {
        self.pair(domain, selector).map_or(&[], |pair| &pair.unusable)
    }

    /// SHA-256 over everything known of the pair, and of its keys under other names: while it stays, no
    /// judgement that rests on the pair changes.
    pub fn digest(&self, domain: &str, selector: &str) -> [u8; 32] {
        let name = normal_pair(domain, selector);
        self.pairs.get(&name).map_or_else(|| digest_of(&name, &[], &[]), |pair| pair.digest)
    }

    /// The other pairs under which a usable key of this one was seen as well, sorted: what happened to a key
    /// there happened to it here (see [`KnownKey::first_event`]).
    pub fn same_keys(&self, domain: &str, selector: &str) -> Vec<(&str, &str)> {
        let own: BTreeSet<&PublicKey> = self.keys(domain, selector).iter().map(|known| &known.key).collect();
        let name = normal_pair(domain, selector);
        let others = self.pairs.iter().filter(|(other, _)| **other != name);
        others
            .filter(|(_, pair)| pair.keys.iter().any(|known| own.contains(&known.key)))
            .map(|((domain, selector), _)| (domain.as_str(), selector.as_str()))
            .collect()
    }

    /// Every (domain, selector) of which something is known, sorted.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.keys().map(|(domain, selector)| (domain.as_str(), selector.as_str()))
    }

    /// All observations, names normalised, sorted, each once.
    pub fn observations(&self) -> &[KeyObservation] {
        &self.observations
    }

    /// All events, names normalised, sorted, each once.
    pub fn events(&self) -> &[KeyEvent] {
        &self.events
    }

    fn pair(&self, domain: &str, selector: &str) -> Option<&Pair> {
        self.pairs.get(&normal_pair(domain, selector))
    }
}

impl Pair {
    /// The observations come sorted and distinct, and so do the events.
    fn new(name: &(String, String), observations: Vec<KeyObservation>, mut events: Vec<KeyEvent>) -> Pair {
        let digest = digest_of(name, &observations, &events);
        events.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.cmp(b)));
        let events: Arc<[KeyEvent]> = events.into();
        let mut pair = Pair { digest, revoked: !observations.is_empty(), ..Pair::default() };
        let mut keys: BTreeMap<PublicKey, Vec<(KeyObservation, KeyRecord)>> = BTreeMap::new();
        for observation in observations {
            let record = record_of(&observation);
            pair.revoked &= record.is_revoked();
            match &record.key {
                Ok(Some(key)) => keys.entry(key.clone()).or_default().push((observation, record)),
                Ok(None) => {
                    pair.unusable.push((observation, "p= is empty: the key was withdrawn".to_owned()));
                }
                Err(problem) => {
                    pair.unsupported |= problem.is_unsupported();
                    pair.unusable.push((observation, problem.to_string()));
                }
            }
        }
        pair.unusable.sort_by(|(a, _), (b, _)| strength(a).cmp(&strength(b)));
        pair.keys = keys.into_iter().filter_map(|(key, seen)| known_key(key, seen, &events)).collect();
        // By octets already; what is equal otherwise stays so.
        pair.keys.sort_by_key(|known| known.best().map(rank));
        pair
    }
}

/// Tells each key its first event, under whatever name it happened, and the digests of the pairs with it.
fn share_events(pairs: &mut BTreeMap<(String, String), Pair>) {
    let mut first: BTreeMap<PublicKey, Arc<KeyEvent>> = BTreeMap::new();
    for pair in pairs.values() {
        let Some(event) = pair.keys.first().and_then(|known| known.events.first()) else { continue };
        let event = Arc::new(event.clone());
        for known in &pair.keys {
            let earliest = first.entry(known.key.clone()).or_insert_with(|| Arc::clone(&event));
            if (event.at, &event) < (earliest.at, earliest) {
                *earliest = Arc::clone(&event);
            }
        }
    }
    for pair in pairs.values_mut() {
        let mut elsewhere = Vec::new();
        for known in &mut pair.keys {
            known.first_event = first.get(&known.key).cloned();
            if let Some(event) =
                known.first_event.as_deref().filter(|event| known.events.first() != Some(event))
            {
                elsewhere.push((known.key.spki(), event.clone()));
            }
        }
        if !elsewhere.is_empty() {
            pair.digest = digest_with(&pair.digest, &elsewhere);
        }
    }
}

fn known_key(
    key: PublicKey,
    mut seen: Vec<(KeyObservation, KeyRecord)>,
    events: &Arc<[KeyEvent]>,
) -> Option<KnownKey> {
    seen.sort_by(|(a, _), (b, _)| strength(a).cmp(&strength(b)));
    let is_record =
        |(observation, _): &&(KeyObservation, KeyRecord)| matches!(observation.key, ObservedKey::Record(_));
    let record = seen.iter().find(is_record).or(seen.first())?.1.clone();
    let observations = seen.into_iter().map(|(observation, _)| observation).collect();
    Some(KnownKey { key, observations, record, events: Arc::clone(events), first_event: None })
}

fn record_of(observation: &KeyObservation) -> KeyRecord {
    match &observation.key {
        ObservedKey::Record(text) => KeyRecord::parse(text),
        ObservedKey::Spki(spki) => KeyRecord::of_spki(spki),
    }
}

/// What is worth most first, then the earliest seen; without a time last.
fn rank(observation: &KeyObservation) -> impl Ord + use<> {
    let first = observation.first_seen;
    (worth(observation), first.is_none(), first)
}

fn strength(observation: &KeyObservation) -> impl Ord + use<'_> {
    (rank(observation), observation)
}

/// Why a record, if it gives no key, does not: for imports, which name the line.
pub(super) fn problem_of(observation: &KeyObservation) -> Option<RecordProblem> {
    record_of(observation).key.err()
}

/// Domain and selector as they are compared.
pub fn normal_pair(domain: &str, selector: &str) -> (String, String) {
    (normal_name(domain), normal_name(selector))
}

fn normal_name(name: &str) -> String {
    normal_domain(name).unwrap_or_else(|| name.trim().trim_end_matches('.').to_lowercase())
}

/// The observation under names as they are compared.
pub fn normal_observation(mut observation: KeyObservation) -> KeyObservation {
    (observation.domain, observation.selector) = normal_pair(&observation.domain, &observation.selector);
    observation
}

/// The event under names as they are compared.
pub fn normal_event(mut event: KeyEvent) -> KeyEvent {
    (event.domain, event.selector) = normal_pair(&event.domain, &event.selector);
    event
}

/// Fields are hashed with their lengths, so that none can pass for a part of another.
fn digest_of(name: &(String, String), observations: &[KeyObservation], events: &[KeyEvent]) -> [u8; 32] {
    let mut hash = Fields(Sha256::new());
    hash.text("tamis keys of a pair 1").text(&name.0).text(&name.1);
    hash.number(observations.len() as u64);
    for observation in observations {
        match &observation.key {
            ObservedKey::Record(text) => hash.text("record").text(text),
            ObservedKey::Spki(spki) => hash.text("spki").octets(spki),
        };
        hash.text(observation.channel.as_str());
        for time in [observation.first_seen, observation.last_seen] {
            hash.optional(time.map(|time| time.0.to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [&observation.witness, &observation.note] {
            hash.optional(text.as_ref().map(String::as_bytes));
        }
    }
    hash.number(events.len() as u64);
    for event in events {
        hash.text(event.event.as_str()).octets(&event.at.0.to_be_bytes()).text(&event.source);
    }
    hash.0.finalize().into()
}

/// The digest of a pair with what happened to its keys elsewhere.
fn digest_with(digest: &[u8; 32], elsewhere: &[(Vec<u8>, KeyEvent)]) -> [u8; 32] {
    let mut hash = Fields(Sha256::new());
    hash.text("tamis keys of a pair, and elsewhere 1").octets(digest).number(elsewhere.len() as u64);
    for (key, event) in elsewhere {
        hash.octets(key).text(&event.domain).text(&event.selector);
        hash.text(event.event.as_str()).octets(&event.at.0.to_be_bytes()).text(&event.source);
    }
    hash.0.finalize().into()
}

struct Fields(Sha256);

impl Fields {
    fn number(&mut self, number: u64) -> &mut Fields {
        self.0.update(number.to_be_bytes());
        self
    }

    fn octets(&mut self, octets: &[u8]) -> &mut Fields {
        self.number(octets.len() as u64);
        self.0.update(octets);
        self
    }

    fn text(&mut self, text: &str) -> &mut Fields {
        self.octets(text.as_bytes())
    }

    fn optional(&mut self, octets: Option<&[u8]>) -> &mut Fields {
        match octets {
            None => self.number(u64::MAX),
            Some(octets) => self.octets(octets),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use tamis_model::{
        keys::{Channel, KeyEventKind},
        tables::Time,
    };

    use super::*;

    fn key(seed: u8) -> PublicKey {
        PublicKey::Rsa { modulus: [vec![0x80 + seed; 127], vec![1]].concat(), exponent: vec![1, 0, 1] }
    }

    fn record(key: &PublicKey) -> ObservedKey {
        ObservedKey::Record(format!("v=DKIM1; t=y; p={}", BASE64_STANDARD.encode(key.spki())))
    }

    fn observation(key: ObservedKey, channel: Channel, first_seen: Option<i64>) -> KeyObservation {
        KeyObservation {
            domain: "example.org".to_owned(),
            selector: "s".to_owned(),
            key,
            channel,
            first_seen: first_seen.map(Time),
            last_seen: None,
            witness: Some("w".to_owned()),
            note: None,
        }
    }

    fn event(at: i64) -> KeyEvent {
        event_of("s", at)
    }

    fn event_of(selector: &str, at: i64) -> KeyEvent {
        KeyEvent {
            domain: "example.org".to_owned(),
            selector: selector.to_owned(),
            event: KeyEventKind::Stolen,
            at: Time(at),
            source: "press".to_owned(),
        }
    }

    fn withdrawn() -> ObservedKey {
        ObservedKey::Record("v=DKIM1; p=".to_owned())
    }

    #[test]
    fn a_recovered_key_and_a_witnessed_one_are_one() {
        let recovered = observation(ObservedKey::Spki(key(1).spki()), Channel::Recovered, None);
        let seen = observation(record(&key(1)), Channel::Dns, Some(5));
        let book = KeyBook::new(vec![recovered.clone(), seen.clone()], vec![]);
        let [known] = book.keys("example.org", "s") else { panic!() };
        assert_eq!(known.key, key(1));
        assert_eq!(known.observations, [seen, recovered]);
        assert!(known.is_witnessed() && known.record.flags.testing);
    }

    #[test]
    fn what_a_record_says_counts_though_a_stronger_witness_has_only_the_key() {
        let bare = observation(ObservedKey::Spki(key(1).spki()), Channel::Dns, None);
        let with_flags = observation(record(&key(1)), Channel::User, None);
        let book = KeyBook::new(vec![bare.clone(), with_flags], vec![]);
        let known = &book.keys("example.org", "s")[0];
        assert_eq!(known.best(), Some(&bare));
        assert!(known.record.flags.testing);
    }

    #[test]
    fn conflicting_keys_stand_side_by_side_strongest_first() {
        let observations = vec![
            observation(record(&key(4)), Channel::User, Some(1)),
            observation(record(&key(3)), Channel::Dns, None),
            observation(record(&key(2)), Channel::Dns, Some(9)),
            observation(record(&key(1)), Channel::Dns, Some(3)),
            observation(record(&key(6)), Channel::Archive, Some(3)),
            observation(record(&key(5)), Channel::Archive, Some(3)),
        ];
        let mut turned = observations.clone();
        turned.reverse();
        for observations in [observations, turned] {
            let book = KeyBook::new(observations, vec![]);
            let keys: Vec<_> = book.keys("example.org", "s").iter().map(|known| known.key.clone()).collect();
            assert_eq!(keys, [1, 2, 3, 5, 6, 4].map(key));
        }
    }

    #[test]
    fn names_compare_without_case_final_dot_and_spelling() {
        let mut odd = observation(record(&key(1)), Channel::User, None);
        odd.domain = "B\u{fc}cher.Example.".to_owned();
        odd.selector = "Sel.One".to_owned();
        let book = KeyBook::new(vec![odd], vec![]);
        for domain in ["xn--bcher-kva.example", "b\u{fc}cher.EXAMPLE", "BU\u{308}CHER.example."] {
            assert_eq!(book.keys(domain, "sel.ONE").len(), 1, "{domain}");
        }
        assert_eq!(book.pairs().collect::<Vec<_>>(), [("xn--bcher-kva.example", "sel.one")]);
        assert!(book.keys("example", "sel.one").is_empty());
    }

    #[test]
    fn revoked_is_a_pair_of_which_every_observation_is_empty() {
        let empty = observation(withdrawn(), Channel::Dns, Some(1));
        let full = observation(record(&key(1)), Channel::User, None);
        let broken = observation(ObservedKey::Record("v=DKIM1; p=AAAA".to_owned()), Channel::User, None);
        let cases = [
            (vec![], false),
            (vec![empty.clone()], true),
            (vec![empty.clone(), observation(withdrawn(), Channel::User, None)], true),
            (vec![empty.clone(), full], false),
            (vec![empty, broken], false),
        ];
        for (observations, expected) in cases {
            let book = KeyBook::new(observations, vec![event(1)]);
            assert_eq!(book.is_revoked("example.org", "s"), expected);
        }
    }

    #[test]
    fn what_gives_no_key_is_kept_with_its_reason() {
        let large = PublicKey::Rsa { modulus: vec![0xff; 2048], exponent: vec![3] };
        let observations = vec![
            observation(record(&large), Channel::User, None),
            observation(withdrawn(), Channel::Dns, None),
            observation(ObservedKey::Spki(vec![1]), Channel::User, None),
        ];
        let book = KeyBook::new(observations, vec![]);
        let reasons: Vec<_> = book.unusable("example.org", "s").iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons.len(), 3);
        assert!(reasons[0].contains("withdrawn"), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("16384 bits")), "{reasons:?}");
        assert!(book.is_unsupported("example.org", "s"));
        assert!(book.keys("example.org", "s").is_empty());
    }

    #[test]
    fn all_keys_of_a_pair_carry_its_events_by_time() {
        let observations = [1, 2].map(|seed| observation(record(&key(seed)), Channel::User, None));
        let book = KeyBook::new(observations.to_vec(), vec![event(9), event(2), event(9)]);
        for known in book.keys("example.org", "s") {
            assert_eq!(*known.events, [event(2), event(9)]);
        }
        assert_eq!(book.keys("example.org", "s").len(), 2);
    }

    #[test]
    fn what_happened_to_a_key_under_another_name_happened_to_it() {
        let under = |selector: &str, seed| KeyObservation {
            selector: selector.to_owned(),
            ..observation(record(&key(seed)), Channel::Dns, None)
        };
        let all = || vec![under("s", 1), under("s", 2), under("s2", 1), under("s3", 2), under("s4", 3)];
        let first = |book: &KeyBook, selector: &str| -> Vec<Option<i64>> {
            let keys = book.keys("example.org", selector).iter();
            keys.map(|known| known.first_event.as_deref().map(|event| event.at.0)).collect()
        };
        let digests =
            |book: &KeyBook| ["s", "s2", "s3", "s4"].map(|selector| book.digest("example.org", selector));
        let quiet = KeyBook::new(all(), vec![]);
        // Key 1 stands under `s` as well; key 2 beside it has nothing of it, nor has `s3`.
        let book = KeyBook::new(all(), vec![event_of("s2", 5)]);
        assert_eq!(first(&book, "s"), [Some(5), None]);
        assert_eq!(
            (first(&book, "s2"), first(&book, "s3"), first(&book, "s4")),
            (vec![Some(5)], vec![None], vec![None])
        );
        assert!(book.keys("example.org", "s").iter().all(|known| known.events.is_empty()));
        let changed: Vec<bool> = digests(&quiet).iter().zip(digests(&book)).map(|(a, b)| *a != b).collect();
        assert_eq!(changed, [true, true, false, false]);
        // The earliest counts, and an earlier one elsewhere changes the digest here.
        let book = KeyBook::new(all(), vec![event_of("s2", 5), event_of("s", 9), event_of("s3", 3)]);
        assert_eq!((first(&book, "s"), first(&book, "s3")), (vec![Some(5), Some(3)], vec![Some(3)]));
        let later = KeyBook::new(all(), vec![event_of("s2", 6), event_of("s", 9), event_of("s3", 3)]);
        assert_ne!(book.digest("example.org", "s"), later.digest("example.org", "s"));
        assert_eq!(book.same_keys("example.org", "S."), [("example.org", "s2"), ("example.org", "s3")]);
        assert_eq!(book.same_keys("example.org", "s4"), []);
    }

    #[test]
    fn a_channel_is_worth_its_name_only_with_a_witness() {
        for channel in Channel::ALL {
            let named = observation(record(&key(1)), channel, None);
            assert_eq!(worth(&named), channel);
            for witness in [None, Some(String::new()), Some(" \t".to_owned())] {
                let nobody = KeyObservation { witness, ..named.clone() };
                let expected = match channel {
                    Channel::Archive => Channel::ArchiveUnstated,
                    Channel::Dnssec | Channel::Dns | Channel::OutsideMail => Channel::User,
                    other => other,
                };
                assert_eq!(worth(&nobody), expected);
                // Neither does it hide somebody who is named.
                let archive = observation(record(&key(1)), Channel::Archive, Some(7));
                let book = KeyBook::new(vec![nobody, archive.clone()], vec![]);
                assert_eq!(book.keys("example.org", "s")[0].best(), Some(&archive));
            }
        }
    }

    #[test]
    fn the_digest_changes_with_everything_known_and_with_nothing_else() {
        let base = observation(record(&key(1)), Channel::User, Some(1));
        let digest = |observations: Vec<KeyObservation>, events| {
            KeyBook::new(observations, events).digest("example.org", "s")
        };
        let change = |change: fn(&mut KeyObservation)| {
            let mut changed = base.clone();
            change(&mut changed);
            digest(vec![changed], vec![])
        };
        let digests = BTreeSet::from([
            digest(vec![], vec![]),
            digest(vec![base.clone()], vec![]),
            digest(vec![base.clone()], vec![event(1)]),
            digest(vec![base.clone()], vec![event(2)]),
            digest(vec![base.clone(), observation(withdrawn(), Channel::User, None)], vec![]),
            change(|observation| observation.first_seen = None),
            change(|observation| (observation.first_seen, observation.last_seen) = (None, Some(Time(1)))),
            change(|observation| observation.channel = Channel::Dns),
            change(|observation| observation.witness = Some(String::new())),
            change(|observation| observation.note = Some(String::new())),
        ]);
        assert_eq!(digests.len(), 10);
        let mut elsewhere = base.clone();
        elsewhere.selector = "other".to_owned();
        assert_eq!(
            digest(vec![elsewhere, base.clone(), base.clone()], vec![]),
            digest(vec![base], vec![]),
            "another pair, or the same again, changes nothing"
        );
    }

    #[test]
    fn many_keys_and_many_events_of_one_pair_stay_cheap() {
        let many = |seed: u32| {
            let mut modulus = [vec![0xc1; 60], seed.to_be_bytes().to_vec()].concat();
            modulus.push(1);
            observation(record(&PublicKey::Rsa { modulus, exponent: vec![3] }), Channel::User, None)
        };
        let book = KeyBook::new((0..5000).map(many).collect(), (0..5000).map(event).collect());
        let keys = book.keys("example.org", "s");
        assert_eq!(keys.len(), 5000);
        assert!(keys.iter().all(|known| Arc::ptr_eq(&known.events, &keys[0].events)));
    }
}
