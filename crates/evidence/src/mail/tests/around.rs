//! What stands around a signature: lists, chains of relays, intrusions, certificates, other mails of the case.

use tamis_model::keys::{Channel, Incident, IncidentWhat, TrustedSealer};
use tamis_model::tables::{Digest, PartSignature};

use super::letter::{Claim, Key, Letter, ONE, TWO, day};
use super::{OTHER, OWN, context, known, level, short, signed};
use crate::mail::{ChainResult, Context, Judgement, SignatureResult, judge, with_rate};

#[test]
fn a_list_that_signs_what_it_changed() {
    let changed = Letter::new()
        .saying("We pay 100 euros.\r\nAnna\r\n--\r\nthe list\r\n")
        .on_top("List-Id", "l.other.test");
    let list = Claim::of(OTHER).by(TWO, &changed);
    let facts = changed.facts(&[&list, &signed()]);
    let judgement = judge(&facts, &known());
    assert_eq!(short(&judgement), ("B", "third-party-signer"));
    assert_eq!(judgement.state.flags, ["list", "third-party-signer"]);
    // The author's signature differs, as on most list mail: a pointer, with the rate of such mail.
    assert_eq!(level(&judgement, "mail.dkim.body_differs"), Some(1));
    let finding = judgement.findings.iter().find(|finding| finding.rule == "mail.dkim.body_differs").unwrap();
    assert_eq!(finding.base_rate.as_ref().map(|rate| (rate.hits, rate.of)), Some((8, 756)));
    // Where the list's key was only computed from the case, nothing outweighs the difference.
    let keys = vec![ONE.seen(OWN, "s1", Channel::Archive), TWO.seen(OTHER, "s1", Channel::Recovered)];
    assert_eq!(short(&judge(&facts, &context(keys))), ("E", "body-differs"));
    // And an author's signature that holds outweighs a relay's that does not, whoever saw its key.
    let facts = Letter::new().facts(&[&list, &signed()]);
    let keys = vec![ONE.seen(OWN, "s1", Channel::Recovered), TWO.seen(OTHER, "s1", Channel::Archive)];
    assert_eq!(short(&judge(&facts, &context(keys))), ("C", "recovered-key"));
}

#[test]
fn the_rate_of_comparable_mails_is_filled_in() {
    let facts = Letter::new().saying("x").facts(&[&signed()]);
    let first = judge(&facts, &known());
    let failing = first.comparable.clone().unwrap();
    let holding = judge(&Letter::new().facts(&[&signed()]), &known()).comparable.unwrap();
    assert!(failing.failed && !holding.failed && failing.key == holding.key);
    for (failed, of, strength) in [
        // Alone, or among few, nothing is known of the route.
        (1, 1, 1),
        (1, 19, 1),
        (1, 20, 2),
        (1, 400, 2),
        (2, 400, 2),
        // More of the others fail than honest mail explains.
        (2, 3, 1),
        (2, 40, 1),
        (40, 400, 1),
    ] {
        let mut judgement = first.clone();
        with_rate(&mut judgement, failed, of);
        assert_eq!(
            judgement.state.words,
            format!(
                "The signature on this copy does not match its content. {failed} of {of} comparable mails in this case show the same. It does not say who or what changed it."
            )
        );
        assert_eq!(level(&judgement, "mail.dkim.body_differs"), Some(strength), "{failed} of {of}");
    }
    let mut judgement = judge(&Letter::new().facts(&[&signed()]), &known());
    let before = judgement.clone();
    with_rate(&mut judgement, 3, 4);
    assert_eq!(judgement, before);
}

/// A chain of sealers over one letter: of each hop a seal and a message signature, the newest on top.
fn chain_of(letter: &Letter, hops: &[(&str, Key, &str)]) -> Vec<Claim> {
    let mut claims = vec![];
    for (i, (domain, key, cv)) in hops.iter().enumerate() {
        let instance = Some(i as u32 + 1);
        let message = Claim { kind: "arc-message", instance, signed_at: Some(day(310)), ..Claim::of(domain) };
        let seal = Claim { kind: "arc-seal", chain: Some((*cv).into()), ..message.clone() }.over(&[]);
        claims.insert(0, message.by(*key, letter));
        claims.insert(0, seal.by(*key, letter));
    }
    claims
}

fn judge_chain(letter: &Letter, claims: &[Claim], context: &Context) -> Judgement {
    judge(&letter.facts(&claims.iter().collect::<Vec<_>>()), context)
}

fn trusting(context: Context) -> Context {
    Context {
        sealers: vec![TrustedSealer { domain: OTHER.into(), reason: "its seals were checked".into() }],
        ..context
    }
}

#[test]
fn chains_hop_by_hop() {
    let letter = Letter::new();
    let both = [(OWN, ONE, "none"), (OTHER, TWO, "pass")];
    let claims = chain_of(&letter, &both);
    let without = |i: usize| {
        let mut claims = claims.clone();
        claims.remove(i);
        claims
    };
    let cv = |i: usize, cv: &str| {
        let mut claims = claims.clone();
        claims[i].chain = Some(cv.into());
        claims
    };
    for (what, claims, result, hops) in [
        ("whole", claims.clone(), ChainResult::Pass, 2),
        ("no chain", vec![], ChainResult::None, 0),
        ("first seal missing", without(2), ChainResult::Fail, 2),
        ("first message signature missing", without(3), ChainResult::Fail, 2),
        ("last message signature missing", without(1), ChainResult::Fail, 2),
        ("only the second hop", claims[..2].to_vec(), ChainResult::Fail, 2),
        ("says fail", chain_of(&letter, &[both[0], (OTHER, TWO, "fail")]), ChainResult::Fail, 2),
        ("none at the second hop", chain_of(&letter, &[both[0], (OTHER, TWO, "none")]), ChainResult::Fail, 2),
        ("pass at the first hop", chain_of(&letter, &[(OWN, ONE, "pass")]), ChainResult::Fail, 1),
        ("cv= changed afterwards", cv(0, "none"), ChainResult::Fail, 2),
    ] {
        let chain = judge_chain(&letter, &claims, &known()).chain;
        assert_eq!((chain.result, chain.hops), (result, hops), "{what}: {:?}", chain.why);
    }
    // Without a key nothing is said, and nothing fails.
    let some = context(vec![TWO.seen(OTHER, "s1", Channel::Dns)]);
    assert_eq!(judge_chain(&letter, &claims, &some).chain.result, ChainResult::None);
}

#[test]
fn a_chain_passes_only_well_formed() {
    let letter = Letter::new();
    let claims = chain_of(&letter, &[(OWN, ONE, "none"), (OTHER, TWO, "pass")]);
    // From the top: seal and message signature of the second hop, then of the first.
    for (at, defect, result) in [
        (0, "duplicate-tag", ChainResult::Fail),
        (1, "duplicate-tag", ChainResult::Fail),
        (0, "no-algorithm", ChainResult::Fail),
        (2, "no-algorithm", ChainResult::Fail),
        (3, "no-algorithm", ChainResult::Fail),
        (2, "seal-tags", ChainResult::Fail),
        (1, "seal-signed", ChainResult::Fail),
        // What an earlier relay signed is the later one's to judge.
        (3, "seal-signed", ChainResult::Pass),
        (0, "empty-tag", ChainResult::Pass),
        (1, "base64-junk", ChainResult::Pass),
    ] {
        let mut facts = letter.facts(&claims.iter().collect::<Vec<_>>());
        facts.signatures[at].defects = vec![defect.into()];
        let chain = judge(&facts, &known()).chain;
        assert_eq!(chain.result, result, "{at} {defect}: {:?}", chain.why);
    }
}

#[test]
fn a_chain_that_holds_after_a_repair_is_not_said_to_pass() {
    let claims = chain_of(&Letter::new(), &[(OWN, ONE, "none"), (OTHER, TWO, "pass")]);
    let claims: Vec<&Claim> = claims.iter().collect();
    let as_sealed = Letter::new().facts(&claims);
    let body = |ordinal| {
        let is = |digest: &&Digest| digest.ordinal == ordinal && digest.part == "body";
        as_sealed.digests.iter().find(is).unwrap().clone()
    };
    // Relaxed fields where c= does not say so are how early sealers signed: no damage.
    let mut facts = Letter::new().facts(&claims);
    let header =
        facts.digests.iter_mut().find(|digest| digest.ordinal == 1 && digest.part == "header").unwrap();
    let relaxed = Digest { repair: Some("relaxed-header".into()), ..header.clone() };
    header.digest[0] ^= 1;
    facts.digests.push(relaxed);
    let judgement = judge(&facts, &known());
    assert_eq!(
        (judgement.chain.result, &*judgement.verdicts[1].notes),
        (ChainResult::Pass, &["relaxed-header".to_owned()][..])
    );
    // Ordinal 1 is the message signature of the last hop.
    let mut facts = Letter::new().saying("We pay 100 euros.\r\nAnna\r\n--\r\nlist\r\n").facts(&claims);
    let undone = Some("6 bytes: list".to_owned());
    facts.digests.push(Digest { repair: Some("text-footer".into()), undone, ..body(1) });
    let judgement = judge(&facts, &trusting(known()));
    assert_eq!(judgement.chain.result, ChainResult::None);
    assert_eq!(judgement.chain.why.as_deref(), Some("hop 2 holds only once known damage is undone"));
    assert_eq!(short(&judgement), ("B", "sealed"));
    assert!(judgement.state.words.contains("once known damage is undone (text-footer)"));
    assert!(!judgement.findings.iter().any(|finding| finding.rule == "mail.arc.chain_broken"));
}

#[test]
fn a_seal_alone_does_not_say_that_bytes_are_lost() {
    let letter = Letter::new();
    let mut claims = chain_of(&letter, &[(OTHER, TWO, "none")]);
    claims[1].b[40] ^= 1;
    let facts = |form: &str| {
        let mut facts = letter.facts(&claims.iter().collect::<Vec<_>>());
        facts.message.form = form.into();
        facts
    };
    // The seal holds; the message signature was made by no known key.
    assert_eq!(judge(&facts("source"), &known()).verdicts[0].result, SignatureResult::Verified);
    assert_eq!(short(&judge(&facts("source"), &known())), ("D", "no-fitting-key"));
    assert_eq!(short(&judge(&facts("rebuilt"), &known())), ("D", "bytes-not-kept"));
}

#[test]
fn the_seal_of_a_trusted_relay_is_b() {
    let letter = Letter::new();
    let claims = chain_of(&letter, &[(OWN, ONE, "none"), (OTHER, TWO, "pass")]);
    let changed = Letter::new().saying("x");
    let only = |channel| context(vec![TWO.seen(OTHER, "s1", channel)]);
    for (what, letter, context, expected) in [
        ("trusted", &letter, trusting(known()), ("B", "sealed")),
        ("trusted, first key unknown", &letter, trusting(only(Channel::Dns)), ("B", "sealed")),
        ("not trusted", &letter, known(), ("C", "sealer-not-trusted")),
        (
            "key computed from the case",
            &letter,
            trusting(only(Channel::Recovered)),
            ("C", "sealer-not-trusted"),
        ),
        // What the source form keeps is kept: the message is not what was sealed, and its author did not sign.
        ("changed since", &changed, trusting(known()), ("D", "unsigned")),
    ] {
        let judgement = judge_chain(letter, &claims, &context);
        assert_eq!(short(&judgement), expected, "{what}");
        let is_sealed = expected.1 == "sealed";
        assert_eq!(level(&judgement, "mail.arc.sealed"), is_sealed.then_some(4), "{what}");
        if is_sealed {
            assert!(judgement.state.words.starts_with("Sealed on receipt by other.test: "));
            assert_eq!((judgement.state.not_before, judgement.state.not_after), (None, Some(day(310))));
        }
    }
    // A seal is never A, even if the author's own domain is trusted as a sealer.
    let own = chain_of(&letter, &[(OWN, ONE, "none")]);
    let sealers = vec![TrustedSealer { domain: OWN.into(), reason: "own".into() }];
    assert_eq!(short(&judge_chain(&letter, &own, &Context { sealers, ..known() })), ("B", "sealed"));
}

#[test]
fn intrusions_stand_beside_what_cannot_be_shown_to_be_earlier() {
    let incident = |what, whose: &str, from, to: Option<i64>| Incident {
        what,
        whose: (!whose.is_empty()).then(|| whose.to_owned()),
        from: day(from),
        to: to.map(day),
        source: None,
    };
    use IncidentWhat::{Key as SigningKey, Laptop, Mailbox, Server, Theft};
    // Signed at day 305, captured at day 2000.
    for (incident, flagged) in [
        (incident(Mailbox, "anna@example.org", 300, None), true),
        (incident(Mailbox, "anna@example.org", 306, None), false),
        (incident(Mailbox, "anna@example.org", 200, Some(300)), false),
        (incident(Mailbox, "bob@example.org", 300, None), false),
        (incident(Mailbox, "example.org", 300, None), true),
        (incident(Laptop, "anna", 300, None), true),
        (incident(Laptop, "carl", 300, None), false),
        (incident(Theft, "", 300, None), true),
        (incident(Theft, "", 306, None), false),
        // Who has the server or the key sets its clock.
        (incident(Server, "example.org", 306, None), true),
        (incident(Server, "example.net", 306, None), false),
        (incident(SigningKey, "example.org", 1999, None), true),
        (incident(SigningKey, "example.org", 2001, None), false),
    ] {
        let context = Context { incidents: vec![incident.clone()], ..known() };
        let judgement = judge(&Letter::new().facts(&[&signed()]), &context);
        assert_eq!(judgement.state.flags.contains(&"after-intrusion".into()), flagged, "{incident:?}");
        assert_eq!(judgement.state.state, "A");
    }
    // A trusted relay's clock bounds what the server's does not.
    let mut claims = chain_of(&Letter::new(), &[(OTHER, TWO, "none")]);
    claims.push(signed());
    let context =
        trusting(Context { incidents: vec![incident(Server, "example.org", 311, None)], ..known() });
    let judgement = judge_chain(&Letter::new(), &claims, &context);
    assert_eq!((short(&judgement), &*judgement.state.flags), (("A", "signed"), &[][..]));
    // A key that nobody had seen before the intrusion is told.
    let context = Context { incidents: vec![incident(Theft, "", 99, None)], ..known() };
    let judgement = judge(&Letter::new().facts(&[&signed()]), &context);
    assert_eq!(level(&judgement, "mail.key.new_selector"), Some(0));
}

#[test]
fn certificates_inside_a_mail_give_c_at_most() {
    let part = |kind: &str, result: &str| PartSignature {
        ordinal: 0,
        part: "1".into(),
        kind: kind.into(),
        result: result.into(),
        signer: Some("Anna".into()),
        addresses: vec!["anna@example.org".into()],
        issuer: Some("A Great Root".into()),
        key_id: None,
        key_from: Some("signature".into()),
        algorithm: Some("rsa-sha256".into()),
        key_bits: Some(2048),
        signed_at: None,
        valid_from: None,
        valid_to: None,
        self_issued: Some(false),
        note: None,
    };
    for (kind, result, state, rule) in [
        ("smime", "verified", ("C", "key-inside"), Some("mail.smime.verified")),
        ("pgp", "verified", ("C", "key-inside"), Some("mail.pgp.verified")),
        ("smime", "does-not-verify", ("D", "unsigned"), Some("mail.smime.differs")),
        ("pgp", "does-not-verify", ("D", "unsigned"), Some("mail.pgp.differs")),
        ("pgp", "no-key", ("D", "unsigned"), None),
    ] {
        let mut facts = Letter::new().facts(&[]);
        facts.part_signatures = vec![part(kind, result)];
        let judgement = judge(&facts, &known());
        assert_eq!(short(&judgement), state, "{kind} {result}");
        assert_eq!(judgement.findings.first().map(|finding| finding.rule.as_str()), rule);
        assert!(judgement.findings.iter().all(|finding| finding.strength.level() <= 1));
    }
}

#[test]
fn a_signers_clock_ahead_of_the_first_capture_bounds_nothing() {
    let claim = Claim { signed_at: Some(day(2001)), ..Claim::of(OWN) }.by(ONE, &Letter::new());
    let judgement = judge(&Letter::new().facts(&[&claim]), &known());
    assert_eq!((judgement.state.not_before, judgement.state.not_after), (None, Some(day(2000))));
    assert_eq!(judgement.verdicts[0].notes, ["signed-in-the-future"]);
}
