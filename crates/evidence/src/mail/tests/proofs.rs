//! "No false proof", tried at random: nothing that was done to a signed mail leaves it at A, and no facts make
//! the judge panic or answer twice differently.

use std::sync::LazyLock;

use proptest::prelude::*;
use tamis_model::keys::Channel;
use tamis_model::tables::{Digest, Signature};

use super::letter::{Claim, Letter, ONE, SEEN, TWO};
use super::{OTHER, OWN, known, signed};
use crate::mail::{Context, SignatureResult, judge};

static SIGNED: LazyLock<Claim> = LazyLock::new(signed);
static KNOWN: LazyLock<Context> = LazyLock::new(known);

/// One thing that somebody does to a mail.
#[derive(Debug, Clone)]
enum Deed {
    /// Another character somewhere in the body.
    Body(usize, char),
    Append(String),
    Cut(usize),
    /// Another value of one of the fields.
    Field(usize, String),
    Drop(usize),
    Add {
        name: String,
        value: String,
        top: bool,
    },
    /// Another tag of the signature field.
    Domain(String),
    Selector(String),
    Names(usize),
    Length(u64),
    Hash(usize),
    Signature(usize, u8),
    /// A signature of another domain, whose key is known, over what the mail has become.
    SignAgain,
}

fn deed() -> impl Strategy<Value = Deed> {
    let name = prop::sample::select(
        SEEN.iter().copied().chain(["content-type", "content-transfer-encoding"]).collect::<Vec<_>>(),
    );
    let case = |name: String| prop::sample::select(vec![name.clone(), name.to_uppercase()]);
    let value = prop::sample::select(vec![
        "eve@example.org",
        "eve@other.test",
        "a@example.org, b@other.test",
        "x",
        "",
        "text/html",
    ]);
    prop_oneof![
        (any::<usize>(), any::<char>()).prop_map(|(at, c)| Deed::Body(at, c)),
        "[a-z\r\n ]{1,20}".prop_map(Deed::Append),
        any::<usize>().prop_map(Deed::Cut),
        (any::<usize>(), "[a-zA-Z0-9@. ]{0,12}").prop_map(|(at, value)| Deed::Field(at, value)),
        any::<usize>().prop_map(Deed::Drop),
        (name.prop_map(str::to_owned).prop_flat_map(case), value, any::<bool>())
            .prop_map(|(name, value, top)| Deed::Add { name, value: value.to_owned(), top }),
        prop::sample::select(vec!["other.test", "EXAMPLE.org", "example.org.", "org", "mail.example.org"])
            .prop_map(|domain| Deed::Domain(domain.to_owned())),
        "[a-z0-9]{0,4}".prop_map(Deed::Selector),
        any::<usize>().prop_map(Deed::Names),
        (0u64..60).prop_map(Deed::Length),
        any::<usize>().prop_map(Deed::Hash),
        (any::<usize>(), 1u8..).prop_map(|(at, bits)| Deed::Signature(at, bits)),
        Just(Deed::SignAgain),
    ]
}

fn apply(deed: &Deed, letter: &mut Letter, claims: &mut Vec<Claim>) {
    let fields = letter.fields.len().max(1);
    let claim = &mut claims[0];
    match deed.clone() {
        Deed::Body(at, c) => {
            let mut body: Vec<char> = letter.body.chars().collect();
            let at = at % body.len().max(1);
            if let Some(place) = body.get_mut(at) {
                *place = c;
            }
            letter.body = body.into_iter().collect();
        }
        Deed::Append(text) => letter.body.push_str(&text),
        Deed::Cut(at) => letter.body = letter.body.chars().take(at % 30).collect(),
        Deed::Field(at, value) => {
            if let Some(field) = letter.fields.get_mut(at % fields) {
                field.1 = value;
            }
        }
        Deed::Drop(at) if !letter.fields.is_empty() => drop(letter.fields.remove(at % fields)),
        Deed::Drop(_) => {}
        Deed::Add { name, value, top: true } => letter.fields.insert(0, (name, value)),
        Deed::Add { name, value, top: false } => letter.fields.push((name, value)),
        Deed::Domain(domain) => claim.domain = domain,
        Deed::Selector(selector) => claim.selector = selector,
        Deed::Names(at) if !claim.names.is_empty() => drop(claim.names.remove(at % claim.names.len())),
        Deed::Names(_) => {}
        Deed::Length(length) => claim.length = Some(length),
        Deed::Hash(at) if !claim.body_hash.is_empty() => {
            let at = at % claim.body_hash.len();
            claim.body_hash[at] ^= 1;
        }
        Deed::Hash(_) => {}
        Deed::Signature(at, bits) => {
            let at = at % claim.b.len();
            claim.b[at] ^= bits;
        }
        Deed::SignAgain => {
            let again = Claim::of(OTHER).by(TWO, letter);
            claims.push(again);
        }
    }
}

/// What a reader sees: the body, and the last value of each field he is shown, with all others of the name.
fn shown(letter: &Letter) -> (String, Vec<Vec<String>>) {
    let names = SEEN.iter().chain(&["content-type", "content-transfer-encoding"]);
    let values = |name: &&str| letter.named(name).into_iter().map(str::to_owned).collect();
    (letter.body.clone(), names.map(values).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_deed_leaves_a_changed_mail_at_a(deeds in prop::collection::vec(deed(), 1..4)) {
        let original = Letter::new();
        let (mut letter, mut claims) = (original.clone(), vec![SIGNED.clone()]);
        deeds.iter().for_each(|deed| apply(deed, &mut letter, &mut claims));
        let judgement = judge(&letter.facts(&claims.iter().collect::<Vec<_>>()), &KNOWN);
        // A means: some domain of all authors signed exactly what is shown. The first claim is the author's
        // and covers the original; any other is of `other.test`, and covers the letter at that time.
        if judgement.state.state == "A" {
            match judgement.state.domain.as_deref() {
                Some(OWN) => prop_assert_eq!(shown(&letter), shown(&original)),
                Some(OTHER) => {
                    let froms = letter.named("from");
                    prop_assert!(froms.len() == 1 && !froms[0].contains(OWN), "{:?}", froms);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        // No signature "verifies" over covered bytes that differ from those it was made over.
        for (claim, verdict) in claims.iter().zip(&judgement.verdicts) {
            if verdict.result == SignatureResult::Verified && verdict.domain == OWN {
                prop_assert_eq!(claim.data(&letter), SIGNED.data(&original));
                prop_assert_eq!(&letter.body, &original.body);
            }
        }
    }

    /// A if and only if each of the conditions holds, told by an oracle of its own.
    #[test]
    fn a_needs_every_condition(
        channel in prop::sample::select(Channel::ALL.to_vec()),
        conditions in prop::array::uniform8(prop::bool::weighted(0.85)),
    ) {
        let [aligned, signed, once, covered, one_reading, header_as_is, body_as_is, before_event] = conditions;
        let mut facts = Letter::new().facts(&[&SIGNED]);
        let row = &mut facts.signatures[0];
        if !aligned { row.author_domains = vec!["example.net".into()]; }
        if !signed { row.unsigned_visible = vec!["cc".into()]; }
        if !once { row.doubled_visible = vec!["subject".into()]; }
        if !one_reading { row.one_reading = false; }
        if !covered { facts.digests[1].uncovered = 7; }
        for (as_is, row) in [(header_as_is, 0), (body_as_is, 1)] {
            if !as_is {
                let repaired = Digest { repair: Some("fold".into()), ..facts.digests[row].clone() };
                facts.digests[row].digest[3] ^= 1;
                facts.digests.push(repaired);
            }
        }
        let event = tamis_model::keys::KeyEvent {
            domain: OWN.into(), selector: "s1".into(), event: tamis_model::keys::KeyEventKind::Published,
            at: super::day(if before_event { 2001 } else { 1999 }), source: "owner".into(),
        };
        let keys = crate::keys::observations::KeyBook::new(vec![ONE.seen(OWN, "s1", channel)], vec![event]);
        let context = Context { first_capture: Some(super::day(2000)), ..Context::new(keys, super::day(3000)) };
        let judgement = judge(&facts, &context);
        let expected = match (channel.is_witnessed() && conditions.iter().all(|holds| *holds), channel) {
            (true, _) => "A",
            (false, Channel::Recovered) => "C",
            (false, _) => "B",
        };
        prop_assert_eq!(&judgement.state.state, expected);
        prop_assert_eq!(judgement.verdicts[0].result, SignatureResult::Verified);
    }

    /// Rows that no reader would write: nothing is proven, nothing panics, the answer is the same again.
    #[test]
    fn nonsense_proves_nothing(signatures in prop::collection::vec(nonsense(), 0..6), rebuilt in any::<bool>()) {
        let mut facts = Letter::new().facts(&[]);
        if rebuilt { facts.message.form = "rebuilt".into(); }
        for (ordinal, (signature, digests)) in signatures.into_iter().enumerate() {
            facts.signatures.push(Signature { ordinal: ordinal as u32, ..signature });
            facts.digests.extend(digests.into_iter().map(|digest| Digest { ordinal: ordinal as u32, ..digest }));
        }
        let judgement = judge(&facts, &KNOWN);
        prop_assert!(judgement.state.state == "D", "{:?}", judgement.state);
        prop_assert!(judgement.verdicts.iter().all(|verdict| verdict.result != SignatureResult::Verified));
        prop_assert!(judgement.findings.iter().all(|finding| finding.strength.level() <= 1));
        let mut turned = facts.clone();
        turned.signatures.reverse();
        prop_assert_eq!(judgement, judge(&turned, &KNOWN));
    }
}

fn nonsense() -> impl Strategy<Value = (Signature, Vec<Digest>)> {
    let kind = prop::sample::select(vec!["dkim", "domainkeys", "arc-seal", "arc-message", "", "other"]);
    let algorithm =
        prop::sample::select(vec!["rsa-sha1", "rsa-sha256", "ed25519-sha256", "rsa-md5", "", "-"]);
    let domain = prop::sample::select(vec![OWN, OTHER, "", "org", "\u{202e}x\u{7}", "a..b"]);
    let hash = prop::sample::select(vec!["sha1", "sha256", "", "md5"]);
    let part = prop::sample::select(vec!["header", "body", "both", ""]);
    let bytes = || {
        prop_oneof![
            Just(vec![]),
            Just(vec![0; 128]),
            Just(vec![255; 128]),
            prop::collection::vec(any::<u8>(), 0..140)
        ]
    };
    let digest = (part, hash, bytes(), any::<Option<bool>>(), any::<u64>(), any::<bool>()).prop_map(
        |(part, hash, digest, holds, uncovered, repaired)| Digest {
            ordinal: 0,
            part: part.into(),
            repair: repaired.then(|| "fold".into()),
            hash: hash.into(),
            digest,
            holds,
            uncovered,
            undone: None,
        },
    );
    let times =
        any::<[Option<i64>; 2]>().prop_map(|times| times.map(|time| time.map(tamis_model::tables::Time)));
    (
        kind,
        algorithm,
        domain,
        bytes(),
        prop::option::of(bytes()),
        any::<Option<u32>>(),
        times,
        prop::collection::vec(digest, 0..5),
    )
        .prop_map(
            |(kind, algorithm, domain, signature, body_hash, instance, [signed_at, expires_at], digests)| {
                let plain = Letter::new().facts(&[&*SIGNED]).signatures.remove(0);
                let row = Signature {
                    kind: kind.into(),
                    algorithm: algorithm.into(),
                    domain: domain.into(),
                    signature,
                    body_hash,
                    instance,
                    signed_at,
                    expires_at,
                    identity: Some("@".into()),
                    ..plain
                };
                (row, digests)
            },
        )
}
