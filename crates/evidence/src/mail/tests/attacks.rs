//! What attackers of the rules tried: each a case that once gave too much, or said something that was not so.

use tamis_model::keys::{
    Channel, Incident, IncidentWhat, KeyEvent, KeyEventKind, KeyObservation, TrustedSealer,
};
use tamis_model::tables::Digest;

use super::letter::{Claim, Letter, ONE, TWO, day};
use super::{OTHER, OWN, context, known, level, levels, short, signed};
use crate::keys::observations::KeyBook;
use crate::mail::{Context, MessageFacts, SignatureResult, judge, with_rate};

/// A letter as it stands now, with the digests of the original under the names of repairs.
fn repaired(now: &Letter, original: &Letter, claim: &Claim, rows: &[(&str, &str)]) -> MessageFacts {
    let mut facts = now.facts(&[claim]);
    let as_signed = original.facts(&[claim]);
    for (part, repair) in rows {
        let row = as_signed.digests.iter().find(|digest| digest.part == *part).unwrap();
        let undone = Some(format!("undone by {repair}"));
        facts.digests.push(Digest { repair: Some((*repair).into()), undone, ..row.clone() });
    }
    facts
}

#[test]
fn an_author_who_cannot_be_read_for_certain_is_nobodys() {
    for (what, authors, from, expected) in [
        ("as it is", &["example.org"][..], Some("example.org"), ("A", "signed")),
        ("in other spelling", &["example.org"], Some("EXAMPLE.org."), ("A", "signed")),
        ("one that cannot be read", &["example.org", ""], Some("example.org"), ("B", "third-party-signer")),
        ("only that", &[""], Some(""), ("B", "third-party-signer")),
        ("another is shown", &["example.org"], Some("bank.test"), ("B", "third-party-signer")),
        ("none is shown", &["example.org"], None, ("B", "third-party-signer")),
        ("nobody", &[], Some("example.org"), ("B", "third-party-signer")),
    ] {
        let mut facts = Letter::new().facts(&[&signed()]);
        facts.signatures[0].author_domains = authors.iter().map(|domain| domain.to_string()).collect();
        facts.message.from_domain = from.map(str::to_owned);
        let judgement = judge(&facts, &known());
        assert_eq!(short(&judgement), expected, "{what}");
        let alignment = judgement.verdicts[0].alignment.as_str();
        assert_eq!(alignment, if expected.0 == "A" { "same" } else { "none" }, "{what}");
        // That example.org is not the author's domain is not known either.
        assert!(!judgement.state.words.contains("is not the author's domain"), "{what}");
    }
}

#[test]
fn one_digest_with_a_length_leaves_the_end_open() {
    for (length, uncovered, expected) in [
        (None, 0, ("A", "signed")),
        (Some(25), 0, ("B", "body-not-covered")),
        (Some(25), 7, ("B", "body-not-covered")),
        (Some(0), 0, ("B", "body-not-covered")),
    ] {
        let mut facts = Letter::new().facts(&[&signed()]);
        facts.digests.remove(1);
        (facts.digests[0].part, facts.digests[0].uncovered) = ("both".into(), uncovered);
        let signature = &mut facts.signatures[0];
        (signature.dialect, signature.body_hash, signature.body_length) = ("draft-00".into(), None, length);
        let judgement = judge(&facts, &known());
        assert_eq!(short(&judgement), expected, "{length:?} {uncovered}");
        assert_eq!(level(&judgement, "mail.dkim.partial").is_some(), expected.0 == "B");
    }
}

#[test]
fn an_event_of_a_key_is_of_the_key_and_not_of_its_name() {
    let event = |selector: &str, at| KeyEvent {
        domain: "old.test".into(),
        selector: selector.into(),
        event: KeyEventKind::Published,
        at: day(at),
        source: "press".into(),
    };
    let judged = |event: KeyEvent| {
        let seen = vec![
            ONE.seen(OWN, "s1", Channel::Archive),
            ONE.seen("old.test", "s2", Channel::Archive),
            TWO.seen("old.test", "s3", Channel::Archive),
        ];
        let keys = KeyBook::new(seen, vec![event]);
        let context = Context { first_capture: Some(day(2000)), ..Context::new(keys, day(3000)) };
        judge(&Letter::new().facts(&[&signed()]), &context)
    };
    let judgement = judged(event("s2", 1999));
    assert_eq!(short(&judgement), ("B", "key-event"));
    assert!(judgement.state.words.contains("(as s2._domainkey.old.test: 2020-"), "{}", judgement.state.words);
    assert_eq!(level(&judgement, "mail.dkim.verified"), Some(1));
    assert_eq!(short(&judged(event("s2", 2001))), ("A", "signed"));
    assert_eq!(short(&judged(event("s3", 1999))), ("A", "signed"), "another key");
}

#[test]
fn a_witness_without_a_name_proves_nothing() {
    for channel in [Channel::Dnssec, Channel::Dns, Channel::Archive, Channel::OutsideMail] {
        for witness in [None, Some(" ".to_owned())] {
            let seen = KeyObservation { witness, ..ONE.seen(OWN, "s1", channel) };
            let judgement = judge(&Letter::new().facts(&[&signed()]), &context(vec![seen]));
            assert_eq!(short(&judgement), ("B", "key-not-witnessed"), "{channel:?}");
            assert_eq!(level(&judgement, "mail.dkim.verified"), Some(1), "{channel:?}");
            assert_eq!(judgement.verdicts[0].notes, ["witness-not-named"]);
        }
    }
}

#[test]
fn a_restored_author_is_not_the_one_shown() {
    let original = Letter::new();
    let boss = original.clone().set("From", "The Boss <boss@example.org>");
    let list = original.clone().set("From", "Anna via List <list@other.test>");
    for (what, now, repair, expected) in [
        ("another of the same domain", &boss, "from-restored", ("B", "repaired")),
        ("the list", &list, "from-restored", ("B", "third-party-signer")),
        ("by copies in the signature", &boss, "copied-fields", ("B", "repaired")),
        ("by what is not known", &boss, "something-new", ("B", "repaired")),
    ] {
        let judgement = judge(&repaired(now, &original, &signed(), &[("header", repair)]), &known());
        assert_eq!(short(&judgement), expected, "{what}");
        let verdict = &judgement.verdicts[0];
        assert!(!verdict.alignment.is_aligned(), "{what}");
        assert!(verdict.unsigned_visible.contains(&"from".to_owned()), "{what}");
        assert!(judgement.state.words.contains("known damage is undone"), "{what}");
        for finding in &judgement.findings {
            assert!(finding.strength.level() <= 1, "{what}: {finding:?}");
            assert!(finding.rule != "mail.dkim.verified", "{what}");
            if finding.rule == "mail.dkim.repaired" {
                assert!(!finding.scope.contains("from"), "{what}: {}", finding.scope);
                assert_eq!(finding.observed["undone"], format!("undone by {repair}"));
            }
        }
        assert_eq!(level(&judgement, "mail.dkim.repaired"), Some(1), "{what}");
    }
}

#[test]
fn what_holds_after_a_repair_is_a_pointer_wherever_it_is_said() {
    let original = Letter::new();
    // The header alone.
    let now = original.clone().set("Subject", "[x] Budget").saying("Something else.\r\n");
    let facts = repaired(&now, &original, &signed(), &[("header", "subject-tag-removed")]);
    let judgement = judge(&facts, &known());
    assert_eq!(
        levels(&judgement),
        [("mail.dkim.repaired", 1), ("mail.dkim.body_differs", 1)],
        "{:?}",
        judgement.state
    );
    let finding = &judgement.findings[0];
    assert_eq!(finding.scope, "from, to, date, content-type, content-transfer-encoding");
    assert_eq!(finding.observed["body_holds"], false);
    // Under a key that was computed from the case it is not even that.
    let recovered = context(vec![ONE.seen(OWN, "s1", Channel::Recovered)]);
    let judgement = judge(&facts, &recovered);
    assert_eq!(level(&judgement, "mail.dkim.repaired"), Some(0));
    assert_eq!(level(&judgement, "mail.key.recovered"), Some(0));
    // The seal of a trusted relay.
    let part = Claim { kind: "arc-message", instance: Some(1), ..Claim::of(OTHER) }.by(TWO, &original);
    let seal = Claim { kind: "arc-seal", instance: Some(1), chain: Some("none".into()), ..Claim::of(OTHER) }
        .over(&[]);
    let now = original.clone().saying("We pay 100 euros.\r\nAnna\r\n--\r\nlist\r\n");
    let mut facts = now.facts(&[&seal.by(TWO, &now), &part]);
    let row = original.facts(&[&part]).digests.remove(1);
    facts.digests.push(Digest { ordinal: 1, repair: Some("text-footer".into()), ..row });
    let sealers = vec![TrustedSealer { domain: OTHER.into(), reason: "its seals were checked".into() }];
    let judgement = judge(&facts, &Context { sealers, ..known() });
    assert_eq!(short(&judgement), ("B", "sealed"));
    assert_eq!(level(&judgement, "mail.arc.sealed"), Some(1));
    let finding = judgement.findings.iter().find(|finding| finding.rule == "mail.arc.sealed").unwrap();
    assert!(!finding.scope.contains("body"), "{}", finding.scope);
}

#[test]
fn comparable_mails_are_counted_whatever_their_state() {
    let changed = Letter::new().saying("x");
    let alone = judge(&changed.facts(&[&signed()]), &known());
    let relay = Claim::of(OTHER).by(TWO, &changed);
    let facts = changed.facts(&[&relay, &signed()]);
    let beside = judge(&facts, &known());
    assert_eq!((short(&alone).0, short(&beside).0), ("E", "B"));
    // The relay's signature makes it B, and the author's fails all the same.
    assert_eq!(alone.comparable, beside.comparable);
    assert!(beside.comparable.as_ref().unwrap().failed);
    // Before the relay's key was known it was E, with the same comparable.
    let before = judge(&facts, &context(vec![ONE.seen(OWN, "s1", Channel::Archive)]));
    assert_eq!((short(&before).0, &before.comparable), ("E", &alone.comparable));
    // Its finding says so, its sentence stays.
    let mut rated = beside.clone();
    with_rate(&mut rated, 31, 31);
    assert_eq!(rated.state, beside.state);
    let differs = |judgement: &crate::mail::Judgement, ordinal: u64| {
        let mut found = judgement.findings.iter().filter(|finding| finding.rule == "mail.dkim.body_differs");
        let found = found.find(|finding| finding.observed["ordinal"] == ordinal).unwrap();
        (found.observed["comparable"].clone(), found.strength.level())
    };
    assert_eq!(differs(&rated, 1), (serde_json::json!({ "failed": 31, "of": 31 }), 1));
    let mut rare = beside.clone();
    with_rate(&mut rare, 1, 31);
    assert_eq!(differs(&rare, 1).1, 2);
    // The rate is of one signer: another one's mismatch in the same mail has none.
    let mut both = judge(&changed.facts(&[&Claim::of(OTHER).by(TWO, &Letter::new()), &signed()]), &known());
    with_rate(&mut both, 1, 31);
    assert_eq!(differs(&both, 1).1, 2);
    assert_eq!(differs(&both, 0), (serde_json::Value::Null, 1));
}

#[test]
fn what_was_not_looked_at_is_not_said_to_lack_a_key() {
    // The reader's limit: 10,050 fields, or more than 64 signatures.
    let mut facts = Letter::new().facts(&[&signed()]);
    facts.signatures[0].defects = ["malformed", "not-judged"].map(str::to_owned).to_vec();
    facts.digests.clear();
    for context in [known(), context(vec![])] {
        let judgement = judge(&facts, &context);
        assert_eq!(short(&judgement), ("D", "not-judged"));
        assert_eq!(judgement.verdicts[0].result, SignatureResult::Unsupported);
        assert_eq!(levels(&judgement), [], "neither no key nor none that fits");
        assert!(!judgement.state.words.contains("key"), "{}", judgement.state.words);
    }
    // Beside one that was looked at and whose key is not known.
    let mut two = Letter::new().facts(&[&signed(), &signed()]);
    two.signatures[1].defects = ["malformed", "not-judged"].map(str::to_owned).to_vec();
    assert_eq!(short(&judge(&two, &context(vec![]))), ("D", "not-judged"));
    // Our own: so many keys of one pair that not all can be tried.
    let key = |seed: u32| {
        let mut seen = ONE.seen(OWN, "s1", Channel::Archive);
        let modulus = [vec![0xc1; 123], seed.to_be_bytes().to_vec(), vec![1]].concat();
        let key = crate::keys::PublicKey::Rsa { modulus, exponent: vec![1, 0, 1] };
        seen.key = tamis_model::keys::ObservedKey::Spki(key.spki());
        seen
    };
    let judgement = judge(&Letter::new().facts(&[&signed()]), &context((0..9000).map(key).collect()));
    assert_eq!(short(&judgement), ("D", "not-judged"));
    assert_eq!(judgement.verdicts[0].key_fits, None);
    assert_eq!(level(&judgement, "mail.dkim.key_does_not_fit"), None);
}

#[test]
fn lists_that_do_not_name_themselves_are_lists() {
    let changed = Letter::new().saying("x");
    let plain = changed.facts(&[&signed()]);
    let mut marked = plain.clone();
    marked.message.marks = vec!["list".into()];
    let mut offered = plain.clone();
    let row = Digest { repair: Some("first-part+sender-removed".into()), ..offered.digests[0].clone() };
    offered.digests.push(Digest { digest: vec![0; 32], ..row });
    let signer = changed.facts(&[&Claim::of("lists.other.test").by(TWO, &changed), &signed()]);
    for (what, facts, route, strength) in [
        ("plain", plain, "untouched", 2),
        ("marked", marked, "list", 1),
        ("by repairs that lists alone are offered", offered, "list", 1),
        ("by a signer that is a list", signer, "list", 1),
    ] {
        let mut judgement = judge(&facts, &known());
        with_rate(&mut judgement, 1, 400);
        let finding =
            judgement.findings.iter().find(|finding| finding.rule == "mail.dkim.body_differs").unwrap();
        assert_eq!(finding.observed["route"], route, "{what}");
        assert_eq!(finding.strength.level(), strength, "{what}");
        let rate = crate::rules::Rule::named("mail.dkim.body_differs").unwrap().rate(match route {
            "list" => crate::rules::Route::List,
            _ => crate::rules::Route::Untouched,
        });
        assert_eq!(finding.base_rate, rate, "{what}");
    }
}

#[test]
fn a_copy_that_came_later_was_first_seen_later() {
    let event = KeyEvent {
        domain: OWN.into(),
        selector: "s1".into(),
        event: KeyEventKind::Published,
        at: day(2100),
        source: "owner".into(),
    };
    let incident = Incident {
        what: IncidentWhat::Key,
        whose: Some(OWN.into()),
        from: day(2050),
        to: None,
        source: None,
    };
    let keys = KeyBook::new(vec![ONE.seen(OWN, "s1", Channel::Archive)], vec![event]);
    let context = Context {
        first_capture: Some(day(2000)),
        incidents: vec![incident],
        ..Context::new(keys, day(3000))
    };
    for (first_seen, expected, after, flags) in [
        (None, ("A", "signed"), 2000, &[][..]),
        (Some(1900), ("A", "signed"), 1900, &[]),
        (Some(2060), ("A", "signed"), 2060, &["after-intrusion"]),
        (Some(2100), ("B", "key-event"), 2100, &["after-intrusion", "key-event"]),
    ] {
        let mut facts = Letter::new().facts(&[&signed()]);
        facts.first_seen = first_seen.map(day);
        let judgement = judge(&facts, &context);
        assert_eq!(short(&judgement), expected, "{first_seen:?}");
        assert_eq!(judgement.state.flags, flags, "{first_seen:?}");
        assert_eq!(judgement.state.not_after, Some(day(after)), "{first_seen:?}");
    }
    // A signer's clock is ahead of the copy, not of the case.
    let claim = Claim { signed_at: Some(day(2010)), ..Claim::of(OWN) }.by(ONE, &Letter::new());
    let mut facts = Letter::new().facts(&[&claim]);
    facts.first_seen = Some(day(2020));
    assert_eq!(judge(&facts, &known()).verdicts[0].notes, Vec::<String>::new());
}
